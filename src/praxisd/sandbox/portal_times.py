"""What a simulated booking portal knows of time: its calendars' hours, periods and free times. Pure.

Spans are (start, end) in epoch seconds, [start, end).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Span = tuple[int, int]
HOURS = {str(day): [["08:00", "12:00"], ["14:00", "17:00"]] for day in range(1, 6)}
"""Of a calendar that was given none: Monday to Friday."""
SERVICES = ({"name": "Sprechstunde", "minutes": 15}, {"name": "Vorsorge", "minutes": 30})
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_LOW, _HIGH = 946_684_800, 4_102_444_800
"""Times from 2000 to 2100 are times."""


class Wrong(ValueError):
    """Something given cannot be meant; the message is the code."""


@dataclass(frozen=True)
class Service:
    """What can be booked."""

    name: str
    minutes: int


@dataclass(frozen=True)
class Calendar:
    """One online calendar. `hours`: by weekday "1" (Monday) to "7", pairs of local clock times.

    `step`: minutes from one start to the next. `days`: how far ahead it is offered. `notice`: minutes. `confirm`: the
    practice decides; else a booking is good at once, as at Dr.Flex.
    """

    name: str
    hours: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=lambda: dict(HOURS))
    step: int = 15
    days: int = 60
    notice: int = 60
    confirm: bool = True
    services: tuple[Service, ...] = tuple(Service(**one) for one in SERVICES)  # type: ignore[arg-type]

    def json(self) -> dict[str, Any]:
        """As it was made."""
        return {
            "name": self.name,
            "hours": {day: [list(one) for one in spans] for day, spans in self.hours.items()},
            "step": self.step,
            "days": self.days,
            "notice": self.notice,
            "confirm": self.confirm,
            "services": [{"name": one.name, "minutes": one.minutes} for one in self.services],
        }

    def service(self, name: str) -> Service:
        """The one of this name, the first for no name; Wrong if there is none."""
        if not name:
            return self.services[0]
        for one in self.services:
            if one.name == name:
                return one
        raise Wrong("service_unknown")


def calendar_of(fields: Mapping[str, Any]) -> Calendar:
    """A calendar as it is given in JSON; Wrong for what makes no sense."""
    allowed = {"name", "hours", "step", "days", "notice", "confirm", "services"}
    if set(fields) - allowed:
        raise Wrong("field_unknown")
    known = Calendar("")
    name = words(fields.get("name"), 80, "name_invalid")
    hours = fields.get("hours", known.hours)
    if not isinstance(hours, dict) or set(hours) - set("1234567"):
        raise Wrong("hours_invalid")
    for spans in hours.values():
        for span in spans if isinstance(spans, list) else [None]:
            if not isinstance(span, list | tuple) or len(span) != 2 or _minutes(span[0]) >= _minutes(span[1]):
                raise Wrong("hours_invalid")
    given = fields.get("services", list(SERVICES))
    if not isinstance(given, list) or not 1 <= len(given) <= 20:
        raise Wrong("services_invalid")
    services = []
    for one in given:
        if not isinstance(one, dict):
            raise Wrong("services_invalid")
        services.append(
            Service(words(one.get("name"), 80, "services_invalid"), _whole(one, "minutes", 15, 5, 480))
        )
    confirm = fields.get("confirm", True)
    if not isinstance(confirm, bool):
        raise Wrong("confirm_invalid")
    return Calendar(
        name,
        hours,
        _whole(fields, "step", known.step, 5, 240),
        _whole(fields, "days", known.days, 1, 366),
        _whole(fields, "notice", known.notice, 0, 20_160),
        confirm,
        tuple(services),
    )


def words(value: Any, most: int, code: str) -> str:
    """A short text of one line; Wrong(code) if it is none."""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= most or not value.strip().isprintable():
        raise Wrong(code)
    return value.strip()


def _whole(fields: Mapping[str, Any], name: str, usual: int, low: int, high: int) -> int:
    value = fields.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Wrong(f"{name}_invalid")
    return value


def _minutes(clock: Any) -> int:
    if not isinstance(clock, str) or _CLOCK.fullmatch(clock) is None:
        raise Wrong("hours_invalid")
    return int(clock[:2]) * 60 + int(clock[3:])


def instant(value: Any, zone: ZoneInfo | None = None) -> int:
    """Epoch seconds of an RFC 3339 time. Without an offset it is meant in `zone`; Wrong if there is no zone for it."""
    if not isinstance(value, str) or len(value) > 40 or "T" not in value:
        raise Wrong("time_invalid")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            if zone is None:
                raise Wrong("time_invalid")
            moment = moment.replace(tzinfo=zone)
        at = int(moment.timestamp())
    except (ValueError, OverflowError):
        raise Wrong("time_invalid") from None
    if not _LOW <= at < _HIGH:
        raise Wrong("time_invalid")
    return at


def shown(at: int, zone: ZoneInfo) -> str:
    """RFC 3339 with the offset of the zone."""
    return datetime.fromtimestamp(at, zone).isoformat()


def midnight(day: date, zone: ZoneInfo) -> int:
    """When the day begins there."""
    return int(datetime.combine(day, time.min, zone).timestamp())


def period(calendar: Calendar, now: float, zone: ZoneInfo) -> Span:
    """What the portal wants to know about: whole local days from today."""
    today = datetime.fromtimestamp(now, zone).date()
    return midnight(today, zone), midnight(today + timedelta(days=calendar.days), zone)


def opened(calendar: Calendar, start: int, end: int, zone: ZoneInfo) -> list[Span]:
    """When times are offered within [start, end): the hours of each local day, clipped."""
    found: list[Span] = []
    day = datetime.fromtimestamp(start, zone).date()
    while midnight(day, zone) < end:
        for first, last in calendar.hours.get(str(day.isoweekday()), ()):
            since, until = (_wall(day, clock, zone) for clock in (first, last))
            if since < until and since < end and until > start:
                found.append((max(since, start), min(until, end)))
        day += timedelta(days=1)
    return merged(found)


def _wall(day: date, clock: str, zone: ZoneInfo) -> int:
    if clock == "24:00":
        return midnight(day + timedelta(days=1), zone)
    return int(datetime.combine(day, time.fromisoformat(clock), zone).timestamp())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sorted, those that touch put together."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def touches(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of the merged spans overlaps [start, end)."""
    at = bisect_left(spans, (start, start))
    before = at > 0 and spans[at - 1][1] > start
    return before or (at < len(spans) and spans[at][0] < end)


def replaced(old: Sequence[Span], start: int, end: int, new: Iterable[Span]) -> list[Span]:
    """What is taken after [start, end) was told anew: outside of it the old, inside the new (clipped, merged)."""
    outside = [(one, min(until, start)) for one, until in old if one < start]
    outside += [(max(one, end), until) for one, until in old if until > end]
    inside = [(max(one, start), min(until, end)) for one, until in new]
    return sorted([*merged(outside), *merged(inside)])


def free_starts(
    calendar: Calendar, minutes: int, taken: Sequence[Span], since: int, until: int, zone: ZoneInfo
) -> list[int]:
    """Starts in [since, until) at which so many minutes are offered and free. Starts lie `step` apart from opening."""
    found = []
    day = midnight(datetime.fromtimestamp(since, zone).date(), zone)
    for first, last in opened(calendar, day, until + minutes * 60, zone):
        at = first
        while at + minutes * 60 <= last and at < until:
            if at >= since and not touches(taken, at, at + minutes * 60):
                found.append(at)
            at += calendar.step * 60
    return found
