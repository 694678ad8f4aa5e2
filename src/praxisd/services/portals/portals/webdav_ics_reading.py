"""When foreign events of an .ics file take time: single ones, repeating ones, whole days, and published busy times.

Titles and everything else in them are never looked at. An entry takes time unless it says that it does not (TRANSPARENT,
CANCELLED, no length); RFC 5545 §§ 3.6.1, 3.6.4, 3.8.5.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from praxisd.services.portals.portal import ANSWER_UNREADABLE, Blocker, Period
from praxisd.services.portals.portals.talking import wrong

MOST = 10_000
"""Blockers of one file within the period."""
_TURNS = 50_000
"""So far a repeating event is followed from its first day."""
_DAY_S = 86_400
Span = tuple[int, int]


def blockers(others: Iterable[str], zone: ZoneInfo, period: Period) -> tuple[Blocker, ...]:
    """Times taken within the period by these components. Problem `portals.answer_unreadable` for what cannot be read."""
    from icalendar import Calendar

    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//praxisd//reading//EN", *others, "END:VCALENDAR", ""]
    try:
        calendar = Calendar.from_ical("\r\n".join(lines))
        found = list(_all(calendar, zone, period))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
        raise wrong(ANSWER_UNREADABLE) from None
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.start, one.end, one.id)))


def _all(calendar: Any, zone: ZoneInfo, period: Period) -> Iterator[Blocker]:
    events = calendar.walk("VEVENT")
    moved: dict[str, set[int]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            at = _instant(event.decoded("RECURRENCE-ID"), zone)
            moved.setdefault(str(event.get("UID", "")), set()).add(at)
    count = 0
    for event in events:
        uid = str(event.get("UID", ""))
        single = "RECURRENCE-ID" in event
        for start, end in _event(event, zone, period, set() if single else moved.get(uid, set())):
            yield _blocker(uid, start, end)
            count += 1
            if count > MOST:
                raise ValueError("too many")
    for component in calendar.walk("VFREEBUSY"):
        for start, end in _published(component):
            if start < end and start < period.end and end > period.start:
                yield _blocker(str(component.get("UID", "")), start, end)


def _blocker(uid: str, start: int, end: int) -> Blocker:
    """Its id tells nothing of the event, which may be named after somebody."""
    return Blocker(hashlib.sha256(f"{uid}|{start}|{end}".encode()).hexdigest()[:32], start, end)


def _event(event: Any, zone: ZoneInfo, period: Period, moved: set[int]) -> Iterator[Span]:
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    first = event.decoded("DTSTART")
    if not isinstance(first, date):
        raise ValueError("no start")
    not_on = {_instant(one, zone) for one in _listed(event, "EXDATE")} | moved
    seen: set[Span] = set()
    for span in (*_starts(event, first, zone, period), *_extra(event, first, zone)):
        start, end = span
        if start in not_on or span in seen or start >= end:
            continue
        seen.add(span)
        if start < period.end and end > period.start:
            yield span


def _starts(event: Any, first: date, zone: ZoneInfo, period: Period) -> Iterator[Span]:
    """The first one, and those that the rules name until the period ends."""
    yield _span(event, first, first, zone)
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        for start in _named(rule, first, zone, period):
            yield _span(event, first, start, zone)


def _named(rule: Any, first: date, zone: ZoneInfo, period: Period) -> Iterator[date]:
    """Starts as the rule says, on the wall clock of the event."""
    from dateutil.rrule import rrulestr

    own = first.tzinfo if isinstance(first, datetime) and first.tzinfo is not None else zone
    whole = not isinstance(first, datetime)
    begin = datetime.combine(first, time()) if whole else first.replace(tzinfo=None)  # type: ignore[call-arg]
    parts = [one for one in rule.to_ical().decode().split(";") if one]
    text = ";".join(_until(one, own) for one in parts)
    last = datetime.fromtimestamp(period.end, own).replace(tzinfo=None) + timedelta(days=1)
    for turn, start in enumerate(rrulestr(text, dtstart=begin)):
        if turn >= _TURNS:
            raise ValueError("too many")
        if start > last:
            return
        yield start.date() if whole else start.replace(tzinfo=own)


def _until(part: str, own: tzinfo) -> str:
    """`UNTIL` on the wall clock of the event: there it is compared with its starts."""
    name, _, value = part.partition("=")
    if name.upper() != "UNTIL":
        return part
    if value.upper().endswith("Z"):
        at = datetime.strptime(value.upper(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(own)
        return f"UNTIL={at:%Y%m%dT%H%M%S}"
    return f"UNTIL={value}T235959" if "T" not in value.upper() else part


def _extra(event: Any, first: date, zone: ZoneInfo) -> Iterator[Span]:
    """Further starts by RDATE, which may carry an end of their own."""
    for one in _listed(event, "RDATE"):
        if isinstance(one, tuple):
            start, end = one
            yield _instant(start, zone), _instant(start + end if isinstance(end, timedelta) else end, zone)
        else:
            yield _span(event, first, one, zone)


def _listed(event: Any, name: str) -> Iterator[Any]:
    found = event.get(name, [])
    for part in found if isinstance(found, list) else [found]:
        for one in part.dts:
            yield one.dt


def _span(event: Any, first: date, start: date, zone: ZoneInfo) -> Span:
    """The time that the turn beginning at `start` takes: as many days, or as many seconds, as the first one."""
    if "DTEND" in event:
        last = event.decoded("DTEND")
        if not isinstance(first, datetime):
            return _instant(start, zone), _instant(start + (last - first), zone)
        return _instant(start, zone), _instant(start, zone) + _instant(last, zone) - _instant(first, zone)
    length = event.decoded("DURATION") if "DURATION" in event else None
    if not isinstance(start, datetime):
        return _instant(start, zone), _instant(start + (length or timedelta(days=1)), zone)
    length = length or timedelta()
    return _instant(start, zone), _instant(start + timedelta(days=length.days), zone) + length.seconds


def _published(component: Any) -> Iterator[Span]:
    """The FREEBUSY times of a VFREEBUSY, unless they are free."""
    found = component.get("FREEBUSY", [])
    for part in found if isinstance(found, list) else [found]:
        if str(part.params.get("FBTYPE", "BUSY")).upper() == "FREE":
            continue
        for one in getattr(part, "dts", [part]):
            start, end = one.dt if hasattr(one, "dt") else (one.start, one.end)
            end = start + end if isinstance(end, timedelta) else end
            yield _instant(start, UTC), _instant(end, UTC)


def _instant(value: date, zone: tzinfo) -> int:
    """Epoch seconds; whole days begin at midnight, and times without a zone are meant, where the practice is."""
    if isinstance(value, datetime):
        return int((value if value.tzinfo is not None else value.replace(tzinfo=zone)).timestamp())
    return int(datetime.combine(value, time(), zone).timestamp())


__all__ = ("MOST", "blockers")
