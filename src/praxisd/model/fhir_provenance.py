"""FHIR R4 Provenance: who changed what, when (the change feed of KBV 116117 Terminsynchronisation)."""

from typing import ClassVar, Literal

from praxisd.model.fhir_datatypes import (
    BackboneElement,
    Choice,
    CodeableConcept,
    DomainResource,
    Period,
    Reference,
    Signature,
    choice,
)
from praxisd.model.fhir_primitives import DateTime, Instant, Uri


class ProvenanceAgent(BackboneElement, frozen=True, kw_only=True):
    type: CodeableConcept | None = None
    role: tuple[CodeableConcept, ...] = ()
    who: Reference
    on_behalf_of: Reference | None = None


class ProvenanceEntity(BackboneElement, frozen=True, kw_only=True):
    role: Literal["derivation", "revision", "quotation", "source", "removal"]
    what: Reference
    agent: tuple[ProvenanceAgent, ...] = ()


class Provenance(DomainResource, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (choice("occurred", "Period", "DateTime"),)
    target: tuple[Reference, ...]
    occurred_period: Period | None = None
    occurred_date_time: DateTime | None = None
    recorded: Instant
    policy: tuple[Uri | None, ...] = ()
    location: Reference | None = None
    reason: tuple[CodeableConcept, ...] = ()
    activity: CodeableConcept | None = None
    agent: tuple[ProvenanceAgent, ...]
    entity: tuple[ProvenanceEntity, ...] = ()
    signature: tuple[Signature, ...] = ()
