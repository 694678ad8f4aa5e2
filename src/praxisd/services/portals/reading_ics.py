"""VEVENTs of an iCalendar text (RFC 5545), as far as they say one certain time. Pure, bounded, raises nothing.

`icalendar` is for calendars that somebody wants whole; here anybody may have written, and seven properties matter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from praxisd.services.portals.reading_times import instant

EVENTS_MOST = 50
_TEXT_MOST = 200_000
_PROPERTY = re.compile(
    r"([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:\"[^\"]{0,200}\"|[^;:\"]{0,200}))*):(.*)", re.S
)
_PARAMETER = re.compile(r';([A-Za-z-]+)=(?:"([^"]*)"|([^;:"]*))')
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(Z?)")
_LENGTH = re.compile(r"P(?:(\d{1,2})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:\d{1,5}S)?)?")
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
_NEEDED = ("UID", "DTSTART", "DTEND", "DURATION", "STATUS", "SUMMARY", "DESCRIPTION", "CATEGORIES", *_REPEATS)


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT. Times are epoch seconds; None where it does not say exactly one (all day, repeated, unknown zone)."""

    uid: str
    start: int | None
    end: int | None
    summary: str
    description: str
    cancelled: bool


def events(text: str, zone: ZoneInfo) -> list[Event]:
    """The events, at most `EVENTS_MOST`. Floating times are those of the practice."""
    found: list[Event] = []
    inside: dict[str, tuple[str, str]] | None = None
    depth, cancels = 0, False
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            if value.strip().upper() == "VEVENT" and inside is None:
                inside, depth = {}, 0
            elif inside is not None:
                depth += 1
        elif name == "END" and inside is not None:
            if depth:
                depth -= 1
                continue
            if len(found) < EVENTS_MOST:
                found.append(_event(inside, zone, cancels))
            inside = None
        elif name == "METHOD" and inside is None:
            cancels = value.strip().upper() == "CANCEL"
        elif inside is not None and depth == 0 and name in _NEEDED:
            inside.setdefault(name, (parameters, value))
    return found


def _properties(text: str) -> Iterator[tuple[str, str, str]]:
    unfolded = re.sub(r"\r?\n[ \t]", "", text[:_TEXT_MOST])
    for one in unfolded.splitlines():
        match = _PROPERTY.fullmatch(one[:8_000])
        if match is not None:
            yield match[1].upper(), match[2], match[3]


def _event(said: dict[str, tuple[str, str]], zone: ZoneInfo, cancels: bool) -> Event:
    def text(name: str) -> str:
        value = said.get(name, ("", ""))[1]
        return re.sub(r"\\([\\;,nN])", lambda m: "\n" if m[1] in "nN" else m[1], value)

    once = not any(name in said for name in _REPEATS)
    start = _instant(said.get("DTSTART"), zone) if once else None
    end = _instant(said.get("DTEND"), zone) if once else None
    if start is not None and end is None:
        end = _after(start, said.get("DURATION", ("", ""))[1])
    if start is not None and end is not None and end <= start:
        end = None
    status = said.get("STATUS", ("", ""))[1].strip().upper()
    return Event(
        text("UID").strip(),
        start,
        end,
        text("SUMMARY"),
        text("DESCRIPTION"),
        cancels or status == "CANCELLED",
    )


def _after(start: int, length: str) -> int | None:
    match = _LENGTH.fullmatch(length.strip().upper())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes = (int(one or 0) for one in match.groups())
    return start + int(timedelta(days=days, hours=hours, minutes=minutes).total_seconds())


def _instant(said: tuple[str, str] | None, zone: ZoneInfo) -> int | None:
    if said is None:
        return None
    match = _TIME.fullmatch(said[1].strip().upper())
    if match is None:
        return None
    names = {name.upper(): quoted or plain for name, quoted, plain in _PARAMETER.findall(said[0])}
    where = ZoneInfo("UTC") if match[7] else _zone(names["TZID"]) if "TZID" in names else zone
    if where is None:
        return None
    year, month, day, hour, minute, second = (int(one) for one in match.groups()[:6])
    try:
        wall = datetime(year, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None
    return instant(wall.date(), wall.hour * 60 + wall.minute, where)


def _zone(name: str) -> ZoneInfo | None:
    """A time zone by its IANA name, with or without a path before it, or as Windows calls it."""
    known = WINDOWS_TO_OLSON.get(name, name)
    for one in (known, "/".join(known.split("/")[-2:])):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None
