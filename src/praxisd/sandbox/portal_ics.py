"""iCalendar (RFC 5545) at the simulated portal: busy times read from a file, blockers written to one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from praxisd.sandbox.portal_times import Span, Wrong, midnight

_LINE = "\r\n"


def busy_of(text: str, zone: ZoneInfo, most: int) -> list[Span]:
    """The times that VEVENTs take. TRANSPARENT and CANCELLED ones take none; Wrong for what cannot be read."""
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(text)
        events = calendar.walk("VEVENT")
    except (ValueError, KeyError, IndexError, RecursionError, TypeError):
        raise Wrong("ics_invalid") from None
    if calendar.name != "VCALENDAR" or len(events) > most:
        raise Wrong("ics_invalid")
    found = []
    for event in events:
        if "RRULE" in event or "RDATE" in event:
            raise Wrong("ics_repeats")
        if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
            continue
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            first = event.decoded("DTSTART")
            last = event.decoded("DTEND") if "DTEND" in event else None
            length = event.decoded("DURATION") if "DURATION" in event else None
            start = _at(first, zone)
            end = _end(first, start, last, length, zone)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            raise Wrong("time_invalid") from None
        if start >= end:
            raise Wrong("time_invalid")
        found.append((start, end))
    return sorted(found)


def _end(first: object, start: int, last: object, length: object, zone: ZoneInfo) -> int:
    if last is not None:
        return _at(last, zone)
    if isinstance(length, timedelta):
        return start + int(length.total_seconds())
    if isinstance(first, date) and not isinstance(first, datetime):
        return midnight(first + timedelta(days=1), zone)
    raise ValueError("no end")


def _at(value: object, zone: ZoneInfo) -> int:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=zone)).timestamp())
    if isinstance(value, date):
        return midnight(value, zone)
    raise TypeError("no time")


def written(times: Iterable[tuple[str, int, int]]) -> bytes:
    """(id, start, end) as a file; the same times make the same bytes."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//praxisd//sandbox portal//EN"]
    for id_, start, end in sorted(times, key=lambda one: (one[1], one[2], one[0])):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{id_}@portal",
            "DTSTAMP:20000101T000000Z",
            f"DTSTART:{_stamp(start)}",
            f"DTEND:{_stamp(end)}",
            "END:VEVENT",
        ]
    return _LINE.join([*lines, "END:VCALENDAR", ""]).encode()


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
