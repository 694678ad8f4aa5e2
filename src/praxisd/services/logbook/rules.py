"""What is kept of an entry, where it stands in time, and by which words it is found. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from praxisd.kernel.errors import Problem

LEVELS = ("debug", "info", "warning", "error")
NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
NAMES = {number: name for name, number in NUMBERS.items()}
WARNING = NUMBERS["warning"]
SERVER = "server"
"""The source of the server's own lines; with the computer's name behind it where several share a database."""
AHEAD_MS = 300_000
"""So far a source's clock may be ahead before its time is not believed. Milliseconds."""
BEHIND_MS = 90 * 86_400_000
"""So old an entry may be when it comes. Milliseconds."""
_TOKEN = re.compile(r"[^\W_]+")
_SPOKEN = re.compile(r"\S+")
MOST_WORDS = 8


class Kept(NamedTuple):
    """An entry as it is kept. Times are epoch milliseconds: `at` as the source says, `placed` where it stands in the book.

    `fields`, `pseudo` and `private` are JSON objects of tech, pseudonym and patient values; `private` is None without any.
    """

    seq: int
    at: int
    placed: int
    level: int
    kind: str
    code: str
    fields: str
    pseudo: str
    text: str
    private: str | None


def placed(at: int, got: int) -> int:
    """Where an entry stands: at its own time, unless the source's clock cannot be right; then when it came."""
    return at if got - BEHIND_MS <= at <= got + AHEAD_MS else got


def encoded(values: dict[str, object]) -> str:
    """JSON with real letters (they are searched), nothing for nothing."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else ""


def clean(text: str) -> str:
    """Without control characters and halves of characters, which no database and no terminal should get."""
    return "".join(one if unicodedata.category(one) not in ("Cc", "Cs") else " " for one in text)


def moment(text: str) -> int | None:
    """Epoch milliseconds of an RFC 3339 time with an offset; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None or not 1970 < found.year < 2100:
        return None
    return int(found.timestamp() * 1000)


def shown(ms: int) -> str:
    """`2026-11-28T09:00:00.000Z`."""
    second, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def folded(text: str) -> str:
    """For comparing: small, without marks. `ß` stays, as SQLite's full text keeps it."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(one for one in parts if not unicodedata.combining(one))


def tokens(text: str) -> list[str]:
    """The words of a text, as both engines index them."""
    return _TOKEN.findall(folded(text))


def asked(words: str) -> list[list[str]]:
    """What a person typed, word by word, each as the tokens it falls into (`paper_out` is two that belong together).

    Problem `logbook.too_many_words` (422) for more than eight.
    """
    found = [parts for parts in (tokens(one) for one in _SPOKEN.findall(words)) if parts]
    if len(found) > MOST_WORDS:
        raise Problem("logbook.too_many_words", 422, most=MOST_WORDS)
    return found


def numbers(levels: Iterable[str] | None) -> tuple[int, ...]:
    """Levels as numbers; none for all of them."""
    found = tuple(sorted({NUMBERS[one] for one in levels or ()}))
    return () if len(found) == len(LEVELS) else found


def upto(rows: Sequence[Kept]) -> int:
    """The highest number of a batch: all of it is kept once this is said."""
    return max((one.seq for one in rows), default=0)
