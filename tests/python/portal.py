"""A portal for the tests of the Python client, which clamps, changes, breaks off and says no when a test wants it.
Standard library only. What it answers follows from the request alone.

    portal.py        # says "The portal listens at PORT" when it does
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FILES = {
    "numbers.json": ("application/json", b'{"id": 12345678901234567890, "price": 1.00, "small": 1e-7,\n "n": [1.10, -0.0]}'),
    "text.json": ("application/json", b'"tram"'),
    "integer.json": ("application/json", b"12345678901234567890"),
    "float.json": ("application/json", b"1.00"),
    "array.json": ("application/json", b"[1, 2]"),
    "null.json": ("application/json", b"null"),
    "numbers.csv": ("text/csv; charset=utf-8", b"id,missing,long,price\n9007199254740993,9007199254740993,12345678901234567890,1.10\n"
                    b"9007199254740995,,,0.30000000000000004\n-1,3,-5,2.5\n"),
    "latin-1.csv": ("text/csv", "nom,preu\nCamí,5 €\n".encode("cp1252")),
    "labelled.csv": ("text/csv; charset=ISO-8859-7", "όνομα,n\nΑθήνα,1\n".encode("iso-8859-7")),
    "utf-16.csv": ("text/csv", "nom;n\nReus;1\n".encode("utf-16")),
    "marked.csv": ("text/csv", b"\xef\xbb\xbfnom,n\nReus,1\n"),
    "semicolons.csv": ("text/csv", "nom;preu;nota\n\"a;b\";1,5;x, y\nc;2,5;\"d, e\nf\"\n".encode()),
    "tabs.csv": ("text/tab-separated-values", b"nom\tn\na, b\t1\n"),
    "ragged.csv": ("text/csv", b"a,b\n1,2\n\"3\n3\",4\n5,6,7\n"),
    "short.csv": ("text/csv", b"a,b\n1,2\n3\n"),
    "twice.csv": ("text/csv", b"a,a,a.1\n1,2,3\n"),
    "open.csv": ("text/csv", b'a,b\n1,"2\n3,4\n'),
    "wide.csv": ("text/csv", b"a,b\n1," + b"x" * 200_000 + b"\n"),
    "page.csv": ("text/html; charset=utf-8", b"<!doctype html><title>Moved</title>"),
    "no.json": ("application/json", b'{"success": false, "error": {"__type": "Authorization Error", "message": "Sign in first"}}'),
    "broken.json": ("application/json", b'{"a": [1, 2'),
    "report.csv": ("text/csv", b"%PDF-1.7\na,b\n1,2\n"),
    "archive.csv": ("application/zip", b"PK\x03\x04\x14\0\0\0\0\0a,b\n1,2\n"),
    "book.csv": ("text/csv", b"PK\x03\x04\x14\0\0\0\0\0xl/workbook.xml\n1,2\n"),
    "sheet.csv": ("text/csv", b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet\n"),
    "old.csv": ("text/csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1,b\n"),
    "packed.csv": ("text/csv", b"\x1f\x8b\x08\0,b\n"),
    "picture.csv": ("text/csv", b"\x89PNG\r\n\x1a\n,b\n"),
    "columns.csv": ("text/csv", b"PAR1,\n1,2\nPAR1"),
    "names.csv": ("text/csv", b"PAR1,PK,BM\n1,2,3\n"),
    "large.bin": ("application/octet-stream", bytes(range(256)) * 20_000),
}
RESOURCES = [
    {"id": "r-a", "name": "A & <b>B</b>", "format": "CSV", "url": "http://elsewhere.test/a.csv", "datastore_active": True},
    {"id": "r-b", "name": "B", "format": "csv", "url": "http://elsewhere.test/b.csv", "datastore_active": False}]
FORMATS = [{"id": "f-csv", "name": "Files", "format": ".Csv"},
           {"id": "f-geo", "name": "Map\nimport os", "format": "GeoJSON"}, {"id": "f-odd", "name": "Odd", "format": "../../x"}]
HOSTILE = {"name": "hostile", "title": "<img src=x onerror=alert(1)>", "notes": None, "organization": None, "license_title": None,
           "license_url": "javascript:alert(1)", "metadata_modified": "2026-11-25T00:00:00", "resources": RESOURCES}
CATALOGUE = {"results": [{"resource": {"id": "abcd-1234", "name": "Arbres", "description": "Tots", "attribution": "Ajuntament",
                                       "type": "dataset", "data_updated_at": "2026-11-01T00:00:00.000Z"},
                          "metadata": {"license": "CC BY 4.0"}}], "resultSetSize": 41}


def search(query):
    """A table of 25 rows, unless the resource's id says that something is wrong with it."""
    name, offset, limit = query["resource_id"], int(query.get("offset", 0)), int(query.get("limit", 100))
    total = 25
    if name == "clamped":
        limit = min(limit, 10)
    elif name == "changing":
        limit, total = min(limit, 10), 25 if offset == 0 else 26
    elif name == "shifting":
        limit = min(limit, 10)
    elif name == "ends-early":
        limit = min(limit, 10) if offset < 20 else 0
    elif name == "greedy":
        limit = limit + 5
    elif name == "wide":
        total = 2_000
    elif name not in ("whole", "exact"):
        return {"success": False, "error": {"__type": "Not Found Error", "message": "Not found: Resource was not found."}}
    shift = 1 if name == "shifting" and offset else 0
    rows = [{"_id": i + 1 - shift, "code": f"{i:03}", "n": 10 ** 19 + i if i % 2 else None} for i in range(offset, min(offset + limit, total))]
    if name == "exact":
        rows = [{"_id": row["_id"], "big": 2 ** 53 + 1 if i % 2 else None, "price": 1.1} for i, row in enumerate(rows)]
    if name == "wide":  # 2,000 rows are more than run.sh lets the gateway take at once
        rows = [{**row, "code": "x" * 1_000} for row in rows]
    columns = [column for column in rows[0]] if rows else ["_id"]
    return {"success": True, "result": {"fields": [{"id": column, "type": "text" if column == "code" else "numeric"} for column in columns],
                                        "records": rows, "limit": limit, "offset": offset, "total": total,
                                        "sort": query.get("sort"), "resource_id": name}}


def act(name, query):
    if name == "datastore_search":
        return search(query)
    if name == "package_show" and query.get("id") in ("hostile", "empty", "formats"):
        resources = {"hostile": RESOURCES, "empty": [], "formats": FORMATS}[query["id"]]
        return {"success": True, "result": {**HOSTILE, "name": query["id"], "resources": resources}}
    if name == "package_search":
        return {"success": True, "result": {"count": 1, "results": [HOSTILE]}}
    if name == "resource_show":
        return {"success": True, "result": {**RESOURCES[0], "package_id": "hostile"}}
    if name == "site_read":
        return {"success": False, "error": {"__type": "Validation Error", "q": ["Missing value"], "rows": ["Must be small"]}}
    return {"success": False, "error": {"__type": "Not Found Error", "message": "Not found"}}


class Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        at = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(at.query, keep_blank_values=True).items()}
        name = at.path.rpartition("/")[2]
        if at.path.startswith("/data/api/3/action/"):
            answer = act(name, query)
            self.json(200 if answer["success"] or name == "site_read" else 404, answer, query)
        elif at.path == "/api/catalog/v1":
            self.json(200, {**CATALOGUE, "asked": query}, query)
        elif name == "cut.csv":
            self.say(200, "text/csv", b"a,b\n" + b"1,2\n" * 500_000, 5_000_000)
        elif name == "teapot":
            self.say(418, "text/plain", b"I am a teapot")
        elif name in FILES:
            self.say(200, *FILES[name])
        else:
            self.say(404, "text/plain", b"There is no such file")

    def json(self, status, answer, query):
        content, kind = json.dumps(answer).encode(), "application/json"
        callback = query.get("callback") or query.get("$jsonp")
        if callback and status == 200:
            content, kind = callback.encode() + b"(" + content + b");", "application/javascript"
        self.say(status, kind, content)

    def say(self, status, kind, content, length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = length is not None


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    print(f"The portal listens at {server.server_port}", flush=True)
    server.serve_forever()
