"""Rules of the waiting list, all pure: when could who come, what became free, and how a free time is cut.

Times are epoch seconds; a time is (start, end). SPEC 1.14.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from praxisd.model.scheduling import OCCUPYING, Appointment, Reservation, clock_minutes
from praxisd.model.waiting import WaitingEntry
from praxisd.services.calendar.days import UNIT, merge

Time = tuple[int, int]
Freed = tuple[tuple[str, ...], int, int]
"""(columns, start, end)."""
PIECE_S = 7_200
"""Longest time of one round: a whole free day is offered to several at once, not to one after another."""
_DAY_MINUTES = 24 * 60


def could_come(entry: WaitingEntry, start: int, end: int, now: int, zone: ZoneInfo) -> bool:
    """Whether an appointment from `start` to `end` is in the times that the patient named, and not too soon."""
    if start < now + entry.notice_minutes * 60:
        return False
    begin, final = datetime.fromtimestamp(start, zone), datetime.fromtimestamp(end, zone)
    if entry.days and begin.isoweekday() not in entry.days:
        return False
    if (entry.first and begin.date() < entry.first) or (entry.last and begin.date() > entry.last):
        return False
    if entry.from_ is not None and begin.hour * 60 + begin.minute < clock_minutes(entry.from_):
        return False
    if entry.to is None:
        return True
    # Over midnight counts on: nothing that ends on another day ends before a time of this one.
    days = (final.date() - begin.date()).days
    return days * _DAY_MINUTES + final.hour * 60 + final.minute <= clock_minutes(entry.to)


def starts(gap: Time, length: int, every: int, buffers: tuple[int, int], zone: ZoneInfo) -> Iterator[int]:
    """Where an appointment of `length` seconds could begin to use the gap, best first.

    First those that lie wholly in it, its very beginning before all, then those that reach out into time that was free
    before. `every`: raster of the type, wall-clock minutes from midnight. `buffers`: seconds before and after.
    """
    low, high = gap
    exact = low + buffers[0]
    first = -(-(low - length - buffers[1]) // UNIT) * UNIT
    raster = [at for at in range(first, high + buffers[0], UNIT) if _on_raster(at, every, zone)]

    def inside(at: int) -> bool:
        return at - buffers[0] >= low and at + length + buffers[1] <= high

    if inside(exact) or exact + length <= high:
        yield exact
    rest = [at for at in raster if at != exact and at - buffers[0] < high and at + length + buffers[1] > low]
    yield from sorted(rest, key=lambda at: (not inside(at), abs(at - exact), at))


def _on_raster(at: int, every: int, zone: ZoneInfo) -> bool:
    local = datetime.fromtimestamp(at, zone)
    return local.second == 0 and (local.hour * 60 + local.minute) % every == 0


def without(times: Iterable[Time], taken: Iterable[Time]) -> list[Time]:
    """The times without what is taken, sorted, none touching another."""
    left = list(merge(times))
    for low, high in merge(taken):
        cut: list[Time] = []
        for start, end in left:
            cut += [(a, b) for a, b in ((start, min(end, low)), (max(start, high), end)) if a < b]
        left = cut
    return left


def pieces(times: Iterable[Time], least: int = UNIT) -> list[Time]:
    """The times, those too long cut into pieces of `PIECE_S`, those shorter than `least` seconds left out."""
    found = []
    for start, end in times:
        at = start
        while at < end:
            until = min(end, at + PIECE_S)
            if until - at >= least:
                found.append((at, until))
            at = until
    return found


def given_up(old: Appointment | Reservation, new: Appointment | Reservation | None) -> list[Freed]:
    """What of the old one's time the new one no longer takes. None: it takes none."""
    mine, theirs = _takes(old), _takes(new) if new is not None else None
    if mine is None:
        return []
    left: dict[Time, list[str]] = {}
    for column in old.schedules:
        taken = [theirs] if theirs is not None and new is not None and column in new.schedules else []
        for time in without([mine], taken):
            left.setdefault(time, []).append(column)
    return [(tuple(columns), *time) for time, columns in left.items()]


def _takes(one: Appointment | Reservation) -> Time | None:
    if isinstance(one, Reservation):
        return one.start, one.end
    if one.status not in OCCUPYING:
        return None
    return one.start - one.buffer_before * 60, one.end + one.buffer_after * 60


def next_open(at: int, begin: str, end: str, zone: ZoneInfo) -> int:
    """The first instant from `at` on whose wall clock lies from `begin` up to, not including, `end`; `at` itself if it does."""
    low, high = clock_minutes(begin), clock_minutes(end)
    local = datetime.fromtimestamp(at, zone)
    minute = local.hour * 60 + local.minute
    if low <= minute < high or high <= low:
        return at
    on = local.date() + timedelta(days=int(minute >= high))
    return int(datetime(on.year, on.month, on.day, low // 60, low % 60, tzinfo=zone).timestamp())


def narrowed(groups: Sequence[Sequence[str]], wanted: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups with only the wanted columns, where a group has any of them."""
    chosen = set(wanted)
    return tuple(tuple(n for n in group if n in chosen) or tuple(group) for group in groups)
