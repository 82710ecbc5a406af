"""CKAN without its database: what was fetched is served stale and told as such, what was not is an
error, and all is well again when PostgreSQL is.
"""

import http.client
import pathlib
import subprocess
import time
from urllib.parse import urlsplit

from asking import (BRIEF, CKAN, PATIENCE, SEED, Failed, action, ask, dump, expect, expect_content, expect_in,
                    media_type, problem, upload)

START = pathlib.Path(__file__).with_name("start-ckan.sh")
# Until a portal that failed is asked again, with what a slow machine needs to start PostgreSQL.
RECOVERY = 45


def start_ckan(command):
    done = subprocess.run([START, command], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(done.stderr)


def until(title, holds, seconds):
    """Asks until it holds; the last answer that did."""
    end = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{title}: not within {seconds} s")
        time.sleep(0.2)


class Outage:
    """What was fetched before, and what was not."""

    def __init__(self):
        self.fetched = [action("package_show", id="bicicletes-2012"), action("package_search", q="tram", rows=20),
                        action("datastore_search", resource_id=SEED["odd"], limit=5), upload("upload_csv"), dump(SEED["odd"])]
        self.others = [action("package_show", id="bicicletes-2013"), action("tag_list", query="b"), action("organization_list", limit=2)]
        # What is posted as JSON; everything else is asked for by GET.
        self.posted = {"POST package_search": b'{"q": "tram", "rows": 2}'}
        self.fetched += self.posted
        self.before = {}

    def ask(self, target):
        if target in self.posted:
            return ask(BRIEF, action("package_search"), "POST", self.posted[target], {"Content-Type": "application/json"})
        return ask(BRIEF, target)

    def stop(self):
        for target in self.fetched:
            self.before[target] = self.ask(target)
            expect("the status", self.before[target].status, 200)
        start_ckan("pg-stop")
        direct = ask(CKAN, self.fetched[0])
        expect("the status of CKAN", direct.status, 500)
        expect("the media type of CKAN", media_type(direct), "text/html")
        time.sleep(2.1)  # what was fetched is fresh for one second
        return "CKAN itself answers 500 in HTML"

    def stale(self, target):
        answer = self.ask(target)
        expect("the status", answer.status, 200)
        expect_content(answer.content, self.before[target].content)
        if int(answer.fields.get("Age", 0)) < 2 or "detail=" not in answer.cache or "ttl=-" not in answer.cache:
            raise Failed(f"not told as stale: Age: {answer.fields.get('Age')}, Cache-Status: {answer.cache}")
        return f"Age: {answer.fields['Age']}, {answer.cache}"

    def missing(self, target):
        answer = ask(BRIEF, target)
        expect_in("the status", answer.status, (502, 503))
        said = problem(answer, answer.status)
        return f"{answer.status} {said['type']}"

    def recovery(self):
        start_ckan("pg-start")
        started = time.monotonic()
        for target in self.others:
            until("no answer", lambda: ask(BRIEF, target).status == 200, RECOVERY)
        for target in self.fetched:
            answer = until("still stale", lambda: (lambda a: "ttl=-" not in a.cache and a)(self.ask(target)), RECOVERY)
            expect_content(answer.content, self.before[target].content)
        return f"fresh answers {time.monotonic() - started:.1f} s later"


def a_cut_dump_is_not_kept():
    """PostgreSQL is stopped in the middle of a dump; nobody may take what came for the whole."""
    target = dump(SEED["big"], format="xml")
    at = urlsplit(BRIEF)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=PATIENCE)
    connection.request("GET", at.path + target)
    answer = connection.getresponse()
    expect("the status", answer.status, 200)
    answer.read(64 * 1024)
    start_ckan("pg-stop")
    try:
        read = len(answer.read())
    except (http.client.HTTPException, OSError) as error:
        told = type(error).__name__
    else:
        raise Failed(f"the client is told that {read:,} bytes and no more are the whole")
    finally:
        connection.close()
        start_ckan("pg-start")
    direct = until("CKAN", lambda: (lambda a: a.status == 200 and a)(ask(CKAN, target)), RECOVERY)
    bridged = until("the gateway", lambda: (lambda a: a.status == 200 and a)(ask(BRIEF, target)), RECOVERY)
    expect_content(bridged.content, direct.content)
    return f"{told} for the client; then whole"
