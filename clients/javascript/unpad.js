/**
 * unpad for web pages, notebooks, workers and node: reads open data through an unpad gateway.
 * What each function takes and gives stands in unpad.d.ts. No dependencies.
 */

/** The most bytes that are held at once: as base64 they still fit into the longest string of V8. */
const MOST_BYTES = 380 * 2 ** 20;
/** The most rows that CKAN gives at once, unless a portal's operator allows fewer, and the fewest that are asked for where the gateway refuses more. */
const PAGE = 32_000;
const NARROW = 100;

// --- Errors ---------------------------------------------------------------------------------------

export class UnpadError extends Error {
  constructor(title, detail = "", advice = "", more = {}) {
    super([title, detail, advice].filter(Boolean).join("\n"), more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "UnpadError";
    const { status = null, type = null, portal = null, portalURL = null, problem = null } = more;
    Object.assign(this, { title, detail, advice, status, type, portal, portalURL, problem });
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The error for an answer that is none of 2xx: the gateway's problem, the portal's own error, or what else came. */
export async function responseError(response) {
  let text = "";
  let document = null;
  try {
    text = new TextDecoder().decode(await collect(response, { most: 2 ** 20 }));
    document = JSON.parse(text);
  } catch (error) {
    if (error?.name === "AbortError") throw error;
  }
  const status = response.status;
  if (isObject(document) && typeof document.title === "string" && "detail" in document) {
    const wait = response.headers.get("retry-after") ?? "";
    const advice = /#unknown-portal$/.test(document.type) ? `Asked for: ${response.url}\n${LIST}` : /^\d+$/.test(wait) ? `Try again in ${wait} s.` : "";
    return new UnpadError(document.title, String(document.detail ?? ""), advice, {
      status, type: document.type ?? "about:blank", portal: document.portal, portalURL: document.portal_url, problem: document });
  }
  if (isObject(document) && document.success === false) return ofCKAN(document, status, response.url);
  const said = /^\s*</.test(text) ? "It sent a web page in place of data." : text.slice(0, 300).replace(/\s+/g, " ");
  return new UnpadError(`The answer is ${status} ${response.statusText}`.trim(), said, `Asked for: ${response.url}`, { status, problem: document });
}

/** CKAN's own error: `{"success": false, "error": {"__type": …, "message": …}}`, whose message may be one for each field. */
function ofCKAN(document, status, url) {
  const error = document.error;
  let said = typeof error === "string" ? error : "";
  if (isObject(error)) {
    said = Object.entries(error)
      .filter(([name]) => !name.startsWith("__"))
      .map(([name, value]) => (name === "message" ? String(value) : `${name}: ${[].concat(value).map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("; ")}`))
      .join(" · ");
  }
  const type = typeof error?.__type === "string" ? error.__type : null;
  return new UnpadError(type ? `The portal says: ${type}` : "The portal answers with an error", said.slice(0, 1000),
    `Asked for: ${url}`, { status, type, problem: document });
}

const LIST = "await unpad.portals() lists its portals.";

/** For `catch`: says which dataset is not there, where CKAN says no more than that something is not. */
const naming = ({ portal, dataset }) => (error) => {
  if (!dataset || error?.type !== "Not Found Error") throw error;
  throw new UnpadError(error.title, error.detail, `${portal} has no public dataset “${dataset}”. Search for it: await unpad.datasets(${JSON.stringify(portal)}, "words")\n${error.advice}`, error);
};

const isLoopback = (host) => /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);

/** A browser does not tell a page why a request failed. What can be told apart from here is. */
async function unreachable(url, cause) {
  const asked = new URL(url);
  const causes = [`the gateway does not run at ${base()}. Start it (unpad serve), or name another: unpad.use("http://…").`];
  const page = globalThis.location && pageOrigin();
  if (page) {
    const local = isLoopback(asked.hostname);
    if (local && !isLoopback(page.hostname))
      causes.unshift("the browser asks for permission before a page may reach this machine, and it was not given. Allow “Local network access” (or “Apps on device”) in the settings beside the address of the page.");
    if (page.protocol === "https:" && asked.protocol === "http:" && !local)
      causes.unshift("a page of https may not ask a gateway of http (mixed content). Give the gateway https.");
    // An answer that may not be read still shows that the gateway is there.
    const probe = { mode: "no-cors", cache: "no-store", signal: globalThis.AbortSignal?.timeout?.(3000) };
    if (await fetch(`${base()}/portals`, probe).then(() => true, () => false))
      causes.splice(0, causes.length, `the gateway runs, but does not let pages of ${page.origin} read its answers: its operator adds this origin to cors.origins. Or the answer broke off.`);
  }
  const words = causes.length === 1 ? `Most likely ${causes[0]}` : causes.map((one, at) => `${at + 1}. ${one[0].toUpperCase()}${one.slice(1)}`).join("\n");
  return new UnpadError("The gateway does not answer", `${url} could not be read (${cause?.cause?.code ?? cause?.message ?? cause}).`, words, {
    type: "gateway-unreachable", cause });
}

/** The origin that requests of this page or worker have; null if it has none. */
function pageOrigin() {
  try {
    return new URL(globalThis.origin ?? globalThis.location.origin);
  } catch {
    return null;
  }
}

// --- The gateway ----------------------------------------------------------------------------------

// This module is …/client/unpad.js of the gateway that serves it.
const served = /^(https?:\/\/.+?)\/client\/[^/?#]+(?:[?#].*)?$/.exec(import.meta.url);
let chosen = served ? served[1] : null;

export function use(url) {
  let parsed = null;
  try {
    parsed = new URL(url, globalThis.location?.href);
  } catch { /* said below */ }
  if (!/^https?:$/.test(parsed?.protocol ?? ""))
    throw new UnpadError("unpad.use needs the URL of a gateway", `“${url}” is not one.`, 'It looks like "http://127.0.0.1:8080" or "https://gateway.example".');
  // What is copied from a link of the gateway has a portal behind it.
  chosen = parsed.origin + parsed.pathname.replace(/\/p\/[^/].*/, "").replace(/\/+$/, "");
  return chosen;
}

function base() {
  if (chosen === null)
    throw new UnpadError("No gateway is named", `This module was not loaded from one, but from ${import.meta.url}.`, 'Name one first: unpad.use("http://127.0.0.1:8080").');
  return chosen;
}

export const gateway = () => base();

/** What people hand over: a text, a URL, or what `datasets` and `resources` gave. */
function written(reference) {
  const text = reference?.reference ?? reference?.href ?? reference;
  if (typeof text !== "string" || text.trim() === "")
    throw new UnpadError("A reference is missing", "It is a link of a portal, or a path such as demo/dataset/NAME.");
  return text.trim();
}

const segment = encodeURIComponent;

/** What looks like the name of a file on this machine. */
const FILE = /^(?!https?:)[^?#]*\.(csv|tsv|txt|json|geojson|xlsx?|ods|xml|zip|parquet|pdf)$/i;

export async function resolve(reference, { signal } = {}) {
  let text = written(reference);
  const scheme = /^([a-z][a-z0-9+.-]*):\//i.exec(text)?.[1] ?? "http";
  if (!/^https?$/i.test(scheme)) throw new UnpadError("A link begins with http:// or https://", `“${text}” begins with ${scheme}:.`, "Copy the link from the portal again.");
  if (text.startsWith(`${base()}/`)) text = text.slice(base().length);
  const found = await json(`${base()}/resolve?url=${segment(text)}`, { signal }).catch((error) => {
    if (!(error instanceof UnpadError) || !(error.status >= 400 && error.status < 500)) throw error;
    const other = /^(https?:\/\/[^/?#]+[^?#]*?)\/p\/[^/?#]/i.exec(text)?.[1];
    throw new UnpadError(error.title, `The reference is “${text.slice(0, 300)}”. ${error.detail}`,
      `The gateway that was asked is ${base()}. ${chosen === served?.[1] ? "This module was loaded from it." : "It was named with unpad.use(…)."}\n${
        other ? `This looks like a link of another gateway. Ask that one: unpad.use(${JSON.stringify(other)})`
          : FILE.test(text) ? `This looks like a file's name. The reference comes first: await unpad.save("REFERENCE", ${JSON.stringify(text)})\n${LIST}` : LIST}`, error);
  });
  found.url = new URL(found.url, `${base()}/`).href;
  return found;
}

const known = new Map();

/** As `resolve`, but what a bare id stands for is asked once, not for each page of a table. */
async function portalOf(reference, options) {
  const text = written(reference);
  if (!/^[\w-]+$/.test(text)) return resolve(text, options);
  const key = `${base()}/${text}`;
  if (known.has(key)) return known.get(key);
  const found = await resolve(text, options);
  if (known.size >= 100) known.clear();
  known.set(key, found);
  return found;
}

/** As `resolve`, but a URL of the gateway stands for itself. */
async function locate(reference, { signal } = {}) {
  const text = written(reference);
  if (text.startsWith(`${base()}/p/`)) return { portal: null, dialect: null, kind: null, dataset: null, resource: null, url: text };
  return resolve(text, { signal });
}

async function ask(url, { refresh = false, signal, ...init } = {}) {
  // `reload` sends `Cache-Control: no-cache` and, unlike a field of one's own, needs no preflight.
  if (refresh) init.cache = "reload";
  if (signal) init.signal = signal;
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error?.name === "AbortError" || signal?.aborted) throw error;
    throw await unreachable(url, error);
  }
}

/** The content of an answer, within bounds. */
async function collect(response, { most = MOST_BYTES, signal, onProgress } = {}) {
  const coded = !/^(identity)?$/.test(response.headers.get("content-encoding") ?? "");
  const length = coded ? NaN : parseInt(response.headers.get("content-length"), 10);
  const total = Number.isNaN(length) ? null : length;
  const parts = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  while (reader) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error?.name === "AbortError" || signal?.aborted) throw error;
      throw new UnpadError("The answer broke off", `${bytes.toLocaleString("en")} bytes of ${response.url} had come.`, "Try again.", { type: "answer-broken", cause: error });
    }
    if (part.done) break;
    bytes += part.value.length;
    if (bytes > most) {
      await reader.cancel().catch(() => {});
      throw new UnpadError("This is too long to be held in memory", `${response.url} has more than ${(most / 2 ** 20).toFixed(0)} MiB.`,
        "Read it piece by piece: (await unpad.fetchThrough(…)).body.", { type: "answer-too-long" });
    }
    parts.push(part.value);
    onProgress?.({ bytes, total });
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An answer of 2xx with its content, which is what its digest says, and where it comes from. */
async function load(url, options = {}) {
  const { onProgress, ...asked } = options;
  const response = await ask(url, asked);
  if (!response.ok) throw await responseError(response);
  const bytes = await collect(response, { signal: options.signal, onProgress });
  const sha256 = await digest(bytes);
  const said = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(response.headers.get("content-digest") ?? "");
  const coded = !/^(identity)?$/.test(response.headers.get("content-encoding") ?? "");
  if (said && sha256 !== null && !coded && sha256 !== hex(Uint8Array.from(atob(said[1]), (c) => c.charCodeAt(0))))
    throw new UnpadError("The answer arrived damaged", `The digest of ${response.url} is not the one that it was sent with.`, "Try again.", { type: "answer-damaged" });
  return { response, bytes, type: response.headers.get("content-type") ?? "", told: { ...origin(response), sha256 } };
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function digest(bytes) {
  // Pages of http that are not on this machine have no crypto.subtle.
  const subtle = globalThis.crypto?.subtle;
  return subtle ? hex(new Uint8Array(await subtle.digest("SHA-256", bytes))) : null;
}

async function json(url, { integers = "text", ...options } = {}) {
  const { bytes, type, told } = await load(url, options);
  return asJSON(bytes, type, told, integers, url);
}

function asJSON(bytes, type, told, integers, url) {
  const { text } = decodeText(bytes, type);
  let value;
  try {
    value = parseJSON(text, integers);
  } catch (error) {
    if (error instanceof UnpadError) throw error;
    throw new UnpadError("This is not JSON", `${url} begins with: ${JSON.stringify(text.slice(0, 80))}`, "Read it with readCSV or readText, or keep it with save.", { type: "not-json", cause: error });
  }
  if (isObject(value) && value.success === false && "error" in value) throw ofCKAN(value, 200, url);
  return remember(value, told);
}

// --- Provenance -----------------------------------------------------------------------------------

const origins = new WeakMap();

function remember(result, told) {
  if (typeof result === "object" && result !== null) origins.set(result, told);
  return result;
}

export function provenance(result) {
  const told = typeof result === "object" && result !== null ? origins.get(result) : undefined;
  if (!told)
    throw new UnpadError("The provenance of this is not known", "It is known for what a function of unpad returned itself: the array or object, not a part or a copy of it.");
  return told;
}

function origin(response) {
  const field = (name) => response.headers.get(name);
  const age = parseInt(field("age") ?? "0", 10) || 0;
  // The time of the portal's answer: what a cache hands on keeps its Date (RFC 9111).
  const date = Date.parse(field("date") ?? "");
  const links = {};
  for (const [, target, rest] of (field("link") ?? "").matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\*?(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))?)*)/g)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(rest);
    for (const name of (rel?.[1] ?? rel?.[2] ?? "").toLowerCase().split(/\s+/)) links[name] ??= target;
  }
  return {
    retrieved: new Date(Number.isNaN(date) ? Date.now() - age * 1000 : date),
    source: links.via ?? null,
    licence: links.license ?? null,
    attribution: structuredString(field("unpad-attribution")),
    sha256: null,
    cache: cacheStatus(field("cache-status")),
    age,
    gatewayURL: response.url,
  };
}

/** A string or display string of RFC 9651, as text. */
function structuredString(field) {
  const found = /^\s*(%?)"((?:[^"\\]|\\.)*)"/.exec(field ?? "");
  if (!found) return null;
  if (!found[1]) return found[2].replace(/\\(.)/g, "$1");
  try {
    return decodeURIComponent(found[2]);
  } catch {
    return null;
  }
}

/** What our member of Cache-Status (RFC 9211) says. */
function cacheStatus(text) {
  const members = (text ?? "").match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  const ours = members.map((one) => one.trim()).find((one) => /^"?unpad"?\s*(;|$)/.test(one)) ?? "";
  const said = {};
  for (const [, name, value] of ours.matchAll(/;\s*([a-z*][\w.*-]*)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*))?/g)) said[name] = value?.replace(/^"|"$/g, "") ?? true;
  const ttl = said.ttl === undefined ? null : Number(said.ttl);
  const hit = said.hit === true || said.hit === "?1";
  return {
    hit, fwd: said.fwd ?? null, ttl, stored: said.stored === true,
    stale: (hit && ttl !== null && ttl < 0) || /stale/.test(String(said.detail ?? "")),
    text: text ?? null,
  };
}

// --- JSON -----------------------------------------------------------------------------------------

/** JSON in which integers that a number cannot hold become what `integers` says. */
export function parseJSON(text, integers = "text") {
  if (!["text", "bigint", "number"].includes(integers))
    throw new UnpadError('integers is "text", "bigint" or "number"', `It was ${JSON.stringify(integers)}.`);
  if (integers === "number" || !/(?:^|[[:,\s])-?\d{16,}(?![\d.eE])/.test(text)) return JSON.parse(text);
  const found = bigIntegers(text);
  if (found.length === 0) return JSON.parse(text);
  // Each becomes a string; a mark that the text cannot know tells it from the others.
  const mark = integers === "bigint" ? `${Math.random()}${Math.random()}:` : "";
  const parts = [];
  let at = 0;
  for (const [start, end] of found) {
    parts.push(text.slice(at, start), `"${mark}`, text.slice(start, end), '"');
    at = end;
  }
  parts.push(text.slice(at));
  let value = JSON.parse(parts.join(""));
  if (!mark) return value;
  const made = (one) => (typeof one === "string" && one.startsWith(mark) ? BigInt(one.slice(mark.length)) : one);
  value = made(value);
  // By hand, because a document may be nested more deeply than functions can be.
  const open = [value];
  while (open.length > 0) {
    const inner = open.pop();
    if (typeof inner !== "object" || inner === null) continue;
    for (const key of Array.isArray(inner) ? inner.keys() : Object.keys(inner)) {
      const one = inner[key];
      if (typeof one === "string") {
        if (one.startsWith(mark)) inner[key] = made(one);
      } else if (typeof one === "object" && one !== null) open.push(one);
    }
  }
  return value;
}

/** Where integers stand, outside of strings, that a number would round. */
function bigIntegers(text) {
  const found = [];
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      let end = at;
      for (let slashes = 1; slashes % 2 === 1; ) {
        end = text.indexOf('"', end + 1);
        if (end < 0) return found;
        for (slashes = 0; text.charCodeAt(end - 1 - slashes) === 92; ) slashes += 1;
      }
      at = end + 1;
    } else if (code === 45 || (code >= 48 && code <= 57)) {
      const start = at;
      let more;
      do more = text.charCodeAt(++at);
      while (more >= 48 && more <= 57);
      if (more === 46 || more === 69 || more === 101) {
        do more = text.charCodeAt(++at);
        while ((more >= 48 && more <= 57) || more === 43 || more === 45 || more === 69 || more === 101 || more === 46);
      } else if (at - start >= 16 && !Number.isSafeInteger(Number(text.slice(start, at))) && !/^-?0/.test(text.slice(start, start + 2))) {
        found.push([start, at]);
      }
    } else at += 1;
  }
  return found;
}

// --- CSV ------------------------------------------------------------------------------------------

export function decodeText(bytes, type = "", { encoding, cut = false } = {}) {
  // Of a character that the end cuts, a stream keeps the part back.
  const attempt = (label) => ({ text: new TextDecoder(label, { fatal: true }).decode(bytes, { stream: cut }), encoding: label.toLowerCase() });
  if (encoding) {
    try {
      return attempt(encoding);
    } catch (error) {
      throw new UnpadError(`This is not text in ${encoding}`, error.message, "Leave out encoding, or name another.", { cause: error });
    }
  }
  const [a, b, c] = bytes;
  const mark = a === 0xef && b === 0xbb && c === 0xbf ? "utf-8" : a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : null;
  const said = /charset\s*=\s*"?([\w.:-]+)/i.exec(type)?.[1];
  for (const label of [mark, said, "utf-8"]) {
    if (!label) continue;
    try {
      return attempt(label);
    } catch { /* it is something else */ }
  }
  return attempt("windows-1252");
}

/** The records of RFC 4180 text, and the line each begins at. Lines that are empty are none. */
function csvRecords(text, delimiter, most = Infinity) {
  const separator = delimiter.charCodeAt(0);
  const records = [];
  const lines = [];
  let at = 0;
  let line = 1;
  while (at < text.length && records.length < most) {
    const record = [];
    const first = line;
    const start = at;
    for (;;) {
      if (text.charCodeAt(at) === 34) {
        const opened = line;
        let field = "";
        for (let from = at + 1; ; ) {
          const quote = text.indexOf('"', from);
          if (quote < 0) throw new UnpadError(`Line ${opened} is not CSV`, "A quote that begins there does not end.", "Pass delimiter if it is another; save keeps the file as it is.", { type: "not-csv" });
          field += text.slice(from, quote);
          if (text.charCodeAt(quote + 1) !== 34) {
            at = quote + 1;
            break;
          }
          field += '"';
          from = quote + 2;
        }
        line += field.match(/\r\n|\n|\r/g)?.length ?? 0;
        const next = text.charCodeAt(at);
        if (at < text.length && next !== separator && next !== 10 && next !== 13)
          throw new UnpadError(`Line ${line} is not CSV`, `There is text behind a closing quote: ${JSON.stringify(text.slice(at, at + 20))}.`, "Pass delimiter if it is another; save keeps the file as it is.", { type: "not-csv" });
        record.push(field);
      } else {
        let end = at;
        for (let code; end < text.length && (code = text.charCodeAt(end)) !== separator && code !== 10 && code !== 13; ) end += 1;
        record.push(text.slice(at, end));
        at = end;
      }
      if (text.charCodeAt(at) !== separator) break;
      at += 1;
    }
    const empty = at === start;
    if (text.charCodeAt(at) === 13) at += 1;
    if (text.charCodeAt(at) === 10) at += 1;
    line += 1;
    if (empty) continue;
    records.push(record);
    lines.push(first);
  }
  return { records, lines };
}

/** The delimiter with which most of the first lines have as many fields as the header. */
function findDelimiter(text) {
  let best = ",";
  let most = 0;
  for (const delimiter of [",", ";", "\t", "|"]) {
    try {
      const widths = csvRecords(text, delimiter, 20).records.map((record) => record.length);
      const even = widths[0] > 1 ? widths.filter((width) => width === widths[0]).length * 2 ** 20 + widths[0] : 0;
      if (even > most) [best, most] = [delimiter, even];
    } catch { /* it is another */ }
  }
  return best;
}

/** Names as pandas makes them distinct: a, a.1, a.2. */
function distinct(names) {
  const taken = new Set();
  const next = new Map();
  return names.map((name) => {
    let one = name;
    let number = next.get(name) ?? 0;
    while (taken.has(one)) one = `${name}.${++number}`;
    next.set(name, number);
    taken.add(one);
    return one;
  });
}

export function parseCSV(text, delimiter = undefined) {
  if (delimiter !== undefined && !/^[^"\r\n]$/.test(delimiter))
    throw new UnpadError("delimiter is one character", `It was ${JSON.stringify(delimiter)}.`);
  const between = delimiter ?? findDelimiter(text);
  const { records, lines } = csvRecords(text, between);
  const columns = distinct(records.shift() ?? []);
  const rows = records.map((record, at) => {
    if (record.length !== columns.length)
      throw new UnpadError(`Line ${lines[at + 1]} has ${record.length} fields, not ${columns.length}`, `The header names ${columns.length} columns.`,
        `The delimiter was taken to be ${JSON.stringify(between)}; pass delimiter if it is another. save keeps the file as it is.`, { type: "not-csv" });
    const row = {};
    for (let column = 0; column < columns.length; column += 1) {
      // Assigning to __proto__ makes no member.
      if (columns[column] === "__proto__") Object.defineProperty(row, "__proto__", { value: record[column], enumerable: true, configurable: true, writable: true });
      else row[columns[column]] = record[column];
    }
    return row;
  });
  return hidden(rows, { columns, delimiter: between });
}

/** Members that neither a loop nor JSON shows. */
function hidden(array, members) {
  for (const [name, value] of Object.entries(members)) Object.defineProperty(array, name, { value, configurable: true, writable: true });
  return array;
}

// --- Reading --------------------------------------------------------------------------------------

export async function portals({ signal } = {}) {
  const document = await json(`${base()}/portals`, { signal });
  return remember(document.portals, provenance(document));
}

export async function fetchThrough(reference, init = {}) {
  const { url } = await locate(reference, init);
  const response = await ask(url, init);
  return remember(response, origin(response));
}

export async function readBytes(reference, { refresh, signal, onProgress } = {}) {
  const { url } = await locate(reference, { signal });
  const { bytes, told } = await load(url, { refresh, signal, onProgress });
  return remember(bytes, told);
}

export async function readText(reference, { encoding, refresh, signal, onProgress } = {}) {
  const { url } = await locate(reference, { signal });
  const { bytes, type } = await load(url, { refresh, signal, onProgress });
  return decodeText(bytes, type, { encoding }).text;
}

export async function readJSON(reference, { integers = "text", refresh, signal, onProgress } = {}) {
  const found = await locate(reference, { signal });
  const document = await json(found.url, { integers, refresh, signal, onProgress }).catch(naming(found));
  return found.kind === "dataset" && isObject(document?.result) ? remember(document.result, licensed(provenance(document), document.result)) : document;
}

/** A dataset's own licence says more than its portal's. */
const licensed = (told, dataset) => ({ ...told, licence: dataset?.license_url || dataset?.license_title || told.licence });

const formatOf = (one) => String(one.format || (/csv/i.test(one.mediaType ?? "") ? "csv" : "")).trim().replace(/^\./, "").toLowerCase();

/** The one resource of a format; with none or several, an error with the lines to write. */
function only(all, format, portal, line) {
  const files = all.filter((one) => formatOf(one) === format);
  if (files.length === 1) return files[0];
  // On one line, because whoever pastes it runs what stands behind the line's end.
  const lines = (files.length ? files : all).slice(0, 20).map((one) => `${line(one)}  // ${`${one.name}, ${one.format || "no format"}`.replace(/\s+/g, " ")}`);
  const what = format.toUpperCase();
  throw new UnpadError(files.length ? `The dataset has ${files.length} ${what} files` : `The dataset has no ${what} file`,
    files.length ? "Name the one to read:" : `It has ${all.length} resources${all.length ? ":" : "."}`, lines.join("\n"), { type: "which-resource", portal });
}

const fileOf = (portal, { id }) => `${base()}/p/${segment(portal)}/-/resource/${segment(id)}`;

/** What other files begin with, read as windows-1252 (of which 0x80 to 0x9f differ between engines), and what they are; for Python, what reads them. */
const OTHERS = [[/^%PDF-/, "a PDF", "pdf"], [/^\x1f[\x8b\u2039]/, "a file that gzip compressed", "csv.gz", "read_csv"],
  [/^PK\x03\x04.{26}mimetypeapplication\/vnd\.oasis\.opendocument\.spreadsheet/s, "a spreadsheet (ODS)", "ods", "read_excel"], [/^PK\x03\x04.*xl\/workbook/s, "an Excel workbook", "xlsx", "read_excel"],
  [/^PK(\x03\x04|\x05\x06)/, "a ZIP archive", "zip"], [/^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, "an Excel workbook or another file of Office", "xls", "read_excel"],
  [/^PAR1.*PAR1$/s, "a Parquet file", "parquet", "read_parquet"], [/^.PNG\r\n/, "an image", "png"], [/^\xff\xd8\xff/, "an image", "jpg"],
  [/^GIF8[79]a/, "an image", "gif"], [/^(II\*\0|MM\0\*)/, "an image", "tif"], [/^7z\xbc\xaf/, "a 7z archive", "7z"], [/^Rar!\x1a/, "a RAR archive", "rar"],
  [/^SQLite format 3\0/, "a database (SQLite, GeoPackage)", "gpkg"]];

/** What is no CSV would be read as rows of nonsense. */
function refuseOthers(bytes, type, reference, portal) {
  // The names within an archive stand at its end.
  const characters = [bytes.subarray(0, 2 ** 16), bytes.subarray(-(2 ** 16))].map((part) => new TextDecoder("windows-1252").decode(part)).join("");
  const other = OTHERS.find(([start]) => start.test(characters));
  const more = { type: "not-csv", portal };
  if (other) {
    const [, what, ending, reader] = other;
    const keep = `await unpad.save(${JSON.stringify(reference)}, "data.${ending}")`;
    throw new UnpadError(`This is ${what}, not CSV`, `Its type is ${type || "not said"}.`, `Keep it as a file: ${keep}${reader ? `\nIn Python: pandas.${reader}(${keep})` : ""}`, more);
  }
  const start = characters.slice(0, 300).replace(/^(\xef\xbb\xbf)?\s*/, "");
  if (/^<(!doctype|html)/i.test(start) || (/\b(json|html)\b/i.test(type) && /^[<{[]/.test(start)))
    throw new UnpadError(start[0] === "<" ? "This is a web page, not CSV" : "This is JSON, not CSV", `Its type is ${type}.`, start[0] === "<" ? "The file has moved, or asks for something first: open its link in a browser." : "Read it with readJSON, or keep it with save.", more);
}

export async function readCSV(reference, { delimiter, encoding, refresh, signal, onProgress } = {}) {
  const found = await locate(reference, { signal });
  let { url } = found;
  let text = written(reference);
  let licence = null;
  if (found.kind === "dataset") {
    const all = await listed(found, { refresh, signal });
    licence = provenance(all).licence;
    const one = only(all, "csv", found.portal, ({ reference }) => `await unpad.readCSV(${JSON.stringify(reference)})`);
    text = one.reference;
    url = fileOf(found.portal, one);
  } else if (found.kind === "table" && found.resource && /\/datastore_search(_sql)?\b/.test(url)) {
    // What a search answers with is JSON; the same table as CSV is its dump, which takes the same parameters.
    const wanted = new URL(url).searchParams;
    for (const name of ["resource_id", "callback", "records_format", "include_total"]) wanted.delete(name);
    url = `${base()}/p/${segment(found.portal)}/datastore/dump/${segment(found.resource)}${wanted.size ? `?${wanted}` : ""}`;
  }
  const { bytes, type, told } = await load(url, { refresh, signal, onProgress });
  refuseOthers(bytes, type, text, found.portal);
  const decoded = decodeText(bytes, type, { encoding });
  return remember(hidden(parseCSV(decoded.text, delimiter), { encoding: decoded.encoding }), { ...told, licence: licence ?? (await ownLicence(found)) ?? told.licence });
}

export async function datasets(portal, q = "", { limit = 20, offset = 0, refresh, signal } = {}) {
  const found = await resolve(portal, { signal });
  const at = `${base()}/p/${segment(found.portal)}`;
  const rows = [];
  let total = 0;
  let told = null;
  const take = (document, list, count, make) => {
    if (!Array.isArray(list)) throw new UnpadError("The portal's answer is not a list of datasets", `Asked for: ${provenance(document).gatewayURL}`, "", { portal: found.portal });
    told ??= provenance(document);
    total = count;
    rows.push(...list.map(make));
    return list.length;
  };
  if (found.dialect === "ckan") {
    // A portal may give fewer at once than were asked for.
    for (let got = 1; got > 0 && rows.length < limit && (told === null || offset + rows.length < total); ) {
      const query = new URLSearchParams({ ...(q && { q }), rows: Math.min(limit - rows.length, 1000), start: offset + rows.length });
      const document = await json(`${at}/api/3/action/package_search?${query}`, { refresh, signal });
      got = take(document, document?.result?.results, document?.result?.count, (one) => ({
        name: one.name, title: one.title || one.name, notes: one.notes ?? "", organization: one.organization?.title || one.organization?.name || null,
        formats: [...new Set((one.resources ?? []).map((resource) => resource.format).filter(Boolean))],
        modified: one.metadata_modified ?? null, licence: one.license_title || one.license_id || null,
        reference: `${found.portal}/dataset/${segment(one.name)}`,
      }));
    }
  } else if (found.dialect === "socrata") {
    const { hostname } = new URL((await json(at, { signal })).base);
    const query = new URLSearchParams({ domains: hostname, search_context: hostname, ...(q && { q }), limit, offset });
    const document = await json(`${at}/api/catalog/v1?${query}`, { refresh, signal });
    take(document, document?.results, document?.resultSetSize, ({ resource: one, metadata, link, permalink }) => ({
      name: one.id, title: one.name, notes: one.description ?? "", organization: one.attribution ?? null,
      formats: one.type === "dataset" ? ["CSV", "JSON"] : [], modified: one.updatedAt ?? null, licence: metadata?.license ?? null,
      reference: one.type === "dataset" ? `${found.portal}/resource/${segment(one.id)}.json` : permalink ?? link,
    }));
  } else {
    throw new UnpadError(`The datasets of ${found.portal} cannot be searched`, `It runs ${found.dialect}; this is known for CKAN and Socrata.`,
      "Read what you know the link of: readJSON, readCSV, save.", { type: "not-searchable", portal: found.portal });
  }
  return remember(hidden(rows.slice(0, limit), { total }), told);
}

export async function resources(referenceOrPortal, dataset = undefined, { refresh, signal } = {}) {
  const found = await resolve(referenceOrPortal, { signal });
  const name = dataset?.name ?? dataset ?? found.dataset;
  if (!name) throw new UnpadError("Which dataset?", `“${written(referenceOrPortal)}” stands for a ${found.kind}.`, `Name one: resources("${found.portal}", "NAME").`, { portal: found.portal });
  return listed({ ...found, dataset: name }, { refresh, signal });
}

/** The licence of the dataset that a reference names, or null: its portal's may be another. */
const ownLicence = (found) =>
  found.dialect === "ckan" && found.dataset ? listed(found, {}).then((all) => provenance(all).licence, () => null) : null;

async function listed({ portal, dialect, dataset }, { refresh, signal }) {
  if (dialect !== "ckan")
    throw new UnpadError(`The datasets of ${portal} have no list of resources`, `It runs ${dialect}; this is known for CKAN.`, "Read the reference of the dataset itself.", { portal });
  const document = await json(`${base()}/p/${segment(portal)}/api/3/action/package_show?id=${segment(dataset)}`, { refresh, signal }).catch(naming({ portal, dataset }));
  const list = (document?.result?.resources ?? []).map((one) => ({
    id: one.id, name: one.name || one.description || one.id, format: one.format ?? "", mediaType: one.mimetype || null, url: one.url ?? null,
    bytes: Number.isSafeInteger(Number(one.size ?? NaN)) ? Number(one.size) : null, modified: one.last_modified ?? one.created ?? null,
    inDatastore: one.datastore_active === true, reference: `${portal}/-/resource/${segment(one.id)}`,
  }));
  return remember(list, licensed(provenance(document), document?.result));
}

export async function table(referenceOrPortal, resourceId = undefined, options = {}) {
  const { limit = Infinity, offset = 0, fields, filters, q, sort, integers = "text", refresh, signal, onProgress } = options;
  const found = await portalOf(referenceOrPortal, { signal });
  const resource = resourceId?.id ?? resourceId ?? found.resource;
  if (!resource) throw new UnpadError("Which table?", `“${written(referenceOrPortal)}” stands for a ${found.kind}.`, `Name a resource: table("${found.portal}", "ID"). resources(…) lists them with their ids.`, { portal: found.portal });
  if (found.dialect !== "ckan") throw new UnpadError(`${found.portal} has no datastore`, `It runs ${found.dialect}; tables are read from CKAN.`, "Read the file: readCSV, readJSON.", { portal: found.portal });
  // Rows that are equal in the caller's order could change places between two pages.
  const order = !sort ? "_id" : /(^|[\s,"])_id\b/.test(sort) ? sort : `${sort}, _id`;
  const rows = [];
  let page = PAGE;
  let first = null;
  let told = null;
  let total = Infinity;
  const changed = (said) => new UnpadError("The table changed while it was read", said, "Read it again with refresh: true.", { type: "table-changed", portal: found.portal });
  while (first === null || rows.length < Math.min(limit, total - offset)) {
    const asked = Math.min(page, limit - rows.length, total - offset - rows.length);
    const query = new URLSearchParams({
      resource_id: resource, limit: asked, offset: offset + rows.length, sort: order,
      ...(fields && { fields: [].concat(fields).join(",") }), ...(filters && { filters: JSON.stringify(filters) }), ...(q && { q: isObject(q) ? JSON.stringify(q) : q }),
    });
    const document = await json(`${base()}/p/${segment(found.portal)}/api/3/action/datastore_search?${query}`, { integers, refresh, signal }).catch((error) => {
      if (!/#response-too-large$/.test(error?.type) || asked <= NARROW) throw error;
      return null;
    });
    if (document === null) {
      page = Math.max(Math.floor(asked / 4), NARROW);
      continue;
    }
    const result = document?.result;
    if (!Array.isArray(result?.records) || !Number.isSafeInteger(result.total))
      throw new UnpadError("The portal's answer is no table", "It has no list of records, or does not say how many there are.", `Asked for: ${provenance(document).gatewayURL}`, { portal: found.portal });
    const from = provenance(document);
    if (first === null) {
      first = result;
      total = result.total;
      told = from;
    } else {
      if (result.total !== total) throw changed(`It had ${total} rows at first, and ${result.total} later.`);
      told = { ...told, retrieved: new Date(Math.min(told.retrieved, from.retrieved)), age: Math.max(told.age, from.age), sha256: null };
    }
    if (result.records.length === 0 && asked > 0 && offset + rows.length < total)
      throw changed(`It should have ${total} rows, but there are none behind row ${offset + rows.length}.`);
    const [before, after] = [rows.at(-1)?._id, result.records[0]?._id];
    if (order === "_id" && Number.isSafeInteger(before) && Number.isSafeInteger(after) && before >= after)
      throw changed(`Row ${offset + rows.length + 1} does not come after the one before it.`);
    for (const record of result.records.slice(0, asked)) rows.push(record);
    // CKAN gives fewer than were asked for without an error, and says the limit that it used.
    if (Number.isSafeInteger(result.limit) && result.limit > 0 && result.limit < page && result.limit < asked) page = result.limit;
    onProgress?.({ rows: Math.min(rows.length, limit), total: Math.min(limit, Math.max(total - offset, 0)) });
    if (asked <= 0) break;
  }
  return remember(hidden(rows, { fields: first.fields ?? [], total }), { ...told, licence: (await ownLicence(found)) ?? told.licence });
}

// --- Saving ---------------------------------------------------------------------------------------

export async function save(reference, path, { mimeType, binary = false, refresh, signal, onProgress } = {}) {
  if (/^https?:\//.test(path)) {
    const first = written(reference);
    const local = FILE.test(first);
    throw new UnpadError("The path to save at is a link", `It is “${path}”.`, `${local ? "The two look swapped. The reference comes first: " : "Give a path, as in "}await unpad.save(${
      (local ? [String(path), first] : [first, "data.csv"]).map((one) => JSON.stringify(one)).join(", ")})`);
  }
  const name = filePath(path);
  const files = jupyterContents() ?? (await jupyterStorage());
  if (typeof files === "string") throw await noFiles(files, reference, name);
  const found = await fileFor(reference, name, { refresh, signal });
  const { bytes, type, told } = await load(found.url, { refresh, signal, onProgress }).catch(naming(found));
  const text = binary ? null : exactText(bytes);
  const now = new Date().toISOString();
  const record = {
    name: name.slice(name.lastIndexOf("/") + 1), path: name, type: "file", writable: true, created: now, last_modified: now,
    mimetype: mimeType || type.split(";")[0].trim() || (text === null ? "application/octet-stream" : "text/plain"),
    format: text === null ? "base64" : "text", content: text ?? base64(bytes), size: bytes.length,
  };
  signal?.throwIfAborted();
  // One after the other, so that two calls do not both make the same new folder.
  const done = writing.then(() => files.write(record));
  writing = done.catch(() => {});
  await done;
  return { path: name, bytes: bytes.length, provenance: { ...told, licence: found.licence ?? (await ownLicence(found)) ?? told.licence } };
}

/** As `locate`, but of a dataset the one resource whose format the path ends with. */
async function fileFor(reference, path, asking = {}) {
  const found = await locate(reference, asking);
  const [, before, format] = /^(.*[^/])\.([^./]+)$/s.exec(path) ?? [];
  if (found.kind !== "dataset" || found.dialect !== "ckan" || !format || /^json$/i.test(format)) return found;
  const all = await listed(found, asking);
  const one = only(all, format.toLowerCase(), found.portal, (resource) => {
    const own = formatOf(resource);
    return `await unpad.save(${JSON.stringify(resource.reference)}, ${JSON.stringify(/^[a-z0-9]{1,10}$/.test(own) ? `${before}.${own}` : path)})`;
  });
  return { url: fileOf(found.portal, one), licence: provenance(all).licence };
}

let writing = Promise.resolve();

export const saveJSON = (url, path, mimeType = "text/json", binary = false) => save(url, path, { mimeType, binary });

export async function download(reference, filename = undefined) {
  if (!globalThis.document) throw new UnpadError("There is no page here that could offer a download", "", "Use readBytes.");
  const found = await fileFor(reference, filename ?? "");
  const { url } = found;
  const { response, bytes, type, told } = await load(url).catch(naming(found));
  const said = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const plain = /filename="?([^";]+)/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  let encoded = null;
  try {
    encoded = said && decodeURIComponent(said);
  } catch { /* the plain one does */ }
  link.download = filename ?? encoded ?? plain ?? (new URL(url).pathname.split("/").pop() || "data");
  link.click();
  // The browser takes the content when the click is handled, which is after this.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return { path: link.download, bytes: bytes.length, provenance: { ...told, licence: found.licence ?? (await ownLicence(found)) ?? told.licence } };
}

/** A path below the root of JupyterLite's files. */
function filePath(path) {
  const parts = String(path ?? "").split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || /\/\.?$/.test(String(path)) || parts.includes(".."))
    throw new UnpadError("This is no path of a file", `It was ${JSON.stringify(path)}.`, 'It looks like "data/menors.json", from the root of the file browser.');
  return parts.join("/");
}

/** The folders of a path, outermost first. */
const folders = (path) => path.split("/").slice(0, -1).map((_, at, parts) => parts.slice(0, at + 1).join("/"));

const inTheWay = (path, type) => new UnpadError("Something else has this name", `“${path}” is a ${type === "directory" ? "folder" : "file"}.`, "Choose another path.", { type: "path-taken" });

/** Text that gives these very bytes when it is written as UTF-8. */
function exactText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function base64(bytes) {
  if (bytes.toBase64) return bytes.toBase64();
  const parts = [];
  for (let at = 0; at < bytes.length; at += 0x6000) parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 0x6000))));
  return parts.join("");
}

/** JupyterLite's contents manager, where a site shows its application (`exposeAppInBrowser`). */
function jupyterContents() {
  let contents = null;
  let here = globalThis;
  for (let depth = 0; here && depth < 10 && !contents; depth += 1) {
    try {
      // The window above may be of another site, which throws.
      contents = here.jupyterapp?.serviceManager?.contents ?? null;
      here = here.parent === here ? null : here.parent;
    } catch {
      break;
    }
  }
  return typeof contents?.save === "function" ? { write: (record) => throughContents(contents, record) } : null;
}

async function throughContents(contents, record) {
  const typeOf = (path) => contents.get(path, { content: false }).then((one) => one.type, () => null);
  for (const folder of folders(record.path)) {
    const type = await typeOf(folder);
    if (type !== null && type !== "directory") throw inTheWay(folder, type);
    if (type === null) await contents.save(folder, { type: "directory", path: folder, name: folder.split("/").pop(), format: "json", content: null });
  }
  const type = await typeOf(record.path);
  if (type === "directory") throw inTheWay(record.path, type);
  await contents.save(record.path, record);
}

/** Where this page is or, in a worker, its script; null where that is not to be known (blob:). */
function herePath() {
  try {
    const { protocol, pathname } = new URL(globalThis.document?.baseURI ?? globalThis.location.href);
    return /^https?:$/.test(protocol) ? pathname : null;
  } catch {
    return null;
  }
}

/** JupyterLite's files in IndexedDB, for where its contents manager is out of reach; else why not. */
async function jupyterStorage() {
  const prefix = "JupyterLite Storage - ";
  let names;
  try {
    if (!globalThis.indexedDB) return "There is no IndexedDB here";
    if (!indexedDB.databases) return "This browser does not tell which databases there are";
    names = (await indexedDB.databases()).map((one) => one.name ?? "");
  } catch (error) {
    return `IndexedDB cannot be used here (${error.message})`;
  }
  const here = herePath();
  const sites = names.filter((name) => name.startsWith(prefix)).map((name) => ({ name, path: name.slice(prefix.length) }));
  const ours = sites.filter(({ path }) => here === null || here.startsWith(path)).sort((a, b) => b.path.length - a.path.length);
  // A site may be configured to use the bare name.
  const name = ours[0]?.name ?? names.find((one) => one === prefix.slice(0, -3));
  if (!name) return sites.length > 0 ? "The JupyterLite on this server is at another path" : "There is no JupyterLite here";
  if (here === null && ours.length > 1) return `There are several JupyterLite sites on this server (${ours.map(({ path }) => path).join(", ")}), and this worker cannot know its own`;
  const database = await openStorage(name);
  if (database === null) return `“${name}” has no files yet, which JupyterLite makes when its file browser is first shown`;
  database.close();
  return { write: (record) => intoStorage(name, record) };
}

/** The database as it is; null if it is not there, or has no files. Whoever opens it closes it at once: JupyterLite waits for that. */
function openStorage(name) {
  return new Promise((done, fail) => {
    const opening = indexedDB.open(name);
    opening.onupgradeneeded = () => opening.transaction.abort(); // it was gone; we must not make one
    opening.onerror = () => (opening.error?.name === "AbortError" ? done(null) : fail(opening.error));
    opening.onsuccess = () => {
      const database = opening.result;
      database.onversionchange = () => database.close();
      if (database.objectStoreNames.contains("files")) return done(database);
      database.close();
      return done(null);
    };
  });
}

async function intoStorage(name, record) {
  const database = await openStorage(name);
  if (database === null) throw new UnpadError("JupyterLite's files are gone", `“${name}” has no files any more.`, "Load JupyterLite again.");
  try {
    await new Promise((done, fail) => {
      const transaction = database.transaction("files", "readwrite");
      const files = transaction.objectStore("files");
      let reason = null;
      const stop = (error) => {
        reason = error;
        transaction.abort();
      };
      transaction.oncomplete = () => done();
      transaction.onabort = () => fail(reason ?? new UnpadError("JupyterLite's files took nothing", transaction.error?.message, "Is the storage of this site full? Delete files that are no longer needed.", { cause: transaction.error }));
      for (const folder of folders(record.path)) {
        files.get(folder).onsuccess = ({ target: { result } }) => {
          if (result && result.type !== "directory") return stop(inTheWay(folder, result.type));
          if (!result)
            files.put({ ...record, name: folder.split("/").pop(), path: folder, type: "directory", format: "json", mimetype: "", content: null, size: 0 }, folder);
        };
      }
      files.get(record.path).onsuccess = ({ target: { result } }) => {
        if (result?.type === "directory") return stop(inTheWay(record.path, result.type));
        files.put({ ...record, created: result?.created ?? record.created }, record.path);
      };
    });
  } finally {
    database.close();
  }
}

async function noFiles(why, reference, path) {
  let wheel = `${base()}/client/unpad-0.1.0-py3-none-any.whl`;
  try {
    // Any version in the URL gets the current wheel; the index knows its number.
    const index = await fetch(`${base()}/simple/unpad/`, { headers: { Accept: "application/vnd.pypi.simple.v1+json" } });
    wheel = new URL((await index.json()).files[0].url, index.url).href;
  } catch { /* the one above does */ }
  const python = (value) => JSON.stringify(value); // for these, a literal of Python too
  const page = globalThis.document ? `\nIn a web page: unpad.download(${python(written(reference))}, ${python(path.split("/").pop())}) offers the file to the reader.` : "";
  return new UnpadError("JupyterLite's files cannot be written from here", `${why}. Nor is its application within reach, which a site shows with exposeAppInBrowser.`,
    `In a Python cell:\n%pip install ${wheel}\nimport unpad\nawait unpad.save(${python(written(reference))}, ${python(path)})${page}`, { type: "no-files" });
}
