"""Draws a Paper with reportlab: A4, page numbers, the title again on every page, fonts of our own in it.

The fonts (`fonts/`, DejaVu Sans Condensed, see the licence beside them) know Latin with all its accents, Greek and
Cyrillic; a sign they do not know is printed as an empty box, never left out.
"""

import io
import threading
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reportlab.lib import colors  # type: ignore[import-untyped]
from reportlab.lib.enums import TA_CENTER  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4, landscape  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import (  # type: ignore[import-untyped]
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Table as Grid

from praxisd.kernel import paper, paper_figures, paper_keys
from praxisd.kernel.plot import Plot
from praxisd.kernel.texts import Texts

if TYPE_CHECKING:
    from praxisd.kernel.paper import Paper

PLAIN, BOLD = "PraxisdPaper", "PraxisdPaper-Bold"
MARGIN = 18 * mm
TOP = 22 * mm
_PAGE = A4[0] - 2 * TOP  # how high a landscape page is inside: the lesser of the two
INNER = 6  # reportlab's frame keeps so many points clear inside its margins
LINE = colors.HexColor("#9aa3ad")
FAINT = colors.HexColor("#eef0f2")
GREY = colors.HexColor("#4b545e")
UNKNOWN = "□"

_PEN = threading.Lock()  # reportlab keeps the subsets of its fonts in one place for the whole process


def _style(name: str, size: float, lead: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, fontName=PLAIN, fontSize=size, leading=lead, splitLongWords=1, **more)


TITLE = _style("title", 17, 21, spaceAfter=4 * mm)
HEADING = _style("heading", 12, 15, spaceBefore=5 * mm, spaceAfter=2 * mm)
BODY = _style("body", 10, 13.5, spaceAfter=2 * mm)
SMALL = _style("small", 8, 10.5, spaceAfter=1.5 * mm, textColor=GREY)
CELL = _style("cell", 8, 10)
CENTRE = _style("centre", 8, 10, alignment=TA_CENTER)
HEAD = _style("head", 8, 10)
HEAD_CENTRE = _style("head_centre", 8, 10, alignment=TA_CENTER)
LABEL = _style("label", 9.5, 12.5, textColor=GREY)
VALUE = _style("value", 9.5, 12.5)
POINT = _style("point", 10, 13.5, leftIndent=9, firstLineIndent=-9, spaceAfter=1 * mm)
BOX = _style("box", 10, 13)
TYPED = _style(
    "typed", 10, 13.5, backColor=FAINT, borderPadding=(1, 4, 2, 4), leftIndent=8, rightIndent=4, spaceAfter=1
)
KEY = _style("key", 20, 30, alignment=TA_CENTER)


def draw(sheet: "Paper") -> bytes:
    """The PDF of a sheet."""
    with _PEN:
        _fonts()
        target = io.BytesIO()
        document = SimpleDocTemplate(
            target,
            pagesize=landscape(A4) if sheet.wide else A4,
            leftMargin=MARGIN - INNER,
            rightMargin=MARGIN - INNER,
            topMargin=TOP,
            bottomMargin=TOP,
            title=clean(sheet.title),
            author=clean(sheet.organization),
            creator="praxisd",
            lang=sheet.lang,
            invariant=1,
        )
        width = document.pagesize[0] - 2 * MARGIN
        story: list[Flowable] = [_bold(sheet.title, TITLE)]
        for number, block in enumerate(sheet.blocks):
            if isinstance(block, paper.Heading):
                story.append(CondPageBreak(_beginning(sheet.blocks[number:], sheet.lang, width)))
            story += _flow(block, sheet.lang, width)
        document.build(story, canvasmaker=_numbering(sheet))
        return target.getvalue()


def clean(text: str) -> str:
    """The text in the signs the fonts have: composed, without control signs, unknown ones as empty boxes."""
    known = _fonts()
    kept = []
    for sign in unicodedata.normalize("NFC", text.replace("\t", " ")):
        if sign == "\n" or ord(sign) in known:
            kept.append(sign)
        elif unicodedata.category(sign) not in ("Cc", "Cf"):
            kept.append(UNKNOWN)
    return "".join(kept)


@cache
def _words() -> Texts:
    return Texts(())


@cache
def _fonts() -> frozenset[int]:
    """Make the fonts known to reportlab, once; the code points both have."""
    known = None
    for name, file in ((PLAIN, "DejaVuSansCondensed.ttf"), (BOLD, "DejaVuSansCondensed-Bold.ttf")):
        data = files("praxisd.kernel").joinpath("fonts", file).read_bytes()
        font = TTFont(name, io.BytesIO(data))
        pdfmetrics.registerFont(font)
        has = frozenset(font.face.charToGlyph)
        known = has if known is None else known & has
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return known or frozenset()


def _plain(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(clean(text)).replace("\n", "<br/>"), style)


def _bold(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(f"<b>{escape(clean(text))}</b>", style)


def _flow(block: paper.Block, lang: str, width: float) -> list[Flowable]:
    match block:
        case paper.Heading(text):
            return [_bold(text, HEADING)]
        case paper.Text(text, small):
            return [_plain(text, SMALL if small else BODY)]
        case paper.Facts(pairs):
            return _facts(pairs, width)
        case paper.Table(columns, rows):
            return _table(columns, rows, lang, width)
        case paper.Boxes(boxes):
            return [_Tick(box) for box in boxes] + [Spacer(0, 2 * mm)]
        case paper.Signatures(labels):
            return [KeepTogether([_Lines(labels)])]
        case paper.Typed(lines, lead):
            said = [_plain(lead, BODY)] if lead else []
            return [KeepTogether([*said, *(_plain(line, TYPED) for line in lines)]), Spacer(0, 2 * mm)]
        case paper.Key(rows, code):
            return [
                KeepTogether([paper_keys.framed([_bold(row, KEY) for row in rows], code, width)]),
                Spacer(0, 3 * mm),
            ]
        case paper.Points(texts):
            return [_plain(f"•\u00a0\u00a0{text}", POINT) for text in texts] + [Spacer(0, 1 * mm)]
        case paper.Stamp(label):
            return [paper_figures.Stamp(_plain(label, SMALL))]
        case Plot():
            return [paper_figures.Picture(block, lang, PLAIN, clean), Spacer(0, 2 * mm)]


def _beginning(blocks: Sequence[paper.Block], lang: str, width: float) -> float:
    """How high a heading is with what must not leave it: the words below it and the first rows of the table after them.

    Less than that left on a page, and it goes to the next. (`keepWithNext` would take the whole table along.)
    """
    high = 0.0
    for block in blocks:
        flow = _flow(block, lang, width)
        if isinstance(block, paper.Heading | paper.Text):
            high += flow[0].wrap(width, _PAGE)[1] + flow[0].getSpaceBefore() + flow[0].getSpaceAfter()
            if high > _PAGE / 4:
                break
            continue
        if isinstance(block, paper.Points):
            high += sum(_together(one, width) + POINT.spaceAfter for one in flow)
            if high > _PAGE / 4:
                break
            continue
        if isinstance(block, paper.Facts):
            flow = _facts(block.pairs[:1], width)
        if isinstance(block, paper.Table) and block.columns:
            high += min(_rows_high(block, lang, width, 2), max(_rows_high(block, lang, width, 1), _PAGE / 4))
        elif flow:
            high += _together(flow[0], width)
        break
    return min(high, _PAGE)


def _together(one: Flowable, width: float) -> float:
    """How high a thing is. Of what is kept together reportlab does not say it: it is asked of its parts."""
    parts = one._content if isinstance(one, KeepTogether) else [one]
    return float(sum(part.wrap(width, _PAGE)[1] for part in parts))


def _rows_high(table: paper.Table, lang: str, width: float, count: int) -> float:
    """How high the headings are with the first rows; only some of it where even a row may be torn."""
    grid = _table(table.columns, table.rows[:count], lang, width)[0]
    return float(_PAGE / 4 if grid.splitInRow else grid.wrap(width, _PAGE)[1])


def _facts(pairs: tuple[tuple[str, str], ...], width: float) -> list[Flowable]:
    if not pairs:
        return []
    first = min(
        width * 0.4,
        8 * mm + max(pdfmetrics.stringWidth(clean(label), PLAIN, LABEL.fontSize) for label, _ in pairs),
    )
    rows = [[_plain(label, LABEL), _plain(value, VALUE)] for label, value in pairs]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ]
    torn = any(_tall(value, width - first) for _, value in pairs)
    grid = Grid(rows, colWidths=[first, width - first], style=style, splitInRow=int(torn))
    return [grid, Spacer(0, 3 * mm)]


def _table(
    columns: tuple[paper.Column, ...], rows: tuple[tuple[str, ...], ...], lang: str, width: float
) -> list[Flowable]:
    if not columns:
        return []
    shares = sum(one.share for one in columns)
    widths = [width * one.share / shares for one in columns]
    cells = [[_bold(one.title, HEAD_CENTRE if one.centre else HEAD) for one in columns]]
    for row in rows:
        cells.append(
            [_plain(cell, CENTRE if one.centre else CELL) for one, cell in zip(columns, row, strict=True)]
        )
    if not rows:
        cells.append([_plain(_words().get("paper.empty", lang), CELL)] + [""] * (len(columns) - 1))
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), FAINT),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, GREY),
        ("LINEBELOW", (0, 1), (-1, -1), 0.35, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        *(() if rows else (("SPAN", (0, 1), (-1, 1)),)),
    ]
    # A row stays together unless no page can hold it.
    torn = any(_tall(cell, wide) for row in rows for cell, wide in zip(row, widths, strict=True))
    return [Grid(cells, colWidths=widths, repeatRows=1, style=style, splitInRow=int(torn)), Spacer(0, 3 * mm)]


def _tall(cell: str, wide: float) -> bool:
    """May the cell need more than half of a landscape page? An estimate on the safe side."""
    room = max(wide - 6, 1)
    lines = sum(
        1 + pdfmetrics.stringWidth(clean(line), PLAIN, CELL.fontSize) * 1.3 // room
        for line in cell.split("\n")
    )
    return bool(lines * CELL.leading > (A4[0] - 2 * TOP) / 2)


class _Tick(Flowable):  # type: ignore[misc]
    """A box of 3.5 mm, ticked or not, its text beside it and the note below that."""

    ROOM = 7 * mm

    def __init__(self, box: paper.Box) -> None:
        super().__init__()
        self.done = box.done
        self.parts = [_plain(box.text, BOX)] + ([_plain(box.note, SMALL)] if box.note else [])

    def wrap(self, wide: float, high: float) -> tuple[float, float]:
        """Its size in points."""
        self.heights = [part.wrap(wide - self.ROOM, high)[1] for part in self.parts]
        self.width, self.height = wide, sum(self.heights) + 2 * mm
        return self.width, self.height

    def draw(self) -> None:
        """The box and the texts, from the top down."""
        size, top = 3.5 * mm, self.height - 1 * mm
        self.canv.setLineWidth(0.8)
        self.canv.rect(0, top - size - 0.5, size, size)
        if self.done:
            self.canv.setLineWidth(1.4)
            low = top - size - 0.5
            self.canv.lines(
                [
                    (0.2 * size, low + 0.5 * size, 0.42 * size, low + 0.22 * size),
                    (0.42 * size, low + 0.22 * size, 0.85 * size, low + 0.82 * size),
                ]
            )
        for part, height in zip(self.parts, self.heights, strict=True):
            top -= height
            part.drawOn(self.canv, self.ROOM, top)


class _Lines(Flowable):  # type: ignore[misc]
    """Lines to write on, side by side, with room for a hand above each."""

    GAP = 8 * mm

    def __init__(self, labels: tuple[str, ...]) -> None:
        super().__init__()
        self.labels = [_plain(label, SMALL) for label in labels]

    def wrap(self, wide: float, high: float) -> tuple[float, float]:
        """Its size in points."""
        count = max(1, len(self.labels))
        self.each = (wide - self.GAP * (count - 1)) / count
        below = max((label.wrap(self.each, high)[1] for label in self.labels), default=0)
        self.width, self.height = wide, 18 * mm + below
        return self.width, self.height

    def draw(self) -> None:
        """The lines and what they are for."""
        line = self.height - 17 * mm
        self.canv.setLineWidth(0.6)
        for number, label in enumerate(self.labels):
            left = number * (self.each + self.GAP)
            self.canv.line(left, line, left + self.each, line)
            label.drawOn(self.canv, left, line - 1 * mm - label.height)


def _numbering(sheet: "Paper") -> type[Canvas]:
    """A canvas that knows how many pages there are: it draws what is around them at the end."""
    day = sheet.printed.strftime("%d.%m.%Y" if sheet.lang == "de" else "%Y-%m-%d")
    words = _words()
    printed = words.get("paper.printed", sheet.lang, day=day, time=sheet.printed.strftime("%H:%M"))
    title, organization = clean(sheet.title), clean(sheet.organization)

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._pages: list[dict[str, Any]] = []
            minutes = int((sheet.printed.utcoffset() or timedelta()).total_seconds()) // 60
            stamp = self._doc._timeStamp  # the file was made when the sheet says so
            stamp.YMDhms = tuple(sheet.printed.timetuple())[:6]
            stamp.dhh, stamp.dmm = int(minutes / 60), abs(minutes) % 60

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            pages = self._pages
            for number, page in enumerate(pages, 1):
                self.__dict__.update(page)
                self._around(number, len(pages))
                super().showPage()
            super().save()

        def _around(self, number: int, pages: int) -> None:
            wide, high = self._pagesize
            self.setFillColor(GREY)
            self.setFont(PLAIN, 8)
            self.drawString(MARGIN, high - 12 * mm, _fitting(organization, wide * 0.45))
            if number > 1:
                self.drawRightString(wide - MARGIN, high - 12 * mm, _fitting(title, wide * 0.4))
            self.setStrokeColor(LINE)
            self.setLineWidth(0.5)
            self.line(MARGIN, high - 14 * mm, wide - MARGIN, high - 14 * mm)
            self.line(MARGIN, 14 * mm, wide - MARGIN, 14 * mm)
            self.drawString(MARGIN, 10 * mm, f"{printed} · praxisd")
            self.drawRightString(
                wide - MARGIN, 10 * mm, words.get("paper.page", sheet.lang, page=number, pages=pages)
            )

    return Numbered


def _fitting(text: str, wide: float) -> str:
    """The text on one line of at most `wide` points, cut with an ellipsis where it must be."""
    text = text.replace("\n", " ")
    while text and pdfmetrics.stringWidth(text, PLAIN, 8) > wide:
        text = text.rstrip("…")[:-1].rstrip() + "…"
    return text
