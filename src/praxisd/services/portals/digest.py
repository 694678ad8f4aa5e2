"""What the portal was told last, as one short text: while it stays the same, nothing has to be uploaded (SPEC 3.8). Pure.

A portal may ask for a period that moves on with every second. What counts is therefore what is busy from the beginning of
the period's first local day on, and on which days the period begins and ends: times that pass by change nothing, what
comes into the period at its end does, and so does each new day.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, tzinfo

from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import Period


def midnight(epoch: int, zone: tzinfo) -> int:
    """The first instant of the local day (epoch seconds)."""
    day = datetime.fromtimestamp(epoch, zone).date()
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def since(period: Period, zone: tzinfo) -> int:
    """From when on busy times have to be read for a digest over the period."""
    return min(period.start, midnight(period.start, zone))


def digest(period: Period, busy: Sequence[Busy], zone: tzinfo) -> str:
    """SHA-256 (hex) over the period's days and its busy times, read from `since` on and sorted."""
    first, last = (datetime.fromtimestamp(at, zone).date() for at in (period.start, period.end))
    told = [f"{first.isoformat()}/{last.isoformat()}", *(f"{one.start}-{one.end}" for one in busy)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def within(period: Period, busy: Sequence[Busy]) -> list[Busy]:
    """The busy times that touch the period, cut to it, in their order, none twice."""
    found: dict[tuple[int, int], Busy] = {}
    for one in busy:
        start, end = max(one.start, period.start), min(one.end, period.end)
        if start < end:
            found.setdefault((start, end), one if one.start == start else Busy(start=start, end=end))
    return list(found.values())
