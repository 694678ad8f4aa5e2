"""What repeats by a rule of RFC 5545 (a room of `rules`: pure): absences written out for a while, and rules refused."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from praxisd.kernel.errors import Problem
from praxisd.model.recurrence import Recurrence, recurrence
from praxisd.model.recurrence_text import RuleRefused
from praxisd.model.scheduling import Absence, Schedule

ENDLESS = date.max
_KEPT = 4_000
"""Dates of which it is remembered whether they are closed."""
PROBLEMS = ((422, "calendar.rule_unsupported"), (422, "calendar.rule_invalid"))


def check_rules(record: object) -> None:
    """Refuse (422) a column or an absence with a rule that is not taken: `calendar.rule_unsupported` for what RFC 5545
    knows and we do not, `calendar.rule_invalid` for what it does not know; both name the `part` of the rule."""
    if isinstance(record, Schedule):
        for hours in record.hours:
            if hours.rule is not None and hours.valid_from is not None:
                check_rule(hours.rule, hours.valid_from)
    elif isinstance(record, Absence) and record.rule is not None:
        check_rule(record.rule, record.first)


def check_rule(text: str, start: date) -> None:
    """As `check_rules`, one rule."""
    try:
        recurrence(text, start)
    except RuleRefused as refused:
        code = "calendar.rule_unsupported" if refused.unsupported else "calendar.rule_invalid"
        raise Problem(code, 422, part=refused.part) from None


def last_day(absence: Absence) -> date:
    """The last day that an absence may close, ENDLESS where it has no end."""
    if absence.rule is None:
        return absence.last
    last = recurrence(absence.rule, absence.first).last
    length = absence.last - absence.first
    return ENDLESS if last is None or last > ENDLESS - length else last + length


def periods(absence: Absence, since: date, until: date) -> Iterator[tuple[date, date]]:
    """(first, last) of each time it stands, of those that touch `since` to `until` (both inclusive), in order."""
    if absence.rule is None:
        if absence.first <= until and absence.last >= since:
            yield absence.first, absence.last
        return
    length = absence.last - absence.first
    early = since - length if since.toordinal() > length.days else date.min
    for on in recurrence(absence.rule, absence.first).dates(early, until):
        yield on, on + length


class Away:
    """Which dates absences close, for one column or for the whole practice."""

    __slots__ = ("_known", "_periods", "_repeated")

    def __init__(self, absences: Iterable[Absence]) -> None:
        self._periods: list[tuple[date, date]] = []
        self._repeated: list[tuple[Recurrence, int]] = []
        self._known: dict[date, bool] = {}
        for one in absences:
            if one.rule is None:
                self._periods.append((one.first, one.last))
            else:
                self._repeated.append((recurrence(one.rule, one.first), (one.last - one.first).days + 1))

    def on(self, day: date) -> bool:
        """True if one of them closes this date."""
        if any(first <= day <= last for first, last in self._periods):
            return True
        if not self._repeated:
            return False
        # Asked for each column: what is worked out once for a date holds for all of them.
        known = self._known.get(day)
        if known is None:
            known = any(
                rule.holds(day - timedelta(days=n)) for rule, length in self._repeated for n in range(length)
            )
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[day] = known
        return known
