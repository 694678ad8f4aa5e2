"""FHIRPath Patch (FHIR R4 fhirpatch.html): a Parameters resource with operations, over plain dicts.

Paths: `Appointment.status`, `Appointment.participant[0].status`, `Patient.name.where(use =
'official').given[1]`, `Patient.extension('http://…').value`, `.first()`. A choice type is named by its stem
(`Patient.deceased`) or its JSON name. Other FHIRPath is refused with fhir.patch_path. Results are not checked
here: the caller runs `check` afterwards, because it may first want to mend a known misspelling of a code.
"""

import copy
import re
from typing import Any, NamedTuple

from praxisd.model.fhir_datatypes import Element
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_shapes import SHAPES, Field, Shape, shape_of

MAX_OPERATIONS = 200
_STEP = re.compile(
    r"\.(?P<name>[A-Za-z][A-Za-z0-9]*)(?!\w*\()"
    r"|\[(?P<index>[0-9]{1,6})\]"
    r"|\.(?P<first>first)\(\)"
    r"|\.extension\(\s*'(?P<url>[^']*)'\s*\)"
    r"|\.where\(\s*(?P<key>[A-Za-z][A-Za-z0-9.]*)\s*=\s*(?:'(?P<text>(?:[^'\\]|\\.)*)'|(?P<word>true|false|-?[0-9]+))\s*\)"
)
_ELEMENT = shape_of(Element)
_FORBIDDEN = frozenset({"id", "resourceType"})


class _Place(NamedTuple):
    """Where a value lies: a key of an object, or an index of a list that lies under a key."""

    owner: dict[str, Any]
    key: str
    at: int | None
    shape: Shape | None

    @property
    def value(self) -> Any:
        """What lies there; None for a primitive that has only extensions."""
        return self.owner.get(self.key) if self.at is None else self.owner[self.key][self.at]

    @property
    def inner(self) -> tuple[Any, Shape | None]:
        """Where a path goes on: into the object, or into the extensions of a single primitive."""
        if self.shape is None and self.at is None:
            return self.owner.get("_" + self.key), _ELEMENT
        return self.value, self.shape


def apply_fhirpath_patch(
    resource: dict[str, Any], parameters: dict[str, Any]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Apply all operations in order; returns the new resource and the names of the touched top-level
    elements.

    `resource` is not changed. `parameters` is a checked Parameters resource. All operations apply or none.
    Raises FhirError: fhir.patch_path (a path that is unsupported, or does not lead to what the operation
    needs), and fhir.patch_value (an operation without the parts it needs).
    """
    operations = [p for p in parameters.get("parameter", ()) if p.get("name") == "operation"]
    if not operations or len(operations) != len(parameters["parameter"]):
        raise FhirError(
            "fhir.patch_value", "Parameters.parameter", "expected one or more 'operation' parameters"
        )
    if len(operations) > MAX_OPERATIONS:
        raise FhirError("fhir.patch_value", "Parameters.parameter", f"more than {MAX_OPERATIONS} operations")
    result = copy.deepcopy(resource)
    touched: set[str] = set()
    for number, operation in enumerate(operations):
        touched.add(_Operation(operation, f"Parameters.parameter[{number}]").apply(result))
    prune(result)
    return result, frozenset(touched)


class _Operation:
    """One operation: its parts by name, and what it does."""

    def __init__(self, parameter: dict[str, Any], where: str) -> None:
        self.where = where
        self.parts = {part["name"]: part for part in parameter.get("part", ())}

    def fail(self, problem: str) -> FhirError:
        return FhirError("fhir.patch_value", self.where, problem)

    def simple(self, name: str, kinds: tuple[str, ...]) -> Any:
        part = self.parts.get(name)
        found = next((part[kind] for kind in kinds if part and kind in part), None)
        if found is None:
            raise self.fail(f"part '{name}' is missing or of the wrong type")
        return found

    def number(self, name: str) -> int:
        found: int = self.simple(name, ("valueInteger", "valueUnsignedInt", "valuePositiveInt"))
        return found

    def apply(self, resource: dict[str, Any]) -> str:
        """Change `resource` in place; returns the top-level element that was touched."""
        kind = self.simple("type", ("valueCode", "valueString"))
        path = self.simple("path", ("valueString",))
        steps = _steps(path, resource, self.where)
        if kind == "add":
            return self.add(resource, steps)
        if not steps:
            raise FhirError("fhir.patch_path", self.where, "the path must lead to an element")
        if kind == "delete":
            return self.delete(resource, steps)
        if kind == "replace":
            return self.replace(resource, steps)
        if kind in ("insert", "move"):
            return self.insert_or_move(resource, steps, kind)
        raise self.fail("type must be add, insert, delete, replace or move")

    def add(self, resource: dict[str, Any], steps: list[re.Match[str]]) -> str:
        place = _single(_walk(resource, steps), self.where) if steps else None
        owner = resource if place is None else place.value
        shape = SHAPES[resource["resourceType"]] if place is None else place.shape
        if not isinstance(owner, dict) or shape is None:
            raise FhirError("fhir.patch_path", self.where, "elements can only be added to an object")
        name = self.simple("name", ("valueString", "valueCode"))
        key, field = self.member(shape, name)
        value = self.value(field)
        if field.many:
            owner.setdefault(key, []).append(value)
        elif any(other in owner for other in _siblings(shape, key)):
            raise FhirError("fhir.patch_path", self.where, "the element exists already; use replace")
        else:
            owner[key] = value
        return _top(key if not steps else _first_key(resource, steps), self.where)

    def member(self, shape: Shape, name: str) -> tuple[str, Field]:
        """JSON name and field of an element to write; the stem of a choice takes its type from the value."""
        for group in shape.choices:
            if name == group.stem:
                given = next((key for key in self.parts.get("value", {}) if key.startswith("value")), "")
                key = group.stem + given.removeprefix("value")
                if key in group.members:
                    return key, shape.fields[key]
                raise self.fail("the value has a type that the element cannot have")
        field = shape.fields.get(name)
        if field is None:
            raise FhirError("fhir.patch_path", self.where, "FHIR R4 has no such element here")
        return name, field

    def value(self, field: Field) -> Any:
        part = self.parts.get("value")
        if part is None:
            raise self.fail("part 'value' is missing")
        return self.content(part, field)

    def content(self, part: dict[str, Any], field: Field) -> Any:
        """A part's value[x] or resource; an object of a nameless type comes as parts, one per element."""
        given = next((part[key] for key in part if key.startswith("value")), part.get("resource"))
        if given is not None:
            return copy.deepcopy(given)
        inner = part.get("part")
        if not inner or field.shape is None:
            raise self.fail("a value is missing")
        built: dict[str, Any] = {}
        for element in inner:
            target = field.shape.fields.get(element["name"])
            if target is None:
                raise self.fail("the value has an element that FHIR R4 does not have there")
            content = self.content(element, target)
            if target.many:
                built.setdefault(target.name, []).append(content)
            else:
                built[target.name] = content
        return built

    def delete(self, resource: dict[str, Any], steps: list[re.Match[str]]) -> str:
        places = _walk(resource, steps)
        top = _top(_first_key(resource, steps), self.where)
        if not places:
            return top  # "no error if the element does not exist"
        place = _single(places, self.where)
        if place.at is None:
            place.owner.pop(place.key, None)
            place.owner.pop("_" + place.key, None)
        else:
            for key in (place.key, "_" + place.key):
                if key in place.owner and place.at < len(place.owner[key]):
                    del place.owner[key][place.at]
        return top

    def replace(self, resource: dict[str, Any], steps: list[re.Match[str]]) -> str:
        place = _single(_walk(resource, steps), self.where)
        parent = SHAPES[resource["resourceType"]] if len(steps) == 1 else None
        shape = parent or _owner_shape(resource, steps)
        if shape is None:
            raise FhirError("fhir.patch_path", self.where, "an element that cannot be replaced")
        stem = next((group.stem for group in shape.choices if place.key in group.members), place.key)
        key, field = self.member(shape, stem)
        value = self.value(field)
        if place.at is not None:
            place.owner[place.key][place.at] = value
        else:
            # A choice may change its type; the extensions of a replaced primitive belonged to the old value.
            place.owner.pop(place.key, None)
            place.owner.pop("_" + place.key, None)
            place.owner[key] = [value] if field.many else value
        return _top(_first_key(resource, steps), self.where)

    def insert_or_move(self, resource: dict[str, Any], steps: list[re.Match[str]], kind: str) -> str:
        places = _walk(resource, steps)
        last = steps[-1]
        if last["name"] is None or not places or any(place.at is None for place in places):
            raise FhirError("fhir.patch_path", self.where, "the path must lead to a list")
        owner, key = places[0].owner, places[0].key
        if any(place.owner is not owner for place in places):
            raise FhirError("fhir.patch_path", self.where, "the path leads to more than one list")
        if "_" + key in owner:
            raise FhirError(
                "fhir.patch_path", self.where, "a list of primitives with extensions cannot be reordered"
            )
        items: list[Any] = owner[key]
        if kind == "insert":
            index, shape = self.number("index"), _owner_shape(resource, steps)
            if not 0 <= index <= len(items) or shape is None:
                raise self.fail("index lies outside the list")
            items.insert(index, self.value(shape.fields[key]))
        else:
            source, target = self.number("source"), self.number("destination")
            if not (0 <= source < len(items) and 0 <= target < len(items)):
                raise self.fail("source or destination lies outside the list")
            items.insert(target, items.pop(source))
        return _top(_first_key(resource, steps), self.where)


def _steps(path: str, resource: dict[str, Any], where: str) -> list[re.Match[str]]:
    """Split a path after the resource type; anything the pattern does not know is unsupported."""
    kind = resource["resourceType"]
    if path != kind and not path.startswith((kind + ".", kind + "[")):
        raise FhirError("fhir.patch_path", where, f"the path must start with {kind}")
    position = len(kind)
    steps: list[re.Match[str]] = []
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or len(steps) >= 30:
            raise FhirError("fhir.patch_path", where, "this FHIRPath is not supported")
        steps.append(match)
        position = match.end()
    if steps and steps[0]["name"] is None and steps[0]["url"] is None:
        raise FhirError("fhir.patch_path", where, "this FHIRPath is not supported")
    return steps


def _walk(resource: dict[str, Any], steps: list[re.Match[str]]) -> list[_Place]:
    """Every place the path leads to, lists flattened as in FHIRPath."""
    places: list[_Place] = []
    objects: list[tuple[Any, Shape | None]] = [(resource, SHAPES[resource["resourceType"]])]
    for step in steps:
        if step["index"] is not None:
            places = places[int(step["index"]) : int(step["index"]) + 1]
        elif step["first"]:
            places = places[:1]
        elif step["key"] is not None:
            places = [place for place in places if _holds(place.value, step)]
        else:
            name = step["name"] or "extension"
            places = [place for owner, shape in objects for place in _children(owner, shape, name)]
            if step["url"] is not None:
                places = [place for place in places if place.value.get("url") == step["url"]]
        objects = [place.inner for place in places]
    return places


def _children(owner: Any, shape: Shape | None, name: str) -> list[_Place]:
    if not isinstance(owner, dict) or shape is None:
        return []
    members = next((group.members for group in shape.choices if group.stem == name), (name,))
    key = next((member for member in members if member in owner or "_" + member in owner), None)
    field = shape.fields.get(key) if key is not None else None
    if key is None or field is None:
        return []
    if field.many:
        return [_Place(owner, key, index, field.shape) for index in range(len(owner.get(key, ())))]
    return [_Place(owner, key, None, field.shape)]


def _holds(value: Any, step: re.Match[str]) -> bool:
    """`where(a.b = 'x')`: some value at a.b equals the literal."""
    found = [value]
    for name in step["key"].split("."):
        below = [item[name] for item in found if isinstance(item, dict) and name in item]
        found = [one for item in below for one in (item if isinstance(item, list) else [item])]
    if step["text"] is not None:
        literal: Any = re.sub(r"\\(.)", r"\1", step["text"])
        return literal in [item for item in found if isinstance(item, str)]
    word = step["word"]
    literal = word == "true" if word in ("true", "false") else int(word)
    return any(type(item) is type(literal) and item == literal for item in found)


def _owner_shape(resource: dict[str, Any], steps: list[re.Match[str]]) -> Shape | None:
    """Shape of the object that holds the last named element of the path."""
    last = max(i for i, step in enumerate(steps) if step["name"] or step["url"] is not None)
    if last == 0:
        return SHAPES[resource["resourceType"]]
    return next((place.inner[1] for place in _walk(resource, steps[:last])), None)


def _first_key(resource: dict[str, Any], steps: list[re.Match[str]]) -> str:
    name = steps[0]["name"] or "extension"
    return next((place.key for place in _walk(resource, steps[:1])), name)


def _siblings(shape: Shape, key: str) -> tuple[str, ...]:
    return next((group.members for group in shape.choices if key in group.members), (key,))


def _single(places: list[_Place], where: str) -> _Place:
    if len(places) != 1:
        raise FhirError("fhir.patch_path", where, "the path must lead to exactly one existing element")
    return places[0]


def _top(key: str, where: str) -> str:
    if key in _FORBIDDEN:
        raise FhirError("fhir.patch_path", where, "the identity of a resource cannot be patched")
    return key


def prune(value: Any) -> bool:
    """Remove empty lists and objects, which FHIR forbids, after elements were deleted; True if `value` is
    empty now.
    """
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if isinstance(item, dict | list) and prune(item)]:
            del value[key]
    elif isinstance(value, list):
        value[:] = [item for item in value if not (isinstance(item, dict | list) and prune(item))]
    return not value
