"""Booking portals and patients, on both engines: each sees only what it said itself, under ids of its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.model.people import Patient
from praxisd.services.directory import api

from .directory_cast import (
    BLUE,
    DESK,
    RED,
    SERVICES,
    ask,
    claim,
    found_practice,
    refused,
    whole_database,
)

ANNA = {"family": "Müller", "given": "Anna", "birthDate": "1980-05-17", "phone": "0171 2345678"}


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    found_practice(house)
    found_practice(house, "south")
    return house


def put(house: House, who: Any = DESK, **fields: Any) -> str:
    fields = {"family": "Müller", "given": "Anna", "birth_date": "1980-05-17", **fields}
    return house.store.run(who, lambda tx: api.put_patient(tx, Patient(**fields)))


def count(house: House, who: Any = DESK) -> int:
    return len(ask(house, "patients.search", who, {"limit": 200})["patients"])


def test_a_portal_sees_only_what_it_said_under_its_own_id(house: House) -> None:
    known = ask(house, "patients.create", DESK, {**ANNA, "note": "Canary", "email": "canary@example.org"})[
        "id"
    ]
    told = ask(house, "patients.create", RED, ANNA)
    assert told["_status"] == 201 and told["id"] != known
    assert "Canary" not in str(told) and "canary" not in str(told)
    assert not {"unconfirmed", "mergedInto", "portal"} & told.keys()
    assert count(house) == 1

    assert ask(house, "patients.read", RED, id=told["id"])["family"] == "Müller"
    refused("http.not_found", lambda: ask(house, "patients.read", RED, id=known), 404)
    refused("http.not_found", lambda: ask(house, "patients.read", BLUE, id=told["id"]), 404)
    refused("http.not_found", lambda: ask(house, "patients.read", DESK, id=told["id"]), 404)
    other_north = replace(RED, organization="south")
    refused("http.not_found", lambda: ask(house, "patients.read", other_north, id=told["id"]), 404)

    for body in ({}, {"family": "Müller"}, {"phone": "+491712345678"}, {"birthDate": "1980"}):
        assert [p["id"] for p in ask(house, "patients.search", RED, body)["patients"]] == [told["id"]]
        assert ask(house, "patients.search", BLUE, body)["patients"] == []
    assert ask(house, "patients.search", RED, {"email": "canary@example.org"})["patients"] == []


def test_a_portal_books_by_alias_only(house: House) -> None:
    known = ask(house, "patients.create", DESK, ANNA)["id"]
    told = claim(house, RED, family="Müller", given="Anna", birth_date="1980-05-17", phone="0171 2345678")
    assert told.patient == known
    with house.store.read(RED) as tx:
        assert api.resolve(tx, told.shown) == known
        assert api.shown(tx, known) == told.shown
        assert api.name(tx, [known]) == {known: "Anna Müller"}
        refused("directory.patient_unknown", lambda: api.resolve(tx, known), 422)
    with house.store.read(BLUE) as tx:
        refused("directory.patient_unknown", lambda: api.resolve(tx, told.shown), 422)
        assert api.shown(tx, known) is None
        assert api.name(tx, [known]) == {known: None}
    with house.store.read(DESK) as tx:
        assert api.shown(tx, known) == known
        refused("directory.patient_unknown", lambda: api.resolve(tx, told.shown), 422)


def test_the_practice_finds_by_a_number_that_only_a_portal_told(house: House) -> None:
    known = put(house)
    told = claim(house, RED, family="Müller", given="Anna", birth_date="1980-05-17", phone="0171 2345678")
    assert told.patient == known
    for who, expected in ((DESK, [known]), (RED, [told.shown]), (BLUE, [])):
        found = ask(house, "patients.search", who, {"phone": "+49 171 2345678"})["patients"]
        assert [one["id"] for one in found] == expected


def test_the_same_words_again_are_the_same_statement(house: House) -> None:
    first = ask(house, "patients.create", RED, {k: v for k, v in ANNA.items() if k != "phone"})
    again = ask(house, "patients.create", RED, {k: v for k, v in ANNA.items() if k != "phone"})
    assert (again["_status"], again["id"]) == (200, first["id"])
    with_phone = ask(house, "patients.create", RED, ANNA)
    assert with_phone["id"] != first["id"]
    assert "phone" in with_phone and ask(house, "patients.read", RED, id=first["id"])["phone"] is None
    assert ask(house, "patients.create", BLUE, ANNA)["id"] not in (first["id"], with_phone["id"])


def test_a_number_another_portal_told_is_a_known_number(house: House) -> None:
    """The practice has no contact of the person; red told one, so a different one from blue is a doubt."""
    put(house)
    red = claim(house, RED, family="Müller", given="Anna", birth_date="1980-05-17", phone="0171 1")
    blue = claim(house, BLUE, family="Müller", given="Anna", birth_date="1980-05-17", phone="0171 2222222")
    assert red.patient != blue.patient


def test_long_statements_are_compared_word_for_word_too(house: House) -> None:
    coded = {"system": "urn:oid:1.2", "code": "GKV"}
    told = {
        **ANNA,
        "telecom": [{"system": "email", "value": "anna@example.org", "use": "home"}],
        "address": [{"line": ["Musterweg 2"], "city": "Ort", "postalCode": "01234"}],
        "identifiers": [{"value": "A123456789", "type": coded}],
        "gender": "female",
    }
    first = ask(house, "patients.create", RED, told)
    assert ask(house, "patients.create", RED, told)["id"] == first["id"]
    assert first["identifiers"] == [{"value": "A123456789", "type": {"code": "GKV", "system": "urn:oid:1.2"}}]
    moved = {**told, "address": [{"line": ["Musterweg 3"], "city": "Ort", "postalCode": "01234"}]}
    assert ask(house, "patients.create", RED, moved)["id"] != first["id"]
    assert count(house) == 1


@pytest.mark.parametrize("missing", ["family", "given", "birthDate"])
def test_a_portal_must_tell_enough(house: House, missing: str) -> None:
    told = {k: v for k, v in ANNA.items() if k != missing}
    problem = refused("directory.patient_incomplete", lambda: ask(house, "patients.create", RED, told), 422)
    assert problem.params["fields"] == missing
    refused(
        "directory.patient_incomplete",
        lambda: ask(house, "patients.create", RED, {**ANNA, "birthDate": "1980-05"}),
    )
    assert count(house) == 0
    if missing != "family":
        assert ask(house, "patients.create", DESK, told)["_status"] == 201


def test_what_a_portal_may_not_do(house: House) -> None:
    for name in (
        "patients.change",
        "matches.list",
        "patients.merge",
        "matches.decide",
        "merges.undo",
        "mandators.list",
    ):
        refused("access.forbidden", lambda n=name: ask(house, n, RED, {}), 403)  # type: ignore[misc]


def test_no_event_holds_anything_personal_and_none_names_an_alias(house: House) -> None:
    told = claim(
        house, RED, family="Canary", given="Yellow", birth_date="1980-05-17", email="canary@example.org"
    )
    ask(house, "patients.change", DESK, {"given": "Canary", "note": "Canary"}, id=told.patient)
    with house.store.read(system("test")) as tx:
        rows = str(tx.raw("SELECT * FROM kernel_event").fetchall())
    assert "patient.changed" in rows and "given" in rows
    for word in ("Canary", "Yellow", "canary", "1980", told.shown):
        assert word not in rows
    assert "Canary" in whole_database(house)
