"""The desk corrects who was told of: the record this booking made for somebody told wrong is not kept beside the right one."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, Told
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import store
from praxisd.services.portals.requests_block import appointment_of, claim_of, enough

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def told_otherwise(house: "House", tx: Tx, request: BookingRequest, told: Told) -> BookingRequest:
    """The request, and its appointment, with the person who is meant now; as it is stored, still with what was told before.

    A record that this booking made is put right, or goes into that of somebody known (`directory.correct`). Where the
    booking is somebody's who was known before, and another person is told, it is nobody's: the desk names the person.
    """
    patient = str(request.patient)
    if _made_here(tx, request, patient):
        if not enough(told):
            return request
        own = (request.id, request.appointment or "")
        try:
            outcome = directory.correct(tx, house.registry.patient_refs, patient, claim_of(told), own)
        except Problem as problem:
            if problem.status != 422:
                raise
            return request  # what cannot be true is no person: the record stays, and the request says what was told
        return _given_to(house, tx, request, outcome.patient, outcome.found)
    return _given_to(house, tx, request, None, None) if _contradicts(request.told, told) else request


def _made_here(tx: Tx, request: BookingRequest, patient: str) -> bool:
    if request.found not in ("new", "possible"):
        return False
    first = events.about(tx, "Patient", patient)[-1:]
    return any(one.type == "patient.created" and one.at >= request.received for one in first)


def _given_to(
    house: "House", tx: Tx, request: BookingRequest, patient: str | None, found: str | None
) -> BookingRequest:
    request = store.REQUESTS.need(tx, request.id)  # merging records made it a new version
    one = appointment_of(tx, request)
    if one is not None and one.patient != patient:
        calendar.change(house, tx, one.id, patient=patient)
    return msgspec.structs.replace(request, patient=patient, found=found)  # type: ignore[arg-type]


def _contradicts(before: Told, now: Told) -> bool:
    """True if both say something of names or day of birth that cannot be true of one person."""
    pairs = [(before.family, now.family), (before.given, now.given), (before.birth_date, now.birth_date)]
    plain = [(" ".join(a.casefold().split()), " ".join(b.casefold().split())) for a, b in pairs]
    return any(a and b and a != b for a, b in plain)
