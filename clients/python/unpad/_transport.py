"""How a request leaves: urllib or, in Pyodide, the browser; and each so that it suspends, or so that it blocks.

An answer has `status`, `fields` (names in lower case), `read()`, which gives the next bytes and at the end
none, and `close()`.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from contextvars import ContextVar
from http.client import HTTPException
from typing import Any, Awaitable, Callable, Coroutine, Dict, Iterable, Tuple, TypeVar, cast
from urllib import request as urllib
from urllib.error import HTTPError, URLError

from . import _gateway

T = TypeVar("T")
IN_BROWSER = sys.platform == "emscripten"
PIECE = 1 << 16
_blocking: ContextVar[bool] = ContextVar("unpad_blocking", default=False)


class Unreached(Exception):
    """Nobody answered: the reason, and what could be done about it."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class Broken(Exception):
    """The answer broke off."""


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine of this package without an event loop: here, none of them ever suspends."""
    token = _blocking.set(True)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    finally:
        _blocking.reset(token)
    coroutine.close()
    raise RuntimeError("a coroutine of unpad suspended where it has to block")


def line(verb: str, *arguments: Any) -> str:
    """What one would write, where this was called from."""
    return f"{'unpad.sync.' if _blocking.get() else 'await unpad.'}{verb}({', '.join(map(repr, arguments))})"


async def ask(url: str, fields: Dict[str, str], refresh: bool) -> Any:
    if IN_BROWSER:
        from . import _browser
        return _browser.ask_blocking(url, fields, refresh) if _blocking.get() else await _browser.ask(url, fields, refresh)
    # What urllib calls itself is refused by some servers in front of public gateways.
    fields = {**fields, "User-Agent": "unpad-python", **({"Cache-Control": "no-cache"} if refresh else {})}
    call = _at_once if _blocking.get() else asyncio.to_thread
    return await call(_open, url, fields, call)


async def _at_once(function: Callable[..., T], *arguments: Any, **named: Any) -> T:
    return function(*arguments, **named)


class _AnyStatus(urllib.HTTPErrorProcessor):
    """Follows redirections, and leaves what 404 and 503 mean to us."""

    def http_response(self, request: Any, response: Any) -> Any:
        return super().http_response(request, response) if 300 <= response.status < 400 else response

    https_response = http_response


def _open(url: str, fields: Dict[str, str], call: Callable[..., Awaitable[Any]]) -> "_Answer":
    opener = urllib.OpenerDirector()  # not build_opener, which would follow a redirection to ftp:
    # A proxy of the network cannot reach a gateway on this machine.
    proxies = urllib.ProxyHandler({}) if _gateway.is_loopback(url) else urllib.ProxyHandler()
    for handler in (proxies, urllib.HTTPHandler(), urllib.HTTPSHandler(), urllib.HTTPDefaultErrorHandler(),
                    urllib.HTTPRedirectHandler(), _AnyStatus()):
        opener.add_handler(handler)
    try:
        return _Answer(opener.open(urllib.Request(url, headers=fields), timeout=_gateway.silence), call)
    except HTTPError as error:
        return _Answer(error.fp, call)
    except URLError as error:
        raise Unreached(str(error.reason)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise Unreached(str(error) or type(error).__name__) from None


class _Answer:
    def __init__(self, response: Any, call: Callable[..., Awaitable[Any]]) -> None:
        self._response, self._call = response, call
        self.status: int = response.status
        self.fields = joined(response.getheaders())
        # urllib asks for no coding. A file that has one all the same is decoded, as a browser does.
        coded = self.fields.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate")
        self._decoder = zlib.decompressobj(47) if coded else None

    async def read(self) -> bytes:
        return cast(bytes, await self._call(self._next))

    def _next(self) -> bytes:
        try:
            while True:
                piece: bytes = self._response.read1(PIECE)
                if self._decoder is None:
                    return piece
                left = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
                if self._decoder.eof:
                    if (left or piece)[:1] == b"\x1f":
                        self._decoder = zlib.decompressobj(47)  # gzip may have several members
                    elif piece:
                        continue  # padding, as browsers take it
                    else:
                        return b""
                # Bounded, because a small coded piece may stand for very many bytes.
                decoded = self._decoder.decompress(left + piece, PIECE)
                if decoded:
                    return decoded
                if not piece and not self._decoder.eof:
                    raise Broken("the coded answer ends too early")
        except (OSError, HTTPException, ValueError, zlib.error) as error:
            raise Broken(str(error) or type(error).__name__) from None

    def close(self) -> None:
        self._response.close()


def joined(fields: Iterable[Tuple[str, str]]) -> Dict[str, str]:
    """Fields by their name in lower case; those that came more than once are one list."""
    found: Dict[str, str] = {}
    for name, value in fields:
        name = name.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
