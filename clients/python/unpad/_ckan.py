"""What CKAN answers: datasets and resources as this package gives them, and the one that a verb needs."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from . import _http, _transport
from ._errors import BrokenAnswer, InvalidReference, NotFound, UnpadError
from ._provenance import Provenance
from ._references import Reference, path

Entry = Dict[str, Any]


def action(found: Entry, name: str, **query: Any) -> str:
    """The URL of a reading action of the portal that a reference stands for."""
    if found.get("dialect") != "ckan":
        raise InvalidReference(f"{found['portal']} is not a CKAN portal", f"Its software is {found.get('dialect')}, "
                               f"which has no {name}.", "Ask for its own URLs with read_json, read_csv and save.")
    return path(found["portal"], f"api/3/action/{name}", **query)


async def act(found: Entry, name: str, refresh: bool, parse_float: Any = None, progress: Optional[bool] = None,
              **query: Any) -> Tuple[Entry, Provenance]:
    url = action(found, name, **query)
    value, provenance = await _http.read_json(url, refresh=refresh, parse_float=parse_float, progress=progress)
    return result(value, url), provenance


def result(value: Any, url: str) -> Entry:
    found = value.get("result") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise BrokenAnswer("This is not an answer of CKAN", "It has no result.", f"Asked for: {url}")
    return found


async def dataset(found: Entry, refresh: bool) -> Tuple[Entry, Provenance]:
    with naming(found):
        described, provenance = await act(found, "package_show", refresh, id=found["dataset"])
    return described, licensed(provenance, described)


async def described(found: Entry) -> Entry:
    """What the dataset that a reference names says of itself, such as its licence; nothing if that cannot be had."""
    if found.get("dialect") != "ckan" or not found.get("dataset"):
        return {}
    try:
        return (await dataset(found, False))[0]
    except UnpadError:
        return {}


@contextlib.contextmanager
def naming(found: Entry) -> Iterator[None]:
    """Says which dataset is not there, where CKAN says no more than that something is not."""
    try:
        yield
    except NotFound as error:
        if error.type is None and found.get("dataset") and found.get("dialect") == "ckan":
            error.advice = (f"{found['portal']} has no public dataset {found['dataset']!r}. Search for it: "
                            f"{_transport.line('datasets', found['portal'], 'words')}\n{error.advice}")
        raise


def licensed(provenance: Provenance, described: Entry) -> Provenance:
    return provenance.with_licence(described.get("license_url"), described.get("license_title"))


def named(found: Entry, wanted: str, reference: Reference) -> str:
    """The dataset or resource that a reference names."""
    value = found.get(wanted)
    if not isinstance(value, str):
        raise InvalidReference(f"This reference names no {wanted}", f"{reference!r:.200} stands for a {found.get('kind')}.",
                               'Give the page of one, or such as "demo/dataset/NAME/resource/ID"; '
                               "unpad.datasets(…) and unpad.resources(…) list them.")
    return value


def dicts(value: Any) -> List[Entry]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def dict_of(value: Any) -> Entry:
    return value if isinstance(value, dict) else {}


def dataset_entry(it: Entry, portal: str) -> Entry:
    organization = dict_of(it.get("organization"))
    return {"name": it.get("name"), "title": it.get("title") or it.get("name"), "notes": it.get("notes"),
            "organization": organization.get("title") or organization.get("name"),
            "formats": sorted({str(one["format"]) for one in dicts(it.get("resources")) if one.get("format")}),
            "modified": it.get("metadata_modified"), "licence": it.get("license_title") or it.get("license_id"),
            "reference": f"{portal}/dataset/{it.get('name')}"}


def resource_entries(described: Entry, portal: str) -> List[Entry]:
    return [{"id": it.get("id"), "name": it.get("name") or it.get("description") or it.get("id"), "format": it.get("format"),
             "url": it.get("url"), "bytes": it.get("size"), "modified": it.get("last_modified") or it.get("created"),
             "in_datastore": it.get("datastore_active") in (True, "True", "true"),
             "reference": f"{portal}/dataset/{described.get('name')}/resource/{it.get('id')}"}
            for it in dicts(described.get("resources"))]


def only(entries: List[Entry], what: str, fits: Callable[[Entry], bool], line: Callable[[Entry], str],
         always: bool = False) -> Entry:
    """The one that fits; with none or several, an error that has the lines to write, which others may have too."""
    fitting = [it for it in entries if fits(it)]
    if len(fitting) == 1:
        return fitting[0]
    lines = []
    for it in (fitting or entries)[:20]:
        # On one line, because whoever pastes it runs what stands behind the line's end.
        said = " ".join(str(it["name"] if fitting else f"{it['format']}, {it['name']}").split())
        lines.append(f"  {line(it) if fitting or always else repr(it['reference'])}  # {said}")
    if fitting:
        raise InvalidReference(f"This dataset has {len(fitting)} resources with a {what}", "\n".join(["One of these lines says which:", *lines]))
    raise InvalidReference(f"This dataset has no resource with a {what}", "\n".join(["It has these:", *lines] if lines else ["It has no resources."]))


def format_of(entry: Entry) -> str:
    return str(entry["format"] or "").strip().lstrip(".").lower()
