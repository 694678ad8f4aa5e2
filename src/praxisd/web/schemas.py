"""JSON Schemas of the declared structs, and examples that decode into them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from praxisd.web.reading import SAFE_INT

TEMPLATE = "#/components/schemas/{name}"
_PREFIX = "#/components/schemas/"
_DEPTH = 6
_WORDS: dict[str, Any] = {
    "start": "2026-11-23T09:00:00+01:00",
    "end": "2026-11-23T09:30:00+01:00",
    "from": "2026-11-23T00:00:00+01:00",
    "to": "2026-11-30T00:00:00+01:00",
    "family": "Beispiel",
    "given": "Anna",
    "name": "Beispiel",
    "birthDate": "1980-05-17",
    "phone": "+49 151 23456789",
    "mobile": "+49 151 23456789",
    "email": "anna@example.org",
    "address": "Musterweg 1, 12345 Musterstadt",
    "zone": "Europe/Berlin",
    "id": "01hzyx3m9k7q2v5w8r1t4e6p0a",
    "login": "anna",
}
_SHOWN = ("family", "given", "birthDate", "phone", "email")
"""Optional fields that examples show all the same: who a booking is for."""
_FORMATS = {
    "date-time": "2026-11-23T09:00:00+01:00",
    "date": "2026-11-23",
    "time": "09:00:00",
    "uuid": "6a2f41a3-c54c-4dc1-8a4e-0a1a1f0c5d3e",
    "duration": "PT30M",
    "byte": "AAAA",
}


def collect(types: Iterable[Any]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """The schema of each type, and the components they refer to; integers get the bounds the doors enforce."""
    wanted = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(wanted, schema_hook=_custom, ref_template=TEMPLATE)
    for one in (*schemas, *components.values()):
        _bound(one)
    return dict(zip(wanted, schemas, strict=True)), components


def _custom(type_: type) -> dict[str, Any]:
    """Fields declared as plain `object` may hold any JSON value."""
    if type_ is object:
        return {"description": "Any JSON value."}
    raise TypeError(f"no JSON schema for {type_!r}: use a struct, a plain type or Meta(extra_json_schema=…)")


def _bound(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            if "minimum" not in schema and "exclusiveMinimum" not in schema:
                schema["minimum"] = -SAFE_INT
            if "maximum" not in schema and "exclusiveMaximum" not in schema:
                schema["maximum"] = SAFE_INT
        for name, value in schema.items():
            if name not in ("default", "examples", "enum", "const"):
                _bound(value)
    elif isinstance(schema, list):
        for one in schema:
            _bound(one)


def resolve(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema a reference points to, or the schema itself."""
    while "$ref" in schema:
        schema = components[schema["$ref"].removeprefix(_PREFIX)]
    return schema


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without its null branch: an address cannot say null, a parameter is simply left out."""
    if "anyOf" not in schema:
        return schema
    rest = [one for one in schema["anyOf"] if one.get("type") != "null"]
    kept = {k: v for k, v in schema.items() if k != "anyOf" and not (k == "default" and v is None)}
    return {**rest[0], **kept} if len(rest) == 1 else {**kept, "anyOf": rest}


def example(schema: dict[str, Any], components: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits the schema: declared examples first, then defaults, then something a person recognises."""
    schema = resolve(schema, components)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            full = [one for one in schema[key] if one.get("type") != "null"]
            return example(full[0], components, name, depth) if full and depth < _DEPTH else None
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _object(schema, components, depth)
    if kind == "array":
        return _array(schema, components, name, depth)
    if kind == "string":
        return _text(schema, name)
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return max(low, min(1, schema.get("maximum", 1)))
    if kind == "boolean":
        return True
    return None if kind == "null" else {}


def _object(schema: dict[str, Any], components: dict[str, Any], depth: int) -> Any:
    required = set(schema.get("required", ()))
    found = {}
    for name, one in schema.get("properties", {}).items():
        if name in required or (depth < 2 and name in _SHOWN):
            value = example(one, components, name, depth + 1)
            if value is not None or name in required:
                found[name] = value
    return found


def _array(schema: dict[str, Any], components: dict[str, Any], name: str, depth: int) -> Any:
    if schema.get("prefixItems"):
        return [example(one, components, name, depth + 1) for one in schema["prefixItems"]]
    items = schema.get("items")
    if not isinstance(items, dict) or depth >= _DEPTH:
        return []
    return [example(items, components, name.removesuffix("s"), depth + 1)] * max(1, schema.get("minItems", 1))


def _text(schema: dict[str, Any], name: str) -> str:
    found = _FORMATS.get(schema.get("format", "")) or str(_WORDS.get(name, "text"))
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    return found.ljust(low, "x")[:high]
