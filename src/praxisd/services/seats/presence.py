"""Presence: a session lives, looks at a record, asks who is there, asks the holder to finish."""

from praxisd.kernel import leases
from praxisd.kernel.errors import Problem
from praxisd.services.seats import locks, messages, rules, store
from praxisd.services.seats.store import SessionRow
from praxisd.services.seats.turn import Turn, holder, time
from praxisd.services.seats.who import Who


def beat(turn: Turn, who: Who, request: messages.Beat) -> messages.Answer:
    """The session lives: all its locks hold for another interval. Problem `seats.session_gone` (410): it must say `here`."""
    if not store.beat(turn.tx, who.session, turn.now):
        raise Problem("seats.session_gone", 410, retry=True)
    leases.renew_all(turn.tx, rules.PREFIX, who.holder, turn.interval)
    return messages.Beaten(id=request.id, now=time(turn.now), interval=turn.interval)


def look(turn: Turn, who: Who, request: messages.Look) -> messages.Answer:
    """This session looks at a record, or at none; all others there are told. Problem `seats.unknown_kind` (422)."""
    if request.record is not None:
        locks.need_kind(request.record)
    before = _self(turn, who).at_record
    if before != request.record:
        store.look(turn.tx, who.session, request.record)
        turn.crowd_changed()
        for record in filter(None, (before, request.record)):
            locks.presence(turn, record, but=who.session, left=True)
    return messages.Answer(id=request.id)


def who_is(turn: Turn, who: Who, request: messages.WhoIs) -> messages.Answer:
    """Who looks at each of these records, and who holds it; of `MOST_SHOWN` in all who they are, of the others how many."""
    found, room = {}, messages.MOST_SHOWN
    for record in request.records:
        lease, there = turn.held(record), store.at(turn.tx, record)
        shown = there[:room]
        room -= len(shown)
        found[record] = messages.At(
            here=tuple(holder(row, row.at_since) for row in shown),
            holder=None if lease is None else turn.holder(lease),
            more=len(there) - len(shown),
        )
    return messages.WhoIsThere(id=request.id, records=found)


def ask(turn: Turn, who: Who, request: messages.Ask) -> messages.Answer:
    """Ask the holder to finish. Problems (409): `seats.not_held`, `seats.holder_away` while its connection is lost."""
    lease = turn.held(request.record)
    if lease is None or lease.holder == who.holder:
        raise Problem("seats.not_held", 409, retry=lease is None)
    row = turn.row_of(lease)
    if row is None or row.gone_at is not None or not row.line:
        raise Problem("seats.holder_away", 409, retry=True)
    turn.push(row, messages.Asked(record=request.record, by=holder(_self(turn, who), turn.now)))
    return messages.Answer(id=request.id)


def reply(turn: Turn, who: Who, request: messages.Reply) -> messages.Answer:
    """What the holder answers; frees nothing by itself. Problem `seats.lock_lost` (423) for one who holds it no longer."""
    lease = turn.held(request.record)
    if lease is None or lease.holder != who.holder:
        raise Problem("seats.lock_lost", 423, record=request.record)
    by = holder(_self(turn, who), lease.acquired_at)
    turn.push(
        store.session(turn.tx, request.session),
        messages.Replied(record=request.record, by=by, answer=request.answer),
    )
    return messages.Answer(id=request.id)


def _self(turn: Turn, who: Who) -> SessionRow:
    found = store.session(turn.tx, who.session)
    if found is None:
        raise Problem("seats.session_gone", 410, retry=True)
    return found
