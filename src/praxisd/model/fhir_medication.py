"""FHIR R4 MedicationStatement and the data type Dosage."""

from typing import ClassVar, Literal

from praxisd.model.fhir_datatypes import (
    Annotation,
    BackboneElement,
    Choice,
    CodeableConcept,
    DomainResource,
    Element,
    Identifier,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
    Timing,
    choice,
)
from praxisd.model.fhir_primitives import Boolean, DateTime, Integer, String

MedicationStatementStatus = Literal[
    "active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"
]


class DosageDoseAndRate(Element, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("dose", "Range", "Quantity"),
        choice("rate", "Ratio", "Range", "Quantity"),
    )
    type: CodeableConcept | None = None
    dose_range: Range | None = None
    dose_quantity: Quantity | None = None
    rate_ratio: Ratio | None = None
    rate_range: Range | None = None
    rate_quantity: Quantity | None = None


class Dosage(BackboneElement, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (choice("asNeeded", "Boolean", "CodeableConcept"),)
    sequence: Integer | None = None
    text: String | None = None
    additional_instruction: tuple[CodeableConcept, ...] = ()
    patient_instruction: String | None = None
    timing: Timing | None = None
    as_needed_boolean: Boolean | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    site: CodeableConcept | None = None
    route: CodeableConcept | None = None
    method: CodeableConcept | None = None
    dose_and_rate: tuple[DosageDoseAndRate, ...] = ()
    max_dose_per_period: Ratio | None = None
    max_dose_per_administration: Quantity | None = None
    max_dose_per_lifetime: Quantity | None = None


class MedicationStatement(DomainResource, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("medication", "CodeableConcept", "Reference", required=True),
        choice("effective", "DateTime", "Period"),
    )
    identifier: tuple[Identifier, ...] = ()
    based_on: tuple[Reference, ...] = ()
    part_of: tuple[Reference, ...] = ()
    status: MedicationStatementStatus
    status_reason: tuple[CodeableConcept, ...] = ()
    category: CodeableConcept | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference
    context: Reference | None = None
    effective_date_time: DateTime | None = None
    effective_period: Period | None = None
    date_asserted: DateTime | None = None
    information_source: Reference | None = None
    derived_from: tuple[Reference, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()
    dosage: tuple[Dosage, ...] = ()
