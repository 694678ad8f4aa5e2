"""One number that stands for several people: nobody is joined by it, and nothing is written to the wrong one's record."""

from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.model.people import Mandator
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.medication import api as medication

from .takeover_cast import Office


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


@pytest.mark.parametrize(
    "rows",
    [
        "PatNr;Nachname;Vorname\n77;Müller;Anna\n77;Müller;Peter\n",  # a family under its payer's number
        "PatNr;Nachname;Vorname;Geburtsdatum\n77;Müller;Mia;03.03.2015\n77;Müller;Ben;03.03.2015\n",  # twins
    ],
)
def test_a_family_under_one_number_is_not_one_person(office: Office, rows: str) -> None:
    id_, done = office.whole(rows)
    assert done["new"] == 2
    assert {one.flaw for one in office.items(id_)} == {rules.COLLISION}
    assert len(office.patients()) == 2


def test_a_number_that_means_somebody_of_the_same_name_here_joins_nobody(office: Office) -> None:
    office.whole("PatNr;Nachname;Vorname\n17;Müller;Anna\n")
    id_, done = office.whole("PatNr;Nachname;Vorname\n17;Müller;Peter\n")
    assert done["new"] == 1
    assert [one.flaw for one in office.items(id_)] == [rules.STRANGE]
    assert sorted(one.given for one in office.patients()) == ["Anna", "Peter"]


def test_medicines_of_a_number_that_meant_two_people_go_to_neither(office: Office) -> None:
    office.whole("PatNr;Nachname;Vorname;Geburtsdatum\n17;Müller;Anna;17.05.1980\n")
    office.whole("PatNr;Nachname;Vorname;Geburtsdatum\n17;Wolf;Karl;01.02.1950\n")
    pills = office.bring("PatNr;Medikament\n17;Ibuprofen Muster\n")
    for told in (office.look(pills, what="medication"), office.apply(pills)):
        assert (told.get("new"), told["refused"]) == (None, 1)
        assert told[f"code {rules.PATIENT_AMBIGUOUS}"] == 1
    with office.house.store.read(office.actor) as tx:
        everybody = [one.id for one in office.patients()]
        assert not medication.statements(tx, everybody)


def test_what_is_about_a_number_that_turned_out_to_be_another_ones_is_refused(office: Office) -> None:
    """Between the look and the take-over somebody else got the number; the file tells people and medicines at once."""
    bundle = (
        '{"resourceType":"Patient","id":"17","name":[{"family":"Wolf","given":["Karl"]}],"birthDate":"1950-02-01"}\n'
        '{"resourceType":"MedicationStatement","id":"m1","status":"active","subject":{"reference":"Patient/17"},'
        '"medicationCodeableConcept":{"text":"Ibuprofen Muster"}}\n'
    )
    id_ = office.bring(bundle, "fhir-ndjson")
    assert office.look(id_)["new"] == 2
    office.whole("PatNr;Nachname;Vorname;Geburtsdatum\n17;Müller;Anna;17.05.1980\n")
    done = office.apply(id_)
    assert (done["new"], done["refused"]) == (1, 1)
    with office.house.store.read(office.actor) as tx:
        assert not medication.statements(tx, [one.id for one in office.patients()])


def test_numbers_no_database_keeps_are_refused_and_the_rest_is_taken(office: Office) -> None:
    """NUL, which PostgreSQL cannot store, and more than its index holds."""
    long = "".join(chr(65 + (n * 7919) % 26) + chr(48 + (n * 104729) % 10) for n in range(6_000))
    rows = f"PatNr;Nachname;Vorname\n1\x002;Adler;Eva\n{long};Bauer;Uwe\n3;Conrad;Ida\n"
    id_, done = office.whole(rows, format_="csv")
    assert done["state"] == "done", done
    assert "Conrad" in {one.family for one in office.patients()}
    pills, done = office.whole(
        f"PatNr;Medikament\n1\x002;Muster\n{long};Muster\n3;Muster\n", format_="csv", what="medication"
    )
    assert (done["state"], done["new"]) == ("done", 1), done
    assert office.undo(pills)["state"] == office.undo(id_)["state"] == "undone"
    assert office.patients() == []
    with office.house.store.read(office.actor) as tx:
        assert store.linked(tx, "", "3") is None


def test_who_goes_by_another_name_under_the_same_number_is_asked_for_as_the_look_said(office: Office) -> None:
    head = "PatNr;Nachname;Vorname;Geburtsdatum\n"
    office.whole(f"{head}17;Müller;Hans;01.02.1950\n")
    id_ = office.bring(f"{head}17;Müller;Johannes;01.02.1950\n")
    for told in (office.look(id_), office.apply(id_)):
        assert (told.get("doubt"), told[f"flaw {rules.STRANGE}"]) == (1, 1)
    assert sorted(one.unconfirmed for one in office.patients()) == [False, True]


def test_a_treatment_somebody_has_worked_on_since_stays(office: Office) -> None:
    """`take` goes as far as nothing of others is lost: what a person wrote into it is nobody's to throw away."""
    office.house.store.run(
        office.actor,
        lambda tx: directory.create_mandator(
            tx, Mandator(name="Dr. Test", licence_number="4711", default=True)
        ),
    )
    office.whole("PatNr;Nachname;Vorname;Geburtsdatum\n17;Wolf;Karl;01.02.1950\n")
    id_, done = office.whole("PatNr;Beginn\n17;03.02.2026\n", what="treatment")
    assert done["new"] == 1, done
    treatment = office.items(id_)[0].target
    office.house.store.run(
        office.actor, lambda tx: directory.amend_treatment(tx, treatment, {"note": "Prothese"}, 1)
    )
    assert office.undo(id_)["state"] == "undecided"
    assert office.undo(id_, "take")["state"] == "undone"
    with office.house.store.read(office.actor) as tx:
        kept = directory.one_treatment(tx, treatment)
    assert kept is not None and kept.note == "Prothese"
