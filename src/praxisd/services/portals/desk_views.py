"""Requests as people see them: who was told of beside who is known, the chain, the portal's answer.

Whoever may not see patients sees no person at all: neither what was told, nor the record, nor the message.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import chain, deciding, requests, requests_store
from praxisd.services.portals.desk_shapes import (
    AppointmentPart,
    CandidatePart,
    Counts,
    MatchingPart,
    PersonPart,
    PortalAnswer,
    RequestOut,
    ToldOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_LISTED = 400
"""Letters of the message in a list."""


def counts(tx: Tx) -> Counts:
    """How many wait."""
    found = requests_store.counts(tx)
    conflicts = open_conflicts(tx)
    waiting = requests_store.open_appointments(tx) if conflicts else set()
    open_ = found.get("open", (0, 0))
    return Counts(
        open=open_[0],
        asked=found.get("asked", (0, 0))[0],
        unreadable=open_[1],
        conflicts=len(waiting & conflicts.keys()),
    )


def open_conflicts(tx: Tx) -> dict[str, str]:
    """Id of the open conflict by the appointment from outside."""
    return {one.appointment: one.id for one in calendar.open_conflicts(tx) if one.appointment}


def views(
    house: "House", tx: Tx, some: Sequence[BookingRequest], lang: str, *, whole: bool = False
) -> list[RequestOut]:
    """The requests as this actor may see them; `whole`: with the whole message and the chain."""
    here = zone(directory.organization(tx).zone)
    masked = tx.actor.masked
    names = {} if masked else directory.name(tx, [one.patient for one in some if one.patient])
    people = actor_names(house, tx, {one.by for one in some if one.by}, lang)
    conflicts = open_conflicts(tx)
    return [_view(house, tx, one, lang, here, names, people, conflicts, whole) for one in some]


def view(house: "House", tx: Tx, one: BookingRequest, lang: str) -> RequestOut:
    """One request, whole."""
    return views(house, tx, [one], lang, whole=True)[0]


def _view(
    house: "House",
    tx: Tx,
    one: BookingRequest,
    lang: str,
    here: Any,
    names: Mapping[str, str | None],
    people: Mapping[str, str],
    conflicts: Mapping[str, str],
    whole: bool,
) -> RequestOut:
    masked = tx.actor.masked
    appointment = _appointment(tx, one)
    original = one.original if whole else one.original[:_LISTED]

    def at(moment: int | None) -> str | None:
        return None if moment is None else format_rfc3339(moment, here)

    return RequestOut(
        id=one.id,
        version=one.version,
        origin=one.origin,
        origin_name=chain.origin_name(tx, one),
        state=one.state,
        received=format_rfc3339(one.received, here),
        decided=at(one.decided),
        by_name=people.get(one.by or ""),
        appointment=None if appointment is None else _part(appointment, here),
        told=None
        if masked
        else ToldOut(
            family=one.told.family,
            given=one.told.given,
            birth_date=one.told.birth_date,
            phone=one.told.phone,
            email=one.told.email,
        ),
        patient=None
        if masked or one.patient is None
        else PersonPart(id=one.patient, name=names.get(one.patient) or ""),
        matching=_matching(tx, one, masked),
        start=at(one.start),
        end=at(one.end),
        service=one.service,
        schedule=one.schedule,
        service_word="" if masked else one.word,
        original=None if masked or not original else original,
        subject=None if masked or not one.subject else one.subject,
        readable=one.appointment is not None,
        missing=missing(one),
        reason=one.reason,
        reason_title=_title(house, one.reason, lang),
        note=None if masked else one.note,
        until=at(one.until),
        wished=at(one.wished),
        conflict=conflicts.get(one.appointment or ""),
        chain=chain.shown(house, chain.steps(house, tx, one, appointment), here, lang) if whole else [],
        portal_answer=_portal_answer(house, tx, one, here, lang),
    )


def missing(one: BookingRequest) -> list[str]:
    """What a person has to fill in before the request can be accepted: names of fields of the answer."""
    if one.state not in requests_store.WAITING:
        return []
    found = []
    if one.appointment is None:
        found += [] if one.start is not None else ["start"]
        found += [] if one.service or one.schedule else ["service"]
    if one.patient is None:
        told = {"family": one.told.family, "given": one.told.given, "birthDate": one.told.birth_date}
        found += [name for name, value in told.items() if not value]
    return found


def _title(house: "House", code: str | None, lang: str) -> str | None:
    if code is None:
        return None
    return house.texts.get(f"{code}.title", lang) if house.texts.has(f"{code}.title") else code


def _appointment(tx: Tx, one: BookingRequest) -> Appointment | None:
    if one.appointment is None:
        return None
    try:
        return calendar.get(tx, one.appointment)
    except Problem:
        return None


def _part(one: Appointment, here: Any) -> AppointmentPart:
    return AppointmentPart(
        id=one.id,
        version=one.version,
        status=one.status,
        start=format_rfc3339(one.start, here),
        end=format_rfc3339(one.end, here),
        service=one.service,
        schedules=one.schedules,
    )


def _matching(tx: Tx, one: BookingRequest, masked: bool) -> MatchingPart:
    if one.patient is None:
        return MatchingPart(found="none", candidates=[])
    if one.found != "possible":
        return MatchingPart(found=one.found or "certain", candidates=[])
    doubts = directory.doubts(tx, one.patient)
    waiting = [doubt for doubt in doubts if doubt.outcome is None]
    if not waiting:  # decided: it is the known one (then this record is that one), or somebody new
        return MatchingPart(found="new" if doubts else "certain", candidates=[])
    shown = [] if masked else [_candidate(tx, one, doubt) for doubt in waiting]
    return MatchingPart(found="possible", candidates=shown)


def _candidate(tx: Tx, one: BookingRequest, doubt: directory.Doubt) -> CandidatePart:
    compared = directory.side_by_side(tx, requests.claim_of(one.told), doubt.candidate)
    known = doubt.candidate
    return CandidatePart(
        id=known.id,
        match=doubt.id,
        name=known.display,
        birth_date=known.birth_date,
        phone=known.phone,
        email=known.email,
        reason=doubt.reason,
        same=list(compared.same),
        differs=list(compared.differs),
    )


def _portal_answer(house: "House", tx: Tx, one: BookingRequest, here: Any, lang: str) -> PortalAnswer | None:
    if one.origin != "portal" or deciding.online_portal(tx, one) is None:
        return None
    told = [row for row in requests_store.answers(tx, one.id) if row.state != "superseded"]
    if not told:
        return None
    last = told[-1]
    at = last.sent_at if last.sent_at is not None else last.created_at
    return PortalAnswer(
        state=last.state, at=format_rfc3339(at, here), code=last.code, title=_title(house, last.code, lang)
    )
