"""Who opened which record is in the audit: once per person, patient and hour, and reading never depends on it."""

import threading
from dataclasses import replace

import pytest

from praxisd.kernel.access import Kind
from praxisd.kernel.service import Retention

from .directory_cast import (
    DESK,
    PARTNER,
    REGISTRY,
    SERVICES,
    ask,
    claim,
    found_practice,
    notes,
    refused,
)

ANNA = replace(DESK, kind=Kind.USER, id="anna")
BERT = replace(DESK, kind=Kind.USER, id="bert")


@pytest.fixture
def house(make_house):
    made = make_house(SERVICES)
    found_practice(made)
    return made


def seen(house):
    return [(e.actor, e.subject_id) for e in notes(house) if e.type == "patient.seen"]


def test_once_per_person_patient_and_hour(house, houses):
    eva = claim(house, DESK, family="Beispiel", given="Eva", birth_date="1980-05-17").patient
    karl = claim(house, DESK, family="Muster", given="Karl", birth_date="1970-05-17").patient
    for who, patient in ((ANNA, eva), (ANNA, eva), (BERT, eva), (ANNA, karl), (DESK, eva), (ANNA, eva)):
        ask(house, "patients.read", who, id=patient)
    expected = [("user:anna", eva), ("user:bert", eva), ("user:anna", karl)]
    assert seen(house) == expected
    house.shared.pop("directory.seen")  # another start, another node: the database knows
    ask(house, "patients.read", ANNA, id=eva)
    assert seen(house) == expected
    house.clock.advance(3600)
    ask(house, "patients.read", ANNA, id=eva)
    assert seen(house) == [*expected, ("user:anna", eva)]
    assert REGISTRY.retention["patient.seen"] is Retention.AUDIT
    one = [e for e in notes(house) if e.type == "patient.seen"][-1]
    assert (one.version, one.fields, one.codes) == (1, (), {"masked": False})


def test_what_does_not_exist_and_what_is_searched_is_not_noted(house):
    claim(house, DESK, family="Beispiel", given="Eva", birth_date="1980-05-17")
    refused("http.not_found", lambda: ask(house, "patients.read", ANNA, id="weg"))
    assert ask(house, "patients.search", ANNA, {"text": "eva"})["patients"]
    assert seen(house) == []


def test_a_masked_person_is_noted_as_one_who_saw_nobody(house):
    eva = claim(house, DESK, family="Beispiel", given="Eva", birth_date="1980-05-17").patient
    ask(house, "patients.read", replace(PARTNER, kind=Kind.USER, id="service"), id=eva)
    (one,) = [e for e in notes(house) if e.type == "patient.seen"]
    assert one.codes == {"masked": True}


def test_a_record_is_shown_even_if_that_cannot_be_noted(house, monkeypatch):
    eva = claim(house, DESK, family="Beispiel", given="Eva", birth_date="1980-05-17").patient

    def full(*_args, **_more):
        raise OSError("disk full")

    monkeypatch.setattr(type(house.store), "run", full)
    assert ask(house, "patients.read", ANNA, id=eva)["family"] == "Beispiel"
    monkeypatch.undo()
    ask(house, "patients.read", ANNA, id=eva)  # what failed is noted by the next read
    assert len(seen(house)) == 1


def test_two_tabs_at_once_are_one_event(house):
    eva = claim(house, DESK, family="Beispiel", given="Eva", birth_date="1980-05-17").patient
    gate = threading.Barrier(6)

    def tab():
        gate.wait(10)
        ask(house, "patients.read", ANNA, id=eva)

    tabs = [threading.Thread(target=tab) for _ in range(6)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join(20)
    assert len(seen(house)) == 1
