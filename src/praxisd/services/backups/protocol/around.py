"""What the log, the form and the coverage ask of the rest of the house: plan, zone, closed days, backup day of now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.schedule import Weekday
from praxisd.kernel.store import Tx
from praxisd.model.backup import DueRun
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups import day_rules, plan_rules
from praxisd.services.backups.plans import planning

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "backups.protocol"
_AFTER = 62


@dataclass(frozen=True, slots=True)
class Around:
    """`today`: the backup day of `now` (epoch seconds), which begins at `day_begins`; `closed`: over the asked days and two
    months after them.
    """

    plan: PlanKept | None
    zone: tzinfo
    now: int
    today: date
    closed: frozenset[date]
    day_begins: str

    @property
    def days(self) -> tuple[Weekday, ...]:
        """The days on which somebody works."""
        return plan_rules.WORKING if self.plan is None else self.plan.plan.days

    @property
    def since(self) -> date | None:
        """The first backup day of the plan in force."""
        return None if self.plan is None else day_rules.backup_day(self.plan.at, self.zone, self.day_begins)

    def planned(self, day: date) -> tuple[DueRun, ...]:
        """What the plan in force wanted on a backup day; nothing of what was due before it came into force."""
        if self.plan is None:
            return ()
        found = (
            DueRun(one, day_rules.instant(day, one.time, self.zone, self.day_begins))
            for one in plan_rules.runs_on(self.plan.plan, day, self.closed)
        )
        return tuple(one for one in found if one.at >= self.plan.at)


def around(house: "House", tx: Tx, *, back: int = 0, day: date | None = None) -> Around:
    """As it is now; `closed` from `back` days before today (or from `day`, if that is earlier) on."""
    plan = planning.plan(tx)
    zone = planning.zone(house, tx)
    begins = plan.plan.day_begins if plan is not None else planning.DAY_BEGINS
    today = day_rules.backup_day(tx.now, zone, begins)
    first = today - timedelta(days=back)
    if day is not None:
        first = min(first, day)
    closed = planning.closed(house, tx, first, today + timedelta(days=_AFTER))
    return Around(plan, zone, tx.now, today, frozenset(closed), begins)


@contextmanager
def reading(house: "House") -> Iterator[Tx]:
    """A view of the installation."""
    with house.store.read(system(NAME, INSTALLATION)) as tx:
        yield tx
