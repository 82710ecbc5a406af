"""Requests in Pyodide: `fetch`, which suspends, and the synchronous XMLHttpRequest, which blocks."""

from __future__ import annotations

import asyncio
import codecs
from typing import Any, Dict
from urllib.parse import urlsplit

import js  # type: ignore[import-not-found]
from pyodide.ffi import JsException, to_js  # type: ignore[import-not-found]

from . import _gateway
from ._errors import UnpadError
from ._transport import Broken, Unreached, joined


def unreached(url: str, error: Any) -> Unreached:
    """A browser does not say to a page why a request failed, so these are the usual causes, likely ones first."""
    page = urlsplit(str(js.location.origin)) if hasattr(js, "location") else urlsplit("")
    local = _gateway.is_loopback(url)
    causes = ["it is not running, does not allow this page's origin, or broke off its answer"]
    if page.scheme == "https" and url.startswith("http:") and not local:
        causes.insert(0, "a page of https may not ask a gateway of http (mixed content), which then needs https")
    if local and not _gateway.is_loopback(page.geturl()):
        causes.insert(0, "a page of http may not ask this machine, a page of https may" if page.scheme == "http" else
                      "Chrome has not been allowed to let this page reach this machine: allow \u201clocal network access\u201d "
                      "(or \u201capps on device\u201d) in the site's settings, beside the address")
    reason = str(getattr(error, "message", "") or error).strip().splitlines()[0].rstrip(".")
    return Unreached(f"The browser says: {reason}", f"Likely causes: {'; or '.join(causes)}.")


async def ask(url: str, fields: Dict[str, str], refresh: bool) -> "_Fetched":
    abort = js.AbortController.new()
    # `reload` sends `Cache-Control: no-cache` and, unlike a field of our own, needs no preflight.
    options = to_js({"headers": fields, "cache": "reload" if refresh else "default", "signal": abort.signal},
                    dict_converter=js.Object.fromEntries)
    try:
        response = await asyncio.wait_for(js.fetch(url, options), _gateway.silence)
    except asyncio.TimeoutError:
        abort.abort()
        raise Unreached(f"It is silent for {_gateway.silence:g} s") from None
    except (JsException, OSError) as error:
        raise unreached(url, error) from None
    return _Fetched(response, abort)


class _Fetched:
    def __init__(self, response: Any, abort: Any) -> None:
        self._abort = abort
        self._reader = response.body.getReader() if response.body else None
        self.status = int(response.status)
        self.fields = joined(tuple(pair) for pair in js.Array.from_(response.headers.entries()).to_py())

    async def read(self) -> bytes:
        if self._reader is None:
            return b""
        try:
            piece = await asyncio.wait_for(self._reader.read(), _gateway.silence)
        except asyncio.TimeoutError:
            raise Broken(f"nothing came for {_gateway.silence:g} s") from None
        except (JsException, OSError) as error:
            raise Broken(str(getattr(error, "message", "") or error)) from None
        return b"" if piece.done else piece.value.to_bytes()

    def close(self) -> None:
        self._abort.abort()


def ask_blocking(url: str, fields: Dict[str, str], refresh: bool) -> "_Loaded":
    request = js.XMLHttpRequest.new()
    request.open("GET", url, False)
    binary = not hasattr(js, "document")
    if binary:
        request.responseType = "arraybuffer"
        request.timeout = int(_gateway.silence * 1000)
    else:
        # A page may not ask for bytes here: each byte becomes a character whose lower half it is.
        request.overrideMimeType("text/plain; charset=x-user-defined")
    for name, value in fields.items():
        request.setRequestHeader(name, value)
    if refresh:
        request.setRequestHeader("Cache-Control", "no-cache")
    try:
        request.send()
    except (JsException, OSError) as error:
        raise unreached(url, error) from None
    return _Loaded(request, binary)


class _Loaded:
    def __init__(self, request: Any, binary: bool) -> None:
        self.status = int(request.status)
        lines = str(request.getAllResponseHeaders() or "").split("\r\n")
        self.fields = joined((name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon)
        self._content = request.response.to_bytes() if binary else _bytes_of(str(request.responseText), self.fields)

    async def read(self) -> bytes:
        content, self._content = self._content, b""
        return content

    def close(self) -> None:
        self._content = b""


def _bytes_of(text: str, fields: Dict[str, str]) -> bytes:
    """The bytes of a text that was read as x-user-defined."""
    length = None if "content-encoding" in fields else fields.get("content-length")
    if all(character < "\x80" or "\uf780" <= character <= "\uf7ff" for character in set(text)):
        content = text.encode("utf-16-le")[::2]
        # A text that begins with a byte order mark was read as what the mark says, and the mark is gone.
        return codecs.BOM_UTF8 + content if length == str(len(content) + 3) else content
    content = text.encode("utf-8-sig")
    if "\ufffd" in text or length != str(len(content)):
        raise UnpadError("The bytes of this text cannot be read exactly here", "It begins with a byte order mark, which "
                         "the browser takes away.", "On a page, use await unpad.… in place of unpad.sync.")
    return content
