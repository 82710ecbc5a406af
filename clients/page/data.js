// What a preview shows: rows of the datastore page by page, or the beginning of a file.

import * as unpad from "./unpad.js";
import { bytes as size, count, many } from "./dom.js";
import { typeOf, typeSaid } from "./values.js";

/** How much of a file is read for a preview. */
const BEGINNING = 1_000_000;
/** JSON can be shown as a tree only if all of it is there. */
const MOST_JSON = 4_000_000;
/** Cells of a page, and of all pages that are kept. */
const PAGE_CELLS = 200_000;
const KEPT_CELLS = 500_000;
const MOST_TEXT = 20_000;
const MOST_ERROR = 1_000_000;
/** Records of more members than this are no table. */
const MOST_COLUMNS = 2000;

const base = () => unpad.gateway();

/** The URL by which the gateway hands on what a place stands for. */
export function bridged({ portal, resource, path }) {
  return resource ? `${base()}/p/${encodeURIComponent(portal)}/-/resource/${encodeURIComponent(resource)}` : `${base()}/p/${encodeURIComponent(portal)}/${path.replace(/^\/+/, "")}`;
}

// --- The datastore --------------------------------------------------------------------------------

class Datastore {
  #pages = new Map();
  #coming = new Map();
  #signal;
  #refresh;
  onChange = () => {};
  failure = null;

  constructor({ portal, id, first, signal, refresh }) {
    Object.assign(this, { portal, id, total: first.total });
    this.#signal = signal;
    this.#refresh = refresh;
    this.columns = columnsOf(first);
    this.size = Math.max(1, Math.min(200, Math.floor(PAGE_CELLS / Math.max(1, this.columns.length)), first.length || 1));
    this.most = Math.max(4, Math.floor(KEPT_CELLS / Math.max(1, this.size * this.columns.length)));
    for (let at = 0; at < first.length; at += this.size) this.#keep(at / this.size, first.slice(at, at + this.size));
  }

  /** The row, or undefined while it is not here. */
  row(at) {
    return this.#pages.get(Math.floor(at / this.size))?.[at % this.size];
  }

  /** Brings the rows from `from` to `to`; what is on its way for other rows is given up. */
  want(from, to) {
    const pages = [];
    for (let page = Math.floor(from / this.size); page * this.size < Math.min(to, this.total); page += 1) pages.push(page);
    for (const [page, coming] of this.#coming) if (!pages.includes(page)) coming.abort();
    for (const page of pages) {
      const rows = this.#pages.get(page);
      // The one used last is given up last.
      if (rows) this.#keep(page, rows);
      else if (!this.#coming.has(page) && !this.failure) this.#load(page);
    }
  }

  retry() {
    this.failure = null;
    this.onChange();
  }

  #keep(page, rows) {
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    while (this.#pages.size > this.most) this.#pages.delete(this.#pages.keys().next().value);
  }

  async #load(page) {
    const coming = new AbortController();
    this.#coming.set(page, coming);
    try {
      const rows = await unpad.table(this.portal, this.id, {
        limit: this.size, offset: page * this.size, refresh: this.#refresh, signal: AbortSignal.any([coming.signal, this.#signal]) });
      this.#keep(page, rows);
      if (rows.total !== this.total)
        this.failure = new unpad.UnpadError("The table changed while you looked", `It had ${many(this.total, "row")}, and now has ${many(rows.total, "row")}.`, "Ask the portal again to see it as it is now.");
    } catch (error) {
      if (!coming.signal.aborted && !this.#signal.aborted) this.failure = error;
    } finally {
      this.#coming.delete(page);
    }
    if (!this.#signal.aborted) this.onChange();
  }
}

/** CKAN's own number of a row comes last: it is none of the data. */
const columnsOf = (rows) => [...rows.fields].sort((a, b) => (a.id === "_id") - (b.id === "_id")).map(({ id, type, info }) => ({
  id: String(id), type: typeSaid(type), said: String(type), label: info?.label && info.label !== id ? String(info.label) : null, notes: info?.notes ? String(info.notes) : null }));

async function datastore({ portal, resource, signal, refresh }) {
  const ask = (limit) => unpad.table(portal, resource, { limit, signal, refresh });
  const first = await ask(100).catch((error) => {
    // With thousands of columns even a hundred rows may be too much.
    if (!/too-large/.test(error?.type ?? "")) throw error;
    return ask(5);
  });
  return { rows: new Datastore({ portal, id: resource, first, signal, refresh }), told: unpad.provenance(first) };
}

// --- Rows that are all here -----------------------------------------------------------------------

export class Held {
  onChange = () => {};
  failure = null;

  constructor(rows, names) {
    this.all = rows;
    this.total = rows.length;
    const few = rows.slice(0, 1000);
    this.columns = names.map((id) => ({ id, type: typeOf(few.map((row) => row[id])), said: null, label: null, notes: null }));
  }

  row(at) {
    return this.all[at];
  }

  want() {}
}

// --- Files ----------------------------------------------------------------------------------------

const OPAQUE = /^(pdf|zip|gz|gzip|7z|rar|tar|tgz|xlsx?|xlsm|ods|docx?|odt|pptx?|shp|shape|dwg|dxf|png|jpe?g|gif|tiff?|geotiff|parquet|gpkg|mdb|sqlite|mp3|mp4|dbf|netcdf|grib|ecw|las|laz)$/i;

/** What a body begins with, at most `most` bytes, and how much came. */
async function bodyOf(response, most) {
  const parts = [];
  let got = 0;
  const reader = response.body?.getReader();
  let ended = !reader;
  while (!ended && got < most) {
    const { done, value } = await reader.read();
    if (done) ended = true;
    else {
      parts.push(value);
      got += value.length;
    }
  }
  // Somebody else has the portal's file to the end; we do not need it.
  if (!ended) await reader.cancel().catch(() => {});
  return { content: new Uint8Array(await new Blob(parts).arrayBuffer()).subarray(0, most), got, ended };
}

/** The document of an error, unless it is none or is long. */
async function documentOf(response) {
  const { content } = await bodyOf(response, MOST_ERROR);
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return null;
  }
}

/** The beginning of a file, at most `most` bytes. */
async function beginning(url, most, { signal, refresh }) {
  const init = { signal, refresh, headers: { Range: `bytes=0-${most - 1}` } };
  const response = await unpad.fetchThrough(url, init);
  const told = unpad.provenance(response);
  const field = (name) => response.headers.get(name);
  const type = field("content-type") ?? "";
  if (response.status === 416) return { content: new Uint8Array(), whole: true, length: 0, told, type };
  if (!response.ok) {
    const document = await documentOf(response);
    const said = document?.error?.message ?? document?.error;
    throw new unpad.UnpadError(String(document?.title ?? `The answer is ${response.status} ${response.statusText}`.trim()),
      String(document?.detail ?? (typeof said === "string" ? said : "The portal does not say why.")), "", { status: response.status, portal: document?.portal, portalURL: document?.portal_url ?? told.source });
  }
  const { content, got, ended } = await bodyOf(response, most);
  const total = /\/(\d+)$/.exec(field("content-range") ?? "")?.[1];
  const coded = field("content-encoding");
  const length = total ? Number(total) : response.status === 200 && !coded && field("content-length") ? Number(field("content-length")) : ended ? got : null;
  return { content, whole: length === null ? ended : content.length >= length, length, told, type, name: named(field("content-disposition")) };
}

function named(disposition) {
  try {
    const full = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? "")?.[1];
    return full ? decodeURIComponent(full) : /filename="?([^";]+)/i.exec(disposition ?? "")?.[1] ?? null;
  } catch {
    return null;
  }
}

// A character that the end of the beginning cuts is left out.
const textOf = (content, type, whole) => unpad.decodeText(content, type, { cut: !whole });

/** The rows of a file's beginning, whose last line may be cut. */
function rowsOf(text, whole) {
  let end = text.length;
  for (let attempt = 0; ; attempt += 1) {
    if (!whole || attempt > 0) end = text.lastIndexOf("\n", end - 1);
    try {
      return unpad.parseCSV(text.slice(0, end < 0 ? text.length : end + 1));
    } catch (error) {
      // The cut may be within a quoted field that has lines of its own.
      if (whole || attempt > 40 || end <= 0 || !/quote/.test(error.detail ?? "")) throw error;
    }
  }
}

/** Rows if it is a list of records, or of GeoJSON's features. */
function records(value) {
  const list = value?.type === "FeatureCollection" && Array.isArray(value.features) ? value.features.map((one) => one?.properties) : value;
  const plain = (one) => typeof one === "object" && one !== null && !Array.isArray(one);
  if (!Array.isArray(list) || list.length === 0 || !list.every(plain)) return null;
  const names = new Set();
  for (const one of list) {
    for (const name of Object.keys(one)) names.add(name);
    if (names.size > MOST_COLUMNS) return null;
  }
  return new Held(list, [...names]);
}

/** Where its rows are, if it is an answer of CKAN's API, GeoJSON or a list; see `snippets`. */
function inside(value) {
  const names = value?.type === "FeatureCollection" ? ["features"]
    : value?.success !== true ? []
      : ["records", "results"].filter((one) => Array.isArray(value.result?.[one])).map((one) => ["result", one])[0] ?? ["result"];
  const found = names.reduce((at, name) => at?.[name], value);
  if (typeof found !== "object" || found === null) return null;
  return { names, records: !Array.isArray(found) || found.every((one) => typeof one === "object" && one !== null && !Array.isArray(one)) };
}

const unreadable = { pdf: "a PDF", zip: "a ZIP archive", xlsx: "an Excel workbook", xls: "an Excel workbook", ods: "a spreadsheet", docx: "a Word document", shp: "a shapefile" };

/**
 * What a place has: `{ kind, rows?, tree?, text?, told, notes, … }`. `kind` is `table`, `csv`, `json` or
 * `file`, as snippets have it. `resource` is one of unpad's, or null for a `path` of the portal.
 */
export async function look({ portal, resource, path }, { signal, refresh } = {}) {
  const notes = [];
  const url = bridged({ portal, resource: resource?.id, path });
  if (resource?.inDatastore) {
    try {
      const { rows, told } = await datastore({ portal, resource: resource.id, signal, refresh });
      return { kind: "table", rows, told, notes, url: `${base()}/p/${encodeURIComponent(portal)}/datastore/dump/${encodeURIComponent(resource.id)}`, file: url, length: resource.bytes };
    } catch (error) {
      if (signal?.aborted || ![400, 403, 404, 409].includes(error?.status)) throw error;
      notes.push(`The portal says that this is a table of its datastore, but does not give it (${error.title}). This is the file.`);
    }
  }
  const name = resource?.format || /\.([a-z0-9]{1,8})(?:$|\?)/i.exec(path ?? resource?.url ?? "")?.[1] || "";
  const opaque = OPAQUE.test(name);
  const jsonish = /json/i.test(name) || /^\/?api\//.test(path ?? "");
  const start = await beginning(url, opaque ? 1024 : jsonish ? MOST_JSON : BEGINNING, { signal, refresh });
  const { content, whole, length, told, type } = start;
  const found = { told, notes, url, file: url, length: length ?? resource?.bytes ?? null, type, name: start.name, whole };
  const opaqueNow = opaque || /^(image|audio|video)\/|pdf|zip|octet-stream.*binary/i.test(type) || content.subarray(0, 2000).includes(0) && !textOf(content, type, whole).encoding.startsWith("utf-16");
  const decoded = opaqueNow ? null : textOf(content, type, whole);
  if (decoded === null) {
    const what = unreadable[name.toLowerCase()] ?? (name ? `a file of the format ${name}` : `a file (${type.split(";")[0] || "of a type that is not said"})`);
    notes.push(`This is ${what}, which a page cannot show as rows or text. The links and lines below hand it on as it is.`);
    return { ...found, kind: "file" };
  }
  const { text, encoding } = decoded;
  const cut = () => {
    if (!whole) notes.push(`This is the first ${size(content.length)}${found.length ? ` of ${size(found.length)}` : ""}.`);
  };
  if (text.trim() === "") {
    notes.push("The file is empty.");
    return { ...found, kind: "file" };
  }
  if (/^\s*<(!doctype html|html)/i.test(text)) {
    cut();
    notes.push("The portal sent a web page in place of data.");
    return { ...found, kind: "file", text: text.slice(0, MOST_TEXT) };
  }
  if (/json/i.test(type) || jsonish || /^\s*[[{]/.test(text)) {
    if (whole) {
      let value;
      try {
        value = unpad.parseJSON(text, "bigint");
      } catch { /* it is shown as the text that it is */ }
      if (value !== undefined) {
        const rows = records(value);
        if (rows?.total === 1000 && /^\/?resource\/[\w-]+\.json$/.test(path ?? "")) notes.push("Socrata gives 1,000 rows unless the path asks for more: ?$limit=50000.");
        return { ...found, kind: "json", rows, tree: rows ? null : value, geo: value?.type === "FeatureCollection", inside: inside(value) };
      }
      notes.push("This is not JSON, whatever its name says.");
    } else cut();
    return { ...found, kind: whole ? "file" : "json", text: text.slice(0, MOST_TEXT) };
  }
  if (/csv|tsv|tab-separated/i.test(`${name} ${type}`) || !/xml|html/i.test(`${name} ${type}`)) {
    try {
      const rows = rowsOf(text, whole);
      if (rows.columns.length > 1 || /csv/i.test(`${name} ${type}`)) {
        cut();
        if (encoding !== "utf-8") notes.push(`Its text is in ${encoding}.`);
        return { ...found, kind: "csv", rows: new Held(rows, rows.columns), delimiter: rows.delimiter, encoding };
      }
    } catch (error) {
      if (/csv/i.test(`${name} ${type}`)) notes.push(`It cannot be shown as a table. ${error.title}: ${error.detail}`);
    }
  }
  cut();
  if (text.length > MOST_TEXT) notes.push(`Shown are the first ${count(MOST_TEXT)} characters.`);
  return { ...found, kind: /csv/i.test(name) ? "csv" : "file", text: text.slice(0, MOST_TEXT), encoding };
}

/** Two columns for a chart, at most `most` rows. */
export async function values(looked, { portal, resource }, names, most, { signal }) {
  const { rows } = looked;
  if (looked.kind !== "table") return { rows: rows.all.slice(0, most), total: rows.total };
  const list = await unpad.table(portal, resource.id, { fields: names, limit: most, signal });
  return { rows: list, total: list.total };
}

