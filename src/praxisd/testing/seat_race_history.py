"""The history of a race for locks: one JSON object per line, for our checker and those of others.

Times are nanoseconds of the machine's clock that goes on while it sleeps: `start` before the first byte is sent, `end` after
the answer was read, so whatever was done was done between the two. What the server did by itself (`expired`, and `taken`
from whom) comes from its events, to the second: both times are the beginning of that second, on the same clock.

| op | outcome | fence |
| --- | --- | --- |
| `lock`, `wait`, `take`, `switch` | `granted` (for `seconds` from `start` on), `refused`, `unknown` | of the grant |
| `release` | `done`, `refused` (it was lost), `unknown` | of what is given back |
| `leave` | `done`: a clean end, all its locks are free | |
| `beat` | `done`; `seconds` says for how long all its locks hold from `start` on | |
| `write` | `done`, `refused`, `unknown`; `version` of the record afterwards | sent with it |
| `lost` | `done`: the client was told, or found out on coming back | of what it had |
| `expired`, `taken` | `done`, said by the server; `taken`: `fence` is the one that ended | of what ended |
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal

import msgspec

Op = Literal[
    "lock", "wait", "take", "switch", "release", "leave", "beat", "write", "expired", "taken", "lost"
]
Outcome = Literal["granted", "refused", "done", "unknown"]
GRANTS = frozenset(("lock", "wait", "take", "switch"))


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call, or one word of the server. `before`: what `switch` gave back, as (key, fence)."""

    op: Op
    key: str
    client: str
    start: int
    end: int
    outcome: Outcome
    fence: int = 0
    session: str = ""
    node: int = 0
    version: int = 0
    status: int = 0
    seconds: int = 0
    before: tuple[str, int] | None = None

    @property
    def granted(self) -> bool:
        """Somebody got the lock by it."""
        return self.op in GRANTS and self.outcome == "granted"


def now() -> int:
    """Nanoseconds, see above."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock)


def offset() -> int:
    """What to add to nanoseconds since 1970 for nanoseconds of `now`."""
    return now() - time.time_ns()


class History:
    """Writes records to a file, line by line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, record: Record) -> None:
        """Keep one."""
        self._file.write(msgspec.json.encode(record) + b"\n")


def read(paths: Iterable[Path]) -> list[Record]:
    """All records of these files, by their start."""
    found = []
    for path in paths:
        with path.open("rb") as file:
            found += [msgspec.json.decode(line, type=Record) for line in file]
    return sorted(found, key=lambda one: (one.start, one.end))


def write(path: Path, records: Iterable[Record]) -> None:
    """All records as one file."""
    with path.open("wb") as file:
        history = History(file)
        for one in records:
            history.add(one)
