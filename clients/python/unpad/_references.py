"""From what people copy to what the gateway is asked for: `/resolve` knows the way, here it is only asked."""

from __future__ import annotations

import json
import os
import re
from pathlib import PurePath
from typing import Any, Dict, Union
from urllib.parse import quote, urlencode, urljoin

from . import _gateway, _http, _transport
from ._errors import GatewayUnreachable, InvalidReference, UnpadError, verb
from ._values import JsonObject

#: A URL or path as text, a path, or an entry of `datasets` or `resources`.
Reference = Union[str, "os.PathLike[str]", Dict[str, Any]]

#: What looks like the name of a file on this machine.
FILE = re.compile(r"(?!https?:)[^?#]*\.(csv|tsv|txt|json|geojson|xlsx?|ods|xml|zip|parquet|pdf)$", re.IGNORECASE)


def text_of(reference: Reference) -> str:
    if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
        reference = reference["reference"]
    elif isinstance(reference, PurePath):
        reference = reference.as_posix()
    elif isinstance(reference, os.PathLike):
        reference = os.fspath(reference)
    if not isinstance(reference, str) or not reference.strip():
        raise InvalidReference("This is no reference", f"{reference!r:.200} is not the text of one.",
                               'Give a link of the portal, or such as "demo/dataset/NAME".')
    return reference.strip()


def is_direct(reference: str) -> bool:
    """Whether it is a URL of the gateway's own for something of a portal."""
    return (_gateway.below(reference) or "").startswith("/p/")


@verb
async def resolve(reference: Reference) -> JsonObject:
    """What a reference stands for: portal, dialect, kind, dataset, resource, and the URL to ask for."""
    text = text_of(reference)
    scheme = re.match(r"([a-z][a-z0-9+.-]*):/", text, re.IGNORECASE)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise InvalidReference("A link begins with http:// or https://", f"{text!r:.300} begins with {scheme[1]}:.",
                               "Copy the link from the portal again.")
    query = urlencode({"url": _gateway.below(text) or text})
    try:
        found, provenance = await _http.read_json(f"{_gateway.gateway()}/resolve?{query}", progress=False)
    except UnpadError as error:
        if isinstance(error, GatewayUnreachable) or error.status is None or error.status >= 500:
            raise
        if error.type in (None, "about:blank") and error.status == 404:
            raise _no_gateway(error.detail) from None
        raise InvalidReference(error.title, f"The reference is {text!r:.300}. {error.detail}", _advice(text),
                               status=error.status, type=error.type, portal=error.portal,
                               portal_url=error.portal_url, problem=error.problem) from None
    if not isinstance(found, dict) or not isinstance(found.get("url"), str) or not isinstance(found.get("portal"), str):
        raise _no_gateway("")
    made = JsonObject(found, url=urljoin(_gateway.gateway() + "/", found["url"]))
    made.provenance = provenance
    return made


def _advice(reference: str) -> str:
    who, why = _gateway.find()
    asked = f"The gateway that was asked is {who}. {why}"
    other = re.match(r"(https?://[^/?#]+[^?#]*?)/p/[^/?#]", reference, re.IGNORECASE)
    if other:
        return f"{asked}\nThis looks like a link of another gateway. Ask that one: unpad.use({other[1]!r})"
    if FILE.match(reference):
        asked += f"\nThis looks like a file's name. The reference comes first: {_transport.line('save', 'REFERENCE', reference)}"
    return f"{asked}\n{_transport.line('portals')} lists its portals."


def _no_gateway(detail: str) -> GatewayUnreachable:
    return GatewayUnreachable(f"What answers at {_gateway.gateway()} is not a gateway of this kind", detail,
                              f'{_gateway.find()[1]} To ask another: unpad.use("https://gateway.example").')


async def locate(reference: Reference) -> Dict[str, Any]:
    """As `resolve`, but a URL of the gateway's own is taken as it is."""
    text = text_of(reference)
    return {"kind": "file", "url": text} if is_direct(text) else await resolve(text)


def path(portal: str, rest: str, **query: Any) -> str:
    """The URL of something of a portal. Parameters that are None are left out, and dicts are written as JSON."""
    said = {name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            for name, value in query.items() if value is not None}
    return f"{_gateway.gateway()}/p/{quote(portal, safe='')}/{rest}" + (f"?{urlencode(said)}" if said else "")

