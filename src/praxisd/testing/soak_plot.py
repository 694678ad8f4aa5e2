"""Curves over minutes as one SVG: a panel for each figure, below one another. No library: the report must open everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from praxisd.kernel.plot import COLOURS, DASHES, number, steps

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 900.0, 150.0, 64.0, 170.0, 26.0, 20.0
POINTS = 400
"""Drawn for one curve at most."""


@dataclass(frozen=True)
class Curve:
    """A name and (minutes, value)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Curves of one unit, and the times (minutes) at which something was done to the server."""

    title: str
    unit: str
    curves: Sequence[Curve]
    marks: Sequence[float] = field(default=())


def svg(title: str, panels: Sequence[Panel], warm: float) -> str:
    """All panels; what lies before `warm` (minutes) is grey: it is not judged."""
    end = max((at for one in panels for curve in one.curves for at, _ in curve.points), default=1.0) or 1.0
    height = 34.0 + PANEL * len(panels)
    drawn = "".join(_panel(one, 34.0 + PANEL * n, end, warm) for n, one in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img"'
        f' font-family="sans-serif" font-size="11" fill="#222"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH:g}" height="{height:g}" fill="#fff"/>'
        f'<text x="{LEFT:g}" y="20" font-size="14">{escape(title)}</text>{drawn}</svg>\n'
    )


def _panel(panel: Panel, top: float, end: float, warm: float) -> str:
    high = max((value for one in panel.curves for _, value in one.points), default=0.0)
    lines = steps(high)
    highest, base, width = lines[-1], top + PANEL - BOTTOM, WIDTH - LEFT - RIGHT
    tall = PANEL - TOP - BOTTOM

    def x(minute: float) -> float:
        return LEFT + width * minute / end

    def y(value: float) -> float:
        return base - tall * value / highest

    words = f"{panel.title} [{panel.unit}]" if panel.unit else panel.title
    found = [
        f'<text x="{LEFT:g}" y="{top + 16:.1f}" font-weight="bold">{escape(words)}</text>',
        f'<rect x="{LEFT:g}" y="{base - tall:.1f}" width="{max(x(min(warm, end)) - LEFT, 0):.1f}"'
        f' height="{tall:.1f}" fill="#eee"/>',
    ]
    for value in lines:
        found.append(
            f'<path d="M{LEFT:g} {y(value):.1f}H{WIDTH - RIGHT:g}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6:g}" y="{y(value) + 4:.1f}" text-anchor="end">{number(value, "en")}</text>'
        )
    for minute in _minutes(end):
        found.append(
            f'<text x="{x(minute):.1f}" y="{base + 14:.1f}" text-anchor="middle">{minute:g} min</text>'
        )
    for minute in panel.marks:
        found.append(
            f'<path d="M{x(minute):.1f} {base - tall:.1f}V{base:.1f}" stroke="#c33" stroke-opacity=".25"/>'
        )
    for n, curve in enumerate(panel.curves):
        colour, dash = COLOURS[n % len(COLOURS)], DASHES[n // len(COLOURS) % len(DASHES)]
        how = f' stroke-dasharray="{" ".join(f"{one:g}" for one in dash)}"' if dash else ""
        size = -(-len(curve.points) // POINTS) or 1
        line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in curve.points[::size])
        row = base - tall + 10 + 13 * n
        found.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"{how}/>'
            f'<path d="M{WIDTH - RIGHT + 8:g} {row - 4:.1f}h16" stroke="{colour}" stroke-width="2"{how}/>'
            f'<text x="{WIDTH - RIGHT + 28:g}" y="{row:.1f}">{escape(curve.name)}</text>'
        )
    return "".join(found)


def _minutes(end: float) -> list[float]:
    """Marks below the axis: at most eight, at even minutes."""
    step = next(one for one in (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 360, 1440, 10080) if end / one <= 8)
    return [n * step for n in range(int(end / step + 1e-9) + 1)]
