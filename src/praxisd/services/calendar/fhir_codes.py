"""Codings of the calendar on the FHIR door: appointment types, specialties, reasons of a cancellation. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from praxisd.model.scheduling import Code, HealthcareService, Schedule

Dict = dict[str, Any]
OWN_TYPES = "https://praxisd.org/fhir/CodeSystem/appointment-type"
"""Code system of types that a practice gave no coding: the code is the id of the HealthcareService."""
SPECIALTIES = "http://ihe-d.de/CodeSystems/AerztlicheFachrichtungen"
"""Medical specialties as IHE Germany codes them; the guide requires one of them on each Appointment."""
REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
REASON_CODES = ("pat", "prov", "maint", "meds-inc", "other")
"""Value set ISiKTerminCancelationReason of the guide."""


def concept(code: Code) -> Dict:
    """One CodeableConcept with one coding."""
    coding = {"system": code.system, "code": code.code, "display": code.display}
    return {"coding": [{k: v for k, v in coding.items() if v is not None}]}


def concepts(codes: Iterable[Code]) -> list[Dict]:
    """A concept for each code."""
    return [concept(code) for code in codes]


def codes_of(found: Iterable[Dict] | None) -> tuple[Code, ...]:
    """All codings of CodeableConcepts, flattened; those without a code say nothing."""
    return tuple(
        Code(code=coding["code"], system=coding.get("system"), display=coding.get("display"))
        for one in found or ()
        for coding in one.get("coding", ())
        if coding.get("code")
    )


def written(kept: list[Dict] | None, codes: tuple[Code, ...]) -> list[Dict]:
    """The concepts as they once came, as long as they still say the same as the codes."""
    return kept if kept is not None and codes_of(kept) == codes else concepts(codes)


def service_types(service: HealthcareService) -> tuple[Code, ...]:
    """The codings of an appointment type; its own id where nobody gave one."""
    return service.service_type or (Code(code=service.id, system=OWN_TYPES, display=service.name),)


def schedule_types(schedule: Schedule, services: Mapping[str, HealthcareService]) -> tuple[Code, ...]:
    """What can be booked in a column: its own codings, else those of the types it serves."""
    if schedule.service_type:
        return schedule.service_type
    return _distinct(code for s in serving(schedule.id, services) for code in service_types(s))


def specialties(
    service: HealthcareService | None, schedules: Iterable[Schedule], default: Code
) -> tuple[Code, ...]:
    """The specialty of an appointment: of its type, else of its columns, else the practice's."""
    if service is not None and service.specialty:
        return service.specialty
    return _distinct(code for one in schedules for code in one.specialty) or (default,)


def serving(schedule: str, services: Mapping[str, HealthcareService]) -> list[HealthcareService]:
    """The active types that may use a column."""
    return [s for s in services.values() if s.active and any(schedule in group for group in s.groups)]


def same(wanted: Code, known: Code) -> bool:
    """True if both name the same concept; display does not matter."""
    return wanted.code == known.code and wanted.system == known.system


def reason_of(found: Dict | None) -> str | None:
    """The stored reason of a cancelationReason: its text, else its first code of the guide's value set."""
    if found is None:
        return None
    text: str | None = found.get("text")
    return text or next((c.code for c in codes_of([found]) if c.system == REASONS), None)


def reason(text: str, kept: Dict | None) -> Dict:
    """A stored reason as cancelationReason, in its old words if they still say the same."""
    if kept is not None and reason_of(kept) == text:
        return kept
    if text in REASON_CODES:
        return {"coding": [{"system": REASONS, "code": text}]}
    return {"coding": [{"system": REASONS, "code": "other"}], "text": text}


def _distinct(codes: Iterable[Code]) -> tuple[Code, ...]:
    return tuple({(c.system, c.code): c for c in codes}.values())
