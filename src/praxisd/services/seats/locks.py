"""Locks: taken, waited for, given back, switched, taken over. Each function judges one request within the desk's transaction;
a Problem it raises leaves what was written so far in place, so whatever is refused is refused before it writes.
"""

from praxisd.kernel import events, leases
from praxisd.kernel.errors import Problem
from praxisd.kernel.leases import Lease
from praxisd.kernel.resource import LOCKABLE
from praxisd.services.seats import desk_store, messages, rules, store
from praxisd.services.seats.store import SessionRow
from praxisd.services.seats.turn import Turn, detail, detail_of, holder, shown, time
from praxisd.services.seats.who import Who

TAKE = "seats.lock.take"


def need_kind(record: str) -> None:
    """Problem `seats.unknown_kind` (422) for a record that is nothing people lock."""
    if record.partition("/")[0] not in LOCKABLE:
        raise Problem("seats.unknown_kind", 422, record=record.partition("/")[0])


def _need_full(turn: Turn, who: Who, record: str) -> None:
    """The register is asked in the same transaction: a seat may have been removed, or made a viewer, a moment ago."""
    seat = turn.seat(who.seat)
    if seat is None or seat.state != rules.APPROVED:
        raise Problem("seats.not_approved", 403, seat=who.seat)
    if who.viewer or seat.viewer:
        raise Problem("seats.viewer", 403)
    need_kind(record)


def lock(turn: Turn, who: Who, request: messages.Lock) -> messages.Answer:
    """Take a lock, or wait for it.

    Problems: `seats.locked` (423), `seats.viewer` and `seats.not_approved` (403), `seats.unknown_kind` (422).
    """
    _need_full(turn, who, request.record)
    lease = _grab(turn, who, request.record)
    if lease is not None:
        return messages.Locked(id=request.id, lock=shown(lease))
    if request.wait:
        place = desk_store.join(turn.tx, request.record, who.session)
        turn.crowd_changed()
        return messages.Waiting(id=request.id, waiting=place)
    raise locked(turn, who, request.record)


def unwait(turn: Turn, who: Who, request: messages.Unwait) -> messages.Answer:
    """Wait no longer. The answer has the lock if it was granted meanwhile: whoever changed their mind gives it back."""
    desk_store.leave(turn.tx, request.record, who.session)
    lease = leases.current(turn.tx, rules.key_of(request.record))
    if lease is not None and lease.holder == who.holder:
        return messages.Locked(id=request.id, lock=shown(lease))
    return messages.Answer(id=request.id)


def release(turn: Turn, who: Who, request: messages.Release) -> messages.Answer:
    """Give a lock back; again is as good as once. Problem `seats.lock_lost` (423) for a fence that is not this session's."""
    _give_back(turn, _own(turn, who, request.record, request.fence))
    return messages.Answer(id=request.id)


def switch(turn: Turn, who: Who, request: messages.Switch) -> messages.Answer:
    """Give one lock back and take another. Where the other is held by somebody, nothing changes (`seats.locked`)."""
    _need_full(turn, who, request.record)
    before = _own(turn, who, request.from_, request.fence)
    lease = _grab(turn, who, request.record)
    if lease is None:
        raise locked(turn, who, request.record)
    if request.from_ != request.record:
        _give_back(turn, before)
    return messages.Locked(id=request.id, lock=shown(lease))


def take(turn: Turn, who: Who, request: messages.Take) -> messages.Answer:
    """Take a lock from its holder, who is told; what it saves from now on is refused. Problem `access.forbidden` (403)."""
    _need_full(turn, who, request.record)
    if not (who.may_take or who.actor.may(TAKE)):
        raise Problem("access.forbidden", 403, permission=TAKE)
    tx, record = turn.tx, request.record
    before = leases.last(tx, rules.key_of(record), lock=True)
    if before is None or not turn.holds(before) or before.holder == who.holder:
        lease = _grab(turn, who, record)
        if lease is not None:
            return messages.Locked(id=request.id, lock=shown(lease))
        before = leases.last(tx, rules.key_of(record), lock=True)  # it went to somebody who waited
    lost = None if before is None else turn.row_of(before)
    lease = leases.take(
        tx,
        rules.key_of(record),
        who.holder,
        turn.interval,
        detail(who.seat, who.session, rules.TAKEN),
        before,
    )
    desk_store.leave(tx, record, who.session)
    kind, _, id_ = record.partition("/")
    old = "" if before is None else detail_of(before).seat
    events.note(
        tx, "lock.taken_over", kind, id_, reason=request.reason, seat=who.seat, before=old, fence=lease.fence
    )
    by = store.session(tx, who.session)
    if before is not None:
        turn.push(
            lost,
            messages.Lost(
                record=record,
                fence=before.fence,
                why="taken",
                since=time(turn.now),
                by=None if by is None else holder(by, turn.now),
            ),
        )
    presence(turn, record, but=who.session)
    return messages.Locked(id=request.id, lock=shown(lease))


def take_away(turn: Turn, record: str, reason: str) -> bool:
    """A person takes a lock away from whoever holds it, for nobody; False if nobody does. Noted as an event."""
    lease = leases.last(turn.tx, rules.key_of(record), lock=True)
    if lease is None or not turn.holds(lease):
        return False
    _lose(turn, lease, rules.RELEASED)
    kind, _, id_ = record.partition("/")
    events.note(
        turn.tx,
        "lock.force_released",
        kind,
        id_,
        reason=reason,
        seat=detail_of(lease).seat,
        fence=lease.fence,
    )
    _pass_on(turn, record)
    return True


def expire(turn: Turn, lease: Lease) -> None:
    """Free a lock whose time is over, once, and let the next one have it."""
    if expired(turn, lease):
        _pass_on(turn, rules.record_of(lease.key))


def expired(turn: Turn, lease: Lease) -> bool:
    """Free a lock whose time is over and note it; False if somebody else did, or its holder came back."""
    if not _lose(turn, lease, rules.EXPIRED):
        return False
    kind, _, id_ = rules.record_of(lease.key).partition("/")
    events.note(turn.tx, "lock.expired", kind, id_, seat=detail_of(lease).seat, fence=lease.fence)
    return True


def free_all(turn: Turn, session: str) -> int:
    """A session ends: all its locks are free at once; how many."""
    found = leases.unfreed(turn.tx, rules.PREFIX, rules.holder_of(session))
    for lease in found:
        _give_back(turn, lease)
    return len(found)


def locked(turn: Turn, who: Who | None, record: str) -> Problem:
    """The refusal that says who holds it, since and until when; `own`: it is another session of the same seat or person."""
    lease = leases.last(turn.tx, rules.key_of(record))
    if lease is None:
        return Problem("seats.locked", 423, retry=True)
    row = turn.row_of(lease)
    shared = who is not None and row is not None and (row.seat == who.seat or row.actor == who.actor.label)
    return Problem(
        "seats.locked",
        423,
        retry=True,
        record=record,
        holder=turn.holder(lease),
        own=shared,
        until=time(lease.expires_at),
    )


def presence(turn: Turn, record: str, but: str = "", *, left: bool = False) -> None:
    """Tell all who look at a record, and who holds it, who is there now; not session `but`. `left`: somebody looks no more."""
    if not left and not turn.looked_at(record):
        return
    there = store.at(turn.tx, record)
    others = [row for row in there if row.session != but]
    lease = turn.held(record) if others or there or left else None
    if not others and (lease is None or lease.holder == rules.holder_of(but)):
        return
    message = messages.Presence(
        record=record,
        here=tuple(holder(row, row.at_since) for row in there[: messages.MOST_SHOWN]),
        more=max(0, len(there) - messages.MOST_SHOWN),
        holder=None if lease is None else turn.holder(lease),
    )
    owner = turn.row_of(lease)
    if owner is not None and owner.session not in (but, *(row.session for row in others)):
        others.append(owner)
    turn.push_all(others, message)


def grant(turn: Turn, record: str) -> SessionRow | None:
    """Give a free lock to the next one who waits and is connected; it is told. None if nobody is."""
    if not turn.waited_for(record):
        return None
    before: Lease | None = None
    for waiter in desk_store.queue(turn.tx, record):
        row = store.session(turn.tx, waiter.session)
        if row is None or row.gone_at is not None:
            desk_store.leave(turn.tx, record, waiter.session)
            continue
        if not row.line:
            continue  # it keeps its place until it is back, or gone
        before = before or leases.last(turn.tx, rules.key_of(record), lock=True)
        if before is not None and turn.holds(before):
            return None
        if not desk_store.leave(turn.tx, record, waiter.session):
            continue
        whose = rules.holder_of(waiter.session)
        lease = leases.take(
            turn.tx, rules.key_of(record), whose, turn.interval, detail(row.seat, row.session), before
        )
        now = shown(lease)
        turn.push(row, messages.Granted(record=record, fence=now.fence, since=now.since, until=now.until))
        return row
    return None


# --- steps -------------------------------------------------------------------------------------------------------------------


def _grab(turn: Turn, who: Who, record: str) -> Lease | None:
    """The lock for this session, or None while another one has it."""
    tx, key = turn.tx, rules.key_of(record)
    before = leases.last(tx, key, lock=True)
    if before is not None and before.expires_at > 0:
        if before.holder == who.holder:  # nobody got it meanwhile, even if it lapsed
            leases.resume(tx, key, who.holder, before.fence, turn.interval)
            return leases.last(tx, key)
        if turn.holds(before):
            return None
        if expired(turn, before) and (first := grant(turn, record)) is not None:
            presence(turn, record, but=who.session)
            return leases.last(tx, key) if first.session == who.session else None
        before = leases.last(tx, key, lock=True)
    lease = leases.take(tx, key, who.holder, turn.interval, detail(who.seat, who.session), before)
    if turn.waited_for(record):
        desk_store.leave(tx, record, who.session)
    presence(turn, record, but=who.session)
    return lease


def _own(turn: Turn, who: Who, record: str, fence: int) -> Lease:
    lease = leases.last(turn.tx, rules.key_of(record), lock=True)
    if lease is None or lease.holder != who.holder or lease.fence != fence:
        raise Problem("seats.lock_lost", 423, record=record)
    return lease


def _give_back(turn: Turn, lease: Lease) -> None:
    """Free a lock of the one who asks, unless it is free already."""
    if lease.expires_at > 0:
        leases.release(turn.tx, lease)
        _pass_on(turn, rules.record_of(lease.key))


def _lose(turn: Turn, lease: Lease, why: str) -> bool:
    known = detail_of(lease)
    if not leases.expire(turn.tx, lease, detail(known.seat, known.session, why, turn.now)):
        return False
    turn.push(
        turn.row_of(lease),
        messages.Lost(
            record=rules.record_of(lease.key),
            fence=lease.fence,
            why="released" if why == rules.RELEASED else "expired",
            since=time(turn.now),
        ),
    )
    return True


def _pass_on(turn: Turn, record: str) -> None:
    """A lock was freed: the next one has it, and those who look are told."""
    grant(turn, record)
    presence(turn, record)
