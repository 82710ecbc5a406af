"""One answer of the gateway: asked for, read in pieces, checked, and told where it is from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Any, Callable, Dict, Optional, Tuple
from urllib.parse import quote

from . import _gateway, _transport
from ._errors import BrokenAnswer, GatewayUnreachable, UnpadError, answered, of_ckan
from ._progress import Progress
from ._provenance import Provenance, read_fields

#: The most that is read into memory: more than a browser's tab can hold is for `save`.
MEMORY = 1 << 30
#: The most that is read of an answer that is an error.
ERROR = 1 << 20


async def read(url: str, *, refresh: bool = False, progress: Optional[bool] = None) -> Tuple[bytes, Dict[str, str], Provenance]:
    """The whole answer in memory, with its fields."""
    pieces = []

    def keep(piece: bytes) -> None:
        pieces.append(piece)

    fields, provenance, _ = await stream(url, keep, refresh=refresh, progress=progress, limit=MEMORY)
    return b"".join(pieces), fields, provenance


async def stream(url: str, write: Callable[[bytes], Any], *, refresh: bool = False, progress: Optional[bool] = None,
                 limit: Optional[int] = None) -> Tuple[Dict[str, str], Provenance, int]:
    """Hands the answer on in pieces, and then says that it is whole: fields, provenance and length."""
    answer = await _ask(url, refresh)
    coded = answer.fields.get("content-encoding", "identity").lower() != "identity"
    # In a coded answer, length and digest are of what we do not see.
    length = answer.fields.get("content-length", "")
    total = int(length) if re.fullmatch(r"\d{1,18}", length) and not coded else None
    shown = Progress("Download", "B", progress, total)
    digest, size = hashlib.sha256(), 0
    try:
        if not 200 <= answer.status < 300:
            raise await _error(answer, url)
        while True:
            piece = await answer.read()
            if not piece:
                break
            size += len(piece)
            if limit is not None and size > limit:
                raise UnpadError("This is too large to be read into memory", f"It has more than {limit >> 20:,} MiB.",
                                 "Write it to a file with unpad.save(…), and read the file in parts.")
            digest.update(piece)
            write(piece)
            shown.add(len(piece))
    except _transport.Broken as error:
        raise _broken_off(size, total, str(error)) from None
    finally:
        shown.close()
        answer.close()
    if total is not None and size != total:
        raise _broken_off(size, total, "")
    told = _sha256(answer.fields.get("content-digest", "")) if not coded else None
    if told is not None and told != digest.digest():
        raise BrokenAnswer("What came is not what was sent", f"Its SHA-256 is {digest.hexdigest()}, and Content-Digest says "
                           f"{told.hex()}.", "Something between here and the gateway changed it; ask again.")
    return answer.fields, read_fields(answer.fields, digest.hexdigest(), _gateway.gateway()), size


async def read_json(url: str, *, refresh: bool = False, progress: Optional[bool] = None,
                    parse_float: Any = None) -> Tuple[Any, Provenance]:
    """The JSON at a URL. CKAN's `success: false` is an error, whatever its status."""
    content, fields, provenance = await read(url, refresh=refresh, progress=progress)
    value = parse(content, fields, parse_float)
    if isinstance(value, dict) and value.get("success") is False and "error" in value:
        raise of_ckan(value, url, 200)
    return value, provenance


def parse(content: bytes, fields: Dict[str, str], parse_float: Any = None) -> Any:
    try:
        return json.loads(content, parse_float=parse_float)
    except (ValueError, RecursionError) as error:
        if "integer string conversion" in str(error):
            raise BrokenAnswer("This JSON has an integer of thousands of digits", str(error),
                               "Allow them with sys.set_int_max_str_digits(0).") from None
        start = " ".join(content[:80].decode("utf-8", "replace").split())
        raise BrokenAnswer("This is not JSON", f"It is {fields.get('content-type') or 'of no stated type'}, and begins "
                           f"with {start!r}: {error}.", "unpad.save(…) keeps it as it is; unpad.read_csv(…) reads CSV.") from None


async def _ask(url: str, refresh: bool) -> Any:
    # What people type has letters and spaces; what is encoded already stays as it is.
    url = quote(url.partition("#")[0], safe="%/:?[]@!$&'()*+,;=~")
    try:
        return await _transport.ask(url, {}, refresh)
    except _transport.Unreached as error:
        here = _gateway.below(url) is not None
        who, why = _gateway.find() if here else (url.partition("/p/")[0], "The gateway says that it is to be asked there.")
        start = "" if _transport.IN_BROWSER else "Is it running? "
        raise GatewayUnreachable(f"The gateway at {who} does not answer", f"{error}. {why}",
                                 f'{error.advice}\n'.lstrip() + f'{start}To ask another: unpad.use("https://gateway.example"), '
                                 "or the environment's UNPAD_GATEWAY.") from None


async def _error(answer: Any, url: str) -> UnpadError:
    body = b""
    try:
        while len(body) < ERROR:
            piece = await answer.read()
            if not piece:
                break
            body += piece
    except _transport.Broken:
        pass  # what came of the error has to do
    error = answered(answer.status, answer.fields, body, url)
    if (error.type or "").endswith("#unknown-portal"):
        error.advice = f"Asked for: {url}\n{_transport.line('portals')} lists the portals of this gateway."
    return error


def _broken_off(size: int, total: Optional[int], reason: str) -> BrokenAnswer:
    of = f" of {total:,}" if total is not None else ""
    return BrokenAnswer("The answer broke off", f"{size:,}{of} bytes came{': ' + reason if reason else ''}.",
                        "Ask again; the gateway may have refused the rest, because it was over a limit or the portal failed.")


def _sha256(field: str) -> Optional[bytes]:
    """The SHA-256 of a Content-Digest field (RFC 9530)."""
    found = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):", field)
    try:
        return base64.b64decode(found[1]) if found else None
    except binascii.Error:
        return None
