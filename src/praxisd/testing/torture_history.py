"""The history of a torture: one JSON object per line for every request, for our checker and those of others.

The format is described in docs/reference/history.md. Times are nanoseconds of one monotonic clock of the machine:
`start` is taken before the first byte of the request is sent, `end` after the last byte of the answer has come, so
whatever the request did, it did between the two.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

Outcome = Literal["done", "refused", "unanswered"]
ATTEMPTS = frozenset(("book", "move", "replace"))
"""Operations that give an appointment a time, and so could double-book; holds and reservations come on top."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An appointment as an answer showed it. `start`, `end`: epoch seconds; `before`, `after`: buffers in minutes.

    `version` None: the answer did not tell. `partial`: there may be more columns than `schedules` names (FHIR shows
    slots).
    """

    id: str
    version: int | None
    status: str
    start: int = 0
    end: int = 0
    schedules: tuple[str, ...] = ()
    before: int = 0
    after: int = 0
    partial: bool = False

    def agrees(self, other: "Shown") -> bool:
        """Whether both can be the same version of the same appointment."""
        mine, theirs = frozenset(self.schedules), frozenset(other.schedules)
        columns = (mine <= theirs or other.partial) and (theirs <= mine or self.partial)
        return columns and (self.status, self.start, self.end) == (other.status, other.start, other.end)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what became of it. `tag` is a word the booking carries, unique for each wish to book."""

    n: int
    op: str
    door: str
    node: int
    client: str
    credential: str
    key: str | None
    tag: str | None
    request: dict[str, Any]
    start: int
    end: int
    outcome: Outcome
    status: int
    code: str | None
    replayed: bool = False
    appointment: Shown | None = None
    cancelled: str | None = None

    @property
    def subject(self) -> str | None:
        """Id of the existing appointment that the request is about; None for a booking."""
        found = self.request.get("appointment")
        return found if isinstance(found, str) else None


class History:
    """Collects records in memory and, line by line, in a file."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self.records: list[Record] = []
        self._file = file
        self._numbers = 0

    def number(self) -> int:
        """The number of the next request."""
        self._numbers += 1
        return self._numbers

    def add(self, record: Record) -> None:
        """Keep a finished request."""
        self.records.append(record)
        if self._file is not None:
            self._file.write(msgspec.json.encode(record) + b"\n")


def read(path: Path) -> list[Record]:
    """The records of a file, in the order in which their requests ended."""
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=Record) for line in file]


def attempts(records: Iterable[Record]) -> int:
    """How many requests tried to give an appointment a time; repetitions of a kept answer are none."""
    return sum(
        1
        for r in records
        if r.op in ATTEMPTS
        and not r.replayed
        and r.code not in ("http.idempotency_running", "calendar.frozen")
    )
