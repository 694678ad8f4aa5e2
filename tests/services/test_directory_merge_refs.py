"""A merge turns records of other services too, documents and versions included, and no record beside them."""

from collections.abc import Callable
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.people import Patient
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import store as calendar
from praxisd.services.directory import api

from .directory_cast import found_practice

NORTH = system("test", "north")
SOUTH = system("test", "south")


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house()
    found_practice(house)
    found_practice(house, "south")
    return house


def put_patient(house: House, who: Any, family: str) -> str:
    return house.store.run(who, lambda tx: api.put_patient(tx, Patient(family=family)))


def put_appointment(house: House, who: Any, id_: str, patient: str | None) -> None:
    # The note looks like the reference, and must stay what it is.
    one = Appointment(id=id_, status="cancelled", start=0, end=600, patient=patient, note=patient)
    house.store.run(who, lambda tx: calendar.APPOINTMENTS.insert(tx, one))


def get(house: House, who: Any, id_: str) -> Appointment:
    with house.store.read(who) as tx:
        return calendar.APPOINTMENTS.need(tx, id_)


def test_appointments_follow_a_merge_and_come_back(house: House) -> None:
    keep, drop, other = (put_patient(house, NORTH, name) for name in ("Eins", "Zwei", "Drei"))
    put_appointment(house, NORTH, "of-drop", drop)
    put_appointment(house, NORTH, "of-keep", keep)
    put_appointment(house, NORTH, "of-other", other)
    put_appointment(house, NORTH, "of-nobody", None)
    refs = house.registry.patient_refs
    assert ("calendar_appointment", "patient") in refs
    merge = house.store.run(NORTH, lambda tx: api.merge(tx, refs, keep, drop))

    moved = get(house, NORTH, "of-drop")
    assert (moved.patient, moved.note, moved.version) == (keep, drop, 2)
    assert [
        (get(house, NORTH, x).patient, get(house, NORTH, x).version)
        for x in ("of-keep", "of-other", "of-nobody")
    ] == [
        (keep, 1),
        (other, 1),
        (None, 1),
    ]
    with pytest.raises(Problem, match=r"resource\.stale"):  # a save from before the merge
        house.store.run(NORTH, lambda tx: calendar.APPOINTMENTS.save(tx, moved, 1))

    house.store.run(NORTH, lambda tx: api.undo(tx, refs, merge))
    back = get(house, NORTH, "of-drop")
    assert (back.patient, back.version) == (drop, 3)
    assert get(house, NORTH, "of-keep").patient == keep


def test_what_came_after_the_merge_stays_with_the_kept_record(house: House) -> None:
    keep, drop = put_patient(house, NORTH, "Eins"), put_patient(house, NORTH, "Zwei")
    refs = house.registry.patient_refs
    merge = house.store.run(NORTH, lambda tx: api.merge(tx, refs, keep, drop))
    put_appointment(house, NORTH, "later", keep)
    house.store.run(NORTH, lambda tx: api.undo(tx, refs, merge))
    assert get(house, NORTH, "later").patient == keep


def test_another_practice_is_not_touched(house: House) -> None:
    keep, drop = put_patient(house, NORTH, "Eins"), put_patient(house, NORTH, "Zwei")
    put_appointment(house, SOUTH, "stray", drop)
    house.store.run(NORTH, lambda tx: api.merge(tx, house.registry.patient_refs, keep, drop))
    assert get(house, SOUTH, "stray").patient == drop
