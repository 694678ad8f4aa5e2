"""Free times of an appointment type (a room of `rules`: pure), by shift-and-AND over big integers.

The duration must lie inside the opening hours of every schedule used. Buffers need only be unoccupied: they
may lie outside the hours, on a holiday or over midnight, because nobody waits while a room is aired.
Source of the rule: SPEC 1.5, 1.6.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import UNIT_MINUTES, HealthcareService, Schedule, Slot
from praxisd.services.calendar.days import UNIT, Span, busy_bits, day_bounds, local_date, span_of, start_mask
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.matching import combine, narrow
from praxisd.services.calendar.plans import Plan, Worked, free_starts, positions, starts_of

__all__ = (
    "Found",
    "Held",
    "Known",
    "bookable_until",
    "candidates",
    "free_slots",
    "free_starts",
    "positions",
    "quick",
)


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
    which the same question may be answered otherwise although nothing was written (None: never). `told`: a
    place to keep something about a slot by its start, for as long as that slot stays the same."""

    slots: list[Slot]
    more: bool
    stable_until: int | None
    told: dict[int, Any]


class Known(NamedTuple):
    """What may be remembered while the same schedules stay as they are, over one span.

    `busy`: the bits of each; `held`: holds; `worked`: what was worked out of each; `plans`: of all together.
    """

    busy: Mapping[str, int]
    held: Sequence[Held]
    worked: Mapping[str, Worked]
    plans: dict[tuple[object, ...], Plan]


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


_PLANS_MOST = 16


def quick(known: Known, service: HealthcareService, must: Sequence[str]) -> bool:
    """Whether the answer only has to be cut out of a kept Plan: some tens of microseconds and the slots themselves."""
    plan = known.plans.get((service.id, service.duration, tuple(must)))
    return plan is not None and not plan.shared


def _plan(
    service: HealthcareService,
    schedules: Mapping[str, Schedule],
    almanac: Almanac,
    over: Span,
    known: Known,
    live: Sequence[Held],
    minutes: int,
    must: Sequence[str],
) -> Plan | None:
    """The Plan of this question, remembered unless a hold takes part; None if no combination can ever serve it."""
    key = (service.id, minutes, tuple(must))
    kept = known.plans.get(key)
    if kept is not None and not live:
        return kept
    groups = narrow(candidates(service, schedules), must)
    if not service.active or combine(groups, must) is None:
        return None
    starts: dict[str, int] = {}
    for name in {name for group in groups for name in group}:
        taken, memory = known.busy.get(name, 0), known.worked.get(name)
        mine = [(row.start, row.end) for row in live if row.schedule == name]
        if mine:
            taken, memory = taken | busy_bits(mine, over), None  # holds end without a word to any memory
        starts[name] = starts_of(
            service, minutes // UNIT_MINUTES, schedules[name], almanac, over, taken, memory
        )
    plan = Plan(groups, starts, over, service.id, minutes)
    if not live:
        if len(known.plans) >= _PLANS_MOST:
            known.plans.clear()
        known.plans[key] = plan
    return plan


def free_slots(
    service: HealthcareService,
    schedules: Mapping[str, Schedule],
    almanac: Almanac,
    busy: Mapping[str, int] | Known,
    begin: int,
    end: int,
    now: int,
    *,
    limit: int | None = None,
    held: Iterable[Held] = (),
    must: Sequence[str] = (),
    duration: int | None = None,
) -> Found:
    """Every free start in [`begin`, `end`), each with its one deterministic combination of schedules.

    `schedules`: those that may be used, by id (leave out what the asker may not see). `busy`: for each
    schedule the `busy_bits` of its occupied rows over `span_of(begin, end, almanac.zone)`, buffers of those
    rows included, holds left out: they come as `held`, for they end by themselves. `must`: schedules that
    the combination has to hold. `duration` in minutes replaces the type's own. A Known in place of `busy` brings
    `held` with it, and a memory. Cost: some bit operations per schedule, plus the answer.

    Raises Problem calendar.wrong_duration if neither the type nor the caller says how long.
    """
    minutes = duration or service.duration
    if not minutes or minutes % UNIT_MINUTES:
        raise Problem("calendar.wrong_duration", 422, minutes=minutes or 0)
    if begin >= end:
        return Found([], False, None, {})
    known = busy if isinstance(busy, Known) else Known(busy, tuple(held), {}, {})
    over = span_of(begin, end, almanac.zone)
    live = [row for row in known.held if row.expires > now]
    if live:
        members = {name for group in narrow(candidates(service, schedules), must) for name in group}
        live = [row for row in live if row.schedule in members]
    plan = _plan(service, schedules, almanac, over, known, live, minutes, must)
    if plan is None:
        return Found([], False, None, {})
    earliest = max(begin, now + service.min_notice * 60)
    mask = start_mask(over, service.start_every) & over.below(end)
    mask ^= mask & over.below(earliest)

    ceiling = bookable_until(service, almanac, now)
    near = mask if ceiling is None else mask & over.below(ceiling)
    slots = plan.slots(near, must, limit)
    more = limit is not None and len(slots) > limit
    if more:
        slots = slots[:limit]

    changes = [row.expires for row in live if row.end > over.start and row.start < over.end]
    if slots:
        changes.append(slots[0].start - service.min_notice * 60 + 1)
    beyond = 0 if more or ceiling is None else plan.every & (mask ^ near)
    if beyond and service.max_ahead is not None:
        first = local_date(over.start + positions(beyond, 1)[0] * UNIT, almanac.zone)
        changes.append(day_bounds(first - timedelta(days=service.max_ahead), almanac.zone)[0])
    return Found(slots, more, min(changes, default=None), plan.told)
