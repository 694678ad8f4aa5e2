"""Offers of the waiting list: made, answered, taken back. The first to accept wins; the others find the time gone.

Order of locks, as everywhere: the round, what the patient waits for, the appointment that is given up, then the columns.
Whoever answers waits for the round's row, so that of two who accept at once the second sees that the first was there.
"""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Appointment, HealthcareService
from praxisd.model.waiting import WaitingEntry
from praxisd.services.calendar import (
    booking,
    fitting,
    freeing,
    placing,
    rules,
    store,
    waiting_rules,
    waiting_store,
)
from praxisd.services.calendar.view import touch, views
from praxisd.services.calendar.waiting_rules import Time
from praxisd.services.calendar.waiting_store import Offer, Round

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MINUTES = "calendar.waiting_minutes"
GRACE_S = 900
"""How much longer than the offers the time is kept: the job that goes on comes every five minutes."""
GONE = "calendar.offer_gone"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An offer for other services, with its patient."""

    id: str
    round: str
    entry: str
    patient: str
    service: str
    start: int
    end: int
    schedules: tuple[str, ...]
    state: str
    until: int
    appointment: str | None


def offer(tx: Tx, id_: str) -> Shown | None:
    """An offer, or None."""
    one = waiting_store.offer(tx, id_)
    entry = waiting_store.entry(tx, one.entry) if one is not None else None
    if one is None or entry is None:
        return None
    return Shown(
        id=one.id,
        round=one.round,
        entry=one.entry,
        patient=entry.patient,
        service=one.service,
        start=one.start,
        end=one.end,
        schedules=one.schedules,
        state=one.state,
        until=one.until,
        appointment=one.appointment,
    )


def make(
    house: "House", tx: Tx, round_: Round, entry: str, start: int, end: int, schedules: tuple[str, ...]
) -> Offer | None:
    """Offer this time to somebody who waits, and keep it. None if it is taken, or the patient waits for none now: left, died,
    or has an open offer.

    The round is locked, and is saved by the caller.
    """
    seen = waiting_store.entry(tx, entry)
    # All that this person waits for: of two rounds that would ask them at once, the second sees the first one's offer.
    there = waiting_store.of_patient(tx, seen.patient, lock=True) if seen is not None else []
    waits = next((one for one in there if one.id == entry), None)
    if waits is None or waiting_store.open_offers(tx, waits.patient) or not fitting.bookable(tx, waits):
        return None
    until = tx.now + house.settings.get(tx, MINUTES) * 60
    one = Offer(
        id=new_id(),
        round=round_.id,
        entry=entry,
        service=waits.service,
        schedules=schedules,
        start=start,
        end=end,
        made_at=tx.now,
        until=min(until, start),
    )
    # The time first: it may have been taken since somebody looked.
    if one.id not in keep(house, tx, round_, until, one):
        return None
    try:
        waiting_store.add_offer(tx, one)
    except Violation:
        raise Conflict("another offer to the same patient was made meanwhile") from None
    _note(tx, "offer.made", one)
    return one


def keep(house: "House", tx: Tx, round_: Round, until: int, more: Offer | None = None) -> set[str]:
    """Keep the round's time for its open offers (and one more); the ids of those whose time nobody else has.

    What of the gap others took is left to them. Ordinary exclusive rows, which lapse if nobody goes on.
    """
    live = [one for one in waiting_store.offers_of(tx, round_.id) if one.state == "open"]
    live += [more] if more is not None else []
    columns = sorted({*round_.schedules, *(name for one in live for name in one.schedules)})
    store.line_up(tx, columns)
    touch(house, tx, columns)
    store.vacate(tx, round_.owner)
    store.drop_lapsed(tx, columns)
    needs = {one.id: _needs(house, tx, one) for one in live}
    low = min([round_.start, *(time[0] for time in needs.values())])
    high = max([round_.end, *(time[1] for time in needs.values())])
    taken: dict[str, list[Time]] = {}
    for schedule, start, end, _owner, _expires in store.busy_rows(tx, low, high, columns):
        taken.setdefault(schedule, []).append((start, end))
    good = {
        one.id
        for one in live
        if all(
            waiting_rules.without([needs[one.id]], taken.get(c, ())) == [needs[one.id]] for c in one.schedules
        )
    }
    for column in columns:
        wanted = [(round_.start, round_.end)] if column in round_.schedules else []
        wanted += [needs[one.id] for one in live if one.id in good and column in one.schedules]
        for start, end in waiting_rules.without(wanted, taken.get(column, ())):
            store.occupy(tx, [column], start, end, "hold", round_.owner, until + GRACE_S)
    return good


def _needs(house: "House", tx: Tx, one: Offer) -> Time:
    service = views(house).calendar(tx).services.get(one.service)
    before, after = (service.buffer_before, service.buffer_after) if service else (0, 0)
    return one.start - before * 60, one.end + after * 60


def release(house: "House", tx: Tx, round_: Round) -> None:
    """Let the round's time go."""
    columns = _columns(tx, round_)
    store.line_up(tx, columns)
    touch(house, tx, sorted(columns))
    store.vacate(tx, round_.owner)


def _columns(tx: Tx, round_: Round) -> set[str]:
    """In which it keeps time: its own, and those its offers take beside."""
    return {*round_.schedules}.union(*(one.schedules for one in waiting_store.offers_of(tx, round_.id)))


def accept_offer(house: "House", tx: Tx, id_: str) -> Appointment:
    """The time is booked for who waited, what they give up for it is cancelled, everybody else's offer is gone, and so is
    what else the same person waited for of this type.

    Accepting twice answers the same appointment. Problem calendar.offer_gone (409), which changes nothing: somebody was
    faster, the time passed or is taken, the patient waits no more or died. 404 for an unknown offer.
    """
    one, round_ = _all_locked(tx, id_)
    if one.state == "accepted" and one.appointment is not None:
        return booking.get(tx, one.appointment)
    entry, others = _entries(tx, one)
    if one.state != "open" or entry is None or one.start <= tx.now or not fitting.bookable(tx, entry):
        raise Problem(GONE, 409)
    service = views(house).calendar(tx).services.get(one.service)
    replaced = fitting.given_up(tx, entry, lock=True)
    if service is None or (replaced is not None and replaced.start <= one.start):
        raise Problem(GONE, 409)  # what would be given up was moved to an earlier time meanwhile
    columns = {*_columns(tx, round_), *placing.candidates(service, one.schedules)}
    store.line_up(tx, {*columns, *(replaced.schedules if replaced is not None else ())})
    if not _takes(house, tx, one, round_, service):
        raise Problem(GONE, 409)
    # From here on nothing refuses: who hears GONE above finds all as it was, in the same transaction.
    also = [o for o in waiting_store.offers_of(tx, round_.id) if o.state == "open" and o.id != id_]
    release(house, tx, round_)
    wish = booking.Wish(
        service=one.service, start=one.start, end=one.end, schedules=one.schedules, patient=entry.patient,
        replaces=replaced.id if replaced is not None else None,
    )  # fmt: skip
    made = booking.book(house, tx, wish)
    done = msgspec.structs.replace(one, state="accepted", answered_at=tx.now, appointment=made.id)
    waiting_store.save_offer(tx, "open", done)
    _note(tx, "offer.accepted", done, appointment=made.id)
    for other in also:
        close(tx, other, "gone")
    _end(tx, round_, "accepted")
    for each in (entry, *others):
        _booked(tx, each)
    if replaced is not None:
        booking.cancel(house, tx, replaced.id)
    _rest(house, tx, round_, made)
    return made


def _all_locked(tx: Tx, id_: str) -> tuple[Offer, Round]:
    """As `_locked`, with the rounds of all that this person is offered: they end with this one, and none is waited for later."""
    one = waiting_store.offer(tx, id_)
    entry = waiting_store.entry(tx, one.entry) if one is not None else None
    if one is not None and entry is not None:
        for name in sorted({one.round, *(o.round for o in waiting_store.open_offers(tx, entry.patient))}):
            waiting_store.round_of(tx, name, lock=True)
    return _locked(tx, id_)


def _entries(tx: Tx, one: Offer) -> tuple[WaitingEntry | None, list[WaitingEntry]]:
    """(who waits for the offered time, what else the same person waits for of this type), locked."""
    seen = waiting_store.entry(tx, one.entry)
    if seen is None or seen.state != "waiting":
        return None, []
    found = {each.id: each for each in waiting_store.of_patient(tx, seen.patient, lock=True)}
    entry = found.pop(seen.id, None)
    if entry is None:
        raise Conflict("the entry changed meanwhile")
    return entry, [each for each in found.values() if each.service == one.service]


def _booked(tx: Tx, entry: WaitingEntry) -> None:
    """A locked entry waits no more. Another time that was offered for it goes to the next one."""
    left = waiting_store.open_offer(tx, entry.id)
    if left is not None:
        close(tx, left, "gone")
        round_ = waiting_store.round_of(tx, left.round)
        if round_ is not None and round_.state == "running":
            waiting_store.save_round(tx, msgspec.structs.replace(round_, next_at=tx.now))
    waiting_store.ENTRIES.save(tx, msgspec.structs.replace(entry, state="booked"))
    events.note(tx, "waiting.left", "WaitingEntry", entry.id, version=entry.version + 1, state="booked")


def _takes(house: "House", tx: Tx, one: Offer, round_: Round, service: HealthcareService) -> bool:
    """Whether a booking will be taken once the round gives its time up: type, columns, hours, and nobody else there."""
    calendar = views(house).calendar(tx)
    busy: dict[str, list[Time]] = {}
    low, high = _needs(house, tx, one)
    for column, first, last, owner, expires in store.busy_rows(
        tx, low, high, placing.candidates(service, one.schedules)
    ):
        if owner != round_.owner and (expires is None or expires > tx.now):
            busy.setdefault(column, []).append((first, last))
    try:
        rules.place(
            service,
            calendar.schedules,
            calendar.almanac,
            one.start,
            one.end,
            busy=busy,
            now=tx.now,
            must=one.schedules,
            ignore_notice=True,
            ignore_duration=True,
        )
    except Problem:
        return False
    return True


def _rest(house: "House", tx: Tx, round_: Round, made: Appointment) -> None:
    """What of the gap the winner does not take is offered on."""
    gap = Appointment(
        id=round_.id, status="booked", start=round_.start, end=round_.end, schedules=round_.schedules
    )
    left = waiting_rules.given_up(gap, made)
    if waiting_store.anybody(tx):
        freeing.freed(house, tx, f"Round/{round_.id}", left)


def decline_offer(house: "House", tx: Tx, id_: str) -> None:
    """The patient does not want this time, and waits on. The next one is asked at once. Twice is once.

    Problem calendar.offer_gone (409) for one that was accepted.
    """
    one, round_ = _locked(tx, id_)
    if one.state == "accepted":
        raise Problem(GONE, 409)
    if one.state != "open":
        return
    close(tx, one, "declined")
    if round_.state == "running":
        waiting_store.save_round(tx, msgspec.structs.replace(round_, next_at=tx.now))


def close(tx: Tx, one: Offer, state: str) -> None:
    """An open offer ends without an appointment: declined, lapsed or gone."""
    done = msgspec.structs.replace(one, state=state, answered_at=tx.now)  # type: ignore[arg-type]
    waiting_store.save_offer(tx, "open", done)
    _note(tx, f"offer.{state}", done)


def end(house: "House", tx: Tx, round_: Round, how: str) -> Round:
    """End a locked round: what is open lapses (or is gone, where the time is), its time is free again."""
    if round_.state == "ended":
        return round_
    for one in waiting_store.offers_of(tx, round_.id):
        if one.state == "open":
            close(tx, one, "lapsed" if how == "empty" else "gone")
    if round_.state == "running":
        release(house, tx, round_)
    return _end(tx, round_, how)


def _end(tx: Tx, round_: Round, how: str) -> Round:
    new = msgspec.structs.replace(round_, state="ended", how=how, next_at=None, ended_at=tx.now)
    return waiting_store.save_round(tx, new)


def _locked(tx: Tx, id_: str) -> tuple[Offer, Round]:
    """(the offer as it is now, its round locked); 404."""
    one = waiting_store.offer(tx, id_)
    round_ = waiting_store.round_of(tx, one.round, lock=True) if one is not None else None
    one = (
        waiting_store.offer(tx, id_) if one is not None else None
    )  # what the one before us in the queue left
    if one is None or round_ is None:
        raise not_found("Offer")
    return one, round_


def offer_path(_house: "House", tx: Tx, id_: str) -> str:
    """Where the patient answers: a path with a new unguessable part, of which only the digest is kept. 404."""
    one, _ = _locked(tx, id_)
    secret = token(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    waiting_store.save_offer(tx, one.state, msgspec.structs.replace(one, digest=digest))
    return f"/api/v1/offers/{secret}"


def _note(tx: Tx, type_: str, one: Offer, appointment: str | None = None) -> None:
    events.note(tx, type_, "Offer", one.id, round=one.round, entry=one.entry, appointment=appointment)
