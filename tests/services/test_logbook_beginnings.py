"""A word that is searched for may be the beginning of one: few words of the book are asked for as themselves, many as a
beginning; what is found is the same either way, and the same as looking at each entry.
"""

import random
from pathlib import Path

import pytest

from praxisd.services.logbook import rules, sqlite_queries
from praxisd.services.logbook.shelf import Batch, Wanted
from praxisd.services.logbook.sqlite_store import SqliteShelf

WORDS = (
    "paper", "papers", "paperless", "Päper", "pap", "printer", "print", "P1", "p10", "p11", "p12", "p13", "p14", "p15", "p16",
    "p17", "größe", "grob", "groß", "x",
)  # fmt: skip
ASKED = (
    "p",
    "pa",
    "paper",
    "papers",
    "print",
    "printer",
    "p1",
    "p10",
    "grö",
    "gro",
    "größe",
    "x",
    "xy",
    "nothing",
    "paper_prin",
)


@pytest.fixture
def shelf(tmp_path: Path) -> SqliteShelf:
    """300 entries of two or three words each, in batches, so that the full text has several pieces."""
    found, dice = SqliteShelf(tmp_path / "log.db"), random.Random(7)
    for start in range(1, 301, 50):
        kept = []
        for n in range(start, start + 50):
            level, text = dice.choice((20, 40)), " ".join(dice.sample(WORDS, dice.choice((2, 3))))
            kept.append(rules.Kept(n, n * 1000, n * 1000, level, "status", "a.b", "", "", text, None))
        found.put([Batch("p", "seat-1", kept, start * 1000)])
    return found


def looked_at(shelf: SqliteShelf, words: tuple[tuple[str, ...], ...], levels: tuple[int, ...]) -> list[int]:
    """Which entries fit, by looking at each."""

    def has(text: list[str], asked: tuple[str, ...]) -> bool:
        *whole, last = asked
        size = len(asked)
        return any(
            text[n : n + size - 1] == whole and text[n + size - 1].startswith(last)
            for n in range(len(text) - size + 1)
        )

    every = shelf.find(Wanted(organization="p", limit=1000), 30)
    return [
        one.no
        for one in every
        if (not levels or one.level in levels) and all(has(rules.tokens(one.text), asked) for asked in words)
    ]


@pytest.mark.parametrize("levels", [(), (40,)])
@pytest.mark.parametrize("words", [*((one,) for one in ASKED), ("paper", "pri"), ("p1", "gro")])
def test_what_begins_so_is_found(shelf: SqliteShelf, words: tuple[str, ...], levels: tuple[int, ...]) -> None:
    asked = tuple(map(tuple, rules.asked(" ".join(words))))
    found = shelf.find(Wanted(organization="p", words=asked, levels=levels, limit=1000), 30)
    assert [one.no for one in found] == looked_at(shelf, asked, levels)
    told = shelf.find(Wanted(organization="p", words=asked, levels=levels, after=100, limit=1000), 30)
    assert [one.no for one in told] == [no for no in reversed(looked_at(shelf, asked, levels)) if no > 100]
    shelf.close()


def test_few_words_are_asked_for_as_themselves_and_many_as_a_beginning(shelf: SqliteShelf) -> None:
    with shelf._reading() as there:

        def first(sql: str, values: tuple[str]) -> tuple[str] | None:
            row: tuple[str] | None = there.execute(sql, values).fetchone()
            return row

        assert sqlite_queries.endings(first, "paper") == ["paper", "paperless", "papers"]
        assert sqlite_queries.endings(first, "p1") is None  # nine of them
        assert sqlite_queries.endings(first, "p10") == ["p10"]
        assert sqlite_queries.endings(first, "nothing") == []
        assert sqlite_queries.endings(first, "grö") is None
    shelf.close()
