// Making elements from texts that nobody vouches for: text never becomes markup.

import { UnpadError } from "./unpad.js";

const SVG = new Set(["svg", "path", "line", "rect", "g", "text", "circle", "title"]);

/** An element. An attribute that is null, undefined or false is left out; functions named `on…` listen. */
export function h(tag, attributes = {}, ...children) {
  const element = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

export const fill = (element, ...children) => {
  element.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
};

/** A link, if the URL is one of http; else its text. */
export function link(url, text = url, attributes = {}) {
  let parsed = null;
  try {
    parsed = new URL(url);
  } catch { /* it is no URL */ }
  return /^https?:$/.test(parsed?.protocol ?? "") ? h("a", { href: parsed.href, rel: "noopener noreferrer", ...attributes }, text) : h("span", {}, text);
}

/** A link, or nothing where the host is one of those names that are nowhere. */
export const linkOut = (url, ...more) => (URL.canParse(url) && /\.invalid$/.test(new URL(url).hostname) ? null : link(url, ...more));

/** Text without the marks that turn the order of what follows, by which exe.png can be made of gnp.exe. */
export const upright = (text) => String(text ?? "").replace(/[\u202a-\u202e\u2066-\u2069]/g, "");

/** A portal's text, which may be written from right to left. */
export const theirs = (text, tag = "bdi", attributes = {}) => h(tag, { dir: tag === "bdi" ? null : "auto", ...attributes }, upright(text));

/** Told to those who listen, who do not see what changes elsewhere on the page. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

export function copyButton(text, what) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  let timer;
  button.addEventListener("click", async () => {
    const done = await copy(text()).then(() => true, () => false);
    button.textContent = done ? "Copied" : "Not copied";
    announce(done ? `Copied ${what}.` : "The browser does not let this page copy. Select the text and copy it.");
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return button;
}

async function copy(text) {
  // Pages of http that are not on this machine have no clipboard.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

/** Title, detail and advice of whatever was thrown. */
export function sentences(error) {
  // Whoever reads this page cannot name another gateway.
  if (error?.type === "gateway-unreachable") return { title: error.title, detail: error.detail, advice: "It may be starting again, or your network may be away.", source: null };
  if (error instanceof UnpadError) return { title: error.title, detail: error.detail, advice: error.advice, source: error.portalURL };
  return { title: "Something went wrong in this page", detail: error?.message ? String(error.message) : String(error), advice: "Load the page again. If it happens again, its maintainers want to know.", source: null };
}

/** An error as sentences, with ways on: `[[label, action]]`, an action being a fragment or a function. */
export function trouble(error, ways = []) {
  const { title, detail, advice, source } = sentences(error);
  announce(`${title}. ${detail}`);
  return h("div", { class: "trouble", role: "group", "aria-label": title },
    h("p", { class: "trouble-title" }, title),
    detail && theirs(detail, "p", { class: "lines" }),
    advice && theirs(advice, "p", { class: "lines" }),
    source && h("p", { class: "small" }, "The portal was asked for ", link(source, source, { class: "break" })),
    ways.length > 0 && h("p", { class: "ways" }, ways.map(([label, action]) => (typeof action === "string"
      ? h("a", { class: "button", href: action }, label)
      : h("button", { type: "button", onclick: action }, label)))));
}

export const waiting = (text) => h("p", { class: "waiting" }, text);

/** A part of the page that is fetched when it is needed; draws an error in its place if it cannot be. */
export async function part(name, section) {
  try {
    return await import(name);
  } catch {
    section.hidden = false;
    fill(section, trouble(new UnpadError("A part of this page could not be loaded", `${new URL(name, import.meta.url)} could not be read.`, "The gateway may be starting again. Load the page again in a moment."), [["Load again", () => location.reload()]]));
    return null;
  }
}

// --- Numbers and times as people write them -------------------------------------------------------

const grouped = new Intl.NumberFormat("en");
export const count = (number) => grouped.format(number);
export const many = (number, one, several = `${one}s`) => `${count(number)} ${number === 1 ? one : several}`;

export function bytes(number) {
  if (number < 1000) return many(number, "byte");
  let unit = -1;
  let value = number;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < 4);
  return `${value.toLocaleString("en", { maximumSignificantDigits: 3 })} ${["kB", "MB", "GB", "TB", "PB"][unit]}`;
}

const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** Seconds in words, in the largest unit that is fair: 5 minutes, 36 hours. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [name, size] = units.find(([, size]) => whole >= size * (size === 1 ? 1 : 1.5) || whole === size) ?? units.at(-1);
  return many(Math.round(whole / size), name);
}

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** The day of a portal's timestamp; its text where that is none. */
export function day(text) {
  const time = Date.parse(text);
  return Number.isNaN(time) ? String(text) : dates.format(time);
}

/** A fragment of the page that shows this state. */
export function fragment(state) {
  if (state.view === "status") return "#status";
  const members = new URLSearchParams();
  for (const name of ["portal", "q", "dataset", "resource", "path"]) if (state[name]) members.set(name, state[name]);
  return `#${members}`;
}

/** A URL's path as people read it. */
export function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
/** The name at its end. */
export const lastOf = (path) => decoded(path.split(/[?#]/)[0].split("/").filter(Boolean).pop() ?? "data");
