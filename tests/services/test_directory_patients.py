"""Patients through the declared doors, on both engines: matching, portals apart, masking, versions, merging."""

from collections.abc import Callable
from datetime import date
from threading import Barrier, Thread
from typing import Any

import pytest

from praxisd.kernel import leases
from praxisd.kernel.app import House
from praxisd.model.people import Contact, Patient
from praxisd.services.directory import api, store

from .directory_cast import (
    DESK,
    PARTNER,
    PVS,
    RED,
    SERVICES,
    SOUTH,
    ask,
    claim,
    found_practice,
    notes,
    refused,
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


# --- matching -----------------------------------------------------------------------------------------------------


def test_the_same_person_told_in_another_spelling_is_found(house: House) -> None:
    first = ask(house, "patients.create", DESK, ANNA)
    again = ask(
        house,
        "patients.create",
        PVS,
        {**ANNA, "family": "MUELLER", "phone": "+49 171 2345678", "note": "neu"},
    )
    assert (first["_status"], again["_status"]) == (201, 200)
    assert again["id"] == first["id"]
    assert again["note"] is None  # what is told does not change who is known
    assert count(house) == 1
    assert first["unconfirmed"] is False


def test_a_doubt_makes_a_new_patient_and_a_decision(house: House) -> None:
    known = ask(house, "patients.create", DESK, ANNA)["id"]
    new = ask(house, "patients.create", DESK, {**ANNA, "phone": "030 999999"})
    assert new["_status"] == 201 and new["unconfirmed"] is True
    (match,) = ask(house, "matches.list", DESK)["matches"]
    assert (match["patient"]["id"], match["candidate"]["id"]) == (new["id"], known)
    assert match["reason"] == "contact_differs"
    assert [e.subject_id for e in notes(house) if e.type == "patient.match_open"] == [new["id"]]

    decided = ask(house, "matches.decide", DESK, {"outcome": "different"}, id=match["id"])
    assert decided["id"] == new["id"] and decided["unconfirmed"] is False
    assert ask(house, "matches.list", DESK)["matches"] == []
    refused(
        "directory.match_decided",
        lambda: ask(house, "matches.decide", DESK, {"outcome": "same"}, id=match["id"]),
        409,
    )


def test_one_person_after_all(house: House) -> None:
    known = ask(house, "patients.create", DESK, ANNA)["id"]
    new = ask(house, "patients.create", DESK, {**ANNA, "phone": "030 999999"})["id"]
    (match,) = ask(house, "matches.list", DESK)["matches"]
    assert ask(house, "matches.decide", DESK, {"outcome": "same"}, id=match["id"])["id"] == known
    old = ask(house, "patients.read", DESK, id=new)
    assert (old["active"], old["mergedInto"]) == (False, known)
    with house.store.read(DESK) as tx:
        assert api.resolve(tx, new) == known
    # The number told then belongs to the person now.
    assert ask(house, "patients.create", DESK, {**ANNA, "phone": "030 999999"})["id"] == known


def test_twins_with_one_telephone_stay_two(house: House) -> None:
    first = ask(house, "patients.create", DESK, ANNA)["id"]
    twin = ask(house, "patients.create", DESK, {**ANNA, "given": "Peter"})
    assert twin["id"] != first and twin["unconfirmed"] is False
    near = ask(house, "patients.create", DESK, {**ANNA, "given": "Hanna"})
    assert near["id"] not in (first, twin["id"]) and near["unconfirmed"] is True


def test_the_dead_are_not_taken_for_the_living_and_nobody_learns_of_it(house: House) -> None:
    dead = ask(house, "patients.create", DESK, ANNA)["id"]
    ask(house, "patients.change", DESK, {"deceased": "2026-01-02"}, id=dead)
    told = claim(house, RED, family="Müller", given="Anna", birth_date="1980-05-17", phone="0171 2345678")
    assert told.patient != dead
    with house.store.read(RED) as tx:
        assert api.resolve(tx, told.shown) == told.patient
    with house.store.read(DESK) as tx:
        refused("directory.patient_inactive", lambda: api.resolve(tx, dead), 422)
    (match,) = ask(house, "matches.list", DESK)["matches"]
    assert match["reason"] == "not_active"


def test_two_claims_at_once_make_one_patient(house: House) -> None:
    start, results = Barrier(6), []

    def tell() -> None:
        start.wait()
        results.append(
            claim(house, DESK, family="Neu", given="Eva", birth_date="1999-09-09", phone="030 1").patient
        )

    threads = [Thread(target=tell) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(results) == 6 and len(set(results)) == 1
    assert count(house) == 1


def test_organizations_do_not_match_each_other(house: House) -> None:
    north = ask(house, "patients.create", DESK, ANNA)["id"]
    south = ask(house, "patients.create", SOUTH, ANNA)
    assert south["_status"] == 201 and south["id"] != north
    refused("http.not_found", lambda: ask(house, "patients.read", SOUTH, id=north), 404)
    refused("http.not_found", lambda: ask(house, "patients.change", SOUTH, {"given": "X"}, id=north), 404)
    with house.store.read(SOUTH) as tx:
        refused("directory.patient_unknown", lambda: api.resolve(tx, north), 422)


# --- reading, searching, masking -----------------------------------------------------------------------------------


def test_finding_by_beginnings_in_any_spelling(house: House) -> None:
    ids = {
        name: put(house, family=name, given=given, birth_date=born)
        for name, given, born in (
            ("Müller-Lüdenscheidt", "Jörg Peter", "1980-05-17"),
            ("Muller", "Peter", "1980-06-01"),
            ("van der Groß", "Änne", "1975-01-02"),
        )
    }

    def found(**asked: Any) -> set[str]:
        hits = ask(house, "patients.search", DESK, asked)["patients"]
        return {name for name, id_ in ids.items() if id_ in {h["id"] for h in hits}}

    assert found(family="mull") == {"Müller-Lüdenscheidt", "Muller"}
    assert found(family="muell") == {"Müller-Lüdenscheidt"}
    assert found(family="Lüd") == {"Müller-Lüdenscheidt"}
    assert found(family="Gross") == {"van der Groß"}
    assert found(family="Peter") == set()
    assert found(given="peter") == {"Müller-Lüdenscheidt", "Muller"}
    assert found(text="peter muel") == {"Müller-Lüdenscheidt"}
    assert found(birthDate="1980") == {"Müller-Lüdenscheidt", "Muller"}
    assert found(birthDate="1980-06") == {"Muller"}
    assert found(family="%") == found(text="_") == found(given="%") == set()
    assert found(phone="keine") == set()


def test_pages_hold_everyone_once(house: House) -> None:
    made = {put(house, family=f"Beispiel{n:03}", given="A", birth_date=None) for n in range(23)}
    seen: list[str] = []
    cursor = None
    while True:
        page = ask(house, "patients.search", DESK, {"family": "beispiel", "limit": 5, "cursor": cursor})
        seen += [p["id"] for p in page["patients"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(made) == seen


def test_the_service_partner_sees_that_there_are_patients_but_not_who(house: House) -> None:
    id_ = ask(house, "patients.create", DESK, {**ANNA, "note": "Canary", "prefix": "Dr."})["id"]
    shown = ask(house, "patients.read", PARTNER, id=id_)
    assert (shown["family"], shown["given"], shown["birthDate"], shown["phone"]) == ("•••", "•••", None, None)
    for secret in ("Müller", "Anna", "1980", "0171", "Canary", "Dr."):
        assert secret not in str(shown)
    assert [p["family"] for p in ask(house, "patients.search", PARTNER)["patients"]] == ["•••"]
    for asked in (
        {"family": "M"},
        {"text": "x"},
        {"birthDate": "1980"},
        {"phone": "0171 2345678"},
        {"email": "a@b"},
    ):
        refused("directory.search_masked", lambda a=asked: ask(house, "patients.search", PARTNER, a), 403)  # type: ignore[misc]
    with house.store.read(PARTNER) as tx:
        assert api.name(tx, [id_]) == {id_: None}
    refused("access.forbidden", lambda: ask(house, "patients.change", PARTNER, {"given": "X"}, id=id_), 403)


# --- changing -----------------------------------------------------------------------------------------------------


def test_versions_and_locks_guard_a_change(house: House) -> None:
    id_ = ask(house, "patients.create", DESK, ANNA)["id"]
    changed = ask(
        house, "patients.change", DESK, {"given": "Änne", "phone": "030 1111111"}, id=id_, if_match=1
    )
    assert (changed["_version"], changed["given"], changed["phone"]) == (2, "Änne", "030 1111111")
    refused(
        "resource.stale", lambda: ask(house, "patients.change", DESK, {"given": "X"}, id=id_, if_match=1), 412
    )
    refused("resource.stale", lambda: ask(house, "patients.change", DESK, {}, id=id_, if_match=1), 412)
    assert ask(house, "patients.change", DESK, {"given": "Änne"}, id=id_)["_version"] == 2  # nothing changed
    assert ask(house, "patients.search", DESK, {"phone": "+49301111111"})["patients"][0]["id"] == id_
    assert ask(house, "patients.search", DESK, {"phone": "0171 2345678"})["patients"] == []

    lease = house.store.run(DESK, lambda tx: leases.acquire(tx, f"record:Patient/{id_}", "seat", 60))
    assert lease is not None
    refused("seats.locked", lambda: ask(house, "patients.change", DESK, {"given": "Y"}, id=id_), 423)
    assert ask(house, "patients.change", DESK, {"given": "Y"}, id=id_, fence=lease.fence)["_version"] == 3
    fields = [e.fields for e in notes(house) if e.type == "patient.changed"]
    assert fields == [("given", "telecom"), ("given",)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"birthDate": "2027-01-01"}, "directory.birth_date_invalid"),
        ({"birthDate": "1980-02-30"}, "directory.birth_date_invalid"),
        ({"family": "  "}, "directory.patient_incomplete"),
        ({"given": "A\x00"}, "directory.text_invalid"),
        ({"note": "\ufffe"}, "directory.text_invalid"),
        ({"language": "?"}, "directory.code_invalid"),
    ],
)
def test_a_bad_change_changes_nothing(house: House, change: dict[str, Any], code: str) -> None:
    id_ = ask(house, "patients.create", DESK, ANNA)["id"]
    refused(code, lambda: ask(house, "patients.change", DESK, change, id=id_), 422)
    assert ask(house, "patients.read", DESK, id=id_)["_version"] == 1


# --- merging ------------------------------------------------------------------------------------------------------


def test_merge_turns_all_references_and_undo_turns_them_back(house: House) -> None:
    keep = put(house, birth_date=None, telecom=(Contact(system="phone", value="030 1234567"),))
    drop = put(
        house, given="Änne", telecom=(Contact(system="email", value="a@example.org"),), gender="female"
    )
    said = claim(house, RED, family="Müller", given="Änne", birth_date="1980-05-17", email="a@example.org")
    assert said.patient == drop
    merged = ask(house, "patients.merge", DESK, {"drop": drop}, id=keep, if_match=1)
    assert merged["patient"]["birthDate"] == "1980-05-17" and merged["patient"]["gender"] == "female"
    assert merged["patient"]["given"] == "Anna" and merged["patient"]["email"] is None
    gone = ask(house, "patients.read", DESK, id=drop)
    assert (gone["active"], gone["mergedInto"], gone["_version"]) == (False, keep, 2)
    with house.store.read(RED) as tx:
        assert api.resolve(tx, said.shown) == keep
        assert api.shown(tx, keep) == said.shown
    refused(
        "directory.patient_merged", lambda: ask(house, "patients.change", DESK, {"given": "X"}, id=drop), 409
    )
    refused(
        "directory.merge_impossible", lambda: ask(house, "patients.merge", DESK, {"drop": drop}, id=keep), 409
    )
    refused(
        "directory.merge_impossible", lambda: ask(house, "patients.merge", DESK, {"drop": keep}, id=keep), 409
    )
    refused("http.not_found", lambda: ask(house, "patients.merge", DESK, {"drop": "nobody"}, id=keep), 404)

    ask(house, "patients.change", DESK, {"gender": "other"}, id=keep)
    back = ask(house, "merges.undo", DESK, id=merged["id"])
    assert (back["id"], back["active"]) == (drop, True)
    kept = ask(house, "patients.read", DESK, id=keep)
    assert (kept["birthDate"], kept["gender"]) == (None, "other")  # what a person changed since stays
    with house.store.read(RED) as tx:
        assert api.resolve(tx, said.shown) == drop
        assert api.shown(tx, keep) is None
    refused("directory.merge_undo_blocked", lambda: ask(house, "merges.undo", DESK, id=merged["id"]), 409)
    assert [e.type for e in notes(house) if e.type in ("patient.merged", "patient.unmerged")] == [
        "patient.merged",
        "patient.unmerged",
    ]


@pytest.mark.parametrize("death", [{"deceased": date(2026, 5, 1)}, {"deceased_undated": True}])
def test_a_merge_takes_over_the_death_and_undo_gives_it_back(house: House, death: dict[str, Any]) -> None:
    keep, drop = put(house), put(house, given="Änne", **death)
    merged = ask(house, "patients.merge", DESK, {"drop": drop}, id=keep)

    def who(id_: str) -> Patient:
        with house.store.read(DESK) as tx:
            return store.patients.need(tx, id_)

    told = {"deceased": None, "deceased_undated": False} | death
    assert {name: getattr(who(keep), name) for name in told} == told
    ask(house, "merges.undo", DESK, id=merged["id"])
    assert not who(keep).dead and {name: getattr(who(drop), name) for name in told} == told


def test_who_is_known_to_have_died_keeps_that_death(house: House) -> None:
    keep, drop = put(house, deceased=date(2026, 5, 1)), put(house, given="Änne", deceased_undated=True)
    ask(house, "patients.merge", DESK, {"drop": drop}, id=keep)
    with house.store.read(DESK) as tx:
        kept = store.patients.need(tx, keep)
    assert (kept.deceased, kept.deceased_undated) == (date(2026, 5, 1), False)


def test_merges_are_undone_in_reverse_order(house: House) -> None:
    one, two, three = (put(house, family=f) for f in ("Eins", "Zwei", "Drei"))
    first = ask(house, "patients.merge", DESK, {"drop": one}, id=two)["id"]
    second = ask(house, "patients.merge", DESK, {"drop": two}, id=three)["id"]
    with house.store.read(DESK) as tx:
        assert api.resolve(tx, one) == three
    refused("directory.merge_undo_blocked", lambda: ask(house, "merges.undo", DESK, id=first), 409)
    ask(house, "merges.undo", DESK, id=second)
    ask(house, "merges.undo", DESK, id=first)
    with house.store.read(DESK) as tx:
        assert [api.resolve(tx, x) for x in (one, two, three)] == [one, two, three]


def test_only_people_of_the_practice_merge(house: House) -> None:
    for who in (PVS, PARTNER, RED):
        refused("access.forbidden", lambda w=who: ask(house, "patients.merge", w, {"drop": "x"}, id="y"), 403)  # type: ignore[misc]
