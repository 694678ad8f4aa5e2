"""Rules of the comparison, without I/O: when a portal may be asked again, what lies outside hours.

All times are epoch seconds, all lengths seconds.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, tzinfo

from praxisd.model.portals import INTERVAL_LOW_S

LONGEST_WAIT_S = 3_600
"""So long after a failure that only a person can heal, and at most after any other."""
CALM_S = 2
"""So long a change waits for others that come with it before it is sent early."""
NIGHT_HOUR = 3
"""From this hour of each local day on everything is compared anew."""

Span = tuple[int, int]


def wait_after(interval: int, failures: int, retry: bool) -> int:
    """How long to leave a portal alone after so many failures in a row: the interval doubled each time, at most an hour."""
    if failures <= 0:
        return interval
    if not retry:
        return LONGEST_WAIT_S
    return min(interval * 2 ** min(failures, 12), LONGEST_WAIT_S)


def early(due_at: int, contacted_at: int | None, dirty_at: int) -> int:
    """When a portal that may be told early is due once something has changed at `dirty_at`; never later than before."""
    soonest = dirty_at + CALM_S
    if contacted_at is not None:
        soonest = max(soonest, contacted_at + INTERVAL_LOW_S)
    return min(due_at, soonest)


def night_of(now: int, zone: tzinfo) -> str:
    """The local date whose nightly comparison is the last one due; that of yesterday before 03:00."""
    local = datetime.fromtimestamp(now, zone)
    day = local.date() if local.hour >= NIGHT_HOUR else local.date() - timedelta(days=1)
    return day.isoformat()


def outside(offered: Iterable[Span], opened: Iterable[Span], busy: Iterable[Span]) -> list[Span]:
    """The parts of `offered` that lie in none of `opened` and are not busy: bookable online although the column is closed."""
    taken = _merged([*opened, *busy])
    found: list[Span] = []
    for start, end in _merged(offered):
        at = start
        for low, high in taken:
            if high <= at or low >= end:
                continue
            if low > at:
                found.append((at, low))
            at = max(at, high)
        if at < end:
            found.append((at, end))
    return found


def openings(start: int, end: int, zone: tzinfo, periods: Callable[[date], Iterable[Span]]) -> list[Span]:
    """What `periods` says is open on each local day of [start, end), cut to it and joined."""
    day = datetime.fromtimestamp(start, zone).date()
    last = datetime.fromtimestamp(end - 1, zone).date()
    found: list[Span] = []
    while day <= last:
        found += [(max(low, start), min(high, end)) for low, high in periods(day)]
        day += timedelta(days=1)
    return _merged(found)


def steps(start: int, end: int, length: int, busy: Iterable[Span]) -> list[Span]:
    """Times of `length` one after another in [start, end) that are not busy; after a busy time they begin at its end."""
    found: list[Span] = []
    at = start
    taken = _merged(busy)
    while at + length <= end:
        stands = next((high for low, high in taken if low < at + length and high > at), None)
        if stands is not None:
            at = stands
            continue
        found.append((at, at + length))
        at += length
    return found


def _merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(one for one in spans if one[0] < one[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
