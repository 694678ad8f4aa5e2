"""Take-overs from file to undo, on both engines: what is new, who is known, what is damaged, and the way back."""

from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.people import PatientClaim
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.takeover_working import Work
from praxisd.testing.takeover_state import state

from .takeover_cast import PATIENTS, Office


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


def test_a_look_decides_about_everything_and_writes_nothing(office: Office) -> None:
    before = state(office.house, office.actor)
    id_ = office.bring(PATIENTS)
    told = office.look(id_)
    assert (told["state"], told["new"]) == ("looked", 3)
    assert state(office.house, office.actor) == before
    done = office.apply(id_)
    assert (done["state"], done["new"]) == ("done", 3)
    found = {one.family: one for one in office.patients()}
    anna = found["Müller"]
    assert (anna.given, anna.birth_date, anna.gender) == ("Anna", "1980-05-17", "female")
    assert (anna.address[0].postal_code, found["Schmidt"].address[0].postal_code) == ("10115", "01067")
    assert anna.identifiers[0].system == rules.SOURCE
    assert anna.identifiers[0].value == "00017"
    assert found["Özdemir"].given == "Çağla"


def test_undo_gives_the_exact_former_state(office: Office) -> None:
    with office.house.store.write(office.actor) as tx:
        directory.claim(
            tx, PatientClaim(family="Mueller", given="Anna", birth_date="1980-05-17", phone="0301234567")
        )
    before = state(office.house, office.actor)
    id_, done = office.whole(PATIENTS)
    assert (done["new"], done["merged"]) == (2, 1)
    assert state(office.house, office.actor) != before
    assert office.undo(id_)["state"] == "undone"
    assert state(office.house, office.actor) == before
    with office.house.store.read(office.actor) as tx:
        assert store.linked(tx, "", "00017") is None


def test_the_same_file_again_changes_nothing(office: Office) -> None:
    office.whole(PATIENTS)
    before = state(office.house, office.actor)
    _, done = office.whole(PATIENTS)
    assert (done.get("new", 0), done["same"]) == (0, 3)
    assert state(office.house, office.actor) == before


def test_what_is_known_is_filled_and_what_differs_is_a_doubt(office: Office) -> None:
    with office.house.store.write(office.actor) as tx:
        claim = PatientClaim(
            family="Müller", given="Anna", birth_date="1980-05-17", phone="030 1234567", gender="other"
        )
        id_ = directory.claim(tx, claim).patient
    takeover, done = office.whole(PATIENTS)
    assert (done["doubt"], done[f"code {rules.DOUBT_VALUES}"]) == (1, 1)
    item = office.items(takeover)[0]
    assert item.patient == id_
    assert '"!gender"' in item.fields
    assert '"address"' in item.fields
    with office.house.store.read(office.actor) as tx:
        now = directory.patient(tx, id_)
    assert (now.gender, now.address[0].city) == ("other", "Berlin")


def test_the_file_leads_where_that_was_chosen(office: Office) -> None:
    with office.house.store.write(office.actor) as tx:
        claim = PatientClaim(
            family="Müller", given="Anna", birth_date="1980-05-17", phone="030 1234567", gender="other"
        )
        id_ = directory.claim(tx, claim).patient
    office.whole(PATIENTS, leads=("gender",))
    with office.house.store.read(office.actor) as tx:
        assert directory.patient(tx, id_).gender == "female"


def test_damaged_numbers_are_flagged_and_never_join_people(office: Office) -> None:
    rows = (
        "PatNr;Nachname;Vorname;Geburtsdatum\n"
        "1,23E+07;Adler;Eva;01.01.1980\n"
        "1,23E+07;Bauer;Uwe;02.02.1970\n"
        "77;Conrad;Ida;03.03.1960\n"
        "77;Dorn;Max;04.04.1950\n"
        "0815;Ernst;Lea;05.05.1990\n"
        "815;Falk;Jan;06.06.1991\n"
        "#NAME?;Gans;Pia;07.07.1992\n"
        "90;Hahn;Kim;08.08.1993\n"
    )
    id_ = office.bring(rows)
    told = office.look(id_)
    assert told["new"] == 8
    flaws = [one.flaw for one in office.items(id_)]
    assert flaws == [
        rules.COLLISION, rules.COLLISION, rules.COLLISION, rules.COLLISION, rules.ZEROS, rules.ZEROS, rules.SPREADSHEET, ""
    ]  # fmt: skip
    office.apply(id_)
    assert len(office.patients()) == 8
    with office.house.store.read(office.actor) as tx:
        assert [store.linked(tx, "", one) for one in ("77", "0815", "815", "1,23E+07")] == [None] * 4
        assert store.linked(tx, "", "90") is not None
    pills = "PatNr;Medikament\n77;Ibuprofen Muster\n90;Ibuprofen Muster\n090;Ibuprofen Muster\n4711;Ibuprofen Muster\n"
    second, done = office.whole(pills, what="medication")
    assert [one.code for one in office.items(second)] == [
        rules.PATIENT_AMBIGUOUS, "", rules.PATIENT_UNKNOWN, rules.PATIENT_UNKNOWN
    ]  # fmt: skip
    assert (done["new"], done["refused"]) == (1, 3)


def test_two_numbers_of_one_program_are_two_people_until_somebody_decides(office: Office) -> None:
    rows = (
        "PatNr;Nachname;Vorname;Geburtsdatum;Telefon\n"
        "1;Adler;Eva;01.01.1980;030 111222\n"
        "2;Adler;Eva;01.01.1980;030 111222\n"
    )
    id_ = office.bring(rows)
    looked = office.look(id_)
    done = office.apply(id_)
    for told in (looked, done):
        assert (told["new"], told["doubt"], told[f"code {rules.DOUBT_PERSON}"]) == (1, 1, 1)
    assert len(office.patients()) == 2
    assert sum(one.unconfirmed for one in office.patients()) == 1


def test_a_number_of_another_program_is_another_number(office: Office) -> None:
    office.whole(PATIENTS, origin="alpha")
    other = PATIENTS.replace("00017;Müller;Anna;17.05.1980", "00017;Zander;Karl;03.04.1955")
    _, done = office.whole(other, origin="beta")
    assert done["new"] == 1
    assert not any(name.startswith("flaw") for name in done)
    _, again = office.whole(
        other.replace("Zander", "Wolf").replace("03.04.1955", "04.05.1944"), origin="beta"
    )
    assert again[f"flaw {rules.STRANGE}"] == 1


def test_what_was_changed_or_used_since_waits_for_a_person(office: Office) -> None:
    house, practice = office.house, office.practice
    before = state(house, office.actor)
    id_, _ = office.whole(PATIENTS)
    people = {one.family: one for one in office.patients()}
    with house.store.write(office.actor) as tx:
        wish = calendar.Wish(service=practice.check, start=1_796_630_400, patient=people["Schmidt"].id)
        calendar.book(house, tx, wish)
    told = office.undo(id_)
    assert told["state"] == "undecided"
    assert {one.family for one in office.patients()} == {"Schmidt"}
    waiting = [one for one in office.items(id_) if one.state == "changed"]
    assert [one.code for one in waiting] == [rules.USED_SINCE]
    with pytest.raises(Problem, match="undo_undecided"):
        office.undo(id_)
    assert office.undo(id_, "take")["state"] == "undone"
    (left,) = office.patients()
    assert not left.active
    (kept,) = [one for one in office.items(id_) if one.state == "kept"]
    assert (kept.code, kept.target) == (rules.SWITCHED_OFF, left.id)  # and nobody is told that it is gone
    assert before != state(house, office.actor)


def test_who_was_merged_into_somebody_a_file_brought_is_not_lost_when_it_is_taken_back(
    office: Office,
) -> None:
    with office.house.store.write(office.actor) as tx:
        old = directory.claim(tx, PatientClaim(family="Mueller", given="Anne", birth_date="1980-05-17"))
    id_, _ = office.whole(PATIENTS)
    new = next(one.id for one in office.patients() if one.given == "Anna")
    refs = office.house.registry.patient_refs
    office.house.store.run(office.actor, lambda tx: directory.merge(tx, refs, new, old.patient))
    assert office.undo(id_)["state"] == "undecided"
    assert office.undo(id_, "take")["state"] == "undone"
    with office.house.store.read(office.actor) as tx:
        goes_on = directory.known(tx, old.patient)
    assert (goes_on.id, goes_on.active) == (new, False)


def test_a_stop_is_taken_up_behind_the_last_record(office: Office) -> None:
    rows = "PatNr;Nachname;Vorname;Geburtsdatum\n" + "".join(
        f"{n};Name{chr(97 + n % 26)}{n};Vor{n};{n % 28 + 1:02}.{n % 12 + 1:02}.{1930 + n % 80}\n"
        for n in range(300)
    )
    id_ = office.bring(rows)
    office.look(id_)
    office.house.store.run(office.actor, lambda tx: takeovers.apply(tx, id_))
    asked = iter([False, True])
    worker = Work(office.house, office.practice.organization, id_, lambda: next(asked))
    assert worker.take()
    worker.run()
    worker.release()
    office.house.store.run(office.actor, lambda tx: takeovers.stop(tx, id_))
    some = len(office.patients())
    assert 0 < some < 300
    done = office.apply(id_)
    assert (done["state"], done["new"]) == ("done", 300)
    assert len(office.patients()) == 300


def test_only_the_right_state_may_go_on(office: Office) -> None:
    id_ = office.bring(PATIENTS)
    with pytest.raises(Problem, match="wrong_state"):
        office.apply(id_)
    office.look(id_)
    office.apply(id_)
    for what in (office.look, office.apply):
        with pytest.raises(Problem, match="wrong_state"):
            what(id_)
    office.undo(id_)
    office.house.store.run(office.actor, lambda tx: takeovers.delete(office.house, tx, id_))
    with pytest.raises(Problem, match="not_found"):
        office.row(id_)
    assert list((office.house.folder / "exchange").iterdir()) == []


def test_an_ambiguous_date_is_asked_for_and_never_guessed(office: Office) -> None:
    rows = "PatNr;Nachname;Geburtsdatum\n1;Adler;03/04/1980\n"
    id_ = office.bring(rows)
    with pytest.raises(Problem, match="date_order_missing"):
        office.look(id_)
    office.look(id_, date_order="mdy")
    office.apply(id_)
    assert [one.birth_date for one in office.patients()] == ["1980-03-04"]


def test_what_people_without_a_name_or_a_bad_date_say_is_refused_and_counted(office: Office) -> None:
    rows = "PatNr;Nachname;Geburtsdatum\n1;;01.01.1980\n2;Adler;31.02.1980\n3;Bauer;01.01.2090\n"
    _, done = office.whole(rows)
    assert (done["new"], done["refused"]) == (1, 1)
    assert done["code directory.birth_date_invalid"] == 1
    assert done["warning exchange.csv_row_empty"] == 1
    assert done["warning exchange.csv_date_invalid"] == 1


def test_columns_nobody_chose_are_counted_by_name(office: Office) -> None:
    rows = "PatNr;Nachname;Befund\n1;Adler;x\n2;Bauer;\n3;Conrad;y\n"
    _, done = office.whole(rows)
    assert done["left"] == {"Befund\n": 2}
