"""Whose booking a request is: chosen by a person at the desk, or corrected on the calendar's page."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import store

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def belongs_to(house: "House", tx: Tx, request: BookingRequest, patient: str) -> BookingRequest:
    """A person says whose booking it is. 422 for a patient nobody knows.

    Records become one only where the directory asked whether they are; else the appointment alone goes to the one chosen:
    who books for her child is not her child.
    """
    chosen = directory.resolve(tx, patient)
    doubts = () if request.patient is None else directory.doubts(tx, request.patient)
    waiting = [one for one in doubts if one.outcome is None]
    if request.patient == chosen:
        for doubt in waiting:
            directory.settle(tx, house.registry.patient_refs, doubt.id, False)
        return msgspec.structs.replace(
            _again(tx, request), found="new" if request.found != "certain" else "certain"
        )
    meant = next((one for one in waiting if one.candidate.id == chosen), None)
    if meant is not None:
        directory.settle(tx, house.registry.patient_refs, meant.id, True)
        return msgspec.structs.replace(_again(tx, request), found="certain")
    calendar.change(house, tx, str(request.appointment), patient=chosen)
    return msgspec.structs.replace(request, patient=chosen, found="certain")


def _again(tx: Tx, request: BookingRequest) -> BookingRequest:
    """As it stands now: merging records turned its patient, and made it a new version."""
    return store.REQUESTS.need(tx, request.id)


def followed(request: BookingRequest, one: Appointment) -> BookingRequest:
    """The request with the appointment's patient, where a person has put another one there; not stored yet."""
    if one.patient is None or one.patient == request.patient:
        return request
    return msgspec.structs.replace(request, patient=one.patient, found="certain")
