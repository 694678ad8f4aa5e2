"""FHIR R4 CapabilityStatement: what the FHIR door says about itself at /metadata."""

from typing import Literal

from praxisd.model.fhir_datatypes import (
    BackboneElement,
    CodeableConcept,
    Coding,
    ContactDetail,
    DomainResource,
    Reference,
    UsageContext,
)
from praxisd.model.fhir_primitives import (
    Boolean,
    Canonical,
    Code,
    DateTime,
    Markdown,
    String,
    UnsignedInt,
    Uri,
    Url,
)
from praxisd.model.fhir_terminology import PublicationStatus


class CapabilitySoftware(BackboneElement, frozen=True, kw_only=True):
    name: String
    version: String | None = None
    release_date: DateTime | None = None


class CapabilityImplementation(BackboneElement, frozen=True, kw_only=True):
    description: String
    url: Url | None = None
    custodian: Reference | None = None


class CapabilitySecurity(BackboneElement, frozen=True, kw_only=True):
    cors: Boolean | None = None
    service: tuple[CodeableConcept, ...] = ()
    description: Markdown | None = None


class ResourceInteraction(BackboneElement, frozen=True, kw_only=True):
    code: Literal[
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ]
    documentation: Markdown | None = None


class CapabilitySearchParam(BackboneElement, frozen=True, kw_only=True):
    name: String
    definition: Canonical | None = None
    type: Literal["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"]
    documentation: Markdown | None = None


class CapabilityOperation(BackboneElement, frozen=True, kw_only=True):
    name: String
    definition: Canonical
    documentation: Markdown | None = None


class CapabilityResource(BackboneElement, frozen=True, kw_only=True):
    type: Code
    profile: Canonical | None = None
    supported_profile: tuple[Canonical | None, ...] = ()
    documentation: Markdown | None = None
    interaction: tuple[ResourceInteraction, ...] = ()
    versioning: Literal["no-version", "versioned", "versioned-update"] | None = None
    read_history: Boolean | None = None
    update_create: Boolean | None = None
    conditional_create: Boolean | None = None
    conditional_read: Literal["not-supported", "modified-since", "not-match", "full-support"] | None = None
    conditional_update: Boolean | None = None
    conditional_delete: Literal["not-supported", "single", "multiple"] | None = None
    reference_policy: tuple[Literal["literal", "logical", "resolves", "enforced", "local"] | None, ...] = ()
    search_include: tuple[String | None, ...] = ()
    search_rev_include: tuple[String | None, ...] = ()
    search_param: tuple[CapabilitySearchParam, ...] = ()
    operation: tuple[CapabilityOperation, ...] = ()


class SystemInteraction(BackboneElement, frozen=True, kw_only=True):
    code: Literal["transaction", "batch", "search-system", "history-system"]
    documentation: Markdown | None = None


class CapabilityRest(BackboneElement, frozen=True, kw_only=True):
    mode: Literal["client", "server"]
    documentation: Markdown | None = None
    security: CapabilitySecurity | None = None
    resource: tuple[CapabilityResource, ...] = ()
    interaction: tuple[SystemInteraction, ...] = ()
    search_param: tuple[CapabilitySearchParam, ...] = ()
    operation: tuple[CapabilityOperation, ...] = ()
    compartment: tuple[Canonical | None, ...] = ()


class MessagingEndpoint(BackboneElement, frozen=True, kw_only=True):
    protocol: Coding
    address: Url


class SupportedMessage(BackboneElement, frozen=True, kw_only=True):
    mode: Literal["sender", "receiver"]
    definition: Canonical


class CapabilityMessaging(BackboneElement, frozen=True, kw_only=True):
    endpoint: tuple[MessagingEndpoint, ...] = ()
    reliable_cache: UnsignedInt | None = None
    documentation: Markdown | None = None
    supported_message: tuple[SupportedMessage, ...] = ()


class CapabilityDocument(BackboneElement, frozen=True, kw_only=True):
    mode: Literal["producer", "consumer"]
    documentation: Markdown | None = None
    profile: Canonical


class CapabilityStatement(DomainResource, frozen=True, kw_only=True):
    url: Uri | None = None
    version: String | None = None
    name: String | None = None
    title: String | None = None
    status: PublicationStatus
    experimental: Boolean | None = None
    date: DateTime
    publisher: String | None = None
    contact: tuple[ContactDetail, ...] = ()
    description: Markdown | None = None
    use_context: tuple[UsageContext, ...] = ()
    jurisdiction: tuple[CodeableConcept, ...] = ()
    purpose: Markdown | None = None
    copyright: Markdown | None = None
    kind: Literal["instance", "capability", "requirements"]
    instantiates: tuple[Canonical | None, ...] = ()
    imports: tuple[Canonical | None, ...] = ()
    software: CapabilitySoftware | None = None
    implementation: CapabilityImplementation | None = None
    fhir_version: Code
    format: tuple[Code | None, ...]
    patch_format: tuple[Code | None, ...] = ()
    implementation_guide: tuple[Canonical | None, ...] = ()
    rest: tuple[CapabilityRest, ...] = ()
    messaging: tuple[CapabilityMessaging, ...] = ()
    document: tuple[CapabilityDocument, ...] = ()
