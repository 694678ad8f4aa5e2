"""FHIR R4 resources of the calendar: Schedule, Slot, Appointment, HealthcareService."""

from typing import Literal

from praxisd.model.fhir_datatypes import (
    Attachment,
    BackboneElement,
    CodeableConcept,
    ContactPoint,
    DomainResource,
    Identifier,
    Period,
    Reference,
)
from praxisd.model.fhir_primitives import (
    Boolean,
    DateTime,
    Instant,
    Markdown,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
)

DayOfWeek = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Schedule(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    service_category: tuple[CodeableConcept, ...] = ()
    service_type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    actor: tuple[Reference, ...]
    planning_horizon: Period | None = None
    comment: String | None = None


class Slot(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    service_category: tuple[CodeableConcept, ...] = ()
    service_type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    appointment_type: CodeableConcept | None = None
    schedule: Reference
    status: Literal["busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"]
    start: Instant
    end: Instant
    overbooked: Boolean | None = None
    comment: String | None = None


class AppointmentParticipant(BackboneElement, frozen=True, kw_only=True):
    type: tuple[CodeableConcept, ...] = ()
    actor: Reference | None = None
    required: Literal["required", "optional", "information-only"] | None = None
    status: Literal["accepted", "declined", "tentative", "needs-action"]
    period: Period | None = None


class Appointment(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    status: Literal[
        "proposed",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered-in-error",
        "checked-in",
        "waitlist",
    ]
    cancelation_reason: CodeableConcept | None = None
    service_category: tuple[CodeableConcept, ...] = ()
    service_type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    appointment_type: CodeableConcept | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    priority: UnsignedInt | None = None
    description: String | None = None
    supporting_information: tuple[Reference, ...] = ()
    start: Instant | None = None
    end: Instant | None = None
    minutes_duration: PositiveInt | None = None
    slot: tuple[Reference, ...] = ()
    created: DateTime | None = None
    comment: String | None = None
    patient_instruction: String | None = None
    based_on: tuple[Reference, ...] = ()
    participant: tuple[AppointmentParticipant, ...]
    requested_period: tuple[Period, ...] = ()


class HealthcareServiceEligibility(BackboneElement, frozen=True, kw_only=True):
    code: CodeableConcept | None = None
    comment: Markdown | None = None


class AvailableTime(BackboneElement, frozen=True, kw_only=True):
    """Times of HealthcareService and PractitionerRole."""

    days_of_week: tuple[DayOfWeek | None, ...] = ()
    all_day: Boolean | None = None
    available_start_time: Time | None = None
    available_end_time: Time | None = None


class NotAvailable(BackboneElement, frozen=True, kw_only=True):
    """Closed periods of HealthcareService and PractitionerRole."""

    description: String
    during: Period | None = None


class HealthcareService(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    active: Boolean | None = None
    provided_by: Reference | None = None
    category: tuple[CodeableConcept, ...] = ()
    type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    location: tuple[Reference, ...] = ()
    name: String | None = None
    comment: String | None = None
    extra_details: Markdown | None = None
    photo: Attachment | None = None
    telecom: tuple[ContactPoint, ...] = ()
    coverage_area: tuple[Reference, ...] = ()
    service_provision_code: tuple[CodeableConcept, ...] = ()
    eligibility: tuple[HealthcareServiceEligibility, ...] = ()
    program: tuple[CodeableConcept, ...] = ()
    characteristic: tuple[CodeableConcept, ...] = ()
    communication: tuple[CodeableConcept, ...] = ()
    referral_method: tuple[CodeableConcept, ...] = ()
    appointment_required: Boolean | None = None
    available_time: tuple[AvailableTime, ...] = ()
    not_available: tuple[NotAvailable, ...] = ()
    availability_exceptions: String | None = None
    endpoint: tuple[Reference, ...] = ()
