"""FHIR R4 terminology resources: CodeSystem and ValueSet (the guide wants used code systems exposed)."""

from typing import ClassVar, Literal

from praxisd.model.fhir_datatypes import (
    BackboneElement,
    Choice,
    CodeableConcept,
    Coding,
    ContactDetail,
    DomainResource,
    Identifier,
    UsageContext,
    choice,
)
from praxisd.model.fhir_primitives import (
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Integer,
    Markdown,
    String,
    UnsignedInt,
    Uri,
)

PublicationStatus = Literal["draft", "active", "retired", "unknown"]
FilterOperator = Literal[
    "=",
    "is-a",
    "descendent-of",
    "is-not-a",
    "regex",
    "in",
    "not-in",
    "generalizes",
    "exists",
]


class CodeSystemFilter(BackboneElement, frozen=True, kw_only=True):
    code: Code
    description: String | None = None
    operator: tuple[FilterOperator | None, ...]
    value: String


class CodeSystemProperty(BackboneElement, frozen=True, kw_only=True):
    code: Code
    uri: Uri | None = None
    description: String | None = None
    type: Literal["code", "Coding", "string", "integer", "boolean", "dateTime", "decimal"]


class Designation(BackboneElement, frozen=True, kw_only=True):
    """A name of a concept in another language or for another use, in CodeSystem and ValueSet alike."""

    language: Code | None = None
    use: Coding | None = None
    value: String


class ConceptProperty(BackboneElement, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice(
            "value", "Code", "Coding", "String", "Integer", "Boolean", "DateTime", "Decimal", required=True
        ),
    )
    code: Code
    value_code: Code | None = None
    value_coding: Coding | None = None
    value_string: String | None = None
    value_integer: Integer | None = None
    value_boolean: Boolean | None = None
    value_date_time: DateTime | None = None
    value_decimal: Decimal | None = None


class CodeSystemConcept(BackboneElement, frozen=True, kw_only=True):
    code: Code
    display: String | None = None
    definition: String | None = None
    designation: tuple[Designation, ...] = ()
    property: tuple[ConceptProperty, ...] = ()
    concept: tuple["CodeSystemConcept", ...] = ()


class CodeSystem(DomainResource, frozen=True, kw_only=True):
    url: Uri | None = None
    identifier: tuple[Identifier, ...] = ()
    version: String | None = None
    name: String | None = None
    title: String | None = None
    status: PublicationStatus
    experimental: Boolean | None = None
    date: DateTime | None = None
    publisher: String | None = None
    contact: tuple[ContactDetail, ...] = ()
    description: Markdown | None = None
    use_context: tuple[UsageContext, ...] = ()
    jurisdiction: tuple[CodeableConcept, ...] = ()
    purpose: Markdown | None = None
    copyright: Markdown | None = None
    case_sensitive: Boolean | None = None
    value_set: Canonical | None = None
    hierarchy_meaning: Literal["grouped-by", "is-a", "part-of", "classified-with"] | None = None
    compositional: Boolean | None = None
    version_needed: Boolean | None = None
    content: Literal["not-present", "example", "fragment", "complete", "supplement"]
    supplements: Canonical | None = None
    count: UnsignedInt | None = None
    filter: tuple[CodeSystemFilter, ...] = ()
    property: tuple[CodeSystemProperty, ...] = ()
    concept: tuple[CodeSystemConcept, ...] = ()


class ValueSetConcept(BackboneElement, frozen=True, kw_only=True):
    code: Code
    display: String | None = None
    designation: tuple[Designation, ...] = ()


class ValueSetFilter(BackboneElement, frozen=True, kw_only=True):
    property: Code
    op: FilterOperator
    value: String


class ValueSetInclude(BackboneElement, frozen=True, kw_only=True):
    system: Uri | None = None
    version: String | None = None
    concept: tuple[ValueSetConcept, ...] = ()
    filter: tuple[ValueSetFilter, ...] = ()
    value_set: tuple[Canonical | None, ...] = ()


class ValueSetCompose(BackboneElement, frozen=True, kw_only=True):
    locked_date: Date | None = None
    inactive: Boolean | None = None
    include: tuple[ValueSetInclude, ...]
    exclude: tuple[ValueSetInclude, ...] = ()


class ValueSetExpansionParameter(BackboneElement, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("value", "String", "Boolean", "Integer", "Decimal", "Uri", "Code", "DateTime"),
    )
    name: String
    value_string: String | None = None
    value_boolean: Boolean | None = None
    value_integer: Integer | None = None
    value_decimal: Decimal | None = None
    value_uri: Uri | None = None
    value_code: Code | None = None
    value_date_time: DateTime | None = None


class ValueSetContains(BackboneElement, frozen=True, kw_only=True):
    system: Uri | None = None
    abstract: Boolean | None = None
    inactive: Boolean | None = None
    version: String | None = None
    code: Code | None = None
    display: String | None = None
    designation: tuple[Designation, ...] = ()
    contains: tuple["ValueSetContains", ...] = ()


class ValueSetExpansion(BackboneElement, frozen=True, kw_only=True):
    identifier: Uri | None = None
    timestamp: DateTime
    total: Integer | None = None
    offset: Integer | None = None
    parameter: tuple[ValueSetExpansionParameter, ...] = ()
    contains: tuple[ValueSetContains, ...] = ()


class ValueSet(DomainResource, frozen=True, kw_only=True):
    url: Uri | None = None
    identifier: tuple[Identifier, ...] = ()
    version: String | None = None
    name: String | None = None
    title: String | None = None
    status: PublicationStatus
    experimental: Boolean | None = None
    date: DateTime | None = None
    publisher: String | None = None
    contact: tuple[ContactDetail, ...] = ()
    description: Markdown | None = None
    use_context: tuple[UsageContext, ...] = ()
    jurisdiction: tuple[CodeableConcept, ...] = ()
    immutable: Boolean | None = None
    purpose: Markdown | None = None
    copyright: Markdown | None = None
    compose: ValueSetCompose | None = None
    expansion: ValueSetExpansion | None = None
