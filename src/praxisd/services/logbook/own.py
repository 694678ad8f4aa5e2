"""The server's own lines: warnings and errors of its log come into the book by themselves, and services may note more.

The log's wall (`kernel/log.py`) has let through only words and numbers; ids among them are pseudonyms here.
"""

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.log import is_grave
from praxisd.services.logbook import rules
from praxisd.services.logbook.book import book_of
from praxisd.services.logbook.entries import Field, Kind, Level, LogEntry
from praxisd.services.logbook.judging import judged

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PSEUDONYMS = frozenset({"actor", "subject", "key", "request", "run", "organization", "portal"})
"""Fields of log lines that name somebody's record or account."""
_OWN = "logbook_"
"""Lines about the logbook itself stay out of it: a book that fails would write that it fails."""
_LONGEST = 2_000
_gate = Lock()
_last = 0


def _seq() -> int:
    """Microseconds since 1970, always more than before: numbers that go on after a restart."""
    global _last
    with _gate:
        _last = max(time.time_ns() // 1000, _last + 1)
        return _last


def start(house: "House") -> None:
    """From now on, and what was said since the program began."""
    for _, line in house.log.recent():
        if is_grave(line):
            heard(house, line)
    house.log.listen(lambda line: heard(house, line))


def heard(house: "House", line: bytes) -> None:
    """A line of the log, of level warning or error."""
    entry = entry_of(line, _seq())
    if not entry.code.startswith(_OWN):
        _give(house, entry, "")


def entry_of(line: bytes, seq: int) -> LogEntry:
    """A line of the log as an entry; what does not fit a field (places, causes) is its text."""
    found: dict[str, Any] = msgspec.json.decode(line)
    level: Level = found.pop("level")
    at, code = str(found.pop("at")), str(found.pop("event"))
    fields, text = {}, []
    for name, value in found.items():
        if isinstance(value, list):
            text.append(f"{name}: " + " < ".join(map(str, reversed(value))))
        elif isinstance(value, bool | int | float | str):
            kept = value[:200] if isinstance(value, str) else value
            fields[name] = Field(class_="pseudonym" if name in PSEUDONYMS else "tech", value=kept)
    kind: Kind = "error" if level == "error" else "status"
    said = "\n".join(text)[:_LONGEST] or None
    return LogEntry(seq=seq, at=at, level=level, kind=kind, code=code, fields=fields, text=said)


def note(
    house: "House", code: str, *, level: Level, kind: Kind, organization: str, fields: dict[str, Field], text: str | None
) -> None:  # fmt: skip
    """A line that a service gives."""
    at = rules.shown(house.clock.now_ms())
    _give(
        house,
        LogEntry(seq=_seq(), at=at, level=level, kind=kind, code=code, fields=fields, text=text),
        organization,
    )


def _give(house: "House", entry: LogEntry, organization: str) -> None:
    book = book_of(house)
    book.later(organization, book.server, [judged(entry, house.clock.now_ms(), diagnose=False)])
