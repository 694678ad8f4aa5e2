"""FHIR R4 XML to the JSON form (FHIR R4 xml.html, json.html): safe parsing, then a walk along the structs.

Document types are refused, so there are no entities and nothing outside is ever fetched. The encoding is
UTF-8, as the standard demands. Comments, white space, processing instructions and schema hints are passed
over; the order of elements is not insisted on. Everything else that is not FHIR is refused.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

from praxisd.model.fhir_datatypes import Element
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_narrative import XHTML
from praxisd.model.fhir_shapes import SHAPES, Field, Shape, shape_of
from praxisd.model.fhir_validation import check
from praxisd.model.fhir_xml import FHIR

MAX_DEPTH = 200  # XML elements inside each other; bounds the recursion of the walk below
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
_ELEMENT = shape_of(Element)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class _Node:
    """One XML element; `source` is the narrative's own text when the element is an XHTML div."""

    __slots__ = ("attributes", "children", "name", "source")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[_Node] = []
        self.source: str | None = None


def parse_xml(data: bytes, expected: str | Collection[str] | None = None) -> dict[str, Any]:
    """Read and check one resource; returns the same dict that `parse_json` gives for its JSON form.

    Raises FhirError: fhir.syntax, fhir.too_deep, fhir.unknown_type, fhir.unknown_element, and those of
    `check`.
    """
    root = _Tree(data).root
    resource = _resource(root, root.name)
    check(resource, expected)
    return resource


def bundle_entries(data: bytes) -> Iterator[tuple[str | None, dict[str, Any] | FhirError]]:
    """(fullUrl, resource or what is wrong with it) of each entry of a Bundle, so that one fault spoils only itself; a
    document that is no Bundle is its own only entry. Resources are read, not yet checked.

    Raises FhirError for what is no XML at all.
    """
    root = _Tree(data).root
    found: list[tuple[str | None, _Node | None]] = [(None, root)]
    if root.name == "Bundle":
        found = []
        for entry in (child for child in root.children if child.name == "entry"):
            parts = {child.name: child for child in entry.children}
            url = parts["fullUrl"].attributes.get("value") if "fullUrl" in parts else None
            inner = parts["resource"].children if "resource" in parts else []
            found.append((url, inner[0] if len(inner) == 1 else None))
    for url, node in found:
        try:
            if node is None:
                raise FhirError("fhir.invalid", "Bundle.entry.resource", "expected exactly one resource")
            yield url, _resource(node, node.name)
        except FhirError as error:
            yield url, error


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a Bundle that came from elsewhere. `status`, `location`, `outcome`: of its response, if it has one.

    `resource`: as `parse_xml` gives it but not checked, or what is wrong with it; None where there is none.
    """

    id: str | None
    full_url: str
    resource: dict[str, Any] | FhirError | None
    status: str
    location: str
    outcome: dict[str, Any] | FhirError | None


@dataclass(frozen=True, slots=True)
class Parts:
    """A Bundle from elsewhere. `links`: addresses by relation, of the Bundle itself."""

    type: str
    links: dict[str, str]
    parts: tuple[Part, ...]


def bundle_parts(data: bytes) -> Parts | None:
    """A Bundle, read so that a fault spoils only its own entry; None if it is another resource.

    Raises FhirError for what is no FHIR XML at all.
    """
    root = _Tree(data).root
    if root.name != "Bundle":
        return None
    links: dict[str, str] = {}
    parts: list[Part] = []
    for child in root.children:
        if child.name == "link":
            links[_text(child, "relation")] = _text(child, "url")
        elif child.name == "entry":
            answer = next((one for one in child.children if one.name == "response"), _Node("response", {}))
            parts.append(
                Part(
                    child.attributes.get("id"),
                    _text(child, "fullUrl"),
                    _carried(child, "resource"),
                    _text(answer, "status"),
                    _text(answer, "location"),
                    _carried(answer, "outcome"),
                )
            )
    return Parts(_text(root, "type"), links, tuple(parts))


def _text(node: _Node, name: str) -> str:
    """The value of a primitive child, or nothing."""
    return next((one.attributes.get("value", "") for one in node.children if one.name == name), "")


def _carried(node: _Node, name: str) -> dict[str, Any] | FhirError | None:
    """The resource inside a child, or what is wrong with it."""
    for one in node.children:
        if one.name == name:
            try:
                if len(one.children) != 1:
                    raise FhirError("fhir.invalid", f"Bundle.entry.{name}", "expected exactly one resource")
                return _resource(one.children[0], one.children[0].name)
            except FhirError as error:
                return error
    return None


class _Tree:
    """Parses the document into nodes, with every danger of XML switched off."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stack: list[_Node] = []
        self.found: _Node | None = None
        self.div_depth = 0
        self.div_start = 0
        parser = self.parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        parser.ExternalEntityRefHandler = self.refuse
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # expat believes such a mark more than us
            raise FhirError("fhir.syntax", "", "FHIR XML is written in UTF-8")
        try:
            parser.Parse(data, True)
        except expat.ExpatError as wrong:
            place = f"line {wrong.lineno}, column {wrong.offset}"
            raise FhirError(
                "fhir.syntax", "", f"the body is not well-formed XML in UTF-8 ({place})"
            ) from wrong
        if self.found is None:
            raise FhirError("fhir.syntax", "", "the body holds no XML element")
        self.root: _Node = self.found

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "UTF8", "US-ASCII"):
            raise FhirError("fhir.syntax", "", "FHIR XML is written in UTF-8")

    def refuse(self, *_: object) -> int:
        raise FhirError("fhir.syntax", "", "document types and entities are not allowed")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.div_depth:
            self.div_depth += 1
            self.check_prefix(name)
            return
        if len(self.stack) >= MAX_DEPTH:
            raise FhirError("fhir.too_deep", "", f"more than {MAX_DEPTH} XML elements inside each other")
        space, local, *_ = name.split(" ") if " " in name else ("", name)
        if space == XHTML and local == "div" and self.stack:
            self.check_prefix(name)
            node = _Node("div", {})
            self.div_depth, self.div_start = 1, self.parser.CurrentByteIndex
        elif space != FHIR:
            raise FhirError(
                "fhir.syntax", self.path(local), "the element is not in the namespace http://hl7.org/fhir"
            )
        else:
            node = _Node(local, attributes)
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.found = node
        self.stack.append(node)

    def check_prefix(self, name: str) -> None:
        """The narrative is cut out as it stands, so it must not lean on prefixes declared around it."""
        if name.count(" ") > 1:
            raise FhirError(
                "fhir.syntax", self.path("div"), "XHTML must use the default namespace, not a prefix"
            )

    def end(self, _name: str) -> None:
        if self.div_depth:
            self.div_depth -= 1
            if self.div_depth:
                return
            self.stack[-1].source = self.cut()
        self.stack.pop()

    def cut(self) -> str:
        """The div's own text. The parser stands at `</div>`, or behind an empty `<div .../>`."""
        stop = self.parser.CurrentByteIndex
        if self.data.startswith(b"</div", stop):
            stop = self.data.index(b">", stop) + 1
        source = self.data[self.div_start : stop].decode()
        if f'"{XHTML}"' not in source.split(">", 1)[0] and f"'{XHTML}'" not in source.split(">", 1)[0]:
            raise FhirError(
                "fhir.syntax", self.path("div"), "the div must declare the XHTML namespace itself"
            )
        return source

    def text(self, content: str) -> None:
        if not self.div_depth and content.strip():
            raise FhirError("fhir.syntax", self.path(""), "text is only allowed in attributes")

    def path(self, last: str) -> str:
        return ".".join([node.name for node in self.stack] + [last]).rstrip(".")


def _resource(node: _Node, path: str) -> dict[str, Any]:
    shape = SHAPES.get(node.name)
    if shape is None:
        raise FhirError("fhir.unknown_type", path, "this resource type is not supported here")
    return {"resourceType": node.name, **_object(node, shape, path)}


def _object(node: _Node, shape: Shape, path: str) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for attribute, content in node.attributes.items():
        field = shape.fields.get(attribute)
        if field is not None and field.attribute:
            value[attribute] = content
        elif not attribute.startswith(_SCHEMA + " "):
            raise FhirError("fhir.unknown_element", f"{path}.@{attribute}", "an unknown attribute")
    companions: dict[str, list[Any]] = {}
    for child in node.children:
        field = shape.fields.get(child.name)
        where = f"{path}.{child.name}"
        if field is None or field.attribute:
            raise FhirError("fhir.unknown_element", where, "an element that FHIR R4 does not have here")
        if not field.primitive:
            _place(value, field, _complex(child, field, where), where)
            continue
        content, companion = _primitive(child, field, where)
        if field.many:
            value.setdefault(field.name, []).append(content)
            companions.setdefault(field.name, []).append(companion)
            continue
        if field.name in value or "_" + field.name in value:
            raise FhirError("fhir.invalid", where, "this element may come only once")
        if content is not None:
            value[field.name] = content
        if companion is not None:
            value["_" + field.name] = companion
    for name, items in companions.items():
        if any(item is not None for item in items):
            value["_" + name] = items
        if all(item is None for item in value[name]):
            del value[name]
    return value


def _place(value: dict[str, Any], field: Field, content: Any, path: str) -> None:
    if field.many:
        value.setdefault(field.name, []).append(content)
    elif field.name in value:
        raise FhirError("fhir.invalid", path, "this element may come only once")
    else:
        value[field.name] = content


def _complex(node: _Node, field: Field, path: str) -> dict[str, Any]:
    if field.shape is not None:
        return _object(node, field.shape, path)
    if len(node.children) != 1 or node.attributes:
        raise FhirError("fhir.invalid", path, "expected exactly one resource")
    return _resource(node.children[0], path)


def _primitive(node: _Node, field: Field, path: str) -> tuple[Any, dict[str, Any] | None]:
    """Value (None when only extensions are there) and companion (None when there is neither id nor
    extension).
    """
    if field.kind == "xhtml" or node.source is not None:
        if field.kind != "xhtml" or node.source is None:
            raise FhirError("fhir.invalid", path, "expected an XHTML div")
        return node.source, None
    attributes = dict(node.attributes)
    text = attributes.pop("value", None)
    companion = None
    if attributes or node.children:
        rest = _Node(node.name, attributes)
        rest.children = node.children
        companion = _object(rest, _ELEMENT, path)
    if text is None and companion is None:
        raise FhirError("fhir.invalid", path, "an element must have a value or extensions")
    return (None if text is None else _value(text, field.kind, path)), companion


def _value(text: str, kind: str, path: str) -> Any:
    if kind == "boolean":
        if text not in ("true", "false"):
            raise FhirError("fhir.invalid", path, "expected true or false")
        return text == "true"
    if kind in ("integer", "unsignedInt", "positiveInt"):
        if not _INTEGER.fullmatch(text):
            raise FhirError("fhir.invalid", path, f"not a valid {kind}")
        return int(text)
    if kind == "decimal":
        if not _NUMBER.fullmatch(text) or len(text) > 100:
            raise FhirError("fhir.invalid", path, "not a valid decimal")
        try:
            return int(text) if _INTEGER.fullmatch(text) else Decimal(text)
        except InvalidOperation as wrong:
            raise FhirError("fhir.invalid", path, "not a valid decimal") from wrong
    return text
