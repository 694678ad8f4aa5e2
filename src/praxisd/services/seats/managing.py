"""What people do with seats, by page and by command. Each works in the caller's open transaction and tells the seats after it."""

from typing import TYPE_CHECKING

from praxisd.kernel import leases
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.seats import coming, desk_store, locks, modes, register, rules, store
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.desk_store import State
from praxisd.services.seats.store import Seat
from praxisd.services.seats.turn import Turn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

REVOKED_CODE = 4401


def change(
    house: "House", tx: Tx, id_: str, *, name: str | None, viewer: bool | None, may_take: bool | None
) -> Seat:
    """Change a seat. One that becomes a viewer holds nothing any more."""
    before = register.need(tx, id_)
    new = register.change(tx, id_, name=name, viewer=viewer, may_take=may_take)
    if new.viewer and not before.viewer:
        turn = Turn(house, tx)
        for row in store.of_seat(tx, id_):
            desk_store.leave_all(tx, row.session)
            for lease in leases.unfreed(tx, rules.PREFIX, rules.holder_of(row.session)):
                locks.take_away(turn, rules.record_of(lease.key), "viewer")
        turn.finish()
    return new


def revoke(house: "House", tx: Tx, id_: str) -> Seat:
    """A seat may no longer come in: its sessions end now, and their locks are free."""
    found = register.revoke(tx, id_)
    turn = Turn(house, tx)
    for row in store.of_seat(tx, id_):
        turn.close(row, REVOKED_CODE, "revoked")
        coming.end(turn, row, orderly=True)
    turn.finish()
    return found


def take_away(house: "House", tx: Tx, record: str, reason: str) -> bool:
    """Take a lock away from whoever holds it; True if somebody who waited has it now. Problem `seats.not_locked` (409)."""
    locks.need_kind(record)
    turn = Turn(house, tx)
    if not locks.take_away(turn, record, reason):
        raise Problem("seats.not_locked", 409)
    turn.finish()
    return turn.held(record) is not None


def set_mode(house: "House", tx: Tx, mode: str, hours: int) -> State:
    """Switch the mode."""
    turn = Turn(house, tx)
    found = modes.set_mode(turn, mode, hours)
    return _told(house, turn, found)


def announce(house: "House", tx: Tx, *, at: int, minutes: int, reason: str, begin: bool) -> State:
    """Announce maintenance."""
    turn = Turn(house, tx)
    practices = house.shared.get("organizations", lambda _tx: [])(tx)
    found = modes.announce(
        turn, at=at, minutes=minutes, reason=reason, begin=begin, alone=len(practices) <= 1
    )
    return _told(house, turn, found)


def call_off(house: "House", tx: Tx) -> bool:
    """Call announced maintenance off, or end it; False if there is none."""
    turn = Turn(house, tx)
    found = modes.call_off(turn)
    _told(house, turn, desk_store.state(tx))
    return found


def _told(house: "House", turn: Turn, found: State) -> State:
    turn.finish()
    turn.tx.after(desk_of(house).look)
    return found
