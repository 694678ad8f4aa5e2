"""The naive oracle of the calendar: minute by minute on the wall clock, no bit, no shortcut.

Written from SPEC 1.5, 1.6 and HOUSE "Calendar" alone; it shares no code with the rules it judges, only the
structs both are given. A minute is named by the epoch second it begins with. What one question about a rule
or an opening was answered with is kept, so that it is worked out once; no answer is made of another one.
"""

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from praxisd.model.scheduling import Absence, HealthcareService, ImportedSlot, Schedule

Rows = dict[str, list[tuple[int, int]]]


@lru_cache
def _wall(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@lru_cache(maxsize=4096)
def _named(rule: str, first: date | None, day: date) -> bool:
    """Whether a rule of RFC 5545 names the day, in the opinion of another program."""
    assert first is not None
    noon = datetime(day.year, day.month, day.day)
    begin = datetime(first.year, first.month, first.day)
    return bool(rrulestr(rule, dtstart=begin).between(noon, noon, inc=True))


def _away(absence: Absence, today: date) -> bool:
    if absence.rule is None:
        return absence.first <= today <= absence.last
    back = range((absence.last - absence.first).days + 1)
    return any(_named(absence.rule, absence.first, today - timedelta(days=n)) for n in back)


@dataclass
class World:
    """All that decides about a free time, as plain as it comes. Holds: (schedule, start, end, expires)."""

    zone: ZoneInfo
    schedules: dict[str, Schedule]
    service: HealthcareService
    busy: Rows
    holds: list[tuple[str, int, int, int]] = field(default_factory=list)
    closed: set[date] = field(default_factory=set)
    absences: list[Absence] = field(default_factory=list)
    imported: list[ImportedSlot] = field(default_factory=list)
    _open: dict[tuple[str, int], bool] = field(default_factory=dict)

    def _is_open(self, schedule: Schedule, minute: int) -> bool:
        local = datetime.fromtimestamp(minute, self.zone)
        today, clock = local.date(), local.hour * 60 + local.minute
        for absence in self.absences:
            if absence.schedule in (None, schedule.id) and _away(absence, today):
                return False
        for slot in self.imported:
            if slot.schedule == schedule.id and slot.status == "free" and slot.start <= minute < slot.end:
                return True
        for exception in schedule.exceptions:
            if exception.date == today:
                return any(_wall(start) <= clock < _wall(end) for start, end in exception.open)
        if schedule.observes_holidays and today in self.closed:
            return False
        for rule in schedule.hours:
            if today.isoweekday() not in rule.days or not _wall(rule.start) <= clock < _wall(rule.end):
                continue
            if rule.valid_from is not None and today < rule.valid_from:
                continue
            if rule.valid_to is not None and today > rule.valid_to:
                continue
            if rule.services and self.service.id not in rule.services:
                continue
            if rule.rule is not None and not _named(rule.rule, rule.valid_from, today):
                continue
            if rule.every_weeks > 1 and rule.valid_from is not None:
                # Walk week by week from the first one until today's week is met or passed.
                year_week = today.isocalendar()[:2]
                walk = rule.valid_from
                while walk.isocalendar()[:2] < year_week:
                    walk += timedelta(weeks=rule.every_weeks)
                if walk.isocalendar()[:2] != year_week:
                    continue
            return True
        return False

    def is_open(self, schedule: str, minute: int) -> bool:
        """Whether the column is open in this minute."""
        key = (schedule, minute)
        if key not in self._open:
            self._open[key] = self._is_open(self.schedules[schedule], minute)
        return self._open[key]

    def is_busy(self, schedule: str, minute: int, now: int) -> bool:
        """Whether anything occupies the column in this minute."""
        for start, end in self.busy.get(schedule, []):
            if start < minute + 60 and minute < end:
                return True
        return any(
            name == schedule and expires > now and start < minute + 60 and minute < end
            for name, start, end, expires in self.holds
        )

    def serves(self, schedule: str, start: int, end: int, now: int) -> bool:
        """Whether this one column can take an appointment from start to end, buffers around it."""
        if schedule not in self.schedules or not self.schedules[schedule].active:
            return False
        if not all(self.is_open(schedule, minute) for minute in range(start, end, 60)):
            return False
        first = start - self.service.buffer_before * 60
        last = end + self.service.buffer_after * 60
        return not any(self.is_busy(schedule, minute, now) for minute in range(first, last, 60))

    def combination(
        self, start: int, end: int, now: int, must: tuple[str, ...] = ()
    ) -> tuple[str, ...] | None:
        """The first combination in the order of groups, each sorted by order and number."""
        if not self.service.groups or not self.service.active:
            return None
        options = []
        for group in self.service.groups:
            able = [name for name in group if self.serves(name, start, end, now)]
            able.sort(key=lambda name: (self.schedules[name].order, self.schedules[name].no))
            options.append(able)
        for names in itertools.product(*options):
            if len(set(names)) == len(names) and set(must) <= set(names):
                return names
        return None

    def in_time(self, start: int, now: int) -> bool:
        """Neither too soon nor too far ahead."""
        if start < now + self.service.min_notice * 60:
            return False
        if self.service.max_ahead is None:
            return True
        today = datetime.fromtimestamp(now, self.zone).date()
        on = datetime.fromtimestamp(start, self.zone).date()
        return (on - today).days <= self.service.max_ahead

    def slots(
        self, begin: int, end: int, now: int, must: tuple[str, ...] = ()
    ) -> list[tuple[int, int, tuple[str, ...]]]:
        """Every free start in [begin, end): (start, end, schedules)."""
        assert self.service.duration is not None
        found = []
        minute = begin + -begin % 60
        while minute < end:
            local = datetime.fromtimestamp(minute, self.zone)
            on_raster = (local.hour * 60 + local.minute) % self.service.start_every == 0
            if on_raster and self.in_time(minute, now):
                stop = minute + self.service.duration * 60
                names = self.combination(minute, stop, now, must)
                if names is not None:
                    found.append((minute, stop, names))
            minute += 60
        return found
