"""Checking plain dicts against the FHIR R4 structs. Unknown elements are left alone, so nothing is lost on a
round trip.

Checked: types, required elements, required codes, cardinality, choice types, `_field` companions of
primitives, empty objects and lists (which FHIR forbids), narrative, depth. Not checked: invariants across
elements, and bindings of other strength than "required": those belong to the service that owns the resource.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from praxisd.model.fhir_datatypes import Element
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_narrative import narrative_fault
from praxisd.model.fhir_primitives import primitive_fault
from praxisd.model.fhir_shapes import SHAPES, Field, Shape, load_json, shape_of

MAX_DEPTH = 64  # objects inside objects; a deep code system has about 20
_ELEMENT = shape_of(Element)


def parse_json(data: bytes, expected: str | Collection[str] | None = None) -> dict[str, Any]:
    """Decode and check one resource; returns it as a plain dict with every element that came, numbers exact.

    `expected` names the resource type, or several of which one must come. Raises FhirError: fhir.syntax,
    fhir.too_deep, fhir.unknown_type, fhir.wrong_type, fhir.required, fhir.invalid.
    """
    try:
        resource = load_json(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError as wrong:
        raise FhirError("fhir.too_deep", "", "nested too deeply") from wrong
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as wrong:
        raise FhirError("fhir.syntax", "", "the body is not valid JSON in UTF-8") from wrong
    check(resource, expected)
    return resource  # type: ignore[no-any-return]


def check(resource: Any, expected: str | Collection[str] | None = None) -> None:
    """Raise FhirError unless `resource` is a valid dict of a known (and the expected) type."""
    if not isinstance(resource, dict):
        raise FhirError("fhir.invalid", "", "a resource is a JSON object")
    name = resource.get("resourceType")
    if not isinstance(name, str):
        raise FhirError("fhir.required", "resourceType", "resourceType is missing")
    wanted = (expected,) if isinstance(expected, str) else expected
    if wanted is not None and name not in wanted:
        raise FhirError("fhir.wrong_type", "resourceType", f"expected {' or '.join(sorted(wanted))}")
    if name not in SHAPES:
        raise FhirError("fhir.unknown_type", "resourceType", "this resource type is not supported here")
    _check_object(resource, SHAPES[name], name, 1)


def _check_object(value: Any, shape: Shape, path: str, depth: int) -> None:
    if not isinstance(value, dict):
        raise FhirError("fhir.invalid", path, "expected a JSON object")
    if depth > MAX_DEPTH:
        raise FhirError("fhir.too_deep", path, f"more than {MAX_DEPTH} objects inside each other")
    fields = shape.fields
    seen = 0
    for name, content in value.items():
        field = fields.get(name)
        if field is not None:
            _check_field(content, field, value, f"{path}.{name}", depth)
        elif name == "resourceType" and shape.is_resource:
            continue
        elif name.startswith("_") and (main := fields.get(name[1:])) is not None and main.primitive:
            _check_companion(content, main, value, f"{path}.{name}", depth)
        else:
            _check_unknown(content, f"{path}.{name}", depth)
        seen += 1
    if not seen and not shape.is_resource:
        raise FhirError("fhir.invalid", path, "an object must not be empty")
    for field in shape.required:
        if field.name not in value and not (field.primitive and "_" + field.name in value):
            raise FhirError("fhir.required", f"{path}.{field.name}", "this element is required")
    for group in shape.choices:
        count = sum(1 for member in group.members if member in value or "_" + member in value)
        if count > 1:
            raise FhirError(
                "fhir.invalid", f"{path}.{group.stem}[x]", "only one type of this element may be given"
            )
        if group.required and not count:
            raise FhirError("fhir.required", f"{path}.{group.stem}[x]", "this element is required")


def _check_field(content: Any, field: Field, owner: dict[str, Any], path: str, depth: int) -> None:
    if not field.many:
        _check_item(content, field, path, depth)
        return
    if not isinstance(content, list):
        raise FhirError("fhir.invalid", path, "expected a JSON array")
    if not content:
        raise FhirError("fhir.invalid", path, "an array must not be empty")
    companion = owner.get("_" + field.name) if field.primitive else None
    for index, item in enumerate(content):
        if item is None and field.primitive:
            # A null holds the place of a value that has only an id or extensions.
            if not (isinstance(companion, list) and index < len(companion) and companion[index] is not None):
                raise FhirError("fhir.invalid", f"{path}[{index}]", "null without an extension in its place")
            continue
        _check_item(item, field, f"{path}[{index}]", depth)


def _check_item(item: Any, field: Field, path: str, depth: int) -> None:
    if field.primitive:
        if field.kind == "xhtml":
            fault = narrative_fault(item) if isinstance(item, str) else "expected a JSON string"
        else:
            fault = primitive_fault(field.kind, item)
            if fault is None and field.codes is not None and item not in field.codes:
                fault = "not a code of the required value set"
        if fault is not None:
            raise FhirError("fhir.invalid", path, fault)
    elif field.shape is not None:
        _check_object(item, field.shape, path, depth + 1)
    else:
        _check_nested(item, path, depth + 1)


def _check_nested(item: Any, path: str, depth: int) -> None:
    """A resource inside a Bundle, Parameters or `contained`; one of an unknown type is kept unchecked."""
    if not isinstance(item, dict):
        raise FhirError("fhir.invalid", path, "a resource is a JSON object")
    name = item.get("resourceType")
    if not isinstance(name, str) or not name:
        raise FhirError("fhir.required", f"{path}.resourceType", "resourceType is missing")
    shape = SHAPES.get(name)
    if shape is None:
        _check_unknown(item, path, depth)
    else:
        _check_object(item, shape, path, depth)


def _check_companion(content: Any, field: Field, owner: dict[str, Any], path: str, depth: int) -> None:
    """`_birthDate` beside `birthDate`: id and extensions of a primitive; a list beside a list."""
    if not field.many:
        _check_object(content, _ELEMENT, path, depth + 1)
        return
    if not isinstance(content, list) or not content:
        raise FhirError("fhir.invalid", path, "expected a JSON array that is not empty")
    values = owner.get(field.name)
    if isinstance(values, list) and len(values) != len(content):
        raise FhirError("fhir.invalid", path, "must be as long as the array of values")
    for index, item in enumerate(content):
        if item is None:
            if not isinstance(values, list):
                raise FhirError("fhir.invalid", f"{path}[{index}]", "null without a value in its place")
            continue
        _check_object(item, _ELEMENT, f"{path}[{index}]", depth + 1)


def _check_unknown(content: Any, path: str, depth: int) -> None:
    """Elements without a declaration are kept as they are; only their depth is bounded."""
    if depth > MAX_DEPTH:
        raise FhirError("fhir.too_deep", path, f"more than {MAX_DEPTH} objects inside each other")
    if isinstance(content, dict):
        for name, item in content.items():
            _check_unknown(item, f"{path}.{name}", depth + 1)
    elif isinstance(content, list):
        for item in content:
            _check_unknown(item, path, depth + 1)
