/**
 * unpad for web pages, notebooks, workers and node: reads open data through an unpad gateway.
 *
 * ```js
 * const unpad = await import("http://127.0.0.1:8080/client/unpad.js");
 * const rows = await unpad.readCSV("https://portal.example/dataset/NAME");
 * ```
 *
 * The gateway that is asked is the one that serves the module; `use` names another.
 *
 * A *reference* is what people copy from a portal: the link of a dataset's or resource's page, a download
 * link, an API link; or a path that begins with the id of a portal (`demo/dataset/NAME`); or an object
 * that `datasets` or `resources` gave.
 */

export type Reference = string | URL | { reference: string };

export interface Asking {
  /** Have the gateway ask the portal again, at most once in ten seconds. */
  refresh?: boolean;
  /** Ends the work; the error is then an AbortError, not an UnpadError. */
  signal?: AbortSignal;
}

export interface Reading extends Asking {
  /** Called as content comes. `total` is null where nobody has said it. */
  onProgress?: (progress: { bytes: number; total: number | null }) => void;
}

/**
 * What becomes of integers beyond `Number.MAX_SAFE_INTEGER`, which a number would round: their digits as
 * a string (`"text"`, the default), a BigInt, or a rounded number after all.
 */
export type Integers = "text" | "bigint" | "number";

/** Anything that unpad cannot do. `message` is title, detail and advice, each on a line. */
export class UnpadError extends Error {
  constructor(title: string, detail?: string, advice?: string, more?: object);
  /** What went wrong. */
  title: string;
  detail: string;
  /** What can be done; may be empty where the detail says it. */
  advice: string;
  /** The status of the answer; 200 where a portal tells of its failure in an answer that succeeds. */
  status: number | null;
  /** The problem's type (`/problems#portal-timeout`), CKAN's (`Not Found Error`) or this module's (`not-csv`). */
  type: string | null;
  /** The portal's id. */
  portal: string | null;
  /** What the portal was asked for. */
  portalURL: string | null;
  /** The problem document, or the portal's own error, as it came. */
  problem: unknown;
}

/** Where a result comes from. */
export interface Provenance {
  /** When the portal gave it; for a table of several pages, the earliest of them. */
  retrieved: Date;
  /** The portal's own URL of it. */
  source: string | null;
  /** The URL of its licence. */
  licence: string | null;
  attribution: string | null;
  /** SHA-256 of the content, in hex. Null for tables of several pages, and in pages without `crypto.subtle` (http that is not this machine). */
  sha256: string | null;
  /** What the gateway's cache did; `text` is the whole field Cache-Status. */
  cache: { hit: boolean; fwd: string | null; ttl: number | null; stored: boolean; stale: boolean; text: string | null };
  /** How many seconds old it was when it arrived. */
  age: number;
  /** What the gateway was asked for. */
  gatewayURL: string;
}

/** Where this very array, object or Response comes from. Throws for a part, a copy, or a plain value such as a text. */
export function provenance(result: object): Provenance;

/** Asks the gateway at this URL (or of this link of it) from now on; returns the URL without a slash at its end. */
export function use(url: string | URL): string;

/** The URL of the gateway that is asked, without a slash at its end. */
export function gateway(): string;

/** What a reference stands for. */
export interface Resolved {
  portal: string;
  /** The software of the portal: `ckan`, `socrata`, … */
  dialect: string;
  kind: "portal" | "dataset" | "resource" | "table" | "file" | "api";
  dataset: string | null;
  resource: string | null;
  /** What to ask the gateway for, absolute. */
  url: string;
}

export function resolve(reference: Reference, options?: { signal?: AbortSignal }): Promise<Resolved>;

/** A portal of the registry, as the gateway's `/portals` lists it. */
export interface Portal {
  id: string;
  title: string;
  dialect: string;
  base: string;
  url: string;
  [more: string]: unknown;
}

export function portals(options?: { signal?: AbortSignal }): Promise<Portal[]>;

export interface Dataset {
  name: string;
  title: string;
  notes: string;
  organization: string | null;
  formats: string[];
  modified: string | null;
  licence: string | null;
  reference: string;
}

/**
 * Searches the datasets of a portal (CKAN, Socrata); `q` may be empty. `total` is how many were found.
 * Its provenance is that of the first answer.
 */
export function datasets(
  portal: Reference,
  q?: string,
  options?: { limit?: number; offset?: number } & Asking,
): Promise<Dataset[] & { readonly total: number }>;

export interface Resource {
  id: string;
  name: string;
  format: string;
  mediaType: string | null;
  /** The portal's own link. */
  url: string | null;
  bytes: number | null;
  modified: string | null;
  /** Whether `table` can read it. */
  inDatastore: boolean;
  reference: string;
}

/** The files and tables of a dataset: of a reference, or of a portal and the dataset's name or id. */
export function resources(
  referenceOrPortal: Reference,
  dataset?: string | { name: string } | null,
  options?: Asking,
): Promise<Resource[]>;

export interface Field {
  id: string;
  type: string;
  [more: string]: unknown;
}

export interface TableOptions extends Asking {
  /** The most rows; all of them if it is left out. */
  limit?: number;
  offset?: number;
  fields?: string | string[];
  /** Values that columns must have: `{ any: "2020", codi: ["a", "b"] }`. */
  filters?: Record<string, unknown>;
  /** Words that rows must have; an object has words for each column. */
  q?: string | Record<string, string>;
  /** Such as `valor desc`; by `_id` if it is left out. */
  sort?: string;
  integers?: Integers;
  onProgress?: (progress: { rows: number; total: number }) => void;
}

export type Row = Record<string, unknown>;

/**
 * The rows of a table in CKAN's datastore, page by page until all are there. If the table changes
 * on the way, that is an error, not a gap. `total` is how many rows match, also beyond `limit`.
 */
export function table(
  referenceOrPortal: Reference,
  resourceId?: string | { id: string } | null,
  options?: TableOptions,
): Promise<Row[] & { readonly fields: Field[]; readonly total: number }>;

/**
 * JSON: of a dataset its `package_show` result, of an API link the whole answer, else the file's.
 * A CKAN answer with `success: false` is an UnpadError.
 */
export function readJSON<T = any>(reference: Reference, options?: { integers?: Integers } & Reading): Promise<T>;

/**
 * CSV as objects of strings: of a dataset its only CSV file, of a table its dump, else the file. The delimiter is found
 * among comma, semicolon, tab and bar; the charset by BOM, Content-Type, UTF-8, else windows-1252.
 * A line with too many or too few fields is an UnpadError that names it, and so is a PDF, an archive, or another file that is none.
 */
export function readCSV(
  reference: Reference,
  options?: { delimiter?: string; encoding?: string } & Reading,
): Promise<Record<string, string>[] & { readonly columns: string[]; readonly delimiter: string; readonly encoding: string }>;

/** Text. It cannot have a provenance; `readBytes` can. */
export function readText(reference: Reference, options?: { encoding?: string } & Reading): Promise<string>;

/** The bytes as they came, at most 380 MiB. */
export function readBytes(reference: Reference, options?: Reading): Promise<Uint8Array>;

/** `fetch` of a reference: the Response itself, whatever its status, to be read as a stream. */
export function fetchThrough(reference: Reference, init?: RequestInit): Promise<Response>;

export interface Saved {
  path: string;
  bytes: number;
  provenance: Provenance;
}

/**
 * Saves the bytes as they came into JupyterLite's files, below the root of the file browser; missing folders are made.
 * Of a dataset, a path without an extension or with `.json` takes its description, and one with another, such as
 * `.csv`, its one resource of that format.
 * Where that is not possible, the error has the Python lines that do it.
 */
export function save(
  reference: Reference,
  path: string,
  options?: { mimeType?: string; /** Keep it as base64 even if it is text. */ binary?: boolean } & Reading,
): Promise<Saved>;

/** `save` with the arguments of `saveJSONP`. */
export function saveJSON(url: Reference, path: string, mimeType?: string, binary?: boolean): Promise<Saved>;

/** Offers a file to the reader of a web page, as a link with `download` would. A name says what of a dataset, as for `save`. */
export function download(reference: Reference, filename?: string): Promise<Saved>;

/** `JSON.parse` in which integers that a number cannot hold become what `integers` says. */
export function parseJSON(text: string, integers?: Integers): any;

/** CSV text as objects of strings, as `readCSV` reads it. */
export function parseCSV(text: string, delimiter?: string): Record<string, string>[] & { readonly columns: string[]; readonly delimiter: string };

/**
 * The text of bytes: by BOM, the charset of the Content-Type, UTF-8, else windows-1252. With `cut`, the end
 * may be within a character, which is left out.
 */
export function decodeText(bytes: Uint8Array, type?: string, options?: { encoding?: string; cut?: boolean }): { text: string; encoding: string };

/** The error for a Response that is none of 2xx, such as one of `fetchThrough`; it reads the body. */
export function responseError(response: Response): Promise<UnpadError>;
