"""pandas, where it can be imported: DataFrames in which integers stay what they are."""

from __future__ import annotations

import importlib
import re
from typing import Any, Dict, List, Optional

from ._errors import BrokenAnswer, UnpadError
from ._provenance import Provenance

#: From here on a float no longer holds every integer.
EXACT = 2 ** 53


def module(wanted: Optional[bool]) -> Any:
    """pandas; None if it is not wanted or, unless it is asked for, not there."""
    if wanted is False:
        return None
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        if wanted:
            raise UnpadError("pandas cannot be imported", str(error), "Install it (%pip install pandas), or leave "
                             "out pandas=True to get a list of rows.") from None
        return None


def from_rows(rows: List[Dict[str, Any]], columns: List[str], provenance: Optional[Provenance]) -> Any:
    pandas = module(True)
    frame = pandas.DataFrame({column: _exact(pandas, [row.get(column) for row in rows]) for column in columns},
                             columns=columns)
    return _told(frame, provenance)


def _exact(pandas: Any, values: List[Any]) -> Any:
    integers = [value for value in values if type(value) is int]
    others = {type(value) for value in values} - {int, type(None)}
    if not integers or others - {float}:
        return values
    large = any(abs(value) > EXACT for value in integers)
    if not others and len(integers) < len(values) and all(-2 ** 63 <= value < 2 ** 63 for value in integers):
        return pandas.array(values, dtype="Int64")
    return pandas.Series(values, dtype=object) if large and len(integers) < len(values) else values


def read_csv(source: Any, provenance: Provenance, options: Dict[str, Any]) -> Any:
    """`pandas.read_csv` of a seekable file, with every float and integer as it is written."""
    pandas = module(True)
    version = tuple(int(part) for part in re.findall(r"\d+", pandas.__version__)[:2])
    if version < (3, 1) and options.get("engine", "c") == "c":
        options = {"float_precision": "round_trip", **options}  # the default from 3.1 on
    frame = _parsed(pandas, source, options)
    dtype = options.get("dtype") or {}
    if not isinstance(frame, pandas.DataFrame) or not isinstance(dtype, dict) or options.get("thousands"):
        return frame
    # Integers of which one is missing have become floats. Where that may have cost digits, read them again.
    doubtful = [column for column in frame.columns if str(frame[column].dtype) == "float64" and column not in dtype
                and bool(((frame[column].abs() >= EXACT) & (frame[column] % 1 == 0)).any())]
    if doubtful and frame.columns.is_unique:
        source.seek(0)
        again = _parsed(pandas, source, {**options, "dtype": {**dtype, **{column: str for column in doubtful}}})
        for column in doubtful:
            texts = [None if pandas.isna(text) else text for text in again[column]]
            if all(text is None or re.fullmatch(r"\s*[+-]?\d+\s*", text) for text in texts):
                numbers = [None if text is None else int(text) for text in texts]
                fits = all(number is None or -2 ** 63 <= number < 2 ** 63 for number in numbers)
                frame[column] = pandas.array(numbers, dtype="Int64") if fits else again[column]
    return _told(frame, provenance)


def _parsed(pandas: Any, source: Any, options: Dict[str, Any]) -> Any:
    try:
        return pandas.read_csv(source, **options)
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, UnicodeError) as error:
        raise BrokenAnswer("pandas cannot read this as CSV", str(error), "Look at the first lines with "
                           "unpad.read_csv(…, pandas=False), or pass the options of pandas.read_csv.") from None


def _told(frame: Any, provenance: Optional[Provenance]) -> Any:
    if provenance is not None:
        frame.attrs["provenance"] = provenance
    return frame
