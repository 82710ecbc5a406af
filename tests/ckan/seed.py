#!/usr/bin/env python3
"""Fills a fresh CKAN over its own API with a fixed, made-up catalogue. Standard library only.
usage: seed.py BASE_URL TOKEN OUT.json [ROWS]
"""
import datetime, json, random, sys, time, urllib.request, urllib.error, uuid

BASE, TOKEN, OUT = sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3]
ROWS = int(sys.argv[4]) if len(sys.argv) > 4 else 100000
R = random.Random(20261121)
T0 = time.time()


def api(action, data, files=None):
    if files:
        b = uuid.UUID(int=R.getrandbits(128)).hex
        body = b""
        for k, v in data.items():
            body += ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (b, k, v)).encode()
        for k, (fn, ct, content) in files.items():
            body += ('--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n'
                     % (b, k, fn, ct)).encode() + content + b"\r\n"
        body += ("--%s--\r\n" % b).encode()
        ct = "multipart/form-data; boundary=" + b
    else:
        body, ct = json.dumps(data).encode(), "application/json"
    rq = urllib.request.Request(BASE + "/api/3/action/" + action, body,
                                {"Content-Type": ct, "Authorization": TOKEN})
    try:
        with urllib.request.urlopen(rq, timeout=120) as r:
            return json.load(r)["result"]
    except urllib.error.HTTPError as e:
        sys.exit("%s: HTTP %s %s" % (action, e.code, e.read()[:800]))


ORGS = [("ajuntament-vilanova", "Ajuntament de Vilanova del Camí", "Dades obertes de l'Ajuntament · transparència"),
        ("dimos-thessalonikis", "Δήμος Θεσσαλονίκης", "Ανοικτά δεδομένα του Δήμου"),
        ("harbour-authority", "Harbour Authority ⚓ 港務局", "Port calls, tides and berths"),
        ("statistics-office", "Central Statistics Office", "Population, prices & trade <official>"),
        ("transport-agency", "Agència de Transport \"Línia Nord\"", "GTFS, parades i horaris")]
GROUPS = [("environment", "Environment"), ("mobility", "Mobilitat"), ("culture", "Πολιτισμός 🏛️")]
TAGS = ["aire", "qualitat", "αέρας", "bus", "tram", "port", "budget", "census", "bikes", "noise", "trees", "water"]
TOPICS = [("qualitat-aire", "Qualitat de l'aire"), ("parades-bus", "Parades de bus"), ("plithysmos", "Πληθυσμός"),
          ("port-calls", "Port calls"), ("consumer-prices", "Consumer prices"), ("arbres-viaris", "Arbres viaris"),
          ("proypologismos", "Προϋπολογισμός"), ("noise-map", "Noise map"), ("bicicletes", "Bicicletes 🚲"),
          ("water-use", "Water use")]
LICENSES = ["cc-by", "cc-zero", "odc-odbl", "other-open", "notspecified"]

for n, t, d in ORGS:
    api("organization_create", {"name": n, "title": t, "description": d})
for n, t in GROUPS:
    api("group_create", {"name": n, "title": t})

seed = {"orgs": [o[0] for o in ORGS], "private": [], "small": [], "packages": 0}
for i in range(200):
    slug, title = TOPICS[i % 10]
    year = 2005 + i // 10
    name = "%s-%d" % (slug, year)
    private = i % 20 == 19
    res = [{"name": "%s %d.%s" % (title, year, f), "format": f.upper(),
            "url": "https://files.example.org/%s/%s.%s" % (slug, year, f),
            "description": "Fitxer %s · αρχείο" % f} for f in R.sample(["csv", "json", "xlsx", "xml", "geojson", "pdf"], R.randint(1, 4))]
    p = {"name": name, "title": "%s %d" % (title, year), "owner_org": ORGS[i % 5][0], "private": private,
         "notes": "%s, any %d. Sèrie històrica; δεδομένα %d – “cometes”, l'apòstrof, <b>html</b> & \u2028 separador 🌍." % (title, year, year),
         "license_id": LICENSES[i % 5], "author": "Núria Ferrer & Γιώργος", "version": "1.%d" % (i % 7),
         "tags": [{"name": t} for t in sorted(set(R.sample(TAGS, 3)))],
         "extras": [{"key": "freqüència", "value": R.choice(["anual", "mensual", "diària"])},
                    {"key": "spatial", "value": json.dumps({"type": "Point", "coordinates": [round(R.uniform(1, 24), 5), round(R.uniform(37, 42), 5)]})}],
         "resources": res}
    if i % 3 == 0:
        p["groups"] = [{"name": GROUPS[i % 9 // 3][0]}]
    api("package_create", p)
    seed["packages"] += 1
    if private:
        seed["private"].append(name)
print("packages %.1f s" % (time.time() - T0)); T0 = time.time()

# --- one large table -------------------------------------------------------
FIELDS = [{"id": "estació", "type": "text", "info": {"label": "Estació", "notes": "Nom de l'estació"}},
          {"id": "πόλη", "type": "text"}, {"id": "comentari", "type": "text"}, {"id": "valor", "type": "float8"},
          {"id": "preu", "type": "numeric"}, {"id": "comptador", "type": "int8"}, {"id": "quan", "type": "timestamp"},
          {"id": "dia", "type": "date"}, {"id": "actiu", "type": "bool"}, {"id": "meta", "type": "json"}]
ST = ["Vall d'Hebron", "Ciutadella", "L'Hospitalet – Bellvitge", "Sant Cugat del Vallès", "Gràcia", "Palau Reial", "Poblenou", "Girona-Fontajau"]
CI = ["Θεσσαλονίκη", "Αθήνα", "Πάτρα", "Ηράκλειο", "Λάρισα", "Βόλος"]
CO = ["", None, "ok", "sense dades", "revisió 🔧", "👩‍👩‍👧‍👦 família", "coma, \"cometes\" i\nsalt", "tab\taquí", "línia\u2028separada",
      "🇨🇦 bandera", "</script><b>", "ñandú · çedilla · l·l", "مرحبا", "𝟙𝟚𝟛"]
big = api("datastore_create", {"resource": {"package_id": "qualitat-aire-2024", "name": "Mesures horàries (taula gran)", "format": "CSV"},
                               "fields": FIELDS, "records": []})["resource_id"]
start = datetime.datetime(2013, 1, 1)


def row(i):
    v = None if i % 17 == 0 else "NaN" if i % 1009 == 0 else "Infinity" if i % 5003 == 0 else \
        "-Infinity" if i % 5011 == 0 else round(R.gauss(40, 15), R.randint(0, 6))
    return {"estació": ST[i % 8], "πόλη": CI[i % 6], "comentari": CO[i % 14], "valor": v,
            "preu": None if i % 23 == 0 else "%d.%02d" % (R.randint(0, 9999), R.randint(0, 99)),
            "comptador": 9007199254740993 + i if i % 1000 == 0 else i,
            "quan": (start + datetime.timedelta(hours=i)).isoformat() + (".%03d" % (i % 1000) if i % 5 == 0 else ""),
            "dia": (start + datetime.timedelta(hours=i)).date().isoformat(), "actiu": None if i % 31 == 0 else i % 2 == 0,
            "meta": None if i % 7 else {"i": i, "n": ["α", {"b": None}]}}


step = 10000
for a in range(0, ROWS, step):
    api("datastore_upsert", {"resource_id": big, "method": "insert", "force": True,
                             "records": [row(i) for i in range(a, min(ROWS, a + step))],
                             "calculate_record_count": a + step >= ROWS})
seed["big"], seed["big_rows"] = big, ROWS
print("big table %.1f s" % (time.time() - T0)); T0 = time.time()

# --- a small table of awkward values ---------------------------------------
odd = api("datastore_create", {"resource": {"package_id": "qualitat-aire-2024", "name": "odd values"}, "fields": [
    {"id": "id", "type": "int"}, {"id": "població", "type": "text"}, {"id": "όνομα", "type": "text"}, {"id": "f", "type": "float8"},
    {"id": "n", "type": "numeric"}, {"id": "big", "type": "int8"}, {"id": "ts", "type": "timestamp"}, {"id": "tz", "type": "timestamptz"},
    {"id": "d", "type": "date"}, {"id": "b", "type": "bool"}, {"id": "meta json", "type": "json"}, {"id": "a", "type": "_text"},
    {"id": "with space, comma", "type": "text"}],
    "records": [
        {"id": 1, "població": "Barcelona · l'Hospitalet", "όνομα": "Θεσσαλονίκη", "f": 1.5, "n": "12345678901234567890.123", "big": 9007199254740993,
         "ts": "2024-02-29T12:34:56.789", "tz": "2024-02-29T12:34:56+02:00", "d": "2024-02-29", "b": True, "meta json": {"k": [1, 2, {"z": "ñ"}]},
         "a": ["x", "y,z"], "with space, comma": "a,b\"c\nnew"},
        {"id": 2, "όνομα": "🏛️🇨🇦👩‍👩‍👧‍👦", "f": "NaN"},
        {"id": 3, "població": "sep\u2028ara\u2029tor </script><!-- ]]>", "όνομα": "", "f": "Infinity", "n": "NaN", "big": -9223372036854775808,
         "ts": "0044-03-15", "tz": "infinity", "d": "infinity", "b": False, "meta json": "str", "a": [], "with space, comma": "\\ \t \x07 \x7f \x85 \ufeff"},
        {"id": 4, "f": "-Infinity"}, {"id": 5, "f": 1e308}, {"id": 6, "f": 5e-324}, {"id": 7, "f": 0.1}, {"id": 8, "f": -0.0}, {"id": 9, "f": 1e22}]})
seed["odd"] = odd["resource_id"]

for k in range(20):
    r = api("datastore_create", {"resource": {"package_id": "port-calls-%d" % (2005 + k), "name": "calls %d" % k, "format": "CSV"},
                                 "fields": [{"id": "ship", "type": "text"}, {"id": "gt", "type": "int"}, {"id": "eta", "type": "timestamp"}],
                                 "records": [{"ship": "MV %s %d" % (R.choice(["Aurora", "Ωρίων", "Montjuïc"]), j), "gt": R.randint(500, 90000),
                                              "eta": "2024-%02d-%02dT%02d:00:00" % (R.randint(1, 12), R.randint(1, 28), R.randint(0, 23))} for j in range(200)]})
    seed["small"].append(r["resource_id"])
p = api("datastore_create", {"resource": {"package_id": seed["private"][0], "name": "private table"},
                             "fields": [{"id": "secret", "type": "text"}], "records": [{"secret": "s%d" % i} for i in range(10)]})
seed["private_table"] = p["resource_id"]

# --- uploaded files --------------------------------------------------------
csv = "id,nom,valor\r\n" + "".join("%d,Estació %d – Θ,%.3f\r\n" % (i, i % 50, R.random() * 100) for i in range(40000))
for key, fn, ct, body in [("upload_csv", "mesures.csv", "text/csv", csv.encode()),
                          ("upload_json", "dades.json", "application/json", b"\xef\xbb\xbf" + json.dumps({"ciutat": "Vilanova", "πόλη": "Αθήνα"}, ensure_ascii=False).encode()),
                          ("upload_empty", "buit.txt", "text/plain", b""),
                          ("upload_html", "page.html", "text/html", b"<script>alert(1)</script>")]:
    if key == "upload_empty":
        body = b"\n"
    r = api("resource_create", {"package_id": "qualitat-aire-2024", "name": fn, "format": fn.split(".")[-1].upper()},
            {"upload": (fn, ct, body)})
    seed[key] = {"id": r["id"], "url": r["url"], "bytes": len(body), "package_id": r["package_id"]}
print("rest %.1f s" % (time.time() - T0))
json.dump(seed, open(OUT, "w"), indent=1, ensure_ascii=False)
