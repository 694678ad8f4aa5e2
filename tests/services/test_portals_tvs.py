"""116117 against the simulator: busy times, bookings, what goes wrong, and what is remembered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.services.portals import portal
from praxisd.services.portals.portal import CODES, Period, Portal, Reply
from praxisd.services.portals.portals.tvs_memory import Known
from praxisd.services.portals.portals.tvs_reading import Reading

from .tvs_cast import CALENDAR, CARD, DAY, HOUR, NOW, Kept, Stage, busy, stage

PERSON = {
    "family": "Kanarienvogel",
    "given": "Kai Uwe",
    "birthDate": "1979-02-28",
    "phone": "+49 30 4711",
    "email": "kai@example.org",
}


@pytest.fixture
def tvs(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as one:
        yield one
        assert [each for each in one.tvs.requests if each["method"] != "POST"] == []
        assert {each["status"] for each in one.tvs.requests} & {405, 406, 415} == set()


def code_of(work: object) -> tuple[str, bool]:
    """Code and retry of the Problem that `work` raises."""
    with pytest.raises(Problem) as caught:
        work()  # type: ignore[operator]
    assert caught.value.code in CODES
    return caught.value.code, caught.value.retry


def test_it_is_a_portal(tvs: Stage) -> None:
    one: Portal = tvs.open()
    assert one.names() == (CALENDAR,)
    assert one.blockers(CALENDAR, one.period(CALENDAR)) == ()
    one.answer(Reply("b", "accepted"), tvs.before)
    assert code_of(lambda: one.answer(Reply("b", "refused"), tvs.before)) == (portal.REFUSED, False)


def test_the_period_is_whole_days_of_the_practice(tvs: Stage) -> None:
    one = tvs.open(weeks="2")
    first = one.period(CALENDAR)
    assert (first.start, first.end) == (1_793_487_600, 1_793_487_600 + 14 * DAY), "midnight in Berlin"
    tvs.clock.advance(10 * HOUR)
    assert one.period(CALENDAR) == first, "the same all day, so that nothing is uploaded for it"


def test_only_active_profiles_are_calendars(tvs: Stage) -> None:
    tvs.tvs.add_profile("Alt", active=False)
    one = tvs.open()
    assert one.names() == (CALENDAR,)
    for name in ("Alt", "Gibt es nicht", CALENDAR + " "):
        assert code_of(lambda n=name: one.period(n)) == (portal.CALENDAR_UNKNOWN, False)


def test_an_unchanged_hour_asks_nothing(tvs: Stage) -> None:
    one = tvs.open()
    tvs.slot(24)
    one.fetch(None)
    one.hours(CALENDAR, one.period(CALENDAR))
    asked = len(tvs.tvs.requests)
    for _ in range(29):
        tvs.clock.advance(120)
        again = tvs.open()
        again.hours(CALENDAR, again.period(CALENDAR))
        again.fetch("2026-11-01T08:00:00Z")
    assert len(tvs.tvs.requests) == asked


def test_busy_times_reach_the_slots_they_touch_and_are_given_back(tvs: Stage) -> None:
    slots = [tvs.slot(hour) for hour in (24, 25, 26, 27)]
    blocked = tvs.slot(28, status="busy-unavailable")
    booked = tvs.slot(29)
    tvs.tvs.book(booked, PERSON)
    one = tvs.open()
    period = one.period(CALENDAR)
    assert one.upload(CALENDAR, period, busy((24.5, 25.0), (26.5, 30)), tvs.before) == 2
    shown = {**dict.fromkeys(slots, "busy"), slots[1]: "free", blocked: "busy-unavailable", booked: "busy"}
    assert tvs.states() == shown
    told = len(tvs.asked("slotstatus"))
    assert told == 3, "each once: 24, 26, 27"
    tvs.open().upload(CALENDAR, period, busy((24.5, 25.0), (26.5, 30)), tvs.before)
    assert len(tvs.asked("slotstatus")) == told, "only what differs"
    tvs.open().upload(CALENDAR, period, [], tvs.before)
    assert tvs.states() == {**dict.fromkeys(slots, "free"), blocked: "busy-unavailable", booked: "busy"}


def test_nothing_but_times_and_ids_goes_out(tvs: Stage) -> None:
    tvs.tvs.book(tvs.slot(24), PERSON, "Knie rechts")
    tvs.slot(25)
    one = tvs.open()
    got = one.fetch(None)
    assert got.bookings[0].told.family == "Kanarienvogel"
    one.upload(CALENDAR, one.period(CALENDAR), busy((24, 26)), tvs.before)
    one.offer(CALENDAR, busy((40, 41)), tvs.before)
    sent = "".join(each["target"] + each["body"] for each in tvs.tvs.requests)
    kept = "".join(tvs.memory.text.values())
    for word in (*PERSON.values(), "Knie"):
        assert word not in sent and word not in kept


def test_a_slot_that_a_patient_took_in_between_is_left_to_the_patient(tvs: Stage) -> None:
    one = tvs.open()
    slot = tvs.slot(24)
    one.upload(CALENDAR, one.period(CALENDAR), busy((24, 25)), tvs.before)
    tvs.tvs.set_status(slot, "free", by_practice=False)
    tvs.tvs.book(slot, PERSON)
    one.fetch(None)
    before = len(tvs.asked("slotstatus"))
    one.upload(CALENDAR, one.period(CALENDAR), [], tvs.before)
    assert tvs.states()[slot] == "busy" and len(tvs.asked("slotstatus")) == before, "not given away"


def test_a_report_that_was_lost_is_not_held_against_a_later_booking(tvs: Stage) -> None:
    one = tvs.open()
    slot = tvs.slot(24)
    one.upload(CALENDAR, one.period(CALENDAR), busy((24, 25)), tvs.before)
    tvs.tvs.set_status(slot, "free", by_practice=False)  # as if our report had never arrived
    one.upload(CALENDAR, one.period(CALENDAR), [], tvs.before)
    tvs.tvs.book(slot, PERSON)
    told = len(tvs.asked("slotstatus"))
    one.upload(CALENDAR, one.period(CALENDAR), [], tvs.before)
    assert len(tvs.asked("slotstatus")) == told, "whoever is busy there now is not ours"


def test_what_stays_open_is_said_and_the_others_are_told(tvs: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from praxisd.sandbox.portal_tvs import Refused

    stubborn, other = tvs.slot(24), tvs.slot(25)
    real = tvs.tvs.set_status

    def set_status(id_: str, status: str, by_practice: bool = True) -> None:
        if id_ == stubborn and by_practice:
            raise Refused(409, "conflict", "SLOT_TAKEN")
        real(id_, status, by_practice)

    monkeypatch.setattr(tvs.tvs, "set_status", set_status)
    one = tvs.open()
    period = one.period(CALENDAR)

    def upload() -> None:
        tvs.open().upload(CALENDAR, period, busy((24, 26)), tvs.before)

    assert code_of(upload) == (portal.REFUSED, False)
    assert tvs.states() == {stubborn: "free", other: "busy"}
    told = len(tvs.asked("slotstatus"))
    assert code_of(upload) == (portal.REFUSED, False), "it is still open, and is said so"
    assert len(tvs.asked("slotstatus")) == told, "but not tried again in the same version"
    real(stubborn, "busy-unavailable", False)
    real(stubborn, "free", False)
    monkeypatch.undo()
    upload()
    assert tvs.states() == {stubborn: "busy", other: "busy"}


def test_nothing_is_written_after_its_time(tvs: Stage) -> None:
    one = tvs.open()
    tvs.slot(24)
    period = one.period(CALENDAR)
    late = tvs.clock.now() - 1.0
    assert code_of(lambda: one.upload(CALENDAR, period, busy((24, 25)), late)) == (portal.TIMEOUT, True)
    assert code_of(lambda: one.offer(CALENDAR, busy((30, 31)), late)) == (portal.TIMEOUT, True)
    assert tvs.asked("slotstatus") == [] and tvs.asked("batch") == []
    assert list(tvs.states().values()) == ["free"]


def test_bookings_come_changed_and_go(tvs: Stage) -> None:
    one = tvs.open()
    slot = tvs.slot(24)
    first = tvs.tvs.book(slot, PERSON, "Bitte Aufzug")
    got = one.fetch(None)
    (booking,) = got.bookings
    assert (booking.id, booking.calendar, booking.start, booking.end) == (
        first.id, CALENDAR, NOW + DAY, NOW + DAY + HOUR,
    )  # fmt: skip
    told = booking.told
    assert (told.family, told.given, told.birth_date) == ("Kanarienvogel", "Kai Uwe", "1979-02-28")
    assert (told.phone, told.email, booking.note) == ("+49 30 4711", "kai@example.org", "Bitte Aufzug")
    assert booking.kind == "Erstuntersuchung" and not booking.cancelled
    tvs.tvs.end_booking(first.id)
    second = tvs.tvs.book(slot, {**PERSON, "family": "Zweite"})
    tvs.clock.advance(HOUR)
    later = tvs.open().fetch(got.mark)
    assert [(each.id, each.told.family, each.cancelled) for each in later.bookings] == [
        (first.id, "Kanarienvogel", True), (second.id, "Zweite", False),
    ]  # fmt: skip
    assert later.mark and got.mark and later.mark > got.mark


def test_a_booking_whose_time_cannot_be_read_is_for_a_person(tvs: Stage) -> None:
    stub: Any = None
    reading = Reading(stub, Known(tvs.memory), tvs.clock)
    bad = {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "start": "bald",
        "comment": "Bitte Aufzug",
    }
    good = {**bad, "id": "a2", "start": format_rfc3339(NOW + DAY, zone("UTC"))}
    gone, nameless = {**bad, "id": "a3", "status": "cancelled"}, {**bad, "id": None}
    first, second, third = reading._bookings([bad, good, gone, nameless], {}, {}, {}, NOW)
    assert (first.id, first.start, first.note) == ("a1", None, "Bitte Aufzug")
    assert json.loads(first.original) == bad
    assert (second.id, second.start, second.original) == ("a2", NOW + DAY, "")
    assert (third.id, third.cancelled, third.original) == ("a3", True, "")


def test_a_deleted_booking_is_a_cancelled_one(tvs: Stage) -> None:
    made = tvs.tvs.book(tvs.slot(24), PERSON)
    mark = tvs.open().fetch(None).mark
    tvs.tvs.end_booking(made.id, deleted=True)
    for told in (mark, mark, None):
        tvs.clock.advance(HOUR)
        (gone,) = tvs.open().fetch(told).bookings
        assert (gone.id, gone.calendar, gone.start, gone.cancelled) == (made.id, CALENDAR, NOW + DAY, True)


def test_a_booking_is_given_again_until_its_mark_is_kept(tvs: Stage) -> None:
    mark = tvs.open().fetch(None).mark
    made = [tvs.tvs.book(tvs.slot(hour), PERSON).id for hour in (24, 30, 27)]
    for _ in range(3):
        tvs.clock.advance(HOUR)
        got = tvs.open().fetch(mark)
        assert [each.id for each in got.bookings] == made, "in the order in which they were made"


def test_changed_data_of_a_patient_are_seen_within_a_day(tvs: Stage) -> None:
    made = tvs.tvs.book(tvs.slot(24 * 5), PERSON)
    mark: str | None = tvs.open().fetch(None).mark
    tvs.tvs.change_person(made.id, {"phone": "+49 40 1"})
    seen = []
    for _ in range(25):
        tvs.clock.advance(HOUR)
        got = tvs.open().fetch(mark)
        mark = got.mark or mark
        seen += [each.told.phone for each in got.bookings]
    assert "+49 40 1" in seen


def test_an_empty_answer_ends_no_booking(tvs: Stage) -> None:
    tvs.tvs.book(tvs.slot(24), PERSON)
    tvs.open().fetch(None)
    tvs.tvs.bookings.clear()
    tvs.tvs.changes.clear()
    tvs.clock.advance(DAY / 2)
    got = tvs.open().fetch(None)
    assert got.bookings == () and got.mark


@pytest.mark.parametrize("page", [1, 2, 7])
@pytest.mark.parametrize("search", ["xml", "form"])
def test_pages_of_any_size_say_the_same(tvs: Stage, page: int, search: str) -> None:
    tvs.tvs.page = page
    slots = [tvs.slot(24 + hour) for hour in range(15)]
    booked = [tvs.tvs.book(slot, PERSON).id for slot in slots[::2]]
    got = tvs.open(search=search).fetch(None)
    assert sorted(each.id for each in got.bookings) == sorted(booked)
    assert [each.id for each in got.unknown] == slots[1::2]


def test_settling_does_what_was_chosen(tvs: Stage) -> None:
    slots = [tvs.slot(hour) for hour in (24, 26, 28)]
    one = tvs.open()
    kept, deleted, again = one.fetch(None).unknown
    one.settle(kept, "keep", tvs.before)
    one.settle(deleted, "delete", tvs.before)
    one.settle(again, "again", tvs.before)
    there = tvs.states()
    assert slots[0] in there and slots[1] not in there and slots[2] not in there and len(there) == 2
    assert one.fetch(None).unknown == (), (
        "decided ones are no question any more, also before they are read again"
    )
    tvs.clock.advance(DAY)
    assert tvs.open().fetch(None).unknown == ()
    tvs.open().settle(deleted, "delete", tvs.before)
    assert len(tvs.states()) == 2, "what is gone already is well"


def test_a_taken_slot_is_not_deleted_and_not_asked_for_again_and_again(tvs: Stage) -> None:
    slot = tvs.slot(24)
    one = tvs.open()
    (unknown,) = one.fetch(None).unknown
    made = tvs.tvs.book(slot, PERSON)
    for _ in range(3):
        assert code_of(lambda: tvs.open().settle(unknown, "delete", tvs.before)) == (portal.REFUSED, False)
    assert len(tvs.asked("batch")) == 1 and slot in tvs.states()
    tvs.tvs.end_booking(made.id)
    tvs.clock.advance(DAY)
    (newer,) = tvs.open().fetch(None).unknown
    assert newer.version != unknown.version
    tvs.open().settle(newer, "delete", tvs.before)
    assert slot not in tvs.states()


def test_our_own_report_does_not_spoil_a_deletion(tvs: Stage) -> None:
    slot = tvs.slot(24)
    one = tvs.open()
    (unknown,) = one.fetch(None).unknown
    one.upload(CALENDAR, one.period(CALENDAR), busy((24, 25)), tvs.before)
    one.settle(unknown, "delete", tvs.before)
    assert slot not in tvs.states()


def test_offers_are_taken_one_by_one_and_once(tvs: Stage) -> None:
    one = tvs.open()
    tvs.slot(24.5)
    times = busy((24, 25), (26, 27), (28, 29))
    assert one.offer(CALENDAR, times, tvs.before) == (portal.REFUSED, None, None)
    assert one.offer(CALENDAR, times, tvs.before) == (portal.REFUSED, None, None)
    assert len(tvs.states()) == 3 and len(tvs.asked("batch")) == 1
    assert [each.start for each in one.fetch(None).unknown] == [NOW + round(24.5 * HOUR)], "ours are known"
    tvs.tvs.delete_slot(one.fetch(None).unknown[0].id, "1")
    assert one.offer(CALENDAR, times, tvs.before) == (None, None, None), "nothing stands in the way any more"
    sent = tvs.asked("batch")[0]["body"]
    assert re.findall(r'<entry id="(\d)"', sent) == ["1", "2", "3"] and 'value="Praesenz"' in sent


def test_a_batch_that_answers_out_of_order_is_not_believed(
    tvs: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from praxisd.sandbox.portal_tvs_doors import Doors

    real = Doors.one

    def swapped(self: Doors, entry: dict[str, object], fault: int | None) -> dict[str, object]:
        return real(self, entry, fault) | {"id": "9"}

    monkeypatch.setattr(Doors, "one", swapped)
    one = tvs.open()
    assert code_of(lambda: one.offer(CALENDAR, busy((24, 25)), tvs.before)) == (
        portal.ANSWER_UNREADABLE,
        True,
    )


def test_memory_forgets_what_is_past(tvs: Stage) -> None:
    one = tvs.open()
    tvs.tvs.book(tvs.slot(1), PERSON)
    tvs.slot(2)
    one.offer(CALENDAR, busy((3, 4)), tvs.before)
    one.upload(CALENDAR, one.period(CALENDAR), busy((2, 3)), tvs.before)
    one.fetch(None)
    tvs.clock.advance(3 * DAY)
    tvs.open().fetch(None)
    for key in ("known", "ours", "refused", "booked", "unknown"):
        assert tvs.memory.get(key) in ({}, None), key


def test_a_new_memory_shows_everything_and_gives_nothing_away(tvs: Stage) -> None:
    slot = tvs.slot(24)
    one = tvs.open()
    one.upload(CALENDAR, one.period(CALENDAR), busy((24, 25)), tvs.before)
    fresh = tvs.open(Kept())
    fresh.upload(CALENDAR, Period(NOW - DAY, NOW + 9 * DAY), [], tvs.before)
    assert tvs.states() == {slot: "busy"}, "whoever made it busy, nobody here knows"
    assert [each.id for each in fresh.fetch(None).unknown] == [slot]


def test_the_key_is_in_nothing_that_is_kept_or_told(tvs: Stage) -> None:
    one = tvs.open()
    one.fetch(None)
    token = next(iter(tvs.tvs.tokens))
    for text in (*tvs.memory.text.values(), *(str(each) for each in tvs.tvs.requests)):
        assert CARD not in text and token not in text
