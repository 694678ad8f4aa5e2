"""FHIR dates and times: strict reading, exact writing (FHIR R4, datatypes § date, dateTime, instant, time).

Epoch values are integer seconds UTC. A leap second (":60") is refused although the standard's pattern allows
it, because no epoch second exists for it; so is 24:00, which the standard forbids too.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from praxisd.model.fhir_errors import FhirError

_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_INSTANT = re.compile(rf"{_DAY}T{_CLOCK}{_ZONE}")
_TIME = re.compile(_CLOCK)
_PARTIAL = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?")
_FULL_DATE = re.compile(_DAY)
_FRACTION = re.compile(r"\.[0-9]+")


def _bad(text: str, what: str, path: str) -> FhirError:
    naive = "T" in text and not re.search(_ZONE + r"\Z", text)
    hint = "; the offset (Z or +01:00) is missing" if naive else ""
    return FhirError("fhir.invalid", path, f"not a FHIR {what}{hint}")


def parse_instant(text: str, path: str = "") -> int:
    """Seconds since the epoch of a FHIR instant; a zone is required, fractions of a second are cut off."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise _bad(str(text), "instant", path)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text))
        return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    except (ValueError, OverflowError) as wrong:
        raise FhirError("fhir.invalid", path, "not a FHIR instant; no such day in the calendar") from wrong


def format_instant(epoch: int, zone: tzinfo) -> str:
    """RFC 3339 with the offset of `zone`, e.g. 2026-11-22T09:00:00+01:00; valid as instant and as dateTime.

    Local mean times of the 19th century have offsets with seconds, which FHIR cannot write: these come out in
    UTC.
    """
    moment = datetime.fromtimestamp(epoch, zone)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        moment = datetime.fromtimestamp(epoch, UTC)
    return moment.isoformat(timespec="seconds")


def parse_date(text: str, path: str = "") -> date:
    """A complete FHIR date (YYYY-MM-DD); partial dates are refused here, see `date_range`."""
    if not isinstance(text, str) or not _FULL_DATE.fullmatch(text):
        raise FhirError("fhir.invalid", path, "not a complete date (YYYY-MM-DD)")
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise FhirError("fhir.invalid", path, "no such day in the calendar") from wrong


def day_range(first: date, following: date, zone: tzinfo) -> tuple[int, int]:
    """Epoch seconds of the midnights of `zone` that start the days `first` and `following`."""
    return tuple(  # type: ignore[return-value]
        int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) for day in (first, following)
    )


def date_range(text: str, zone: tzinfo, path: str = "") -> tuple[int, int]:
    """Half-open range of epoch seconds that a date or dateTime covers: "2026" is a year, an instant one
    second.

    Values without a time are days of `zone`. Raises FhirError for anything that is neither date nor dateTime.
    """
    if isinstance(text, str) and "T" in text:
        start = parse_instant(text, path)
        return start, start + 1
    try:
        match = _PARTIAL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            day = parse_date(text, path)
            return day_range(day, day + timedelta(days=1), zone)
        year, month = int(match[1]), match[2]
        if month is None:
            return day_range(date(year, 1, 1), date(year + 1, 1, 1), zone)
        index = year * 12 + int(month)
        return day_range(date(year, int(month), 1), date(index // 12, index % 12 + 1, 1), zone)
    except (ValueError, OverflowError) as wrong:
        raise FhirError("fhir.invalid", path, "the year is outside the calendar (1 to 9998)") from wrong


def is_date(text: str) -> bool:
    """True for YYYY, YYYY-MM and existing days."""
    if _PARTIAL.fullmatch(text):
        return not text.startswith("0000")
    try:
        return _FULL_DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_instant(text: str) -> bool:
    """True for an instant whose day exists."""
    if not _INSTANT.fullmatch(text):
        return False
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


def is_date_time(text: str) -> bool:
    """True for partial dates, days, and moments with a zone."""
    return is_instant(text) if "T" in text else is_date(text)


def is_time(text: str) -> bool:
    """True for hh:mm:ss with optional fraction, without a zone."""
    return _TIME.fullmatch(text) is not None
