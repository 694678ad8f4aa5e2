"""The judge of a race for locks. It looks at a history only, and knows nothing of how the server works.

A grant of fence f is the hold f of its key. It ends by its holder's release, switch or clean end, by an expiry, or because it
was taken over. What must be true:

- one fence of a key has one holder, and whoever is granted it later than another was, in real time, has the higher fence;
- a hold had ended, or its end had been asked for, before the next one was granted: never two holders;
- no lock expires while its holder's last beat, by its own clock, is still good;
- no write is accepted whose fence had ended for certain before it was sent, and versions and fences grow together.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from praxisd.testing.seat_race_history import Record

SECOND = 1_000_000_000
ROUNDED = 2 * SECOND
"""The server counts whole seconds, and so does the time of an event."""


@dataclass(frozen=True)
class Violation:
    """A promise that was broken."""

    kind: str
    text: str


@dataclass
class Hold:
    """One fence of one key. Times are None while nothing is known."""

    key: str
    fence: int
    client: str
    session: str
    asked: int
    granted: int
    end_asked: int | None = None
    """The earliest moment at which its end may have been done."""
    ended: int | None = None
    """From here on it has ended for certain."""

    def end(self, start: int, end: int | None) -> None:
        """It ended between the two, or (end None) perhaps."""
        self.end_asked = start if self.end_asked is None else min(self.end_asked, start)
        if end is not None:
            self.ended = end if self.ended is None else min(self.ended, end)


def holds(records: Iterable[Record]) -> tuple[dict[tuple[str, int], Hold], list[Violation]]:
    """All holds by key and fence, with their ends; and fences that two had."""
    found: dict[tuple[str, int], Hold] = {}
    faults = []
    everything = list(records)
    for one in everything:
        if not one.granted:
            continue
        hold = found.get((one.key, one.fence))
        if hold is None:
            found[one.key, one.fence] = Hold(one.key, one.fence, one.client, one.session, one.start, one.end)
        elif (hold.client, hold.session) != (one.client, one.session):
            faults.append(
                Violation(
                    "two_holders",
                    f"{one.key} fence {one.fence}: {hold.client} and {one.client} at once",
                )
            )
        else:  # asked for again by who has it
            hold.asked, hold.granted = min(hold.asked, one.start), min(hold.granted, one.end)
    by_session: dict[tuple[str, str], list[Hold]] = defaultdict(list)
    for hold in found.values():
        by_session[hold.client, hold.session].append(hold)
    for one in everything:
        ended = None if one.outcome == "unknown" else one.end
        mine = found.get((one.key, one.fence))
        if (one.op == "release" and mine is not None and mine.session == one.session) or (
            one.op == "expired" and mine is not None
        ):
            mine.end(one.start, ended)
        elif one.op == "take" and one.granted:
            before = found.get((one.key, one.fence - 1))
            if before is not None:
                before.end(one.start, one.end)
        elif one.op == "switch" and one.before is not None and one.outcome != "refused":
            before = found.get(one.before)
            if before is not None:
                before.end(one.start, ended)
        elif one.op == "leave":
            for hold in by_session[one.client, one.session]:
                hold.end(one.start, ended)
    return found, faults


class Highest:
    """The highest fence of a key that had been granted before a moment."""

    def __init__(self, mine: Iterable[Hold]) -> None:
        ordered = sorted((one.granted, one.fence) for one in mine)
        self._times = [at for at, _ in ordered]
        self._fences = list(accumulate((fence for _, fence in ordered), max))

    def before(self, moment: int) -> int:
        """0 where there was none."""
        number = bisect_left(self._times, moment)
        return self._fences[number - 1] if number else 0


def check_exclusion(found: dict[tuple[str, int], Hold]) -> list[Violation]:
    """Never two holders; fences grow with time."""
    faults = []
    for key, mine in _by_key(found.values()).items():
        granted = Highest(mine)
        for hold in mine:  # whoever was granted it before this one was even asked for has a smaller fence
            if granted.before(hold.asked) > hold.fence:
                faults.append(
                    Violation("fence_order", f"{key}: {hold.fence} after {granted.before(hold.asked)}")
                )
        ordered = sorted(mine, key=lambda one: one.fence)
        for before, after in pairwise(ordered):
            if before.end_asked is None or before.end_asked > after.granted:
                faults.append(
                    Violation(
                        "two_holders",
                        f"{key}: {after.client} got fence {after.fence} while {before.client} had {before.fence}",
                    )
                )
    return faults


def check_expiries(records: Iterable[Record], found: dict[tuple[str, int], Hold]) -> list[Violation]:
    """No lock expires early, and none twice."""
    faults, seen = list[Violation](), set[tuple[str, int]]()
    beats: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    grants: dict[tuple[str, int], int] = {}
    everything = list(records)
    for one in everything:
        until = one.start + one.seconds * SECOND
        if one.seconds and one.op == "beat" and one.outcome == "done":
            beats[one.client, one.session].append((one.start, until))
        elif one.seconds and one.granted:  # of this record alone: only a beat renews all of a seat's
            grants[one.key, one.fence] = max(until, grants.get((one.key, one.fence), 0))
    for one in everything:
        if one.op != "expired":
            continue
        if (one.key, one.fence) in seen:
            faults.append(Violation("expired_twice", f"{one.key} fence {one.fence}"))
        seen.add((one.key, one.fence))
        hold = found.get((one.key, one.fence))
        if hold is None:
            continue
        # Beats that were sent once it was held, and before it expired: each made it good for so long.
        mine = [until for sent, until in beats[hold.client, hold.session] if hold.asked <= sent < one.start]
        until = max([*mine, grants.get((one.key, one.fence), 0)])
        if one.start + ROUNDED < until:
            early = (until - one.start) / SECOND
            faults.append(Violation("expired_early", f"{one.key} fence {one.fence}: {early:.1f} s early"))
    return faults


def stale(records: Iterable[Record], found: dict[tuple[str, int], Hold]) -> list[Record]:
    """Writes that were sent after their fence had ended for certain: by its own end, or since a higher one was granted."""
    granted = {key: Highest(mine) for key, mine in _by_key(found.values()).items()}
    late = []
    for one in records:
        if one.op != "write":
            continue
        hold = found.get((one.key, one.fence))
        over = hold is None or (hold.ended is not None and hold.ended < one.start)
        if over or granted[one.key].before(one.start) > one.fence:
            late.append(one)
    return late


def check_writes(records: Iterable[Record], found: dict[tuple[str, int], Hold]) -> list[Violation]:
    """No stale write is accepted; versions and fences grow together."""
    everything = list(records)
    faults = [
        Violation("stale_write", f"{one.key} fence {one.fence} by {one.client}, version {one.version}")
        for one in stale(everything, found)
        if one.outcome == "done"
    ]
    accepted: dict[str, list[Record]] = defaultdict(list)
    for one in everything:
        if one.op == "write" and one.outcome == "done":
            accepted[one.key].append(one)
    for key, writes in accepted.items():
        ordered = sorted(writes, key=lambda one: one.version)
        for before, after in pairwise(ordered):
            if before.version == after.version:
                faults.append(Violation("lost_write", f"{key}: two writes made version {after.version}"))
            if before.fence > after.fence:
                faults.append(
                    Violation("write_order", f"{key}: fence {after.fence} wrote after {before.fence}")
                )
    return faults


def check(records: Iterable[Record]) -> list[Violation]:
    """All of it."""
    everything = list(records)
    found, faults = holds(everything)
    faults += check_exclusion(found)
    faults += check_expiries(everything, found)
    faults += check_writes(everything, found)
    return faults


def _by_key(found: Iterable[Hold]) -> dict[str, list[Hold]]:
    by_key: dict[str, list[Hold]] = defaultdict(list)
    for hold in found:
        by_key[hold.key].append(hold)
    return by_key
