"""Paper: a sheet to print, A4, as PDF (ADR 0010). What stands on it is collected here; `paper_drawing` draws it.

    paper = Paper("Portliste", "de", organization="Praxis Dr. Muster", printed=now)
    paper.facts([("Produkt", "x.isynet")])
    paper.table([Column("Dienst", 2), "Port"], [["NTP", "123"]])
    return paper.answer("ports.pdf")

Texts are plain: nothing in them is markup. They wrap, however long they are. The same input gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from praxisd.kernel.plot import Plot
from praxisd.kernel.service import Raw

PDF = "application/pdf"
LONGEST = 104
"""So many signs fit on a line that must not wrap."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading and its share of the width, beside the shares of the others."""

    title: str
    share: float = 1.0
    centre: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A box to tick, ticked already with `done`; `note` stands below in small letters."""

    text: str
    done: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; it stays with the beginning of what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `small` for remarks."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values, one pair a line."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below headings that return on every page."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Boxes:
    """A list to tick off."""

    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Signatures:
    """Lines to write on, each with a label below, side by side."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences one below the other, each with a dot before it."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """An empty frame for a stamp, with small words in its corner."""

    label: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Lines to be typed in exactly as they stand; they never wrap. `lead`: what is said before, on the same page."""

    lines: tuple[str, ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """Something to be copied sign by sign: rows of groups in large letters, and what the QR code beside them says."""

    rows: tuple[str, ...]
    code: str


Block = Heading | Text | Facts | Table | Boxes | Signatures | Points | Stamp | Plot | Typed | Key


class Paper:
    """One sheet in the language `lang`. `printed` is shown as it is: give it in the practice's own time.

    `wide` turns it to landscape, for tables of many columns.
    """

    def __init__(
        self, title: str, lang: str, *, organization: str, printed: datetime, wide: bool = False
    ) -> None:
        self.title = title
        self.lang = lang
        self.organization = organization
        self.printed = printed
        self.wide = wide
        self.blocks: list[Block] = []

    def heading(self, text: str) -> Self:
        """A heading of a part."""
        self.blocks.append(Heading(text))
        return self

    def text(self, text: str, *, small: bool = False) -> Self:
        """A paragraph; line breaks stay."""
        self.blocks.append(Text(text, small))
        return self

    def facts(self, pairs: Iterable[tuple[str, str]]) -> Self:
        """Labels with their values."""
        self.blocks.append(Facts(tuple(pairs)))
        return self

    def table(self, columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> Self:
        """A table; a plain string is a column of one share. ValueError if a row has another number of cells."""
        heads = tuple(one if isinstance(one, Column) else Column(one) for one in columns)
        cells = tuple(tuple(row) for row in rows)
        if any(len(row) != len(heads) for row in cells):
            raise ValueError("a row has not as many cells as there are columns")
        self.blocks.append(Table(heads, cells))
        return self

    def checkboxes(self, boxes: Iterable[Box]) -> Self:
        """A list to tick off."""
        self.blocks.append(Boxes(tuple(boxes)))
        return self

    def signatures(self, labels: Sequence[str]) -> Self:
        """Lines to sign on, such as ("Datum", "Unterschrift")."""
        self.blocks.append(Signatures(tuple(labels)))
        return self

    def points(self, texts: Iterable[str]) -> Self:
        """Sentences, each with a dot before it."""
        self.blocks.append(Points(tuple(texts)))
        return self

    def stamp(self, label: str) -> Self:
        """An empty frame for a stamp."""
        self.blocks.append(Stamp(label))
        return self

    def plot(self, plot: Plot) -> Self:
        """Figures over days below their title, over the width of the sheet."""
        self.blocks.append(plot)
        return self

    def typed(self, lines: Sequence[str], lead: str = "") -> Self:
        """Lines to be typed in, on portrait sheets. ValueError for one that is longer than a line."""
        if any(len(line) > LONGEST for line in lines):
            raise ValueError("a line that is to be typed in does not fit")
        self.blocks.append(Typed(tuple(lines), lead))
        return self

    def key(self, rows: Sequence[str], code: str) -> Self:
        """Rows of groups in large letters; `code` is what the QR code says."""
        self.blocks.append(Key(tuple(rows), code))
        return self

    def pdf(self) -> bytes:
        """The sheet as PDF: some 10 ms a page, one sheet at a time in the whole process."""
        from praxisd.kernel import paper_drawing  # reportlab takes a moment: only who prints waits for it

        return paper_drawing.draw(self)

    def answer(self, name: str) -> Raw:
        """The sheet as the answer of a route; the browser shows it and saves it under `name` (ASCII)."""
        return Raw(self.pdf(), PDF, headers={"Content-Disposition": f'inline; filename="{name}"'})
