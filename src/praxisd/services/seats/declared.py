"""What seats declare: setting, events, permissions, problems, the handler that tells seats of a new interval."""

from typing import TYPE_CHECKING

from praxisd.kernel.events import Event
from praxisd.kernel.service import EventType, Handler, Permission, Retention, Setting
from praxisd.kernel.store import Tx
from praxisd.services.seats import desk_store, locks, messages, register, store
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.turn import INTERVAL, Turn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READ, MANAGE = "seats.seat.read", "seats.seat.manage"
READ_LOCKS, HOLD, TAKE = "seats.lock.read", register.HOLD, locks.TAKE
SET_MODE, ANNOUNCE = "seats.mode.set", "seats.maintenance.announce"

SETTINGS = (Setting(INTERVAL, int, 30, low=10, high=300, unit="seconds"),)
EVENTS = (
    EventType("lock.taken_over", Retention.AUDIT),
    EventType("lock.force_released", Retention.AUDIT),
    EventType("lock.expired", Retention.ACTIVITY),
    EventType("seat.registered", Retention.AUDIT),
    EventType("seat.approved", Retention.AUDIT),
    EventType("seat.refused", Retention.AUDIT),
    EventType("seat.revoked", Retention.AUDIT),
    EventType("seat.renamed", Retention.AUDIT),
    EventType("seat.changed", Retention.AUDIT),
    EventType("mode.changed", Retention.AUDIT),
    EventType("maintenance.announced", Retention.AUDIT),
    EventType("maintenance.called_off", Retention.AUDIT),
)
PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner")),
    Permission(MANAGE),
    Permission(READ_LOCKS, ("owner", "desk")),
    Permission(HOLD, ("owner", "desk")),
    Permission(TAKE, ("owner", "desk")),
    Permission(SET_MODE, ("owner", "partner")),
    Permission(ANNOUNCE, ("owner", "partner")),
)
PROBLEMS = (
    "seats.holder_away",
    "seats.not_approved",
    "seats.not_held",
    "seats.session_gone",
    "seats.session_taken",
    "seats.unknown_kind",
    "seats.viewer",
)
"""What only sessions are answered; those of the REST operations stand there."""
TABLES = (*store.TABLES, *desk_store.TABLES)


def heard(house: "House", tx: Tx, event: Event) -> None:
    """The interval was changed: all seats are told, and their locks are timed anew with their next beat."""
    if event.subject_id != INTERVAL:
        return
    turn = Turn(house, tx)
    turn.tell(messages.Interval(seconds=turn.interval))
    turn.finish()
    tx.after(desk_of(house).look)  # the sweep comes more often, or less often, from now on


HANDLERS = (Handler("seats.interval", ("setting.changed",), heard),)
