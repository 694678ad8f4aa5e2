"""FHIR R4 resources of people and places: Patient, Practitioner, PractitionerRole, Organization, Location,
and EpisodeOfCare (our Treatment)."""

from typing import ClassVar, Literal

from praxisd.model.fhir_datatypes import (
    Address,
    Attachment,
    BackboneElement,
    Choice,
    CodeableConcept,
    Coding,
    ContactPoint,
    DomainResource,
    HumanName,
    Identifier,
    Period,
    Reference,
    choice,
)
from praxisd.model.fhir_primitives import (
    Boolean,
    Date,
    DateTime,
    Decimal,
    Integer,
    PositiveInt,
    String,
    Time,
)
from praxisd.model.fhir_scheduling import AvailableTime, DayOfWeek, NotAvailable

Gender = Literal["male", "female", "other", "unknown"]


class PatientContact(BackboneElement, frozen=True, kw_only=True):
    relationship: tuple[CodeableConcept, ...] = ()
    name: HumanName | None = None
    telecom: tuple[ContactPoint, ...] = ()
    address: Address | None = None
    gender: Gender | None = None
    organization: Reference | None = None
    period: Period | None = None


class PatientCommunication(BackboneElement, frozen=True, kw_only=True):
    language: CodeableConcept
    preferred: Boolean | None = None


class PatientLink(BackboneElement, frozen=True, kw_only=True):
    other: Reference
    type: Literal["replaced-by", "replaces", "refer", "seealso"]


class Patient(DomainResource, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("deceased", "Boolean", "DateTime"),
        choice("multipleBirth", "Boolean", "Integer"),
    )
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    gender: Gender | None = None
    birth_date: Date | None = None
    deceased_boolean: Boolean | None = None
    deceased_date_time: DateTime | None = None
    address: tuple[Address, ...] = ()
    marital_status: CodeableConcept | None = None
    multiple_birth_boolean: Boolean | None = None
    multiple_birth_integer: Integer | None = None
    photo: tuple[Attachment, ...] = ()
    contact: tuple[PatientContact, ...] = ()
    communication: tuple[PatientCommunication, ...] = ()
    general_practitioner: tuple[Reference, ...] = ()
    managing_organization: Reference | None = None
    link: tuple[PatientLink, ...] = ()


class PractitionerQualification(BackboneElement, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    code: CodeableConcept
    period: Period | None = None
    issuer: Reference | None = None


class Practitioner(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    gender: Gender | None = None
    birth_date: Date | None = None
    photo: tuple[Attachment, ...] = ()
    qualification: tuple[PractitionerQualification, ...] = ()
    communication: tuple[CodeableConcept, ...] = ()


class PractitionerRole(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    period: Period | None = None
    practitioner: Reference | None = None
    organization: Reference | None = None
    code: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    location: tuple[Reference, ...] = ()
    healthcare_service: tuple[Reference, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    available_time: tuple[AvailableTime, ...] = ()
    not_available: tuple[NotAvailable, ...] = ()
    availability_exceptions: String | None = None
    endpoint: tuple[Reference, ...] = ()


class OrganizationContact(BackboneElement, frozen=True, kw_only=True):
    purpose: CodeableConcept | None = None
    name: HumanName | None = None
    telecom: tuple[ContactPoint, ...] = ()
    address: Address | None = None


class Organization(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    type: tuple[CodeableConcept, ...] = ()
    name: String | None = None
    alias: tuple[String | None, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    part_of: Reference | None = None
    contact: tuple[OrganizationContact, ...] = ()
    endpoint: tuple[Reference, ...] = ()


class LocationPosition(BackboneElement, frozen=True, kw_only=True):
    longitude: Decimal
    latitude: Decimal
    altitude: Decimal | None = None


class LocationHoursOfOperation(BackboneElement, frozen=True, kw_only=True):
    days_of_week: tuple[DayOfWeek | None, ...] = ()
    all_day: Boolean | None = None
    opening_time: Time | None = None
    closing_time: Time | None = None


class Location(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    status: Literal["active", "suspended", "inactive"] | None = None
    operational_status: Coding | None = None
    name: String | None = None
    alias: tuple[String | None, ...] = ()
    description: String | None = None
    mode: Literal["instance", "kind"] | None = None
    type: tuple[CodeableConcept, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: Address | None = None
    physical_type: CodeableConcept | None = None
    position: LocationPosition | None = None
    managing_organization: Reference | None = None
    part_of: Reference | None = None
    hours_of_operation: tuple[LocationHoursOfOperation, ...] = ()
    availability_exceptions: String | None = None
    endpoint: tuple[Reference, ...] = ()


EpisodeStatus = Literal[
    "planned", "waitlist", "active", "onhold", "finished", "cancelled", "entered-in-error"
]


class EpisodeOfCareStatusHistory(BackboneElement, frozen=True, kw_only=True):
    status: EpisodeStatus
    period: Period


class EpisodeOfCareDiagnosis(BackboneElement, frozen=True, kw_only=True):
    condition: Reference
    role: CodeableConcept | None = None
    rank: PositiveInt | None = None


class EpisodeOfCare(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    status: EpisodeStatus
    status_history: tuple[EpisodeOfCareStatusHistory, ...] = ()
    type: tuple[CodeableConcept, ...] = ()
    diagnosis: tuple[EpisodeOfCareDiagnosis, ...] = ()
    patient: Reference
    managing_organization: Reference | None = None
    period: Period | None = None
    referral_request: tuple[Reference, ...] = ()
    care_manager: Reference | None = None
    team: tuple[Reference, ...] = ()
    account: tuple[Reference, ...] = ()
