"""What is asked of log.db: SQL whose cost does not grow with the book. Pure.

Ids are times, so the table, its indexes and the full text all hand entries out newest first without sorting. Every question
is bounded by the page, and there is one for each pair of chosen value and level, so that a rare level of a frequent code, or
the other way round, is found as quickly as any. With words the levels and codes are asked of the full text too: it skips in
the longer list instead of looking at each of its entries.
"""

from collections.abc import Callable, Sequence
from typing import Any

from praxisd.services.logbook.rules import NAMES, tokens
from praxisd.services.logbook.shelf import Line, Wanted

GRADE = "\ue000"
"""Before a level it is the word under which the full text finds it. Nobody can ask for it: it is no letter."""
ENDINGS_MOST = 8
"""A word that is the beginning of so many words of the book is asked for as these. The full text walks whole words lazily,
newest first, but puts all lists of a beginning together before it gives the first entry.
"""
TERMS = "CREATE VIRTUAL TABLE temp.entry_terms USING fts5vocab(main, entry_words, instance)"
"""The words of the book, in order; on each connection that reads."""
Endings = Callable[[str], Sequence[str] | None]
"""All words of the book that begin so, or None where they are too many."""
_TERM = "SELECT term FROM temp.entry_terms WHERE term >= ? LIMIT 1"
_SELECT = "SELECT " + ", ".join(f"e.{name}" for name in Line._fields)
_MINE = "+e.organization IN (?, '')"
"""The plus keeps SQLite from taking the index of sources for it, which would read and sort the whole book."""


def endings(first: Callable[[str, tuple[str]], tuple[str] | None], beginning: str) -> list[str] | None:
    """All words of the book that begin so, or None where they are more than ENDINGS_MOST. `first` gives the first row of a
    question. Each word costs one look into the index, however often it was written.
    """
    if not beginning.isascii():  # others may be folded otherwise than the book folds them
        return None
    found: list[str] = []
    at = beginning
    while (row := first(_TERM, (at,))) is not None and row[0].startswith(beginning):
        if len(found) == ENDINGS_MOST:
            return None
        found.append(row[0])
        at = row[0] + "\x01"
    return found


def statements(wanted: Wanted, ended: Endings) -> list[tuple[str, list[Any]]]:
    """The questions whose answers together hold the wanted page."""
    low, high = wanted.span
    if wanted.words:
        conditions, values = (
            ["entry_words MATCH ?", "w.rowid >= ?", "w.rowid < ?"],
            [match(wanted, ended), low, high],
        )
        if wanted.after is not None:  # a tail: few entries, each looked at
            source = "entry e CROSS JOIN entry_words w ON w.rowid = e.id"
            return [_tail(wanted, source, conditions, values)]
        source = "entry_words w CROSS JOIN entry e ON e.id = w.rowid"
        return [_statement(wanted, source, "w.rowid DESC", conditions, values)]
    ranged, bounds = ["e.id >= ?", "e.id < ?"], [low, high]
    if wanted.after is not None:
        return [_tail(wanted, "entry e", ranged, bounds)]
    levels = wanted.levels or tuple(NAMES)
    for name, chosen in (("code", wanted.codes), ("source", wanted.sources)):
        if chosen:
            return [
                _statement(
                    wanted, f"entry e INDEXED BY entry_{name}", "e.id DESC", [f"e.{name} = ?", "e.level = ?", *ranged],
                    [one, level, *bounds], name, "level",
                )
                for one in chosen
                for level in levels
            ]  # fmt: skip
    if wanted.levels:
        source = "entry e INDEXED BY entry_level"
        return [
            _statement(wanted, source, "e.id DESC", ["e.level = ?", *ranged], [level, *bounds], "level")
            for level in levels
        ]
    return [_statement(wanted, "entry e", "e.id DESC", ranged, bounds)]


def match(wanted: Wanted, ended: Endings) -> str:
    """What the full text is asked. Tokens are letters and digits between quotes: none of them can be taken for its language."""
    parts = [_begun(one, ended(one[-1])) for one in wanted.words]
    if wanted.levels:
        parts.append("(" + " OR ".join(f'"{GRADE}{level}"' for level in wanted.levels) + ")")
    codes = [tokens(one) for one in wanted.codes]
    if codes and all(codes):  # the exact code is a condition besides
        parts.append("(" + " OR ".join('code : "' + " ".join(one) + '"' for one in codes) + ")")
    return " AND ".join(parts)


def _begun(tokens: Sequence[str], words: Sequence[str] | None) -> str:
    """Tokens in a row, the last of which may go on."""
    if not words:
        return '"' + " ".join(tokens) + '" *'
    return "(" + " OR ".join('"' + " ".join((*tokens[:-1], one)) + '"' for one in words) + ")"


def _tail(wanted: Wanted, source: str, conditions: list[str], values: list[Any]) -> tuple[str, list[Any]]:
    return _statement(wanted, source, "e.no", [*conditions, "e.no > ?"], [*values, wanted.after])


def _statement(
    wanted: Wanted, source: str, order: str, conditions: list[str], values: list[Any], *used: str
) -> tuple[str, list[Any]]:
    """One question; what the index does not answer is a condition."""
    conditions, values = [*conditions, _MINE], [*values, wanted.organization]
    for name, chosen in (("level", wanted.levels), ("source", wanted.sources), ("code", wanted.codes)):
        if chosen and name not in used:
            conditions.append(f"e.{name} IN ({', '.join('?' * len(chosen))})")
            values += chosen
    sql = f"{_SELECT} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
    return sql, [*values, wanted.limit]
