"""The structs against the standard: published profiles with snapshots, and an independent library; and round trips of
published examples and of everything hypothesis can build from the structs."""

import base64
import json
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.model.fhir import RESOURCES, FhirError, check, dump_json, parse_json
from praxisd.model.fhir_shapes import SHAPES, Field, Shape
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml

EXAMPLES = Path("isik-terminplanung/Resources/fsh-generated/resources")
TYPES = {"http://hl7.org/fhirpath/System.String": "string"}


def packages(folder: Path) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Every JSON resource of the FHIR packages: place, content, raw bytes."""
    for archive in sorted((folder / "isik-packages").glob("*.tgz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.endswith(".json") else None
                if file is not None and not member.name.endswith((".index.json", "package/package.json")):
                    raw = file.read()
                    yield f"{archive.name}:{member.name}", json.loads(raw), raw


def round_trip(raw: bytes) -> None:
    resource = parse_json(raw)
    assert json.loads(dump_json(resource)) == json.loads(raw)
    assert parse_json(dump_json(resource)) == resource
    assert parse_xml(to_xml(resource)) == resource


@pytest.mark.foreign_data
def test_examples_of_the_guide_round_trip(foreign_data: Path) -> None:
    done = []
    for file in sorted((foreign_data / EXAMPLES).glob("*.json")):
        raw = file.read_bytes()
        if json.loads(raw)["resourceType"] in RESOURCES:
            round_trip(raw)
            done.append(file.name.split("-")[0])
    assert set(done) >= {
        "Appointment",
        "CapabilityStatement",
        "Communication",
        "HealthcareService",
        "Schedule",
        "Slot",
    }


@pytest.mark.foreign_data
def test_resources_of_the_packages_round_trip(foreign_data: Path) -> None:
    seen: dict[str, int] = {}
    for place, content, raw in packages(foreign_data):
        kind = content.get("resourceType")
        if (
            kind == "Bundle"
        ):  # holds a Composition and others that have no struct: JSON keeps them, XML says so
            assert json.loads(dump_json(parse_json(raw))) == content
            with pytest.raises(FhirError, match=r"fhir\.unknown_type"):
                to_xml(parse_json(raw))
        elif kind in RESOURCES:
            try:
                round_trip(raw)
            except FhirError as wrong:
                pytest.fail(f"{place}: {wrong}")
            seen[kind] = seen.get(kind, 0) + 1
    assert (
        seen["Patient"] >= 11
        and seen["Practitioner"] >= 2
        and seen["Binary"] >= 4
        and seen["CodeSystem"] >= 30
    )


@pytest.mark.foreign_data
def test_structs_equal_published_snapshots(foreign_data: Path) -> None:
    """Element names, order, type, lists and required elements, as the snapshots' base definitions say."""
    compared = set()
    for place, content, _ in packages(foreign_data):
        kind = content.get("type")
        if (
            content.get("resourceType") != "StructureDefinition"
            or kind not in SHAPES
            or "snapshot" not in content
        ):
            continue
        compared.add(kind)
        for path, children in grouped(content["snapshot"]["element"]).items():
            shape = shape_at(SHAPES[kind], path)
            if shape is None:
                continue
            listed = [name for name, _ in children if name in shape.fields or name.endswith("[x]")]
            unknown = [name for name, _ in children if name not in shape.fields and not name.endswith("[x]")]
            assert not unknown, f"{place}: {path} lacks {unknown}"
            ours = [name for name in shape.fields if name in listed]
            assert ours == [name for name in listed if name in ours], f"{place}: order of {path}"
            for name, element in children:
                if name in shape.fields:
                    compare(shape.fields[name], element, f"{place}: {path}.{name}")
    assert compared >= {
        "Appointment",
        "Schedule",
        "Slot",
        "Patient",
        "Practitioner",
        "HealthcareService",
        "Communication",
    }


def grouped(elements: list[dict[str, Any]]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Children by the path of their parent; slices and what profiles constrain inside data types left out."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for element in elements:
        parent, dot, name = element["path"].rpartition(".")
        plain = ":" not in element["id"] and element.get("base", {}).get("path") == element["path"]
        if dot and plain:
            found.setdefault(parent, []).append((name, element))
    return found


def shape_at(shape: Shape, path: str) -> Shape | None:
    for name in path.split(".")[1:]:
        field = shape.fields.get(name)
        if field is None or field.shape is None:
            return None
        shape = field.shape
    return shape


def compare(field: Field, element: dict[str, Any], place: str) -> None:
    assert field.many == (element["base"]["max"] == "*"), place
    assert field.required == (element["base"]["min"] > 0), place
    types = [TYPES.get(entry["code"], entry["code"]) for entry in element.get("type", ())]
    if field.primitive and types and field.name != "id":
        assert field.kind == types[0], place
    if field.kind == "complex" and types and types[0] not in ("BackboneElement", "Element"):
        assert field.shape is not None and field.shape.name == types[0], place


INVENTED_LATER = {"valueCodeableReference", "valueRatioRange"}  # R4B
LEFT_OUT = {
    "valueContributor",
    "valueDataRequirement",
    "valueDosage",
    "valueParameterDefinition",
    "valueTriggerDefinition",
}
INHERITED = {"id", "extension", "modifierExtension", "implicitRules", "language", "meta", "text", "contained"}


def all_shapes() -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    waiting = list(SHAPES.values())
    while waiting:
        shape = waiting.pop()
        if shape.name not in found:
            found[shape.name] = shape
            waiting += [field.shape for field in shape.fields.values() if field.shape is not None]
    return found


STATEMENT = "CapabilityStatement"
# Our names where the library's differ; types that the standard shares between places are compared with each of them.
THEIR_NAMES: dict[str, tuple[str, ...]] = {
    "AvailableTime": ("HealthcareServiceAvailableTime", "PractitionerRoleAvailableTime"),
    "NotAvailable": ("HealthcareServiceNotAvailable", "PractitionerRoleNotAvailable"),
    "CapabilityDocument": (STATEMENT + "Document",),
    "CapabilityImplementation": (STATEMENT + "Implementation",),
    "CapabilityMessaging": (STATEMENT + "Messaging",),
    "CapabilityOperation": (STATEMENT + "RestResourceOperation",),
    "CapabilityResource": (STATEMENT + "RestResource",),
    "CapabilityRest": (STATEMENT + "Rest",),
    "CapabilitySearchParam": (STATEMENT + "RestResourceSearchParam",),
    "CapabilitySecurity": (STATEMENT + "RestSecurity",),
    "CapabilitySoftware": (STATEMENT + "Software",),
    "ConceptProperty": ("CodeSystemConceptProperty",),
    "Designation": ("CodeSystemConceptDesignation", "ValueSetComposeIncludeConceptDesignation"),
    "MessagingEndpoint": (STATEMENT + "MessagingEndpoint",),
    "ResourceInteraction": (STATEMENT + "RestResourceInteraction",),
    "SupportedMessage": (STATEMENT + "MessagingSupportedMessage",),
    "SystemInteraction": (STATEMENT + "RestInteraction",),
    "ValueSetConcept": ("ValueSetComposeIncludeConcept",),
    "ValueSetContains": ("ValueSetExpansionContains",),
    "ValueSetFilter": ("ValueSetComposeIncludeFilter",),
    "ValueSetInclude": ("ValueSetComposeInclude",),
}


@pytest.mark.parametrize("name", sorted(all_shapes()))
def test_order_equals_an_independent_library(name: str) -> None:
    """Elements and their order as in fhir.resources (R4B, equal to R4 for these types)."""
    ours = [n for n in all_shapes()[name].fields if n not in INHERITED]
    for their_name in THEIR_NAMES.get(name, (name,)):
        sequence = get_fhir_model_class(their_name).elements_sequence()
        theirs = [n for n in sequence if n not in INHERITED | INVENTED_LATER | LEFT_OUT]
        assert [n for n in ours if n != "valueMeta"] == [n for n in theirs if n != "valueMeta"], their_name


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\t\r"),
    min_size=1,
)
EXTENSION = st.fixed_dictionaries({"url": st.just("u:x"), "valueString": TEXT})
COMPANION = st.fixed_dictionaries(
    {"id": st.just("i1")}, optional={"extension": st.lists(EXTENSION, min_size=1, max_size=2)}
)
DECIMALS = st.decimals(-(10**9), 10**9, places=3).filter(lambda d: d != 0)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "markdown": TEXT,
    "code": st.from_regex(r"[a-z<=|]+( [a-z]+)?", fullmatch=True),
    "id": st.from_regex(r"[A-Za-z0-9.\-]{1,20}", fullmatch=True),
    "uri": st.from_regex(r"urn:[a-z0-9&<>\"']+", fullmatch=True),
    "url": st.just("https://x.org/?a=b&c=d"),
    "canonical": st.just("http://x.org/a|1.0"),
    "oid": st.just("urn:oid:1.2.276.0"),
    "uuid": st.uuids().map(lambda u: f"urn:uuid:{u}"),
    "base64Binary": st.binary(min_size=3, max_size=9).map(lambda b: base64.b64encode(b).decode()),
    "instant": st.datetimes().map(lambda d: d.isoformat(timespec="milliseconds") + "+02:00"),
    "dateTime": st.sampled_from(
        ["2026", "2026-11", "2026-11-22", "2026-11-22T09:00:00Z", "2026-11-22T09:00:00.10-03:30"]
    ),
    "date": st.sampled_from(["0001", "2026", "2026-11", "2024-02-29"]),
    "time": st.times().map(lambda t: t.replace(tzinfo=None).isoformat(timespec="seconds")),
    "xhtml": TEXT.map(
        lambda t: (
            '<div xmlns="http://www.w3.org/1999/xhtml">'
            + t.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            + "<br/></div>"
        )
    ),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "decimal": DECIMALS | st.integers(-1000, 1000) | st.just(Decimal("1.50")),
}
SMALL = st.sampled_from(
    [{"resourceType": "Organization", "name": "O"}, {"resourceType": "Patient", "active": True}]
)


@st.composite
def objects(draw: st.DrawFn, shape: Shape, depth: int = 0) -> dict[str, Any]:
    """A valid object of a shape: required elements, a few others, one member of a choice at most."""
    value: dict[str, Any] = {"resourceType": shape.name} if shape.is_resource else {}
    taken: set[str] = set()
    members = {name: group for group in shape.choices for name in group.members}
    wanted = [field.name for field in shape.fields.values() if field.required]
    wanted += [draw(st.sampled_from(group.members)) for group in shape.choices if group.required]
    optional = [n for n, f in shape.fields.items() if depth < 3 or f.primitive]
    wanted += draw(st.lists(st.sampled_from(optional), max_size=4 if depth < 2 else 1, unique=True))
    if not wanted and not shape.is_resource:
        wanted = [draw(st.sampled_from([n for n, f in shape.fields.items() if f.primitive]))]
    for name in dict.fromkeys(wanted):
        group = members.get(name)
        if group is not None and group.stem in taken:
            continue
        if group is not None:
            taken.add(group.stem)
        fill(draw, value, shape.fields[name], depth)
    return value


def fill(draw: st.DrawFn, value: dict[str, Any], field: Field, depth: int) -> None:
    if not field.primitive:
        item = objects(field.shape, depth + 1) if field.shape is not None else SMALL
        value[field.name] = draw(st.lists(item, min_size=1, max_size=2) if field.many else item)
        return
    one = st.sampled_from(sorted(field.codes)) if field.codes is not None else PRIMITIVES[field.kind]
    plain = field.attribute or field.kind == "xhtml" or draw(st.integers(0, 3)) > 0
    if not field.many:
        value[field.name] = draw(one)
        if not plain:
            value["_" + field.name] = draw(COMPANION)
            if draw(st.booleans()):
                del value[field.name]
        return
    items = draw(st.lists(one, min_size=1, max_size=3))
    value[field.name] = items
    if not plain:
        value["_" + field.name] = [draw(COMPANION), *(None for _ in items[1:])]
        if len(items) > 1 and draw(st.booleans()):
            items[0] = None


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_everything_valid_round_trips(name: str) -> None:
    @settings(max_examples=25)
    @given(objects(SHAPES[name]))
    def one(resource: dict[str, Any]) -> None:
        check(resource, name)
        assert parse_json(dump_json(resource), name) == resource
        assert parse_xml(to_xml(resource), name) == resource

    one()
