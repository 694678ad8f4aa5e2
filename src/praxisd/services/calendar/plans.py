"""Which starts a set of schedules allows, and who takes each (a room of `rules`: pure): bits in, combinations out.

A Plan depends on the schedules' bits and on the type alone, not on the period or the moment asked about; as long as
the bits stay the same, every question is answered from one Plan by a mask.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, count
from operator import add, itemgetter

from praxisd.model.scheduling import UNIT_MINUTES, HealthcareService, Schedule
from praxisd.services.calendar.days import Span
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.matching import combine

Worked = dict[tuple[object, ...], int]
"""Possible starts of one schedule over one span, by what else they depend on."""
_WORKED_MOST = 4
_BYTE = 255


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
    key = (almanac, schedule.version, service.id, units, service.buffer_before, service.buffer_after)
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

    `shared`: a schedule stands in several groups, so that not each of these units is a slot.
    """

    __slots__ = ("_asked", "_owners", "_starts", "every", "groups", "shared")

    def __init__(self, groups: Sequence[Sequence[str]], starts: Mapping[str, int], full: int) -> None:
        self.groups = groups
        self.shared = sum(map(len, groups)) > len({name for group in groups for name in group})
        self.every = full
        self._starts = starts
        self._asked = False
        self._owners: list[tuple[list[str], bytes]] | None = None
        for group in groups:
            union = 0
            for name in group:
                union |= starts[name]
            self.every &= union

    def combined(
        self, among: int, must: Sequence[str], limit: int | None
    ) -> list[tuple[int, tuple[str, ...]]]:
        """(unit, combination) for each start in the mask `among` that all groups can serve together.

        In each group the first free member is taken, unless a later group needs it. At most one past the limit.
        """
        every = self.every & among
        # Groups that share no schedule cannot fail one another: each start is a slot, so the limit may cut first.
        where = positions(every, None if limit is None or self.shared else limit + 1)
        if not where:
            return []
        if not self.shared and self._owned() and self._owners is not None:
            chosen = (_look_up(where, names, row) for names, row in self._owners)
            return list(zip(where, zip(*chosen, strict=True), strict=True))
        every &= (2 << where[-1]) - 1
        size = where[-1] // 8 + 1
        flags = {name: (bits & every).to_bytes(size, "little") for name, bits in self._starts.items()}
        ranks = [[(name, flags[name]) for name in group] for group in self.groups]
        if not self.shared:
            firsts = (_first_free(where, rank) for rank in ranks)
            return list(zip(where, zip(*firsts, strict=True), strict=True))
        found: list[tuple[int, tuple[str, ...]]] = []
        for at in where:
            byte, bit = at >> 3, 1 << (at & 7)
            names = combine([[name for name, row in rank if row[byte] & bit] for rank in ranks], must)
            if names is not None:
                found.append((at, names))
                if limit is not None and len(found) > limit:
                    break
        return found

    def _owned(self) -> bool:
        """Whether the owner of each unit is worked out: worth its price from the second question on."""
        if self._owners is None and self._asked and max(map(len, self.groups), default=0) <= _BYTE:
            size = self.every.bit_length()
            self._owners = [(list(group), _owners(group, self._starts, size)) for group in self.groups]
        self._asked = True
        return self._owners is not None


def _owners(group: Sequence[str], starts: Mapping[str, int], size: int) -> bytes:
    """For each unit below `size` the number of the first member of the group that is free then; 0 if none is."""
    # The numbers are collected bit by bit: plane j holds the units whose owner's number has bit j. Written as text of
    # 0 and 1 and translated, a plane becomes one byte per unit, and the planes together the numbers.
    planes = [0] * 8
    rest = (1 << size) - 1
    for number, name in enumerate(group):
        mine = starts[name] & rest
        rest ^= mine
        for j in range(8):
            if number >> j & 1:
                planes[j] |= mine
    total = 0
    for j, plane in enumerate(planes):
        if plane:
            digits = bin(plane)[2:].encode().translate(bytes.maketrans(b"01", bytes((0, 1 << j))))
            total |= int.from_bytes(digits, "big")
    return total.to_bytes(max(size, 1), "little")


def _look_up(where: Sequence[int], names: Sequence[str], row: bytes) -> Iterator[str]:
    numbers = itemgetter(*where)(row) if len(where) > 1 else (row[where[0]],)
    return map(names.__getitem__, numbers)


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
