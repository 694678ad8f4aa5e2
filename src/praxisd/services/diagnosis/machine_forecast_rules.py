"""When a drive will be full, by the trend of its free space. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from statistics import median

LEAST_DAYS = 7
LEAST_SAMPLES = 5
LOOK_BACK_DAYS = 30
WITHIN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Forecast:
    """In so many days the drive is full; it loses so many MB a day now."""

    days: int
    daily_mb: int


def forecast(samples: Mapping[date, int]) -> Forecast | None:
    """From free MB by day; None if it does not shrink, or too little is known (at least 7 days apart, 5 samples).

    The trend is the median of the slopes between all pairs of days (Theil-Sen), so that one large file that came and went
    does not make it, but what goes on every day or every week does; where a single step made more than half of the loss,
    there is no trend. Only the last 30 days count.
    """
    if not samples:
        return None
    last = max(samples)
    recent = sorted((day, free) for day, free in samples.items() if (last - day).days <= LOOK_BACK_DAYS)
    if len(recent) < LEAST_SAMPLES or (last - recent[0][0]).days < LEAST_DAYS:
        return None
    slopes = [(b - a) / (later - day).days for (day, a), (later, b) in combinations(recent, 2)]
    slope = median(slopes)
    losses = [max(0, before - after) for (_, before), (_, after) in pairwise(recent)]
    if slope >= 0 or max(losses) > sum(losses) / 2:
        return None
    # No more than the newest sample is there, and the trend goes on from it.
    days = int(recent[-1][1] / -slope)
    return Forecast(days, max(1, round(-slope)))
