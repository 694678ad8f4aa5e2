"""The naive oracle of busy times: written from SPEC 3.5 and its words in `busy.py`, day by day, no index, no shortcut.

It looks at the records themselves (appointments, reservations, absences, closings), never at `calendar_busy`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from praxisd.model.scheduling import Absence, Appointment, Reservation, Schedule

_TAKING = ("pending", "booked", "arrived", "fulfilled")


@dataclass
class Practice:
    """All that decides about busy times. `closed`: public holidays and the practice's own closings."""

    zone: ZoneInfo
    appointments: list[Appointment] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    closed: set[date] = field(default_factory=set)

    def _day(self, on: date) -> tuple[int, int]:
        after = on + timedelta(days=1)
        return tuple(  # type: ignore[return-value]
            int(datetime(d.year, d.month, d.day, tzinfo=self.zone).timestamp()) for d in (on, after)
        )

    def _stands(self, one: Absence, near: Iterable[date]) -> list[tuple[date, date]]:
        """Each time it stands, of those that begin on a day of `near`."""
        if one.rule is None:
            return [(one.first, one.last)]
        begin = datetime(one.first.year, one.first.month, one.first.day)
        rule = rrulestr(one.rule, dtstart=begin)
        length = one.last - one.first
        found = []
        for on in near:
            noon = datetime(on.year, on.month, on.day)
            if rule.between(noon, noon, inc=True):
                found.append((on, on + length))
        return found

    def busy(self, column: Schedule, since: int, until: int) -> list[tuple[int, int]]:
        """Clipped, sorted, none twice."""
        found: set[tuple[int, int]] = set()
        for one in self.appointments:
            if one.status in _TAKING and column.id in one.schedules:
                found.add((one.start - one.buffer_before * 60, one.end + one.buffer_after * 60))
        for kept in self.reservations:
            if column.id in kept.schedules:
                found.add((kept.start, kept.end))
        first = datetime.fromtimestamp(since, self.zone).date()
        last = datetime.fromtimestamp(until - 1, self.zone).date()
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        near = [first - timedelta(days=n) for n in range(70, 0, -1)] + days
        for away in self.absences:
            if away.schedule in (None, column.id):
                for begin, end in self._stands(away, near):
                    found.add((self._day(begin)[0], self._day(end)[1]))
        if column.observes_holidays:
            worked = {one.date for one in column.exceptions if one.open}
            found |= {self._day(on) for on in days if on in self.closed and on not in worked}
        cut = {(max(a, since), min(b, until)) for a, b in found if a < until and b > since}
        return sorted(cut)
