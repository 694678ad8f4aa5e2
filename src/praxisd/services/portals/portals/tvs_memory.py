"""What the adapter of 116117 remembers between calls: ids of the service, times and versions; never anything of a person.

Each entry that belongs to a time carries its end, so that what is past can be forgotten.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import Memory
from praxisd.services.portals.portals.tvs_rules import Offered

_KEEP_S = 86_400


class Known:
    """`Memory`, by the words of this service."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def _table(self, key: str) -> dict[str, Any]:
        found = self._memory.get(key)
        return dict(found) if isinstance(found, dict) else {}

    def _change(self, key: str, new: dict[str, Any], gone: Iterable[str] = ()) -> None:
        table = self._table(key)
        changed = table | new
        for one in gone:
            changed.pop(one, None)
        if changed != table:
            self._memory.put(key, changed)

    def moment(self, key: str) -> int | None:
        """When `polled`, `whole` last happened (epoch seconds)."""
        found = self._memory.get(key)
        return found if isinstance(found, int) else None

    def happened(self, key: str, at: int | None) -> None:
        """It happens now."""
        self._memory.put(key, at)

    @property
    def schedules(self) -> dict[str, list[str]]:
        """[id, version] by name, as last read."""
        return self._table("schedules")

    def keep_schedules(self, found: dict[str, list[str]], at: int) -> None:
        """What the service has."""
        if found != self.schedules:
            self._memory.put("schedules", found)
        self._memory.put("schedules_at", at)

    def knows(self, slot: Offered) -> bool:
        """Did we offer it (just this time, where the service did not tell its id), or did a person say that it stays?"""
        table = self._table("known")
        return slot.id in table or f"{slot.schedule}/{slot.start}/{slot.end}" in table

    def know(self, slots: dict[str, int]) -> None:
        """These belong to us, each until its end."""
        self._change("known", slots)

    def forget(self, slot: str, start: int, end: int) -> None:
        """It is gone; what comes at the same time is another one."""
        there = f"/{start}/{end}"
        self._change("known", {}, [one for one in self._table("known") if one == slot or one.endswith(there)])
        self.disown(slot)

    @property
    def ours(self) -> frozenset[str]:
        """Slots that are busy because we said so."""
        return frozenset(self._table("ours"))

    def own(self, slot: str, end: int) -> None:
        """We are about to report this slot as busy."""
        self._change("ours", {slot: end})

    def disown(self, slot: str) -> None:
        """It is free, or busy for another reason."""
        self._change("ours", {}, [slot])

    def refused(self, what: str, version: str) -> bool:
        """Was this not accepted, in just this version?"""
        return bool(self._table("refused").get(what, [None])[0] == version)

    def refuse(self, what: str, version: str, end: int) -> None:
        """Not to be tried again while the version is the same."""
        self._change("refused", {what: [version, end]})

    def accept(self, what: Iterable[str]) -> None:
        """These were taken after all."""
        self._change("refused", {}, what)

    def booked(self, booking: str) -> tuple[str, int, int | None] | None:
        """Calendar, start and end of a booking that was told of."""
        found = self._table("booked").get(booking)
        return (found[0], found[1], found[2]) if isinstance(found, list) else None

    def book(self, bookings: dict[str, list[Any]]) -> None:
        """[calendar, start, end] of bookings that are told of now."""
        self._change("booked", bookings)

    def hours(self, schedule: str, now: int, fresh_s: int) -> tuple[Busy, ...] | None:
        """When it offers times, if that was read less than `fresh_s` seconds ago."""
        found = self._table("hours").get(schedule)
        if not isinstance(found, list) or not 0 <= now - found[0] < fresh_s:
            return None
        return tuple(Busy(start=start, end=end) for start, end in found[1])

    def keep_hours(self, schedule: str, times: Sequence[Busy], now: int) -> None:
        """What was read now."""
        self._change("hours", {schedule: [now, [[one.start, one.end] for one in times]]})

    def tidy(self, now: int) -> None:
        """Forget what is past."""
        for key, place in (("known", None), ("ours", None), ("refused", 1), ("booked", 2)):
            table = self._table(key)
            ends = {one: value if place is None else value[place] for one, value in table.items()}
            self._change(key, {}, [one for one, end in ends.items() if (end or 0) < now - _KEEP_S])
