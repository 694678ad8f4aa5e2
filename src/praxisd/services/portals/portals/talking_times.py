"""Times as portals write them: with an offset, or on the practice's wall clock. Pure.

A wall time that occurs twice (the night in autumn) is read so that a period is rather longer than shorter, and written
so that what is busy covers both. What is busy may only ever grow by that, never shrink.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from praxisd.kernel.clock import FIRST_YEAR, LAST_YEAR, format_rfc3339, parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.services.portals.portal import ANSWER_UNREADABLE, Period
from praxisd.services.portals.portals.talking import wrong

AHEAD_S = 5 * 366 * 86_400
BEHIND_S = 366 * 86_400
"""No more than so much around now is of interest, however much a portal wants to know."""
_WALL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.[0-9]{1,9})?)?")


def moment(told: object, zone: ZoneInfo, *, end: bool = False) -> int:
    """Epoch seconds of an RFC 3339 time, a wall time (`2026-11-27T09:00`), a date (as an `end`: that day included), or a
    number of epoch seconds. Problem `portals.answer_unreadable` otherwise.
    """
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 7_258_118_400:
        return told
    if isinstance(told, str):
        try:
            return parse_rfc3339(told.strip())
        except Problem:
            pass
        found = _WALL.fullmatch(told.strip())
        if found is not None:
            return _wall(found, zone, end)
    raise wrong(ANSWER_UNREADABLE)


def _wall(found: re.Match[str], zone: ZoneInfo, end: bool) -> int:
    try:
        day = date.fromisoformat(found[1])
        at = time.fromisoformat(f"{found[2]}{found[3] or ''}") if found[2] else time()
    except ValueError:
        raise wrong(ANSWER_UNREADABLE) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise wrong(ANSWER_UNREADABLE)
    if not found[2] and end:
        day += timedelta(days=1)
    both = [datetime.combine(day, at.replace(fold=fold), zone).timestamp() for fold in (0, 1)]
    return int(max(both) if end else min(both))


def period_of(start: object, end: object, zone: ZoneInfo, now: int) -> Period:
    """What a portal wants to know about, cut to what is of interest. Problem `portals.answer_unreadable`."""
    first, last = moment(start, zone), moment(end, zone, end=True)
    if last <= first:
        raise wrong(ANSWER_UNREADABLE)
    cut = Period(max(first, now - BEHIND_S), min(last, now + AHEAD_S))
    return cut if cut.start < cut.end else Period(first, first)


def day_start(epoch: int, zone: ZoneInfo) -> int:
    """The beginning of the local day in which the instant lies."""
    local = datetime.fromtimestamp(epoch, zone)
    return int(datetime.combine(local.date(), time(), zone).timestamp())


def written(start: int, end: int, zone: ZoneInfo, *, wall: bool) -> tuple[str, str]:
    """Both ends with their offset, or as the wall clock shows them."""
    if not wall:
        return format_rfc3339(start, zone), format_rfc3339(end, zone)
    pieces = list(_pieces(start, end, zone))
    return min(one for one, _ in pieces).isoformat(), max(one for _, one in pieces).isoformat()


def _pieces(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The span as pieces of wall time, cut where the clock is changed."""
    while start < end:
        until = _changed(start, end, zone)
        offset = _offset(start, zone)
        yield _shown(start, offset), _shown(until, offset)
        start = until


def _changed(start: int, end: int, zone: ZoneInfo) -> int:
    """The first instant after `start` at which the clock is changed, `end` at most."""
    step = 6 * 3_600
    while start < end:
        until = min(end, start + step)
        if _offset(until, zone) != _offset(start, zone):
            low, high = start, until
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle, zone) == _offset(start, zone) else (low, middle)
            return high
        start = until
    return end


def _offset(epoch: int, zone: ZoneInfo) -> int:
    shift = datetime.fromtimestamp(epoch, zone).utcoffset()
    return 0 if shift is None else int(shift.total_seconds())


def _shown(epoch: int, offset: int) -> datetime:
    return datetime.fromtimestamp(epoch + offset, UTC).replace(tzinfo=None)


__all__ = ("day_start", "moment", "period_of", "written")
