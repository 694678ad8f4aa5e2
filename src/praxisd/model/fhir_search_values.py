"""Values of FHIR search parameters: tokens, dates with prefixes, references, composites (FHIR R4
search.html).
"""

import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Literal, NamedTuple

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_primitives import valid_id
from praxisd.model.fhir_times import date_range, parse_instant

Prefix = Literal["eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap"]
MAX_VALUE = 2000
_PREFIXES: tuple[Prefix, ...] = ("eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap")
_MINUTES = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[+-]\d\d:\d\d)")
_LITERAL = re.compile(
    r"(?:(?P<base>https?://\S+?)/)?(?P<type>[A-Z][A-Za-z]{2,60})/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


class Token(NamedTuple):
    """`system|code`: system None means any, "" means none (`|code`); code None means any code of it."""

    system: str | None
    code: str | None


class DateRange(NamedTuple):
    """Epoch seconds [start, end) of the value's precision: a year is a long range, an instant one second.

    For `ap` the range is widened already by a tenth of the distance to now.
    """

    prefix: Prefix
    start: int
    end: int


class Ref(NamedTuple):
    """`type/id` on this server, an id alone (type None), or a foreign address (url)."""

    type: str | None
    id: str | None
    url: str | None


class Composite(NamedTuple):
    """Tokens joined by `$`, all of which must hold in the same element."""

    parts: tuple[Token, ...]


Value = Token | DateRange | Ref | Composite | str


def split(text: str, separator: str) -> Iterator[str]:
    """Parts between unescaped separators, still escaped."""
    start = position = 0
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == separator:
            yield text[start:position]
            start = position + 1
        position += 1
    yield text[start:]


def unescape(text: str) -> str:
    r"""Undo `\,` `\|` `\$` `\\` (FHIR R4 search.html § escaping)."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def parse_token(text: str, path: str) -> Token:
    """One token; raises FhirError when it says nothing, as in `|`."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise FhirError("fhir.search_value", path, "expected code, system|code, |code or system|")
    if len(parts) == 1:
        return Token(None, parts[0])
    return Token(parts[0], parts[1] or None)


def parse_composite(text: str, path: str, size: int) -> Composite:
    """`token$token`."""
    parts = tuple(parse_token(part, path) for part in split(text, "$"))
    if len(parts) != size:
        raise FhirError("fhir.search_value", path, f"expected {size} parts joined by $")
    return Composite(parts)


def parse_date_value(text: str, zone: tzinfo, now: int, path: str) -> DateRange:
    """A prefixed date; days, months and years are meant in `zone`, a time must bring its own offset."""
    prefix: Prefix = "eq"
    for known in _PREFIXES:
        if text.startswith(known):
            prefix, text = known, text[2:]
            break
    # "+01:00" not percent-encoded arrives as " 01:00"; no other reading is possible.
    text = unescape(text).replace(" ", "+")
    try:
        if minutes := _MINUTES.fullmatch(text):
            start = parse_instant(f"{minutes[1]}:00{minutes[2]}")
            end = start + 60
        else:
            start, end = date_range(text, zone)
    except FhirError as wrong:
        naive = "T" in text and not re.search(r"(Z|[+-]\d\d:\d\d)\Z", text)
        hint = "; a time needs its offset (Z or +01:00)" if naive else ""
        raise FhirError("fhir.search_value", path, f"expected a date or time{hint}") from wrong
    if prefix == "ap":
        gap = max(abs(now - start), abs(now - end)) // 10
        return DateRange(prefix, start - gap, end + gap)
    return DateRange(prefix, start, end)


def parse_reference(text: str, base: str, targets: tuple[str, ...] = ()) -> Ref | None:
    """A reference as written in a query or a resource; None when it is none.

    `base` is our own FHIR address: below it, an absolute address means the same as a relative one. With
    exactly one possible target an id alone is of that type.
    """
    if valid_id(text) and "/" not in text:
        return Ref(targets[0] if len(targets) == 1 else None, text, None)
    match = _LITERAL.fullmatch(text)
    if match and (match["base"] is None or match["base"].rstrip("/") == base.rstrip("/")):
        return Ref(match["type"], match["id"], None)
    if match or re.match(r"(?:urn:|https?://|#)\S+\Z", text):
        return Ref(None, None, text)
    return None
