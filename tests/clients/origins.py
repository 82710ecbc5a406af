"""Two origin servers for the clients' test, without any CORS: files with ranges, and a Socrata portal of
one table that pads its JSON when it is asked with `$jsonp`. Standard library only.

    origins.py FOLDER        # says "Origins listen at PORT" when it does
"""

import hashlib
import json
import pathlib
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

FOLDER = pathlib.Path(sys.argv[1])
TYPES = {".csv": "text/csv", ".json": "application/json", ".parquet": "application/vnd.apache.parquet"}
# What the Socrata table has: Socrata's own way of writing numbers and dates.
ROWS = [{"id": str(i), "municipi": ("Girona", "L'Hospitalet", "Θεσσαλονίκη")[i % 3], "valor": f"{i}.50",
         "data": f"2026-11-{i % 28 + 1:02d}T00:00:00.000"} for i in range(2500)]
KINDS = {"X-SODA2-Fields": '["id","municipi","valor","data"]',
         "X-SODA2-Types": '["number","text","number","floating_timestamp"]'}


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        at = urlsplit(self.path)
        path = unquote(at.path)
        if path.startswith("/files/"):
            self.file(FOLDER / pathlib.PurePosixPath(path).name)
        elif re.fullmatch(r"/resource/[a-z0-9]{4}-[a-z0-9]{4}\.json", path):
            self.socrata(path, {key: values[-1] for key, values in parse_qs(at.query, keep_blank_values=True).items()})
        else:
            self.say(404, b"not here", {"Content-Type": "text/plain"})

    do_HEAD = do_GET

    def file(self, path):
        if not path.is_file():
            self.say(404, b"no such file", {"Content-Type": "text/plain"})
            return
        content = path.read_bytes()
        fields = {"Content-Type": TYPES.get(path.suffix, "application/octet-stream"), "Accept-Ranges": "bytes",
                  "ETag": '"%s"' % hashlib.sha256(content).hexdigest()[:16], "Cache-Control": "max-age=60"}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not asked or asked.groups() == ("", ""):
            self.say(200, content, fields)
            return
        first, last = asked.groups()
        end = len(content) - 1
        start, stop = (len(content) - int(last), end) if not first else (int(first), min(int(last or end), end))
        if start > stop:
            self.say(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        self.say(206, content[start:stop + 1], fields | {"Content-Range": f"bytes {start}-{stop}/{len(content)}"})

    def socrata(self, path, query):
        callback = query.pop("$jsonp", None)
        status, answer = 200, ROWS
        if path != "/resource/aire-2026.json":
            status, answer = 404, {"code": "dataset.missing", "error": True, "message": "Not found"}
        elif "nonsense" in query.get("$where", ""):
            status, answer = 400, {"code": "query.soql.no-such-column", "error": True, "message": "No such column: nonsense"}
        else:
            unknown = [key for key in query if key.startswith("$") and key not in ("$limit", "$offset", "$where", "$order")]
            if unknown:
                status, answer = 400, {"code": "query.soql.invalid", "error": True, "message": f"Unrecognized arguments {unknown}"}
            else:
                found = [row for row in ROWS if all(row.get(key) == value for key, value in query.items() if key[0] != "$")]
                start = int(query.get("$offset", 0))
                answer = found[start:start + int(query.get("$limit", 1000))]
        content = json.dumps(answer, ensure_ascii=False).encode()
        fields = {"Content-Type": "application/json;charset=utf-8"} | KINDS
        if callback and status == 200:
            content = callback.encode() + b"(" + content + b");"
            fields["Content-Type"] = "application/javascript;charset=utf-8"
        self.say(status, content, fields)

    def say(self, status, content, fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
server.daemon_threads = True
print(f"Origins listen at {server.server_port}", flush=True)
server.serve_forever()
