"""On which days nobody is in the practice: for services that plan work there, such as the backups."""

from datetime import date, timedelta

from praxisd.kernel.clock import zone
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Closing
from praxisd.services.calendar import rules, store
from praxisd.services.calendar.view import closing_rows
from praxisd.services.directory import api as directory


def closed(tx: Tx, first: date, last: date) -> set[date]:
    """Days from `first` to `last`, both included, on which the transaction's practice is closed as a whole: public holidays
    and its own closings (one says that it is open on a holiday), and absences of the whole practice.
    """
    practice = directory.organization(tx)
    own = [Closing(date=d, closed=bool(c), name=n) for d, c, n in closing_rows(tx)]
    shut = rules.closed_days(practice.region, range(first.year, last.year + 1), own)
    almanac = rules.Almanac(zone(practice.zone), shut, store.ABSENCES.all(tx))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day for day in days if day in almanac.closed or almanac.absent("", day)}
