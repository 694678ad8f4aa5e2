"""What is asked of log.db: SQL whose cost does not grow with the book. Pure.

Ids are times, so the table, its indexes and the full text all hand entries out newest first without sorting. Every question
is bounded by the page, and there is one for each pair of chosen value and level, so that a rare level of a frequent code, or
the other way round, is found as quickly as any. With words the levels and codes are asked of the full text too: it skips in
the longer list instead of looking at each of its entries.
"""

from typing import Any

from praxisd.services.logbook.rules import NAMES, tokens
from praxisd.services.logbook.shelf import Line, Wanted

GRADE = "\ue000"
"""Before a level it is the word under which the full text finds it. Nobody can ask for it: it is no letter."""
_SELECT = "SELECT " + ", ".join(f"e.{name}" for name in Line._fields)
_MINE = "+e.organization IN (?, '')"
"""The plus keeps SQLite from taking the index of sources for it, which would read and sort the whole book."""


def statements(wanted: Wanted) -> list[tuple[str, list[Any]]]:
    """The questions whose answers together hold the wanted page."""
    low, high = wanted.span
    if wanted.words:
        conditions, values = (
            ["entry_words MATCH ?", "w.rowid >= ?", "w.rowid < ?"],
            [match(wanted), low, high],
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


def match(wanted: Wanted) -> str:
    """What the full text is asked. Tokens are letters and digits between quotes: none of them can be taken for its language."""
    parts = ['"' + " ".join(one) + '" *' for one in wanted.words]
    if wanted.levels:
        parts.append("(" + " OR ".join(f'"{GRADE}{level}"' for level in wanted.levels) + ")")
    codes = [tokens(one) for one in wanted.codes]
    if codes and all(codes):  # the exact code is a condition besides
        parts.append("(" + " OR ".join('code : "' + " ".join(one) + '"' for one in codes) + ")")
    return " AND ".join(parts)


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
