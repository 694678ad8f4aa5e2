"""Resources of 116117 Terminsynchronisation: read into our values, and written.

Reading is forgiving: what a profile adds is passed over, and what is missing spoils one entry, not the answer. The
extensions written for a new slot follow the guide's list (kind, urgency, who may book); the profile itself is not
public, so a live service may want other addresses for them (docs/de/116117.md).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import msgspec

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_times import format_instant, parse_instant
from praxisd.model.portals import Told
from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import Booking
from praxisd.services.portals.portals.tvs_rules import Offered

ROOT = "https://fhir.kbv.de/StructureDefinition/KBV_PR_116117_TERMINSERVICE_TVS_TERMINSYNCHRONISATION_"
EXTENSION = "https://fhir.kbv.de/StructureDefinition/KBV_EX_116117_TERMINSERVICE_TVS_TERMINSYNCHRONISATION_"
KINDS = ("Praesenz", "Video")
Resource = Mapping[str, Any]


def instant(epoch: int) -> str:
    """As FHIR writes it."""
    return format_instant(epoch, UTC)


def moment(text: Any) -> int | None:
    """Epoch seconds, or None for what is no instant."""
    try:
        return parse_instant(text)
    except FhirError:
        return None


def identity(reference: Any, kind: str = "") -> str:
    """The id in a reference of this kind, with or without address and version; empty if it is none."""
    text = reference.get("reference", "") if isinstance(reference, dict) else str(reference or "")
    pieces = text.split("/_history/")[0].split("/")
    if len(pieces) < 2 or (kind and pieces[-2] != kind):
        return ""
    return str(pieces[-1])


def version(resource: Resource) -> str:
    """What the service calls this state of it."""
    return str(resource.get("meta", {}).get("versionId", ""))


def words(concept: Any) -> str:
    """The text of a CodeableConcept, or of a list of them: the first that has one."""
    for one in concept if isinstance(concept, list) else [concept]:
        if isinstance(one, dict):
            shown = [part.get("display") or part.get("code") or "" for part in one.get("coding", ())]
            found = one.get("text") or next((word for word in shown if word), "")
            if found:
                return str(found).strip()
    return ""


def schedule_name(resource: Resource) -> str:
    """The name of a Terminprofil: its extension of that name, else its comment, else what it is for."""
    for one in resource.get("extension", ()):
        if one.get("url", "").rpartition("_")[2].lower().endswith("name") and one.get("valueString"):
            return str(one["valueString"]).strip()
    return str(resource.get("comment") or "").strip() or words(resource.get("serviceType"))


def schedule_doctor(resource: Resource, roles: Mapping[str, Resource]) -> str:
    """Whose Terminprofil it is, by name; empty if nobody says."""
    for actor in resource.get("actor", ()):
        role = roles.get(identity(actor, "PractitionerRole"), {})
        found = actor.get("display") or role.get("practitioner", {}).get("display")
        if found:
            return str(found).strip()
    return ""


def slot(resource: Resource) -> Offered | None:
    """A slot, or None for one that cannot be used."""
    start, end = moment(resource.get("start")), moment(resource.get("end"))
    schedule = identity(resource.get("schedule"), "Schedule")
    status = resource.get("status")
    if not resource.get("id") or not schedule or start is None or end is None or end <= start:
        return None
    if not isinstance(status, str) or status == "entered-in-error":
        return None
    return Offered(str(resource["id"]), schedule, start, end, status, version(resource))


def new_slot(schedule: str, time: Busy, kind: str, urgency: str, bookable: str) -> dict[str, Any]:
    """A slot to be offered. It begins as free: only its status can be changed later."""
    told = (("Terminart", kind), ("Dringlichkeit", urgency), ("BuchbarDurch", bookable))
    return {
        "resourceType": "Slot",
        "meta": {"profile": [f"{ROOT}Slot"]},
        "extension": [{"url": EXTENSION + name, "valueCode": value} for name, value in told if value],
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": "free",
        "start": instant(time.start),
        "end": instant(time.end),
    }


def status_call(status: str) -> dict[str, Any]:
    """The input of `$slotstatus_aktualisieren`."""
    return {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": status}]}


def booking(
    resource: Resource, slots: Mapping[str, Offered], names: Mapping[str, str], people: Mapping[str, Resource]
) -> Booking | None:
    """A booking, or None without an id; if it says no time, a person gets the whole of it to read. `names`: of schedules, by
    id. `people`: Patients of the same answer, by id.
    """
    id_ = resource.get("id")
    found = next((slots[one] for one in slots_of(resource) if one in slots), None)
    start = moment(resource.get("start")) or (found.start if found else None)
    end = moment(resource.get("end")) or (found.end if found else None)
    if not id_:
        return None
    gone = cancelled(resource)
    return Booking(
        id=str(id_),
        calendar=names.get(found.schedule, "") if found else "",
        start=start,
        end=end if end is not None and start is not None and end > start else None,
        told=told(patient_of(resource, people)),
        kind=words(resource.get("appointmentType")) or words(resource.get("serviceType")),
        note=str(resource.get("comment") or "").strip(),
        cancelled=gone,
        original="" if gone or start is not None else _original(resource),
    )


def _original(resource: Resource) -> str:
    return msgspec.json.format(msgspec.json.encode(resource), indent=2).decode()


def cancelled(resource: Resource) -> bool:
    """Does an Appointment not take place?"""
    return resource.get("status") in ("cancelled", "entered-in-error")


def activity(resource: Resource) -> str:
    """What a Provenance says was done: CREATE, UPDATE or DELETE."""
    concept = resource.get("activity", {})
    codes = [str(one.get("code") or "").upper() for one in concept.get("coding", ())]
    return next((one for one in codes if one in ("CREATE", "UPDATE", "DELETE")), words(concept).upper())


def slots_of(resource: Resource) -> tuple[str, ...]:
    """The ids of the slots that an Appointment takes."""
    found = (identity(one, "Slot") for one in resource.get("slot", ()))
    return tuple(one for one in found if one)


def patient_of(resource: Resource, people: Mapping[str, Resource]) -> Resource:
    """The Patient of an Appointment: inside it, or in the same answer; empty if there is none."""
    for one in resource.get("participant", ()):
        reference = str(one.get("actor", {}).get("reference", ""))
        if reference.startswith("#"):
            for inner in resource.get("contained", ()):
                if inner.get("resourceType") == "Patient" and inner.get("id") == reference[1:]:
                    return dict(inner)
        elif (named := identity(reference, "Patient")) in people:
            return people[named]
    return {}


def told(patient: Resource) -> Told:
    """What a Patient says of the person."""
    names = patient.get("name", ())
    name: Resource = next((one for one in names if one.get("use") == "official"), next(iter(names), {}))
    return Told(
        family=str(name.get("family") or "").strip(),
        given=" ".join(str(one) for one in name.get("given", ()) if one).strip(),
        birth_date=str(patient.get("birthDate") or ""),
        phone=_contact(patient, "phone"),
        email=_contact(patient, "email"),
    )


def _contact(patient: Resource, system: str) -> str:
    for one in patient.get("telecom", ()):
        if one.get("system") == system and one.get("value"):
            return str(one["value"]).strip()
    return ""


def of_kind(found: Iterable[Resource], kind: str) -> dict[str, Resource]:
    """The resources of this type, by id."""
    return {str(one["id"]): one for one in found if one.get("resourceType") == kind and one.get("id")}
