#!/usr/bin/env python3
"""A stand-in for Apache Solr, just enough for CKAN 2.10 - 2.12 on loopback.

It keeps the documents in memory.  It understands:
  GET/POST /solr/<core>/select[/]   q fq(multi) sort start rows fl facet.field facet.limit facet.mincount
  POST     /solr/<core>/update[/]   JSON list of docs; XML <delete><query>/<id>; XML <commit/>
  GET      /solr/<core>/schema      the CKAN schema's name, for the version check
  GET      /solr/<core>/admin/ping
Query language: +a -b NOT a, AND OR && ||, parentheses, field:value, field:(...), "phrase",
wild*card?, ranges [a TO b] {a TO b}, *:*, ^boost (ignored), ~slop (ignored).
No stemming; text is casefolded and stripped of accents.  Scores: title/name hits count 4, others 1.
"""
import datetime, json, re, sys, threading, unicodedata
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SCHEMA = sys.argv[2] if len(sys.argv) > 2 else "2.11"
DOCS, LOCK = {}, threading.RLock()
TEXT = {"title", "notes", "author", "author_email", "maintainer", "maintainer_email",
        "res_name", "res_description", "text", "title_ngram", "name_ngram", "urls"}
NGRAM = {"title_ngram": "title", "name_ngram": "name"}
COPY = ["name", "title", "notes", "tags", "groups", "organization", "res_name", "res_description",
        "res_url", "url", "license", "maintainer", "author"]
HIDDEN = {"permission_labels", "text", "urls", "title_string"}


def fold(s):
    s = unicodedata.normalize("NFKD", str(s))
    return "".join(c for c in s if not unicodedata.combining(c)).casefold()


def words(s):
    return re.findall(r"[^\W_]+", fold(s))


def vals(doc, f):
    if f == "text":
        out = []
        for k in COPY + [k for k in doc if k.startswith(("extras_", "vocab_", "res_extras_"))]:
            out += vals(doc, k)
        return out
    f = NGRAM.get(f, f)
    v = doc.get(f)
    return [] if v is None else (v if isinstance(v, list) else [v])


def istext(f):
    return f in TEXT or f.startswith(("extras_", "res_extras_"))


TOK = re.compile(r'''\s*(?:
  (?P<op>&&|\|\||[()+\-!])|
  (?P<field>(?:\\.|[A-Za-z0-9_*.])(?:\\.|[\w.\-*])*):(?!//)|
  (?P<range>[\[{][^\]}]*\s+TO\s+[^\]}]*[\]}])|
  "(?P<str>(?:\\.|[^"\\])*)"(?:~\d+)?(?:\^[\d.]+)?|
  (?P<word>(?:\\.|[^\s()"\\])+)
)''', re.X)


class Bad(Exception):
    pass


def lex(q):
    i, out = 0, []
    q = q.strip()
    while i < len(q):
        m = TOK.match(q, i)
        if not m or m.end() == i:
            raise Bad("org.apache.solr.search.SyntaxError: Cannot parse '%s'" % q)
        k = m.lastgroup
        v = m.group(k)
        if k == "word":
            v = re.sub(r"\^[\d.]+$", "", v)
            if v in ("AND", "OR", "NOT"):
                k = "op"
            else:
                v = re.sub(r"~[\d.]*$", "", v)
        out.append((k, v))
        i = m.end()
        while i < len(q) and q[i].isspace():
            i += 1
    return out


def unesc(s):
    return re.sub(r"\\(.)", r"\1", s)


def leaf(kind, v, field):
    def text_hit(ws, hay, phrase):
        if not ws:
            return False
        if phrase:
            return any(hay[i:i + len(ws)] == ws for i in range(len(hay)))
        return all(w in hay for w in ws)

    def one(doc, f):
        vs = vals(doc, f)
        if kind == "range":
            inc_lo, inc_hi = v[0] == "[", v[-1] == "]"
            lo, hi = [x.strip().strip('"') for x in re.split(r"\s+TO\s+", v[1:-1], maxsplit=1)]
            def when(x):
                if x == "*":
                    return x
                if x.startswith("NOW"):
                    t = datetime.datetime.utcnow()
                    for sg, n, u in re.findall(r"([+-])(\d+)(DAY|MONTH|YEAR|HOUR)S?", x):
                        d = datetime.timedelta(hours=int(n) * {"HOUR": 1, "DAY": 24, "MONTH": 730, "YEAR": 8766}[u])
                        t = t + d if sg == "+" else t - d
                    return t.isoformat() + "Z"
                return x
            lo, hi = when(lo), when(hi)
            for x in vs:
                x = str(x)
                if (lo == "*" or x > lo or (inc_lo and x == lo)) and (hi == "*" or x < hi or (inc_hi and x == hi)):
                    return 1
            return 0
        if kind == "word" and v == "*":
            return 1 if vs else 0
        u = unesc(v)
        if kind == "word" and ("*" in v or "?" in v):
            rx = re.compile(re.escape(fold(u)).replace(r"\*", ".*").replace(r"\?", "."))
            if istext(f):
                return 1 if any(rx.fullmatch(w) for x in vs for w in words(x)) else 0
            return 1 if any(rx.fullmatch(fold(x)) for x in vs) else 0
        if f in NGRAM:
            return 1 if any(fold(u) in fold(x) for x in vs) else 0
        if istext(f):
            ws = words(u)
            return 1 if any(text_hit(ws, words(x), kind == "str") for x in vs) or \
                (f == "text" and kind == "word" and text_hit(ws, [w for x in vs for w in words(x)], False)) else 0
        return 1 if any(str(x).lower() == u.lower() if isinstance(x, bool) else str(x) == u for x in vs) else 0

    def run(doc):
        if field == "*":
            return 1
        if field:
            return one(doc, field)
        return (4 * max(one(doc, "title") if kind != "range" else 0, one(doc, "name"))
                + 2 * one(doc, "tags") + one(doc, "text"))
    return run


def parse(q, default_and=True):
    toks = lex(q)
    pos = 0

    def peek():
        return toks[pos] if pos < len(toks) else (None, None)

    def clause(field):
        nonlocal pos
        k, v = peek()
        if k == "field":
            pos += 1
            return clause(unesc(v))
        if k == "op" and v == "(":
            pos += 1
            e = expr(field)
            if peek() != ("op", ")"):
                raise Bad("org.apache.solr.search.SyntaxError: Cannot parse '%s'" % q)
            pos += 1
            return e
        if k in ("word", "str", "range"):
            pos += 1
            return leaf(k, v, field)
        raise Bad("org.apache.solr.search.SyntaxError: Cannot parse '%s'" % q)

    def expr(field):
        nonlocal pos
        must, should, mustnot = [], [], []
        conj = None
        last = None
        while pos < len(toks) and peek() != ("op", ")"):
            k, v = peek()
            mod = None
            if k == "op" and v in ("AND", "&&", "OR", "||"):
                conj = "AND" if v in ("AND", "&&") else "OR"
                pos += 1
                if conj == "AND" and last is not None and last[0] is should:
                    should.remove(last[1]); must.append(last[1]); last = (must, last[1])
                if conj == "OR" and last is not None and last[0] is must and not last[2:]:
                    must.remove(last[1]); should.append(last[1])
                continue
            while k == "op" and v in ("+", "-", "!", "NOT"):
                mod = "+" if v == "+" else "-"
                pos += 1
                k, v = peek()
            c = clause(field)
            if mod == "-":
                mustnot.append(c); last = None
            elif mod == "+":
                must.append(c); last = (must, c, True)
            elif conj == "AND" or (conj is None and default_and):
                must.append(c); last = (must, c)
            else:
                should.append(c); last = (should, c)
            conj = None

        def run(doc):
            if any(c(doc) for c in mustnot):
                return 0
            s = 0
            for c in must:
                x = c(doc)
                if not x:
                    return 0
                s += x
            t = sum(c(doc) for c in should)
            if should and not must and not t:
                return 0
            return s + t if (must or should) else 1
        return run

    e = expr(None)
    if pos < len(toks):
        raise Bad("org.apache.solr.search.SyntaxError: Cannot parse '%s'" % q)
    return e


def select(p):
    g = lambda k, d=None: p.get(k, [d])[0]
    q = g("q", "*:*") or "*:*"
    try:
        run = parse(q) if q.strip() != "*:*" else (lambda d: 1)
        filters = [parse(f) for f in p.get("fq", []) if f.strip()]
    except Bad as e:
        if g("defType") == "dismax" and "fq" not in str(e):
            run = lambda d, ws=words(q): 1 if ws and all(w in words(" ".join(map(str, vals(d, "text")))) for w in ws) else 0
            filters = [parse(f) for f in p.get("fq", []) if f.strip()]
        else:
            raise
    with LOCK:
        docs = list(DOCS.values())
    hits = []
    for d in docs:
        if all(f(d) for f in filters):
            s = run(d)
            if s:
                hits.append((float(s), d))
    for part in reversed([x.strip() for x in (g("sort") or "score desc").split(",") if x.strip()]):
        m = re.fullmatch(r"([\w.]+)\s+(asc|desc)", part, re.I)
        if not m:
            raise Bad("Can't determine a Sort Order (asc or desc) in sort spec '%s', pos=0" % part)
        f, rev = m.group(1), m.group(2).lower() == "desc"
        if f == "score":
            hits.sort(key=lambda h: h[0], reverse=rev)
        else:
            have = [h for h in hits if vals(h[1], f)]
            have.sort(key=lambda h: str(vals(h[1], f)[0]), reverse=rev)
            hits = have + [h for h in hits if not vals(h[1], f)]
    start, rows = int(g("start", 0) or 0), int(g("rows", 10) or 0)
    fl = [x for x in re.split(r"[\s,]+", g("fl") or "*") if x]
    out = []
    for s, d in hits[start:start + rows]:
        r = {k: v for k, v in d.items() if k not in HIDDEN and ("*" in fl or k in fl)}
        if "score" in fl:
            r["score"] = s
        out.append(r)
    res = {"responseHeader": {"status": 0, "QTime": 0},
           "response": {"numFound": len(hits), "start": start, "numFoundExact": True, "docs": out}}
    if g("facet") in ("true", "True", True) or p.get("facet.field"):
        ff, lim, minc = {}, int(g("facet.limit", 100) or 100), int(g("facet.mincount", 0) or 0)
        for f in p.get("facet.field", []):
            f = re.sub(r"^\{![^}]*\}", "", f)
            n = {}
            for _, d in hits:
                for v in set(map(str, vals(d, f))):
                    n[v] = n.get(v, 0) + 1
            top = sorted(((c, v) for v, c in n.items() if c >= minc), key=lambda t: (-t[0], t[1]))
            if lim >= 0:
                top = top[:lim]
            ff[f] = [x for c, v in top for x in (v, c)]
        res["facet_counts"] = {"facet_queries": {}, "facet_fields": ff, "facet_ranges": {},
                               "facet_intervals": {}, "facet_heatmaps": {}}
    return res


def update(body, ctype):
    with LOCK:
        if "json" in ctype:
            data = json.loads(body)
            for d in data if isinstance(data, list) else [data]:
                d = {k: v for k, v in d.items() if v is not None}
                d["indexed_ts"] = datetime.datetime.utcnow().isoformat(timespec="milliseconds") + "Z"
                DOCS[d["index_id"]] = d
        elif body.strip():
            root = ET.fromstring(body)
            if root.tag == "delete":
                for e in root:
                    if e.tag == "id":
                        for k in [k for k, d in DOCS.items() if e.text in (k, d.get("id"))]:
                            del DOCS[k]
                    elif e.tag == "query":
                        f = parse(e.text)
                        for k in [k for k, d in DOCS.items() if f(d)]:
                            del DOCS[k]


class H(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def say(self, status, body, ctype="application/json;charset=utf-8"):
        b = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", ctype)
        self.send_header("Content-Length", str(len(b)))
        self.end_headers()
        self.wfile.write(b)

    def do_GET(self):
        u = urlsplit(self.path)
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) if n else b""
        ctype = self.headers.get("Content-Type") or ""
        p = parse_qs(u.query, keep_blank_values=True)
        path = u.path.rstrip("/")
        try:
            if path.endswith("/select"):
                if "x-www-form-urlencoded" in ctype:
                    for k, v in parse_qs(body.decode(), keep_blank_values=True).items():
                        p.setdefault(k, []).extend(v)
                return self.say(200, select(p))
            if path.endswith("/update"):
                update(body.decode("utf-8", "surrogatepass"), ctype)
                return self.say(200, {"responseHeader": {"status": 0, "QTime": 0}})
            if path.endswith("/schema"):
                return self.say(200, ('<?xml version="1.0" encoding="UTF-8"?>\n<schema name="ckan-%s" version="1.6">'
                                      '<uniqueKey>index_id</uniqueKey></schema>' % SCHEMA).encode(), "application/xml")
            if path.endswith("/ping"):
                return self.say(200, {"status": "OK"})
            return self.say(404, {"error": {"msg": "Not Found", "code": 404}})
        except Bad as e:
            return self.say(400, {"responseHeader": {"status": 400}, "error": {"msg": str(e), "code": 400}})
        except Exception as e:  # a fault of this stand-in: say so plainly
            return self.say(500, {"error": {"msg": "solr.py: %r" % e, "code": 500}})
    do_POST = do_GET


if __name__ == "__main__":
    srv = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8983), H)
    srv.daemon_threads = True
    srv.serve_forever()
