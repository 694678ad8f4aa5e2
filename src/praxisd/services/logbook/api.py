"""The only door of the logbook for other services: give entries, and know that they are on disk."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.services.logbook import diagnosing, own, rules
from praxisd.services.logbook.book import book_of
from praxisd.services.logbook.entries import Class, Field, Kind, Level, LogEntry, Value, read
from praxisd.services.logbook.judging import judged
from praxisd.services.logbook.rules import Kept
from praxisd.services.logbook.shelf import Stored

if TYPE_CHECKING:
    from praxisd.kernel.app import House

__all__ = ["Class", "Field", "Kind", "Level", "LogEntry", "Value", "note", "put", "take"]
Entries = Iterable[LogEntry | msgspec.Raw | bytes]


def take(house: "House", organization: str, source: str, entries: Entries) -> int:
    """Keep entries of a source (a seat's id, `key:<id>`); the highest number that is on disk now. Any thread.

    All of them are kept, or none; those that are there already are not kept twice. An undecoded entry that cannot be read is
    kept by its number alone. Problems: `logbook.bad_entry` (400), `logbook.seq_reused` (409), `logbook.unavailable` (503).
    """
    rows = _judged(house, organization, entries)
    if rows:
        book_of(house).take(organization, source, rows)
    return rules.upto(rows)


def put(
    house: "House", organization: str, source: str, entries: Entries, done: Callable[[int | Problem], None]
) -> None:
    """The same without waiting: `done` gets the number or the Problem, from the writing thread; it must be quick."""
    try:
        rows = _judged(house, organization, entries)
    except Problem as problem:
        done(problem)
        return
    top = rules.upto(rows)

    def ended(job: "Future[Stored]") -> None:
        error = job.exception()
        if error is None:
            done(top)
        else:
            done(error if isinstance(error, Problem) else Problem("logbook.unavailable", 503, retry=True))

    book_of(house).later(organization, source, rows).add_done_callback(ended)


def note(
    house: "House",
    code: str,
    *,
    level: Level = "info",
    kind: Kind = "status",
    organization: str = "",
    fields: Mapping[str, Field] | None = None,
    text: str | None = None,
) -> None:
    """A line of the server itself, kept soon. It waits for nothing and never fails; `text` is tech only."""
    own.note(
        house, code, level=level, kind=kind, organization=organization, fields=dict(fields or {}), text=text
    )


def _judged(house: "House", organization: str, entries: Entries) -> list[Kept]:
    got = house.clock.now_ms()
    found = read(entries, format_rfc3339(got // 1000))
    asks = any(one.class_ == "patient" for entry in found for one in entry.fields.values())
    diagnose = asks and diagnosing.is_on(house, organization)
    return [judged(one, got, diagnose=diagnose) for one in found]
