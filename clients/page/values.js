// What the values of a column are, and which of them are numbers and times.

export const isEmpty = (value) => value === null || value === undefined || value === "";

/** A value as it is shown: numbers as JavaScript writes them, which is what JSON said. */
export function shown(value) {
  if (isEmpty(value)) return "";
  if (typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one));
  } catch {
    return "(nested too deeply to show)";
  }
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const COMMA = /^[+-]?\d+,\d+$/;
const TIME = /^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?)?$/;

/** A number for a place on an axis; NaN if it is none. */
export function numeric(value) {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (typeof value !== "string") return NaN;
  const text = value.trim();
  if (NUMBER.test(text)) return Number(text);
  return COMMA.test(text) ? Number(text.replace(",", ".")) : NaN;
}

/** Milliseconds for a place on an axis. What names no zone is taken as it stands, on every machine alike. */
export function instant(value) {
  if (typeof value !== "string" || !TIME.test(value.trim())) return NaN;
  const text = value.trim().replace(" ", "T").replace(",", ".").replace(/ /g, "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2").replace(/T(.*[+-]\d\d)$/, "T$1:00");
  return Date.parse(text.includes("T") && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text);
}

/** The type of a column found from its values. */
export function typeOf(values) {
  const full = values.filter((value) => !isEmpty(value));
  if (full.length === 0) return "empty";
  const all = (test) => full.every(test);
  if (full.some((value) => typeof value === "object")) return all((value) => typeof value === "object") ? "nested" : "text";
  if (all((value) => typeof value === "boolean" || /^(true|false)$/i.test(value))) return "boolean";
  // Digits that begin with a zero are a code, such as a postcode.
  const code = full.some((value) => /^[+-]?0\d/.test(value));
  if (!code && all((value) => /^[+-]?\d+$/.test(String(value).trim()))) return "integer";
  if (!code && all((value) => !Number.isNaN(numeric(value)))) return "number";
  if (all((value) => !Number.isNaN(instant(value)))) return all((value) => /:/.test(value)) ? "time" : "date";
  return "text";
}

const SAID = { int: "integer", int2: "integer", int4: "integer", int8: "integer", bigint: "integer", integer: "integer", numeric: "number", float4: "number", float8: "number", double: "number", float: "number", timestamp: "time", timestamptz: "time", date: "date", time: "text", bool: "boolean", boolean: "boolean", text: "text", json: "nested", jsonb: "nested" };

/** The type of a datastore's column in the same words. */
export const typeSaid = (type) => SAID[String(type).toLowerCase()] ?? "text";

export const isNumeric = (type) => type === "integer" || type === "number";
export const isTime = (type) => type === "time" || type === "date";
