"""The search parameters we know: name, type, and the elements they look at (FHIR R4
searchparameter-registry).

One table for parsing, matching, chains, includes and the CapabilityStatement. A service may support fewer of
them; it says so when it parses a query.
"""

from typing import Literal, NamedTuple

ParamKind = Literal["token", "date", "string", "reference", "uri", "composite"]


class Declared(NamedTuple):
    """One search parameter. `paths` are dotted element names; `targets` the types a reference may point to.

    `system` is the code system that a plain code element stands for (its required binding). `only` keeps of a
    list of objects those whose first item equals the second, as in phone = telecom where system is "phone".
    """

    kind: ParamKind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    system: str = ""
    only: tuple[str, str] | None = None


def _token(*paths: str, system: str = "") -> Declared:
    return Declared("token", paths, system=system)


def _reference(path: str, *targets: str) -> Declared:
    return Declared("reference", (path,), targets)


def _string(*paths: str) -> Declared:
    return Declared("string", paths)


def _date(path: str) -> Declared:
    return Declared("date", (path,))


_ACTORS = ("Practitioner", "PractitionerRole", "Location", "HealthcareService", "Patient")
_PEOPLE = ("Patient", "Practitioner", "PractitionerRole", "Organization", "HealthcareService")
_GENDER = "http://hl7.org/fhir/administrative-gender"

COMMON: dict[str, Declared] = {
    "_id": _token("id"),
    "_lastUpdated": _date("meta.lastUpdated"),
    "_tag": _token("meta.tag"),
    "_security": _token("meta.security"),
    "_profile": Declared("uri", ("meta.profile",)),
}
_BOOKABLE = {
    "identifier": _token("identifier"),
    "service-category": _token("serviceCategory"),
    "service-type": _token("serviceType"),
    "specialty": _token("specialty"),
}
_PERSON = {
    "identifier": _token("identifier"),
    "active": _token("active"),
    "name": _string("name"),
    "family": _string("name.family"),
    "given": _string("name.given"),
    "gender": _token("gender", system=_GENDER),
    "telecom": _token("telecom"),
    "phone": Declared("token", ("telecom",), only=("system", "phone")),
    "email": Declared("token", ("telecom",), only=("system", "email")),
    "address": _string("address"),
    "address-city": _string("address.city"),
    "address-postalcode": _string("address.postalCode"),
}
_TERMINOLOGY = {
    "url": Declared("uri", ("url",)),
    "identifier": _token("identifier"),
    "version": _token("version"),
    "name": _string("name"),
    "title": _string("title"),
    "status": _token("status", system="http://hl7.org/fhir/publication-status"),
    "context-type": _token("useContext.code"),
    "context": _token("useContext.valueCodeableConcept"),
    # Both parts must hold in the same useContext; the guide asks for it by this name.
    "context-type-value": Declared("composite", ("useContext", "code", "valueCodeableConcept")),
}

PARAMETERS: dict[str, dict[str, Declared]] = {
    "Schedule": {
        **_BOOKABLE,
        "active": _token("active"),
        "actor": _reference("actor", *_ACTORS),
        "date": _date("planningHorizon"),
    },
    "Slot": {
        **_BOOKABLE,
        "appointment-type": _token("appointmentType"),
        "schedule": _reference("schedule", "Schedule"),
        "status": _token("status", system="http://hl7.org/fhir/slotstatus"),
        "start": _date("start"),
    },
    "Appointment": {
        **_BOOKABLE,
        "appointment-type": _token("appointmentType"),
        "reason-code": _token("reasonCode"),
        "status": _token("status", system="http://hl7.org/fhir/appointmentstatus"),
        "part-status": _token("participant.status", system="http://hl7.org/fhir/participationstatus"),
        "date": _date("start"),
        "slot": _reference("slot", "Slot"),
        "actor": _reference("participant.actor", *_ACTORS),
        "patient": _reference("participant.actor", "Patient"),
        "practitioner": _reference("participant.actor", "Practitioner"),
        "location": _reference("participant.actor", "Location"),
    },
    "HealthcareService": {
        "identifier": _token("identifier"),
        "active": _token("active"),
        "service-category": _token("category"),
        "service-type": _token("type"),
        # The guide's chain example asks for `schedule.actor:HealthcareService.type`, the element's own name.
        "type": _token("type"),
        "specialty": _token("specialty"),
        "name": _string("name"),
        "location": _reference("location", "Location"),
        "organization": _reference("providedBy", "Organization"),
    },
    "Patient": {
        **_PERSON,
        "birthdate": _date("birthDate"),
        "death-date": _date("deceasedDateTime"),
        "general-practitioner": _reference(
            "generalPractitioner", "Practitioner", "Organization", "PractitionerRole"
        ),
        "organization": _reference("managingOrganization", "Organization"),
        "link": _reference("link.other", "Patient"),
    },
    "Practitioner": _PERSON,
    "PractitionerRole": {
        "identifier": _token("identifier"),
        "active": _token("active"),
        "role": _token("code"),
        "specialty": _token("specialty"),
        "practitioner": _reference("practitioner", "Practitioner"),
        "organization": _reference("organization", "Organization"),
        "location": _reference("location", "Location"),
        "service": _reference("healthcareService", "HealthcareService"),
    },
    "Location": {
        "identifier": _token("identifier"),
        "status": _token("status", system="http://hl7.org/fhir/location-status"),
        "name": _string("name", "alias"),
        "type": _token("type"),
        "address": _string("address"),
        "address-city": _string("address.city"),
        "address-postalcode": _string("address.postalCode"),
        "organization": _reference("managingOrganization", "Organization"),
        "partof": _reference("partOf", "Location"),
    },
    "Organization": {
        "identifier": _token("identifier"),
        "active": _token("active"),
        "name": _string("name", "alias"),
        "type": _token("type"),
        "address": _string("address"),
        "partof": _reference("partOf", "Organization"),
    },
    "Communication": {
        "identifier": _token("identifier"),
        "status": _token("status", system="http://hl7.org/fhir/event-status"),
        "category": _token("category"),
        "medium": _token("medium"),
        "subject": _reference("subject", "Patient"),
        "patient": _reference("subject", "Patient"),
        "recipient": _reference("recipient", *_PEOPLE),
        "sender": _reference("sender", *_PEOPLE),
        "sent": _date("sent"),
        "received": _date("received"),
    },
    "EpisodeOfCare": {
        "identifier": _token("identifier"),
        "status": _token("status", system="http://hl7.org/fhir/episode-of-care-status"),
        "type": _token("type"),
        "patient": _reference("patient", "Patient"),
        "organization": _reference("managingOrganization", "Organization"),
        "care-manager": _reference("careManager", "Practitioner", "PractitionerRole"),
        "date": _date("period"),
    },
    "MedicationStatement": {
        "identifier": _token("identifier"),
        "status": _token("status", system="http://hl7.org/fhir/CodeSystem/medication-statement-status"),
        "code": _token("medicationCodeableConcept"),
        "subject": _reference("subject", "Patient"),
        "patient": _reference("subject", "Patient"),
        "effective": Declared("date", ("effectiveDateTime", "effectivePeriod")),
    },
    "CodeSystem": {**_TERMINOLOGY, "system": Declared("uri", ("url",)), "code": _token("concept.code")},
    "ValueSet": {**_TERMINOLOGY, "reference": Declared("uri", ("compose.include.system",))},
    "Binary": {},
}


def declared(resource: str, name: str) -> Declared | None:
    """The parameter `name` of a resource type, or None."""
    return PARAMETERS.get(resource, {}).get(name) or (COMMON.get(name) if resource in PARAMETERS else None)
