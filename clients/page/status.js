// How the portals are doing, asked of the gateway again and again while somebody looks.

import * as unpad from "./unpad.js";
import { announce, count, fill, h, many, span, theirs, trouble, waiting } from "./dom.js";

const EVERY = 4000;
const MOST_WAIT = 60_000;
const WORD = { ok: "ok", failing: "failing", suspended: "suspended" };
const worse = ({ health }) => ({ suspended: 0, failing: 1 }[health?.state] ?? 2);

/** The first way to sort is the one that shows trouble first. */
const COLUMNS = [
  ["Portal", (one) => (one.title || one.id).toLowerCase(), false],
  ["State", (one) => worse(one) * 2 + (one.last_error ? 0 : 1), false],
  ["Answers", (one) => one.answers, true],
  ["From the cache", (one) => one.hit_ratio ?? -1, true],
  ["Median,\u00a0ms", (one) => one.portal_ms?.median ?? -1, true],
  ["95\u00a0% within,\u00a0ms", (one) => one.portal_ms?.p95 ?? -1, true],
  ["Last error", (one) => (one.last_error ? -Date.parse(one.last_error.at) : Infinity), false],
];

export function status(section, signal) {
  const title = h("h1", { id: "status-title", tabindex: "-1" }, "Status");
  const when = h("p", { class: "small" });
  const figures = h("dl", { class: "figures" });
  const problem = h("div");
  const body = h("tbody");
  let sorted = 1;
  let downwards = false;
  let latest = null;
  let wait = EVERY;
  let timer;
  let troubled = null;
  const heads = COLUMNS.map(([name, , right], at) => h("th", { scope: "col", class: right ? "right" : null }, h("button", { type: "button", onclick: () => {
    downwards = sorted === at ? !downwards : right;
    sorted = at;
    draw();
  } }, name)));
  const table = h("table", { class: "plain" }, h("thead", {}, h("tr", {}, heads)), body);
  const holder = h("div", { class: "health", role: "region", tabindex: "0", "aria-labelledby": "status-title", hidden: true }, table);
  const idle = h("div");
  fill(section, h("div", { class: "section-head" }, title, when), problem, figures, holder, idle);
  if (document.activeElement === document.body) title.focus({ preventScroll: true });

  const number = (value) => h("td", { class: "right" }, value);
  function row(one) {
    const state = one.health?.state ?? "ok";
    const error = one.last_error;
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#portal=${encodeURIComponent(one.id)}` }, theirs(one.title || one.id)), one.title && [" ", h("span", { class: "small" }, one.id)]),
      h("td", {}, h("span", { class: `state ${state}` }, WORD[state] ?? state), one.health?.retry_after_s ? h("span", { class: "small wait" }, `for ${span(one.health.retry_after_s)}`) : null),
      number(count(one.answers)),
      number(one.hit_ratio === null ? "" : [`${Math.round(one.hit_ratio * 100)} %`, bar(one.hit_ratio)]),
      number(one.portal_ms ? milliseconds(one.portal_ms.median) : ""), number(one.portal_ms ? milliseconds(one.portal_ms.p95) : ""),
      h("td", { class: "last" }, error && [theirs(error.title), " ", h("span", { class: "soft" }, `${span((Date.now() - Date.parse(error.at)) / 1000)} ago`), error.detail && theirs(error.detail.slice(0, 300), "span", { class: "small lines block" })]));
  }
  const bar = (ratio) => {
    const inner = h("i");
    inner.style.width = `${ratio * 100}%`;
    return h("span", { class: "ratio", "aria-hidden": "true" }, inner);
  };
  const milliseconds = (value) => (value < 1 ? "< 1" : count(Math.round(value)));

  function draw() {
    const seen = latest.portals.filter((one) => one.answers > 0 || worse(one) < 2 || one.last_error);
    const rest = latest.portals.filter((one) => !seen.includes(one));
    const [, value] = COLUMNS[sorted];
    const order = [...seen].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * (downwards ? -1 : 1) || b.answers - a.answers;
    });
    heads.forEach((head, at) => (at === sorted ? head.setAttribute("aria-sort", downwards ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    fill(body, order.map(row));
    if (focused) [...body.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus({ preventScroll: true });
    holder.hidden = seen.length === 0;
    const key = rest.map((one) => one.id).join(" ");
    if (idle.dataset.key !== key) {
      idle.dataset.key = key;
      fill(idle, rest.length > 0 && [h("h2", { class: "idle-title" }, seen.length === 0 ? "No portal has been asked since the gateway started" : `${many(rest.length, "portal")} not asked since the gateway started`),
        h("ul", { class: "idle" }, rest.map((one) => h("li", {}, h("a", { href: `#portal=${encodeURIComponent(one.id)}` }, theirs(one.title || one.id)))))]);
    }
    const of = (state) => latest.portals.filter((one) => one.health?.state === state).length;
    const answers = latest.portals.reduce((sum, one) => sum + one.answers, 0);
    const hits = latest.portals.reduce((sum, one) => sum + one.hits, 0);
    const figure = (name, value, more) => h("div", {}, h("dt", {}, name), h("dd", {}, value, more && h("small", {}, ` ${more}`)));
    const bad = of("suspended") + of("failing");
    fill(figures, figure("Portals in trouble", count(bad), `of ${count(latest.portals.length)}`), figure("Answers", count(answers)),
      figure("From the cache", answers > 0 ? `${Math.round((hits / answers) * 100)} %` : "–"), figure("Kept in memory", size(latest.memory.bytes), many(latest.memory.entries, "entry", "entries")),
      latest.disk && figure("Kept on disk", size(latest.disk.bytes), many(latest.disk.entries, "entry", "entries")), figure("Up for", latest.uptime_s < 1 ? "a moment" : span(latest.uptime_s), latest.offline ? "from the cache only (offline)" : ""));
    // Those who listen hear of changes only.
    const said = bad === 0 ? "No portal is in trouble." : `${many(bad, "portal")} in trouble.`;
    if (troubled !== said) announce((troubled = said));
  }
  const size = (value) => (value < 1000 ? `${value} B` : value < 999_500 ? `${Math.round(value / 1000)} kB` : value < 999_500_000 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(1)} GB`);

  async function poll() {
    clearTimeout(timer);
    if (signal.aborted || document.hidden) return;
    try {
      latest = await ask(AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
      wait = EVERY;
      fill(problem);
      when.textContent = `As of ${new Date().toLocaleTimeString("en-GB")}; looks again every ${EVERY / 1000} seconds. unpad ${latest.version}`;
      draw();
    } catch (error) {
      if (signal.aborted) return;
      wait = Math.min(MOST_WAIT, wait * 2);
      if (latest) when.textContent = when.textContent.replace(/;.*/, "; not renewed since.");
      if (!problem.firstChild || problem.dataset.wait !== String(wait)) {
        problem.dataset.wait = String(wait);
        const focus = problem.contains(document.activeElement);
        fill(problem, trouble(error, [[`Try now (else in ${span(wait / 1000)})`, poll]]));
        if (focus) problem.querySelector("button")?.focus();
      }
    }
    if (!signal.aborted) timer = setTimeout(poll, wait);
  }
  document.addEventListener("visibilitychange", poll, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  if (!latest) when.textContent = "Asking the gateway…";
  poll();
}

async function ask(signal) {
  const url = `${unpad.gateway()}/status`;
  let response;
  try {
    response = await fetch(url, { cache: "no-store", signal });
    if (response.ok) return await response.json();
  } catch {
    throw new unpad.UnpadError("The gateway does not answer", `${url} could not be read.`, "It may be starting again, or your network may be away. This page goes on asking, less and less often.");
  }
  throw new unpad.UnpadError(`The gateway answers with ${response.status}`, `${url} should tell how the portals are doing.`, "Something between you and the gateway may have answered in its place.");
}
