"""The verbs, written once: `unpad` has them as coroutines, `unpad.sync` as plain functions."""

from __future__ import annotations

import io
import os
import secrets
from typing import Any, Dict, List, Optional, Sequence, Union
from urllib.parse import urlsplit

from . import _csv, _frames, _http, _transport
from ._errors import BrokenAnswer, InvalidReference, NotFound, UnpadError, of_ckan
from ._progress import Progress
from ._provenance import Provenance
from ._references import Reference, action, locate, path, resolve, rest, text_of
from ._values import JsonArray, Listing, Rows, Saved, Table, told

#: The most rows that CKAN gives at once, unless its operator allows more.
PAGE = 32_000


async def read_json(ref: Reference, *, refresh: bool = False, parse_float: Any = None,
                    progress: Optional[bool] = None) -> Any:
    """The JSON that a reference stands for. Of a dataset: its description. Integers of any size are exact;
    `parse_float=decimal.Decimal` keeps the digits of other numbers too."""
    found = await locate(ref)
    value, provenance = await _http.read_json(found["url"], refresh=refresh, progress=progress, parse_float=parse_float)
    if found["kind"] == "dataset" and found.get("dialect") == "ckan":
        value = _result(value, found["url"])
        provenance = provenance.with_licence(value.get("license_url"), value.get("license_title"))
    return told(value, provenance)


async def read_csv(ref: Reference, *, refresh: bool = False, delimiter: Optional[str] = None,
                   encoding: Optional[str] = None, pandas: Optional[bool] = None, progress: Optional[bool] = None,
                   **pandas_options: Any) -> Any:
    """The CSV that a reference stands for, as a pandas DataFrame if pandas is there, else as rows of text.
    Other options are those of `pandas.read_csv`."""
    if pandas_options and pandas is None:
        pandas = True
    library = _frames.module(pandas)
    if pandas_options and library is None:
        raise TypeError(f"without pandas, read_csv has no {', '.join(sorted(pandas_options))}")
    found, licences = await locate(ref), ()
    if found["kind"] == "dataset":
        dataset, _ = await _dataset(found, refresh)
        one = _only(_resources(dataset, found["portal"]), "CSV", "read_csv", lambda it: (it["format"] or "").upper() == "CSV")
        found, licences = await locate(one), (dataset.get("license_url"), dataset.get("license_title"))
    content, fields, provenance = await _http.read(found["url"], refresh=refresh, progress=progress)
    provenance = provenance.with_licence(*licences)
    kind = fields.get("content-type", "")
    if "json" in kind and content[:1] in b"{[":
        value = _http.parse(content, fields)
        if isinstance(value, dict) and value.get("success") is False:
            raise of_ckan(value, found["url"], 200)
        raise BrokenAnswer("This is JSON, not CSV", f"Its type is {kind}.", "Read it with unpad.read_json(…).")
    if "html" in kind or content[:300].lstrip()[:9].lower() in (b"<!doctype", b"<html"):
        raise BrokenAnswer("This is a web page, not CSV", f"Its type is {kind}.", "The file has moved, or asks for "
                           "something first: open its link in a browser.")
    delimiter = delimiter or pandas_options.pop("sep", None)
    given = encoding
    encoding, errors, delimiter = _csv.describe(content, kind, given, delimiter)
    if library is None:
        return _csv.read_rows(content, encoding, errors, delimiter, provenance)
    options = {"sep": delimiter, "encoding": encoding, "encoding_errors": errors, **pandas_options}
    return _frames.read_csv(io.BytesIO(content), provenance, options)


async def save(ref: Reference, path: Union[str, "os.PathLike[str]"], *, refresh: bool = False,
               progress: Optional[bool] = None) -> Saved:
    """Writes what a reference stands for to a file, byte for byte as it came, and makes the folders it needs.
    Under the name stands the whole file or what was there before."""
    url = (await locate(ref))["url"]
    name = os.fspath(path)
    target = os.path.realpath(name)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{name} is a folder: give the file a name in it")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if _transport.IN_BROWSER:
        # JupyterLite's drive is slow, and writes a file whole when it is closed: it is opened when all is there.
        content, fields, provenance = await _http.read(url, refresh=refresh, progress=progress)
        _refuse_error(content, fields, url)
        size = len(content)
        with open(target, "wb") as file:
            file.write(content)
    else:
        part = os.path.join(os.path.dirname(target), f".unpad-{secrets.token_hex(6)}.part")
        try:
            with open(part, "xb") as file:
                fields, provenance, size = await _http.stream(url, file.write, refresh=refresh, progress=progress)
            with open(part, "rb") as file:
                _refuse_error(file.read(_http.ERROR), fields, url)
            os.replace(part, target)
        except BaseException:
            if os.path.exists(part):
                os.remove(part)
            raise
    saved = Saved(name)
    saved.bytes, saved.provenance = size, provenance
    return saved


async def datasets(portal: Reference, q: str = "", *, limit: int = 20, offset: int = 0, refresh: bool = False) -> Listing:
    """The datasets of a portal in which all these words are found: a list of dicts, with `total`."""
    found = await resolve(portal)
    if found.get("dialect") == "ckan":
        url = action(found, "package_search", q=q or None, rows=limit, start=offset)
        value, provenance = await _http.read_json(url, refresh=refresh)
        result = _result(value, url)
        entries, total = [_ckan_entry(it, found["portal"]) for it in _dicts(result.get("results"))], result.get("count")
    elif found.get("dialect") == "socrata":
        host = await _host(found["portal"])
        url = path_of_catalogue(found["portal"], host, q, limit, offset)
        value, provenance = await _http.read_json(url, refresh=refresh)
        entries = [_socrata_entry(it, found["portal"]) for it in _dicts(value.get("results"))] if isinstance(value, dict) else []
        total = value.get("resultSetSize") if isinstance(value, dict) else None
    else:
        raise InvalidReference(f"The datasets of {found['portal']} cannot be listed", f"Its software is {found.get('dialect')}; "
                               "lists are made for CKAN and Socrata.", "Ask for its own URLs with read_json, read_csv and save.")
    columns = ["name", "title", "notes", "organization", "formats", "modified", "licence", "reference"]
    return Listing(entries, columns, total if isinstance(total, int) else len(entries), provenance)


async def resources(ref_or_portal: Reference, dataset: Optional[str] = None, *, refresh: bool = False) -> Listing:
    """The files and tables of a dataset: a list of dicts."""
    found = dict(await resolve(ref_or_portal))
    if dataset is not None:
        found["dataset"] = text_of(dataset)
    elif not found.get("dataset") and found.get("resource"):
        url = action(found, "resource_show", id=found["resource"])
        value, _ = await _http.read_json(url, refresh=refresh)
        found["dataset"] = _result(value, url).get("package_id")
    rest(found, "dataset", ref_or_portal)
    described, provenance = await _dataset(found, refresh)
    entries = _resources(described, found["portal"])
    columns = ["id", "name", "format", "url", "bytes", "modified", "in_datastore", "reference"]
    return Listing(entries, columns, len(entries), provenance)


async def table(portal_or_ref: Reference, resource_id: Optional[str] = None, *, limit: Optional[int] = None,
                fields: Union[str, Sequence[str], None] = None, filters: Optional[Dict[str, Any]] = None,
                q: Union[str, Dict[str, str], None] = None, sort: Optional[str] = None, pandas: bool = False,
                progress: Optional[bool] = None, refresh: bool = False, parse_float: Any = None) -> Any:
    """The rows of a table of the portal's datastore, all of them unless there is a `limit`, in pages as large as
    the portal allows. All or an error: never a gap. They are kept in memory."""
    if pandas:
        _frames.module(True)
    found = dict(await resolve(portal_or_ref))
    if resource_id is not None:
        found["resource"] = text_of(resource_id)
    elif found["kind"] == "dataset":
        described, _ = await _dataset(found, refresh)
        found["resource"] = _only(_resources(described, found["portal"]), "table in the datastore", "table",
                                  lambda it: it["in_datastore"])["id"]
    resource = rest(found, "resource", portal_or_ref)
    # Rows that are equal in the caller's order could change places between two pages.
    order = "_id" if not sort else sort if "_id" in sort.replace(",", " ").split() else f"{sort}, _id"
    rows: List[Dict[str, Any]] = []
    head: Optional[Dict[str, Any]] = None
    first: Optional[Provenance] = None
    size, total, shown = PAGE, 0, None
    try:
        while head is None or len(rows) < (total if limit is None else min(limit, total)):
            want = size if limit is None else min(size, limit - len(rows))
            url = action(found, "datastore_search", resource_id=resource, limit=want, offset=len(rows), sort=order,
                         fields=fields if fields is None or isinstance(fields, str) else ",".join(fields),
                         filters=filters, q=q)
            try:
                value, provenance = await _http.read_json(url, refresh=refresh, progress=False, parse_float=parse_float)
            except UnpadError as error:
                if (error.type or "").endswith("#response-too-large") and want > 100:
                    size = want // 4  # wide rows: fewer of them at once
                    continue
                raise _no_table(error, found, resource)
            page = _result(value, url)
            records = page.get("records")
            if not isinstance(records, list) or type(page.get("total")) is not int:
                raise BrokenAnswer("This is not a page of a table", "It has no records, or no total.", f"Asked for: {url}")
            if head is None:
                head, total, first = page, page["total"], provenance
                shown = Progress("Table", "rows", progress, total if limit is None else min(limit, total))
            elif page["total"] != total:
                raise BrokenAnswer("The table changed while it was read", f"It had {total:,} rows, and now has "
                                   f"{page['total']:,}.", "Read it again, with refresh=True.")
            if records and rows and order == "_id" and not _follows(rows[-1], records[0]):
                raise BrokenAnswer("The table changed while it was read", f"Row {len(rows) + 1:,} does not come after "
                                   "the one before it.", "Read it again, with refresh=True.")
            if not records and len(rows) < (total if limit is None else min(limit, total)):
                raise BrokenAnswer("The portal sends fewer rows than it has", f"After {len(rows):,} of {total:,} rows comes "
                                   "an empty page.", "Read it again, with refresh=True, or read the file: unpad.read_csv(…).")
            clamped = page.get("limit")
            if type(clamped) is int and 0 < clamped < want:
                size = clamped
            rows.extend(records)
            if shown:
                shown.add(len(records))
    finally:
        if shown:
            shown.close()
    if limit is None and len(rows) > total or limit is not None and len(rows) > limit:
        raise BrokenAnswer("The portal sends more rows than were asked for", f"{len(rows):,} came.", "")
    described_fields = [{"id": it["id"], "type": it.get("type")} for it in _dicts(head.get("fields")) if "id" in it]
    made = Table(rows, described_fields, total, first)
    return made.to_pandas() if pandas else made


async def portals(*, refresh: bool = False) -> Listing:
    """The portals that the gateway knows, with what it does for each."""
    from . import _gateway
    value, provenance = await _http.read_json(f"{_gateway.gateway()}/portals", refresh=refresh)
    entries = _dicts(value.get("portals")) if isinstance(value, dict) else []
    return Listing(entries, ["id", "title", "country", "software", "licence", "base"], len(entries), provenance)


def _result(value: Any, url: str) -> Dict[str, Any]:
    result = value.get("result") if isinstance(value, dict) else None
    if not isinstance(result, dict):
        raise BrokenAnswer("This is not an answer of CKAN", "It has no result.", f"Asked for: {url}")
    return result


def _refuse_error(content: bytes, fields: Dict[str, str], url: str) -> None:
    """An error that CKAN sends with status 200 is no file to keep."""
    if "json" not in fields.get("content-type", "") or len(content) >= _http.ERROR:
        return
    try:
        value = _http.parse(content, fields)
    except BrokenAnswer:
        return  # a file is saved as it is
    if isinstance(value, dict) and value.get("success") is False and "error" in value:
        raise of_ckan(value, url, 200)


async def _dataset(found: Dict[str, Any], refresh: bool) -> Any:
    url = action(found, "package_show", id=found["dataset"])
    value, provenance = await _http.read_json(url, refresh=refresh)
    described = _result(value, url)
    return described, provenance.with_licence(described.get("license_url"), described.get("license_title"))


def _dicts(value: Any) -> List[Dict[str, Any]]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def _ckan_entry(it: Dict[str, Any], portal: str) -> Dict[str, Any]:
    organization = it.get("organization") or {}
    formats = [str(one["format"]) for one in _dicts(it.get("resources")) if one.get("format")]
    return {"name": it.get("name"), "title": it.get("title") or it.get("name"), "notes": it.get("notes"),
            "organization": organization.get("title") or organization.get("name") if isinstance(organization, dict) else None,
            "formats": sorted(set(formats)), "modified": it.get("metadata_modified"),
            "licence": it.get("license_title") or it.get("license_id"), "reference": f"{portal}/dataset/{it.get('name')}"}


def _resources(dataset: Dict[str, Any], portal: str) -> List[Dict[str, Any]]:
    return [{"id": it.get("id"), "name": it.get("name") or it.get("description") or it.get("id"), "format": it.get("format"),
             "url": it.get("url"), "bytes": it.get("size"), "modified": it.get("last_modified") or it.get("created"),
             "in_datastore": it.get("datastore_active") in (True, "True", "true"),
             "reference": f"{portal}/dataset/{dataset.get('name')}/resource/{it.get('id')}"}
            for it in _dicts(dataset.get("resources"))]


def _only(entries: List[Dict[str, Any]], what: str, verb: str, is_one: Any) -> Dict[str, Any]:
    """The one that fits; with none or several, an error that has the lines to write."""
    fitting = [it for it in entries if is_one(it)]
    if len(fitting) == 1:
        return fitting[0]
    detail = f"It has {len(fitting)}; one of these lines says which:" if fitting else "It has these:" if entries else "It has no resources."
    lines = [f"  {_line(verb, it['reference'])}  # {it['name']}" if fitting else
             f"  {it['reference']}  # {it['format']}, {it['name']}" for it in (fitting or entries)[:20]]
    raise InvalidReference(f"This dataset has {'several resources' if fitting else 'no resource'} of this kind: {what}",
                           "\n".join([detail, *lines]))


def _line(verb: str, reference: str) -> str:
    return f"{'unpad.sync.' if _transport.is_blocking() else 'await unpad.'}{verb}({reference!r})"


def _no_table(error: UnpadError, found: Dict[str, Any], resource: str) -> UnpadError:
    if isinstance(error, NotFound) and error.portal is None and (error.type is None):
        error.advice = ("It is not in the portal's datastore. Read its file: "
                        + _line("read_csv", f"{found['portal']}/-/resource/{resource}"))
    return error


def _follows(before: Dict[str, Any], row: Dict[str, Any]) -> bool:
    earlier, later = before.get("_id") if isinstance(before, dict) else None, row.get("_id") if isinstance(row, dict) else None
    return type(earlier) is not int or type(later) is not int or earlier < later


async def _host(portal: str) -> str:
    for entry in await portals():
        if entry.get("id") == portal:
            return urlsplit(str(entry.get("base"))).netloc
    raise NotFound("Unknown portal", f"The gateway does not list {portal!r}.")


def path_of_catalogue(portal: str, host: str, q: str, limit: int, offset: int) -> str:
    return path(portal, "api/catalog/v1", domains=host, search_context=host, q=q or None, limit=limit, offset=offset)


def _socrata_entry(it: Dict[str, Any], portal: str) -> Dict[str, Any]:
    resource = it.get("resource") if isinstance(it.get("resource"), dict) else {}
    metadata = it.get("metadata") if isinstance(it.get("metadata"), dict) else {}
    identifier = resource.get("id")
    return {"name": identifier, "title": resource.get("name"), "notes": resource.get("description"),
            "organization": resource.get("attribution"), "formats": ["CSV", "JSON"] if resource.get("type") == "dataset" else [],
            "modified": resource.get("data_updated_at") or resource.get("updatedAt"), "licence": metadata.get("license"),
            "reference": f"{portal}/resource/{identifier}.json"}
