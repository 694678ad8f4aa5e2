"""Requests follow their appointments: decided on the calendar's page, over FHIR, about a conflict, or by the portal itself.

One function compares a request with its appointment and does what is missing; so a handler called twice, or after the
desk's own decision, finds nothing to do.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import Handler
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, Found, Told
from praxisd.model.scheduling import Appointment
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import deciding, deciding_person, requests, requests_store, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TAKEN = "portals.refused_time_taken"
OTHER = "portals.refused_other"
_STANDS = deciding.STANDS


def requested(house: "House", tx: Tx, event: Event) -> None:
    """A booking over the API that waits for the desk becomes a request; others have theirs already."""
    one = _appointment(tx, event.subject_id)
    if one is None or one.status not in ("pending", "proposed"):
        return
    if requests_store.about(tx, one.id) is None:
        _enter(tx, one, event)


def changed(house: "House", tx: Tx, event: Event) -> None:
    """An appointment was confirmed, moved or cancelled, by whomever."""
    request = requests_store.of_appointment(tx, event.subject_id)
    one = _appointment(tx, event.subject_id)
    if request is None:
        if one is not None and one.status == "pending" and one.portal is not None:
            _enter(tx, one, event)  # a portal changed a booked one, so that it has to be confirmed again
        return
    follow(house, tx, request, one, event)


def follow(house: "House", tx: Tx, request: BookingRequest, one: Appointment | None, event: Event) -> None:
    """Make the request say what its appointment says, with the effects that has."""
    waits = request.state in requests_store.WAITING
    request = _right_person(tx, request, one)
    if one is None or one.status == "cancelled":
        outside = _by_portal(tx, event, one)
        if waits and outside:
            deciding.withdrawn(house, tx, request)
        elif waits:
            deciding.refused(house, tx, request, TAKEN if _in_conflict(tx, event.subject_id) else OTHER)
        elif request.state == "accepted" and outside:
            deciding.withdrawn(house, tx, request)
        elif request.state == "accepted":
            deciding.cancelled_later(tx, request)
    elif one.status in _STANDS and waits:
        asks = request.reason in deciding.ASKS and (one.start, one.end) == (request.start, request.end)
        if not asks:
            deciding.accepted(house, tx, request, one)
        elif one.status != "booked":  # the patient came
            deciding.kept(house, tx, request, one, tell=False)
    elif one.status in _STANDS and request.state == "accepted":
        if (one.start, one.end) != (request.start, request.end):
            deciding.moved_later(tx, request, one)
    elif one.status in ("pending", "proposed") and (one.start, one.end) != (request.start, request.end):
        _reopen(house, tx, request, one)


def _right_person(tx: Tx, request: BookingRequest, one: Appointment | None) -> BookingRequest:
    """Somebody corrected on the calendar's page whose appointment it is."""
    if one is None or request.state not in (*requests_store.WAITING, "accepted"):
        return request
    new = deciding_person.followed(request, one)
    if new is not request:
        new = store.REQUESTS.save(tx, new)
        requests.tell(tx, "request.changed", new)
    return new


def _reopen(house: "House", tx: Tx, request: BookingRequest, one: Appointment) -> None:
    """Another time while nobody had decided, or of one that was decided: the desk decides about that one."""
    deciding.settle_messages(house, tx, request)
    new = store.REQUESTS.save(
        tx,
        msgspec.structs.replace(
            request, state="open", start=one.start, end=one.end, service=one.service, until=None, answer=None,
            wished=request.wished if request.wished is not None else request.start, reason=None,
        ),
    )  # fmt: skip
    requests.tell(tx, "request.changed", new)


def _by_portal(tx: Tx, event: Event, one: Appointment | None) -> bool:
    """True if the portal whose appointment it is cancelled it, with its own key."""
    kind, _, id_ = event.actor.partition(":")
    if one is None or one.portal is None or kind != "key":
        return False
    known = accounts.get_key(tx, id_)
    return known is not None and known.portal is not None


def _in_conflict(tx: Tx, appointment: str) -> bool:
    """True if somebody decided a conflict against it."""
    history = events.about(tx, "Appointment", appointment, 20)
    return any(one.type == "conflict.settled" and one.codes.get("how") == "keep_local" for one in history)


def _enter(tx: Tx, one: Appointment, event: Event) -> None:
    request = BookingRequest(
        id=new_id(),
        origin="api",
        received=event.at,
        portal=one.portal,
        appointment=one.id,
        patient=one.patient,
        told=_told(tx, one),
        start=one.start,
        end=one.end,
        service=one.service,
        schedule=one.schedules[0] if one.schedules else None,
        found=_found(tx, one),
    )
    new = store.REQUESTS.offer(tx, request)
    if new is not None:
        requests.tell(tx, "request.received", new)


def _told(tx: Tx, one: Appointment) -> Told:
    """What the portal itself said of the person; else what the record says."""
    alias = one.extra.get("alias")
    person = directory.said(tx, one.portal, alias) if one.portal and isinstance(alias, str) else None
    if person is None and one.patient is not None:
        person = directory.patient(tx, one.patient)
    if person is None:
        return Told()
    return Told(
        family=person.family,
        given=person.given,
        birth_date=person.birth_date or "",
        phone=person.phone or "",
        email=person.email or "",
    )


def _found(tx: Tx, one: Appointment) -> Found | None:
    """How its person was found when it was booked."""
    if one.patient is None:
        return None
    if directory.doubts(tx, one.patient):
        return "possible"
    first = events.about(tx, "Patient", one.patient)[-1:]
    made = [event for event in first if event.type == "patient.created" and event.at >= one.created]
    return "new" if made else "certain"


def _appointment(tx: Tx, id_: str) -> Appointment | None:
    try:
        return calendar.get(tx, id_)
    except Problem:
        return None


def replied(house: "House", tx: Tx, event: Event) -> None:
    """The patient answered a proposal by message: yes takes the time, no gives it up."""
    said = event.codes.get("reply")
    if event.codes.get("kind") != "proposal" or said not in ("accepted", "declined"):
        return
    message = messaging.about(tx, event.subject_id)
    request = (
        None
        if message is None
        else requests_store.lock(tx, message.topic.partition("/")[2].partition("/")[0])
    )
    if message is None or request is None or request.state != "asked":
        return
    if message.topic == deciding.topic(request, "proposal", request.start):
        with suppress(Problem):  # then it waits on as it was, and the desk sees the message
            deciding.answered(house, tx, request, said == "accepted")


HANDLERS = (
    Handler("portals.requested", ("appointment.requested",), requested),
    Handler(
        "portals.request_follows",
        ("appointment.confirmed", "appointment.moved", "appointment.cancelled", "appointment.changed"),
        changed,
    ),
    Handler("portals.request_replied", ("communication.confirmed", "communication.replied"), replied),
)
