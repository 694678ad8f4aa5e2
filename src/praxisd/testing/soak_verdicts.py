"""What a soak found: a verdict for each series with a bound, for each table, for each probe; and what all of it cost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from praxisd.testing.soak_bounds import BOUNDS, DESIGN, LATENCY, UNDECLARED
from praxisd.testing.soak_judge import LEAST_S, Bound, Point, Verdict, judge

WARM_S = 600.0
WARM_SHARE = 0.25
"""Warm-up: ten minutes, or a quarter of a shorter soak: pools fill, caches reach their size, SQLite its page cache."""


@dataclass(frozen=True)
class Line:
    """One row of the report. `note` says why the bound is what it is, or by what design it grows."""

    name: str
    unit: str
    verdict: Verdict
    note: str


@dataclass(frozen=True)
class Grown:
    """A table that grows by design: rows for one action, beside what may be."""

    name: str
    rows: float
    per_action: float
    most: float
    by: str
    until: str

    @property
    def fails(self) -> bool:
        """More than the design says."""
        return self.per_action > self.most


def warm(seconds: float) -> float:
    """Where the judgement begins."""
    return min(WARM_S, WARM_SHARE * seconds)


def lines(series: Mapping[str, Sequence[Point]], warm_s: float, least_s: float = LEAST_S) -> list[Line]:
    """Series with a bound, tables without a design, and probes."""
    found = []
    for name, bound in BOUNDS.items():
        if name in series:
            unit = "MB" if name.rpartition(".")[2] in ("rss", "uss", "wal", "log_wal") else ""
            found.append(
                Line(name, unit, judge(series[name], bound, warm_s=warm_s, least_s=least_s), bound.why)
            )
    for name, points in sorted(series.items()):
        kind, _, rest = name.partition(".")
        if kind == "rows" and rest not in DESIGN:
            verdict = judge(points, UNDECLARED, warm_s=warm_s, least_s=least_s)
            found.append(Line(name, "rows", verdict, UNDECLARED.why))
        if kind == "probe":
            level = judge(points, Bound(0.0, ""), warm_s=warm_s, least_s=least_s).first
            bound = Bound(
                LATENCY[0] + LATENCY[1] * level, "may double and 20 ms more: other work is on the machine"
            )
            found.append(Line(name, "ms", judge(points, bound, warm_s=warm_s, least_s=least_s), bound.why))
    return found


def grown(series: Mapping[str, Sequence[Point]], actions: Sequence[Point], warm_s: float) -> list[Grown]:
    """Tables that grow by design, those without rows left out."""
    found = []
    for name, design in sorted(DESIGN.items()):
        points = [one for one in series.get(f"rows.{name}", ()) if one[0] >= warm_s]
        if len(points) < 2:
            continue
        done = at(actions, points[-1][0]) - at(actions, points[0][0])
        rows = points[-1][1] - points[0][1]
        if done > 0:
            found.append(Grown(name, rows, rows / done, design.per_action, design.by, design.until))
    return found


def each(series: Mapping[str, Sequence[Point]], name: str, actions: Sequence[Point], warm_s: float) -> float:
    """How much a series grew with each action after the warm-up."""
    points = [one for one in series.get(name, ()) if one[0] >= warm_s]
    done = at(actions, points[-1][0]) - at(actions, points[0][0]) if points else 0.0
    return (points[-1][1] - points[0][1]) / done if done > 0 else 0.0


def at(points: Sequence[Point], when: float) -> float:
    """The last value at or before `when`; the first if there is none."""
    value = points[0][1] if points else 0.0
    for then, one in points:
        if then > when:
            break
        value = one
    return value
