"""What was found: rows of ratios, printed as a table or as JSON."""

import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec


class Row(msgspec.Struct, rename="camel", omit_defaults=True):
    """One figure. `ratio` is ours over the floor, the median over the rounds; `low` and `high` its extremes.

    `cpu` is the same ratio by processor time, which other work on the machine disturbs less. `demanded`: at least
    that much, or, where `most` is set, at most.
    """

    part: str
    name: str
    ratio: float
    low: float
    high: float
    cpu: float | None = None
    demanded: float | None = None
    most: bool = False
    met: bool | None = None
    note: str = ""


class Report(msgspec.Struct, rename="camel"):
    """All rows of one run, and what they were measured on."""

    machine: str
    rows: list[Row] = []
    notes: list[str] = []

    @property
    def good(self) -> bool:
        """True if every demand is met."""
        return all(row.met is not False for row in self.rows)


def machine() -> str:
    """Cores, versions, and how busy the machine is: without that a figure means little."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load {load}"
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
    return Row(part, name, found, min(ratios), max(ratios), used, demanded, most, met, note)


def lines(report: Report) -> Iterable[str]:
    """The report for people."""
    yield f"machine: {report.machine}"
    part = ""
    for one in report.rows:
        if one.part != part:
            part = one.part
            yield ""
            yield f"{part:<34}{'ratio':>8}{'(rounds)':>16}{'by cpu':>8}  demand"
        spread = f"{one.low:.2f}-{one.high:.2f}"
        cpu = "" if one.cpu is None else f"{one.cpu:.2f}"
        demand = ""
        if one.demanded is not None:
            demand = f"{'<=' if one.most else '>='} {one.demanded:g} {'met' if one.met else 'MISSED'}"
        yield f"  {one.name:<32}{one.ratio:>8.2f}{spread:>16}{cpu:>8}  {demand}"
        if one.note:
            yield f"      {one.note}"
    if report.notes:
        yield ""
        yield from report.notes


def show(report: Report, as_json: bool) -> None:
    """Print the report on standard output."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        sys.stdout.write("\n".join(lines(report)) + "\n")
