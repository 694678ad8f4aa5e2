"""Modes and announcements: set-up, which suspends the watch over vanished seats and nothing else, and maintenance to come."""

import msgspec

from praxisd.kernel import events, maintenance
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.seats import desk_store, messages, rules
from praxisd.services.seats.desk_store import State
from praxisd.services.seats.turn import Turn, time

HOLDER = "seats"
"""Holds the maintenance that an announcement began."""
SUBJECT = "Seats"


def mode(tx: Tx) -> tuple[str, int | None]:
    """The mode in force, and when it ends by itself."""
    known = desk_store.state(tx)
    found = rules.mode_now(known.mode, known.mode_until, tx.now)
    return found, known.mode_until if found == rules.SETUP else None


def announced(tx: Tx) -> messages.Announcement | None:
    """The maintenance that is announced, or goes on."""
    return said(desk_store.state(tx))


def said(known: State) -> messages.Announcement | None:
    """An announcement as seats are told."""
    if known.at is None:
        return None
    return messages.Announcement(at=time(known.at), minutes=known.minutes, reason=known.reason)


def set_mode(turn: Turn, wanted: str, hours: int) -> State:
    """Switch the mode, and tell all seats. Set-up ends by itself. Problem `seats.invalid` (422)."""
    tx = turn.tx
    known = desk_store.state(tx, lock=True)
    until = rules.hours_end(tx.now, hours) if wanted == rules.SETUP else None
    if (known.mode, known.mode_until) == (wanted, until):
        return known
    new = msgspec.structs.replace(known, mode=wanted, mode_until=until)
    events.note(tx, "mode.changed", SUBJECT, tx.organization, mode=wanted)
    return _told_mode(turn, new)


def announce(turn: Turn, *, at: int, minutes: int, reason: str, begin: bool, alone: bool) -> State:
    """Announce maintenance to all seats; with `begin` it begins by itself at its time.

    Problems: `seats.invalid` (422), `seats.several_practices` (409) where it would close the doors of others (`alone` False),
    `seats.maintenance_begun` (409).
    """
    tx = turn.tx
    rules.check_announcement(at, minutes, tx.now)
    if begin and not alone:
        raise Problem("seats.several_practices", 409)
    known = desk_store.state(tx, lock=True)
    if known.begun:
        raise Problem("seats.maintenance_begun", 409)
    new = msgspec.structs.replace(known, at=at, minutes=minutes, reason=reason, begin=int(begin), begun=0)
    events.note(
        tx, "maintenance.announced", SUBJECT, tx.organization, reason=reason, minutes=minutes, begin=begin
    )
    return _told_announcement(turn, new)


def call_off(turn: Turn) -> bool:
    """Call the announced maintenance off, or end it if it has begun; False if there is none."""
    known = desk_store.state(turn.tx, lock=True)
    if known.at is None:
        return False
    if known.begun:
        maintenance.end(turn.tx, HOLDER)
    events.note(turn.tx, "maintenance.called_off", SUBJECT, turn.tx.organization, reason=known.reason)
    _told_announcement(turn, _nothing(known))
    return True


def due(known: State, now: int) -> bool:
    """True if `tend` has something to do."""
    over = known.at is not None and now >= known.at + known.minutes * 60
    begins = known.at is not None and known.begin and not known.begun and now >= known.at
    return over or bool(begins) or (known.mode == rules.SETUP and now >= (known.mode_until or 0))


def next_at(known: State) -> int | None:
    """When `tend` has something to do next; None if never. Epoch seconds."""
    found = []
    if known.at is not None:
        found.append(known.at if known.begin and not known.begun else known.at + known.minutes * 60)
    if known.mode == rules.SETUP:
        found.append(known.mode_until or 0)
    return min(found, default=None)


def tend(turn: Turn) -> None:
    """What its time has come for: set-up ends, maintenance begins, an announcement is over. Each once, on whatever node."""
    tx = turn.tx
    known = desk_store.state(tx, lock=True)
    if known.mode == rules.SETUP and tx.now >= (known.mode_until or 0):
        events.note(tx, "mode.changed", SUBJECT, tx.organization, mode=rules.OPERATION)
        known = _told_mode(turn, msgspec.structs.replace(known, mode=rules.OPERATION, mode_until=None))
    if known.at is None:
        return
    end = known.at + known.minutes * 60
    if tx.now >= end:
        _told_announcement(turn, _nothing(known))
    elif known.begin and not known.begun and tx.now >= known.at:
        if maintenance.state(tx) is None:  # another one goes on: ours is part of it
            maintenance.begin(tx, HOLDER, end - tx.now, known.reason)
        desk_store.put_state(tx, msgspec.structs.replace(known, begun=1))


def _nothing(known: State) -> State:
    return msgspec.structs.replace(known, at=None, minutes=0, reason="", begin=0, begun=0)


def _told_mode(turn: Turn, new: State) -> State:
    until = None if new.mode_until is None else time(new.mode_until)
    turn.tell(messages.Mode(mode="setup" if new.mode == rules.SETUP else "operation", until=until))
    return desk_store.put_state(turn.tx, new)


def _told_announcement(turn: Turn, new: State) -> State:
    turn.tell(messages.Announced(announcement=said(new)))
    return desk_store.put_state(turn.tx, new)
