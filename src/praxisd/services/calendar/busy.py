"""The busy times of one column: what booking portals are told, and nothing else (SPEC 3.4, 3.5).

Busy is every entry in the column: appointments that take their time (pending, booked, arrived, fulfilled) with buffers,
reservations, imported busy slots, times offered to the waiting list, absences of the column or the practice, and closed
holidays where the column observes them. Not busy: holds of somebody who is just booking, closed hours, and what is
proposed, cancelled or missed.
"""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Busy, Schedule
from praxisd.services.calendar import busy_store, repeating, rules, store
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.view import views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OFFER = "Offer/"
"""Owner of the time that a round of the waiting list keeps: exclusive like a hold, but told to the portals."""
_DAY = timedelta(days=1)


def busy(
    house: "House", tx: Tx, schedule: str, since: int, until: int, but: Collection[str] = ()
) -> list[Busy]:
    """All occupations of the column that touch [since, until) (epoch seconds), clipped to it, sorted, none twice.

    One over several days is one entry. `but`: owners left out (`Reservation/<id>`, `Appointment/<id>`). Problem
    calendar.schedule_unknown (422).
    """
    calendar = views(house).calendar(tx)
    column = calendar.schedules.get(schedule)
    if column is None:
        raise Problem("calendar.schedule_unknown", 422)
    if until <= since:
        return []
    found = _entries(tx, schedule, since, until, but)
    first = rules.local_date(since, calendar.almanac.zone)
    last = rules.local_date(until - 1, calendar.almanac.zone)
    found.update(_absences(tx, schedule, first, last, calendar.almanac, but))
    found.update(_holidays(column, first, last, calendar.almanac))
    # Cut, then sorted: two that began before the period are one and the same for whom it concerns.
    cut = {
        (start if start > since else since, end if end < until else until)
        for start, end in found
        if start < until and end > since
    }
    return [Busy(start=start, end=end) for start, end in sorted(cut)]


def standing(
    tx: Tx, schedule: str, since: int, until: int, *, lock: bool = False
) -> list[tuple[int, int, str]]:
    """(start, end, owner) of what takes the column in [since, until) now, one over several days in pieces; holds too.

    `lock`: the column is about to be changed in this transaction, others wait.
    """
    if lock:
        store.line_up(tx, [schedule])
    rows = tx.tuples(busy_store.ROWS, schedule=schedule, since=since, until=until)
    return [(start, end, owner) for start, end, owner, expires in rows if expires is None or expires > tx.now]


def _entries(tx: Tx, schedule: str, since: int, until: int, but: Collection[str]) -> set[tuple[int, int]]:
    """What has rows in `calendar_busy`; those of a day each, into which a long one is cut, joined again."""
    found: set[tuple[int, int]] = set()
    longer: dict[str, list[tuple[int, int]]] = {}
    now, full = tx.now, 86_400
    for start, end, owner, expires in tx.tuples(busy_store.ROWS, schedule=schedule, since=since, until=until):
        if (expires is not None and (expires <= now or not owner.startswith(OFFER))) or owner in but:
            continue
        pieces = longer.get(owner) if longer else None
        if pieces and pieces[-1][1] == start:
            pieces[-1] = pieces[-1][0], end
        elif end - start >= full:
            longer.setdefault(owner, []).append((start, end))
        else:
            found.add((start, end))
    return found.union(*longer.values())


def _absences(
    tx: Tx, schedule: str, first: date, last: date, almanac: Almanac, but: Collection[str]
) -> Iterator[tuple[int, int]]:
    """Each time that an absence stands, as local days: 23 and 25 hours long where the clock changes."""
    rows = tx.tuples(busy_store.AWAY, schedule=schedule, initial=first.isoformat(), final=last.isoformat())
    for (doc,) in rows:
        one = store.ABSENCES.decode(doc)
        if f"Absence/{one.id}" in but:
            continue
        for begin, end in repeating.periods(one, first, last):
            # Only the days asked about: an absence may last for years.
            days = rules.span(max(begin, first), min(end, last), almanac.zone)
            yield days.start, days.end


def _holidays(column: Schedule, first: date, last: date, almanac: Almanac) -> Iterator[tuple[int, int]]:
    """Closed days that the column observes, without what somebody opened there: an exception or an imported slot."""
    if not column.observes_holidays:
        return
    worked = {one.date for one in column.exceptions if one.open}
    for n in range((last - first).days + 1):
        on = first + n * _DAY
        if on not in almanac.closed or on in worked:
            continue
        days = rules.span(on, on, almanac.zone)
        at = days.start
        for low, high in (*almanac.periods(column, on), (days.end, days.end)):
            if low > at:
                yield at, low
            at = max(at, high)
