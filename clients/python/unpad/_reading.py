"""Reading and saving what a reference stands for."""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
from typing import Any, Dict, Iterator, Optional, Union

from . import _ckan, _csv, _frames, _http, _transport
from ._errors import BrokenAnswer, InvalidReference, of_ckan, verb
from ._references import FILE, Reference, locate, path as path_of, text_of
from ._values import Saved, told


@verb
async def read_json(ref: Reference, *, refresh: bool = False, parse_float: Any = None,
                    progress: Optional[bool] = None) -> Any:
    """The JSON that a reference stands for; of a dataset, its description. Integers of any size are exact;
    `parse_float=decimal.Decimal` keeps the digits of other numbers too."""
    found = await locate(ref)
    with _ckan.naming(found):
        value, provenance = await _http.read_json(found["url"], refresh=refresh, progress=progress, parse_float=parse_float)
    if found["kind"] == "dataset" and found.get("dialect") == "ckan":
        value = _ckan.result(value, found["url"])
        provenance = _ckan.licensed(provenance, value)
    return told(value, provenance)


@verb
async def read_csv(ref: Reference, *, refresh: bool = False, delimiter: Optional[str] = None,
                   encoding: Optional[str] = None, pandas: Optional[bool] = None, progress: Optional[bool] = None,
                   **pandas_options: Any) -> Any:
    """The CSV that a reference stands for: a DataFrame if pandas is there, else rows of text. Other options are
    those of `pandas.read_csv`."""
    if pandas_options and pandas is None:
        pandas = True
    library = _frames.module(pandas)
    if pandas_options and library is None:
        raise TypeError(f"without pandas, read_csv has no {', '.join(sorted(pandas_options))}")
    found: Dict[str, Any] = await locate(ref)
    described: Dict[str, Any] = {}
    if found["kind"] == "dataset":
        described, _ = await _ckan.dataset(found, refresh)
        entries = _ckan.resource_entries(described, found["portal"])
        ref = _ckan.only(entries, "CSV file", lambda it: _ckan.format_of(it) == "csv",
                         lambda it: _transport.line("read_csv", it["reference"]))
        found = await locate(ref)
    elif found["kind"] == "table" and "/datastore_search" in found["url"] and found.get("resource"):
        found["url"] = path_of(found["portal"], f"datastore/dump/{found['resource']}")
    content, fields, provenance = await _http.read(found["url"], refresh=refresh, progress=progress)
    provenance = _ckan.licensed(provenance, described or await _ckan.described(found))
    kind = fields.get("content-type", "")
    _refuse_others(content, fields, found["url"], text_of(ref))
    given = delimiter or pandas_options.pop("sep", None)
    charset, errors, separator = _csv.describe(content, kind, encoding, given)
    if library is None:
        return _csv.read_rows(content, charset, errors, separator, provenance)
    options = {"sep": separator, "encoding": charset, "encoding_errors": errors, **pandas_options}
    return _frames.read_csv(io.BytesIO(content), provenance, options)


@verb
async def save(ref: Reference, path: Union[str, "os.PathLike[str]"], *, refresh: bool = False,
               progress: Optional[bool] = None) -> Saved:
    """Writes what a reference stands for to a file, byte for byte as it came, and makes the folders it needs.
    Under the name stands the whole file, or what was there before. Of a dataset, a path without an extension or
    with `.json` takes its description, and one with another, such as `.csv`, its one resource of that format."""
    saved = Saved(os.fspath(path))
    if re.match(r"https?:/", saved):
        first = text_of(ref)
        local = FILE.match(first)
        raise InvalidReference("The path to save at is a link", f"It is {str(saved)!r:.300}.",
                               ("The two look swapped. The reference comes first: " if local else "Give a path, as in ")
                               + _transport.line("save", *((str(saved), first) if local else (first, "data.csv"))))
    target = os.path.realpath(saved)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{saved} is a folder: give the file a name in it")
    found: Dict[str, Any] = await locate(ref)
    described: Dict[str, Any] = {}
    format_ = os.path.splitext(saved)[1][1:].lower()
    if found["kind"] == "dataset" and found.get("dialect") == "ckan" and format_ not in ("", "json"):
        described, _ = await _ckan.dataset(found, refresh)
        found = await locate(_one_of(described, found["portal"], format_, saved))
    with _naming(saved), _ckan.naming(found):
        await _write(found["url"], saved, target, refresh, progress)
    saved.provenance = _ckan.licensed(saved.provenance, described or await _ckan.described(found))
    return saved


def _one_of(described: Dict[str, Any], portal: str, format_: str, path: str) -> Dict[str, Any]:
    """The dataset's resource of a format."""
    def line(it: Dict[str, Any]) -> str:
        own = _ckan.format_of(it)
        named = f"{os.path.splitext(path)[0]}.{own}" if re.fullmatch(r"[a-z0-9]{1,10}", own) else path
        return _transport.line("save", it["reference"], named)

    entries = _ckan.resource_entries(described, portal)
    return _ckan.only(entries, f"{format_.upper()} file", lambda it: _ckan.format_of(it) == format_, line, always=True)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of the file system name the path that was given, not one beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


async def _write(url: str, saved: Saved, target: str, refresh: bool, progress: Optional[bool]) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if _transport.IN_BROWSER:
        # JupyterLite's drive is slow, and writes a file whole when it is closed: it is opened when all is there.
        content, fields, saved.provenance = await _http.read(url, refresh=refresh, progress=progress)
        saved.bytes = len(content)
        _refuse_error(content, fields, url)
        with open(target, "wb") as file:
            file.write(content)
        return
    part = os.path.join(os.path.dirname(target), f".unpad-{secrets.token_hex(6)}.part")
    try:
        with open(part, "xb") as file:
            fields, saved.provenance, saved.bytes = await _http.stream(url, file.write, refresh=refresh, progress=progress)
        with open(part, "rb") as file:
            _refuse_error(file.read(_http.ERROR), fields, url)
        os.replace(part, target)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


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


def _refuse_others(content: bytes, fields: Dict[str, str], url: str, ref: str) -> None:
    """What is no CSV would be read as rows of nonsense."""
    kind = fields.get("content-type", "")
    other = _csv.other(content)
    if other:
        what, ending, reader = other
        keep = _transport.line("save", ref, f"data.{ending}")
        raise BrokenAnswer(f"This is {what}, not CSV", f"Its type is {kind or 'not said'}.", f"Read it with {reader}({keep})"
                           if reader else f"Keep it as a file: {keep}")
    if "json" in kind and content[:1] in (b"{", b"["):
        _refuse_error(content, fields, url)
        raise BrokenAnswer("This is JSON, not CSV", f"Its type is {kind}.", "Read it with unpad.read_json(…).")
    if "html" in kind or content[:300].lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise BrokenAnswer("This is a web page, not CSV", f"Its type is {kind}.", "The file has moved, or asks for "
                           "something first: open its link in a browser.")
