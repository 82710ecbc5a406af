// JSON as a tree, of which only what is open is made.

import { count, h, many } from "./dom.js";

const AT_ONCE = 100;
const MOST_TEXT = 2000;

export function tree(value) {
  return h("div", { class: "tree", role: "region", tabindex: "0", "aria-label": "The JSON as a tree" }, node(null, value, 0));
}

function node(key, value, depth) {
  const name = key === null ? null : [h("bdi", { class: "key" }, String(key)), ": "];
  if (typeof value !== "object" || value === null) return h("div", { class: "leaf" }, name, h("bdi", {}, literal(value)));
  const keys = Object.keys(value);
  const about = Array.isArray(value) ? `[${many(keys.length, "element")}]` : `{${many(keys.length, "member")}}`;
  if (keys.length === 0) return h("div", { class: "leaf" }, name, Array.isArray(value) ? "[]" : "{}");
  const details = h("details", {}, h("summary", {}, name, h("span", { class: "soft" }, about)));
  const build = () => {
    if (!details.open || details.childElementCount > 1) return;
    const list = h("ul");
    const add = (from) => {
      list.append(...keys.slice(from, from + AT_ONCE).map((one) => h("li", {}, node(one, value[one], depth + 1))));
      if (from + AT_ONCE < keys.length) list.append(h("li", {}, h("button", { type: "button", class: "quiet", onclick: ({ target }) => {
        target.parentNode.remove();
        add(from + AT_ONCE);
      } }, `More (${count(from + AT_ONCE)} of ${count(keys.length)})`)));
    };
    add(0);
    details.append(list);
  };
  details.addEventListener("toggle", build);
  if (depth < 2 && keys.length <= AT_ONCE) {
    details.open = true;
    build();
  }
  return details;
}

function literal(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}… (${count(text.length)} characters)` : text;
}
