"""Dirty marks: what happens in the calendar says that the portals may have to be told (SPEC 3.3).

A mark is an event's time. Which events an upload includes is told by their numbers: a mark set late by a handler that lags
does no harm, and an event that came while an upload was under way is not forgotten.
"""

from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.events import Event
from praxisd.kernel.service import Handler
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlinePortal
from praxisd.services.portals import engine_rules, engine_store
from praxisd.services.portals.store import PORTAL, PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TYPES = (
    *(
        f"appointment.{what}"
        for what in ("booked", "requested", "confirmed", "moved", "changed", "cancelled", "imported")
    ),
    *(f"reservation.{what}" for what in ("created", "changed", "deleted")),
    *("absence.created", "absence.deleted", "closing.changed", "schedule.changed", "slot.imported"),
    "organization.changed",
    *(f"offer.{what}" for what in ("made", "accepted", "declined", "lapsed", "gone")),
)
"""Events after which another time may be busy."""

DECISIONS = tuple(f"request.{what}" for what in ("accepted", "refused", "proposed", "withdrawn", "expired"))


def dirty_since(tx: Tx, seq: int) -> int | None:
    """When the first thing after event `seq` happened that may concern the portals; None if nothing did."""
    if events.head(tx) <= seq:
        return None
    found = events.since(tx, seq, types=TYPES, limit=1)
    return found[0].at if found else None


def marked(house: "House", tx: Tx, event: Event) -> None:
    """Mark the practice's calendars, and let portals that may be told early be due. Twice is the same."""
    if not engine_store.any_state(tx) or not engine_store.mark(tx, event.seq, event.at):
        return
    sooner = [_sooner(tx, one) for one in PORTALS.all(tx, PORTAL.c.active == 1)]
    if any(sooner):
        tx.notify()
        tx.after(house.wake.signal)


def hurry(tx: Tx, portal: str) -> bool:
    """There is something to tell: let the portal be due as early as it allows. True if it is due sooner now."""
    one = PORTALS.get(tx, portal)
    return one is not None and _sooner(tx, one)


def _sooner(tx: Tx, one: OnlinePortal) -> bool:
    row = engine_store.cycle(tx, one.id)
    if row is None or row.failures or not one.early:
        return False
    due = engine_rules.early(row.due_at, row.contacted_at, tx.now)
    if due == row.due_at:
        return False
    engine_store.change_cycle(tx, one.id, due_at=due)
    return True


def decided(house: "House", tx: Tx, _event: Event) -> None:
    """A booking was decided on: portals that wait for an answer may be due. Twice is the same."""
    waiting = [one for one in PORTALS.all(tx, PORTAL.c.active == 1) if engine_store.open_answers(tx, one.id)]
    sooner = [_sooner(tx, one) for one in waiting]
    if any(sooner):
        tx.notify()
        tx.after(house.wake.signal)


HANDLERS = (
    Handler("portals.marks", TYPES, marked),
    Handler("portals.decisions", DECISIONS, decided),
)
