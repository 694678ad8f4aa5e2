"""FHIR R4 (4.0.1) data types as msgspec structs: elements in the standard's order, which is the order of XML.

JSON names are camelCase. A choice type `value[x]` is one field per type; `choices` names the groups of which
at most one member may be present. Empty means absent (`()` or `None`), as in FHIR. Left out of `value[x]`:
DataRequirement, Dosage, ParameterDefinition, TriggerDefinition, Contributor (no appointment record carries
them; JSON keeps them).
"""

from typing import ClassVar, Literal

from msgspec import Struct

from praxisd.model.fhir_primitives import (
    AnyResource,
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    ElementId,
    ExtensionUrl,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
)


class Choice(Struct, frozen=True):
    """One choice type: the stem ("deceased"), its JSON members, and whether one of them must be there."""

    stem: str
    members: tuple[str, ...]
    required: bool = False


def choice(stem: str, *types: str, required: bool = False) -> Choice:
    """`choice("deceased", "Boolean", "DateTime")` for deceasedBoolean and deceasedDateTime."""
    return Choice(stem, tuple(stem + kind for kind in types), required)


class Element(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What every data type has."""

    choices: ClassVar[tuple[Choice, ...]] = ()
    id: ElementId | None = None
    extension: tuple["Extension", ...] = ()


class BackboneElement(Element, frozen=True, kw_only=True):
    """An element defined inside a resource."""

    modifier_extension: tuple["Extension", ...] = ()


class Resource(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="resourceType", tag=True
):
    """What every resource has; `resourceType` is the struct's name."""

    choices: ClassVar[tuple[Choice, ...]] = ()
    id: Id | None = None
    meta: "Meta | None" = None
    implicit_rules: Uri | None = None
    language: Code | None = None


class DomainResource(Resource, frozen=True, kw_only=True):
    """A resource with narrative, contained resources and extensions."""

    text: "Narrative | None" = None
    contained: tuple[AnyResource, ...] = ()
    extension: tuple["Extension", ...] = ()
    modifier_extension: tuple["Extension", ...] = ()


class Meta(Element, frozen=True, kw_only=True):
    version_id: Id | None = None
    last_updated: Instant | None = None
    source: Uri | None = None
    profile: tuple[Canonical, ...] = ()
    security: tuple["Coding", ...] = ()
    tag: tuple["Coding", ...] = ()


class Narrative(Element, frozen=True, kw_only=True):
    status: Literal["generated", "extensions", "additional", "empty"]
    div: Xhtml


class Coding(Element, frozen=True, kw_only=True):
    system: Uri | None = None
    version: String | None = None
    code: Code | None = None
    display: String | None = None
    user_selected: Boolean | None = None


class CodeableConcept(Element, frozen=True, kw_only=True):
    coding: tuple[Coding, ...] = ()
    text: String | None = None


class Period(Element, frozen=True, kw_only=True):
    start: DateTime | None = None
    end: DateTime | None = None


class Identifier(Element, frozen=True, kw_only=True):
    use: Literal["usual", "official", "temp", "secondary", "old"] | None = None
    type: CodeableConcept | None = None
    system: Uri | None = None
    value: String | None = None
    period: Period | None = None
    assigner: "Reference | None" = None


class Reference(Element, frozen=True, kw_only=True):
    reference: String | None = None
    type: Uri | None = None
    identifier: Identifier | None = None
    display: String | None = None


class HumanName(Element, frozen=True, kw_only=True):
    use: Literal["usual", "official", "temp", "nickname", "anonymous", "old", "maiden"] | None = None
    text: String | None = None
    family: String | None = None
    given: tuple[String | None, ...] = ()
    prefix: tuple[String | None, ...] = ()
    suffix: tuple[String | None, ...] = ()
    period: Period | None = None


class ContactPoint(Element, frozen=True, kw_only=True):
    system: Literal["phone", "fax", "email", "pager", "url", "sms", "other"] | None = None
    value: String | None = None
    use: Literal["home", "work", "temp", "old", "mobile"] | None = None
    rank: PositiveInt | None = None
    period: Period | None = None


class Address(Element, frozen=True, kw_only=True):
    use: Literal["home", "work", "temp", "old", "billing"] | None = None
    type: Literal["postal", "physical", "both"] | None = None
    text: String | None = None
    line: tuple[String | None, ...] = ()
    city: String | None = None
    district: String | None = None
    state: String | None = None
    postal_code: String | None = None
    country: String | None = None
    period: Period | None = None


class Attachment(Element, frozen=True, kw_only=True):
    content_type: Code | None = None
    language: Code | None = None
    data: Base64Binary | None = None
    url: Url | None = None
    size: UnsignedInt | None = None
    hash: Base64Binary | None = None
    title: String | None = None
    creation: DateTime | None = None


class Annotation(Element, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (choice("author", "Reference", "String"),)
    author_reference: Reference | None = None
    author_string: String | None = None
    time: DateTime | None = None
    text: Markdown


class Quantity(Element, frozen=True, kw_only=True):
    value: Decimal | None = None
    comparator: Literal["<", "<=", ">=", ">"] | None = None
    unit: String | None = None
    system: Uri | None = None
    code: Code | None = None


class Range(Element, frozen=True, kw_only=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True, kw_only=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Money(Element, frozen=True, kw_only=True):
    value: Decimal | None = None
    currency: Code | None = None


class SampledData(Element, frozen=True, kw_only=True):
    origin: Quantity
    period: Decimal
    factor: Decimal | None = None
    lower_limit: Decimal | None = None
    upper_limit: Decimal | None = None
    dimensions: PositiveInt
    data: String | None = None


class Signature(Element, frozen=True, kw_only=True):
    type: tuple[Coding, ...]
    when: Instant
    who: Reference
    on_behalf_of: Reference | None = None
    target_format: Code | None = None
    sig_format: Code | None = None
    data: Base64Binary | None = None


UnitOfTime = Literal["s", "min", "h", "d", "wk", "mo", "a"]


class TimingRepeat(Element, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (choice("bounds", "Duration", "Range", "Period"),)
    bounds_duration: Quantity | None = None
    bounds_range: Range | None = None
    bounds_period: Period | None = None
    count: PositiveInt | None = None
    count_max: PositiveInt | None = None
    duration: Decimal | None = None
    duration_max: Decimal | None = None
    duration_unit: UnitOfTime | None = None
    frequency: PositiveInt | None = None
    frequency_max: PositiveInt | None = None
    period: Decimal | None = None
    period_max: Decimal | None = None
    period_unit: UnitOfTime | None = None
    day_of_week: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] | None, ...] = ()
    time_of_day: tuple[Time | None, ...] = ()
    when: tuple[Code | None, ...] = ()
    offset: UnsignedInt | None = None


class Timing(BackboneElement, frozen=True, kw_only=True):
    event: tuple[DateTime | None, ...] = ()
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class ContactDetail(Element, frozen=True, kw_only=True):
    name: String | None = None
    telecom: tuple[ContactPoint, ...] = ()


class UsageContext(Element, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (
        choice("value", "CodeableConcept", "Quantity", "Range", "Reference", required=True),
    )
    code: Coding
    value_codeable_concept: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_range: Range | None = None
    value_reference: Reference | None = None


class RelatedArtifact(Element, frozen=True, kw_only=True):
    type: Literal[
        "documentation",
        "justification",
        "citation",
        "predecessor",
        "successor",
        "derived-from",
        "depends-on",
        "composed-of",
    ]
    label: String | None = None
    display: String | None = None
    citation: Markdown | None = None
    url: Url | None = None
    document: Attachment | None = None
    resource: Canonical | None = None


class Expression(Element, frozen=True, kw_only=True):
    description: String | None = None
    name: Id | None = None
    language: Code
    expression: String | None = None
    reference: Uri | None = None


class AnyValue(Element, frozen=True, kw_only=True):
    """The open choice `value[x]` of Extension and of Parameters.parameter."""

    # Elements that stand before the inherited ones in the standard's order (structs put inherited fields
    # first).
    leading: ClassVar[tuple[str, ...]] = ()
    value_base64_binary: Base64Binary | None = None
    value_boolean: Boolean | None = None
    value_canonical: Canonical | None = None
    value_code: Code | None = None
    value_date: Date | None = None
    value_date_time: DateTime | None = None
    value_decimal: Decimal | None = None
    value_id: Id | None = None
    value_instant: Instant | None = None
    value_integer: Integer | None = None
    value_markdown: Markdown | None = None
    value_oid: Oid | None = None
    value_positive_int: PositiveInt | None = None
    value_string: String | None = None
    value_time: Time | None = None
    value_unsigned_int: UnsignedInt | None = None
    value_uri: Uri | None = None
    value_url: Url | None = None
    value_uuid: Uuid | None = None
    value_address: Address | None = None
    value_age: Quantity | None = None
    value_annotation: Annotation | None = None
    value_attachment: Attachment | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None
    value_contact_point: ContactPoint | None = None
    value_count: Quantity | None = None
    value_distance: Quantity | None = None
    value_duration: Quantity | None = None
    value_human_name: HumanName | None = None
    value_identifier: Identifier | None = None
    value_money: Money | None = None
    value_period: Period | None = None
    value_quantity: Quantity | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_reference: Reference | None = None
    value_sampled_data: SampledData | None = None
    value_signature: Signature | None = None
    value_timing: Timing | None = None
    value_contact_detail: ContactDetail | None = None
    value_expression: Expression | None = None
    value_related_artifact: RelatedArtifact | None = None
    value_usage_context: UsageContext | None = None
    value_meta: Meta | None = None


ANY_VALUE = Choice(
    "value", tuple(name for name in AnyValue.__struct_encode_fields__ if name.startswith("value"))
)


class Extension(AnyValue, frozen=True, kw_only=True):
    choices: ClassVar[tuple[Choice, ...]] = (ANY_VALUE,)
    leading: ClassVar[tuple[str, ...]] = ("id", "extension", "url")
    url: ExtensionUrl
