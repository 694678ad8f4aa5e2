"""The structs' annotations as tables: what each element may hold, in the standard's order.

Validation and XML both walk plain dicts along these tables, so the structs stay the only declaration. A
struct for a new resource needs one entry in RESOURCES and nothing else.
"""

import types
import typing
from decimal import Decimal
from typing import Any, Literal

import msgspec

from praxisd.model.fhir_capability import CapabilityStatement
from praxisd.model.fhir_datatypes import Choice, Resource
from praxisd.model.fhir_exchange import Binary, Bundle, Communication, OperationOutcome, Parameters
from praxisd.model.fhir_medication import MedicationStatement
from praxisd.model.fhir_people import (
    EpisodeOfCare,
    Location,
    Organization,
    Patient,
    Practitioner,
    PractitionerRole,
)
from praxisd.model.fhir_provenance import Provenance
from praxisd.model.fhir_scheduling import Appointment, HealthcareService, Schedule, Slot
from praxisd.model.fhir_terminology import CodeSystem, ValueSet

RESOURCES: dict[str, type[Resource]] = {
    struct.__name__: struct
    for struct in (
        Appointment,
        Binary,
        Bundle,
        CapabilityStatement,
        CodeSystem,
        Communication,
        EpisodeOfCare,
        HealthcareService,
        Location,
        MedicationStatement,
        OperationOutcome,
        Organization,
        Parameters,
        Patient,
        Practitioner,
        PractitionerRole,
        Provenance,
        Schedule,
        Slot,
        ValueSet,
    )
}


class Field:
    """One element. `kind` is a primitive's FHIR name, "complex" (then `shape` is set), or "resource" for any
    resource.
    """

    __slots__ = ("attribute", "codes", "kind", "many", "name", "primitive", "required", "shape")

    def __init__(self, name: str, required: bool) -> None:
        self.name = name
        self.required = required
        self.kind = ""
        self.many = False
        self.primitive = False
        self.attribute = False
        self.codes: frozenset[str] | None = None
        self.shape: Shape | None = None


class Shape:
    """One complex type or resource: its fields by JSON name, in order, and its choice types."""

    __slots__ = ("choices", "fields", "is_resource", "name", "required")

    def __init__(self, name: str, is_resource: bool, choices: tuple[Choice, ...]) -> None:
        self.name = name
        self.is_resource = is_resource
        self.choices = choices
        self.fields: dict[str, Field] = {}
        self.required: tuple[Field, ...] = ()


_shapes: dict[type, Shape] = {}


def shape_of(struct: type) -> Shape:
    """The table of a struct; built once. Types may contain themselves (Extension, CodeSystem.concept)."""
    known = _shapes.get(struct)
    if known is not None:
        return known
    shape = Shape(struct.__name__, issubclass(struct, Resource), getattr(struct, "choices", ()))
    _shapes[struct] = shape
    hints = typing.get_type_hints(struct, include_extras=True)
    declared = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    leading: tuple[str, ...] = getattr(struct, "leading", ())
    for name in (*leading, *(name for name in declared if name not in leading)):
        field = Field(name, declared[name].required)
        _describe(field, hints[declared[name].name])
        shape.fields[name] = field
    shape.required = tuple(field for field in shape.fields.values() if field.required)
    return shape


def _describe(field: Field, hint: Any) -> None:
    """Read one annotation: Optional, tuple[X, ...], Annotated primitive, Literal codes, or a struct."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        _describe(field, inner[0])
    elif origin is tuple:
        field.many = True
        _describe(field, typing.get_args(hint)[0])
    elif origin is Literal:
        field.kind, field.primitive, field.codes = "code", True, frozenset(typing.get_args(hint))
    elif origin is typing.Annotated:
        extra = typing.get_args(hint)[1].extra
        field.kind = extra["fhir"]
        field.primitive = field.kind != "resource"
        field.attribute = extra.get("attribute", False)
    else:
        field.kind = "complex"
        field.shape = shape_of(hint)


SHAPES: dict[str, Shape] = {name: shape_of(struct) for name, struct in RESOURCES.items()}


def _exact(text: str) -> Decimal:
    """A JSON number with its digits; absurd exponents are refused here, also in elements nobody checks."""
    number = Decimal(text)
    if abs(number.adjusted()) > 400:
        raise ValueError("number out of range")
    return number


_decode = msgspec.json.Decoder(float_hook=_exact).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def load_json(data: bytes | str) -> Any:
    """JSON to plain dicts without any check; numbers with a fraction become Decimal, so that "1.50" stays
    "1.50".

    For text we wrote ourselves (stored resources). Raises msgspec.DecodeError.
    """
    return _decode(data)


def dump_json(resource: Any) -> bytes:
    """Plain dicts or structs to JSON bytes; the counterpart of `load_json`. The order stays as given."""
    return _encode(resource)
