"""The directory on the FHIR door and at import, on both engines."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import zone
from praxisd.kernel.service import FhirPage
from praxisd.model import fhir
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.fhir_search import parse_search
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml
from praxisd.services.directory import api, fhir_shapes
from praxisd.services.directory.imports import KNOWN, MAYBE_KNOWN, NAMELESS, REPLACED, UNRESOLVED

from .directory_cast import (
    BLUE,
    DESK,
    FHIR,
    PARTNER,
    RED,
    SERVICES,
    SOUTH,
    ask,
    call_of,
    found_practice,
    refused,
)

BERLIN = zone("Europe/Berlin")
PATIENT = {
    "resourceType": "Patient",
    "id": "PatientinMinimal",
    "identifier": [{"system": "https://example.org/pid", "value": "P1"}],
    "name": [
        {"use": "official", "family": "Müller", "given": ["Anna", "Lena"], "prefix": ["Dr."]},
        {"use": "maiden", "family": "Gabler"},
    ],
    "telecom": [{"system": "phone", "value": "0171 2345678"}],
    "gender": "female",
    "birthDate": "1957-08-12",
    "multipleBirthBoolean": False,
}


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    found_practice(house)
    found_practice(house, "south")
    return house


def search(house: House, type_: str, who: Actor, **asked: str) -> FhirPage:
    resource = FHIR[type_]
    who.require(resource.read_permission)
    names = {p.name for p in resource.params}
    pairs = [(k.replace("__", ":"), v) for k, v in asked.items()]
    query = parse_search(pairs, type_, BERLIN, now=0, supported=names)
    assert not query.unknown
    return resource.search(call_of(house, who), query)


def ids(page: FhirPage) -> list[str]:
    return [one["id"] for one in page.resources]


def create(house: House, who: Actor, resource: dict[str, Any]) -> Any:
    patient = FHIR["Patient"]
    assert patient.create is not None and patient.create_permission is not None
    who.require(patient.create_permission)
    with house.store.write(who) as tx:
        return patient.create(
            call_of(house, who, tx), fhir.parse_json(json.dumps(resource).encode(), "Patient")
        )


def import_(
    house: House, resource: dict[str, Any], organization: str = "north", **given: Any
) -> api.Imported:
    work = getattr(api, f"import_{resource['resourceType'].lower()}")
    return house.store.run(system("import", organization), lambda tx: work(tx, resource, **given))


def test_create_and_read(house: House) -> None:
    made = create(house, DESK, PATIENT)
    assert made.status == 201 and made.resource["id"] != PATIENT["id"]  # FHIR: the server gives the id
    again = FHIR["Patient"].read(call_of(house, DESK), made.resource["id"])
    assert again == made.resource
    fhir.check(again, "Patient")
    assert again["multipleBirthBoolean"] is False and again["name"] == PATIENT["name"]
    twice = create(house, DESK, PATIENT)
    assert (twice.status, twice.resource["id"]) == (200, made.resource["id"])
    refused("http.not_found", lambda: FHIR["Patient"].read(call_of(house, SOUTH), again["id"]), 404)


def test_a_portal_gets_its_own_words_back_and_nothing_else(house: House) -> None:
    (known, _) = import_(house, {**PATIENT, "address": [{"city": "Canary"}]})
    told = create(house, RED, {**PATIENT, "photo": [{"title": "mine"}]})
    alias = told.resource["id"]
    assert told.status == 201 and alias != known
    assert told.resource["photo"] == [{"title": "mine"}] and "address" not in told.resource
    assert told.resource["meta"]["tag"][0]["code"] == "external"
    assert known not in json.dumps(told.resource)
    assert FHIR["Patient"].read(call_of(house, RED), alias) == told.resource
    for who, id_ in ((BLUE, alias), (RED, known), (DESK, alias)):
        refused("http.not_found", lambda w=who, i=id_: FHIR["Patient"].read(call_of(house, w), i), 404)  # type: ignore[misc]
    assert ids(search(house, "Patient", RED)) == [alias]
    assert ids(search(house, "Patient", RED, family="müll", birthdate="1957-08-12")) == [alias]
    assert ids(search(house, "Patient", RED, _id=known)) == []
    assert ids(search(house, "Patient", BLUE)) == []
    assert ids(search(house, "Patient", DESK)) == [known]
    assert "photo" not in search(house, "Patient", DESK).resources[0]  # the practice's record is its own
    refused(
        "directory.patient_incomplete",
        lambda: create(house, RED, {k: v for k, v in PATIENT.items() if k != "birthDate"}),
    )
    with house.store.read(RED) as tx:
        assert api.resolve(tx, alias) == known


def test_search(house: House) -> None:
    anna = import_(house, PATIENT)[0]
    other = {
        **PATIENT,
        "id": "b",
        "name": [{"family": "Groß", "given": ["Peter"]}],
        "birthDate": "1980-05",
        "telecom": [],
    }
    peter = import_(house, {**other, "gender": "male", "identifier": [], "active": False})[0]

    def hits(**asked: str) -> list[str]:
        return ids(search(house, "Patient", DESK, **asked))

    both = sorted([anna, peter])
    assert sorted(hits()) == both
    assert hits(family="mull") == hits(family="MÜL") == hits(family="gabl") == hits(name="dr") == [anna]
    assert hits(family="gross") == hits(family="Groß") == [peter]
    assert hits(given="lena") == hits(given__exact="Lena") == [anna]
    assert hits(given__exact="lena") == []
    assert hits(family__contains="ülle") == hits(name__contains="abl") == [anna]
    assert sorted(hits(family="gross,müller")) == both
    assert hits(birthdate="1957-08-12") == hits(birthdate="1957") == hits(birthdate="lt1960") == [anna]
    assert hits(birthdate="1980-05") == hits(birthdate="ge1980") == [peter]
    assert hits(birthdate="1957-08-13") == []
    assert (
        hits(identifier="https://example.org/pid|P1")
        == hits(identifier="P1")
        == hits(gender="female")
        == [anna]
    )
    assert hits(identifier=f"{fhir_shapes.PATIENT_NUMBER}|{peter}") == [peter]
    assert hits(active="false") == hits(_id=peter) == [peter]
    assert (
        hits(phone="0171 2345678") == hits(telecom="0171 2345678") == hits(telecom__missing="false") == [anna]
    )
    assert hits(family="müller", birthdate="1980") == []
    assert sorted(hits(_id=f"{anna},{peter},nobody")) == both

    page = search(house, "Patient", DESK, _count="1")
    assert (ids(page), page.total, page.next) == (both[:1], 2, both[0])
    rest = search(house, "Patient", DESK, _count="1", _cursor=str(page.next))
    assert (ids(rest), rest.next) == (both[1:], None)
    page = search(house, "Patient", DESK, telecom__missing="false", _count="1")
    assert (ids(page), page.total, page.next) == ([anna], None, None)
    page = search(house, "Patient", DESK, telecom__missing="false", _count="1", _total="accurate")
    assert (ids(page), page.total, page.next) == ([anna], 1, None)
    page = search(house, "Patient", DESK, family="müller,gross", _count="1")
    assert (ids(page), page.total, page.next) == (both[:1], None, both[0])
    rest = search(house, "Patient", DESK, family="müller,gross", _count="1", _cursor=str(page.next))
    assert (ids(rest), rest.next) == (both[1:], None)
    nothing = search(house, "Patient", DESK, gender="male", _count="0")
    assert (list(nothing.resources), nothing.total) == ([], 1)
    empty = search(house, "Patient", DESK, _count="0")
    assert (list(empty.resources), empty.total, empty.next) == ([], 2, None)


def test_the_service_partner_sees_masks(house: House) -> None:
    id_ = import_(house, PATIENT)[0]
    (shown,) = search(house, "Patient", PARTNER).resources
    assert shown["name"] == [{"use": "official", "family": "•••", "given": ["•••"]}] and shown["id"] == id_
    for secret in ("Müller", "1957", "0171", "Gabler", "https://example.org/pid", "female"):
        assert secret not in json.dumps(shown, ensure_ascii=False)
    fhir.check(shown, "Patient")
    for asked in (
        {"family": "Müller"},
        {"birthdate": "1957"},
        {"gender": "female"},
        {"phone": "0171 2345678"},
    ):
        refused("directory.search_masked", lambda a=asked: search(house, "Patient", PARTNER, **a), 403)  # type: ignore[misc]
    assert ids(search(house, "Patient", PARTNER, identifier="P1")) == []
    assert ids(search(house, "Patient", PARTNER, _id=id_)) == [id_]


def test_practitioners_places_and_the_practice(house: House) -> None:
    walter = {
        "resourceType": "Practitioner", "id": "walter", "name": [{"use": "official", "family": "Arzt", "given": ["Walter"]}],
        "qualification": [{"code": {"coding": [{"system": "http://snomed.info/sct", "code": "112247003"}]}}],
        "_birthDate": {"extension": [{"url": "https://example.org/e", "valueCode": "masked"}]},
    }  # fmt: skip
    assert import_(house, walter, released=True) == ("walter", ())
    assert import_(house, {**walter, "id": "shut"}) == ("shut", ())
    assert import_(house, {"resourceType": "Location", "id": "haus", "name": "Haus"}, released=True) == (
        "haus",
        (),
    )
    raum = {
        "resourceType": "Location",
        "id": "raum",
        "status": "suspended",
        "partOf": {"reference": "Location/haus"},
    }
    assert import_(house, raum) == ("raum", (NAMELESS,))
    lost = {"resourceType": "Location", "id": "x", "name": "X", "partOf": {"reference": "Location/nowhere"}}
    assert import_(house, lost) == ("x", (UNRESOLVED,))
    klinik = {
        "resourceType": "Organization",
        "id": "klinik",
        "name": "Klinik",
        "partOf": {"reference": "Organization/y"},
    }
    assert import_(house, klinik) == ("klinik", ())
    assert import_(house, {**klinik, "id": "north"}) == ("north", (KNOWN,))

    read = {type_: FHIR[type_].read for type_ in FHIR}
    assert read["Practitioner"](call_of(house, RED), "walter")["qualification"] == walter["qualification"]
    assert read["Location"](call_of(house, DESK), "x")["partOf"] == lost["partOf"]
    assert read["Location"](call_of(house, DESK), "raum")["status"] == "suspended"
    assert read["Organization"](call_of(house, DESK), "klinik")["partOf"] == klinik["partOf"]
    assert read["Organization"](call_of(house, RED), "north")["name"] == "Praxis north"
    for type_, id_ in (("Practitioner", "shut"), ("Location", "raum"), ("Organization", "klinik")):
        refused("http.not_found", lambda t=type_, i=id_: read[t](call_of(house, RED), i), 404)  # type: ignore[misc]
        refused("http.not_found", lambda t=type_, i=id_: read[t](call_of(house, SOUTH), i), 404)  # type: ignore[misc]
    assert ids(search(house, "Practitioner", RED)) == ["walter"]
    assert ids(search(house, "Practitioner", DESK, name="walt", active="true")) == ["shut", "walter"]
    assert ids(search(house, "Location", RED)) == ["haus"]
    assert ids(search(house, "Location", DESK, partof="Location/haus")) == ["raum"]
    assert ids(search(house, "Location", DESK, status="suspended")) == ["raum"]
    assert ids(search(house, "Location", DESK, organization="north")) == ["haus", "raum", "x"]
    assert ids(search(house, "Organization", RED)) == ["north"]
    assert ids(search(house, "Organization", DESK, name="kli")) == ["klinik"]
    with house.store.read(system("t")) as tx:
        assert api.organization_ids(tx) == ["north", "south"]


def test_an_import_can_be_repeated(house: House) -> None:
    assert import_(house, PATIENT) == ("PatientinMinimal", ())
    assert import_(house, PATIENT) == ("PatientinMinimal", (KNOWN,))
    assert import_(house, {**PATIENT, "id": "other"}) == (
        "PatientinMinimal",
        (KNOWN,),
    )  # certainly the same person
    doctor = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "A"}]}
    assert [import_(house, doctor) for _ in range(2)] == [("d", ()), ("d", (KNOWN,))]
    changed = {**doctor, "name": [{"family": "B"}]}
    new, warnings = import_(house, changed)
    assert new != "d" and warnings == (REPLACED,)


def test_ids_are_kept_only_if_free_in_the_whole_installation(house: House) -> None:
    import_(house, PATIENT)
    new, warnings = import_(house, PATIENT, "south")
    assert new != PATIENT["id"] and warnings == (REPLACED,)
    shown = FHIR["Patient"].read(call_of(house, SOUTH), new)
    assert {"system": fhir_shapes.IMPORTED_ID, "value": "PatientinMinimal"} in shown["identifier"]
    alias = create(house, RED, {**PATIENT, "birthDate": "1999-01-01"}).resource["id"]
    taken, _ = import_(house, {**PATIENT, "id": alias, "birthDate": "2001-01-01"}, "south")
    assert taken != alias
    word, _ = import_(house, {**PATIENT, "id": "matches", "birthDate": "1990-01-01", "telecom": []})
    assert word != "matches"


def test_a_doubtful_import_waits_for_a_person(house: House) -> None:
    import_(house, PATIENT)
    id_, warnings = import_(
        house, {**PATIENT, "id": "p2", "telecom": [{"system": "phone", "value": "030 999999"}]}
    )
    assert (id_, warnings) == ("p2", (MAYBE_KNOWN,))
    assert ask(house, "matches.list", DESK)["matches"][0]["patient"]["id"] == "p2"
    nameless, warnings = import_(house, {"resourceType": "Patient", "id": "p3"})
    assert (nameless, warnings) == ("p3", (NAMELESS,))


def _naughty(foreign_data: Path) -> list[str]:
    return list(
        dict.fromkeys(json.loads((foreign_data / "names/blns/blns.json").read_text(encoding="utf-8")))
    )


@pytest.mark.foreign_data
def test_naughty_names_survive_or_are_refused(house: House, foreign_data: Path) -> None:
    """Store → REST → FHIR JSON → FHIR XML and back: unchanged, or a clear 4xx and nothing stored."""
    kept = refusals = 0
    for n, text in enumerate([*_naughty(foreign_data), "A\x00B", "A\x1bB", "\ufffe", "x" * 1001]):
        born = date.fromordinal(date(1900, 1, 1).toordinal() + n * 40).isoformat()  # so that few are alike
        told = {"family": text, "given": "A", "birthDate": born}
        if not text.strip():
            refused(
                "directory.patient_incomplete", lambda t=told: ask(house, "patients.create", DESK, t), 422
            )  # type: ignore[misc]
            refusals += 1
        elif FORBIDDEN_CHARACTERS.search(text) or len(text) > 1000:
            refused("directory.text_invalid", lambda t=told: ask(house, "patients.create", DESK, t), 422)  # type: ignore[misc]
            refusals += 1
        else:
            id_ = ask(house, "patients.create", DESK, told)["id"]
            assert ask(house, "patients.read", DESK, id=id_)["family"] == text
            resource = FHIR["Patient"].read(call_of(house, DESK), id_)
            assert fhir.parse_json(fhir.dump_json(resource), "Patient")["name"][0]["family"] == text
            assert parse_xml(to_xml(resource))["name"][0]["family"] == text
            found = ask(house, "patients.search", DESK, {"family": text, "birthDate": born})["patients"]
            assert id_ in [one["id"] for one in found]
            kept += 1
    assert kept > 300 and refusals >= 5
