"""What can go wrong, as exceptions that say what to do: title, detail and advice on lines of their own."""

from __future__ import annotations

import functools
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Coroutine, List, Mapping, Optional, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec
    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["UnpadError", "BrokenAnswer", "GatewayUnreachable", "InvalidReference", "NotFound", "PortalError"]


class UnpadError(Exception):
    """Anything that unpad cannot do. `problem` is the gateway's problem document or the portal's own error."""

    def __init_subclass__(cls) -> None:
        cls.__module__ = "unpad"  # where tracebacks should say that it is

    def __init__(self, title: str, detail: str = "", advice: str = "", *, status: Optional[int] = None,
                 type: Optional[str] = None, portal: Optional[str] = None, portal_url: Optional[str] = None,
                 problem: Any = None) -> None:
        super().__init__(title, detail, advice)
        self.title, self.detail, self.advice = title, detail, advice
        self.status, self.type, self.portal, self.portal_url, self.problem = status, type, portal, portal_url, problem

    def __str__(self) -> str:
        return "\n".join(line for line in (self.title, self.detail, self.advice) if line)


class PortalError(UnpadError):
    """The portal does not answer, or answers with an error of its own."""


class NotFound(UnpadError):
    """There is no such portal, dataset, resource or file."""


class InvalidReference(UnpadError):
    """What was given is not understood, or is not what the verb needs."""


class GatewayUnreachable(UnpadError):
    """The gateway itself does not answer, or something else does in its place."""


class BrokenAnswer(UnpadError):
    """An answer came that is not whole, or not what it says it is. Nothing was written."""


def verb(function: "Callable[P, Coroutine[Any, Any, T]]") -> "Callable[P, Coroutine[Any, Any, T]]":
    """Its errors come without the frames below: a notebook shows these before the message."""
    @functools.wraps(function)
    async def call(*arguments: "P.args", **named: "P.kwargs") -> "T":
        try:
            return await function(*arguments, **named)
        except UnpadError as error:
            raise error.with_traceback(None) from error.__cause__

    return call


def answered(status: int, fields: Mapping[str, str], body: bytes, url: str) -> UnpadError:
    """The exception for an answer whose status is no success."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and isinstance(document.get("title"), str) and "detail" in document:
        return _problem(status, fields, document)
    if isinstance(document, dict) and document.get("success") is False:
        return of_ckan(document, url, status)
    said = " ".join(body[:2000].decode("utf-8", "replace").split())[:300]
    if "html" in fields.get("content-type", "") or said.startswith("<"):
        said = "It sent a web page in place of data."
    elif isinstance(document, dict):
        said = _words(document) or said
    kind = NotFound if status in (404, 410) else PortalError
    return kind(f"The answer is {status} {_phrase(status)}", said, f"Asked for: {url}", status=status, problem=document)


def of_ckan(document: Mapping[str, Any], url: str, status: Optional[int] = None) -> UnpadError:
    """The exception for CKAN's own error: `{"success": false, "error": {"__type": …, "message": …}}`."""
    error = document.get("error")
    title, detail = "The portal answers with an error", error if isinstance(error, str) else ""
    if isinstance(error, dict):
        if isinstance(error.get("__type"), str):
            title = f"The portal says: {error['__type']}"
        detail = _words(error)
    kind = NotFound if title.endswith("Not Found Error") else PortalError
    return kind(title, detail, f"Asked for: {url}", status=status, problem=document)


def _problem(status: int, fields: Mapping[str, str], document: Mapping[str, Any]) -> UnpadError:
    type_ = str(document.get("type") or "about:blank")
    name = type_.rpartition("#")[2]
    kind = UnpadError
    if status == 404:
        kind = NotFound
    elif document.get("portal") or name.startswith("portal-") or name in ("not-jsonp", "response-incomplete"):
        kind = PortalError
    wait = fields.get("retry-after", "")
    return kind(str(document["title"]), str(document["detail"] or ""), f"Try again in {wait} s." if wait.isdigit() else "",
                status=status, type=type_, portal=document.get("portal"), portal_url=document.get("portal_url"),
                problem=document)


def _words(error: Mapping[str, Any]) -> str:
    said: List[str] = []
    for name, value in error.items():
        if name == "message" and isinstance(value, str):
            said.insert(0, value)
        elif not name.startswith("__") and name != "success":
            value = "; ".join(map(str, value)) if isinstance(value, list) else value
            said.append(f"{name}: {value}")
    return " ".join(" · ".join(said).split())[:1000]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
