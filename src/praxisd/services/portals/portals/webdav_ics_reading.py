"""When foreign events of an .ics file take time: single ones, repeating ones, whole days, and published busy times.

Titles and everything else in them are never looked at. An entry takes time unless it says that it does not (TRANSPARENT,
CANCELLED, no length); RFC 5545 §§ 3.6.1, 3.6.4, 3.8.5.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from praxisd.services.portals.portal import Blocker, Period
from praxisd.services.portals.portals.webdav_ics_rules import Effort, named, zones

MOST = 10_000
"""Blockers of one file within the period."""
_FAULTS = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
_PARSED = 1_000
"""One component read alone, in units of `Effort`."""
Span = tuple[int, int]


def blockers(
    others: Iterable[str], zone: ZoneInfo, period: Period, effort: Effort | None = None
) -> tuple[Blocker, ...]:
    """Times taken within the period by these components. What cannot be read, or not within a bounded `effort`, is a
    Blocker that is `unread`: it does not keep the others.
    """
    work = effort or Effort()
    components, spoiled = _components(others, work)
    found = list(_all(components, zone, period, work))
    found += [_unread(raw) for raw in spoiled]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.start, one.end, one.id)))


def _components(others: Iterable[str], effort: Effort) -> tuple[list[Any], list[str]]:
    """What can be read as iCalendar, and what cannot."""
    pieces = list(others)
    clocks = [raw for raw in pieces if _begins(raw, "VTIMEZONE")]
    rest = [raw for raw in pieces if not _begins(raw, "VTIMEZONE")]
    spoiled: list[str] = []
    good, bad = zones(clocks, effort)
    if bad:  # whoever needs a clock that cannot be read has no time
        spoiled = [raw for raw in rest if _needs(raw, bad)]
        rest = [raw for raw in rest if not _needs(raw, bad)]
    try:
        return _parsed([*good, *rest]), spoiled
    except _FAULTS:
        pass
    found: list[Any] = []
    for raw in rest:
        try:
            found += _parsed([*good, raw])
        except _FAULTS:
            if _begins(raw, "VEVENT") or _begins(raw, "VFREEBUSY"):
                spoiled.append(raw)
        try:
            effort.spend(_PARSED * (1 + len(good)))
        except ValueError:
            spoiled += rest[rest.index(raw) + 1 :]
            break
    return found, spoiled


def _parsed(pieces: Iterable[str]) -> list[Any]:
    from icalendar import Calendar

    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//praxisd//reading//EN", *pieces, "END:VCALENDAR", ""]
    calendar = Calendar.from_ical("\r\n".join(lines))
    return [*calendar.walk("VEVENT"), *calendar.walk("VFREEBUSY")]


def _begins(raw: str, name: str) -> bool:
    return raw[: len(name) + 8].strip().upper().startswith(f"BEGIN:{name}")


def _needs(raw: str, clocks: set[str]) -> bool:
    """True if times of this component are told by one of these clocks."""
    text = re.sub(r"\r?\n[ \t]", "", raw)
    told = {one.strip('"') for one in re.findall(r";TZID=(\"[^\"]*\"|[^;:\r\n]*)", text, re.I)}
    return bool(told & {one.strip('"') for one in clocks})


def _all(components: list[Any], zone: ZoneInfo, period: Period, effort: Effort) -> Iterator[Blocker]:
    """Component by component; of one that cannot be read nothing counts but that it is there."""
    moved = _moved(components, zone)
    count = 0
    bad: Counter[str] = Counter()
    for component in components:
        uid = str(component.get("UID", ""))
        try:
            if component.name == "VEVENT":
                single = "RECURRENCE-ID" in component
                not_on: set[int] = set() if single else moved.get(uid, set())
                spans = list(_event(component, zone, period, not_on, effort))
            else:
                spans = [one for one in _published(component) if one[0] < one[1]]
                spans = [one for one in spans if one[0] < period.end and one[1] > period.start]
            if count + len(spans) > MOST:
                raise ValueError("too many")
        except _FAULTS:
            bad[uid] += 1
            yield _unread(f"{bad[uid]}|{uid}")
            continue
        count += len(spans)
        for span in spans:
            yield _blocker(uid, *span)


def _moved(components: list[Any], zone: ZoneInfo) -> dict[str, set[int]]:
    """By UID, the turns of repeating events that have an entry of their own."""
    moved: dict[str, set[int]] = {}
    for event in components:
        if event.name == "VEVENT" and "RECURRENCE-ID" in event:
            try:
                at = _instant(event.decoded("RECURRENCE-ID"), zone)
            except _FAULTS:
                continue
            moved.setdefault(str(event.get("UID", "")), set()).add(at)
    return moved


def _unread(what: str) -> Blocker:
    return Blocker(
        hashlib.sha256(f"unread|{what}".encode("utf-8", "replace")).hexdigest()[:32], 0, 0, unread=True
    )


def _blocker(uid: str, start: int, end: int) -> Blocker:
    """Its id tells nothing of the event, which may be named after somebody."""
    return Blocker(hashlib.sha256(f"{uid}|{start}|{end}".encode()).hexdigest()[:32], start, end)


def _event(event: Any, zone: ZoneInfo, period: Period, moved: set[int], effort: Effort) -> Iterator[Span]:
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    first = event.decoded("DTSTART")
    if not isinstance(first, date):
        raise ValueError("no start")
    not_on = {_instant(one, zone) for one in _listed(event, "EXDATE")} | moved
    seen: set[Span] = set()
    for span in chain(_starts(event, first, zone, period, effort), _extra(event, first, zone)):
        start, end = span
        if start in not_on or span in seen or start >= end:
            continue
        seen.add(span)
        if start < period.end and end > period.start:
            yield span


def _starts(event: Any, first: date, zone: ZoneInfo, period: Period, effort: Effort) -> Iterator[Span]:
    """The first one, and those that the rules name until the period ends."""
    once = _span(event, first, first, zone)
    yield once
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        for start in named(rule, first, zone, period, max(0, once[1] - once[0]), effort):
            yield _span(event, first, start, zone)


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
