"""The engine of online calendars: one cycle of a portal, and what others may ask or say of it.

`run` is a cycle (see `cycle` for its course). `hurry` says that there is something to tell. `on_portals` says since when the
portals show an appointment as taken.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel import events, leases
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import OCCUPYING, Appointment
from praxisd.services.portals import accounts, cycle_start, cycle_steps, engine_store
from praxisd.services.portals.cycle import Cycle, Lost, Report, Stopped, Why
from praxisd.services.portals.engine_marks import hurry
from praxisd.services.portals.portal import Portal
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_PLACED = frozenset({"booked", "requested", "imported", "moved"})
_FIELDS = frozenset(
    {"start", "end", "schedules", "bufferBefore", "bufferAfter", "buffer_before", "buffer_after"}
)


class Shown(NamedTuple):
    """Since when (epoch seconds) a portal shows an appointment's time as taken; `at` None: not yet, `code` says why."""

    calendar: str
    portal: str
    at: int | None
    code: str | None


def run(
    house: "House",
    actor: Actor,
    portal: str,
    why: Why = "due",
    *,
    full: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """One cycle. `full`: upload everything and read bookings, unknown times, hours anew; otherwise only each night.

    `actor` is bound to the practice. A failure of the portal is a part of the report, not an exception.
    """
    report = Report(portal)
    one = cycle_start.begin(house, actor, portal, why, full, report, lambda: house.stopping or stop())
    if one is None:
        return report
    try:
        if cycle_start.nothing_to_tell(one):
            report.state = "quiet"
            return report
        try:
            one.wire = _opened(one)
            for step in cycle_steps.STEPS:
                step(one)
        except Problem as problem:
            cycle_steps.failed(one, problem)
        else:
            cycle_steps.end(one)
    except Lost:
        report.state = "lost"
        house.log.warning("cycle_lost", where=portal)
        house.store.run(actor, partial(_outdated, sorted(one.begun)))
    except Stopped:
        report.state = "stopped"
        house.store.run(actor, lambda tx: leases.release(tx, one.lease))
    return report


def _opened(one: Cycle) -> Portal:
    house = one.house
    with house.store.read(one.actor) as tx:
        account = accounts.account(house, tx, one.portal)
    memory = accounts.Kept(one.row.memory, one.remember)
    return accounts.opened(house, account, one.portal.adapter, memory)


def _outdated(calendars: list[str], tx: Tx) -> None:
    """What was uploaded without the lease may have come after what another node sent: everything is owed again."""
    for one in calendars:
        engine_store.change_state(tx, one, force=engine_store.OUTDATED, digest=None)


def on_portals(tx: Tx, appointment: Appointment) -> list[Shown]:
    """One entry per online calendar of the appointment's columns, if its portal asks for that time at all."""
    shown: list[Shown] = []
    if appointment.status not in OCCUPYING:
        return shown
    placed = _placed(tx, appointment.id)
    names = {one.id: one.name for one in PORTALS.all(tx)}
    states = engine_store.states(tx)
    for link in engine_store.calendars(tx):
        state = states.get(link.id)
        if link.schedule not in appointment.schedules or state is None:
            continue
        if state.first is not None and not (state.first < appointment.end and state.last > appointment.start):
            continue
        at = engine_store.shown_by(tx, link.id, placed)
        if at is None and state.seq >= placed and state.digest is not None:
            at = state.good_at  # its time was taken there before, or uploads of then are forgotten
        shown.append(Shown(link.name, names.get(link.portal, ""), at, None if at is not None else state.code))
    return sorted(shown)


def _placed(tx: Tx, appointment: str) -> int:
    """The number of the event that put the appointment where it is now."""
    for event in events.about(tx, "Appointment", appointment):
        if event.type.rpartition(".")[2] in _PLACED or _FIELDS & set(event.fields):
            return event.seq
    return 0


__all__ = ("Report", "Shown", "Why", "hurry", "on_portals", "run")
