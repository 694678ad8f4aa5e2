"""FHIR shapes: nothing of a resource is lost on the way in and out, and fields and elements never contradict."""

import json
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from praxisd.model import fhir
from praxisd.model.people import Address, Contact, Identifier, Patient, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.model.scheduling import Code
from praxisd.services.directory import fhir_shapes as shapes

WAYS: dict[str, tuple[Any, Any]] = {
    "Patient": (shapes.patient_from_fhir, shapes.patient_to_fhir),
    "Practitioner": (shapes.practitioner_from_fhir, shapes.practitioner_to_fhir),
    "Location": (shapes.location_from_fhir, lambda one: shapes.location_to_fhir(one, "north")),
    "Organization": (shapes.organization_from_fhir, shapes.organization_to_fhir),
}
HARD = {
    "resourceType": "Patient",
    "id": "hard-1",
    "meta": {"versionId": "7", "profile": ["https://example.org/p"], "tag": [{"code": "x"}]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Fürstin</div>'},
    "extension": [{"url": "https://example.org/e", "valueDecimal": 1}],
    "identifier": [{"use": "official", "value": "17", "assigner": {"display": "Kasse"}}, {"system": "urn:x"}],
    "active": True,
    "_active": {"id": "a1"},
    "name": [
        {"use": "maiden", "family": "Gabler"},
        {
            "use": "official",
            "text": "Fürstin von Musterfrau",
            "family": "von Musterfrau",
            "_family": {"extension": [{"url": "https://example.org/f", "valueString": "von"}]},
            "given": ["Erika", "Anna-Lena"],
            "prefix": ["Dr."],
            "period": {"start": "1990"},
        },
    ],
    "telecom": [{"system": "phone", "value": "0171 1", "use": "mobile", "rank": 1}, {"system": "email", "value": "a@b.de"}],
    "gender": "other",
    "_gender": {"extension": [{"url": "http://fhir.de/gender", "valueCode": "D"}]},
    "birthDate": "1964-08",
    "deceasedDateTime": "2020-01-02T10:00:00+01:00",
    "address": [{"type": "both", "line": ["Musterweg 2"], "_line": [None], "city": "Ort", "postalCode": "01234"}],
    "multipleBirthInteger": 2,
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "tr"}], "text": "Türkisch"}}],
    "link": [{"other": {"reference": "Patient/x"}, "type": "seealso"}],
}  # fmt: skip


def subset(inner: Any, outer: Any) -> bool:
    """True if all of `inner` stands in `outer` unchanged; lists may only have grown at their end."""
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(k in outer and subset(v, outer[k]) for k, v in inner.items())
    if isinstance(inner, list):
        return isinstance(outer, list) and outer[: len(inner)] == inner
    return bool(inner == outer)


def without_version(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest


def test_a_hard_patient_comes_back_whole() -> None:
    fhir.check(HARD, "Patient")
    patient = shapes.patient_from_fhir(HARD)
    assert (patient.family, patient.given, patient.prefix) == ("von Musterfrau", "Erika Anna-Lena", "Dr.")
    assert (patient.birth_date, str(patient.deceased), patient.language) == ("1964-08", "2020-01-02", "tr")
    assert (patient.mobile, patient.email) == ("0171 1", "a@b.de")
    again = shapes.patient_to_fhir(patient)
    assert subset(without_version(HARD), again)
    assert again["meta"]["versionId"] == "1"
    fhir.check(again, "Patient")


def test_a_changed_field_changes_its_element_and_nothing_else() -> None:
    patient = shapes.patient_from_fhir(HARD)
    changed = shapes.without_narrative(msgspec.structs.replace(patient, family="Neu", gender="female"))
    out = shapes.patient_to_fhir(changed)
    assert out["name"] == [
        {"use": "maiden", "family": "Gabler"},
        {"use": "official", "family": "Neu", "given": ["Erika", "Anna-Lena"], "prefix": ["Dr."], "period": {"start": "1990"}},
    ]  # fmt: skip
    assert (out["gender"], "_gender" in out, "text" in out) == ("female", False, False)
    kept = {
        k: v for k, v in HARD.items() if k not in ("name", "gender", "_gender", "text", "meta", "identifier")
    }
    assert subset(kept, out)
    fhir.check(out, "Patient")


def test_every_patient_fulfils_the_isik_profile() -> None:
    out = shapes.patient_to_fhir(Patient(id="p1", family="Müller", given="Anna"))
    (number,) = out["identifier"]
    assert number["type"]["coding"][0]["code"] == "MR" and number["value"] == "p1" and number["system"]
    assert out["name"] == [{"use": "official", "family": "Müller", "given": ["Anna"]}]
    assert out["gender"] == "unknown"
    assert out["_birthDate"]["extension"][0]["valueCode"] == "unknown"
    fhir.check(out, "Patient")


def test_a_number_from_elsewhere_is_the_patient_number() -> None:
    own = {
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
        "value": "4711",
    }
    out = shapes.patient_to_fhir(
        shapes.patient_from_fhir({"resourceType": "Patient", "id": "x", "identifier": [own]})
    )
    assert out["identifier"] == [own]


def test_portals_patients_are_marked_and_merged_ones_linked() -> None:
    out = shapes.patient_to_fhir(Patient(id="p", family="A", portal="red", merged_into="q", active=False))
    assert out["meta"]["tag"] == [
        {"system": "http://fhir.de/CodeSystem/common-meta-tag-de", "code": "external"}
    ]
    assert out["link"] == [{"other": {"reference": "Patient/q"}, "type": "replaced-by"}]
    assert out["active"] is False


def test_exact_numbers_stay_exact() -> None:
    body = b'{"resourceType":"Location","id":"l1","name":"Raum","position":{"longitude":13.10,"latitude":52.500}}'
    place = shapes.location_from_fhir(fhir.parse_json(body, "Location"))
    stored = msgspec.json.decode(msgspec.json.encode(place), type=Location)
    assert b'"longitude":13.10,"latitude":52.500' in fhir.dump_json(shapes.location_to_fhir(stored, "north"))


TEXTS = st.text(
    alphabet=st.characters(exclude_characters="\ufffe\uffff", exclude_categories=("Cs", "Cc")),
    min_size=1,
    max_size=20,
).filter(lambda text: bool(text.strip()))
CODES = st.builds(Code, code=st.sampled_from(["a", "b c"]), system=st.sampled_from([None, "urn:x"]))
PATIENTS = st.builds(
    Patient,
    id=st.just("p1"),
    family=TEXTS,
    given=st.one_of(st.just(""), TEXTS, st.sampled_from(["Anna  Maria", " A", "A\u00a0B", "A B"])),
    prefix=st.one_of(st.none(), TEXTS),
    birth_date=st.sampled_from([None, "1980", "1980-05", "1980-05-17"]),
    gender=st.sampled_from([None, "male", "female", "other"]),
    deceased=st.one_of(st.none(), st.dates()),
    telecom=st.lists(st.builds(Contact, system=st.sampled_from(["phone", "email"]), value=TEXTS), max_size=3).map(tuple),
    identifiers=st.lists(st.builds(Identifier, value=TEXTS, type=st.one_of(st.none(), CODES)), max_size=2).map(tuple),
    address=st.lists(st.builds(Address, city=TEXTS, line=st.lists(TEXTS, max_size=2).map(tuple)), max_size=2).map(tuple),
    language=st.sampled_from([None, "de", "de-CH"]),
    active=st.booleans(),
)  # fmt: skip


@given(PATIENTS)
def test_fields_survive_fhir(patient: Patient) -> None:
    out = shapes.patient_to_fhir(patient)
    fhir.check(out, "Patient")
    again = shapes.patient_from_fhir(json.loads(fhir.dump_json(out)))
    extra = {} if again.extra is UNSET else json.loads(again.extra)
    assert set(extra) <= {"_birthDate", "gender"}
    expected = msgspec.structs.replace(patient, gender=patient.gender or "unknown")
    assert msgspec.structs.replace(again, extra=UNSET) == expected


@given(
    st.builds(
        Practitioner, id=st.just("d1"), family=TEXTS, given=TEXTS, active=st.booleans(),
        specialties=st.lists(CODES, max_size=3).map(tuple),
    )
)  # fmt: skip
def test_practitioners_survive_fhir(one: Practitioner) -> None:
    out = shapes.practitioner_to_fhir(one)
    fhir.check(out, "Practitioner")
    assert shapes.practitioner_from_fhir(out) == one


@given(
    st.builds(
        Location, id=st.just("l1"), name=TEXTS, kind=st.sampled_from([None, "chair", "room", "site"]),
        part_of=st.sampled_from([None, "l0"]), active=st.booleans(),
    )
)  # fmt: skip
def test_places_survive_fhir(one: Location) -> None:
    out = shapes.location_to_fhir(one, "north")
    fhir.check(out, "Location")
    again = shapes.location_from_fhir(out)
    assert msgspec.structs.replace(again, extra=UNSET) == one
    assert out["managingOrganization"] == {"reference": "Organization/north"}


def test_the_practice_in_fhir() -> None:
    practice = Organization(id="north", name="Praxis", telecom=(Contact(system="phone", value="030 1"),))
    out = shapes.organization_to_fhir(practice)
    fhir.check(out, "Organization")
    assert shapes.organization_from_fhir(out) == practice


@pytest.mark.foreign_data
def test_all_foreign_examples_come_back_whole(foreign_data: Path) -> None:
    seen = 0
    for archive in sorted((foreign_data / "isik-packages").glob("*.tgz")):
        with tarfile.open(archive) as packed:
            for member in packed.getmembers():
                if "/example" not in member.name.lower() or not member.name.endswith(".json"):
                    continue
                file = packed.extractfile(member)
                assert file is not None
                resource = fhir.load_json(file.read())
                ways = WAYS.get(resource.get("resourceType"))
                if ways is None:
                    continue
                seen += 1
                stored = ways[0](resource)
                again = msgspec.json.decode(msgspec.json.encode(stored), type=type(stored))
                assert again == stored
                assert subset(without_version(resource), ways[1](again)), member.name
    assert seen >= 10
