"""Which starts a set of schedules allows, and who takes each (a room of `rules`: pure): bits in, combinations out.

A Plan depends on the schedules' bits and on the type alone, not on the period or the moment asked about; as long as
the bits stay the same, every question is answered from one Plan by a mask.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, count
from operator import add
from typing import Any

from praxisd.model.scheduling import UNIT_MINUTES, HealthcareService, Schedule, Slot
from praxisd.services.calendar.days import UNIT, Span
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.matching import combine

Worked = dict[tuple[object, ...], int]
"""Possible starts of one schedule over one span, by what else they depend on."""
_WORKED_MOST = 4
_MADE_MOST = 1_000
_Rank = Sequence[tuple[str, bytes]]
"""The members of a group in their order, each with its free units as bits."""


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


def starts_of(
    service: HealthcareService,
    units: int,
    schedule: Schedule,
    almanac: Almanac,
    over: Span,
    busy: int,
    worked: Worked | None = None,
) -> int:
    """Units of the span at which this one schedule could begin the appointment; remembered in `worked`."""
    if worked is None:
        return _starts(service, units, schedule, almanac, over, busy)
    key = (almanac.number, schedule.version, service.id, units, service.buffer_before, service.buffer_after)
    known = worked.get(key)
    if known is None:
        known = _starts(service, units, schedule, almanac, over, busy)
        if len(worked) >= _WORKED_MOST:
            worked.clear()
        worked[key] = known
    return known


def _starts(
    service: HealthcareService, units: int, schedule: Schedule, almanac: Almanac, over: Span, busy: int
) -> int:
    hours = almanac.over(schedule, over, service.id)
    before, after = (service.buffer_before // UNIT_MINUTES, service.buffer_after // UNIT_MINUTES)
    if not busy:
        return free_starts(hours, units)
    if not before and not after:
        return free_starts(hours ^ (hours & busy), units)
    quiet = free_starts(over.full ^ busy, before + units + after) << before
    return free_starts(hours, units) & quiet


class Plan:
    """The starts of groups of schedules. `every`: units at which each group has a free member.

    `shared`: a schedule stands in several groups, so that not each of these units is a slot. `made`: the slots given
    out so far by their unit; `told`: room for whoever wants to keep something about them, by their start.
    """

    __slots__ = ("_base", "_kind", "_length", "_starts", "every", "groups", "made", "shared", "told")

    def __init__(
        self, groups: Sequence[Sequence[str]], starts: Mapping[str, int], over: Span, kind: str, minutes: int
    ) -> None:
        self.groups = groups
        self.shared = sum(map(len, groups)) > len({name for group in groups for name in group})
        self.every = over.full
        self.made: dict[int, Slot] = {}
        self.told: dict[int, Any] = {}
        self._base, self._kind, self._length = over.start, kind, minutes * 60
        self._starts = starts
        for group in groups:
            union = 0
            for name in group:
                union |= starts[name]
            self.every &= union

    def slots(self, among: int, must: Sequence[str], limit: int | None) -> list[Slot]:
        """The slots that start in the mask `among`, ascending; at most one past the limit.

        In each group the first free member is taken, unless another group needs it.
        """
        every = self.every & among
        # Groups that share no schedule cannot fail one another: each start is a slot, so the limit may cut first.
        where = positions(every, None if limit is None or self.shared else limit + 1)
        if not where:
            return []
        if self.shared:
            return self._matched(where, self._ranks(where[-1], every), must, limit)
        made = self.made
        new = [at for at in where if at not in made]
        if new:
            chosen = self._chosen(new, self._ranks(new[-1], every))
            if len(made) + len(new) > _MADE_MOST:  # what is kept begins anew; this answer still knows all
                made, self.made, self.told = dict(made), {}, {}
            made.update(zip(new, chosen, strict=True))
        return [made[at] for at in where]

    def _ranks(self, last: int, every: int) -> list[_Rank]:
        size = last // 8 + 1
        every &= (2 << last) - 1
        flags = {name: (bits & every).to_bytes(size, "little") for name, bits in self._starts.items()}
        return [[(name, flags[name]) for name in group] for group in self.groups]

    def _chosen(self, where: Sequence[int], ranks: Sequence[_Rank]) -> list[Slot]:
        chosen = zip(*(_first_free(where, rank) for rank in ranks), strict=True)
        return [self._slot(at, names) for at, names in zip(where, chosen, strict=True)]

    def _matched(
        self, where: Sequence[int], ranks: Sequence[_Rank], must: Sequence[str], limit: int | None
    ) -> list[Slot]:
        found: list[Slot] = []
        for at in where:
            byte, bit = at >> 3, 1 << (at & 7)
            names = combine([[name for name, row in rank if row[byte] & bit] for rank in ranks], must)
            if names is not None:
                found.append(self._slot(at, names))
                if limit is not None and len(found) > limit:
                    break
        return found

    def _slot(self, at: int, names: tuple[str, ...]) -> Slot:
        start = self._base + at * UNIT
        return Slot(start=start, end=start + self._length, schedules=names, service=self._kind)


def _first_free(where: Sequence[int], rank: _Rank) -> list[str]:
    """For each of these units the first member of the group whose bit is set; each unit has one."""
    owners: list[str] = []
    for at in where:
        byte, bit = at >> 3, 1 << (at & 7)
        for name, row in rank:
            if row[byte] & bit:
                owners.append(name)
                break
    return owners
