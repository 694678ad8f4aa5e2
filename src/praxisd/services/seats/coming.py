"""Coming and going: a session is here, perhaps again; it leaves, with a word or without."""

from praxisd.kernel import leases
from praxisd.kernel.errors import Problem
from praxisd.services.seats import desk_store, locks, messages, modes, register, rules, store
from praxisd.services.seats.lines import REPLACED
from praxisd.services.seats.store import Seat, SessionRow
from praxisd.services.seats.turn import Turn, detail_of, shown, time
from praxisd.services.seats.who import Who


def here(turn: Turn, who: Who, request: messages.Here) -> messages.Answer:
    """A session begins, or is back: what it still holds, what it lost, and what holds for all.

    Problems: `seats.not_approved` (403), `seats.session_taken` (409) for a session of another seat or person,
    `seats.unknown_kind` (422).
    """
    if request.at is not None:
        locks.need_kind(request.at)
    seat = _seat(turn, who)
    before = store.session(turn.tx, who.session)
    if before is not None and (before.seat != seat.id or before.actor != who.actor.label):
        raise Problem("seats.session_taken", 409)
    living = before is not None and before.gone_at is None
    if living and before is not None and before.line and before.node != turn.house.node:
        turn.close(before, REPLACED, "replaced")
    row = _entered(turn, who, seat, request, before if living else None)
    back = [_resumed(turn, who, hold) for hold in request.holds if not who.viewer]
    leases.renew_all(turn.tx, rules.PREFIX, who.holder, turn.interval)
    for waiter in desk_store.wanted(turn.tx, who.session):  # it was passed over while its line was lost
        if turn.held(waiter.record) is None:
            locks.grant(turn, waiter.record)
            locks.presence(turn, waiter.record, but=who.session)
    for record in {row.at_record, before.at_record if before is not None and living else None} - {None}:
        locks.presence(turn, str(record), but=who.session, left=True)
    mode, mode_until = modes.mode(turn.tx)
    return messages.Welcome(
        id=request.id,
        seat=messages.SeatIs(id=seat.id, name=seat.name, viewer=bool(seat.viewer)),
        session=who.session,
        interval=turn.interval,
        mode="setup" if mode == rules.SETUP else "operation",
        mode_until=None if mode_until is None else time(mode_until),
        locks=tuple(shown(one) for one in leases.unfreed(turn.tx, rules.PREFIX, who.holder)),
        lost=tuple(one for one in back if one is not None),
        announcement=modes.announced(turn.tx),
    )


def left(turn: Turn, who: Who) -> None:
    """The connection is lost without a word: its locks stay until their own end, and it may come back."""
    store.left(turn.tx, who.session, turn.house.node)


def bye(turn: Turn, who: Who) -> None:
    """The session ends: all its locks are free at once, and it waits for nothing."""
    row = store.session(turn.tx, who.session)
    if row is not None:
        end(turn, row, orderly=True)


def end(turn: Turn, row: SessionRow, *, orderly: bool) -> None:
    """A session is over. Its locks are freed; without `orderly` it is remembered as one that vanished."""
    if not store.gone(turn.tx, row, bye=orderly, moment=turn.now):
        return
    desk_store.leave_all(turn.tx, row.session)
    if orderly:
        locks.free_all(turn, row.session)
    if row.at_record is not None:
        locks.presence(turn, row.at_record, but=row.session, left=True)


def _seat(turn: Turn, who: Who) -> Seat:
    found = store.seat(turn.tx, who.seat)
    if found is None or found.kind != "program":
        return register.browser(turn.tx, who)
    if found.state != rules.APPROVED:
        raise Problem("seats.not_approved", 403, seat=who.seat)
    return found


def _entered(
    turn: Turn, who: Who, seat: Seat, request: messages.Here, before: SessionRow | None
) -> SessionRow:
    at = request.at if request.at is not None or before is None else before.at_record
    row = SessionRow(
        organization=turn.tx.organization,
        session=who.session,
        seat=seat.id,
        actor=who.actor.label,
        person=who.person,
        node=turn.house.node,
        line=1,
        at_record=at,
        at_since=before.at_since if before is not None and before.at_record == at else turn.now,
        connected_at=turn.now if before is None else before.connected_at,
        beat_at=turn.now,
    )
    store.put_session(turn.tx, row)
    turn.crowd_changed()
    return row


def _resumed(turn: Turn, who: Who, hold: messages.Hold) -> messages.LockLost | None:
    """None if the lock is this session's still; else what became of it."""
    key = rules.key_of(hold.record)
    if leases.resume(turn.tx, key, who.holder, hold.fence, turn.interval):
        return None
    lease = leases.last(turn.tx, key)
    if lease is None or lease.fence < hold.fence:  # a fence that was never given
        return messages.LockLost(record=hold.record, fence=hold.fence, why="released")
    known = detail_of(lease)
    why = rules.why_lost(hold.fence, lease.fence, known.why)
    since = lease.acquired_at if lease.fence != hold.fence else known.at
    return messages.LockLost(
        record=hold.record,
        fence=hold.fence,
        why="taken" if why == rules.TAKEN else "expired" if why == rules.EXPIRED else "released",
        since=time(since) if since else None,
        by=turn.holder(lease) if lease.holder != who.holder and turn.holds(lease) else None,
    )
