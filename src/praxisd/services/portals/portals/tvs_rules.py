"""116117 Terminsynchronisation, decided without speaking to it: which slots differ, when to ask, what to try again.

Sources: Technische Anlage „116117 Terminservice – Abrechnungsinformation“ 1.0.1 § 4.2 (not below 60 minutes);
Implementierungsleitfaden TVS 1.8/1.9 (slot status, batch, versions). Times are epoch seconds.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from praxisd.model.scheduling import Busy

POLL_S = 3_600
"""Least time between two searches for changes."""
WHOLE_S = 86_400
"""So often everything is read anew, since changed data of a patient shows in no Provenance."""
OVERLAP_S = 300
"""So far each search for changes reaches back behind the last one: something may be recorded late."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A slot at the service. `status` as in FHIR: free, busy (taken), busy-unavailable (blocked), busy-tentative."""

    id: str
    schedule: str
    start: int
    end: int
    status: str
    version: str


class Taken:
    """Busy times, merged, to be asked many times."""

    def __init__(self, busy: Iterable[Busy]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((one.start, one.end) for one in busy):
            if end <= start:
                continue
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touches(self, start: int, end: int) -> bool:
        """Does any of them share a moment with [start, end)?"""
        at = bisect_right(self._ends, start)
        return start < end and at < len(self._starts) and self._starts[at] < end


@dataclass(frozen=True, slots=True)
class Change:
    """A slot that must get another status."""

    slot: Offered
    status: Literal["busy", "free"]


def changes(
    slots: Iterable[Offered], busy: Iterable[Busy], ours: Collection[str], start: int, end: int
) -> tuple[Change, ...]:
    """What must be reported so that no slot of [start, end) is free where the practice is busy.

    A free slot that a busy time touches becomes busy. A busy one becomes free again only if we had made it busy (`ours`)
    and the period tells of all of it. What is blocked, reserved or booked there is left alone. Sorted by start.
    """
    taken, found = Taken(busy), list[Change]()
    for slot in slots:
        if slot.end <= start or end <= slot.start:
            continue
        covered = taken.touches(slot.start, slot.end)
        whole = start <= slot.start and slot.end <= end
        if covered and slot.status == "free":
            found.append(Change(slot, "busy"))
        elif not covered and whole and slot.status == "busy" and slot.id in ours:
            found.append(Change(slot, "free"))
    return tuple(sorted(found, key=lambda one: (one.slot.start, one.slot.id)))


def offered_times(slots: Iterable[Offered]) -> tuple[Busy, ...]:
    """When times are offered to patients, taken or not: what is blocked is not. Merged, sorted."""
    found: list[Busy] = []
    spans = {(one.start, one.end) for one in slots if one.status in ("free", "busy", "busy-tentative")}
    for start, end in sorted(spans):
        if found and start <= found[-1].end:
            found[-1] = Busy(start=found[-1].start, end=max(end, found[-1].end))
        else:
            found.append(Busy(start=start, end=end))
    return tuple(found)


def stamp(version: str, slots: Iterable[Offered], time: Busy) -> str:
    """The version of what a new slot depends on: its Terminprofil, and the slots that overlap it."""
    beside = sorted(
        f"{one.id}.{one.version}" for one in slots if one.start < time.end and time.start < one.end
    )
    return hashlib.sha256("\0".join((version, *beside)).encode()).hexdigest()[:16]


def due(last: int | None, now: int) -> bool:
    """May the service be asked for changes again?"""
    return last is None or now >= last + POLL_S


def by_name(found: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The ids of schedules by names that tell them apart, from (id, name, doctor): the doctor is added where needed,
    then the id.
    """
    named: dict[str, str] = {}
    plain = [name for _, name, _ in found]
    fuller = [f"{name} ({doctor})" if doctor else name for _, name, doctor in found]
    for index, (id_, name, _) in enumerate(found):
        if plain.count(name) == 1:
            named[name] = id_
        elif fuller.count(fuller[index]) == 1:
            named[fuller[index]] = id_
        else:
            named[f"{fuller[index]} [{id_}]"] = id_
    return named
