// What is chosen: its preview, the lines that read it, and its chart.

import * as unpad from "./unpad.js";
import { announce, bytes, copyButton, fill, h, lastOf, link, linkOut, many, part, span, theirs, trouble, waiting } from "./dom.js";
import { bridged, look } from "./data.js";
import { grid, record } from "./grid.js";
import { safeName, snippets } from "./snippets.js";
import { tree } from "./tree.js";

const at = (id) => document.getElementById(id);
const base = () => unpad.gateway();
const here = (id) => `${base()}/p/${encodeURIComponent(id)}`;

/** Draws preview, snippets and chart of a place, and has the verdict drawn: `verdict({ source, read })`. */
export async function preview(place, portal, { signal, focus = false, refresh = false, verdict }) {
  const again = () => preview(place, portal, { signal, focus: true, refresh: true, verdict });
  const section = at("preview");
  const heading = h("h2", { id: "preview-title", tabindex: "-1" }, "Preview");
  section.hidden = false;
  fill(section, h("div", { class: "section-head" }, heading), waiting(refresh ? "Asking the portal again…" : "Asking for the first rows…"));
  section.setAttribute("aria-busy", "true");
  if (focus) {
    heading.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  }
  // To fill it again takes the heading out, and the focus with it.
  const refill = (beside, ...children) => {
    const focused = document.activeElement === heading;
    fill(section, h("div", { class: "section-head" }, heading, beside), ...children);
    if (focused) heading.focus({ preventScroll: true });
  };
  const target = { portal: place.portal, resource: place.resource, path: place.path };
  let looked;
  try {
    looked = await look(target, { signal, refresh });
  } catch (error) {
    if (signal.aborted) return;
    const own = place.resource?.url && linkOut(place.resource.url, place.resource.url, { class: "break" });
    refill(null, trouble(error, [["Try again", again]]),
      own && h("p", { class: "say" }, "The portal's own link, past this gateway: ", own));
    const opaque = { kind: kindBySaid(place), url: bridged({ portal: place.portal, resource: place.resource?.id, path: place.path }), told: null };
    // What is refused or not there would not be there for these lines either.
    at("snippets").hidden = true;
    if (!(error.status >= 400 && error.status < 500)) drawSnippets(place, { ...opaque, file: opaque.url });
    verdict({ read: false });
    at("chart").hidden = true;
    return;
  } finally {
    section.removeAttribute("aria-busy");
  }
  if (signal.aborted) return;
  const { rows, told } = looked;
  const renew = h("button", { type: "button", class: "quiet", onclick: again }, "Ask the portal again");
  const size = looked.length === null || looked.length === undefined ? null : bytes(looked.length);
  const words = rows ? `${many(rows.total, "row")}${looked.whole === false ? " at its beginning" : ""}, ${many(rows.columns.length, "column")}` : size ?? "";
  const slow = h("div");
  const shownRows = rows && grid(rows, { label: `Rows of ${place.title}`, onOpen: (row) => record(rows, row, { onClose: (last) => shownRows.focus(last) }) });
  if (shownRows) {
    const drawn = rows.onChange;
    rows.onChange = () => {
      drawn();
      fill(slow, rows.failure && trouble(rows.failure, [["Try again", () => rows.retry()]]));
    };
  }
  refill(h("p", { class: "small" }, words),
    looked.notes.map((text) => h("p", { class: "remark soft" }, text)),
    rows && rows.total > 0 && shownRows.element,
    rows && rows.total === 0 && h("p", { class: "soft" }, "It has columns, but no rows."),
    slow,
    looked.tree !== undefined && looked.tree !== null ? tree(looked.tree) : looked.tree === null && !rows && !looked.text ? h("p", {}, "null") : null,
    looked.text && h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": `The beginning of ${place.title}` }, looked.text),
    rows && rows.total > 0 && h("p", { class: "under" }, h("span", {}, "A click on a row's number, or Enter, opens the row in full. – stands for no value."), renew),
    !rows && h("p", { class: "under" }, h("span"), renew),
    facts(portal, looked, place.dataset ?? looked.tree?.result));
  announce(`Preview: ${words}`);
  drawSnippets(place, looked);
  verdict({ source: told?.source, read: true });
  drawChart(place, looked, signal);
}

const kindBySaid = ({ resource, path }) => {
  const said = resource?.format || path || "";
  return resource?.inDatastore ? "table" : /csv|tsv/i.test(said) ? "csv" : /json/i.test(said) ? "json" : "file";
};

/** What the cache knows and which policy applies, in words. */
function facts(portal, { told, length }, dataset) {
  const age = Math.max(0, (Date.now() - told.retrieved) / 1000);
  const { cache } = told;
  const left = cache.ttl !== null && cache.ttl > 0 ? `; fresh for ${cache.hit ? "another " : ""}${span(Math.max(1, cache.ttl))}` : "";
  const known = cache.stale && !cache.hit ? `The portal does not answer now. This is what it gave ${span(age)} ago.`
    : cache.stale ? `From the cache, from ${span(age)} ago: no longer fresh, and being checked with the portal.`
      : cache.hit ? `From the cache: the portal gave it ${span(age)} ago${left}.`
        : cache.text === null ? `The gateway does not say. The portal gave it ${span(age)} ago.`
          : `Asked of the portal ${age < 5 ? "just now" : `${span(age)} ago`}, and ${cache.stored ? `kept${left}` : "not kept"}.`;
  const { freshness } = portal.policy ?? {};
  const policy = !freshness ? null : freshness.decided_by === "portal"
    ? `The portal decides how long its answers are fresh${freshness.default_s ? `; where it does not, ${span(freshness.default_s)}` : ""}.`
    : `Answers are fresh for ${span(freshness.default_s ?? 0)} unless a kind of answer has its own time.`;
  const late = freshness && [[freshness.stale_while_revalidate_s, "while the portal is asked"], [freshness.stale_if_error_s, "while the portal fails"]].filter(([seconds]) => seconds > 0).map(([seconds, when]) => `for ${span(seconds)} ${when}`);
  const after = late?.length > 0 ? ` After that, a stale one is used ${late.join(", and ")}.` : "";
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
  // The field names the licence of the whole portal.
  const own = dataset?.license_title || dataset?.license_id;
  const licence = dataset?.license_url || own || told.licence || portal.licence;
  return h("dl", { class: "facts" }, row("Cache", known), policy && row("Policy", policy + after), told.source && row("Source", link(told.source)),
    licence && row("Licence", /^https?:/.test(licence) ? link(licence, theirs(own || licence)) : theirs(own || licence)),
    (told.attribution ?? portal.attribution) && row("Attribution", theirs(told.attribution ?? portal.attribution)),
    length !== null && length !== undefined && row("File", bytes(length)));
}

// --- Snippets ---------------------------------------------------------------------------------------

let language = "jupyterlite";
let wheel = null;
const askWheel = async () => {
  const response = await fetch(`${base()}/simple/unpad/`, { headers: { Accept: "application/vnd.pypi.simple.v1+json" } });
  const { files } = await response.json();
  return new URL(files.at(-1).url, response.url).href;
};

async function drawSnippets(place, looked) {
  const section = at("snippets");
  const { kind, url, file } = looked;
  const { resource, portal } = place;
  const said = kind === "table" || kind === "csv" ? "csv" : kind === "json" ? (looked.geo ? "geojson" : "json") : /^[a-z0-9]{1,8}$/i.test(resource?.format ?? "") ? resource.format.toLowerCase() : "";
  const filename = safeName(looked.name || (place.resource?.url && kind !== "table" && lastOf(place.resource.url.split("://").pop())) || place.title, said);
  const list = snippets({ gateway: base(), wheel: await (wheel ??= askWheel().catch(() => `${base()}/client/unpad-0.1.0-py3-none-any.whl`)), url, kind, portal, dataset: place.dataset?.name, resource: resource?.id, format: resource?.format, filename, delimiter: looked.delimiter, encoding: looked.encoding, inside: looked.inside });
  const urls = kind === "table" ? [["All rows as CSV", url], ["Rows as JSON", `${here(portal)}/api/3/action/datastore_search?resource_id=${encodeURIComponent(resource.id)}&limit=1000`], ["The file itself", file]] : [["The bridged URL", url]];
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Language" });
  const code = h("code");
  const pre = h("pre", { tabindex: "0", role: "tabpanel", id: "snippet" }, code);
  const panel = h("div", { class: "code" }, pre, copyButton(() => code.textContent, "these lines"));
  const say = h("p", { class: "say" });
  const choose = (id, focus) => {
    language = id;
    for (const tab of tabs.children) {
      const on = tab.id === `tab-${id}`;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    }
    pre.setAttribute("aria-labelledby", `tab-${id}`);
    code.textContent = list.find((one) => one.id === id).code;
    say.textContent = { jupyterlite: "For a cell of JupyterLite, or of any notebook with Python. The last line saves the file next to the notebook, byte for byte.", javascript: "In a page, these lines stand within <script type=\"module\">: import works only there and in other modules. In a browser's console, the first line is: const unpad = await import(" + JSON.stringify(`${base()}/client/unpad.js`) + ");", observable: "Two cells. In a page, take the lines for JavaScript.", r: kind === "json" ? "Numbers that R would round stay text. It needs the package jsonlite." : kind === "file" ? "" : "Numbers that R would round stay text.", julia: kind === "json" ? "It needs the package JSON3." : kind === "file" ? "" : "It needs the packages CSV and DataFrames." }[id] ?? "";
  };
  tabs.append(...list.map(({ id, title }) => h("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": "snippet", onclick: () => choose(id) }, title)));
  tabs.addEventListener("keydown", (event) => {
    const now = list.findIndex((one) => one.id === language);
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    choose(list[(next + list.length) % list.length].id, true);
  });
  choose(list.some((one) => one.id === language) ? language : list[0].id);
  section.hidden = false;
  fill(section, h("div", { class: "section-head" }, h("h2", { id: "snippets-title" }, "Use it")),
    h("ul", { class: "urls" }, urls.map(([name, to]) => h("li", {}, h("span", {}, name), link(to), copyButton(() => to, `the URL: ${name}`)))), tabs, panel, say);
}

// --- Chart --------------------------------------------------------------------------------------

async function drawChart(place, looked, signal) {
  const section = at("chart");
  section.hidden = true;
  if (!looked.rows || looked.rows.total === 0) return;
  const module = await part("./chart.js", section);
  if (module && !signal.aborted) section.hidden = !module.chart(section, place, looked, signal);
}
