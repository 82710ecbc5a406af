// The lines that read a thing in each language. Pure, so that a test can run what they say.

/** A string literal of Python and of JavaScript. */
const quoted = (text) => JSON.stringify(String(text)).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
const escaped = (character) => `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`;
const r = (text) => `"${String(text).replace(/[\\"]/g, "\\$&").replace(/[\u0001-\u001f]/g, escaped)}"`;
const julia = (text) => `"${String(text).replace(/[\\"$]/g, "\\$&").replace(/[\u0000-\u001f]/g, escaped)}"`;
const sql = (text) => `'${String(text).replaceAll("'", "''")}'`;
const shell = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** A name that a file may have anywhere, of what a portal calls it. */
export function safeName(text, extension = "") {
  const name = String(text ?? "").normalize("NFC").replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\\/:*?"<>|'`$]+/g, "-")
    .replace(/\s+/g, "-").replace(/-{2,}/g, "-").replace(/^[-.]+|[-.]+$/g, "");
  const short = Array.from(name || "data").slice(0, 80).join("");
  return !extension || short.toLowerCase().endsWith(`.${extension}`) ? short : `${short}.${extension}`;
}

/**
 * `kind` is `table` (of a datastore; `url` is then its dump as CSV), `csv`, `json` or `file`.
 * `gateway` and `wheel` are URLs, `delimiter` and `encoding` what a CSV file was found to have. `inside` is
 * where in JSON its rows are: `{ names, records }`, `records` being whether they have members.
 */
export function snippets({ gateway, wheel, url, kind, portal, resource, format = "", filename = "data", delimiter = ",", encoding = "utf-8", inside = null }) {
  const module = `${gateway.replace(/\/+$/, "")}/client/unpad.js`;
  const excel = kind === "file" && /^xlsx?$/i.test(format);
  const tabular = kind === "table" || kind === "csv";
  const asked = kind === "table" ? `table(${quoted(portal)}, ${quoted(resource)})` : null;
  const python = asked ? `rows = await unpad.${asked}`
    : kind === "csv" ? `rows = await unpad.read_csv(${quoted(url)})`
      : kind === "json" ? `data = await unpad.read_json(${quoted(url)})`
        : null;
  // Where unpad came from another gateway before, pip keeps that one.
  const use = `unpad.use(${quoted(gateway)})`;
  const javascript = asked ?? (kind === "csv" ? `readCSV(${quoted(url)})` : kind === "json" ? `readJSON(${quoted(url)})` : `readBytes(${quoted(url)})`);
  const name = tabular ? "rows" : kind === "json" ? "data" : "bytes";
  const said = [delimiter !== "," && [`sep=${quoted(delimiter)}`, `sep = ${r(delimiter)}`], encoding !== "utf-8" && [`encoding=${quoted(encoding)}`, `fileEncoding = ${r(encoding)}`]].filter(Boolean);
  const more = (at) => (kind === "csv" ? said.map((one) => `, ${one[at]}`).join("") : "");
  const names = inside?.names ?? [];
  const pandas = tabular ? ["import pandas as pd", `df = pd.read_csv(${quoted(url)}${more(0)})`]
    : kind === "json" ? ["import json, pandas as pd", "from urllib.request import urlopen", `data = json.load(urlopen(${quoted(url)}))`, `df = pd.${inside?.records === false ? "DataFrame" : "json_normalize"}(data${names.map((one) => `[${quoted(one)}]`).join("")})`]
      : excel ? ["import pandas as pd", `df = pd.read_excel(${quoted(url)})`]
        : ["from urllib.request import urlretrieve", `urlretrieve(${quoted(url)}, ${quoted(filename)})`];
  // Numbers that R would round stay text.
  const inR = tabular ? [`rows <- read.csv(${r(url)}, numerals = "no.loss"${more(1)})`]
    : kind === "json" ? [`data <- jsonlite::fromJSON(${r(url)}, bigint_as_char = TRUE)${names.map((one) => `$${one}`).join("")}`]
      : [`download.file(${r(url)}, ${r(filename)}, mode = "wb")`];
  // Portals' CSV is not always as RFC 4180 has it, and DuckDB then refuses all of it.
  const duckdb = tabular ? `SELECT * FROM read_csv(${sql(url)}, strict_mode = false);`
    : kind === "json" ? `SELECT * FROM read_json(${sql(url)});`
      : excel && /x$/i.test(format) ? `INSTALL excel; LOAD excel;\nSELECT * FROM read_xlsx(${sql(url)});`
        : `SELECT size FROM read_blob(${sql(url)});`;
  const inJulia = tabular ? ["using CSV, DataFrames, Downloads", `df = CSV.read(Downloads.download(${julia(url)}), DataFrame)`]
    : kind === "json" ? ["using Downloads, JSON3", `data = JSON3.read(read(Downloads.download(${julia(url)})))`]
      : ["using Downloads", `Downloads.download(${julia(url)}, ${julia(filename)})`];
  const glob = /[[\]{}]/.test(url) ? " --globoff" : "";
  return [
    { id: "jupyterlite", title: "JupyterLite", language: "python", code: [`%pip install ${wheel}`, "import unpad", use, python, `await unpad.save(${quoted(url)}, ${quoted(`data/${filename}`)})`].filter(Boolean).join("\n") },
    { id: "pandas", title: "pandas", language: "python", code: pandas.join("\n") },
    { id: "javascript", title: "JavaScript", language: "javascript", code: `import * as unpad from ${quoted(module)};\nconst ${name} = await unpad.${javascript};` },
    { id: "observable", title: "Observable", language: "javascript", code: `unpad = import(${quoted(module)})\n\n${name} = unpad.${javascript}` },
    { id: "r", title: "R", language: "r", code: inR.join("\n") },
    { id: "duckdb", title: "DuckDB", language: "sql", code: duckdb },
    { id: "julia", title: "Julia", language: "julia", code: inJulia.join("\n") },
    { id: "curl", title: "curl", language: "shell", code: `curl --fail --location${glob} --output ${shell(filename.startsWith("-") ? `./${filename}` : filename)} \\\n  ${shell(url)}` },
  ];
}
