"""What all importers share: lines read without trusting them, and what is told of each line that is not as expected."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from praxisd.kernel.errors import Problem

KEPT = 1_000
"""So many warnings are kept; all are counted."""
WARNINGS = (
    "pzn_digit", "pzn_length", "zeros_lost", "duplicate", "no_product", "no_substance", "columns", "empty", "rank", "skipped"
)  # fmt: skip
"""Codes, whose sentences are `medication.build.warning.<code>`."""


@dataclass(frozen=True, slots=True)
class Warned:
    """`line` counts from 1, the heading included; `code` is one of `WARNINGS`; `value` is what stood there."""

    file: str
    line: int
    code: str
    value: str = ""


@dataclass
class Told:
    """Warnings while reading."""

    first: list[Warned] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def say(self, file: str, line: int, code: str, value: str = "") -> None:
        """One more."""
        self.counts[code] = self.counts.get(code, 0) + 1
        if len(self.first) < KEPT:
            self.first.append(Warned(file, line, code, value[:80]))


def decoded(data: bytes, file: str) -> str:
    """Text of a file that says it is UTF-8, with a mark at its beginning or without; else Windows-1252.

    Problem `medication.import_not_text` (422) for what is neither.
    """
    if b"\x00" in data:
        raise Problem("medication.import_not_text", 422, file=file)
    for charset in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    raise Problem("medication.import_not_text", 422, file=file)


def table(
    text: str, file: str, needed: tuple[str, ...], delimiter: str, told: Told
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column. A line with another number of cells is told of and left out.

    Problem `medication.import_columns` (422) where a needed column is missing: the heading is line 1.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        heading = [name.strip() for name in next(rows, [])]
        missing = [name for name in needed if name not in heading]
        if missing:
            raise Problem("medication.import_columns", 422, file=file, columns=", ".join(missing))
        for cells in rows:
            line = rows.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(heading):
                told.say(file, line, "columns", f"{len(cells)}/{len(heading)}")
                continue
            yield line, dict(zip(heading, (cell.strip() for cell in cells), strict=True))
    except csv.Error:
        raise Problem("medication.import_line", 422, file=file, line=rows.line_num) from None


def delimiter_of(text: str) -> str:
    """The delimiter of the heading: the one of `|`, `;`, tab, `,` that it has most of."""
    heading = text.partition("\n")[0]
    return max("|;\t,", key=heading.count)
