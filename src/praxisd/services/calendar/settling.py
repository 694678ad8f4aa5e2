"""Conflicts settled: by a person, in one of the ways that are open, or by themselves when one side went away.

What goes away (cancelled, moved, deleted) is heard of by events; the conflict is looked at anew then, and a booking that was
kept as a proposal takes its time now that it is free, so that nobody else gets it before the desk decides.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.events import Event
from praxisd.kernel.resource import check_version
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import FROZEN, OCCUPYING, Appointment
from praxisd.services.calendar import booking, conflict_store, conflicts, incoming, placing, store
from praxisd.services.calendar.booking import Wish
from praxisd.services.calendar.conflict_store import Found

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEEP_LOCAL, MOVE_ONLINE, OTHER_COLUMN, MOVE_LOCAL = "keep_local", "move_online", "other_column", "move_local"
SEEN, GONE = "seen", "gone"
WAYS = (KEEP_LOCAL, MOVE_ONLINE, OTHER_COLUMN, MOVE_LOCAL, SEEN)
_APPOINTMENT, _ABSENCE = "Appointment/", "Absence/"
_OPEN = ("pending", "proposed")


def ways(house: "House", tx: Tx, one: Found) -> list[str]:
    """How this conflict can be settled now, in the order in which they are offered."""
    if one.settled_at is not None:
        return []
    found = []
    local = _local(tx, one)
    if one.appointment is not None:
        online = store.APPOINTMENTS.get(tx, one.appointment)
        if online is not None and online.status not in FROZEN:
            found += [KEEP_LOCAL, MOVE_ONLINE, OTHER_COLUMN]
    if len(local) == 1:
        found.append(MOVE_LOCAL)
    if not _stands(house, tx, one):
        found.append(SEEN)
    return found


def _local(tx: Tx, one: Found) -> list[Appointment]:
    """The appointments in its way that can still be moved."""
    ids = [owner.removeprefix(_APPOINTMENT) for owner in one.others if owner.startswith(_APPOINTMENT)]
    found = (store.APPOINTMENTS.get(tx, id_) for id_ in ids)
    return [a for a in found if a is not None and a.status in OCCUPYING and a.status not in FROZEN]


def _stands(house: "House", tx: Tx, one: Found) -> bool:
    """Whether two things still want the same time of a column. A blocker and an absence take none from the other side."""
    if one.appointment is None:
        return False
    online = store.APPOINTMENTS.get(tx, one.appointment)
    if online is None or online.status in FROZEN:
        return False
    return any(not owner.startswith(_ABSENCE) for owner in conflicts.of_appointment(house, tx, online))


def settle_conflict(
    house: "House",
    tx: Tx,
    id_: str,
    how: str,
    *,
    start: int | None = None,
    schedules: Sequence[str] | None = None,
    minutes: int | None = None,
    expected: int | None = None,
) -> Found:
    """Settle as a person decided, with all that follows for both appointments, in this transaction.

    `how` is one of WAYS, or `gone` (the side from outside is no more). Raises 404, resource.stale (412),
    calendar.conflict_settled and calendar.conflict_stands (409), calendar.conflict_way (422) for a way that is not open or
    lacks its time or column, and what moving an appointment raises.
    """
    one = conflict_store.get(tx, id_, lock=True)
    if one is None:
        raise not_found("Conflict")
    check_version(expected, one.version, "Conflict")
    if one.settled_at is not None:
        raise Problem("calendar.conflict_settled", 409)
    if how == SEEN and _stands(house, tx, one):
        raise Problem("calendar.conflict_stands", 409)
    if how != GONE:
        if how not in ways(house, tx, one) or (how == MOVE_ONLINE and start is None):
            raise Problem("calendar.conflict_way", 422, how=how)
        if how == OTHER_COLUMN and not schedules:
            raise Problem("calendar.conflict_way", 422, how=how)
    if how == KEEP_LOCAL and one.appointment is not None:
        booking.cancel(house, tx, one.appointment)
    elif how == MOVE_ONLINE:
        _move_online(house, tx, one, start, schedules, minutes)
    elif how == OTHER_COLUMN:
        _move_online(house, tx, one, None, schedules, minutes)
    elif how == MOVE_LOCAL:
        (local,) = _local(tx, one)
        _move(house, tx, local, start, schedules, minutes)
        if one.appointment is not None:
            _move_online(house, tx, one, None, None, None)
    return _close(tx, one, how)


def _move(
    house: "House",
    tx: Tx,
    one: Appointment,
    start: int | None,
    schedules: Sequence[str] | None,
    minutes: int | None,
) -> None:
    begin = one.start if start is None else start
    end = begin + (minutes * 60 if minutes is not None else one.end - one.start)
    # To another column at the same time: any that fits, where none is named.
    same = one.schedules if start is not None else ()
    wish = Wish(
        service=one.service,
        start=begin,
        end=end,
        schedules=tuple(schedules) if schedules is not None else same,
        outside_hours=tx.actor.may(placing.IGNORE_HOURS),
    )
    booking.move(house, tx, one.id, wish)


def _move_online(
    house: "House",
    tx: Tx,
    conflict: Found,
    start: int | None,
    schedules: Sequence[str] | None,
    minutes: int | None,
) -> None:
    """Put the booking from outside where it has room; one that waits for the booking desk goes on waiting there."""
    one = booking.get(tx, conflict.appointment or "", lock=True)
    if one.status in _OPEN:
        incoming.put(house, tx, one.id, _status(one), start, minutes, None, schedules)
    elif start is not None or schedules is not None:
        _move(house, tx, one, start, schedules or one.schedules, minutes)


def _status(one: Appointment) -> str:
    """A booking of a portal waits for the desk; what was imported by the practice itself was booked where it came from."""
    return "pending" if one.portal is not None or one.status == "pending" else "booked"


def _close(tx: Tx, one: Found, how: str) -> Found:
    done = conflict_store.save(tx, msgspec.structs.replace(one, settled_at=tx.now, how=how))
    conflicts.tell(tx, "conflict.settled", done, how=how)
    return done


# --- by themselves ---------------------------------------------------------------------------------------------------


def look_again(house: "House", tx: Tx, one: Found) -> None:
    """Bring an open conflict up to what is in the calendar now: settled, others in its way, or as it was."""
    if one.appointment is None:
        now = conflicts.in_the_way(tx, [one.schedule], one.start, one.end)
        left = tuple(owner for owner in one.others if owner in now)
        _keep(tx, one, left)
        return
    online = store.locked_appointment(tx, one.appointment)
    if online is None or online.status in FROZEN:
        _close(tx, one, GONE)
        return
    now = conflicts.of_appointment(house, tx, online)
    standing = [owner for owner in now if not owner.startswith(_ABSENCE)]
    if online.status == "proposed":
        if standing:
            incoming.noted(tx, online, now)  # what is new among them is told
            one = conflict_store.get(tx, one.id) or one
            _keep(tx, one, tuple(owner for owner in one.others if owner in now))
            return
        try:
            incoming.put(house, tx, online.id, _status(online), None, None, None, None)
        except Problem:
            return  # its column or type is no longer in use: a person must look
    _keep(tx, one, tuple(owner for owner in one.others if owner in now))


def _keep(tx: Tx, one: Found, left: tuple[str, ...]) -> None:
    if not left:
        _close(tx, one, GONE)
    elif left != one.others:
        conflict_store.save(tx, msgspec.structs.replace(one, others=left))


def something_changed(house: "House", tx: Tx, _event: Event) -> None:
    """Look at all open conflicts again: they are few, and most of the time there is none. Idempotent."""
    for one in conflict_store.unsettled(tx):
        locked = conflict_store.get(tx, one.id, lock=True)
        if locked is not None and locked.settled_at is None:
            look_again(house, tx, locked)


def with_holds(tx: Tx) -> list[Found]:
    """Open conflicts with a hold. One that lapses tells nobody: they are looked at again from time to time."""
    wanted = ("Hold/", "Offer/")
    return [one for one in conflict_store.unsettled(tx) if any(o.startswith(wanted) for o in one.others)]


def holds_lapsed(house: "House", tx: Tx) -> None:
    """Look at these again."""
    for one in with_holds(tx):
        locked = conflict_store.get(tx, one.id, lock=True)
        if locked is not None and locked.settled_at is None:
            look_again(house, tx, locked)
