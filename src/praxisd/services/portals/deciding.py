"""Decisions about requests, each with all that follows from it, in one transaction (SPEC 3.7).

1. The appointment: booked, moved, cancelled. 2. Its portal is told, if it came from one (`portals_answer`; the engine sends
it). 3. The patient is told, unless the portal tells. 4. An event. Whoever decides elsewhere (on the calendar's page, over
FHIR, about a conflict) is followed by `deciding_follow`, with the same effects.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, OnlinePortal
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import desk_keys, desk_refusals, requests_store, store
from praxisd.services.portals.desk_settings import PROPOSAL_DAYS
from praxisd.services.portals.reading_lines import clean

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DECLINED = "portals.proposal_declined"
EXPIRED = "portals.proposal_expired"
PAGE = "/api/v1/proposals/"
"""Where a patient answers a proposal: an open page, under an address nobody can guess."""
_DAY_S = 86_400


def need(tx: Tx, id_: str, expected: int | None = None, *states: str) -> BookingRequest:
    """The request, locked; 404, 412, or `portals.request_decided` (409) where it waits for nobody any more."""
    found = requests_store.lock(tx, id_)
    if found is None:
        found = store.REQUESTS.need(tx, id_)
    if expected is not None and expected != found.version:
        raise Problem("resource.stale", 412, kind="BookingRequest")
    if found.state not in (states or requests_store.WAITING):
        raise Problem("portals.request_decided", 409, state=found.state)
    return found


def accept(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    *,
    minutes: int | None = None,
    service: str | None = None,
    schedules: Sequence[str] | None = None,
    patient: str | None = None,
    start: int | None = None,
    note: str | None = None,
) -> BookingRequest:
    """The desk accepts, with another length, type, column, time or person if given.

    Problems (409): `portals.request_incomplete` where it stands in no column yet, `portals.request_nobody` where nobody
    knows whose it is, and those of `calendar.accept`; 422 for a patient that cannot be booked.
    """
    appointment = request.appointment
    if appointment is None:
        raise Problem("portals.request_incomplete", 409)
    if patient is not None:
        request = _belongs_to(house, tx, request, patient)
    if request.patient is None:
        raise Problem("portals.request_nobody", 409)
    made = calendar.accept(
        house, tx, appointment, minutes=minutes, service=service, schedules=schedules, start=start
    )
    if note is not None:
        request = msgspec.structs.replace(request, note=note)
    return accepted(house, tx, request, made)


def _belongs_to(house: "House", tx: Tx, request: BookingRequest, patient: str) -> BookingRequest:
    """A person says whose booking it is. A record that this booking made goes on in that of the person who was known."""
    chosen = directory.resolve(tx, patient)
    if request.patient == chosen:
        for doubt in directory.doubts(tx, chosen):
            if doubt.outcome is None:
                directory.settle(tx, house.registry.patient_refs, doubt.id, False)
        return msgspec.structs.replace(
            _again(tx, request), found="new" if request.found != "certain" else "certain"
        )
    if request.patient is not None and request.found in ("possible", "new"):
        open_ = [one for one in directory.doubts(tx, request.patient) if one.outcome is None]
        meant = next((one for one in open_ if one.candidate.id == chosen), None)
        if meant is not None:
            directory.settle(tx, house.registry.patient_refs, meant.id, True)
        else:
            directory.merge(tx, house.registry.patient_refs, chosen, request.patient)
        return msgspec.structs.replace(_again(tx, request), found="certain")
    calendar.change(house, tx, str(request.appointment), patient=chosen)
    return msgspec.structs.replace(request, patient=chosen, found="certain")


def _again(tx: Tx, request: BookingRequest) -> BookingRequest:
    """As it stands now: merging records turned its patient, and made it a new version."""
    return store.REQUESTS.need(tx, request.id)


def accepted(house: "House", tx: Tx, request: BookingRequest, made: Appointment) -> BookingRequest:
    """The appointment is booked: all that follows from it."""
    moved = request.start is not None and made.start != request.start
    wished = request.wished if request.wished is not None else request.start if moved else None
    settle_messages(house, tx, request)
    request = _decided(
        tx,
        request,
        "accepted",
        start=made.start,
        end=made.end,
        service=made.service,
        wished=wished,
        reason=None,
    )
    known = _known_there(tx, request)
    _answer(tx, request, "accepted" if known in (None, made.start) else "moved", made.start, made.end)
    _tell_patient(house, tx, request, "confirmation", made)
    _note(tx, "request.accepted", request)
    return request


def refuse(
    house: "House", tx: Tx, request: BookingRequest, reason: str, words: str | None = None
) -> BookingRequest:
    """The desk refuses: the time is free, portal and patient hear why."""
    words = None if words is None else clean(words, 500).strip()
    said = f"{house.texts.get(f'{reason}.title', directory.organization(tx).language)} {words or ''}".strip()
    if request.appointment is not None:
        calendar.cancel(house, tx, request.appointment, said[:500])
    return refused(house, tx, request, reason, words)


def refused(
    house: "House", tx: Tx, request: BookingRequest, reason: str, words: str | None = None
) -> BookingRequest:
    """The appointment is cancelled by the practice: all that follows from it."""
    settle_messages(house, tx, request)
    request = _decided(tx, request, "refused", reason=reason, note=words or request.note)
    _answer(tx, request, "refused", None, None, reason)
    _tell_patient(house, tx, request, "refusal", _appointment(tx, request), reason, words or "")
    _note(tx, "request.refused", request)
    return request


def propose(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    start: int,
    minutes: int | None = None,
    schedules: Sequence[str] | None = None,
    until: int | None = None,
) -> BookingRequest:
    """Another time, blocked for the patient until then. Problems: `portals.time_past`, `portals.until_unfit` (422), 409."""
    if request.appointment is None:
        raise Problem("portals.request_incomplete", 409)
    if start <= tx.now:
        raise Problem("portals.time_past", 422)
    days = int(house.settings.get(tx, PROPOSAL_DAYS))
    last = min(tx.now + days * _DAY_S, start) if until is None else until
    if not tx.now < last <= start:
        raise Problem("portals.until_unfit", 422)
    wished = request.wished if request.wished is not None else request.start
    made = calendar.reschedule(house, tx, request.appointment, start, minutes, schedules)
    settle_messages(house, tx, request)
    key, kept = desk_keys.made()
    request = store.REQUESTS.save(
        tx,
        msgspec.structs.replace(
            request, state="asked", start=made.start, end=made.end, wished=wished, until=last, answer=kept,
            by=tx.actor.label,
        ),
    )  # fmt: skip
    _answer(tx, request, "proposed", made.start, made.end)
    link = messaging.public_link(house, tx, f"{PAGE}{key}")
    _tell_patient(house, tx, request, "proposal", made, link=link, until=last)
    _note(tx, "request.proposed", request)
    return request


def answered(house: "House", tx: Tx, request: BookingRequest, yes: bool) -> BookingRequest:
    """What the patient said to the proposed time, by whichever way. `portals.not_asked` (409), and those of accepting."""
    if request.state != "asked" or request.appointment is None:
        raise Problem("portals.not_asked", 409)
    if yes:
        if request.patient is None:
            raise Problem("portals.request_nobody", 409)
        return accepted(house, tx, request, calendar.accept(house, tx, request.appointment))
    return _given_up(house, tx, request, "withdrawn", DECLINED, "request.withdrawn")


def expire(house: "House", tx: Tx, request: BookingRequest) -> BookingRequest:
    """Nobody answered the proposal in time: its time is free again."""
    return _given_up(house, tx, request, "expired", EXPIRED, "request.expired")


def _given_up(
    house: "House", tx: Tx, request: BookingRequest, state: str, reason: str, event: str
) -> BookingRequest:
    if request.appointment is not None:
        calendar.cancel(house, tx, request.appointment)
    settle_messages(house, tx, request)
    request = _decided(tx, request, state, reason=reason)
    _answer(tx, request, "refused", None, None, reason)
    _note(tx, event, request)
    return request


def withdraw(house: "House", tx: Tx, request: BookingRequest) -> BookingRequest:
    """The patient told the desk that the booking is not wanted any more; the portal hears of it."""
    told = request.state in requests_store.WAITING
    request = withdrawn(house, tx, request)
    _answer(tx, request, "refused" if told else "cancelled", None, None, "portals.patient_withdrew")
    return request


def withdrawn(house: "House", tx: Tx, request: BookingRequest) -> BookingRequest:
    """The booking was cancelled where it was made: its time is free, and nobody need be told."""
    if request.appointment is not None:
        try:
            calendar.cancel(house, tx, request.appointment)
        except Problem as problem:  # it has taken place already, or is gone
            if problem.code not in ("calendar.status_change", "http.not_found"):
                raise
    settle_messages(house, tx, request)
    requests_store.no_answer(tx, request.id)
    request = _decided(tx, request, "withdrawn", reason=None)
    _note(tx, "request.withdrawn", request)
    return request


def settle_messages(house: "House", tx: Tx, request: BookingRequest) -> None:
    """What waits to be said to the patient about an earlier decision is said no more."""
    if request.state == "asked":
        messaging.close_topic(house, tx, topic(request, "proposal", request.start))


def topic(request: BookingRequest, kind: str, start: int | None) -> str:
    """What the patient is told once: each decision about each time."""
    return f"request/{request.id}/{kind}/{start or 0}"


def online_portal(tx: Tx, request: BookingRequest) -> OnlinePortal | None:
    """The portal it came from, where that is one we are in contact with."""
    if request.portal is None or request.origin == "api":
        return None
    return store.PORTALS.get(tx, request.portal)


def moved_later(tx: Tx, request: BookingRequest, made: Appointment) -> None:
    """The desk moved a booked one: the portal hears the new time."""
    request = store.REQUESTS.save(
        tx, msgspec.structs.replace(request, start=made.start, end=made.end, service=made.service)
    )
    _answer(tx, request, "moved", made.start, made.end)


def cancelled_later(tx: Tx, request: BookingRequest) -> None:
    """The desk cancelled a booked one: the portal hears of it."""
    sent = requests_store.answers(tx, request.id)
    if not sent or sent[-1].kind != "cancelled":
        _answer(tx, request, "cancelled", None, None, "portals.cancelled_by_practice")


def _decided(tx: Tx, request: BookingRequest, state: str, **fields: Any) -> BookingRequest:
    values = {"until": None, "answer": None, **fields}
    return store.REQUESTS.save(
        tx,
        msgspec.structs.replace(request, state=state, decided=tx.now, by=tx.actor.label, **values),  # type: ignore[arg-type]
    )


def _answer(
    tx: Tx, request: BookingRequest, kind: str, start: int | None, end: int | None, reason: str = ""
) -> None:
    if request.origin == "portal" and request.portal is not None and request.remote:
        requests_store.add_answer(tx, request, kind, start, end, reason)


def _known_there(tx: Tx, request: BookingRequest) -> int | None:
    """The time the portal knows: the one last told, else the one asked for. None where nobody was asked."""
    told = [
        one for one in requests_store.answers(tx, request.id) if one.state == "sent" and one.start is not None
    ]
    if told:
        return int(told[-1].start)
    return request.wished if request.wished is not None else request.start


def _appointment(tx: Tx, request: BookingRequest) -> Appointment | None:
    if request.appointment is None:
        return None
    try:
        return calendar.get(tx, request.appointment)
    except Problem:
        return None


def _tell_patient(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    kind: Any,
    made: Appointment | None,
    reason: str = "",
    words: str = "",
    link: str = "",
    until: int | None = None,
) -> None:
    portal = online_portal(tx, request)
    if made is None or request.patient is None or (portal is not None and portal.tells):
        return
    said = ""
    if reason:
        said = desk_refusals.sentence(reason, messaging.language_for(tx, request.patient))
    messaging.tell(
        house, tx, kind, request.patient, appointment=made.id, topic=topic(request, kind, made.start),
        stamp=made.start, reason=f"{said} {words}".strip(), link=link, until=until,
    )  # fmt: skip


def _note(tx: Tx, type_: str, request: BookingRequest) -> None:
    portal = online_portal(tx, request)
    name = request.portal if request.origin == "api" else portal.name if portal else None
    events.note(
        tx, type_, "BookingRequest", request.id, version=request.version, portal=name,
        origin=request.origin, appointment=request.appointment, reason=request.reason,
    )  # fmt: skip
