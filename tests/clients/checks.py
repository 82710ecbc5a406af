"""Clients of Python that know nothing of the gateway. run.sh says where everything is:

    GATEWAY, DEMO_PORTAL (its own address), FILES and SODA (portals of the gateway), FOLDER (what the
    file server serves)
"""

import ast
import asyncio
import contextlib
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit

import ckanapi
import duckdb
import duckdb_extension_httpfs
import frictionless
import frictionless.portals
import jsonschema
import openapi_spec_validator
import pandas
import requests
import sodapy
from jupyterlite_simple_cors_proxy import cacheproxy, proxy

from checking import Failed, check, expect, main, raised

GATEWAY, PORTAL = os.environ["GATEWAY"], os.environ["DEMO_PORTAL"]
DEMO = GATEWAY + "/p/demo"
FILES, SODA = os.environ["FILES"], os.environ["SODA"]
FOLDER = pathlib.Path(os.environ["FOLDER"])
TABLE = "e5f516c7-456f-50aa-804b-81826abed5b5"
FILE = f"/dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/{TABLE}/download/qualitat-aire-mesures.csv"
# Rows of the demonstration's table, and of the files.
ROWS, LONG = 2400, 60_000

logging.getLogger().setLevel(logging.ERROR)  # sodapy warns of requests without a token


# --- ckanapi: POST by default -------------------------------------------------------------------


def by_post():
    return ckanapi.RemoteCKAN(DEMO).action


def by_get():
    return ckanapi.RemoteCKAN(DEMO, get_only=True).action


@check("ckanapi: status_show")
def _():
    return by_post().status_show()["ckan_version"]


@check("ckanapi: package_show")
def _():
    package = by_post().package_show(id="qualitat-aire-mesures")
    expect("the name", package["name"], "qualitat-aire-mesures")
    return package["title"]


@check("ckanapi: package_search with lists and Greek")
def _():
    found = by_post().package_search(q="Θεσσαλονίκη", rows=2, **{"facet.field": ["organization"]})
    expect("search_facets", list(found["search_facets"]), ["organization"])
    return f"{found['count']} found"


@check("ckanapi: datastore_search with a dict of filters")
def _():
    found = by_post().datastore_search(resource_id=TABLE, filters={"municipi": "Θεσσαλονίκη", "contaminant": ["NO2", "O3"]}, limit=3)
    expect("the places", {row["municipi"] for row in found["records"]}, {"Θεσσαλονίκη"})
    return f"{found['total']} rows"


@check("ckanapi: NotFound")
def _():
    return str(raised(ckanapi.NotFound, by_post().package_show, id="none"))


@check("ckanapi: ValidationError")
def _():
    error = raised(ckanapi.ValidationError, by_post().package_show)
    expect("name_or_id", error.error_dict["name_or_id"], ["Missing value"])
    return str(error)


@check("ckanapi: SearchQueryError")
def _():
    return repr(raised(ckanapi.SearchQueryError, by_post().package_search, sort="nonsense"))


@check("ckanapi: a write action is refused, and told in CKAN's way")
def _():
    error = raised(ckanapi.CKANAPIError, by_post().package_create, name="new")
    if "405" in str(error):
        raise Failed(str(error))
    return f"{type(error).__name__}: {error}"


@check("ckanapi get_only: package_search")
def _():
    found = by_get().package_search(q="aire", rows=3)
    expect("results", len(found["results"]), 3)
    return f"{found['count']} found"


@check("ckanapi get_only: datastore_search with a list of fields")
def _():
    found = by_get().datastore_search(resource_id=TABLE, fields="municipi,valor", limit=5)
    expect("the fields", [field["id"] for field in found["fields"]], ["municipi", "valor"])
    return f"{found['total']} rows"


@check("ckanapi get_only: NotFound")
def _():
    return str(raised(ckanapi.NotFound, by_get().package_show, id="none"))


@check("ckanapi get_only: ValidationError")
def _():
    return str(raised(ckanapi.ValidationError, by_get().datastore_search, resource_id=TABLE, limit=-1))


def command(*arguments):
    done = subprocess.run(["ckanapi", *arguments, "-r", DEMO], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failed(f"{done.returncode}: {done.stderr.strip()[-300:]}")
    # Not splitlines: a description has a U+2028 in it.
    return [json.loads(line) for line in done.stdout.split("\n") if line]


@check("ckanapi search datasets")
def _():
    found = command("search", "datasets", "q=aire")
    wanted = requests.get(DEMO + "/api/3/action/package_search?q=aire&rows=0", timeout=30).json()["result"]["count"]
    expect("datasets", len(found), wanted)
    return f"{len(found)} datasets"


@check("ckanapi dump datasets --all")
def _():
    names = requests.get(DEMO + "/api/3/action/package_list", timeout=30).json()["result"]
    found = command("dump", "datasets", "--all")
    expect("names", sorted(package["name"] for package in found), sorted(names))
    return f"{len(found)} datasets"


@check("ckanapi action -g package_list")
def _():
    done = subprocess.run(["ckanapi", "action", "package_list", "limit:3", "-g", "-r", DEMO], capture_output=True, text=True, timeout=60)
    expect("the exit code", (done.returncode, done.stderr[-300:]), (0, ""))
    expect("names", len(json.loads(done.stdout)), 3)
    return "3 names"


# --- sodapy -------------------------------------------------------------------------------------


def socrata():
    client = sodapy.Socrata(SODA.removeprefix("http://"), None)
    client.uri_prefix = "http://"
    return client


@check("sodapy: get")
def _():
    rows = socrata().get("aire-2026", limit=2, municipi="Θεσσαλονίκη")
    expect("rows", rows, [{"id": str(i), "municipi": "Θεσσαλονίκη", "valor": f"{i}.50", "data": f"2026-11-{i + 1:02d}T00:00:00.000"} for i in (2, 5)])
    return f"{len(rows)} rows"


@check("sodapy: get_all, in pages")
def _():
    rows = list(socrata().get_all("aire-2026"))
    expect("ids", [row["id"] for row in rows], [str(i) for i in range(2500)])
    return f"{len(rows)} rows"


@check("sodapy: what Socrata refuses is told")
def _():
    error = str(raised(requests.HTTPError, socrata().get, "aire-2026", where="nonsense = 1"))
    if "400" not in error or "No such column" not in error:
        raise Failed(error)
    return error


# --- pandas, requests ---------------------------------------------------------------------------


@check("pandas.read_csv of a file")
def _():
    frame = pandas.read_csv(DEMO + FILE)
    expect("rows", len(frame), ROWS)
    return f"{frame.shape}"


@check("pandas.read_csv of a dump with a byte order mark")
def _():
    frame = pandas.read_csv(f"{DEMO}/datastore/dump/{TABLE}?bom=true")
    expect("rows", len(frame), ROWS)
    expect("the first column", frame.columns[0], "_id")
    return f"{frame.shape}"


@check("pandas.read_json of an action")
def _():
    frame = pandas.DataFrame(pandas.read_json(f"{DEMO}/api/3/action/datastore_search?resource_id={TABLE}&limit=100")["result"]["records"])
    expect("rows", len(frame), 100)
    return f"{frame.shape}"


@check("pandas.read_csv and read_json of plain files")
def _():
    table, same = pandas.read_csv(FILES + "/mesures.csv"), pandas.read_json(FILES + "/mesures.json")
    expect("rows", (len(table), len(same)), (LONG, LONG))
    expect("the sums", table["valor"].sum(), same["valor"].sum())
    return f"{table.shape}"


@check("pandas: an error is an HTTPError")
def _():
    return str(raised(OSError, pandas.read_json, DEMO + "/api/3/action/package_show?id=none"))


@check("requests: GET, then 304")
def _():
    with requests.Session() as session:
        first = session.get(DEMO + "/api/3/action/package_show", params={"id": "qualitat-aire-mesures"}, timeout=30)
        again = session.get(first.url, timeout=30)  # now it may be coded, with an ETag of its own
        third = session.get(first.url, headers={"If-None-Match": again.headers["ETag"]}, timeout=30)
    expect("the statuses", (first.status_code, again.status_code, third.status_code), (200, 200, 304))
    expect("the content", again.content, first.content)
    return third.headers["Cache-Status"]


@check("requests: POST of JSON")
def _():
    answer = requests.post(DEMO + "/api/3/action/package_show", json={"id": "qualitat-aire-mesures"}, timeout=30)
    expect("the status", answer.status_code, 200)
    expect("the name", answer.json()["result"]["name"], "qualitat-aire-mesures")
    return "200"


@check("requests: the file of a resource")
def _():
    answer = requests.get(f"{DEMO}/-/resource/{TABLE}", timeout=30)
    expect("the status", answer.status_code, 200)
    expect("the content", answer.content, requests.get(DEMO + FILE, timeout=30).content)
    return f"{len(answer.content):,} bytes"


# --- frictionless -------------------------------------------------------------------------------


@check("frictionless: describe and validate a file")
def _():
    report = frictionless.validate(DEMO + FILE)
    expect("valid", (report.valid, report.flatten(["type", "note"])), (True, []))
    described = frictionless.describe(DEMO + FILE)
    return f"{report.stats['tasks']} task, {len(described.schema.fields)} fields"


@check("frictionless: extract rows of a plain file")
def _():
    resource = frictionless.Resource(FILES + "/mesures.csv")
    rows = resource.read_rows(size=5)
    expect("ids", [row["id"] for row in rows], [0, 1, 2, 3, 4])
    return f"{len(rows)} rows"


@check("frictionless: a package of CKAN")
def _():
    control = frictionless.portals.CkanControl(baseurl=DEMO, dataset="qualitat-aire-mesures")
    package = frictionless.Package(control=control)
    return f"{package.name}, {len(package.resources)} resources"


# --- DuckDB -------------------------------------------------------------------------------------


def database():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    folder = pathlib.Path(duckdb_extension_httpfs.__file__).parent
    connection.load_extension(str(next(folder.glob("extensions/*/httpfs.duckdb_extension"))))
    return connection


@check("DuckDB: CSV of the demonstration")
def _():
    found = database().sql(f"SELECT count(*), count(DISTINCT municipi) FROM read_csv('{DEMO}{FILE}')").fetchone()
    expect("rows", found[0], ROWS)
    return f"{found}"


@check("DuckDB: JSON of an action")
def _():
    url = f"{DEMO}/api/3/action/package_search?rows=0"
    found = database().sql(f"SELECT success, result.count FROM read_json('{url}')").fetchone()
    expect("success", found[0], True)
    return f"{found}"


@check("DuckDB: count of a Parquet file")
def _():
    found = database().sql(f"SELECT count(*) FROM '{FILES}/mesures.parquet'").fetchone()[0]
    expect("rows", found, LONG)
    return f"{found} rows"


@check("DuckDB: a few rows of a Parquet file, by ranges")
def _():
    query = "SELECT id, municipi, valor FROM '{}' WHERE id BETWEEN 30000 AND 30004 ORDER BY id"
    connection = database()
    remote = connection.sql(query.format(FILES + "/mesures.parquet")).fetchall()
    expect("rows", remote, connection.sql(query.format(FOLDER / "mesures.parquet")).fetchall())
    told = database().sql("EXPLAIN ANALYZE " + query.format(FILES + "/mesures.parquet")).fetchone()[1]
    read, unit = re.search(r"in: ([0-9.]+) (bytes|KiB|MiB)", told).groups()
    read = float(read) * {"bytes": 1, "KiB": 2**10, "MiB": 2**20}[unit]
    length = (FOLDER / "mesures.parquet").stat().st_size
    if not 0 < read < length / 2:
        raise Failed(f"{read:,.0f} of {length:,} bytes were read")
    return f"{len(remote)} rows from {read:,.0f} of {length:,} bytes"


@check("DuckDB: CSV of a plain file")
def _():
    found = database().sql(f"SELECT count(*), sum(valor) FROM '{FILES}/mesures.csv'").fetchone()
    expect("rows", found, database().sql(f"SELECT count(*), sum(valor) FROM '{FOLDER}/mesures.csv'").fetchone())
    return f"{found}"


# --- jupyterlite-simple-cors-proxy: the addresses of other proxies, with ours for their host ------


def with_our_host(forms):
    for name, form in forms.items():
        if form["quote"]:
            at = urlsplit(form["url"].format(""))
            form["url"] = f"{GATEWAY}{at.path}?{at.query}{{}}"


with_our_host(proxy.CORS_PROXIES)
with_our_host(cacheproxy.CORS_PROXIES)


@check("simple-cors-proxy: corsproxy.io's form, /?url=")
def _():
    answer = proxy.cors_proxy_get(PORTAL + "/api/3/action/package_show?id=qualitat-aire-mesures", force=True)
    expect("the status", (answer.status_code, answer.text[:80] if answer.status_code != 200 else ""), (200, ""))
    return answer.json()["result"]["name"]


@check("simple-cors-proxy: allOrigins' form, /raw?url=")
def _():
    answer = proxy.cors_proxy_get(PORTAL + "/api/3/action/status_show", force=True, proxy="allorigins")
    expect("the status", (answer.status_code, answer.text[:80] if answer.status_code != 200 else ""), (200, ""))
    return answer.json()["result"]["ckan_version"]


@check("simple-cors-proxy: parameters with & between them, which it does not escape")
def _():
    answer = proxy.cors_proxy_get(PORTAL + "/api/3/action/package_search", {"q": "aire", "rows": 2}, force=True)
    expect("the status", (answer.status_code, answer.text[:80] if answer.status_code != 200 else ""), (200, ""))
    expect("results", len(answer.json()["result"]["results"]), 2)
    return "2 results"


@check("simple-cors-proxy: furl of a file, as pandas reads it")
def _():
    frame = pandas.read_csv(cacheproxy.furl(PORTAL + FILE, force=True))
    expect("rows", len(frame), ROWS)
    return f"{frame.shape}"


@check("simple-cors-proxy: a portal that nobody registered")
def _():
    answer = proxy.cors_proxy_get("http://unknown.example/api/3/action/status_show", force=True)
    expect("the status", answer.status_code, 403)
    expect("success", answer.json()["success"], False)
    return answer.json()["error"]["__type"]


@check("cors-anywhere's form: the URL as the path")
def _():
    answer = requests.get(f"{GATEWAY}/{PORTAL}/api/3/action/package_search?q=aire&rows=2", timeout=30)
    expect("the status", (answer.status_code, answer.text[:80] if answer.status_code != 200 else ""), (200, ""))
    expect("results", len(answer.json()["result"]["results"]), 2)
    return "2 results"


# --- The lines that the page writes ----------------------------------------------------------------


HERE = pathlib.Path(__file__).parent
# A name that must not end a literal of any language.
HOSTILE = "it's \"$HOME\" `x` – 1.csv"


def lines():
    common = {"gateway": GATEWAY, "wheel": GATEWAY + "/client/unpad-0.1.0-py3-none-any.whl", "portal": "demo", "resource": TABLE}
    asked = [
        {**common, "kind": "table", "url": f"{DEMO}/datastore/dump/{TABLE}", "filename": HOSTILE},
        {**common, "kind": "csv", "url": f"{DEMO}/-/resource/{TABLE}", "filename": HOSTILE},
        {**common, "kind": "json", "url": f"{DEMO}/api/3/action/package_search?q=aire", "filename": HOSTILE,
         "inside": {"names": ["result", "results"], "records": True}},
    ]
    said = subprocess.run(["node", HERE / "lines.mjs"], input=json.dumps(asked), capture_output=True, text=True, check=True)
    return [(one["kind"], line) for one, line in zip(asked, json.loads(said.stdout))]


def rows_of(kind):
    return ROWS if kind != "json" else 9


def executed(code):
    """The names that code gives, which may have `await` at the top; in a folder of its own."""
    names = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        pathlib.Path("data").mkdir()
        made = eval(compile(code, "lines", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if made is not None:
            asyncio.run(made)
        names["saved"] = [path.stat().st_size for path in pathlib.Path("data").iterdir()]
    return names


@check("the page's lines: JupyterLite")
def _():
    for kind, line in lines():
        install, _, code = line["jupyterlite"].partition("\n")
        expect("the first line", install, f"%pip install {GATEWAY}/client/unpad-0.1.0-py3-none-any.whl")
        names = executed(code)
        found = names["data"]["result"]["results"] if kind == "json" else names["rows"]
        expect(f"rows of {kind}", len(found), rows_of(kind))
        expect("files", len(names["saved"]), 1)
    return "3 kinds"


@check("the page's lines: pandas")
def _():
    for kind, line in lines():
        expect(f"rows of {kind}", len(executed(line["pandas"])["df"]), rows_of(kind))
    return "3 kinds"


@check("the page's lines: DuckDB")
def _():
    for kind, line in lines():
        found = database().sql(line["duckdb"].rstrip(";")).fetchall()
        # Of JSON, one row with everything in it.
        expect(f"rows of {kind}", len(found), 1 if kind == "json" else ROWS)
    return "3 kinds"


@check("the page's lines: curl")
def _():
    for kind, line in lines():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["bash", "-c", line["curl"]], cwd=folder, check=True, capture_output=True)
            expect(f"the file of {kind}", [path.name for path in pathlib.Path(folder).iterdir()], [HOSTILE])
    return "3 kinds"


# --- The description of the API ------------------------------------------------------------------


def description():
    return requests.get(f"{GATEWAY}/openapi.json", timeout=30).json()


@check("openapi.json is OpenAPI 3.1")
def _():
    openapi_spec_validator.validate(description())
    return f"{len(description()['paths'])} paths"


@check("openapi.json describes what is sent")
def _():
    document = description()
    for path, schema in [("/portals", "Portals"), ("/p/demo", "Portal"), ("/status", "Status"), ("/p/nobody/x", "Problem"),
                         ("/resolve?url=demo/dataset/qualitat-aire-mesures", "Resolved")]:
        answer = requests.get(GATEWAY + path, timeout=30).json()
        named = {**document, "$ref": f"#/components/schemas/{schema}"}
        problems = [error.message for error in jsonschema.Draft202012Validator(named).iter_errors(answer)]
        expect(path, problems, [])
        described = set(document["components"]["schemas"][schema]["properties"])
        # A problem says more where more is known.
        expect(f"members of {path} beyond those described", set(answer) - described, set())
    return "5 answers"


sys.exit(main())
