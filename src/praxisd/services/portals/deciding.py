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
from praxisd.services.portals import deciding_person, desk_keys, desk_refusals, requests_store, store
from praxisd.services.portals.desk_settings import PROPOSAL_DAYS
from praxisd.services.portals.portals import ADAPTERS
from praxisd.services.portals.reading_lines import clean

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CHANGES, CANCELS = "portals.changes_asked", "portals.cancels_asked"
"""Reasons of an open request whose appointment is booked: another time is wanted (`wished`), or it was called off."""
ASKS = (CHANGES, CANCELS)
STANDS = ("booked", "arrived", "fulfilled", "noshow")
"""Of appointments that somebody has accepted."""
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
    knows whose it is, and those of `calendar.accept`; 422 for a patient that cannot be booked. Where a change of a booked
    one is asked for, it goes to the wanted time, or stays (409); one that was called off is withdrawn or refused, not this.
    """
    if request.appointment is None:
        raise Problem("portals.request_incomplete", 409)
    one = calendar.get(tx, request.appointment)
    stands = request.reason in ASKS and one.status in STANDS
    if stands and request.reason == CANCELS:
        raise Problem(CANCELS, 409)
    if patient is not None:
        request = deciding_person.belongs_to(house, tx, request, patient)
        one = calendar.get(tx, one.id)
    request = deciding_person.followed(request, one)
    if request.patient is None:
        raise Problem("portals.request_nobody", 409)
    if stands:
        made = _changed(house, tx, request, one, minutes, service, schedules, start)
    else:
        made = calendar.accept(
            house, tx, one.id, minutes=minutes, service=service, schedules=schedules, start=start
        )
    if note is not None:
        request = msgspec.structs.replace(request, note=note)
    return accepted(house, tx, request, made)


def _changed(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    one: Appointment,
    minutes: int | None,
    service: str | None,
    schedules: Sequence[str] | None,
    start: int | None,
) -> Appointment:
    """The booked appointment at the time that is wanted; a Problem leaves it where it is."""
    begin = start if start is not None else request.wished if request.wished is not None else one.start
    length = one.end - one.start if minutes is None else minutes * 60
    if schedules is not None:
        columns = tuple(schedules)
    else:
        told = request.schedule
        columns = one.schedules if told is None or told in one.schedules else (told,)
    wish = calendar.Wish(
        service=service or one.service, start=begin, end=begin + length, schedules=columns, outside_hours=True
    )
    return calendar.move(house, tx, one.id, wish)


def kept(
    house: "House", tx: Tx, request: BookingRequest, one: Appointment, tell: bool = True
) -> BookingRequest:
    """The booked appointment stays as it is, whatever was wanted: portal and patient hear which time holds."""
    request = _decided(tx, request, "accepted", start=one.start, end=one.end, wished=None, reason=None)
    known = _known_there(tx, request)
    _answer(tx, request, "accepted" if known in (None, one.start) else "moved", one.start, one.end)
    if tell:
        _tell_patient(house, tx, request, "confirmation", one)
    _note(tx, "request.accepted", request)
    return request


def accepted(house: "House", tx: Tx, request: BookingRequest, made: Appointment) -> BookingRequest:
    """The appointment is booked: all that follows from it."""
    request = deciding_person.followed(request, made)
    moved = request.start is not None and made.start != request.start
    wished = request.wished if request.wished is not None else request.start if moved else None
    wished = None if wished == made.start else wished
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
    """The desk refuses: the time is free, portal and patient hear why. A change of a booked one refused leaves that booked."""
    words = None if words is None else clean(words, 500).strip()
    one = _appointment(tx, request)
    if request.reason in ASKS and one is not None and one.status in STANDS:
        return kept(house, tx, msgspec.structs.replace(request, note=words or request.note), one)
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
    """Another time, blocked for the patient until then. Problems: `portals.time_past`, `portals.until_unfit` (422), 409.

    Not for a booked one of which a change is asked (`portals.changes_asked`, 409): it would be given up for a proposal.
    """
    if request.appointment is None:
        raise Problem("portals.request_incomplete", 409)
    if request.reason in ASKS and calendar.get(tx, request.appointment).status in STANDS:
        raise Problem(str(request.reason), 409)
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
    """The patient told the desk that the booking is not wanted any more; the portal hears of it.

    `calendar.status_change` (409) where the patient came, or did not: what has been cannot be called off.
    """
    one = _appointment(tx, request)
    if one is not None:
        calendar.cancel(house, tx, one.id)
    told = request.state in requests_store.WAITING and (one is None or one.status not in STANDS)
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
    """What the patient is told once: each decision, also the second one for the same time; each proposal by its answer's key."""
    mark = (request.answer or "")[:16] if kind == "proposal" else str(request.version)
    return f"request/{request.id}/{kind}/{start or 0}/{mark}"


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
    portal = online_portal(tx, request)
    if request.origin != "portal" or portal is None or not request.remote:
        return
    if ADAPTERS[portal.adapter].form.abilities.answers:
        requests_store.add_answer(tx, request, kind, start, end, reason)


def _known_there(tx: Tx, request: BookingRequest) -> int | None:
    """The time the portal knows: the one last told, else the one it said. None where nobody was asked."""
    return requests_store.told_there(tx, request, "accepted", "moved", "proposed")


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
