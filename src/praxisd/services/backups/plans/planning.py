"""The plan in force: who set it up and when, in which zone its times are, and on which days nobody is there."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.store import Tx
from praxisd.model.backup import BackupPlan, PlanJob
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups import day_rules, plan_rules, store
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ID, SUBJECT = "plan", "BackupPlan"
CHANGED = "backup_plan.changed"
SYSTEM = system("backups", INSTALLATION)
DAY_BEGINS = "06:00"
"""When a backup day begins while no plan is in force (BackupAssist)."""


def plan(tx: Tx) -> PlanKept | None:
    """The plan in force, None while there is none."""
    return store.PLAN.get(tx, ID)


def planned(house: "House") -> bool:
    """True while a plan is in force that copies by itself: not none, and not „external“."""
    with house.store.read(SYSTEM) as tx:
        kept = plan(tx)
    return kept is not None and kept.plan.variant != "external"


def put(tx: Tx, made: BackupPlan) -> PlanKept:
    """Put it in force. Problems (422) of `plan_rules.CODES`; the same plan once more changes nothing."""
    made, before = plan_rules.check(made), plan(tx)
    if before is not None and before.plan == made:
        return before
    version = 1 if before is None else before.version + 1
    kept = PlanKept(made, version, tx.actor.label, tx.now)
    store.PLAN.put(tx, ID, kept, at=tx.now)
    fields = _changed(before.plan if before else None, made)
    events.note(tx, CHANGED, SUBJECT, ID, version=version, fields=fields, variant=made.variant)
    return kept


def _changed(before: BackupPlan | None, after: BackupPlan) -> tuple[str, ...]:
    names = BackupPlan.__struct_fields__
    return tuple(one for one in names if before is None or getattr(before, one) != getattr(after, one))


def job(kept: PlanKept | None, name: str) -> PlanJob | None:
    """The job of this name in the plan."""
    return next((one for one in kept.plan.jobs if one.name == name), None) if kept is not None else None


def zone(house: "House", tx: Tx) -> ZoneInfo:
    """In which zone the plan's times are: that of the first practice, else the installation's."""
    for practice in practices(tx):
        return zone_of(practice_zone(house, tx, practice))
    return zone_of(zone_name(house, tx))


def practice_zone(house: "House", tx: Tx, practice: str) -> str:
    """The name of a practice's zone."""
    with within(tx, practice):
        return zone_name(house, tx)


def practices(tx: Tx) -> list[str]:
    """The practices of the installation; all of them are served by the one server that is backed up."""
    return directory.organization_ids(tx)


def today(house: "House", tx: Tx, kept: PlanKept | None = None, now: int | None = None) -> date:
    """The backup day it is now (`now`: another instant)."""
    kept = kept or plan(tx)
    begins = kept.plan.day_begins if kept is not None else DAY_BEGINS
    return day_rules.backup_day(tx.now if now is None else now, zone(house, tx), begins)


def closed(house: "House", tx: Tx, first: date, last: date) -> set[date]:
    """Days from `first` to `last`, both included, on which nobody is there: holidays, closings and absences as each practice
    has them. With several practices a day is closed only if all of them are.
    """
    found: set[date] | None = None
    for practice in practices(tx):
        with within(tx, practice):
            days = calendar.closed_days(tx, first, last)
        found = days if found is None else found & days
    return found or set()


def closed_around(house: "House", tx: Tx, now: int) -> set[date]:
    """The closed days that the rules look at: a month back, and so far ahead as they look for a next working day."""
    here = day_rules.backup_day(now, zone(house, tx), DAY_BEGINS)
    return closed(house, tx, here - timedelta(days=_BACK), here + timedelta(days=plan_rules.AHEAD))


@contextmanager
def within(tx: Tx, organization: str) -> Iterator[None]:
    """The transaction as one of this practice."""
    own, tx.organization = tx.organization, organization
    try:
        yield
    finally:
        tx.organization = own


def digest(house: "House") -> str:
    """What our media say whose they are: of the oldest key of the vault, which moves with the practice and tells nothing."""
    return hashlib.sha256(f"praxisd medium of {house.vault.oldest}".encode()).hexdigest()[:32]


_BACK = 62
