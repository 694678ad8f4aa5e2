"""One imported resource becomes a record, in the open transaction: created, updated where that is safe, or unchanged."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.calendar.fhir_shapes import IMPORTED_ID
from praxisd.services.calendar.importing_columns import put_schedule, put_service
from praxisd.services.calendar.importing_ids import Stored, exists
from praxisd.services.calendar.importing_times import put_appointment, put_slot
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]
ORDER = (
    "Organization",
    "Practitioner",
    "Location",
    "HealthcareService",
    "Schedule",
    "Patient",
    "EpisodeOfCare",
    "Slot",
    "Appointment",
)
"""Types that are taken in, each after those it refers to."""
_KNOWN, _REPLACED = "directory.already_known", "directory.id_replaced"


def put(house: "House", tx: Tx, resource: Dict, release: bool) -> Stored:
    """Store one checked resource whose references are turned already. Raises Problem or FhirError."""
    kind = resource["resourceType"]
    if kind in _OWN_WAY:
        return _OWN_WAY[kind](house, tx, resource, release)
    return _directory(tx, kind, resource, release)


def _directory(tx: Tx, kind: str, resource: Dict, release: bool) -> Stored:
    id_ = resource["id"]
    before = _replaced_before(tx, kind, id_)
    if before is not None:
        return Stored(before, "unchanged")
    here = exists(tx, kind, id_)
    if kind == "Practitioner":
        got, warnings = directory.import_practitioner(tx, resource, released=release)
    elif kind == "Location":
        got, warnings = directory.import_location(tx, resource, released=release)
    elif kind == "Organization":
        got, warnings = directory.import_organization(tx, resource)
    else:
        got, warnings = directory.import_patient(tx, resource)
    if here and _REPLACED in warnings:
        raise Problem("calendar.import_differs", 409)
    others = tuple(code for code in warnings if code not in (_KNOWN, _REPLACED))
    return Stored(got, "unchanged" if _KNOWN in warnings else "created", _REPLACED in warnings, others)


def _replaced_before(tx: Tx, kind: str, id_: str) -> str | None:
    """The record that came with this id in an earlier import and could not keep it."""
    if kind == "Practitioner":
        for one in directory.practitioners(tx):
            if any(i.system == IMPORTED_ID and i.value == id_ for i in one.identifiers):
                return one.id
    elif kind == "Location":
        for place in directory.locations(tx):
            if f'"system":"{IMPORTED_ID}","value":"{id_}"' in str(place.extra):
                return place.id
    return None


def _treatment(_house: "House", tx: Tx, resource: Dict, _release: bool) -> Stored:
    return Stored(*directory.import_treatment(tx, resource))


_OWN_WAY: dict[str, Callable[["House", Tx, Dict, bool], Stored]] = {
    "HealthcareService": put_service,
    "Schedule": put_schedule,
    "Slot": put_slot,
    "Appointment": put_appointment,
    "EpisodeOfCare": _treatment,
}
