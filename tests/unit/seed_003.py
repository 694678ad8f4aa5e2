"""The seed of the medatixx products, read for the tests that hold our data against it; it lies beside the project or not."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import foreign_folder

COLUMNS = ("x.comfort", "x.concept", "x.isynet", "medatixx", "easymed")
ROWS, FLAGS = 67, 173
"""Rows of the seed's port table, and crosses in its columns of products: for where the seed is not at hand."""


@dataclass(frozen=True)
class SeedPort:
    """One row of the port table, as printed (but for the tags of links)."""

    service: str
    products: frozenset[str]
    protocol: str
    ports: str
    ways: tuple[bool, bool, bool, bool]
    target: str


def path() -> Path:
    """Where the seed lies."""
    return foreign_folder().parent / "seeds" / "003_medatixx_rahmenbedingungen.txt"


def text() -> str | None:
    """The seed, or None where it is not at hand."""
    return path().read_text(encoding="utf-8") if path().is_file() else None


def bare(cell: str) -> str:
    """A cell without tags and stars."""
    return re.sub(r"<[a-z/][^>]*>|\*\*", "", cell).strip()


def ports(seed: str) -> list[SeedPort]:
    """The rows of the port table: those whose cells of products hold a cross or nothing."""
    found = []
    for line in seed.splitlines():
        cells = line.split("\t")
        if len(cells) < 13 or not cells[0] or not set(cells[1:6]) <= {"x", ""}:
            continue
        named = frozenset(name for name, cross in zip(COLUMNS, cells[1:6], strict=True) if cross)
        ways = (cells[8] == "x", cells[9] == "x", cells[10] == "x", cells[11] == "x")
        target = re.sub(r"</?a\b[^>]*>", "", cells[12])
        found.append(SeedPort(cells[0], named, cells[6], cells[7], ways, target))
    return found


def between(seed: str, start: str, end: str) -> str:
    """The text after the last line that is `start` and before the next one that is `end`."""
    lines = seed.splitlines()
    first = max(number for number, line in enumerate(lines) if line.strip() == start)
    last = next(n for n, line in enumerate(lines) if n > first and line.strip() == end)
    return "\n".join(lines[first + 1 : last])


def words(some: str) -> set[str]:
    """Words and numbers, without tags and marks."""
    return set(re.findall(r"[\wäöüß]+", re.sub(r"<[a-z/][^>]*>", " ", some).casefold()))
