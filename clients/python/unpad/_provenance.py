"""Where a result is from: who published it, under which licence, when it was asked for, and its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from html import escape
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, eq=False, repr=False)
class Provenance(Dict[str, Any]):
    """Where a result is from. As a dict it has the same in JSON's types, because pandas writes what
    hangs on a DataFrame into Parquet files as JSON."""

    retrieved: Optional[datetime]  #: when it left the portal
    source: Optional[str]          #: the portal's own URL
    licence: Optional[str]
    attribution: Optional[str]
    sha256: Optional[str]          #: of the bytes as they came, in hexadecimal
    cache: str                     #: what the gateway's cache did: miss, hit, stale or revalidated
    age: int                       #: for how many seconds the gateway had had it
    gateway_url: str

    def __post_init__(self) -> None:
        self.update({name: getattr(self, name) for name in self.__dataclass_fields__})
        self["retrieved"] = self.retrieved.isoformat() if self.retrieved else None

    def cite(self) -> str:
        """One line to put below a chart."""
        parts = [self.attribution, f"Source: {self.source or self.gateway_url}",
                 f"Licence: {self.licence}" if self.licence else None,
                 f"Retrieved: {self.retrieved:%Y-%m-%d %H:%M} UTC" if self.retrieved else None]
        return ". ".join(" ".join(part.split()) for part in parts if part)

    def with_licence(self, *licences: Any) -> "Provenance":
        """The same, with the first licence that there is: a dataset's own says more than its portal's."""
        found = next((one for one in licences if isinstance(one, str) and one.strip()), None)
        return replace(self, licence=found) if found else self

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={self[name]!r}" for name in self.__dataclass_fields__ if self[name] is not None)
        return f"Provenance({said})"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{linked(self[name])}</td></tr>"
                       for name in self.__dataclass_fields__ if self[name] is not None)
        return f"<table>{rows}</table>"


def linked(value: Any) -> str:
    """A value as HTML: escaped, and a link if it is a URL of the web and of nothing else."""
    text = escape(str(value))
    if re.match(r"https?://", text):
        return f'<a href="{text}" rel="noopener noreferrer" target="_blank">{text}</a>'
    return text


def provenance(result: Any) -> Optional[Provenance]:
    """The provenance of a result of unpad, also of a DataFrame; None for anything else."""
    found = getattr(result, "attrs", {}).get("provenance") if _is_frame(result) else getattr(result, "provenance", None)
    if isinstance(found, dict) and not isinstance(found, Provenance) and "gateway_url" in found:
        # A DataFrame that was in a Parquet file.
        time = found.get("retrieved")
        found = Provenance(**{**found, "retrieved": datetime.fromisoformat(time) if time else None})
    return found if isinstance(found, Provenance) else None


def _is_frame(result: Any) -> bool:
    # Reading `.provenance` of a DataFrame would find a column of that name.
    return isinstance(getattr(result, "attrs", None), dict) and hasattr(result, "columns")


def read_fields(fields: Mapping[str, str], sha256: Optional[str], gateway_url: str) -> Provenance:
    """The provenance that an answer's fields tell."""
    age = int(fields["age"]) if re.fullmatch(r"\d{1,9}", fields.get("age", "")) else 0
    try:
        # A stored answer keeps its date (RFC 9111): however old it is, this is when it left the portal.
        retrieved = parsedate_to_datetime(fields["date"]).astimezone(timezone.utc)
    except (KeyError, TypeError, ValueError, OverflowError):
        retrieved = None
    links = parse_links(fields.get("link", ""))
    return Provenance(retrieved, _first(links, "via"), _first(links, "license"),
                      parse_text(fields.get("unpad-attribution", "")), sha256,
                      cache_word(fields.get("cache-status", "")), age, gateway_url)


def _first(links: List[Tuple[str, str]], relation: str) -> Optional[str]:
    return next((target for target, relations in links if relation in relations.lower().split()), None)


def parse_links(field: str) -> List[Tuple[str, str]]:
    """The targets of a Link field with their relations (RFC 8288)."""
    found = []
    for link in re.finditer(r'<([^>]*)>((?:\s*;\s*[\w*!#$&+.^`|~-]+\s*(?:=\s*(?:"(?:\\.|[^"\\])*"|[^\s;,"]*))?)*)', field):
        relation = re.search(r';\s*rel\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;,"]*))', link[2], re.IGNORECASE)
        found.append((link[1].strip(), (relation[1] or relation[2] or "") if relation else ""))
    return found


def parse_text(field: str) -> Optional[str]:
    """A string or display string of RFC 9651."""
    display = re.match(r'\s*%"((?:[ !#$&-~]|%[0-9a-f]{2})*)"', field)
    if display:
        try:
            return unquote_to_bytes(display[1]).decode() or None
        except UnicodeDecodeError:
            return None
    plain = re.match(r'\s*"((?:\\["\\]|[ !#-\[\]-~])*)"', field)
    return re.sub(r"\\(.)", r"\1", plain[1]) or None if plain else None


def cache_word(field: str) -> str:
    """What the cache did, in a word (RFC 9211)."""
    said = {}
    for parameter in field.rpartition(",")[2].split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        said[name] = value
    if said.get("detail", "").strip('"') == "stale-if-error" or said.get("ttl", "").startswith("-"):
        return "stale"
    if "hit" in said:
        return "hit"
    return "revalidated" if said.get("fwd-status") == "304" else "miss"
