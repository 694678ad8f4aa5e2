"""How a cycle begins: the lease, whether it is time, and whether there is anything to tell at all."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from praxisd.kernel import events, leases
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import (
    cycle_store,
    digest,
    engine_blockers,
    engine_clock_store,
    engine_marks,
    engine_rules,
    engine_store,
)
from praxisd.services.portals.cycle import TTL_S, Cycle, Report, Why, holder, key
from praxisd.services.portals.portal import Period
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ANSWERS_BACK_S = 14 * 86_400
"""A person who starts a comparison has decisions told again that were given up, if they are not older. Seconds."""

NIGHT_JOB_S = 600
"""So long the job of the night has to compare everything anew; then the next cycle does it. Seconds."""


def begin(
    house: "House",
    actor: Actor,
    portal: str,
    why: Why,
    full: bool,
    report: Report,
    stop: Callable[[], bool],
) -> Cycle | None:
    """The cycle with its lease, or None: `report.state` says why not. Problem `portals.inactive` (409) by hand."""
    started = house.clock.now()
    one = house.store.run(actor, partial(_begin, house, portal, why, full, report, stop))
    if one is not None:
        one.before = started + TTL_S
    return one


def _begin(
    house: "House",
    id_: str,
    why: Why,
    full: bool,
    report: Report,
    stop: Callable[[], bool],
    tx: Tx,
) -> Cycle | None:
    portal, row = PORTALS.get(tx, id_), engine_store.cycle(tx, id_)
    report.state = "done"
    if portal is None or row is None:
        report.state = "gone"
        return None
    report.name = portal.name
    if not portal.active:
        if why == "hand":
            raise Problem("portals.inactive", 409, portal=portal.name)
        report.state = "gone"
        return None
    lease = leases.acquire(tx, key(id_), holder(house), TTL_S)
    if lease is None:
        report.state = "busy"
        return None
    row = engine_store.cycle(tx, id_)  # behind the lease: another cycle may just have ended
    if row is None:
        raise RuntimeError("the row of a portal's contact is gone")
    now = tx.lease_now()
    if engine_clock_store.is_ahead(row, now):
        engine_clock_store.put_right(tx, id_, now)
        row = engine_store.cycle(tx, id_) or row
    if (why == "due" and row.due_at > now) or (
        why == "plan" and now < free_at(row, portal.interval, portal.early)
    ):
        leases.release(tx, lease)
        report.state = "early"
        return None
    zone_name = directory.organization(tx).zone
    night = engine_rules.night_of(now - NIGHT_JOB_S, zone(zone_name))
    full = full or row.reconciled_on is None or row.reconciled_on < night
    one = Cycle(
        house, tx.actor, portal, why, full, lease, 0, row, report, stop,
        calendars=engine_store.calendars(tx, id_), states=engine_store.states(tx, id_), zone=zone_name,
        mark=None if full else row.mark, fetched_at=row.fetched_at,
    )  # fmt: skip
    if why == "hand":
        engine_store.reopen_answers(tx, id_, tx.now - ANSWERS_BACK_S)
    soon = row.contacted_at is not None and now < row.contacted_at + portal.interval
    one.look = why == "due" and soon and row.failures == 0 and not full
    if not one.look:
        contact(one, tx)
    return one


def free_at(row: Any, interval: int, early: bool) -> int:
    """When the portal may be asked again by nobody's hand (epoch seconds)."""
    if row.contacted_at is None:
        return 0
    return int(row.contacted_at) + (INTERVAL_LOW_S if early else interval)


def free_now(tx: Tx, portal: str) -> int:
    """When something that a person changed may be tried: at once, if the last contact was not just now or has failed."""
    row = engine_store.cycle(tx, portal)
    now = tx.lease_now()
    if row is None or row.failures or row.contacted_at is None:
        return now
    return max(now, row.contacted_at + INTERVAL_LOW_S)


def later(due_at: int, now: int) -> int:
    """The next contact after one that a person made beside the cycles: as planned, but not too soon."""
    return max(due_at, now + INTERVAL_LOW_S)


def contact(one: Cycle, tx: Tx) -> None:
    """Note a contact before it is made: whatever becomes of this process, the next one is not too soon."""
    now = tx.lease_now()
    values = {"mark": None} if one.full else {}
    engine_store.change_cycle(tx, one.portal.id, contacted_at=now, due_at=now + one.portal.interval, **values)


def nothing_to_tell(one: Cycle) -> bool:
    """True if this contact would only be for a change that concerns none of the calendars: then it is not made.

    Looked at for those that come before their time alone; the regular ones ask the portal in any case.
    """
    if not one.look:
        return False
    seen = _same(one)
    if seen is None:
        one.write(partial(contact, one))
        return False
    one.write(partial(_quiet, one, seen))
    return True


def _same(one: Cycle) -> dict[str, int] | None:
    """For each calendar the number of the last event looked at, if every one is as the portal was told; else None."""
    seen: dict[str, int] = {}
    here = zone(one.zone)
    with one.house.store.read(one.actor) as tx:
        if engine_store.due_answers(tx, one.portal.id, tx.now) or cycle_store.chosen(tx, one.portal.id):
            return None
        states = engine_store.states(tx, one.portal.id)
        for link in one.calendars:
            state = states.get(link.id)
            if state is None or state.force or state.digest is None or state.first is None:
                return None
            if state.failures:
                continue
            number, told = _told(one, tx, link.id, link.schedule, Period(state.first, state.last), here)
            if told != state.digest:
                return None
            seen[link.id] = number
    return seen


def _told(one: Cycle, tx: Tx, link: str, schedule: str, period: Period, here: ZoneInfo) -> tuple[int, str]:
    number = events.head(tx)
    own = own_blockers(tx, one.portal.id, link, schedule)
    busy = calendar.busy(one.house, tx, schedule, digest.since(period, here), period.end, own)
    return number, digest.digest(period, busy, here)


def own_blockers(tx: Tx, portal: str, link: str, schedule: str) -> list[str]:
    """Owners of what is busy here only because it is busy at the portal: it is not told of its own times."""
    return [f"Reservation/{id_}" for id_ in engine_blockers.unchanged(tx, portal, link, schedule)]


def _quiet(one: Cycle, seen: dict[str, int], tx: Tx) -> None:
    """Nothing went out and nothing had to: each calendar is in step up to what was looked at."""
    dirty: list[int] = []
    for link, number in seen.items():
        later = engine_marks.dirty_since(tx, number)
        engine_store.in_step(tx, link, number, later)
        dirty += [] if later is None else [later]
    contacted = one.row.contacted_at
    due = contacted + one.portal.interval
    if dirty:
        due = engine_rules.early(due, contacted, min(dirty))
    engine_store.change_cycle(tx, one.portal.id, due_at=due)
    leases.release(tx, one.lease)
