"""Does a series of samples grow, or is it only noisy, warming up, or stepping once? Pure: no I/O, no clock.

    verdict = judge(points, Bound(6.0, "…why…"), warm_s=300)

The slope is Theil's and Sen's (the median of the slopes of all pairs), which a third of wild samples does not move. A slope above
the bound fails only if the medians of six equal stretches climb too: what fills a cache once, in one or two of them, is a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

Point = tuple[float, float]
"""(seconds since the start, value)."""
State = Literal["flat", "grows", "step", "short"]
STRETCHES = 6
CLIMBS = 4
"""So many of the five differences between stretches must point upwards."""
ONCE = 0.75
"""What two neighbouring differences carry of all the growth, and more, is one step."""
PAIRED = 180
"""Points that are paired with each other; more are joined to medians first."""
LEAST_S = 240.0
"""Shorter series are not judged: an hour cannot be told from four minutes' noise. Seconds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`per_hour` in the unit of the series; `why` says where it comes from."""

    per_hour: float
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first` and `last` are medians of the first and last stretch after the warm-up; `per_hour` the slope."""

    state: State
    first: float
    last: float
    per_hour: float
    bound: float

    @property
    def fails(self) -> bool:
        """A leak."""
        return self.state == "grows"


def judge(points: Sequence[Point], bound: Bound, *, warm_s: float = 0.0, least_s: float = LEAST_S) -> Verdict:
    """Judge what was sampled after `warm_s`; `short` if that is less than `least_s` or a dozen points."""
    kept = [one for one in points if one[0] >= warm_s]
    if len(kept) < 2 * STRETCHES or kept[-1][0] - kept[0][0] < least_s:
        first, last = (kept[0][1], kept[-1][1]) if kept else (0.0, 0.0)
        return Verdict("short", first, last, 0.0, bound.per_hour)
    levels = stretches(kept)
    slope = theil_sen(joined(kept, PAIRED)) * 3600
    state: State = "flat"
    if slope > bound.per_hour:
        state = "step" if _once(levels) else "grows"
    return Verdict(state, levels[0], levels[-1], slope, bound.per_hour)


def _once(levels: Sequence[float]) -> bool:
    """All the growth came at one time, or the level did not keep climbing."""
    steps = [after - before for before, after in pairwise(levels)]
    if sum(one > 0 for one in steps) < CLIMBS:
        total = levels[-1] - levels[0]
        best = max(one + two for one, two in pairwise(steps))
        return total <= 0 or best >= ONCE * total
    return max(one + two for one, two in pairwise(steps)) >= ONCE * sum(steps)


def stretches(points: Sequence[Point]) -> list[float]:
    """Medians of six stretches of equal time; one without points takes its neighbour's."""
    start, end = points[0][0], points[-1][0]
    width = (end - start) / STRETCHES or 1.0
    bins: list[list[float]] = [[] for _ in range(STRETCHES)]
    for at, value in points:
        bins[min(int((at - start) / width), STRETCHES - 1)].append(value)
    found: list[float] = []
    for one in bins:
        found.append(median(one) if one else found[-1])
    return found


def joined(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` points: medians of runs of neighbours."""
    size = -(-len(points) // most)
    return [
        (median(at for at, _ in run), median(value for _, value in run))
        for run in (points[n : n + size] for n in range(0, len(points), size))
    ]


def theil_sen(points: Sequence[Point]) -> float:
    """The median slope of all pairs, per second; 0.0 where no two points differ in time."""
    slopes = [
        (later - value) / (then - at)
        for n, (at, value) in enumerate(points)
        for then, later in points[n + 1 :]
        if then > at
    ]
    return median(slopes) if slopes else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie; 0.0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
