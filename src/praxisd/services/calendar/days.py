"""Local days on the time line (a room of `rules`: pure): bounds, clock changes, spans of several days.

The calendar counts elapsed units of 5 minutes from local midnight: 288 on an ordinary day, 276 on the
spring day and 300 on the autumn day of Central Europe. A Span joins whole days, so that appointments,
buffers and clock changes need no special case at midnight: bit i of a span's bitmap stands for the unit
that begins at `span.start + 300 * i`. Source of the rule: HOUSE.md, "Calendar".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

UNIT = 300
"""Seconds of one calendar unit."""

_DAY = timedelta(days=1)
_SEARCH_STEP = 900


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a local day with one offset from UTC: instants `start` to `end`, `offset` in seconds."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Day:
    """A local date: its first instant, its length in units and its pieces (two on a clock-change day)."""

    date: date
    start: int
    units: int
    pieces: tuple[Piece, ...]

    @property
    def end(self) -> int:
        """First instant after the day."""
        return self.pieces[-1].end if self.pieces else self.start

    def instants(self, first: int, last: int) -> list[tuple[int, int]]:
        """All instants of this day whose wall clock shows minute `first` up to, not including, `last`.

        Hours that the spring clock skips vanish; hours that the autumn clock repeats come twice.
        """
        midnight = int(datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC).timestamp())
        found = []
        for piece in self.pieces:
            start = max(piece.start, midnight + first * 60 - piece.offset)
            end = min(piece.end, midnight + last * 60 - piece.offset)
            if start < end:
                found.append((start, end))
        return found


def local_date(epoch: int, zone: ZoneInfo) -> date:
    """The date that a calendar on the wall shows at this instant."""
    return datetime.fromtimestamp(epoch, zone).date()


def _midnight(on: date, zone: ZoneInfo) -> int:
    # Where clocks skip midnight itself, fold 0 takes the offset from before the change, which gives
    # the instant of the change: the first one that carries this date.
    return int(datetime(on.year, on.month, on.day, tzinfo=zone).timestamp())


def _offset(epoch: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(epoch, zone).utcoffset() or timedelta(0)
    return int(offset.total_seconds())


@lru_cache(maxsize=8192)
def day(on: date, zone: ZoneInfo) -> Day:
    """The local day `on`. A date that a zone left out altogether (Samoa, 2011) has 0 units."""
    start, end = _midnight(on, zone), _midnight(on + _DAY, zone)
    pieces: list[Piece] = []
    if start < end:
        offset = _offset(start, zone)
        begin = start
        # One comparison settles all but two days a year; only those are searched, a quarter hour at a
        # time, because no zone has changed its clock off the quarter hour since 1972.
        if _offset(end - 1, zone) != offset:
            for at in range(start + _SEARCH_STEP, end, _SEARCH_STEP):
                if (now := _offset(at, zone)) != offset:
                    pieces.append(Piece(begin, at, offset))
                    begin, offset = at, now
        pieces.append(Piece(begin, end, offset))
    return Day(on, start, (end - start) // UNIT, tuple(pieces))


def day_bounds(on: date, zone: ZoneInfo) -> tuple[int, int]:
    """(first instant of the local date, its length in units: 276, 288 or 300 in Central Europe)."""
    found = day(on, zone)
    return found.start, found.units


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Consecutive local days as one bitmap. Compared by identity: `span()` hands out one object per span."""

    zone: ZoneInfo
    days: tuple[Day, ...]
    start: int
    end: int
    units: int
    full: int

    def below(self, epoch: int) -> int:
        """Mask of all units that begin before this instant."""
        count = min(max(-((self.start - epoch) // UNIT), 0), self.units)
        return (1 << count) - 1

    def index(self, at: Day) -> int:
        """Bit number of the first unit of one of its days."""
        return (at.start - self.start) // UNIT


@lru_cache(maxsize=1024)
def span(first: date, last: date, zone: ZoneInfo) -> Span:
    """The local days `first` to `last`, inclusive, joined."""
    days = tuple(day(first + timedelta(days=n), zone) for n in range((last - first).days + 1))
    units = sum(each.units for each in days)
    return Span(zone, days, days[0].start, days[-1].end, units, (1 << units) - 1)


def span_of(begin: int, end: int, zone: ZoneInfo) -> Span:
    """The span that slots starting in [`begin`, `end`) may touch.

    One day more before and two after cover the longest buffer (12 h) and the longest duration plus
    buffer (36 h), also on the short day.
    """
    return span(local_date(begin, zone) - _DAY, local_date(max(begin, end - 1), zone) + 2 * _DAY, zone)


@lru_cache(maxsize=256)
def _even_mask(every: int) -> int:
    """`start_mask` of one ordinary day, on which the wall clock and the elapsed time agree."""
    return sum(1 << minute * 60 // UNIT for minute in range(0, 24 * 60, every))


@lru_cache(maxsize=1024)
def start_mask(over: Span, every: int) -> int:
    """Units of the span that begin at a wall-clock time that is a multiple of `every` minutes from 00:00."""
    bits = 0
    for each in over.days:
        if len(each.pieces) == 1 and each.units * UNIT == _DAY.total_seconds():
            bits |= _even_mask(every) << over.index(each)
            continue
        for minute in range(0, 24 * 60, every):
            # Twice where the clock repeats the hour, not at all where it skips it.
            for start, _ in each.instants(minute, minute + 1):
                bits |= 1 << (start - over.start) // UNIT
    return bits


def busy_bits(rows: Iterable[tuple[int, int]], over: Span) -> int:
    """Bitmap of the units that the occupied periods (start, end in epoch seconds) touch: rounded outward.

    Rows outside the span do no harm. A period without length occupies nothing.
    """
    base, units = over.start, over.units
    # Digits of the number, highest unit first: painting text costs each row the same, however long the
    # span is; a shift of a long number would not.
    digits = bytearray(b"0") * units
    touched = False
    for start, end in rows:
        low = (start - base) // UNIT
        high = -((base - end) // UNIT)
        if low < 0:
            low = 0
        if high > units:
            high = units
        if low < high and start < end:
            digits[units - high : units - low] = b"1" * (high - low)
            touched = True
    return int(digits, 2) if touched else 0


def inner_bits(rows: Iterable[tuple[int, int]], base: int, units: int) -> int:
    """Bitmap of the units that lie wholly inside one of the periods: rounded inward, counted from `base`."""
    bits = 0
    for start, end in rows:
        low = max(-((base - start) // UNIT), 0)
        high = min((end - base) // UNIT, units)
        if low < high:
            bits |= (1 << high) - (1 << low)
    return bits


def merge(rows: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same instants as sorted periods that neither overlap nor touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(rows):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def covered(start: int, end: int, rows: Iterable[tuple[int, int]]) -> bool:
    """Whether one of the merged periods holds [start, end) wholly."""
    return any(low <= start and end <= high for low, high in rows)
