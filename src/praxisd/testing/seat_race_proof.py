"""Would the judge see it? Faults are planted in the history that was recorded, one at a time; it has to find each."""

from collections.abc import Callable

from msgspec.structs import replace

from praxisd.testing.seat_race_check import SECOND, check, holds, stale
from praxisd.testing.seat_race_history import Record

Plant = Callable[[list[Record]], list[Record] | None]


def _two_with_one_fence(records: list[Record]) -> list[Record] | None:
    """Another client is granted a fence that somebody has."""
    for number, one in enumerate(records):
        if one.granted:
            other = replace(one, client="x", session="f" * 32)
            return [*records[: number + 1], other, *records[number + 1 :]]
    return None


def _no_end(records: list[Record]) -> list[Record] | None:
    """A hold was never given back, and the next one was granted all the same."""
    found, _ = holds(records)
    for one in records:
        after = found.get((one.key, one.fence + 1))
        if one.op == "release" and one.outcome == "done" and after is not None:
            mine = found.get((one.key, one.fence))
            if mine is not None and mine.session != after.session:
                return [other for other in records if other is not one]
    return None


def _fence_goes_back(records: list[Record]) -> list[Record] | None:
    """A later grant has a smaller fence than all before."""
    grants = [one for one in records if one.granted]
    for late in reversed(grants):
        early = [one for one in grants if one.key == late.key and one.end < late.start]
        if len(early) > 1:
            return [replace(one, fence=0) if one is late else one for one in records]
    return None


def _stale_write_is_taken(records: list[Record]) -> list[Record] | None:
    """A write that was refused as too late was accepted."""
    found, _ = holds(records)
    for one in stale(records, found):
        if one.outcome == "refused":
            return [replace(other, outcome="done", version=1) if other is one else other for other in records]
    return None


def _early_expiry(records: list[Record]) -> list[Record] | None:
    """A lock expires right after a beat."""
    grants = [one for one in records if one.granted and one.seconds]
    if not grants:
        return None
    one = grants[len(grants) // 2]
    at = one.end + SECOND
    told = Record(
        op="expired",
        key=one.key,
        client=one.client,
        start=at,
        end=at + SECOND,
        outcome="done",
        fence=one.fence,
    )
    return sorted([*records, told], key=lambda record: record.start)


def _same_version_twice(records: list[Record]) -> list[Record] | None:
    """Two writes made the same version: one of them is lost."""
    for number, one in enumerate(records):
        if one.op == "write" and one.outcome == "done":
            return [*records[: number + 1], one, *records[number + 1 :]]
    return None


PLANTS: dict[str, tuple[Plant, str]] = {
    "second holder of a fence": (_two_with_one_fence, "two_holders"),
    "grant of what was not given back": (_no_end, "two_holders"),
    "fence that goes back": (_fence_goes_back, "fence_order"),
    "accepted stale write": (_stale_write_is_taken, "stale_write"),
    "early expiry": (_early_expiry, "expired_early"),
    "lost write": (_same_version_twice, "lost_write"),
}
"""By name: how it is planted (None where the history has no place for it), and the kind of violation it has to be."""


def unproven(records: list[Record]) -> list[str]:
    """Names of plants that the judge did not find."""
    missed = []
    clean = {one.kind for one in check(records)}
    for name, (plant, kind) in PLANTS.items():
        spoilt = plant(records)
        if spoilt is None or kind in clean:
            continue
        if kind not in {one.kind for one in check(spoilt)}:
            missed.append(name)
    return missed
