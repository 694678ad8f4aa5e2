"""FHIR R4 XML: writing plain dicts, and the door to reading (FHIR R4 xml.html).

Elements come out in the standard's order, primitives as `value` attributes, ids of elements as attributes,
narrative as it is. An element without a declaration cannot be written, because XML needs its type and place:
such a resource is refused with fhir.unknown_element (its JSON form keeps the element).
"""

from decimal import Decimal
from typing import Any

from praxisd.model.fhir_datatypes import Element
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_narrative import narrative_fault
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.fhir_shapes import SHAPES, Field, Shape, shape_of

FHIR = "http://hl7.org/fhir"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_ELEMENT = shape_of(Element)
# Line breaks and tabs inside attributes would be read back as blanks unless written as references.
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def to_xml(resource: dict[str, Any]) -> bytes:
    """One resource as an XML document in UTF-8. Raises FhirError (unknown_type, unknown_element, invalid)."""
    shape = _shape_for(resource, "resourceType")
    parts: list[str] = [_DECLARATION]
    _write_resource(parts, resource, shape, shape.name, f' xmlns="{FHIR}"')
    text = "".join(parts)
    if FORBIDDEN_CHARACTERS.search(text):
        raise FhirError("fhir.invalid", shape.name, "a character that XML cannot hold")
    return text.encode()


def _shape_for(resource: Any, path: str) -> Shape:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str):
        raise FhirError("fhir.required", path, "resourceType is missing")
    if name not in SHAPES:
        raise FhirError("fhir.unknown_type", path, "this resource type is not supported here")
    return SHAPES[name]


def _write_resource(parts: list[str], resource: Any, shape: Shape, path: str, attributes: str = "") -> None:
    parts.append(f"<{shape.name}{attributes}>")
    _write_children(parts, resource, shape, path)
    parts.append(f"</{shape.name}>")


def _write_children(parts: list[str], value: dict[str, Any], shape: Shape, path: str) -> None:
    known = 1 if shape.is_resource and "resourceType" in value else 0
    for name, field in shape.fields.items():
        if name in value:
            known += 1
        if field.primitive and "_" + name in value:
            known += 1
            if field.attribute or field.kind == "xhtml":
                raise FhirError(
                    "fhir.invalid", f"{path}._{name}", "XML cannot hold an extension of this element"
                )
        elif name not in value:
            continue
        if not field.attribute:
            _write_field(parts, value, field, f"{path}.{name}")
    if known != len(value):
        for name in value:
            if name not in shape.fields and not (name == "resourceType" and shape.is_resource):
                main = shape.fields.get(name[1:]) if name.startswith("_") else None
                if main is None or not main.primitive:
                    raise FhirError(
                        "fhir.unknown_element", f"{path}.{name}", "XML cannot hold an unknown element"
                    )


def _write_field(parts: list[str], owner: dict[str, Any], field: Field, path: str) -> None:
    if not field.primitive:
        content = owner[field.name]
        items = content if field.many else [content]
        if not isinstance(items, list):
            raise FhirError("fhir.invalid", path, "expected an array")
        for item in items:
            _write_item(parts, item, field, path)
        return
    value, companion = owner.get(field.name), owner.get("_" + field.name)
    if not field.many:
        _write_primitive(parts, field, value, companion, path)
        return
    values, companions = value or [], companion or []
    if not isinstance(values, list) or not isinstance(companions, list):
        raise FhirError("fhir.invalid", path, "expected an array")
    for index in range(max(len(values), len(companions))):
        one = values[index] if index < len(values) else None
        beside = companions[index] if index < len(companions) else None
        _write_primitive(parts, field, one, beside, path)


def _write_item(parts: list[str], item: Any, field: Field, path: str) -> None:
    if not isinstance(item, dict):
        raise FhirError("fhir.invalid", path, "expected an object")
    if field.shape is None:
        parts.append(f"<{field.name}>")
        _write_resource(parts, item, _shape_for(item, f"{path}.resourceType"), path)
        parts.append(f"</{field.name}>")
        return
    parts.append(f"<{field.name}{_attributes(item, field.shape, path)}>")
    _write_children(parts, item, field.shape, path)
    parts.append(f"</{field.name}>")


def _attributes(item: dict[str, Any], shape: Shape, path: str) -> str:
    return "".join(
        f' {name}="{_escape(item[name], f"{path}.{name}")}"'
        for name, field in shape.fields.items()
        if field.attribute and name in item
    )


def _write_primitive(parts: list[str], field: Field, value: Any, companion: Any, path: str) -> None:
    if field.kind == "xhtml":
        # Written as it is, hence checked again here: text that is not well-formed would change the document.
        fault = narrative_fault(value) if isinstance(value, str) else "expected a JSON string"
        if fault is not None:
            raise FhirError("fhir.invalid", path, fault)
        parts.append(value.strip())
        return
    if value is None and companion is None:
        raise FhirError("fhir.invalid", path, "null without an extension in its place")
    attributes = "" if companion is None else _attributes(companion, _ELEMENT, path)
    if value is not None:
        attributes += f' value="{_escape(value, path)}"'
    if companion is None or not companion.keys() - {"id"}:
        parts.append(f"<{field.name}{attributes}/>")
        return
    parts.append(f"<{field.name}{attributes}>")
    _write_children(parts, companion, _ELEMENT, path)
    parts.append(f"</{field.name}>")


def _escape(value: Any, path: str) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise FhirError("fhir.invalid", path, "expected a primitive value")
