"""What the verbs give back: Python's own types, which also say where they are from."""

from __future__ import annotations

from html import escape
from typing import Any, Dict, List, Optional

from ._provenance import Provenance, linked

#: How many rows and how much of a cell a notebook shows.
SHOWN_ROWS, SHOWN_CELL = 20, 120


class JsonObject(Dict[str, Any]):
    provenance: Optional[Provenance] = None


class JsonArray(List[Any]):
    provenance: Optional[Provenance] = None


class JsonString(str):
    provenance: Optional[Provenance] = None


class JsonInteger(int):
    provenance: Optional[Provenance] = None


class JsonFloat(float):
    provenance: Optional[Provenance] = None


def told(value: Any, provenance: Provenance) -> Any:
    """The value as it is, with its provenance. `true`, `false` and `null` have no room for one."""
    kinds = {dict: JsonObject, list: JsonArray, str: JsonString, int: JsonInteger, float: JsonFloat}
    kind = kinds.get(type(value))
    if kind is None:
        return value
    value = kind(value)
    value.provenance = provenance
    return value


class Saved(str):
    """The path of a file that was written; `open(saved)` reads it."""

    bytes: int
    provenance: Provenance

    def __fspath__(self) -> str:
        return str(self)



class Rows(List[Dict[str, Any]]):
    """A list of dicts, one for each row, with the names of the columns."""

    def __init__(self, rows: Any, columns: List[str], provenance: Optional[Provenance] = None) -> None:
        super().__init__(rows)
        self.columns, self.provenance = columns, provenance

    def to_pandas(self) -> Any:
        """A pandas DataFrame in which no integer is rounded."""
        from . import _frames
        return _frames.from_rows(self, self.columns, self.provenance)

    def _shown_columns(self) -> List[str]:
        return self.columns

    def _repr_html_(self) -> str:
        columns = self._shown_columns()
        head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(column))}</td>" for column in columns) + "</tr>"
                       for row in self[:SHOWN_ROWS])
        more = f", of which {SHOWN_ROWS} are shown" if len(self) > SHOWN_ROWS else ""
        cite = f"<br>{escape(self.provenance.cite())}" if self.provenance else ""
        return (f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
                f"<p>{len(self):,} {'row' if len(self) == 1 else 'rows'}{more}{cite}</p>")


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    text = "" if value is None else str(value)
    return linked(text) if len(text) <= SHOWN_CELL else escape(text[:SHOWN_CELL]) + "…"


class Table(Rows):
    """Rows of a table of the portal's datastore: `fields` has the columns' ids and types, `total` how many
    rows there are in all."""

    def __init__(self, rows: Any, fields: List[Dict[str, Any]], total: int, provenance: Optional[Provenance]) -> None:
        super().__init__(rows, [field["id"] for field in fields], provenance)
        self.fields, self.total = fields, total


class Listing(Rows):
    """Datasets or resources. Each has a `reference`, which every verb takes."""

    def __init__(self, rows: Any, columns: List[str], total: int, provenance: Optional[Provenance]) -> None:
        super().__init__(rows, columns, provenance)
        self.total = total

    def _shown_columns(self) -> List[str]:
        return [column for column in self.columns if column not in ("notes", "url", "id")]
