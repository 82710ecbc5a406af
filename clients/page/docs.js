// The reference of the API, drawn from the gateway's own description of it.

import { gateway, UnpadError } from "./unpad.js";
import { announce, bytes, copyButton, count, fill, h, many, theirs, trouble, waiting } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];
/** What is shown of an answer. */
const MOST_SHOWN = 20_000;
const MOST_READ = 2 ** 20;
const FIELDS = ["content-type", "cache-status", "age", "date", "etag", "link", "unpad-attribution", "content-length", "retry-after"];

const at = (id) => document.getElementById(id);
const base = () => gateway();
let api;

/** What a `$ref` of this document points at. */
function real(part, depth = 0) {
  if (!part?.$ref || depth > 20) return part ?? {};
  if (!part.$ref.startsWith("#/")) return part;
  let target = api;
  for (const step of part.$ref.slice(2).split("/")) target = target?.[decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")];
  return real(target, depth + 1);
}

/** Text in which backticks mark code and blank lines paragraphs. */
function prose(text, attributes = {}) {
  return String(text ?? "").trim().split(/\n\s*\n/).filter(Boolean).map((paragraph) => h("p", attributes, paragraph.replace(/\s+/g, " ").split(/(`[^`]+`)/).map((part) => (/^`.+`$/.test(part) ? h("code", {}, part.slice(1, -1)) : part))));
}

function typeOf(schema) {
  const name = schema?.$ref?.split("/").pop();
  const one = real(schema);
  const list = [].concat(one.type ?? []);
  const types = list.filter((type) => type !== "null").map((type) => (type === "array" ? `list of ${typeOf(one.items)}` : type));
  if (name) types.splice(0, types.length, name);
  else if (one.enum) types.splice(0, types.length, one.enum.map((value) => JSON.stringify(value)).join(" | "));
  else if (types.length === 0 && (one.oneOf || one.anyOf)) types.push(...(one.oneOf ?? one.anyOf).map(typeOf));
  return [...new Set(types), ...(list.includes("null") ? ["null"] : [])].join(" or ") || "any";
}

/** The members of a schema, as far down as anybody reads. */
function members(schema, seen = []) {
  const one = real(schema);
  if (one.type === "array" || one.items) return members(one.items, seen);
  const choice = one.allOf ?? one.oneOf ?? one.anyOf;
  if (!one.properties) return choice ? choice.map((part) => members(part, seen)) : null;
  if (seen.includes(one) || seen.length > 5) return null;
  return h("dl", { class: "schema" }, Object.entries(one.properties).map(([name, member]) => {
    const inner = real(member);
    const below = members(member, [...seen, one]);
    return h("div", {}, h("dt", {}, name, h("span", {}, `  ${typeOf(member)}${one.required?.includes(name) ? "" : ", may be missing"}`)),
      h("dd", {}, prose(member.description ?? inner.description), below && h("details", {}, h("summary", {}, "Members"), below)));
  }));
}

const operations = () => Object.entries(api.paths ?? {}).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => {
  const operation = item[method];
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => real(one));
  const id = (operation.operationId ?? `${method}-${path}`).replace(/[^\w-]+/g, "-");
  return { path, method, operation, parameters, id, tag: operation.tags?.[0] ?? "Operations", text: [path, method, operation.summary, operation.description, operation.operationId, ...parameters.map((one) => one.name)].join(" ").toLowerCase() };
}));

const example = (parameter) => parameter.example ?? Object.values(parameter.examples ?? {})[0]?.value ?? real(parameter.schema).example ?? real(parameter.schema).examples?.[0] ?? real(parameter.schema).default ?? "";

function addressOf({ path, parameters }, valueOf) {
  const given = parameters.filter((one) => one.in === "path");
  let url = path.replace(/\{([^}]+)\}/g, (whole, name) => {
    const value = String(valueOf(given.find((one) => one.name === name) ?? { name }) ?? "");
    // A path may have slashes and a query of its own, and so may a whole URL.
    return name === "path" || name === "url" ? value.replace(/^\/+/, "") : encodeURIComponent(value || whole);
  });
  const query = new URLSearchParams();
  for (const one of parameters) if (one.in === "query" && String(valueOf(one) ?? "") !== "") query.append(one.name, valueOf(one));
  if (query.size > 0) url += `${url.includes("?") ? "&" : "?"}${query}`;
  return base() + url;
}

const shell = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function drawOperation(one) {
  const { path, method, operation, parameters, id } = one;
  const inputs = new Map();
  const valueOf = (parameter) => inputs.get(parameter.name)?.value ?? example(parameter);
  const content = real(operation.requestBody).content;
  const body = content && Object.values(content)[0];
  const sample = body?.example ?? Object.values(body?.examples ?? {})[0]?.value;
  const curl = h("code");
  const renew = () => {
    const url = addressOf(one, valueOf);
    curl.textContent = method === "get" ? `curl --include ${shell(url)}` : `curl --request ${method.toUpperCase()} --header 'Content-Type: ${Object.keys(content ?? { "application/json": 0 })[0]}' --data ${shell(typeof sample === "string" ? sample : JSON.stringify(sample ?? {}))} ${shell(url)}`;
  };
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => [status, real(answer)]);
  const article = h("article", { class: "operation", id, "aria-labelledby": `${id}-title` },
    h("h3", { id: `${id}-title`, tabindex: "-1" }, operation.summary ?? operation.operationId ?? path),
    h("p", { class: "endpoint" }, h("span", { class: `method ${method}` }, method), h("span", {}, path)),
    prose(operation.description, { class: "notes" }),
    parameters.length > 0 && [h("h4", {}, "Parameters"), h("table", { class: "plain" }, h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Meaning"))), h("tbody", {}, parameters.map((parameter) => h("tr", {},
      h("th", { scope: "row" }, h("span", { class: "mono" }, parameter.name), h("span", { class: "type" }, `${typeOf(parameter.schema)} in the ${parameter.in}${parameter.required ? "" : ", optional"}`)), h("td", {}, prose(parameter.description))))))],
    content && [h("h4", {}, "Body"), prose(real(operation.requestBody).description), h("p", { class: "small mono" }, Object.keys(content).join(", "))],
    h("h4", {}, "Answers"), h("table", { class: "plain" }, h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "Status"), h("th", { scope: "col" }, "Meaning"))), h("tbody", {}, answers.map(([status, answer]) => {
      const kinds = Object.entries(answer.content ?? {});
      const schema = kinds.map(([, kind]) => kind.schema).find(Boolean);
      const below = schema && members(schema);
      return h("tr", {}, h("th", { scope: "row" }, h("span", { class: "mono" }, status === "default" ? "otherwise" : status), kinds.length > 0 && h("span", { class: "type" }, kinds.map(([type]) => type).join(", "))),
        h("td", {}, prose(answer.description), below && h("details", {}, h("summary", {}, schema.$ref ? `Members of ${schema.$ref.split("/").pop()}` : "Members"), below)));
    }))),
    h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "A line for a shell" }, curl), copyButton(() => curl.textContent, "this line")),
    method === "get" && drawTry(one, inputs, valueOf, renew));
  renew();
  return article;
}

function drawTry(one, inputs, valueOf, renew) {
  const answer = h("div", { "aria-live": "polite" });
  const given = one.parameters.filter(({ in: place }) => place === "path" || place === "query");
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    run();
  } }, given.map((parameter) => {
    const input = h("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", value: String(example(parameter)), required: parameter.required === true, oninput: renew });
    inputs.set(parameter.name, input);
    return h("label", {}, parameter.name, input);
  }), h("button", { type: "submit" }, "Try it"));
  async function run() {
    const url = addressOf(one, valueOf);
    fill(answer, waiting("Asking…"));
    const started = performance.now();
    try {
      const response = await fetch(url, { cache: "no-store" });
      const { text, cut, got } = await beginning(response);
      const took = performance.now() - started;
      const fields = FIELDS.map((name) => [name, response.headers.get(name)]).filter(([, value]) => value !== null);
      fill(answer, h("p", {}, h("b", {}, `${response.status} ${response.statusText}`.trim()), h("span", { class: "soft" }, `  in ${count(Math.round(took))} ms, ${cut ? "more than " : ""}${bytes(got)}`)),
        h("dl", { class: "fields" }, fields.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
        text === null ? h("p", { class: "soft" }, "Its content is no text.") : text === "" ? h("p", { class: "soft" }, "It has no content.") : h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": "The content" }, text.slice(0, MOST_SHOWN)),
        text !== null && text.length > MOST_SHOWN && h("p", { class: "small" }, `Shown are the first ${count(MOST_SHOWN)} characters.`));
    } catch (error) {
      fill(answer, trouble(error instanceof UnpadError ? error : new UnpadError("The gateway does not answer", `${url} could not be read (${error.message}).`, "It may be starting again, or your network may be away."), [["Try again", run]]));
    }
  }
  return h("div", { class: "try" }, form, answer);
}

async function beginning(response) {
  const reader = response.body?.getReader();
  const parts = [];
  let got = 0;
  let ended = !reader;
  while (!ended && got < MOST_READ) {
    const { done, value } = await reader.read();
    if (done) ended = true;
    else {
      parts.push(value);
      got += value.length;
    }
  }
  if (!ended) await reader.cancel().catch(() => {});
  const content = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content, { stream: !ended });
    if (text.includes("\0")) text = null;
    // Laid out for people; its numbers stay as they came, which parsing would not promise.
    else if (/json/.test(response.headers.get("content-type") ?? "") && !/\n/.test(text.slice(0, 2000)) && text.length < MOST_SHOWN) text = laidOut(text);
  } catch { /* it is no text */ }
  return { text, cut: !ended, got };
}

/** JSON with a line for each member, its values untouched. */
function laidOut(text) {
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, 40))}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\s+/g, (token, offset) => {
    if (/^\s/.test(token)) return "";
    if (token === "{" || token === "[") {
      if (/^\s*[}\]]/.test(text.slice(offset + 1, offset + 20))) return token;
      depth += 1;
      return token + line();
    }
    if (token === "}" || token === "]") {
      if (/[{[]\s*$/.test(text.slice(Math.max(0, offset - 20), offset))) return token;
      depth -= 1;
      return line() + token;
    }
    return token === "," ? token + line() : token === ":" ? ": " : token;
  });
}

function draw() {
  const all = operations();
  const tags = [...new Set([...(api.tags ?? []).map((tag) => tag.name), ...all.map((one) => one.tag)])];
  const groups = tags.map((tag) => ({ tag, about: api.tags?.find((one) => one.name === tag)?.description, list: all.filter((one) => one.tag === tag) })).filter(({ list }) => list.length > 0);
  const drawn = new Map(all.map((one) => [one, drawOperation(one)]));
  const items = new Map(all.map((one) => [one, h("a", { href: `#${one.id}` }, h("span", { class: `method ${one.method}` }, one.method), h("span", {}, one.path))]));
  const parts = groups.map(({ tag, about, list }) => ({ list, item: h("div", {}, h("h2", {}, tag), list.map((one) => items.get(one))), section: h("section", { class: "group", "aria-label": tag }, h("h2", {}, tag), prose(about, { class: "notes" }), list.map((one) => drawn.get(one))) }));
  const none = h("p", { class: "soft", hidden: true }, "No operation has these words.");
  fill(at("list"), parts.map(({ item }) => item), none);
  fill(at("reference"), h("div", { class: "head" }, h("h1", {}, `API of ${api.info?.title ?? "the gateway"}`), h("p", { class: "meta" }, h("span", {}, `Version ${api.info?.version ?? ""}`), h("span", {}, `OpenAPI ${api.openapi}`)), prose(api.info?.description, { class: "notes" })), parts.map(({ section }) => section));
  at("search").addEventListener("input", () => {
    const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const [one, element] of drawn) {
      const fits = words.every((word) => one.text.includes(word));
      element.hidden = items.get(one).hidden = !fits;
      found += fits;
    }
    for (const { list, item, section } of parts) item.hidden = section.hidden = list.every((one) => drawn.get(one).hidden);
    none.hidden = found > 0;
    announce(`${many(found, "operation")} found.`);
  });
  goTo();
}

function goTo() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && id !== "main" ? at(id) : null;
  if (!target) return;
  target.scrollIntoView();
  at(`${id}-title`)?.focus({ preventScroll: true });
}

addEventListener("hashchange", goTo);
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});

async function start() {
  fill(at("reference"), waiting("Asking the gateway for its description…"));
  try {
    const response = await fetch(`${base()}/openapi.json`);
    if (!response.ok) throw new UnpadError(`The gateway answers with ${response.status}`, `${response.url} should describe it.`, "Try again in a moment.");
    api = await response.json();
    draw();
  } catch (error) {
    fill(at("reference"), trouble(error instanceof UnpadError ? error : new UnpadError("The description could not be read", String(error.message), "The gateway may be starting again."), [["Try again", start]]));
  }
}

start();
