"""Links between online calendars of a portal and columns of the practice; the portal is asked for the name when one is saved.

Asking happens before the transaction (`asked`): no network call is made while one is open.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import cycle_start, cycle_store, engine_blockers, engine_store
from praxisd.services.portals.portal import CALENDAR_UNKNOWN, Portal
from praxisd.services.portals.store import CALENDARS, PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAMES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether the portal has a calendar of that name: asked and found, or not asked because it could not be reached."""

    checked: bool
    code: str | None = None


def asked(portal: Portal, called: str, name: str) -> Asked:
    """Ask the portal that we call `called`. Problem `portals.calendar_unknown` (422) if it has no calendar of that name."""
    try:
        names = portal.names()
        if names is None:
            portal.period(name)
        elif name not in names:
            raise Problem(CALENDAR_UNKNOWN, 422, names=", ".join(sorted(names)[:NAMES_SHOWN]))
    except Problem as problem:
        if problem.code != CALENDAR_UNKNOWN:
            return Asked(False, problem.code)
        told = str(problem.params.get("names") or "–")
        raise Problem(CALENDAR_UNKNOWN, 422, calendar=name, names=told, portal=called) from None
    return Asked(True)


def link(house: "House", tx: Tx, wanted: OnlineCalendar) -> OnlineCalendar:
    """Keep a calendar of the portal in step with a column. Problems: `portals.schedule_unknown`, `.service_unknown`,
    `.field_wrong` (422), `.calendar_taken`, `.schedule_taken` (409).
    """
    PORTALS.need(tx, wanted.portal)
    _check(house, tx, wanted)
    one = CALENDARS.insert(tx, msgspec.structs.replace(wanted, id=new_id()))
    engine_store.add_state(tx, one.id, one.portal)
    engine_store.change_cycle(tx, one.portal, due_at=cycle_start.free_now(tx, one.portal))
    events.note(tx, "calendar.linked", "OnlineCalendar", one.id, version=1, schedule=one.schedule)
    tx.after(house.wake.signal)
    return one


def relink(house: "House", tx: Tx, id_: str, wanted: OnlineCalendar, expected: int | None) -> OnlineCalendar:
    """Change a link; everything is uploaded anew. Problems as `link`, `resource.stale` (412)."""
    old = CALENDARS.need(tx, id_)
    check_version(expected, old.version, "OnlineCalendar")
    new = msgspec.structs.replace(wanted, id=id_, portal=old.portal, version=old.version)
    _check(house, tx, new)
    names = changed_fields(old, new)
    if not names:
        return old
    saved = CALENDARS.save(tx, new, old.version)
    if {"name", "schedule"} & set(names):
        _give_up_blockers(house, tx, old)
        engine_store.forget_calendar(tx, id_)
        engine_store.add_state(tx, id_, saved.portal)
        engine_store.change_cycle(tx, saved.portal, due_at=cycle_start.free_now(tx, saved.portal))
    events.note(
        tx, "calendar.linked", "OnlineCalendar", id_, version=saved.version, fields=names, schedule=saved.schedule
    )  # fmt: skip
    tx.after(house.wake.signal)
    return saved


def unlink(house: "House", tx: Tx, id_: str, expected: int | None) -> None:
    """Leave an online calendar to itself: what the portal shows stays as it is. Its own busy times end here too."""
    old = CALENDARS.need(tx, id_)
    check_version(expected, old.version, "OnlineCalendar")
    _give_up_blockers(house, tx, old)
    engine_store.forget_calendar(tx, id_)
    CALENDARS.delete(tx, id_, old.version)
    events.note(tx, "calendar.unlinked", "OnlineCalendar", id_, version=old.version, schedule=old.schedule)


def resync(tx: Tx, id_: str) -> OnlineCalendar:
    """Let the next cycle upload everything and read the portal's hours anew."""
    one = CALENDARS.need(tx, id_)
    engine_store.change_state(
        tx, id_, force=engine_store.OWED, digest=None, hours=None, failures=0, code=None, retry=None,
    )  # fmt: skip
    return one


def _give_up_blockers(house: "House", tx: Tx, one: OnlineCalendar) -> None:
    """Reservations that stand for busy times of this calendar at the portal are not kept without it."""
    for row in cycle_store.blockers(tx, one.portal, one.id).values():
        engine_blockers.give_up(house, tx, one.schedule, row)


def _check(house: "House", tx: Tx, one: OnlineCalendar) -> None:
    known = calendar.views(house).calendar(tx)
    if one.schedule not in known.schedules:
        raise Problem("portals.schedule_unknown", 422)
    if one.service is not None and one.service not in known.services:
        raise Problem("portals.service_unknown", 422, name=one.service)
    if not one.name.strip() or not one.name.isprintable():
        raise Problem("portals.field_wrong", 422, field="name")
    for other in engine_store.calendars(tx, one.portal):
        if other.id != one.id and other.name == one.name:
            raise Problem("portals.calendar_taken", 409, calendar=one.name)
        if other.id != one.id and other.schedule == one.schedule:
            raise Problem("portals.schedule_taken", 409, calendar=other.name)


__all__ = ("Asked", "asked", "link", "relink", "resync", "unlink")
