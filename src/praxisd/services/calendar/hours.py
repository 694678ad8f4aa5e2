"""When a column is open (a room of `rules`: pure): hours, exceptions, holidays, absences, imported slots.

From weak to strong, for one column and one local date:

1. opening rules in wall time, with valid-from/to and every-N-weeks or a rule of RFC 5545;
2. a closed day (public holiday or the practice's own closing) empties them, if the column observes holidays;
3. a dated exception of the column replaces whatever 1 and 2 gave: a person wrote it for this very date;
4. imported free slots open their time in addition;
5. an absence of the column or of the whole practice closes the date.

Times are exact to the second; only the bitmaps round (opening inward: a unit is open if all of it is).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from praxisd.model.recurrence import recurrence
from praxisd.model.scheduling import Absence, ImportedSlot, OpeningRule, Schedule, clock_minutes
from praxisd.services.calendar.days import Span, covered, day, inner_bits, local_date, merge
from praxisd.services.calendar.repeating import Away

Periods = tuple[tuple[int, int], ...]
Shut = Literal["absent", "holiday"]
V = TypeVar("V")
_Key = tuple[str, int, str | None, date | Span]

# Enough for 50 columns over two years (some 10 MB), and for 100 different spans of 20 columns (some 7 MB);
# a full cache is emptied, which costs milliseconds.
_DAY_LIMIT = 40_000
_SPAN_LIMIT = 2_000
_numbers = count(1)


def applies(rule: OpeningRule, on: date, service: str | None) -> bool:
    """Whether the rule opens the local date `on` for this appointment type (None: for any type at all)."""
    if on.isoweekday() not in rule.days:
        return False
    if (rule.valid_from and on < rule.valid_from) or (rule.valid_to and on > rule.valid_to):
        return False
    if rule.services and service is not None and service not in rule.services:
        return False
    if rule.rule is not None and rule.valid_from:
        return recurrence(rule.rule, rule.valid_from).holds(on)
    if rule.every_weeks > 1 and rule.valid_from:
        weeks = (_monday(on) - _monday(rule.valid_from)).days // 7
        return weeks % rule.every_weeks == 0
    return True


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


class Almanac:
    """What one practice knows about its days: time zone, closed days, absences, imported openings.

    Immutable by agreement; make a new one when any of these change. It remembers the opening bits that it
    computed, per column version and date, so keep one per organization and revision, and take a fresh one
    for a preview of hours that are not saved yet. Threads may share it: the worst a race does is to compute
    a value twice.

    `closed`: local dates on which columns that observe holidays are closed (`holidays_rules.closed_days`). `number`: its own
    in this process, for whoever remembers what was worked out with it but must not keep all of it.
    `imported`: only those with status free open anything; the others are occupations like reservations.
    """

    __slots__ = ("_absent", "_days", "_extra", "_opened", "_spans", "closed", "number", "zone")

    def __init__(
        self,
        zone: ZoneInfo,
        closed: Iterable[date] = (),
        absences: Iterable[Absence] = (),
        imported: Iterable[ImportedSlot] = (),
    ) -> None:
        self.zone = zone
        self.number = next(_numbers)
        self.closed = frozenset(closed)
        whose: dict[str | None, list[Absence]] = {}
        for absence in absences:
            whose.setdefault(absence.schedule, []).append(absence)
        self._absent = {schedule: Away(its) for schedule, its in whose.items()}
        self._extra: dict[tuple[str, date], list[tuple[int, int]]] = {}
        for slot in imported:
            if slot.status == "free":
                for on in self._dates(slot.start, slot.end):
                    self._extra.setdefault((slot.schedule, on), []).append((slot.start, slot.end))
        self._opened: dict[_Key, Periods] = {}
        self._days: dict[_Key, int] = {}
        self._spans: dict[_Key, int] = {}

    def absent(self, schedule: str, on: date) -> bool:
        """Whether the column, or the whole practice, is away on this local date."""
        absent = self._absent
        return any(key in absent and absent[key].on(on) for key in (schedule, None))

    def shut(self, schedule: Schedule, on: date) -> Shut | None:
        """Why the whole date is closed for the column: absence, or a closed day without an exception."""
        if self.absent(schedule.id, on):
            return "absent"
        if on in self.closed and schedule.observes_holidays:
            return None if any(entry.date == on for entry in schedule.exceptions) else "holiday"
        return None

    def periods(self, schedule: Schedule, on: date, service: str | None = None) -> Periods:
        """Open periods of the column on one local date, exact, merged, within the day."""
        key = (schedule.id, schedule.version, _kind(schedule, service), on)
        known = self._opened.get(key)
        if known is None:
            known = self._periods(schedule, on, service)
            _keep(self._opened, key, known, _DAY_LIMIT)
        return known

    def _periods(self, schedule: Schedule, on: date, service: str | None) -> Periods:
        if self.absent(schedule.id, on):
            return ()
        here = day(on, self.zone)
        walls = next((entry.open for entry in schedule.exceptions if entry.date == on), None)
        if walls is None:
            walls = ()
            if not (schedule.observes_holidays and on in self.closed):
                walls = tuple((r.start, r.end) for r in schedule.hours if applies(r, on, service))
        found = [
            instants
            for start, end in walls
            for instants in here.instants(clock_minutes(start), clock_minutes(end))
        ]
        extra = self._extra.get((schedule.id, on), ())
        found += [(max(start, here.start), min(end, here.end)) for start, end in extra]
        return merge(found)

    def bits(self, schedule: Schedule, on: date, service: str | None = None) -> int:
        """Open units of one local date, counted from its first instant, rounded inward."""
        key = (schedule.id, schedule.version, _kind(schedule, service), on)
        known = self._days.get(key)
        if known is None:
            here = day(on, self.zone)
            known = inner_bits(self.periods(schedule, on, service), here.start, here.units)
            _keep(self._days, key, known, _DAY_LIMIT)
        return known

    def over(self, schedule: Schedule, span: Span, service: str | None = None) -> int:
        """Open units of a span of days. `span` must be in the almanac's zone."""
        key = (schedule.id, schedule.version, _kind(schedule, service), span)
        known = self._spans.get(key)
        if known is None:
            known = 0
            for each in span.days:
                known |= self.bits(schedule, each.date, service) << span.index(each)
            _keep(self._spans, key, known, _SPAN_LIMIT)
        return known

    def open(self, schedule: Schedule, start: int, end: int, service: str | None = None) -> bool:
        """Whether the column is open during all of [start, end), exact to the second, over midnights too."""
        dates = self._dates(start, end)
        if len(dates) == 1:
            return covered(start, end, self.periods(schedule, dates[0], service))
        return covered(start, end, merge(p for on in dates for p in self.periods(schedule, on, service)))

    def why_shut(self, schedule: Schedule, start: int, end: int) -> Shut | None:
        """The first reason among the dates of [start, end) to call the column closed for a whole day."""
        dates = self._dates(start, end)
        return next((reason for on in dates if (reason := self.shut(schedule, on))), None)

    def _dates(self, start: int, end: int) -> list[date]:
        first, last = local_date(start, self.zone), local_date(max(start, end - 1), self.zone)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _kind(schedule: Schedule, service: str | None) -> str | None:
    # Most columns take every type at every hour: all types share one cached value.
    for rule in schedule.hours:
        if rule.services:
            return service
    return None


def _keep(cache: dict[_Key, V], key: _Key, value: V, limit: int) -> None:
    if len(cache) >= limit:
        cache.clear()
    cache[key] = value
