"""Booking desk: a person told wrong and corrected is the right one, and no wrong record stays beside."""

from typing import Any

import pytest
from tests.services.desk_cast import ERIKA, Desk, Hands, desk_of, door

from praxisd.kernel.app import House
from praxisd.kernel.store import mine
from praxisd.model.people import Patient, PatientClaim
from praxisd.model.portals import Told
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.directory import store as people
from praxisd.services.directory.store import MERGE

WRONG = Told(family="Beispiehl", given="Erica", birth_date="1980-05-07", phone="030 5555555")
RIGHT = {
    "family": "Beispiel", "given": "Erika", "birthDate": "1980-05-17", "phone": "0171 3920012", "email": "erika@example.org",
}  # fmt: skip


def know(desk: Desk, **told: str) -> str:
    """Somebody the practice knows."""
    claim = PatientClaim(**(told or {"family": "Beispiel", "given": "Erika", "birth_date": "1980-05-17"}))  # type: ignore[arg-type]
    found: str = desk.do(lambda tx: directory.claim(tx, claim)).patient
    return found


def person(desk: Desk, id_: str | None) -> Patient:
    found: Patient = desk.see(lambda tx: directory.patient(tx, str(id_)))
    return found


def living(desk: Desk) -> list[str]:
    """Ids of the records that were not merged away, but for the one that every small practice has."""
    found = desk.see(lambda tx: people.patients.all(tx))
    return [one.id for one in found if one.merged_into is None and one.id != desk.practice.patient]


def fill_in(house: House, desk: Desk, request: str, told: dict[str, str], **more: Any) -> Any:
    """What the desk fills in; the answer."""
    with door(house) as client:
        return Hands(desk, client).ask("PUT", f"/requests/{request}", {"told": told, **more})


def test_the_record_made_of_a_misspelt_name_goes_into_the_known_one(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    known = know(desk)
    before, made = desk.only().patient, desk.appointment()
    assert before != known and desk.only().found in ("new", "possible")
    got = fill_in(house, desk, desk.only().id, RIGHT)
    desk.handle()
    assert (got["patient"]["id"], got["matching"]["found"]) == (known, "certain")
    one, now = desk.only(), desk.appointment()
    assert (one.patient, one.found, one.told.family) == (known, "certain", "Beispiel")
    assert (now.id, now.patient, now.start) == (made.id, known, made.start)
    assert person(desk, before).merged_into == known and living(desk) == [known]
    assert person(desk, known).telecom == (), "nothing wrong is taken over"


def test_a_wrong_person_without_a_time_too(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG, kind="?"), link=False)
    known = know(desk)
    assert desk.only().appointment is None and desk.only().patient is not None
    fill_in(
        house, desk, desk.only().id, RIGHT, service=desk.practice.check, schedule=desk.practice.doctors[0]
    )
    assert desk.only().patient == desk.appointment().patient == known and living(desk) == [known]


def test_a_merge_of_a_mistake_can_be_undone(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    known = know(desk)
    before = str(desk.only().patient)
    fill_in(house, desk, desk.only().id, RIGHT)
    refs = house.registry.patient_refs

    def undo(tx: Any) -> None:
        row = tx.first(MERGE.select().where(mine(MERGE)))
        assert (row.dropped, row.kept) == (before, known)
        directory.undo(tx, refs, row.id)

    desk.do(undo)
    assert person(desk, before).merged_into is None
    again = PatientClaim(family="Beispiehl", given="Erica", birth_date="1980-05-07", phone="030 5555555")
    assert desk.do(lambda tx: directory.claim(tx, again)).patient == before, "found by its number again"


def test_a_new_persons_slip_is_put_right_in_the_record(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    before = desk.only().patient
    got = fill_in(house, desk, desk.only().id, RIGHT)
    one = person(desk, before)
    assert (got["patient"]["id"], got["matching"]["found"]) == (before, "new")
    assert (one.family, one.given, one.birth_date, one.phone) == (
        "Beispiel",
        "Erika",
        "1980-05-17",
        "0171 3920012",
    )
    assert living(desk) == [before] and desk.appointment().patient == before


def test_told_right_it_may_be_somebody_known(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    before = desk.only().patient
    known = know(desk, family="Beispiel", given="Erika", birth_date="1980-05-17", phone="030 1111111")
    got = fill_in(house, desk, desk.only().id, RIGHT)
    assert (desk.only().patient, got["matching"]["found"]) == (before, "possible")
    assert [one["id"] for one in got["matching"]["candidates"]] == [known]
    assert person(desk, before).unconfirmed


def test_a_record_that_something_else_names_stays(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    desk.take(desk.booking("b2", "2026-11-24 14:00", told=WRONG))
    known = know(desk)
    first, second = desk.requests()
    assert first.patient == second.patient
    fill_in(house, desk, first.id, RIGHT)
    now, other = desk.requests()
    assert (now.patient, desk.appointment(now).patient) == (known, known)
    assert (other.patient, desk.appointment(other).patient) == (second.patient, second.patient)
    assert person(desk, second.patient).family == "Beispiehl" and len(living(desk)) == 2


def test_instead_of_somebody_known_the_desk_names_the_person(house: House) -> None:
    desk = desk_of(house)
    known = know(desk)
    other = know(desk, family="Muster", given="Vera", birth_date="1985-02-01")
    desk.take(desk.booking())
    assert (desk.only().patient, desk.only().found) == (known, "certain")
    vera = {"family": "Muster", "given": "Vera", "birthDate": "1985-02-01", "phone": "", "email": ""}
    got = fill_in(house, desk, desk.only().id, vera)
    assert (got["patient"], got["matching"]["found"]) == (None, "none")
    assert desk.appointment().patient is None and len(living(desk)) == 2
    with door(house) as client:
        hands = Hands(desk, client)
        later = hands.ask("PUT", f"/requests/{desk.only().id}", {"schedule": desk.practice.doctors[1]})
        assert later["patient"] is None, "another column is no word about the person"
        refused = hands.post(f"/requests/{desk.only().id}/accept", status=409)
        assert refused["code"] == "portals.request_nobody"
        hands.post(f"/requests/{desk.only().id}/accept", {"patient": other})
    assert (desk.only().state, desk.only().patient, desk.appointment().patient) == ("accepted", other, other)
    assert len(living(desk)) == 2


@pytest.mark.parametrize("field", ["phone", "email"])
def test_another_number_of_somebody_known_is_the_same_person(house: House, field: str) -> None:
    desk = desk_of(house)
    known = know(desk)
    desk.take(desk.booking())
    changed = {"phone": "030 7777777", "email": "neu@example.org"}[field]
    got = fill_in(house, desk, desk.only().id, {**RIGHT, field: changed})
    assert (got["patient"]["id"], got["told"][field], living(desk)) == (known, changed, [known])


def test_what_cannot_be_true_changes_nobody(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=WRONG))
    before = desk.only().patient
    for wrong in ("2980-05-17", ""):
        fill_in(house, desk, desk.only().id, {**RIGHT, "birthDate": wrong})
        assert desk.only().patient == before and person(desk, before).family == "Beispiehl"


def test_whom_the_portal_told_right_is_never_asked_again(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    before = desk.only()
    fill_in(house, desk, before.id, RIGHT)
    assert before.told == ERIKA and (desk.only().patient, desk.only().found) == (before.patient, "new")
    with house.store.read(desk.actor) as tx:
        assert calendar.open_conflicts(tx) == []
