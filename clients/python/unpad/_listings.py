"""What there is: portals, their datasets, and the resources of one."""

from __future__ import annotations

from typing import Optional
from urllib.parse import urlsplit

from . import _ckan, _gateway, _http
from ._errors import InvalidReference, NotFound, verb
from ._references import Reference, path, resolve, text_of
from ._values import Listing


@verb
async def datasets(portal: Reference, q: str = "", *, limit: int = 20, offset: int = 0, refresh: bool = False) -> Listing:
    """The datasets of a portal in which these words are found: a list of dicts, with `total`. The portal may give
    fewer at once than `limit` (CKAN: 1,000); `offset` asks for the next ones."""
    found = await resolve(portal)
    name, dialect = found["portal"], found.get("dialect")
    if dialect == "ckan":
        answer, provenance = await _ckan.act(found, "package_search", refresh, q=q or None, rows=limit, start=offset)
        entries, total = [_ckan.dataset_entry(it, name) for it in _ckan.dicts(answer.get("results"))], answer.get("count")
    elif dialect == "socrata":
        host = await _host(name)
        url = path(name, "api/catalog/v1", domains=host, search_context=host, q=q or None, limit=limit, offset=offset)
        value, provenance = await _http.read_json(url, refresh=refresh)
        answer = _ckan.dict_of(value)
        entries, total = [_socrata_entry(it, name) for it in _ckan.dicts(answer.get("results"))], answer.get("resultSetSize")
    else:
        raise InvalidReference(f"The datasets of {name} cannot be listed", f"Its software is {dialect}; lists are made "
                               "for CKAN and Socrata.", "Ask for its own URLs with read_json, read_csv and save.")
    columns = ["name", "title", "notes", "organization", "formats", "modified", "licence", "reference"]
    return Listing(entries, columns, total if isinstance(total, int) else len(entries), provenance)


@verb
async def resources(ref_or_portal: Reference, dataset: Optional[str] = None, *, refresh: bool = False) -> Listing:
    """The files and tables of a dataset: a list of dicts."""
    found = dict(await resolve(ref_or_portal))
    if dataset is not None:
        found["dataset"] = text_of(dataset)
    elif not found.get("dataset") and found.get("resource"):
        described, _ = await _ckan.act(found, "resource_show", refresh, id=found["resource"])
        found["dataset"] = described.get("package_id")
    _ckan.named(found, "dataset", ref_or_portal)
    described, provenance = await _ckan.dataset(found, refresh)
    entries = _ckan.resource_entries(described, found["portal"])
    columns = ["id", "name", "format", "url", "bytes", "modified", "in_datastore", "reference"]
    return Listing(entries, columns, len(entries), provenance)


@verb
async def portals(*, refresh: bool = False) -> Listing:
    """The portals that the gateway knows, with what it does for each."""
    value, provenance = await _http.read_json(f"{_gateway.gateway()}/portals", refresh=refresh)
    entries = _ckan.dicts(_ckan.dict_of(value).get("portals"))
    return Listing(entries, ["id", "title", "country", "software", "licence", "base"], len(entries), provenance)


async def _host(portal: str) -> str:
    for entry in await portals():
        if entry.get("id") == portal:
            return urlsplit(str(entry.get("base"))).netloc
    raise NotFound("Unknown portal", f"The gateway does not list {portal!r}.")


def _socrata_entry(it: _ckan.Entry, portal: str) -> _ckan.Entry:
    resource, metadata = _ckan.dict_of(it.get("resource")), _ckan.dict_of(it.get("metadata"))
    return {"name": resource.get("id"), "title": resource.get("name"), "notes": resource.get("description"),
            "organization": resource.get("attribution"), "formats": ["CSV", "JSON"] if resource.get("type") == "dataset" else [],
            "modified": resource.get("data_updated_at") or resource.get("updatedAt"), "licence": metadata.get("license"),
            "reference": f"{portal}/resource/{resource.get('id')}.json"}
