"""Shelf: what the two engines of the logbook promise (`sqlite_store`, `postgres_store`), and what they take and give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from praxisd.services.logbook.rules import Kept

BITS = 21
"""An entry's id is its placed time (epoch ms) and so many bits of its number of arrival: in order of time, and unique."""
SLICE = 2_000
"""Rows deleted in one transaction."""


def first_id(ms: int) -> int:
    """The lowest id an entry placed at this time can have."""
    return max(ms, 0) << BITS


def id_of(placed: int, no: int) -> int:
    """The id of an entry."""
    return (placed << BITS) | (no & ((1 << BITS) - 1))


class Batch(NamedTuple):
    """What one source sends at once."""

    organization: str
    source: str
    rows: Sequence[Kept]
    got: int


class Stored(NamedTuple):
    """What became of a batch: how many were new, how many were known. `reused`: a number that stands for another entry."""

    new: int
    known: int
    reused: int | None = None


class Line(NamedTuple):
    """An entry as it is found. `no`: its number of arrival."""

    id: int
    no: int
    organization: str
    source: str
    seq: int
    at: int
    got: int
    level: int
    kind: str
    code: str
    fields: str
    pseudo: str
    text: str
    private: str | None


COLUMNS = ", ".join(Line._fields)


class SourceFacts(NamedTuple):
    """What is known of a source. Times epoch ms."""

    source: str
    upto: int
    first_got: int
    last_got: int
    stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched: entries of a practice and of the installation, newest first, or with `after` in order of arrival.

    `first`/`last` are epoch ms (last excluded), `before` an id, `after` a number of arrival, `words` groups of tokens.
    """

    organization: str
    first: int | None = None
    last: int | None = None
    levels: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    before: int | None = None
    after: int | None = None
    limit: int = 50

    @property
    def span(self) -> tuple[int, int]:
        """Lowest and highest id (excluded) it can be."""
        low = 0 if self.first is None else first_id(self.first)
        high = (1 << 62) if self.last is None else first_id(self.last)
        return low, high if self.before is None else min(high, self.before)


class Figures(NamedTuple):
    """How full it is: bytes in use, bytes on disk, entries by level."""

    used: int
    disk: int
    levels: dict[int, int]
    oldest: int | None
    newest: int | None


class Shelf(Protocol):
    """One open log database. Safe for threads; failures are `shelf.Unavailable`."""

    def put(self, batches: Sequence[Batch]) -> list[Stored]:
        """Keep all in one transaction that is on disk when this returns."""

    def find(self, wanted: Wanted, seconds: float) -> list[Line]:
        """At most `limit` entries; TooWide when it takes longer."""

    def last_no(self) -> int:
        """The highest number of arrival, 0 without any."""

    def sources(self, organization: str) -> list[SourceFacts]:
        """All that ever sent."""

    def figures(self) -> Figures:
        """How full it is."""

    def days(self, organization: str, first: int) -> list[tuple[int, int, int]]:
        """(day since epoch, level, count) of warnings and errors placed since `first` (epoch ms)."""

    def purge(self, before: int, below: int, start: int) -> tuple[int, int]:
        """Delete a slice of entries placed before (epoch ms) and below a level, from id `start` on.

        How many, and where to go on; 0 ends it.
        """

    def shrink(self, below: int, most: int) -> int:
        """Delete a slice of the oldest entries below a level, at most so many; how many."""

    def forget_private(self, organizations_with: Sequence[str]) -> int:
        """Drop patient values of all practices but these; how many entries."""

    def tidy(self, pages: int = 2_000) -> bool:
        """Give room back to the disk, a little at a time; True while there is more."""

    def close(self) -> None:
        """Close it."""


class Unavailable(Exception):
    """The log database cannot be used now; `code` is the engine's own word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


LOST = "lost"
"""The word of Unavailable for a file that is gone while it is open."""


class TooWide(Exception):
    """The search takes too long."""
