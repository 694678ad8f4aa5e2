"""A plot of figures over days, as lines with marks: for the console as SVG, for paper by `paper_figures`.

    plot = Plot("Größe der Sicherung", "GB", (Series("Abend", ((day, 12.5), …)),))
    text = svg(plot, "de")

What is drawn is worked out once, as lines, marks and words on a sheet of WIDTH × HEIGHT, y downwards; both draw that. The
series differ by colour, dash and mark, so that they stay apart in black and white too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

SVG = "image/svg+xml"
WIDTH, HEIGHT = 640.0, 220.0
"""Of the sheet, in its own units; a unit is about a pixel, or 0.27 mm on A4."""
COLOURS = ("#0b6bcb", "#b3541e", "#2e7d32", "#7b3fa0")
"""Dark enough on white, light enough on the console's dark ground (3:1 on both)."""
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 3), (2, 3), (8, 3, 2, 3))
MARKS: tuple["MarkKind", ...] = ("dot", "square", "triangle", "ring")
SIZE = 10.0
"""Height of words."""
MarkKind = Literal["dot", "square", "triangle", "ring"]
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 12.0, 30.0, 24.0
_MOST = 4
_MARKED = 30
"""So many marks on a line at most, the last point always among them."""


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of one kind: a name, and (day, value) in order of days. Values are at least 0."""

    name: str
    points: tuple[tuple[date, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """What is to be seen: a title, the unit of the values, at most four series."""

    title: str
    unit: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points. `colour` "" is that of the words, faint."""

    points: tuple[tuple[float, float], ...]
    colour: str = ""
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A small sign around a point."""

    x: float
    y: float
    kind: MarkKind
    colour: str


@dataclass(frozen=True, slots=True)
class Word:
    """A text whose base line begins, ends or has its middle at a point."""

    x: float
    y: float
    text: str
    at: Literal["start", "middle", "end"] = "start"


Part = Stroke | Mark | Word


def number(value: float, lang: str) -> str:
    """A value in at most three digits that count, `12,5` in German."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    text = f"{value:.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",") if lang.startswith("de") else text


def short_day(day: date, lang: str) -> str:
    """A day below the axis."""
    return f"{day.day:02}.{day.month:02}." if lang.startswith("de") else f"{day.month:02}-{day.day:02}"


def steps(highest: float) -> tuple[float, ...]:
    """Values for the lines across, from 0 to at least `highest`: at most six, in steps of 1, 2, 2.5 or 5 times ten."""
    if highest <= 0:
        return (0.0, 1.0)
    rough = highest / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 2.5, 5, 10) if size * one >= rough * 0.999)
    return tuple(step * one for one in range(math.ceil(highest / step - 1e-9) + 1))


def parts(plot: Plot, lang: str) -> tuple[Part, ...]:
    """All that is drawn; nothing but the axes where there are no figures."""
    series = plot.series[:_MOST]
    values = [value for one in series for _, value in one.points]
    days = [day for one in series for day, _ in one.points]
    across = steps(max(values, default=0.0))
    bottom = HEIGHT - _BOTTOM
    found: list[Part] = []

    def height(value: float) -> float:
        return bottom - (bottom - _TOP) * value / across[-1]

    for value in across:
        found.append(Stroke(((_LEFT, height(value)), (WIDTH - _RIGHT, height(value)))))
        found.append(Word(_LEFT - 6, height(value) + 3.5, number(value, lang), "end"))
    found.append(Word(4, 12, plot.unit))
    if days:
        first, last = min(days), max(days)
        span = max(1, (last - first).days)

        def along(day: date) -> float:
            if first == last:
                return (_LEFT + WIDTH - _RIGHT) / 2
            return _LEFT + 10 + (WIDTH - _RIGHT - _LEFT - 20) * (day - first).days / span

        for day in _labelled(first, last):
            at: Literal["start", "middle", "end"] = "middle"
            found.append(Word(along(day), bottom + 15, short_day(day, lang), at))
        for one, colour, dash, mark in zip(series, COLOURS, DASHES, MARKS, strict=False):
            points = tuple((along(day), height(value)) for day, value in one.points)
            if len(points) > 1:
                found.append(Stroke(points, colour, dash))
            every = -(-len(points) // _MARKED)
            found += [Mark(x, y, mark, colour) for x, y in reversed(points[::-1][::every])]
    found += _legend(series)
    return tuple(found)


def _labelled(first: date, last: date) -> list[date]:
    span = (last - first).days
    count = min(6, span + 1)
    if count == 1:
        return [first]
    return [first + timedelta(days=round(span * one / (count - 1))) for one in range(count)]


def _legend(series: Sequence[Series]) -> list[Part]:
    found: list[Part] = []
    x = _LEFT + 40
    for one, colour, dash, mark in zip(series, COLOURS, DASHES, MARKS, strict=False):
        found.append(Stroke(((x, 9), (x + 24, 9)), colour, dash))
        found.append(Mark(x + 12, 9, mark, colour))
        found.append(Word(x + 29, 12.5, one.name))
        x += 29 + 6.2 * len(one.name) + 22
    return found


def table(plot: Plot, lang: str) -> str:
    """The plot in words, for who cannot see it: each series with its first and last value."""
    told = []
    for one in plot.series:
        if one.points:
            (first, low), (last, high) = one.points[0], one.points[-1]
            told.append(
                f"{one.name}: {short_day(first, lang)} {number(low, lang)} {plot.unit}"
                f" – {short_day(last, lang)} {number(high, lang)} {plot.unit}"
            )
    return "; ".join(told)


def svg(plot: Plot, lang: str) -> str:
    """As a picture that takes the colour of the words around it where it stands in a page."""
    drawn = "".join(_drawn(one) for one in parts(plot, lang))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
        f' xml:lang={quoteattr(lang)} font-family="sans-serif" font-size="{SIZE:g}" fill="currentColor">'
        f"<title>{escape(plot.title)}</title><desc>{escape(table(plot, lang))}</desc>{drawn}</svg>"
    )


def _drawn(one: Part) -> str:
    if isinstance(one, Word):
        return f'<text x="{one.x:.1f}" y="{one.y:.1f}" text-anchor="{one.at}">{escape(one.text)}</text>'
    if isinstance(one, Stroke):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in one.points)
        ink = (
            f'stroke="{one.colour}" stroke-width="1.6"'
            if one.colour
            else 'stroke="currentColor" stroke-opacity="0.25" stroke-width="0.8"'
        )
        dash = f' stroke-dasharray="{" ".join(f"{d:g}" for d in one.dash)}"' if one.dash else ""
        return f'<polyline points="{points}" fill="none" {ink}{dash}/>'
    x, y = one.x, one.y
    if one.kind == "square":
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{one.colour}"/>'
    if one.kind == "triangle":
        return f'<path d="M{x:.1f} {y - 3.8:.1f}l3.6 6.4h-7.2z" fill="{one.colour}"/>'
    ring = ' fill="none" stroke-width="1.4"' if one.kind == "ring" else f' fill="{one.colour}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" stroke="{one.colour}"{ring}/>'
