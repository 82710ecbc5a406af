"""CSV as portals publish it: its charset and delimiter are found out, and ragged rows are told."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from typing import Any, Dict, List, Optional, Tuple

from ._errors import BrokenAnswer
from ._provenance import Provenance
from ._values import Rows

#: The most that one field may have, where Python's own limit of 128 KiB is too little for geometries.
FIELD_LIMIT = 16 << 20


#: What other files begin with, what they are, the end of their names, and what reads them.
OTHERS = [(b"%PDF-", "a PDF", "pdf", ""), (b"\x1f\x8b", "a file that gzip compressed", "csv.gz", "pandas.read_csv"),
          (b"PK\x03\x04", "a ZIP archive", "zip", ""), (b"PK\x05\x06", "an empty ZIP archive", "zip", ""),
          (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook or another file of Office", "xls", "pandas.read_excel"),
          (b"PAR1", "a Parquet file", "parquet", "pandas.read_parquet"), (b"\x89PNG\r\n", "an image", "png", ""),
          (b"\xff\xd8\xff", "an image", "jpg", ""), (b"GIF87a", "an image", "gif", ""), (b"GIF89a", "an image", "gif", ""),
          (b"II*\0", "an image", "tif", ""), (b"MM\0*", "an image", "tif", ""), (b"7z\xbc\xaf", "a 7z archive", "7z", ""),
          (b"Rar!\x1a", "a RAR archive", "rar", ""), (b"SQLite format 3\0", "a database (SQLite, GeoPackage)", "gpkg", "")]


def other(content: bytes) -> Optional[Tuple[str, str, str]]:
    """What this is if it is no text, whatever its type says: what to call it, the end of its name, what reads it."""
    for start, what, ending, reader in OTHERS:
        if content.startswith(start) and (start != b"PAR1" or content.endswith(start)):
            if start == b"PK\x03\x04" and b"xl/workbook" in content:
                return "an Excel workbook", "xlsx", "pandas.read_excel"
            if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in content[:200]:
                return "a spreadsheet (ODS)", "ods", "pandas.read_excel"
            return what, ending, reader
    return None


def _as_latin_1(error: UnicodeError) -> Tuple[str, int]:
    # Browsers take the five bytes that windows-1252 leaves free for control characters.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start:error.end].decode("latin-1"), error.end


codecs.register_error("unpad-latin-1", _as_latin_1)


def find_encoding(content: bytes, content_type: str) -> Tuple[str, str]:
    """The charset of a text, and how its errors are handled: by BOM, then Content-Type, then UTF-8."""
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return encoding, "strict"
    said = re.search(r"charset\s*=\s*\"?([\w.:-]+)", content_type, re.IGNORECASE)
    for encoding in ([said[1]] if said else []) + ["utf-8"]:
        try:
            codec = codecs.lookup(encoding)
            decoder = codec.incrementaldecoder("strict")
            for start in range(0, len(content), 1 << 20):
                decoder.decode(content[start:start + (1 << 20)])
            decoder.decode(b"", True)
            return codec.name, "strict"
        except (LookupError, UnicodeError, TypeError):
            continue
    warnings.warn("This CSV is not UTF-8 and does not say what it is: it was read as windows-1252. If letters are "
                  "wrong, pass encoding=….", stacklevel=2)
    return "cp1252", "unpad-latin-1"


def find_delimiter(text: str) -> str:
    """The one of comma, semicolon, tab and bar that stands in the first lines most evenly, outside quotes."""
    lines = re.sub(r'"(?:[^"]|"")*("|$)', "", text).splitlines()[:20]
    lines = [line for line in lines if line.strip()] or [""]

    def evenness(delimiter: str) -> Tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        return (sum(count == counts[0] for count in counts), counts[0]) if counts[0] else (0, 0)

    return max(",;\t|", key=evenness)


def describe(content: bytes, content_type: str, encoding: Optional[str], delimiter: Optional[str]) -> Tuple[str, str, str]:
    """Charset, how its errors are handled, and delimiter, of which some may be known."""
    errors = "strict"
    if encoding is None:
        encoding, errors = find_encoding(content, content_type)
    if delimiter is None:
        start = codecs.getincrementaldecoder(encoding)(errors if errors != "strict" else "replace").decode(content[:1 << 16])
        if len(content) > 1 << 16:
            start = start[:start.rfind("\n") + 1] or start
        delimiter = find_delimiter(start)
    return encoding, errors, delimiter


def read_rows(content: bytes, encoding: str, errors: str, delimiter: str, provenance: Provenance) -> Rows:
    """The rows as dicts of text."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding, errors, newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    columns: List[str] = []
    rows: List[Any] = []
    limit = csv.field_size_limit(FIELD_LIMIT)
    try:
        for cells in reader:
            if not cells:
                continue
            if not columns:
                columns = _distinct(cells)
            elif len(cells) != len(columns):
                raise BrokenAnswer(f"Line {reader.line_num} has {len(cells)} fields, not {len(columns)}",
                                   f"The header names {len(columns)} columns.", f"The delimiter was taken to be "
                                   f"{delimiter!r}; pass delimiter=… if it is another. unpad.save keeps the file as it is.")
            else:
                rows.append(dict(zip(columns, cells)))
    except (csv.Error, UnicodeError) as error:
        raise BrokenAnswer(f"Line {reader.line_num + 1} is not CSV" if isinstance(error, csv.Error) else
                           f"This is not text in {encoding}", str(error), "Pass encoding=… or delimiter=…; unpad.save "
                           "keeps the file as it is.") from None
    finally:
        csv.field_size_limit(limit)
    return Rows(rows, columns, provenance)


def _distinct(names: List[str]) -> List[str]:
    """Names as pandas makes them distinct: a, a.1, a.2."""
    taken: Dict[str, int] = {}
    found: List[str] = []
    for name in names:
        distinct, number = name, taken.get(name, 0)
        while distinct in taken:
            number += 1
            distinct = f"{name}.{number}"
        taken[name] = number
        taken.setdefault(distinct, 0)
        found.append(distinct)
    return found
