"""What was found: rows of ratios and curves of growth, printed as a table or as JSON."""

import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from bench import slope


class Row(msgspec.Struct, rename="camel", omit_defaults=True):
    """One figure. `ratio` is ours over the floor, the median over the rounds; `low` and `high` its extremes, if known.

    `cpu` is the same ratio by processor time, which other work on the machine disturbs less. `demanded`: at least
    that much, or, where `most` is set, at most. `less`: the ratio is one of costs, so that less is better. `own`: it stands
    beside praxisd itself in another state, not beside a floor or a peer.
    """

    part: str
    name: str
    ratio: float
    low: float | None = None
    high: float | None = None
    cpu: float | None = None
    demanded: float | None = None
    most: bool = False
    met: bool | None = None
    note: str = ""
    less: bool = False
    own: bool = False

    @property
    def behind(self) -> float:
        """How many times dearer or slower than what it stands beside; below 1 it is ahead."""
        return self.ratio if self.less or self.most else 1 / self.ratio


class Curve(msgspec.Struct, rename="camel", omit_defaults=True):
    """How one cost grows. `points`: (size, cost), `along` what the size counts, `unit` that of the costs; `clock`: the costs
    by the wall clock in seconds where the points are processor time.
    """

    part: str
    name: str
    along: str
    unit: str
    points: list[tuple[float, float]]
    clock: list[float] = []
    note: str = ""

    @property
    def fit(self) -> slope.Fit:
        """Its exponent."""
        return slope.fit(self.points)


class Report(msgspec.Struct, rename="camel"):
    """All that one run found, and what it was measured on."""

    machine: str
    rows: list[Row] = []
    notes: list[str] = []
    curves: list[Curve] = []

    @property
    def good(self) -> bool:
        """True if every demand is met and nothing grows worse than its size."""
        return all(row.met is not False for row in self.rows) and not any(
            one.fit.worse for one in self.curves
        )


def machine() -> str:
    """Cores, versions, and how busy the machine is: without that a figure means little."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{hardware()}, load {load}"


def hardware() -> str:
    """The same without the load."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


def row(
    part: str,
    name: str,
    ours: Sequence[float],
    floor: Sequence[float],
    *,
    cpu: tuple[Sequence[float], Sequence[float]] | None = None,
    demanded: float | None = None,
    most: bool = False,
    note: str = "",
    less: bool = False,
) -> Row:
    """A row from the figures of the rounds, paired: what ran in the same round met the same noise.

    `cpu` holds (ours, floor) as costs, so that the ratio is floor over ours and reads like the other one.
    """
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    found = median(ratios)
    used = None if cpu is None else median(b / a for a, b in zip(*cpu, strict=True))
    met = None
    if demanded is not None:
        met = found <= demanded if most else found >= demanded
    return Row(part, name, found, min(ratios), max(ratios), used, demanded, most, met, note, less)


def said_demand(one: Row) -> str:
    """What is demanded of a row, and whether it is met."""
    if one.demanded is None:
        return ""
    return f"{'<=' if one.most else '>='} {one.demanded:g} {'met' if one.met else 'MISSED'}"


def lines(report: Report) -> Iterable[str]:
    """The report for people."""
    yield f"machine: {report.machine}"
    part = ""
    for one in report.rows:
        if one.part != part:
            part = one.part
            yield ""
            yield f"{part:<34}{'ratio':>8}{'(rounds)':>16}{'by cpu':>8}  demand"
        spread = "" if one.low is None or one.high is None else f"{one.low:.2f}-{one.high:.2f}"
        cpu = "" if one.cpu is None else f"{one.cpu:.2f}"
        yield f"  {one.name:<32}{one.ratio:>8.2f}{spread:>16}{cpu:>8}  {said_demand(one)}"
        if one.note:
            yield f"      {one.note}"
    for curve in report.curves:
        if curve.part != part:
            part = curve.part
            yield ""
            yield f"{part:<34}{'slope':>8}{'at its end':>16}  cost beside the smallest size"
        fit = curve.fit
        each = ", ".join(
            f"{size:g}: {ratio:.2f}"
            for (size, _), ratio in zip(curve.points, slope.ratios(curve.points), strict=True)
        )
        yield f"  {curve.name:<32}{fit.slope:>8.2f}{fit.tail:>16.2f}  {each}{'  WORSE' if fit.worse else ''}"
        if curve.note:
            yield f"      {curve.note}"
    if report.notes:
        yield ""
        yield from report.notes


def show(report: Report, as_json: bool) -> None:
    """Print the report on standard output."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        sys.stdout.write("\n".join(lines(report)) + "\n")
