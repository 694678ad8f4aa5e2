"""The waiting list knows who waits: the dead are offered nothing, one person has one offer, nobody loses another's time."""

from datetime import date

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import offers as offering
from praxisd.services.calendar import store, waiting_store
from praxisd.services.directory import api as directory
from praxisd.services.directory import records

from .calendar_cast import (  # noqa: F401 - fixtures
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_practice,
)
from .test_calendar_settling import heard
from .test_calendar_waiting import (  # noqa: F401 - fixtures
    NINE,
    free_it,
    offers,
    on,
    opened,
    patients,
    step,
    the_booked,
    the_line,
)

LATER = f"{TUE}11:00:00+01:00"
GONE_OUT = [{"active": False}, {"deceased": date(2026, 11, 1)}, {"deceased_undated": True}]


def who(desk, entry):
    """The patient of an entry."""
    return desk("GET", f"/waiting/{entry}")["patient"]["id"]


def state(desk, entry):
    return desk("GET", f"/waiting/{entry}")["state"]


def out_of_use(house, practice, patient, **fields):
    with house.store.write(practice.desk()) as tx:
        records.change_patient(tx, patient, fields, None, None)


def one_person(house, practice, kept, dropped):
    with house.store.write(practice.desk()) as tx:
        directory.merge(tx, house.registry.patient_refs, kept, dropped)


def kept_time(house, practice):
    """What the waiting list keeps, as (column, start, end)."""
    with house.store.read(practice.desk()) as tx:
        return sorted(row[:3] for row in store.busy_rows(tx, 0, 2**40) if row[3].startswith("Offer/"))


def no_longer_there(house, practice, offer):
    """The offer cannot be accepted, and trying it changes nothing though the transaction goes on."""
    before = kept_time(house, practice)
    with house.store.write(practice.desk()) as tx:
        with pytest.raises(Problem) as gone:
            calendar.accept_offer(house, tx, offer)
        assert gone.value.code == "calendar.offer_gone"
    assert kept_time(house, practice) == before != []
    with house.store.read(practice.desk()) as tx:
        assert calendar.offer(tx, offer).state == "open"


@pytest.mark.parametrize("fields", GONE_OUT, ids=["inactive", "dead", "undated"])
def test_nothing_is_offered_to_the_dead_and_to_records_out_of_use(
    house, practice, desk, line, booked, fields
):
    on(house, practice)
    out_of_use(house, practice, who(desk, line[0]), **fields)
    free_it(desk, booked)
    (round_,) = desk("POST", "/waiting/rounds/search", body={"state": "found"})["rounds"]
    assert [fit["entry"] for fit in round_["fits"]] == line[1:]
    step(house, practice)
    assert opened(desk) == [line[1]]
    by_hand = {"entry": line[0], "start": LATER}
    assert desk.code("POST", "/waiting/offers", 422, by_hand) == "directory.patient_inactive"


@pytest.mark.parametrize("fields", GONE_OUT, ids=["inactive", "dead", "undated"])
def test_who_dies_leaves_and_what_was_offered_goes_to_the_next(house, practice, desk, line, booked, fields):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    out_of_use(house, practice, who(desk, line[0]), **fields)
    no_longer_there(house, practice, one["id"])
    heard(house)
    assert [state(desk, entry) for entry in line] == ["left", "waiting", "waiting"]
    step(house, practice)
    assert opened(desk) == [line[1]]


def test_a_merge_with_the_record_of_a_dead_lets_the_entry_leave(house, practice, desk, line):
    (dead,) = patients(house, practice, 4)[3:]
    out_of_use(house, practice, dead, deceased=date(2026, 11, 1))
    heard(house)
    one_person(house, practice, dead, who(desk, line[0]))
    heard(house)
    assert [state(desk, entry) for entry in line] == ["left", "waiting", "waiting"]


def test_a_merge_keeps_what_both_wait_for(house, practice, desk, line):
    kept = who(desk, line[1])
    one_person(house, practice, kept, who(desk, line[0]))
    heard(house)
    assert [state(desk, entry) for entry in line] == ["waiting"] * 3 and who(desk, line[0]) == kept


def test_one_person_who_waits_twice_is_asked_once(house, practice, desk, line, booked, clock):
    on(house, practice)
    one_person(house, practice, who(desk, line[1]), who(desk, line[0]))
    other = book(desk, practice.check, LATER, schedules=practice.doctors[:1])
    free_it(desk, booked)
    free_it(desk, other)
    step(house, practice)
    assert opened(desk) == [line[0], line[2]]  # of two times, one for each person
    twice = {"entry": line[1], "start": f"{TUE}15:00:00+01:00"}
    assert desk.code("POST", "/waiting/offers", 409, twice) == "calendar.offer_open"
    first = offers(desk, state="open", entry=line[0])[0]
    desk("POST", f"/waiting/offers/{first['id']}/decline", body={})
    step(house, practice)
    asked = [one["entry"] for one in offers(desk, round=first["round"])]
    assert asked == [line[0]]  # who said no is not asked again, under the other entry neither


def test_two_rounds_that_ask_one_person_at_once_make_one_offer(house, practice, desk, line, booked):
    """Each found another entry of the same person before the other one wrote."""
    one_person(house, practice, who(desk, line[1]), who(desk, line[0]))
    free_it(desk, booked)
    (round_,) = desk("POST", "/waiting/rounds/search", body={"state": "found"})["rounds"]
    desk("POST", "/waiting/offers", 201, {"entry": line[0], "start": LATER})
    with house.store.write(practice.desk()) as tx:
        gap = waiting_store.round_of(tx, round_["id"], lock=True)
        for entry, expected in ((line[1], False), (line[2], True)):
            made = offering.make(house, tx, gap, entry, gap.start, gap.start + 900, practice.doctors[:1])
            assert (made is not None) is expected


@pytest.mark.parametrize("which", [0, 1])
def test_two_offers_to_one_person_are_one_appointment(house, practice, desk, line, booked, clock, which):
    """Both were made before the records were found to be one person's: of two times."""
    on(house, practice)
    other = book(desk, practice.check, LATER, schedules=practice.doctors[:1])
    free_it(desk, booked)
    free_it(desk, other)
    step(house, practice)
    assert opened(desk) == line[:2]
    pair = list(reversed(offers(desk, state="open")))
    one_person(house, practice, who(desk, line[1]), who(desk, line[0]))
    heard(house)
    desk("POST", f"/waiting/offers/{pair[which]['id']}/accept", body={})
    assert (
        desk.code("POST", f"/waiting/offers/{pair[1 - which]['id']}/accept", 409, {}) == "calendar.offer_gone"
    )
    assert [state(desk, entry) for entry in line] == ["booked", "booked", "waiting"]
    assert [one["state"] for one in offers(desk)].count("gone") == 1
    step(house, practice)  # at once, not when the time to answer is over
    (left,) = offers(desk, state="open")
    assert (left["entry"], left["round"]) == (line[2], pair[1 - which]["round"])


def test_who_accepts_ends_the_offers_of_all_others(house, practice, desk, line, booked, clock):
    on(house, practice)
    free_it(desk, booked)
    for _ in range(3):
        step(house, practice)
        clock.advance(30 * 60)
    assert opened(desk) == line
    middle = offers(desk, entry=line[1])[0]
    desk("POST", f"/waiting/offers/{middle['id']}/accept", body={})
    found = {one["entry"]: one for one in offers(desk)}
    assert [found[entry]["state"] for entry in line] == ["gone", "accepted", "gone"]
    assert found[line[0]]["answeredAt"] is not None
    assert kept_time(house, practice) == []
    assert [state(desk, entry) for entry in line] == ["waiting", "booked", "waiting"]
    with house.store.read(practice.desk()) as tx:
        there = [one for one in store.APPOINTMENTS.all(tx) if one.status == "booked"]
    assert [one.id for one in there] == [found[line[1]]["appointment"]]
    again = desk("POST", "/waiting/offers", 201, {"entry": line[0], "start": LATER})
    assert again["state"] == "open"  # they wait on, and can be offered another time at once


def test_a_type_that_was_changed_leaves_the_offer_as_it_was(house, practice, desk, line, booked):
    """Out of use, or with another column that must take part and is taken: what is kept stays kept."""
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    with house.store.write(practice.desk()) as tx:
        calendar.edit_service(house, tx, practice.check, None, active=False)
    no_longer_there(house, practice, one["id"])
    chair = {"title": "Wartung", "schedules": [practice.chairs[0]]}
    desk("POST", "/reservations", 201, chair | {"start": NINE, "end": LATER})
    groups = (practice.doctors[:1], practice.chairs[:1])
    with house.store.write(practice.desk()) as tx:
        calendar.edit_service(house, tx, practice.check, None, active=True, groups=groups)
    no_longer_there(house, practice, one["id"])


def test_what_belongs_to_somebody_else_by_now_is_not_given_up(house, practice, desk, line, booked):
    on(house, practice)
    later = book(desk, practice.check, LATER, patient={"id": who(desk, line[0])})
    desk("PUT", f"/waiting/{line[0]}", body={"replaces": later["id"]})
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    with house.store.write(practice.desk()) as tx:
        calendar.change(house, tx, later["id"], patient=who(desk, line[1]))
    done = desk("POST", f"/waiting/offers/{one['id']}/accept", body={})
    assert desk("GET", f"/appointments/{later['id']}")["status"] == "booked"
    assert desk("GET", f"/appointments/{done['appointment']}").get("replaces") is None


def test_who_is_booked_by_hand_waits_no_more(house, practice, desk, line, booked, clock):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    person = {"id": who(desk, line[0])}
    desk("PUT", f"/waiting/{line[1]}", body={"last": "2026-11-24"})
    clock.advance(60)
    book(desk, practice.surgery, LATER, patient=person)  # not what they wait for
    book(
        desk, practice.check, "2026-11-25T11:00:00+01:00", patient={"id": who(desk, line[1])}
    )  # too late for them
    heard(house)
    assert [state(desk, entry) for entry in line] == ["waiting"] * 3
    book(desk, practice.check, f"{TUE}15:00:00+01:00", patient=person)
    heard(house)
    heard(house)
    assert [state(desk, entry) for entry in line] == ["booked", "waiting", "waiting"]
    step(house, practice)
    assert opened(desk) == [line[1]]


@pytest.mark.parametrize(
    ("time", "expected"), [("10:00", "booked"), ("16:00", "waiting")], ids=["earlier", "later"]
)
def test_who_has_an_appointment_waits_until_there_is_an_earlier_one(
    house, practice, desk, line, clock, time, expected
):
    person = {"id": who(desk, line[0])}
    later = book(desk, practice.check, f"{TUE}15:00:00+01:00", patient=person)
    desk("PUT", f"/waiting/{line[0]}", body={"replaces": later["id"]})
    heard(house)
    assert state(desk, line[0]) == "waiting"  # the one that they would give up
    clock.advance(60)
    book(desk, practice.check, f"{TUE}{time}:00+01:00", patient=person, schedules=practice.doctors[:1])
    heard(house)
    assert state(desk, line[0]) == expected
    assert desk("GET", f"/appointments/{later['id']}")["status"] == "booked"
