"""Tables of a portal's datastore, whole: page by page, or an error."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from . import _ckan, _frames, _transport
from ._errors import BrokenAnswer, NotFound, UnpadError, verb
from ._progress import Progress
from ._provenance import Provenance
from ._references import Reference, resolve, text_of
from ._values import Table

#: The most rows that CKAN gives at once, unless its operator allows more, and the fewest that are asked for
#: where rows are so wide that the gateway refuses a page of them.
PAGE, NARROW = 32_000, 100
AGAIN = "Read it again, with refresh=True."


@verb
async def table(portal_or_ref: Reference, resource_id: Optional[str] = None, *, limit: Optional[int] = None,
                fields: Union[str, Sequence[str], None] = None, filters: Optional[Dict[str, Any]] = None,
                q: Union[str, Dict[str, str], None] = None, sort: Optional[str] = None, pandas: bool = False,
                progress: Optional[bool] = None, refresh: bool = False, parse_float: Any = None) -> Any:
    """The rows of a table of the portal's datastore: all of them unless there is a `limit`, and never with a gap.
    They are kept in memory. With `pandas=True`, a DataFrame."""
    if limit is not None and limit < 0:
        raise ValueError("limit has to be 0 or more")
    if pandas:
        _frames.module(True)
    found = await _find(portal_or_ref, resource_id, refresh)
    # Rows that are equal in the caller's order could change places between two pages.
    order = "_id" if not sort else sort if "_id" in sort.replace(",", " ").split() else f"{sort}, _id"
    query = {"resource_id": _ckan.named(found, "resource", portal_or_ref), "sort": order, "filters": filters, "q": q,
             "fields": fields if fields is None or isinstance(fields, str) else ",".join(fields)}
    rows: List[Dict[str, Any]] = []
    head: Dict[str, Any] = {}
    first: Optional[Provenance] = None
    size, goal = PAGE, 1
    shown = Progress("Table", "rows", progress)
    try:
        while not head or len(rows) < goal:
            want = size if limit is None else min(size, limit - len(rows))
            try:
                page, provenance = await _ckan.act(found, "datastore_search", refresh, parse_float, False,
                                                   limit=want, offset=len(rows), **query)
            except UnpadError as error:
                if (error.type or "").endswith("#response-too-large") and want > NARROW:
                    size = max(want // 4, NARROW)
                    continue
                raise _advised(error, found) from None
            records, total = _checked(page, head, rows, goal, order)
            if not head:
                head, first = page, provenance
                shown.total = goal = total if limit is None else min(limit, total)
            if len(rows) + len(records) > goal or (not records and len(rows) < goal):
                raise BrokenAnswer(f"The portal sends {'more' if records else 'fewer'} rows than it should",
                                   f"After {len(rows):,} of {goal:,} rows comes {'a page' if records else 'an empty page'} "
                                   f"of {len(records):,}.", f"{AGAIN} Or read the file: unpad.read_csv(…).")
            clamped = page.get("limit")
            if type(clamped) is int and 0 < clamped < want:
                size = clamped
            rows.extend(records)
            shown.add(len(records))
    finally:
        shown.close()
    columns = [{"id": it["id"], "type": it.get("type")} for it in _ckan.dicts(head.get("fields")) if "id" in it]
    made = Table(rows, columns, head["total"], first and _ckan.licensed(first, found.get("described") or await _ckan.described(found)))
    return made.to_pandas() if pandas else made


async def _find(reference: Reference, resource: Optional[str], refresh: bool) -> Dict[str, Any]:
    found = dict(await resolve(reference))
    if resource is not None:
        found["resource"] = text_of(resource)
    elif found["kind"] == "dataset":
        found["described"] = described = (await _ckan.dataset(found, refresh))[0]
        entries = _ckan.resource_entries(described, found["portal"])
        found["resource"] = _ckan.only(entries, "table", lambda it: bool(it["in_datastore"]),
                                       lambda it: _transport.line("table", it["reference"]))["id"]
    return found


def _checked(page: Dict[str, Any], head: Dict[str, Any], rows: List[Dict[str, Any]], goal: int,
             order: str) -> Tuple[List[Dict[str, Any]], int]:
    """The records of a page and the table's total, if the table is still the one that the first page was of."""
    records, total = page.get("records"), page.get("total")
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records) or type(total) is not int:
        raise BrokenAnswer("This is not a page of a table", "It has no records or no total.", AGAIN)
    if head and total != head["total"]:
        raise BrokenAnswer("The table changed while it was read", f"It had {head['total']:,} rows, and now has {total:,}.", AGAIN)
    if rows and records and order == "_id":
        before, after = rows[-1].get("_id"), records[0].get("_id")
        if type(before) is int and type(after) is int and before >= after:
            raise BrokenAnswer("The table changed while it was read", f"Row {len(rows) + 1:,} does not come after the one "
                               "before it.", AGAIN)
    return records, total


def _advised(error: UnpadError, found: Dict[str, Any]) -> UnpadError:
    if isinstance(error, NotFound) and error.type is None:  # CKAN's own, not the gateway's
        error.advice = ("It is not in the portal's datastore. Read its file: "
                        + _transport.line("read_csv", f"{found['portal']}/-/resource/{found['resource']}"))
    return error
