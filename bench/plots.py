"""Pictures of the report, as SVG: ratios as dots on a logarithmic line, growth as lines on logarithmic paper. Pure.

Dark ink on white, so that they read on light and dark pages; series differ by colour, dash and mark.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

COLOURS = ("#0b6bcb", "#b3541e", "#2e7d32", "#7b3fa0", "#8a6d00", "#00797a", "#a8324a", "#4a4a4a")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
_INK, _FAINT = "#222222", "#cccccc"
_ROW, _LETTER, _SCALE = 18, 5.8, 520.0
"""Height of a row, width of a letter (about), width of the ratios' scale."""


class Dot(NamedTuple):
    """One ratio: its name, the value, its extremes if known, what is demanded, and whether that is met."""

    name: str
    value: float
    low: float | None
    high: float | None
    demanded: float | None
    met: bool | None


class Line(NamedTuple):
    """One curve: its name and (size, value), all above 0."""

    name: str
    points: Sequence[tuple[float, float]]


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}"


def decades(low: float, high: float) -> list[float]:
    """The powers of ten from at most `low` to at least `high`; two at least."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    return [10.0**one for one in range(first, max(last, first + 1) + 1)]


def _sheet(width: float, height: float, title: str, body: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" width="{width:g}" '
        f'height="{height:g}" font-family="sans-serif" font-size="11" fill="{_INK}">\n<title>{escape(title)}</title>\n'
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _word(x: float, y: float, text: str, at: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{at}"{more}>{escape(text)}</text>'


def _stroke(points: Sequence[tuple[float, float]], colour: str, width: float = 1.0, dash: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def dots(title: str, told: Sequence[Dot]) -> str:
    """Each ratio as a dot with its spread; the line at 1 is the floor or peer, a tick is what is demanded."""
    values = [one for dot in told for one in (dot.value, dot.low, dot.high, dot.demanded, 1.0) if one]
    across = decades(min(values), max(values))
    left, top = 24 + _LETTER * max(len(dot.name) for dot in told), 40.0
    right = left + _SCALE
    height = top + len(told) * _ROW + 26

    def place(value: float) -> float:
        share = math.log(max(value, across[0]) / across[0]) / math.log(across[-1] / across[0])
        return left + (right - left) * min(share, 1.0)

    body = [_word(10, 18, title, more=' font-size="13" font-weight="bold"')]
    for value in across:
        body.append(_stroke([(place(value), top - 6), (place(value), height - 22)], _FAINT, 0.8))
        body.append(_word(place(value), height - 8, number(value), "middle"))
    body.append(_stroke([(place(1), top - 6), (place(1), height - 22)], _INK, 1.2))
    for index, dot in enumerate(told):
        y = top + index * _ROW + 6
        colour = {True: COLOURS[2], False: COLOURS[6], None: COLOURS[0]}[dot.met]
        body.append(_word(left - 12, y + 4, dot.name, "end"))
        if dot.low and dot.high:
            body.append(_stroke([(place(dot.low), y), (place(dot.high), y)], colour, 2))
        if dot.demanded:
            body.append(
                _stroke([(place(dot.demanded), y - 7), (place(dot.demanded), y + 7)], _INK, 1.6, "2 2")
            )
        body.append(f'<circle cx="{place(dot.value):.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        body.append(_word(right + 12, y + 4, number(dot.value)))
    return _sheet(right + 70, height, title, body)


def lines(title: str, along: str, up: str, told: Sequence[Line]) -> str:
    """Curves on logarithmic paper; a grey dashed line shows what grows as the size does."""
    sizes = [size for line in told for size, _ in line.points]
    values = [value for line in told for _, value in line.points]
    xs, ys = decades(min(sizes), max(sizes)), decades(min(*values, 1.0), max(values))
    left, right, top, bottom = 60.0, 560.0, 40.0, 360.0

    def at(size: float, value: float) -> tuple[float, float]:
        x = math.log(size / xs[0]) / math.log(xs[-1] / xs[0])
        y = math.log(value / ys[0]) / math.log(ys[-1] / ys[0])
        return left + (right - left) * x, bottom - (bottom - top) * y

    body = [_word(10, 18, title, more=' font-size="13" font-weight="bold"')]
    for x in xs:
        body.append(_stroke([at(x, ys[0]), at(x, ys[-1])], _FAINT, 0.8))
        body.append(_word(at(x, ys[0])[0], bottom + 16, number(x), "middle"))
    for y in ys:
        body.append(_stroke([at(xs[0], y), at(xs[-1], y)], _FAINT, 0.8))
        body.append(_word(left - 6, at(xs[0], y)[1] + 4, number(y), "end"))
    body.append(_word((left + right) / 2, bottom + 34, along, "middle"))
    body.append(_word(10, 33, up))
    reach = min(xs[-1] / min(sizes), ys[-1])
    body.append(_stroke([at(min(sizes), 1.0), at(min(sizes) * reach, reach)], "#888888", 1.2, "3 4"))
    body.append(_word(right + 46, top + 10 + len(told) * _ROW, "as the size", more=' fill="#666666"'))
    body.append(
        _stroke(
            [(right + 12, top + 6 + len(told) * _ROW), (right + 40, top + 6 + len(told) * _ROW)],
            "#888888",
            1.2,
            "3 4",
        )
    )
    for index, line in enumerate(told):
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        points = [at(size, value) for size, value in line.points]
        body.append(_stroke(points, colour, 2, dash))
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>' for x, y in points]
        y = top + 6 + index * _ROW
        body.append(_stroke([(right + 12, y), (right + 40, y)], colour, 2, dash))
        body.append(_word(right + 46, y + 4, line.name))
    most = max(len(line.name) for line in told)
    return _sheet(right + 70 + _LETTER * max(most, 12), bottom + 44, title, body)
