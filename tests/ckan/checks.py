"""What the gateway in front of a real CKAN has to be: the same bytes as CKAN's own, readable from any
page, no cookie, and an answer also while CKAN's database is gone (outage.py). Standard library only;
run.sh starts what is asked here and says where it is:

    GATEWAY, CKAN_URL, CKAN_SEED (ids of what seed.py made), CKAN_TOKEN (an administrator's)
"""

import json
import sys
import time
import uuid
from urllib.parse import urlencode

from asking import (ACTION, CITY, CKAN, SEED, TOKEN, VERSION, Failed, action, ask, dump, expect, expect_content,
                    expect_in, media_type, problem, upload, without_our_callback)
from outage import Outage, a_cut_dump_is_not_kept

JSON = {"Content-Type": "application/json"}


def same(target, wanted=200, method="GET", content=None, fields=None, own=None):
    """The gateway answers a JSON request as CKAN does itself; `own` is how CKAN has to be asked for it."""
    direct = ask(CKAN, target, method, content, fields) if own is None else ask(CKAN, target, *own)
    expect("the status of CKAN", direct.status, wanted)
    bridged = ask(CITY, target, method, content, fields)
    expect("the status", bridged.status, wanted)
    expect_content(without_our_callback(bridged.content), direct.content)
    expect("the media type", media_type(bridged), "application/json")
    return f"{wanted}, {len(direct.content):,} bytes"


# --- What is the same through the gateway -------------------------------------------------------


def reads():
    """Targets that succeed."""
    odd, big = SEED["odd"], SEED["big"]
    table = {"resource_id": big}
    yield action("status_show")
    yield "/api/action/status_show"
    yield "/api/3"
    yield "/ca/api/3/action/status_show"
    yield action("package_list")
    yield action("package_list", limit=5, offset=3)
    yield action("current_package_list_with_resources", limit=3)
    yield action("package_show", id="qualitat-aire-2024")
    yield ACTION + "package%5Fshow?id=plithysmos-2010"
    yield action("package_search")
    yield action("package_search", q="aire", rows=50)
    yield action("package_search", q="πληθυσμός", sort="name asc")
    yield action("package_search", fq="tags:bus +organization:transport-agency", rows=3)
    yield action("package_search", **{"facet.field": '["tags","organization"]', "facet.limit": 5, "rows": 0})
    yield action("package_search", q="l'aire & \"bus\" <b> 100%", rows=1)
    yield action("package_autocomplete", q="qual")
    yield action("organization_list", all_fields="true")
    yield action("organization_show", id="dimos-thessalonikis", include_datasets="true")
    yield action("organization_autocomplete", q="a")
    yield action("group_list")
    yield action("group_show", id="culture")
    yield action("tag_list")
    yield action("tag_show", id="αέρας")
    yield action("license_list")
    yield action("resource_show", id=SEED["upload_csv"]["id"])
    yield action("resource_search", query="name:aire")
    yield action("help_show", name="datastore_search")
    yield action("datastore_info", id=odd)
    yield action("datastore_search", resource_id=odd)
    yield action("datastore_search", resource_id=odd, records_format="lists")
    yield action("datastore_search", resource_id=odd, records_format="csv")
    yield action("datastore_search", resource_id=odd, records_format="tsv")
    yield action("datastore_search", filters='{"πόλη": ["Αθήνα"]}', limit=20, **table)
    yield action("datastore_search", q="Ciutadella", sort="comptador desc", limit=20, **table)
    yield action("datastore_search", limit=1000, offset=90_000, **table)
    yield action("datastore_search", limit=40_000, **table)
    yield action("datastore_search", limit=32_000, records_format="lists", **table)
    yield action("datastore_search", limit=32_000, records_format="csv", **table)
    yield action("datastore_search_sql", sql=f'SELECT "πόλη", count(*) AS n FROM "{big}" GROUP BY 1 ORDER BY 1')


def errors():
    """Targets that CKAN refuses in JSON, and how."""
    yield 400, action("no_such_action")
    yield 400, action("package_search", sort="nonsense")
    yield 403, action("package_show", id=SEED["private"][0])
    yield 403, action("datastore_search", resource_id=SEED["private_table"])
    yield 404, action("package_show", id="no-such-package")
    yield 404, action("datastore_search", resource_id="no-such-table")
    yield 404, "/ca" + action("package_show", id="no-such-package")
    yield 409, action("package_show")
    yield 409, action("datastore_search", resource_id=SEED["odd"], limit=-1)
    yield 409, action("datastore_search_sql", sql="SELECT nonsense FROM nowhere WHERE")


def callback_is_ours(target):
    """What a caller says about callbacks and of jQuery's cache-buster does not reach CKAN."""
    bridged = ask(CITY, target + "&callback=mine&_=1732492800000")
    expect("the status", bridged.status, 200)
    expect_content(without_our_callback(bridged.content), ask(CKAN, target).content)
    return f"{len(bridged.content):,} bytes"


def next_link():
    """The link to the next rows that CKAN up to 2.11 gives leads on."""
    target = action("datastore_search", resource_id=SEED["big"], limit=5)
    on = json.loads(ask(CITY, target).content)["result"]["_links"]["next"]
    expect("the first row", json.loads(ask(CITY, on).content)["result"]["records"][0]["_id"], 6)
    return on


def again_from_the_store(target):
    ask(CITY, target)
    second = ask(CITY, target)
    expect("the beginning of Cache-Status", second.cache[:10], "unpad; hit")
    third = ask(CITY, target, fields={"If-None-Match": second.fields["ETag"]})
    expect("the status with If-None-Match", third.status, 304)
    return second.cache


def head(target):
    told = ask(CITY, target, "HEAD")
    expect("the status", told.status, 200)
    expect("Content-Length", told.fields["Content-Length"], str(len(ask(CKAN, target).content)))
    return f"Content-Length: {told.fields['Content-Length']}"


def not_json(target, portal_status):
    """A page where JSON is expected."""
    direct = ask(CKAN, target)
    expect("the status of CKAN", direct.status, portal_status)
    expect("the media type of CKAN", media_type(direct), "text/html")
    kind = "not-jsonp" if portal_status == 200 else "portal-failed"
    said = problem(ask(CITY, target), 502, kind)
    expect("portal_status", said["portal_status"], portal_status)
    return f"{portal_status} in HTML is a problem: {kind}"


def not_a_number():
    """CKAN up to 2.10 writes NaN, which is not JSON; since then it fails."""
    target = action("datastore_search_sql", sql=f'SELECT f FROM "{SEED["odd"]}"')
    if VERSION >= (2, 11):
        return not_json(target, 500)
    if b"NaN" not in ask(CKAN, target).content:
        raise Failed("CKAN itself writes no NaN")
    said = problem(ask(CITY, target), 502, "not-jsonp")
    return said["detail"]


def no_file(target, portal_status):
    """A page where a file is expected: the status passes, and nothing can run as a page of ours."""
    answer = ask(CITY, target)
    expect("the status of CKAN", ask(CKAN, target).status, portal_status)
    if media_type(answer) == "application/problem+json":
        return f"{portal_status} is a problem of status {answer.status}"
    expect("the status", answer.status, portal_status)
    expect("Content-Disposition", answer.fields["Content-Disposition"], "attachment")
    expect("Content-Security-Policy", answer.fields["Content-Security-Policy"], "default-src 'none'; sandbox")
    return f"{portal_status}, sandboxed"


# --- Files --------------------------------------------------------------------------------------


def files():
    yield from (upload(name) for name in ("upload_csv", "upload_json", "upload_empty", "upload_html"))
    yield dump(SEED["odd"])
    yield dump(SEED["odd"], format="tsv", bom="true")
    yield dump(SEED["odd"], format="xml")
    yield dump(SEED["odd"], format="json")
    yield dump(SEED["odd"], limit=0)
    yield dump(SEED["big"])
    yield dump(SEED["big"], format="json", limit=40_000)


def same_file(target):
    direct = ask(CKAN, target)
    expect("the status of CKAN", direct.status, 200)
    for _ in range(2):  # fetched, then stored
        bridged = ask(CITY, target)
        expect("the status", bridged.status, 200)
        expect_content(bridged.content, direct.content)
    if bridged.fields.get("Content-Disposition") is None:
        expect("the media type", media_type(bridged), media_type(direct))
    return f"{len(direct.content):,} bytes; then {bridged.cache}"


def ranges(target):
    whole = ask(CKAN, target).content
    last = len(whole) - 1
    for asked, first, end in [("0-0", 0, 0), ("100-199", 100, 199), ("-50", last - 49, last),
                              (f"{last - 9}-", last - 9, last), (f"1000-{last + 5}", 1000, last)]:
        part = ask(CITY, target, fields={"Range": f"bytes={asked}"})
        expect(f"the status for {asked}", part.status, 206)
        expect("Content-Range", part.fields["Content-Range"], f"bytes {first}-{end}/{last + 1}")
        expect_content(part.content, whole[first:end + 1])
    beyond = ask(CITY, target, fields={"Range": f"bytes={last + 1}-"})
    expect("the status for a range past the end", beyond.status, 416)
    expect("Content-Range", beyond.fields["Content-Range"], f"bytes */{last + 1}")
    told = ask(CITY, target, "HEAD")
    expect("Content-Length of HEAD", told.fields["Content-Length"], str(last + 1))
    expect("Accept-Ranges of HEAD", told.fields["Accept-Ranges"], "bytes")
    return f"206, 416 and HEAD of {last + 1:,} bytes"


def resource_file(name):
    answer = ask(CITY, f"/-/resource/{SEED[name]['id']}")
    expect("the status", answer.status, 200)
    expect_content(answer.content, ask(CKAN, upload(name)).content)
    return f"{len(answer.content):,} bytes"


def no_resource_file(identifier, statuses):
    answer = ask(CITY, f"/-/resource/{identifier}")
    expect_in("the status", answer.status, statuses)
    expect("success", json.loads(answer.content)["success"], False)
    return f"{answer.status} {json.loads(answer.content)['error']['__type']}"


# --- POST ---------------------------------------------------------------------------------------


def posts():
    """Read actions with what they are given: values of a form are text."""
    yield 200, "status_show", {}
    yield 200, "package_show", {"id": "qualitat-aire-2024"}
    yield 200, "package_search", {"q": "aire", "rows": 7, "facet.field": ["tags"]}
    yield 200, "package_search", {"q": "πληθυσμός", "fq": "tags:bus"}
    yield 200, "datastore_search", {"resource_id": SEED["big"], "filters": {"πόλη": "Αθήνα"}, "limit": 30}
    yield 200, "datastore_search_sql", {"sql": f'SELECT count(*) FROM "{SEED["big"]}"'}
    yield 404, "package_show", {"id": "no-such-package"}
    yield 409, "package_show", {}


def by_post(name, given, wanted, kind):
    target = ACTION + name
    as_json = json.dumps(given).encode()
    if kind == "JSON":
        return same(target, wanted, "POST", as_json, JSON)
    if kind == "text":  # A page may send it without a preflight; CKAN itself takes JSON only as JSON.
        text = {"Content-Type": "text/plain;charset=UTF-8"}
        return same(target, wanted, "POST", as_json, text, own=("POST", as_json, JSON))
    form = urlencode({key: each if isinstance(each, str) else json.dumps(each) for key, each in given.items()})
    return same(target, wanted, "POST", form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def posted_again(name, given):
    """It is read, so it is kept, whatever the order in which it is written."""
    by_post(name, given, 200, "JSON")
    turned = dict(reversed(given.items()))
    second = ask(CITY, ACTION + name, "POST", json.dumps(turned, indent=1).encode(), JSON)
    expect("the beginning of Cache-Status", second.cache[:10], "unpad; hit")
    return second.cache


def preflight(target):
    """A page asks first whether it may post JSON."""
    answer = ask(CITY, target, "OPTIONS", fields={"Origin": "https://page.example", "Access-Control-Request-Method": "POST",
                                                  "Access-Control-Request-Headers": "content-type"})
    expect_in("the status", answer.status, (200, 204))
    expect_in("POST", "POST", answer.fields.get("Access-Control-Allow-Methods", ""))
    expect_in("content-type", "content-type", answer.fields.get("Access-Control-Allow-Headers", "").lower())
    return f"{answer.status}, {answer.fields['Access-Control-Allow-Methods']}"


def no_write(name, given, fields):
    target = ACTION + name
    answer = ask(CITY, target, "POST", json.dumps(given).encode(), JSON | fields)
    expect("the status", answer.status, 403)
    said = json.loads(answer.content)
    expect("success", said["success"], False)
    expect("the type of error.__type", type(said["error"]["__type"]), str)
    if "name" in given:
        found = ask(CKAN, action("package_show", id=given["name"]), fields={"Authorization": TOKEN})
        expect("the status of what must not be there", found.status, 404)
    return f"403 {said['error']['__type']}"


def a_token_shows_nothing_to_others():
    """What only an administrator may see is told to nobody else, nor stored for them."""
    target = action("package_show", id=SEED["private"][1])
    ask(CITY, target, fields={"Authorization": TOKEN})
    expect("the status without a token", ask(CITY, target).status, 403)
    return "403 for others"


# --- All of it ----------------------------------------------------------------------------------


def checks():
    """Title, function, arguments, in the order in which they are run."""
    for target in reads():
        yield f"GET {target}", same, target
    for status, target in errors():
        yield f"GET {target}", same, target, status
    yield "a caller's callback", callback_is_ours, action("package_show", id="noise-map-2010")
    yield "a caller's callback, datastore", callback_is_ours, action("datastore_search", resource_id=SEED["odd"])
    if VERSION < (2, 12):
        yield "the next rows", next_link,
    yield "asked twice", again_from_the_store, action("package_show", id="port-calls-2005")
    yield "HEAD", head, action("package_show", id="port-calls-2006")
    yield "a token", a_token_shows_nothing_to_others,
    yield "HTML: a slash too much", not_json, ACTION + "status_show/", 404
    yield "HTML: an old version", not_json, "/api/1/action/status_show", 404
    yield "HTML: a page", not_json, "/dataset/qualitat-aire-2024", 200
    yield "NaN by SQL", not_a_number,
    yield "HTML: a dump of nothing", no_file, dump("no-such-table"), 404
    yield "HTML: a dump in no format", no_file, dump(SEED["odd"], format="yaml"), 500 if VERSION >= (2, 12) else 400
    yield "HTML: a private dump", no_file, dump(SEED["private_table"]), 404
    for target in files():
        yield f"file {target}", same_file, target
    yield "ranges of an upload", ranges, upload("upload_csv")
    yield "ranges of a stored dump", ranges, dump(SEED["big"])
    for status, name, given in posts():
        for kind in ("JSON", "form", "text"):
            yield f"POST as {kind}: {name} {json.dumps(given, ensure_ascii=False)}", by_post, name, given, status, kind
    yield "POST twice", posted_again, "package_search", {"q": "bus", "rows": 3, "sort": "name desc"}
    yield "OPTIONS before a POST", preflight, action("package_search")
    token = {"Authorization": TOKEN}
    new = {"name": f"not-to-be-{uuid.uuid4().hex[:8]}", "owner_org": SEED["orgs"][0]}
    yield "POST package_create", no_write, "package_create", new, {}
    yield "POST package_create with a token", no_write, "package_create", new, token
    yield "POST datastore_upsert with a token", no_write, "datastore_upsert", {"resource_id": SEED["odd"], "force": True, "records": []}, token
    yield "POST no_such_action", no_write, "no_such_action", {}, {}
    for name in ("upload_csv", "upload_json", "upload_html"):
        yield f"-/resource/ of {name}", resource_file, name
    yield "-/resource/ of nothing", no_resource_file, "no-such-resource", (404,)
    yield "-/resource/ of a private one", no_resource_file, SEED["private_table"], (403, 404)
    outage = Outage()
    yield "PostgreSQL stops", outage.stop,
    for target in outage.fetched:
        yield f"stale {target}", outage.stale, target
    for target in outage.others:
        yield f"missing {target}", outage.missing, target
    for target in outage.fetched:  # Now the site is suspended, too.
        yield f"stale {target}", outage.stale, target
    yield "PostgreSQL is back", outage.recovery,
    yield "a dump cut short", a_cut_dump_is_not_kept,


def main():
    started, ran, failed = time.monotonic(), 0, []
    for title, function, *arguments in checks():
        title = title if len(title) < 110 else title[:107] + "…"
        try:
            print(f"ok      {title}: {function(*arguments)}", flush=True)
        except Exception as error:  # whatever it is, it is a check that failed
            said = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            failed.append(title)
            print(f"FAILED  {title}: {said}", flush=True)
        ran += 1
    print(f"CKAN: {ran - len(failed)} of {ran} checks passed in {time.monotonic() - started:.0f} s")
    for title in failed:
        print(f"  failed: {title}")
    return 1 if failed or not ran else 0


sys.exit(main())
