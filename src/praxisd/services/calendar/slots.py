"""Free times of an appointment type (a room of `rules`: pure), by shift-and-AND over big integers.

The duration must lie inside the opening hours of every schedule used. Buffers need only be unoccupied: they
may lie outside the hours, on a holiday or over midnight, because nobody waits while a room is aired.
Source of the rule: SPEC 1.5, 1.6.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import UNIT_MINUTES, HealthcareService, Schedule, Slot
from praxisd.services.calendar.days import UNIT, Span, busy_bits, day_bounds, local_date, span_of, start_mask
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.matching import combine, narrow

Worked = dict[tuple[object, ...], int]
"""Possible starts of one schedule over one span, by what else they depend on."""
_WORKED_MOST = 4


class Held(NamedTuple):
    """An occupied row that ends by itself: the instants of one schedule kept by a hold, buffers included.

    It counts while `expires` lies after now. All in epoch seconds.
    """

    schedule: str
    start: int
    end: int
    expires: int


class Found(NamedTuple):
    """`slots` sorted by start; `more`: the limit cut some off; `stable_until`: first instant after now at
    which the same question may be answered otherwise although nothing was written (None: never)."""

    slots: list[Slot]
    more: bool
    stable_until: int | None


def free_starts(free: int, units: int) -> int:
    """Bits i for which the bits i to i + units - 1 of `free` are all set, in O(log units) operations."""
    if units <= 0:
        raise ValueError("a run has at least one unit")
    have = 1
    while have < units and free:
        step = min(have, units - have)
        free &= free >> step
        have += step
    return free


def positions(bits: int, limit: int | None = None) -> list[int]:
    """Numbers of the set bits, ascending, at most `limit` of them."""
    # Written as text, the lowest bit last, each piece between two ones is a run of zeros: splitting, measuring and
    # adding up all happen in C.
    zeros = bin(bits).rsplit("1", -1 if limit is None else limit)[:0:-1]
    return list(map(add, accumulate(map(len, zeros)), count()))


def candidates(service: HealthcareService, schedules: Mapping[str, Schedule]) -> list[list[str]]:
    """The groups of the type, each reduced to active, known schedules, best (`order`, then `no`) first."""

    def rank(name: str) -> tuple[int, int]:
        return schedules[name].order, schedules[name].no

    return [
        sorted((name for name in group if name in schedules and schedules[name].active), key=rank)
        for group in service.groups
    ]


def bookable_until(service: HealthcareService, almanac: Almanac, now: int) -> int | None:
    """First instant too far ahead to be booked now: the end of the local date `max_ahead` days from today."""
    if service.max_ahead is None:
        return None
    last = local_date(now, almanac.zone) + timedelta(days=service.max_ahead)
    return day_bounds(last + timedelta(days=1), almanac.zone)[0]


def _starts(
    service: HealthcareService, units: int, schedule: Schedule, almanac: Almanac, over: Span, busy: int
) -> int:
    """Units of the span at which this one schedule could begin the appointment."""
    hours = almanac.over(schedule, over, service.id)
    before, after = (service.buffer_before // UNIT_MINUTES, service.buffer_after // UNIT_MINUTES)
    if not busy:
        return free_starts(hours, units)
    if not before and not after:
        return free_starts(hours ^ (hours & busy), units)
    quiet = free_starts(over.full ^ busy, before + units + after) << before
    return free_starts(hours, units) & quiet


def _worked_out(
    service: HealthcareService,
    units: int,
    schedule: Schedule,
    almanac: Almanac,
    over: Span,
    busy: int,
    worked: Worked | None,
) -> int:
    """`_starts`, remembered in `worked` for the next question about the same length and buffers."""
    if worked is None:
        return _starts(service, units, schedule, almanac, over, busy)
    key = (almanac, schedule.version, service.id, units, service.buffer_before, service.buffer_after)
    known = worked.get(key)
    if known is None:
        known = _starts(service, units, schedule, almanac, over, busy)
        if len(worked) >= _WORKED_MOST:
            worked.clear()
        worked[key] = known
    return known


def free_slots(
    service: HealthcareService,
    schedules: Mapping[str, Schedule],
    almanac: Almanac,
    busy: Mapping[str, int],
    begin: int,
    end: int,
    now: int,
    *,
    limit: int | None = None,
    held: Iterable[Held] = (),
    must: Sequence[str] = (),
    duration: int | None = None,
    worked: Mapping[str, Worked] | None = None,
) -> Found:
    """Every free start in [`begin`, `end`), each with its one deterministic combination of schedules.

    `schedules`: those that may be used, by id (leave out what the asker may not see). `busy`: for each
    schedule the `busy_bits` of its occupied rows over `span_of(begin, end, almanac.zone)`, buffers of those
    rows included, holds left out: they come as `held`, for they end by themselves. `must`: schedules that
    the combination has to hold. `duration` in minutes replaces the type's own. `worked`: for each schedule a
    memory that lives as long as its `busy` bits stay the same. Cost: some bit operations per schedule, plus
    the answer.

    Raises Problem calendar.wrong_duration if neither the type nor the caller says how long.
    """
    minutes = duration or service.duration
    if not minutes or minutes % UNIT_MINUTES:
        raise Problem("calendar.wrong_duration", 422, minutes=minutes or 0)
    groups = narrow(candidates(service, schedules), must)
    if not service.active or combine(groups, must) is None or begin >= end:
        return Found([], False, None)
    over = span_of(begin, end, almanac.zone)
    earliest = max(begin, now + service.min_notice * 60)
    mask = start_mask(over, service.start_every) & over.below(end)
    mask ^= mask & over.below(earliest)

    members = {name for group in groups for name in group}
    live = [row for row in held if row.expires > now and row.schedule in members]
    units = minutes // UNIT_MINUTES
    starts: dict[str, int] = {}
    for name in members:
        taken, memory = busy.get(name, 0), worked.get(name) if worked else None
        mine = [(row.start, row.end) for row in live if row.schedule == name] if live else ()
        if mine:
            taken, memory = taken | busy_bits(mine, over), None  # holds end without a word to any memory
        starts[name] = _worked_out(service, units, schedules[name], almanac, over, taken, memory)

    every = mask
    for group in groups:
        union = 0
        for name in group:
            union |= starts[name]
        every &= union

    ceiling = bookable_until(service, almanac, now)
    near = every if ceiling is None else every & over.below(ceiling)
    pairs = _combined(groups, starts, near, must, limit)
    more = limit is not None and len(pairs) > limit
    base, length, kind = over.start, minutes * 60, service.id
    slots = [
        Slot(start=base + at * UNIT, end=base + at * UNIT + length, schedules=names, service=kind)
        for at, names in pairs[:limit]
    ]

    changes = [row.expires for row in live if row.end > over.start and row.start < over.end]
    if slots:
        changes.append(slots[0].start - service.min_notice * 60 + 1)
    beyond = every ^ near
    if beyond and not more and service.max_ahead is not None:
        first = local_date(base + positions(beyond, 1)[0] * UNIT, almanac.zone)
        changes.append(day_bounds(first - timedelta(days=service.max_ahead), almanac.zone)[0])
    return Found(slots, more, min(changes, default=None))


def _combined(
    groups: Sequence[Sequence[str]],
    starts: Mapping[str, int],
    every: int,
    must: Sequence[str],
    limit: int | None,
) -> list[tuple[int, tuple[str, ...]]]:
    """(unit, combination) for each start that all groups can serve together, up to one past the limit."""
    shared = sum(map(len, groups)) > len({name for group in groups for name in group})
    # Groups that share no schedule cannot fail one another: each start is a slot, so the limit may cut first.
    where = positions(every, None if limit is None or shared else limit + 1)
    if not where:
        return []
    every &= (2 << where[-1]) - 1
    size = where[-1] // 8 + 1
    flags = {name: (bits & every).to_bytes(size, "little") for name, bits in starts.items()}
    ranks = [[(name, flags[name]) for name in group] for group in groups]
    if not shared:
        return list(zip(where, zip(*(_first_free(where, rank) for rank in ranks), strict=True), strict=True))
    found: list[tuple[int, tuple[str, ...]]] = []
    for at in where:
        byte, bit = at >> 3, 1 << (at & 7)
        names = combine([[name for name, row in rank if row[byte] & bit] for rank in ranks], must)
        if names is not None:
            found.append((at, names))
            if limit is not None and len(found) > limit:
                break
    return found


def _first_free(where: Sequence[int], rank: Sequence[tuple[str, bytes]]) -> list[str]:
    """For each of these units the first member of the group whose bit is set; each unit has one."""
    owners: list[str] = []
    for at in where:
        byte, bit = at >> 3, 1 << (at & 7)
        for name, row in rank:
            if row[byte] & bit:
                owners.append(name)
                break
    return owners
