"""Repeating days by RFC 5545 (RRULE): which local dates a rule names, counted from its first day. Pure.

A rule is never written out: it answers for one date by looking at that date's year, month, week or day alone, so that
a calendar asks as cheaply in ten years as today. What rules are taken: `recurrence_text`.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from praxisd.kernel.clock import FIRST_YEAR, LAST_YEAR
from praxisd.model.recurrence_text import Parts, RuleRefused, read

HORIZON_YEARS = 100
"""How far a rule with COUNT is counted; it names no day after that."""
_ONE = timedelta(days=1)
_KEPT = 256


class Recurrence:
    """A rule with the day from which it counts (`start`; RFC 5545: DTSTART). The first day counts only if the rule names it.

    `last` is the last day it may name, None where it has no end. Threads may share it.
    """

    __slots__ = ("_days", "_first", "_fits", "_known", "_period", "last", "parts", "start")

    def __init__(self, parts: Parts, start: date) -> None:
        if not FIRST_YEAR <= start.year <= LAST_YEAR:
            raise RuleRefused("DTSTART")
        self.parts = _complete(parts, start)
        self.start = start
        self._known: dict[int, tuple[date, ...]] = {}
        self._period, self._days = _SPANS["WEEKYEAR" if parts.by_week else parts.freq]
        self._first = self._period(start, parts.week_start)
        self._fits = _filters(self.parts)
        self.last = parts.until
        if parts.times is not None:
            self.last = self._counted(parts.times)

    def holds(self, on: date) -> bool:
        """True if the rule names this day."""
        if on < self.start or (self.last is not None and on > self.last):
            return False
        period = self._period(on, self.parts.week_start)
        if (period - self._first) % self.parts.interval:
            return False
        known = self._known.get(period)
        if known is None:
            known = self._of(period)
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[period] = known
        return on in known

    def dates(self, since: date, until: date) -> Iterator[date]:
        """The days it names from `since` to `until`, both inclusive, in order."""
        until = until if self.last is None else min(until, self.last)
        since = max(since, self.start)
        if since > until:
            return
        interval = self.parts.interval
        first = self._period(since, self.parts.week_start)
        final = self._period(until, self.parts.week_start)
        for period in range(first + (self._first - first) % interval, final + 1, interval):
            for on in self._of(period):
                if since <= on <= until:
                    yield on

    def _of(self, period: int) -> tuple[date, ...]:
        """All days of a period that the rule names, those before its first day too."""
        found = [
            on for on in self._days(period, self.parts.week_start) if all(fits(on) for fits in self._fits)
        ]
        places = self.parts.by_position
        if places:
            size = len(found)
            chosen = {n - 1 if n > 0 else size + n for n in places if abs(n) <= size}
            found = [found[n] for n in sorted(chosen)]
        return tuple(found)

    def _counted(self, count: int) -> date:
        """The day with the number `count`; where there are not so many in HORIZON_YEARS, the last of these years."""
        horizon = date(self.start.year + HORIZON_YEARS, 12, 31)
        for number, on in enumerate(self.dates(self.start, horizon), 1):
            if number == count:
                return on
        return horizon


def _complete(parts: Parts, start: date) -> Parts:
    """What a rule leaves unsaid is taken from its first day (RFC 5545 § 3.3.10)."""
    if parts.by_day or parts.by_month_day or parts.by_year_day or parts.freq == "DAILY":
        return parts
    if parts.by_week or parts.freq == "WEEKLY":
        return parts._replace(by_day=((0, start.weekday()),))
    if parts.freq == "YEARLY" and not parts.by_month:
        parts = parts._replace(by_month=(start.month,))
    return parts._replace(by_month_day=(start.day,))


def _filters(parts: Parts) -> tuple[Callable[[date], bool], ...]:
    found: list[Callable[[date], bool]] = []
    if parts.by_month:
        months = frozenset(parts.by_month)
        found.append(lambda on: on.month in months)
    if parts.by_week:
        weeks, week_start = frozenset(parts.by_week), parts.week_start
        found.append(lambda on: not weeks.isdisjoint(_week_numbers(on, week_start)))
    if parts.by_year_day:
        of_year = frozenset(parts.by_year_day)
        found.append(lambda on: not of_year.isdisjoint(_year_days(on)))
    if parts.by_month_day:
        of_month = frozenset(parts.by_month_day)
        found.append(lambda on: not of_month.isdisjoint((on.day, on.day - _month_length(on) - 1)))
    if parts.by_day:
        every = frozenset(day for which, day in parts.by_day if not which)
        some = frozenset((which, day) for which, day in parts.by_day if which)
        by_year = parts.freq == "YEARLY" and not parts.by_month

        def fits(on: date) -> bool:
            weekday = on.weekday()
            if weekday in every:
                return True
            day, back = _year_days(on) if by_year else (on.day, on.day - _month_length(on) - 1)
            return bool(some) and not some.isdisjoint(
                (((day + 6) // 7, weekday), (-((6 - back) // 7), weekday))
            )

        found.append(fits)
    return tuple(found)


def _month_length(on: date) -> int:
    return monthrange(on.year, on.month)[1]


def _year_days(on: date) -> tuple[int, int]:
    """Number of the day in its year, from the front (1 …) and from the back (… -1)."""
    day = on.timetuple().tm_yday
    return day, day - date(on.year, 12, 31).timetuple().tm_yday - 1


def _middle(on: date, week_start: int) -> date:
    """The fourth day of the week: the year it lies in is the year of the week."""
    return on - timedelta(days=(on.weekday() - week_start) % 7 - 3)


def _week_numbers(on: date, week_start: int) -> tuple[int, int]:
    """Number of the week in its year, from the front and from the back."""
    middle = _middle(on, week_start)
    number = (middle.timetuple().tm_yday + 6) // 7
    # The 28th of December lies in the last week of its year, whatever day weeks begin with.
    weeks = (_middle(date(middle.year, 12, 28), week_start).timetuple().tm_yday + 6) // 7
    return number, number - weeks - 1


_Period = Callable[[date, int], int]
_Dates = Callable[[int, int], list[date]]


def _run(first: date, count: int) -> list[date]:
    return [first + _ONE * n for n in range(count)]


def _year(number: int, _start: int) -> list[date]:
    return _run(date(number, 1, 1), (date(number + 1, 1, 1) - date(number, 1, 1)).days)


def _week_year(number: int, start: int) -> list[date]:
    first, behind = (_middle(date(year, 1, 4), start) - 3 * _ONE for year in (number, number + 1))
    return _run(first, (behind - first).days)


def _month(number: int, _start: int) -> list[date]:
    first = date(number // 12, number % 12 + 1, 1)
    return _run(first, _month_length(first))


def _week(number: int, start: int) -> list[date]:
    return _run(date.fromordinal(number * 7 + start + 1), 7)


_SPANS: dict[str, tuple[_Period, _Dates]] = {
    "YEARLY": (lambda on, _start: on.year, _year),
    "WEEKYEAR": (lambda on, start: _middle(on, start).year, _week_year),
    "MONTHLY": (lambda on, _start: on.year * 12 + on.month - 1, _month),
    # The first day of the calendar was a Monday.
    "WEEKLY": (lambda on, start: (on.toordinal() - 1 - start) // 7, _week),
    "DAILY": (lambda on, _start: on.toordinal(), lambda number, _start: [date.fromordinal(number)]),
}
"""For each kind of period its number for a date, and the dates of a number; the second argument is the first weekday."""


@lru_cache(maxsize=1024)
def recurrence(text: str, start: date) -> Recurrence:
    """The rule of a text with its first day. Raises RuleRefused."""
    return Recurrence(read(text), start)
