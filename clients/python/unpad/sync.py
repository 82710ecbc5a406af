"""The verbs of unpad without `await`: `unpad.sync.read_json(…)` blocks until the answer is there."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

from . import _listings, _reading, _references, _table
from ._errors import UnpadError
from ._gateway import gateway, use
from ._transport import run_blocking

if TYPE_CHECKING:
    from typing_extensions import ParamSpec
    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["read_json", "read_csv", "save", "datasets", "resources", "table", "portals", "resolve", "use", "gateway"]


def _without_await(verb: "Callable[P, Coroutine[Any, Any, T]]") -> "Callable[P, T]":
    @functools.wraps(verb)
    def call(*arguments: "P.args", **named: "P.kwargs") -> "T":
        try:
            return run_blocking(verb(*arguments, **named))
        except UnpadError as error:
            raise error.with_traceback(None) from error.__cause__

    call.__module__ = __name__
    return call


read_json = _without_await(_reading.read_json)
read_csv = _without_await(_reading.read_csv)
save = _without_await(_reading.save)
datasets = _without_await(_listings.datasets)
resources = _without_await(_listings.resources)
table = _without_await(_table.table)
portals = _without_await(_listings.portals)
resolve = _without_await(_references.resolve)
