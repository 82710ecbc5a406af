"""How the checks ask CKAN and the gateway, and how they say what they found instead. What holds for
every answer of the gateway is held here. Standard library only.
"""

import http.client
import json
import os
import pathlib
import re
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

SEED = json.loads(pathlib.Path(os.environ["CKAN_SEED"]).read_text())
TOKEN = os.environ["CKAN_TOKEN"]
CKAN = os.environ["CKAN_URL"]
CITY = os.environ["GATEWAY"] + "/p/city"
BRIEF = os.environ["GATEWAY"] + "/p/brief"
ACTION = "/api/3/action/"
# No answer takes longer than this, in seconds: the longest are dumps.
PATIENCE = 60


class Answer(NamedTuple):
    status: int
    fields: http.client.HTTPMessage
    content: bytes

    @property
    def cache(self):
        return self.fields.get("Cache-Status", "")


class Failed(Exception):
    """What a check found instead."""


def ask(base, target, method="GET", content=None, fields=None):
    """One request on a connection of its own; the target goes out as it is written."""
    at = urlsplit(base)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=PATIENCE)
    try:
        connection.request(method, at.path + target, content, fields or {})
        answer = connection.getresponse()
        read = Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
    if base != CKAN:
        holds_for_every_answer(read)
    return read


def holds_for_every_answer(answer):
    expect("Access-Control-Allow-Origin", answer.fields.get("Access-Control-Allow-Origin"), "*")
    expect("Set-Cookie", answer.fields.get("Set-Cookie"), None)
    expect("X-Content-Type-Options", answer.fields.get("X-Content-Type-Options"), "nosniff")


def expect(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what} is {found!r:.300}, not {wanted!r:.300}")


def expect_in(what, found, wanted):
    if found not in wanted:
        raise Failed(f"{what} is {found!r:.300}, none of {wanted!r:.300}")


def expect_content(found, wanted):
    if found == wanted:
        return
    at = next((i for i, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), min(len(found), len(wanted)))
    raise Failed(f"{len(found)} bytes, not {len(wanted)}; at {at}: {found[at:at + 80]!r}, not {wanted[at:at + 80]!r}")


def without_our_callback(content):
    """CKAN up to 2.11 repeats the query of datastore_search in `_links`, our callback with it."""
    return re.sub(rb"&callback=unpad[0-9a-f]+", b"", content) if VERSION < (2, 12) else content


def media_type(answer):
    return answer.fields.get_content_type()


def problem(answer, status, kind=None):
    """A problem document that CKAN's clients understand too."""
    expect("the status", answer.status, status)
    expect("the media type", media_type(answer), "application/problem+json")
    said = json.loads(answer.content)
    expect("success", said["success"], False)
    expect("the type of error.__type", type(said["error"]["__type"]), str)
    if kind:
        expect("the type", said["type"].rpartition("#")[2], kind)
    return said


def action(name, /, **parameters):
    return ACTION + name + ("?" + urlencode(parameters, doseq=True) if parameters else "")


def upload(name):
    return urlsplit(SEED[name]["url"]).path


def dump(resource, **parameters):
    return f"/datastore/dump/{resource}" + ("?" + urlencode(parameters) if parameters else "")


VERSION = tuple(map(int, json.loads(ask(CKAN, action("status_show")).content)["result"]["ckan_version"].split(".")))
