"""FHIR R4 resources as records of a take-over, and back. Pure but for the shapes of the directory.

Patient, EpisodeOfCare (a treatment), MedicationStatement, Flag and AllergyIntolerance (a risk), Appointment (out only: times
of another program's columns mean nothing here). A diagnosis (Condition) is no risk by itself and is left out by name.
"""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from praxisd.model.exchange import (
    Taken,
    TakenAppointment,
    TakenMedication,
    TakenPatient,
    TakenRisk,
    TakenTreatment,
)
from praxisd.model.fhir_primitives import valid_id
from praxisd.model.people import Identifier
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_terms as rules

Dict = dict[str, Any]
PZN = "http://fhir.de/CodeSystem/ifa/pzn"
ATC = "http://fhir.de/CodeSystem/bfarm/atc"
RISK_CATEGORY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "clinical"}]
}
INCOMPLETE = "exchange.fhir_incomplete"


class Unreadable(Exception):
    """A resource that lacks what its record needs; `element` names it."""

    def __init__(self, element: str) -> None:
        super().__init__(element)
        self.element = element


def read(resource: Dict, id_: str) -> Taken | None:
    """The record of a (validated) resource whose id is `id_`; None for a type there is no record for."""
    make = _READ.get(resource["resourceType"])
    return None if make is None else make(resource, id_)


def _patient(resource: Dict, id_: str) -> TakenPatient:
    told = rules.told(directory.patient_from_fhir({**resource, "id": id_}))
    made = (one for one in told.identifiers if one.system == rules.SOURCE and one.value != id_)
    ours = next((one for one in made if resource_id(one.value) == id_), None)
    if ours is None:
        return told
    rest = tuple(one for one in told.identifiers if one is not ours)
    return _with(told, source_id=ours.value, identifiers=rest)


def _with(one: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(one, **fields)


def tail(reference: str) -> str:
    """`abc` of `Patient/abc`, of `urn:uuid:abc`, of a whole address."""
    return reference.partition("/_history/")[0].replace(":", "/").rpartition("/")[2]


def _subject(resource: Dict, *names: str) -> str:
    for name in names:
        element = resource.get(name)
        if isinstance(element, dict) and element.get("reference"):
            return str(element["reference"])
    raise Unreadable(f"{resource['resourceType']}.{names[0]}")


def _treatment(resource: Dict, id_: str) -> TakenTreatment:
    if resource["status"] in ("cancelled", "entered-in-error"):
        raise Unreadable("EpisodeOfCare.status")
    period = resource.get("period", {})
    owner = resource.get("managingOrganization", {})
    number = owner.get("identifier", {}).get("value")
    return TakenTreatment(
        source_id=id_, patient=_subject(resource, "patient"), mandator=number or owner.get("display"),
        opened=_day(period.get("start"), "EpisodeOfCare.period.start"),
        closed=_day(period["end"], "EpisodeOfCare.period.end") if "end" in period else None,
    )  # fmt: skip


def _day(text: str | None, element: str) -> date:
    if text is None or len(text) < 10:
        raise Unreadable(element)
    return date.fromisoformat(text[:10])


def _medication(resource: Dict, id_: str) -> TakenMedication:
    if resource["status"] == "entered-in-error":
        raise Unreadable("MedicationStatement.status")
    concept = resource.get("medicationCodeableConcept", {})
    codes = {one.get("system"): one for one in concept.get("coding", ())}
    shown = [concept.get("text"), *(one.get("display") for one in codes.values())]
    text = next((one for one in shown if one), None) or (resource.get("medicationReference") or {}).get(
        "display"
    )
    pzn = codes.get(PZN, {}).get("code")
    if text is None and pzn is None:
        raise Unreadable("MedicationStatement.medication[x]")
    period = resource.get("effectivePeriod", {})
    return TakenMedication(
        source_id=id_, patient=_subject(resource, "subject"), text=text or f"PZN {pzn}", pzn=pzn,
        atc=codes.get(ATC, {}).get("code"),
        dosage=next((one["text"] for one in resource.get("dosage", ()) if "text" in one), None),
        since=_partial(period.get("start") or resource.get("effectiveDateTime")), until=_partial(period.get("end")),
        status=resource["status"], note=_notes(resource),
    )  # fmt: skip


def _partial(text: str | None) -> str | None:
    return None if text is None else text[:10]


def _notes(resource: Dict) -> str | None:
    return "\n".join(one["text"] for one in resource.get("note", ()) if "text" in one) or None


def _risk(resource: Dict, id_: str) -> TakenRisk:
    concept = resource.get("code", {})
    shown = [concept.get("text"), *(one.get("display") for one in concept.get("coding", ()))]
    text = next((one for one in shown if one), None)
    if not isinstance(text, str):
        raise Unreadable(f"{resource['resourceType']}.code")
    since = resource.get("period", {}).get("start") or resource.get("onsetDateTime")
    return TakenRisk(
        source_id=id_, patient=_subject(resource, "patient", "subject"), text=text, since=_partial(since),
        note=_notes(resource),
    )  # fmt: skip


_READ: dict[str, Callable[[Dict, str], Taken]] = {
    "Patient": _patient,
    "EpisodeOfCare": _treatment,
    "MedicationStatement": _medication,
    "Flag": _risk,
    "AllergyIntolerance": _risk,
}


LOOSE = frozenset({"Flag", "AllergyIntolerance"})
"""Types of which only what is needed is looked at: praxisd has no door for them, and so no shape."""


# --- out -------------------------------------------------------------------------------------------------------------


def write(one: Taken, zone: str) -> tuple[Dict, list[str]]:
    """The resource of a record, and names of what it cannot say."""
    if isinstance(one, TakenPatient):
        return _patient_out(one)
    subject = {"reference": f"Patient/{resource_id(one.patient)}"}
    if isinstance(one, TakenTreatment):
        return _treatment_out(one, subject)
    if isinstance(one, TakenMedication):
        return _medication_out(one, subject)
    if isinstance(one, TakenRisk):
        out = {
            "resourceType": "Flag", "id": _id(one), "status": "active", "category": [RISK_CATEGORY],
            "code": {"text": one.text}, "subject": subject,
        }  # fmt: skip
        return out | ({"period": {"start": one.since}} if one.since else {}), ["note"] if one.note else []
    return _appointment_out(one, subject, zone)


def resource_id(number: str) -> str:
    """The id of a person's resource: the number, where it is a legal id, else one made from it."""
    return number if valid_id(number) else hashlib.blake2b(number.encode(), digest_size=16).hexdigest()


def _id(one: Taken) -> str:
    if one.source_id is not None:
        return resource_id(one.source_id)
    return hashlib.blake2b(msgspec.json.encode(one), digest_size=16).hexdigest()


def _patient_out(one: TakenPatient) -> tuple[Dict, list[str]]:
    person = rules.person(one, "", keep_id=True)
    id_ = _id(one)
    numbers = person.identifiers
    if one.source_id is not None and id_ != one.source_id:
        numbers = (*numbers, Identifier(system=rules.SOURCE, value=one.source_id))
    out = directory.patient_to_fhir(_with(person, id=id_, identifiers=numbers))
    if one.gender is None:
        out.pop("gender", None)  # nobody told, which is less than „unknown"
    out.get("meta", {}).pop("versionId", None)
    if not out.get("meta"):
        out.pop("meta", None)
    return out, ["note"] if one.note else []


def _treatment_out(one: TakenTreatment, subject: Dict) -> tuple[Dict, list[str]]:
    period = {"start": one.opened.isoformat()} | ({"end": one.closed.isoformat()} if one.closed else {})
    out: Dict = {
        "resourceType": "EpisodeOfCare", "id": _id(one), "status": "finished" if one.closed else "active",
        "patient": subject, "period": period,
    }  # fmt: skip
    if one.mandator is not None:
        out["managingOrganization"] = {"type": "Organization", "identifier": {"value": one.mandator}}
    return out, ["note"] if one.note else []


def _medication_out(one: TakenMedication, subject: Dict) -> tuple[Dict, list[str]]:
    coding = [{"system": system, "code": code} for system, code in ((PZN, one.pzn), (ATC, one.atc)) if code]
    concept: Dict = {"text": one.text} | ({"coding": coding} if coding else {})
    period = {name: value for name, value in (("start", one.since), ("end", one.until)) if value}
    out: Dict = {
        "resourceType": "MedicationStatement", "id": _id(one), "status": one.status,
        "medicationCodeableConcept": concept, "subject": subject,
    }  # fmt: skip
    if period:
        out["effectivePeriod"] = period
    if one.dosage:
        out["dosage"] = [{"text": one.dosage}]
    if one.note:
        out["note"] = [{"text": one.note}]
    return out, []


def _appointment_out(one: TakenAppointment, subject: Dict, zone: str) -> tuple[Dict, list[str]]:
    start = datetime.fromisoformat(one.start).replace(tzinfo=ZoneInfo(zone))
    out: Dict = {
        "resourceType": "Appointment", "id": _id(one), "status": one.status, "start": start.isoformat(timespec="seconds"),
        "participant": [{"actor": subject, "status": "accepted"}],
    }  # fmt: skip
    if one.minutes is not None:
        end = datetime.fromtimestamp(start.timestamp() + one.minutes * 60, ZoneInfo(zone))
        out["end"], out["minutesDuration"] = end.isoformat(timespec="seconds"), one.minutes
    if one.service is not None:
        out["serviceType"] = [{"text": one.service}]
    if one.note is not None:
        out["comment"] = one.note
    return out, ["schedule"] if one.schedule else []
