"""What the adapter of 116117 remembers between calls: ids of the service, times and versions; never anything of a person.

Each entry that belongs to a time carries its end, so that what is past can be forgotten.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from praxisd.model.portals import Told
from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import Booking, Memory, Unknown
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
        """When it was last `polled`, read as a `whole`, and the last change was `recorded` (epoch seconds)."""
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
        self._change("unknown", {}, slots)

    def forget(self, slot: str, start: int, end: int) -> None:
        """It is gone; what comes at the same time is another one."""
        there = f"/{start}/{end}"
        self._change("known", {}, [one for one in self._table("known") if one == slot or one.endswith(there)])
        self._change("unknown", {}, [slot])
        self.disown([slot])

    def unknown(self, now: int) -> tuple[Unknown, ...]:
        """Slots of which nobody here knows, as they were last read."""
        found = (Unknown(id_, *rest) for id_, rest in self._table("unknown").items())
        return tuple(one for one in found if one.end > now)

    def keep_unknown(self, found: Iterable[Unknown], whole: bool) -> None:
        """These were read now; `whole`: there are no others."""
        new = {one.id: [one.calendar, one.start, one.end, one.version] for one in found}
        self._change("unknown", new, [one for one in self._table("unknown") if whole and one not in new])

    @property
    def ours(self) -> frozenset[str]:
        """Slots that are busy because we said so."""
        return frozenset(self._table("ours"))

    def own(self, slots: dict[str, int]) -> None:
        """We are about to report these slots as busy."""
        self._change("ours", slots)

    def disown(self, slots: Iterable[str]) -> None:
        """They are free, or busy for another reason."""
        self._change("ours", {}, slots)

    def refused(self, what: str, version: str) -> bool:
        """Was this not accepted, in just this version?"""
        return bool(self._table("refused").get(what, [None])[0] == version)

    def refuse(self, what: str, version: str, end: int) -> None:
        """Not to be tried again while the version is the same."""
        self._change("refused", {what: [version, end]})

    def accept(self, what: Iterable[str]) -> None:
        """These were taken after all."""
        self._change("refused", {}, what)

    def book(self, bookings: dict[str, list[Any]]) -> None:
        """[calendar, start, end] of bookings that are told of now."""
        self._change("booked", bookings)

    def end(self, bookings: Iterable[str]) -> None:
        """These were deleted at the service."""
        table = self._table("booked")
        self._change("booked", {one: [*table[one][:3], True] for one in bookings if one in table})

    def deleted(self, now: int) -> tuple[Booking, ...]:
        """Bookings that were told of, were deleted since, and would lie ahead."""
        table = self._table("booked")
        return tuple(
            Booking(id_, one[0], one[1], one[2], Told(), cancelled=True)
            for id_, one in table.items()
            if len(one) > 3 and one[2] > now
        )

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
        for key, place in (("known", None), ("ours", None), ("refused", 1), ("booked", 2), ("unknown", 2)):
            table = self._table(key)
            ends = {one: value if place is None else value[place] for one, value in table.items()}
            self._change(key, {}, [one for one, end in ends.items() if (end or 0) < now - _KEEP_S])
