"""Requests come in: whoever is told of gets a record (or a decision waits), and the time is blocked until the desk decides.

Idempotent: what is known by its sender's id is known (the database is the judge, on two nodes too). A request
whose time or person could not be read, or that the calendar refused, is kept all the same; a person completes it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, There, Told
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deciding, requests_again, requests_person, requests_store, store
from praxisd.services.portals.requests_again import CANCELS_UNKNOWN
from praxisd.services.portals.requests_block import (
    LONGEST_S,
    ORIGINAL_MOST,
    Incoming,
    Taken,
    acting_for,
    appointment_of,
    block,
    claim_of,
    portal_name,
    recognised,
    remote_of,
    safe,
    tell,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def receive(house: "House", tx: Tx, said: Incoming) -> Taken:
    """Take in a booking, what changed about a known one, or that it is cancelled; whoever hands it over."""
    with acting_for(
        tx, None
    ):  # what is in the calendar is ours, also where the portal has another name by now
        return _receive(house, tx, replace(said, told=_whole(said.told)))


def _receive(house: "House", tx: Tx, said: Incoming) -> Taken:
    known = _known(tx, said)
    if known is None:
        if said.cancelled and not said.original:
            return "known"
        new = _enter(house, tx, said)
        if new is not None:
            return new
        known = _known(tx, said)  # another node was quicker
        if known is None:
            return "known"
    word = requests_again.told_again(house, tx, known, said)
    return _receive(house, tx, word) if isinstance(word, Incoming) else word


def _known(tx: Tx, said: Incoming) -> BookingRequest | None:
    owner = said.portal.id if said.portal else ""
    return requests_store.of_remote(tx, said.origin, owner, remote_of(said.remote))


def _enter(house: "House", tx: Tx, said: Incoming) -> Taken | None:
    """A new request; None where its id is known."""
    # A cancellation of what nobody knows is kept as a message to be read; it books nothing.
    reads = not said.cancelled
    start = said.start if reads else None
    end = said.end if start is not None and said.end is not None else None
    sane = end is None or start is None or start < end <= start + LONGEST_S
    reason = said.reason or (None if reads else CANCELS_UNKNOWN)
    request = BookingRequest(
        id=new_id(),
        origin=said.origin,
        received=tx.now,
        portal=said.portal.id if said.portal else None,
        source=said.source,
        remote=remote_of(said.remote),
        told=said.told,
        start=start,
        end=end if sane else None,
        service=said.service,
        schedule=said.schedule,
        original=safe(said.original, ORIGINAL_MOST),
        subject=safe(said.subject, 200),
        word=safe(said.word, 200),
        reason=reason,
        there=There(start=start, schedule=said.schedule),
    )
    new = store.REQUESTS.offer(tx, request)
    if new is None:
        return None
    at_once = said.at_once and sane and reason is None
    # Nobody gets a record by calling something off.
    request, sure = (new, False) if said.cancelled else block(house, tx, new, said.note, at_once)
    if reason is not None:
        request = msgspec.structs.replace(request, reason=reason)
    request = store.REQUESTS.save(tx, request)
    tell(tx, "request.received", request)
    if sure and at_once:
        deciding.accepted(house, tx, request, calendar.get(tx, str(request.appointment)))
    return "new"


def _whole(told: Told) -> Told:
    return Told(**{name: safe(value, 254) for name, value in msgspec.structs.asdict(told).items()})


def complete(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    *,
    told: Told,
    start: int | None,
    service: str | None,
    schedule: str | None,
    minutes: int | None,
) -> BookingRequest:
    """A person fills in what could not be read. `portals.time_past` (422), those of `calendar.reschedule` and `.request`.

    Who was told of is looked up, if nobody was yet, or if somebody else is told now (`requests_person`); the time is
    blocked, or blocked anew. A Problem changes nothing. A booked appointment of which a change is asked
    (`portals.changes_asked`, 409) is not filled in: somebody decides.
    """
    if start is not None and start != request.start and start <= tx.now:
        raise Problem("portals.time_past", 422)
    one = appointment_of(tx, request)
    if one is not None and one.status in deciding.STANDS:
        raise Problem(deciding.CHANGES, 409)
    look = told != request.told or one is None
    if request.patient is not None and told != request.told:
        request, look = requests_person.told_otherwise(house, tx, request, told), False
        one = appointment_of(tx, request)
    length = None if request.end is None or request.start is None else request.end - request.start
    same = service == request.service
    length = minutes * 60 if minutes is not None else length if same else None
    end = None if start is None or length is None else start + length
    new = msgspec.structs.replace(
        request, told=told, start=start, end=end, service=service, schedule=schedule, reason=None
    )
    note = ""
    if one is not None and one.status in ("pending", "proposed"):
        if same and schedule == request.schedule:
            if (start, end) != (request.start, request.end) and start is not None:
                one = calendar.reschedule(house, tx, one.id, start, minutes)
        else:
            note = one.note or ""
            calendar.cancel(house, tx, one.id)
            one = None
    if one is None:
        new, _ = block(
            house, tx, msgspec.structs.replace(new, appointment=None), note, strict=True, look=look
        )
    else:
        new = msgspec.structs.replace(new, start=one.start, end=one.end)
        outcome = recognised(tx, new) if look and request.patient is None else None
        if outcome is not None:
            calendar.change(house, tx, one.id, patient=outcome.patient)
            new = msgspec.structs.replace(new, patient=outcome.patient, found=outcome.found)
    new = store.REQUESTS.save(tx, new)
    tell(tx, "request.changed", new)
    return new


__all__ = ("CANCELS_UNKNOWN", "Incoming", "Taken", "claim_of", "complete", "portal_name", "receive", "tell")
