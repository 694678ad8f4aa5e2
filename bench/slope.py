"""How a cost grows: the exponent of size, fitted on logarithms. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WORSE = 1.1
"""Above this exponent a cost grows worse than its size; the tenth is room for noise."""


class Fit(NamedTuple):
    """`slope`: least squares over all points (0: does not grow, 1: linear, 2: quadratic). `tail`: between the last two points,
    where constant costs hide nothing any more. `off`: the largest factor by which a point lies beside the fitted line.
    """

    slope: float
    tail: float
    off: float

    @property
    def worse(self) -> bool:
        """True if it grows worse than linearly, on the whole or at its end."""
        return max(self.slope, self.tail) > WORSE


def fit(points: Sequence[tuple[float, float]]) -> Fit:
    """The fit of (size, cost), both above 0, at least two different sizes; ValueError otherwise."""
    if any(size <= 0 or cost <= 0 for size, cost in points):
        raise ValueError("sizes and costs are above 0")
    if len({size for size, _ in points}) < 2:
        raise ValueError("a slope needs two sizes")
    logs = sorted((math.log(size), math.log(cost)) for size, cost in points)
    x0, y0 = (sum(one[axis] for one in logs) / len(logs) for axis in (0, 1))
    slope = sum((x - x0) * (y - y0) for x, y in logs) / sum((x - x0) ** 2 for x, _ in logs)
    off = max(abs(y - y0 - slope * (x - x0)) for x, y in logs)
    last = logs[-1]
    before = max(one for one in logs if one[0] < last[0])
    return Fit(slope, (last[1] - before[1]) / (last[0] - before[0]), math.exp(off))


def ratios(points: Sequence[tuple[float, float]]) -> list[float]:
    """Each cost as a multiple of that of the smallest size."""
    first = min(points)[1]
    return [cost / first for _, cost in points]
