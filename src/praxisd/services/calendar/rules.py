"""Rules of the calendar, all pure: may this be booked, which times are free, when is a column open.

The rooms: `days` (local days, clock changes, bitmaps), `hours` (opening), `matching` (one schedule of each
group), `slots` (free times), `holidays_rules` (closed days). Other files import from here.
"""

import re
from collections.abc import Mapping, Sequence

from praxisd.kernel.errors import Problem
from praxisd.model.places import REGIONS
from praxisd.model.scheduling import DAY_MINUTES, HealthcareService, Schedule, may_change
from praxisd.services.calendar.days import UNIT, Span, busy_bits, day_bounds, local_date, merge, span, span_of
from praxisd.services.calendar.holidays_rules import check_region, closed_days, public_holidays
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.matching import combine, narrow
from praxisd.services.calendar.slots import (
    Found,
    Held,
    Known,
    bookable_until,
    candidates,
    free_slots,
    free_starts,
    quick,
)

__all__ = [
    "RANGE_DAYS",
    "REGIONS",
    "UNIT",
    "Almanac",
    "Found",
    "Held",
    "Known",
    "Span",
    "bookable_until",
    "busy_bits",
    "check_range",
    "check_region",
    "closed_days",
    "combine",
    "day_bounds",
    "fits",
    "free_slots",
    "free_starts",
    "local_date",
    "may_change",
    "merge",
    "place",
    "public_holidays",
    "quick",
    "read_slot_id",
    "slot_id",
    "span",
    "span_of",
]

RANGE_DAYS = 92
"""Longest period of one question for slots (SPEC 14.4)."""

Rows = Mapping[str, Sequence[tuple[int, int]]]


def check_range(begin: int, end: int, days: int = RANGE_DAYS) -> None:
    """Raises Problem calendar.range_reversed or calendar.range_too_long (400) for a useless period."""
    if end <= begin:
        raise Problem("calendar.range_reversed", 400)
    # So many local days have one hour more when the clock goes back among them.
    if end - begin > days * 86_400 + 3_600:
        raise Problem("calendar.range_too_long", 400, days=days)


def place(
    service: HealthcareService | None,
    schedules: Mapping[str, Schedule],
    almanac: Almanac,
    start: int,
    end: int,
    *,
    busy: Rows,
    now: int,
    must: Sequence[str] = (),
    buffers: tuple[int, int] | None = None,
    ignore_hours: bool = False,
    ignore_notice: bool = False,
    ignore_duration: bool = False,
) -> tuple[str, ...]:
    """The schedules that take an appointment from `start` to `end`, one of each group, holding all of `must`.

    `busy`: for each schedule the occupied rows (start, end, their buffers included) that may overlap the
    appointment with its own `buffers` (minutes before and after; None: the type's); a move leaves out its
    own rows, a booking from a hold those of the hold. `service` None: exactly the schedules in `must`.
    `ignore_hours` (desk, import) accepts closed times, absences and holidays too; nothing accepts an
    overlap. The raster `start_every` shapes what is offered, not what may be booked.

    Raises Problem: calendar.range_reversed (400), and 422 calendar.schedule_unfit, calendar.wrong_duration,
    calendar.too_soon, calendar.too_far, calendar.absent, calendar.holiday, calendar.outside_hours; last,
    409 calendar.slot_taken.
    """
    if end <= start:
        raise Problem("calendar.range_reversed", 400)
    groups = _groups(service, schedules, must)
    _check_time(service, almanac, start, end, now, ignore_notice, ignore_duration)
    kind = service.id if service else None
    if not ignore_hours:
        opened = {
            name
            for name in {name for group in groups for name in group}
            if almanac.open(schedules[name], start, end, kind)
        }
        wider, groups = (groups, [[name for name in group if name in opened] for group in groups])
        if combine(groups, must) is None:
            raise _closed(wider, groups, schedules, almanac, start, end, must)
    if buffers is None:
        buffers = (service.buffer_before, service.buffer_after) if service else (0, 0)
    first, last = start - buffers[0] * 60, end + buffers[1] * 60
    chosen = combine(
        [[name for name in group if not _overlaps(busy.get(name, ()), first, last)] for group in groups], must
    )
    if chosen is None:
        raise Problem("calendar.slot_taken", 409)
    return chosen


def fits(
    service: HealthcareService | None,
    schedules: Mapping[str, Schedule],
    chosen: Sequence[str],
    almanac: Almanac,
    start: int,
    end: int,
    *,
    busy: Rows,
    now: int,
    buffers: tuple[int, int] | None = None,
    ignore_hours: bool = False,
    ignore_notice: bool = False,
    ignore_duration: bool = False,
) -> None:
    """`place` for a combination that is already complete: returns, or raises the same Problems.

    A combination that serves a group not at all or twice is calendar.schedule_unfit.
    """
    if service is not None and len(chosen) != len(service.groups):
        raise Problem("calendar.schedule_unfit", 422)
    place(
        service,
        schedules,
        almanac,
        start,
        end,
        busy=busy,
        now=now,
        must=chosen,
        buffers=buffers,
        ignore_hours=ignore_hours,
        ignore_notice=ignore_notice,
        ignore_duration=ignore_duration,
    )


def _groups(
    service: HealthcareService | None, schedules: Mapping[str, Schedule], must: Sequence[str]
) -> list[list[str]]:
    if service is None:
        groups = [[name] for name in must if name in schedules and schedules[name].active]
    else:
        groups = narrow(candidates(service, schedules), must) if service.active else []
    if len(set(must)) != len(must) or combine(groups, must) is None:
        raise Problem("calendar.schedule_unfit", 422)
    return groups


def _check_time(
    service: HealthcareService | None,
    almanac: Almanac,
    start: int,
    end: int,
    now: int,
    ignore_notice: bool,
    ignore_duration: bool,
) -> None:
    length = end - start
    if length > DAY_MINUTES * 60:
        minutes = service.duration if service is not None and service.duration else DAY_MINUTES
        raise Problem("calendar.wrong_duration", 422, minutes=minutes)
    if service is None:
        return
    if service.duration is not None and not ignore_duration and length != service.duration * 60:
        raise Problem("calendar.wrong_duration", 422, minutes=service.duration)
    if ignore_notice:
        return
    if start < now + service.min_notice * 60:
        raise Problem("calendar.too_soon", 422, minutes=service.min_notice)
    ceiling = bookable_until(service, almanac, now)
    if ceiling is not None and start >= ceiling:
        raise Problem("calendar.too_far", 422, days=service.max_ahead)


def _closed(
    wider: Sequence[Sequence[str]],
    open_groups: Sequence[Sequence[str]],
    schedules: Mapping[str, Schedule],
    almanac: Almanac,
    start: int,
    end: int,
    must: Sequence[str],
) -> Problem:
    """The reason a person would name: a demanded schedule that is closed, else the first group that is."""
    opened = {name for group in open_groups for name in group}
    asked = [name for name in must if name not in opened]
    empty = [name for group, left in zip(wider, open_groups, strict=True) if not left for name in group] or [
        name for group in wider for name in group if name not in opened
    ]
    for name in asked or empty:
        reason = almanac.why_shut(schedules[name], start, end)
        if reason is not None:
            return Problem(f"calendar.{reason}", 422, schedule=name)
    return Problem("calendar.outside_hours", 422, schedule=(asked or empty)[0])


def _overlaps(rows: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(low < end and start < high for low, high in rows)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLOT_ID = re.compile(r"c-([1-9][0-9]{0,9})-([1-9][0-9]{0,9})-(0|[1-9a-z][0-9a-z]{0,5})")


def slot_id(schedule_no: int, service_no: int, start: int) -> str:
    """The stable id of a computed slot: numbers of column and type, start in epoch minutes, base 36.

    Raises ValueError for a start that is no whole minute, or before 1970.
    """
    minutes, rest = divmod(start, 60)
    if rest or minutes < 0:
        raise ValueError("a slot starts on a whole minute, from 1970 on")
    text = ""
    while minutes:
        minutes, digit = divmod(minutes, 36)
        text = _DIGITS[digit] + text
    return f"c-{schedule_no}-{service_no}-{text or '0'}"


def read_slot_id(text: str) -> tuple[int, int, int] | None:
    """(schedule no, service no, start in epoch seconds) of a computed slot's id; None for any other text.

    Strict: exactly what `slot_id` writes, so that one slot has one id; six digits reach the year 6105.
    """
    match = _SLOT_ID.fullmatch(text)
    if match is None:
        return None
    minutes = int(match[3], 36)
    return int(match[1]), int(match[2]), minutes * 60
