"""How deep a copy is read after it was written, and when a medium has not been read whole for too long. Pure.

After each run what says where things lie and a twentieth of the data; every byte once a week where the medium is always there
(the job `backups.verify`), and of media that are changed every four weeks, when they are in the drive anyway (SPEC 8, issue 9).
"""

from collections.abc import Sequence
from typing import Literal

from praxisd.model.backup import Kind
from praxisd.model.backup_kept import SnapshotKept

Depth = Literal["structure", "part", "all"]
"""As `engine.Depth`."""
DAY_S = 86_400
FULL_EVERY_S = {"removable": 28 * DAY_S, "nas": 10 * DAY_S, "folder": 10 * DAY_S, "remote": 42 * DAY_S}
"""So long after the last full reading the next run reads all, where no job of the week has. Seconds."""
OLD_S = 45 * DAY_S
"""A medium that was not read whole for so long, though it was in a drive, is told of. Seconds."""


def last_full(states: Sequence[SnapshotKept]) -> int | None:
    """When all of a medium was last read without a fault."""
    return max((one.verified_at or 0 for one in states if one.verified == "all"), default=0) or None


def doubted(states: Sequence[SnapshotKept]) -> bool:
    """Was damage found on this medium, and has all of it not been read without a fault since?"""
    return any(one.doubted for one in states)


def depth(kind: Kind, last: int | None, now: int, since: int, *, doubted: bool = False) -> Depth:
    """How deep the copy just written is read. `since`: when the medium was set up; of one that is `doubted` all: a new
    state there is good only as far as the old data is that it builds upon.
    """
    if doubted:
        return "all"
    begun = since if last is None else last
    return "all" if now - begun > FULL_EVERY_S[kind] else "part"


def old(kind: Kind, last: int | None, now: int, since: int) -> bool:
    """Was it not read whole for too long?"""
    return now - (since if last is None else last) > FULL_EVERY_S[kind] + OLD_S
