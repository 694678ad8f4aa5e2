"""Bookings that exist already elsewhere: taken in, accepted with another length or column, put to another time; both engines."""

from datetime import date

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import booking, store
from praxisd.testing.practice import small_practice

from .test_calendar_busy import at, told

TUESDAY = date(2026, 11, 24)
SUNDAY = date(2026, 11, 29)


@pytest.fixture(name="practice")
def the_practice(house):
    return small_practice(house)


def taken_in(house, practice, clock, on=TUESDAY, portal="Portal A", **more):
    fields = {"service": practice.check, "schedules": practice.doctors[:1], "start": at(on, clock)} | more
    with house.store.write(practice.desk()) as tx:
        return calendar.request(house, tx, calendar.Wish(**fields), created_by_portal=portal)


def decided(house, practice, call, *arguments, **more):
    with house.store.write(practice.desk()) as tx:
        return call(house, tx, *arguments, **more)


def code(house, practice, call, *arguments, **more):
    with pytest.raises(Problem) as refused:
        decided(house, practice, call, *arguments, **more)
    return refused.value.code


def events_of(house, practice, id_):
    from praxisd.kernel import events

    with house.store.read(practice.desk()) as tx:
        rows = tx.all(events._MISSED, seq=0, upto=2**40, at_most=1000, installation="")
    return [row.type for row in rows if row.subject_id == id_]


def test_a_free_time_is_kept_from_arrival_on_whatever_the_hours_say(house, practice):
    one, conflict = taken_in(house, practice, "05:03", SUNDAY)
    assert (one.status, one.portal, conflict) == ("pending", "Portal A", None)
    assert events_of(house, practice, one.id) == ["appointment.requested"]
    wish = calendar.Wish(
        service=None, start=one.start, end=one.end, schedules=one.schedules, outside_hours=True
    )
    assert code(house, practice, calendar.book, wish) == "calendar.slot_taken"
    with house.store.read(practice.desk()) as tx:
        assert told(house, tx, practice.doctors[0], at(SUNDAY), at(SUNDAY) + 86_400) == [(one.start, one.end)]
    at_once, _ = taken_in(house, practice, "10:00", status="booked")
    assert at_once.status == "booked"
    assert events_of(house, practice, at_once.id) == ["appointment.booked"]


def test_a_taken_time_is_kept_as_a_proposal_with_both_sides(house, practice):
    here = decided(
        house, practice, calendar.book,
        calendar.Wish(service=practice.check, start=at(TUESDAY, "09:00"), schedules=practice.doctors[:1]),
    )  # fmt: skip
    one, id_ = taken_in(house, practice, "09:15", status="booked")
    assert one.status == "proposed" and id_ is not None
    with house.store.read(practice.desk()) as tx:
        (found,) = calendar.open_conflicts(tx)
        assert calendar.conflict(tx, id_) == found
    assert (found.appointment, found.others) == (one.id, (f"Appointment/{here.id}",))
    assert (found.portal, found.schedule, found.start, found.end) == (
        "Portal A", practice.doctors[0], one.start, one.end,
    )  # fmt: skip
    assert events_of(house, practice, one.id) == ["appointment.requested", "conflict.found"]
    assert code(house, practice, calendar.accept, one.id) == "calendar.slot_taken"
    with house.store.read(practice.desk()) as tx:
        assert calendar.get(tx, one.id).status == "proposed"
    other = decided(house, practice, calendar.accept, one.id, schedules=practice.doctors[1:])
    assert (other.status, other.schedules) == ("booked", practice.doctors[1:])


def test_a_surgery_from_outside_finds_its_chair_or_names_what_stands_on_it(house, practice):
    one, conflict = taken_in(house, practice, "10:00", service=practice.surgery)
    assert one.schedules == (practice.doctors[0], practice.chairs[0]) and conflict is None
    block = decided(
        house, practice, calendar.add_reservation, title="x", schedules=practice.chairs,
        start=at(TUESDAY, "13:00"), end=at(TUESDAY, "14:00"),
    )  # fmt: skip
    late, conflict = taken_in(house, practice, "13:00", service=practice.surgery)
    assert late.status == "proposed" and conflict
    with house.store.read(practice.desk()) as tx:
        assert calendar.conflict(tx, conflict).others == (f"Reservation/{block.id}",)


def test_an_absence_keeps_the_time_and_says_so(house, practice):
    away, _ = decided(
        house, practice, calendar.add_absence, schedule=practice.doctors[0], first=TUESDAY, last=TUESDAY
    )
    one, id_ = taken_in(house, practice, "09:00", status="booked")
    assert one.status == "pending"  # a person looks at it first
    with house.store.read(practice.desk()) as tx:
        found = calendar.conflict(tx, id_)
    assert (found.code, found.others) == ("calendar.conflict_absent", (f"Absence/{away.id}",))


def test_accepted_with_another_length_type_and_column(house, practice):
    one, _ = taken_in(house, practice, "09:00")
    longer = decided(house, practice, calendar.accept, one.id, minutes=60, expected=1)
    assert (longer.status, longer.end - longer.start, longer.version) == ("booked", 3600, 2)
    assert events_of(house, practice, one.id)[-1] == "appointment.confirmed"
    assert code(house, practice, calendar.accept, one.id) == "calendar.status_change"
    two, _ = taken_in(house, practice, "11:00")
    assert code(house, practice, calendar.accept, two.id, expected=7) == "resource.stale"
    surgery = decided(house, practice, calendar.accept, two.id, service=practice.surgery)
    assert surgery.schedules == (practice.doctors[0], practice.chairs[0])
    assert (surgery.end - surgery.start, surgery.buffer_before) == (3600, 10)
    assert code(house, practice, calendar.accept, surgery.id, service="nothing") == "calendar.status_change"
    with house.store.read(practice.desk()) as tx:
        rows = store.busy_rows(tx, at(TUESDAY), at(TUESDAY) + 86_400)
    assert (
        sorted((row[1], row[2]) for row in rows if row[3] == f"Appointment/{two.id}")
        == [(surgery.start - 600, surgery.end + 900)] * 2
    )


def test_made_longer_into_another_nothing_changes(house, practice):
    one, _ = taken_in(house, practice, "09:00")
    two, _ = taken_in(house, practice, "09:30", portal="Portal B")
    with house.store.write(practice.desk()) as tx, pytest.raises(Problem) as refused:
        try:
            calendar.accept(house, tx, one.id, minutes=45)
        except Problem as problem:  # somebody goes on in the same transaction: the old time is still kept
            assert booking.get(tx, one.id) == one
            assert ("Appointment/" + one.id) in {r[3] for r in store.busy_rows(tx, one.start, one.end)}
            raise problem from None
    assert refused.value.params["appointments"] == two.id


def test_another_time_stays_pending(house, practice):
    one, _ = taken_in(house, practice, "09:00")
    moved = decided(house, practice, calendar.reschedule, one.id, at(TUESDAY, "15:00"), 20)
    assert (moved.status, moved.start, moved.end - moved.start) == ("pending", at(TUESDAY, "15:00"), 1200)
    assert events_of(house, practice, one.id)[-1] == "appointment.moved"
    here = decided(
        house, practice, calendar.book,
        calendar.Wish(service=practice.check, start=at(TUESDAY, "09:00"), schedules=practice.doctors[:1]),
    )  # fmt: skip
    assert here.status == "booked"
    assert code(house, practice, calendar.reschedule, one.id, here.start) == "calendar.slot_taken"


def test_the_same_pair_is_told_once(house, practice):
    fields = {"appointment": None, "code": "calendar.conflict_blocker", "portal": "p", "schedule": "s"}
    fields |= {"start": 10, "end": 20}

    def note(*others):
        with house.store.write(practice.desk()) as tx:
            return calendar.note_conflict(tx, others=others, **fields)

    first = note("Appointment/a")
    assert first is not None and note("Appointment/a") is None
    assert (
        note("Appointment/a", "Appointment/b") == first
    )  # one more in its way: the same conflict, told again
    assert note("Appointment/b") is None
