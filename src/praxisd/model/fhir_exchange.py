"""FHIR R4 resources that carry others: Communication, Binary, Bundle, Parameters, OperationOutcome."""

from typing import ClassVar, Literal

from praxisd.model.fhir_datatypes import (
    ANY_VALUE,
    Annotation,
    AnyValue,
    Attachment,
    BackboneElement,
    Choice,
    CodeableConcept,
    DomainResource,
    Extension,
    Identifier,
    Reference,
    Resource,
    Signature,
    choice,
)
from praxisd.model.fhir_primitives import (
    AnyResource,
    Base64Binary,
    Canonical,
    Code,
    DateTime,
    Decimal,
    Instant,
    String,
    UnsignedInt,
    Uri,
)


class CommunicationPayload(BackboneElement, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("content", "String", "Attachment", "Reference", required=True),
    )
    content_string: String | None = None
    content_attachment: Attachment | None = None
    content_reference: Reference | None = None


class Communication(DomainResource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    instantiates_canonical: tuple[Canonical | None, ...] = ()
    instantiates_uri: tuple[Uri | None, ...] = ()
    based_on: tuple[Reference, ...] = ()
    part_of: tuple[Reference, ...] = ()
    in_response_to: tuple[Reference, ...] = ()
    status: Literal[
        "preparation",
        "in-progress",
        "not-done",
        "on-hold",
        "stopped",
        "completed",
        "entered-in-error",
        "unknown",
    ]
    status_reason: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    priority: Literal["routine", "urgent", "asap", "stat"] | None = None
    medium: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    topic: CodeableConcept | None = None
    about: tuple[Reference, ...] = ()
    encounter: Reference | None = None
    sent: DateTime | None = None
    received: DateTime | None = None
    recipient: tuple[Reference, ...] = ()
    sender: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    payload: tuple[CommunicationPayload, ...] = ()
    note: tuple[Annotation, ...] = ()


class Binary(Resource, frozen=True, kw_only=True):
    content_type: Code
    security_context: Reference | None = None
    data: Base64Binary | None = None


class BundleLink(BackboneElement, frozen=True, kw_only=True):
    relation: String
    url: Uri


class BundleEntrySearch(BackboneElement, frozen=True, kw_only=True):
    mode: Literal["match", "include", "outcome"] | None = None
    score: Decimal | None = None


class BundleEntryRequest(BackboneElement, frozen=True, kw_only=True):
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]
    url: Uri
    if_none_match: String | None = None
    if_modified_since: Instant | None = None
    if_match: String | None = None
    if_none_exist: String | None = None


class BundleEntryResponse(BackboneElement, frozen=True, kw_only=True):
    status: String
    location: Uri | None = None
    etag: String | None = None
    last_modified: Instant | None = None
    outcome: AnyResource | None = None


class BundleEntry(BackboneElement, frozen=True, kw_only=True):
    link: tuple[BundleLink, ...] = ()
    full_url: Uri | None = None
    resource: AnyResource | None = None
    search: BundleEntrySearch | None = None
    request: BundleEntryRequest | None = None
    response: BundleEntryResponse | None = None


class Bundle(Resource, frozen=True, kw_only=True):
    identifier: Identifier | None = None
    type: Literal[
        "document",
        "message",
        "transaction",
        "transaction-response",
        "batch",
        "batch-response",
        "history",
        "searchset",
        "collection",
    ]
    timestamp: Instant | None = None
    total: UnsignedInt | None = None
    link: tuple[BundleLink, ...] = ()
    entry: tuple[BundleEntry, ...] = ()
    signature: Signature | None = None


class ParametersParameter(AnyValue, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (ANY_VALUE,)
    leading: ClassVar[tuple[str, ...]] = ("id", "extension", "modifierExtension", "name")
    modifier_extension: tuple[Extension, ...] = ()
    name: String
    resource: AnyResource | None = None
    part: tuple["ParametersParameter", ...] = ()


class Parameters(Resource, frozen=True, kw_only=True):
    parameter: tuple[ParametersParameter, ...] = ()


IssueCode = Literal[
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
]


class OperationOutcomeIssue(BackboneElement, frozen=True, kw_only=True):
    severity: Literal["fatal", "error", "warning", "information"]
    code: IssueCode
    details: CodeableConcept | None = None
    diagnostics: String | None = None
    location: tuple[String | None, ...] = ()
    expression: tuple[String | None, ...] = ()


class OperationOutcome(DomainResource, frozen=True, kw_only=True):
    issue: tuple[OperationOutcomeIssue, ...]
