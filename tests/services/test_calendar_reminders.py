"""What reminders read of the calendar: pages of appointments, and what may be said about one; on both engines."""

from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.model.people import Practitioner
from praxisd.model.places import Location
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar.store import APPOINTMENTS
from praxisd.services.directory import api as directory
from praxisd.testing.practice import Practice, small_practice

NOON = 1_795_518_000
"""2026-11-24, 12:00 in Berlin."""


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


def put(house: House, practice: Practice, start: int, **fields: Any) -> str:
    one = Appointment(**{"id": f"a{start}", "status": "booked", "end": start + 1800, **fields}, start=start)
    house.store.run(practice.desk(), lambda tx: APPOINTMENTS.insert(tx, one))
    return one.id


def pages(house: House, practice: Practice, start: int, end: int, limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    after = None
    while True:
        with house.store.read(practice.desk()) as tx:
            rows = calendar.for_reminders(tx, start, end, after, limit)
        if not rows:
            return found
        found.append([row.id for row in rows])
        after = (rows[-1].start, rows[-1].id)


def test_all_that_begin_in_the_period_page_by_page(house: House, practice: Practice) -> None:
    put(house, practice, NOON - 1, id="before")
    put(house, practice, NOON + 7200, id="behind")
    # Many at one start: a page may end among them.
    same = [put(house, practice, NOON, id=f"same{n}") for n in (3, 1, 4, 0, 2)]
    late = put(house, practice, NOON + 7199, id="late", status="cancelled")
    mid = put(house, practice, NOON + 60, id="zz", status="noshow")
    wanted = [*sorted(same), mid, late]
    for limit in (1, 2, 3, 7, 50):
        got = pages(house, practice, NOON, NOON + 7200, limit)
        assert [one for page in got for one in page] == wanted
        assert all(len(page) == limit for page in got[:-1])
    assert pages(house, practice, NOON + 7200, NOON + 7200, 5) == []
    other = small_practice(house)
    assert pages(house, other, NOON, NOON + 7200, 5) == []


def test_a_mark_from_before_the_period_hides_nothing(house: House, practice: Practice) -> None:
    put(house, practice, NOON, id="a")
    with house.store.read(practice.desk()) as tx:
        rows = calendar.for_reminders(tx, NOON, NOON + 1, (NOON - 5, "zzz"), 9)
    assert [row.id for row in rows] == ["a"]


def test_what_a_row_says(house: House, practice: Practice) -> None:
    house.clock.set(NOON - 86_400)
    wish = calendar.Wish(service=practice.surgery, start=NOON, patient=practice.patient)
    booked = house.store.run(practice.desk(), lambda tx: calendar.book(house, tx, wish))
    with house.store.read(practice.desk()) as tx:
        (row,) = calendar.for_reminders(tx, NOON, NOON + 1, None, 10)
    assert (row.id, row.version, row.status) == (booked.id, 1, "booked")
    assert (row.start, row.end, row.created) == (NOON, NOON + 3600, NOON - 86_400)
    assert (row.patient, row.service, row.schedules) == (
        practice.patient,
        practice.surgery,
        booked.schedules,
    )


def test_what_a_message_may_say(house: House, practice: Practice) -> None:
    with house.store.write(practice.desk()) as tx:
        doctor = directory.create_practitioner(
            tx, Practitioner(family="Sommer", given="Miriam", prefix="Dr.")
        )
        rooms = [directory.create_location(tx, Location(name=f"Zimmer {n}", kind="room")) for n in (1, 2)]
        calendar.edit_schedule(
            house, tx, practice.doctors[0], None, practitioner=doctor.id, location=rooms[0].id
        )
        calendar.edit_schedule(
            house, tx, practice.chairs[0], None, practitioner=doctor.id, location=rooms[1].id
        )
    full = put(
        house, practice, NOON, service=practice.surgery, patient=practice.patient,
        schedules=(practice.doctors[0], practice.chairs[0]),
    )  # fmt: skip
    bare = put(house, practice, NOON + 60, schedules=("gone",), service="gone")
    with house.store.read(practice.desk()) as tx:
        found = calendar.appointment_facts(tx, [full, "nobody", bare, full])
        assert calendar.appointment_facts(tx, []) == {}
        many = calendar.appointment_facts(tx, [*(f"n{n}" for n in range(1200)), bare])
    assert set(found) == {full, bare} and set(many) == {bare}
    one = found[full]
    assert (one.service, one.practitioner, one.location) == (
        "Eingriff",
        "Dr. Miriam Sommer",
        "Zimmer 1, Zimmer 2",
    )
    assert one.schedules == ("Dr. 1", "Stuhl 1") and one.patient == practice.patient
    assert found[bare][6:] == ("", "", "", ())
