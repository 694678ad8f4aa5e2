"""Booked late, moved away and back, the first one of a day that falls away: nobody is forgotten, nobody told twice."""

from typing import Any

import pytest

from praxisd.kernel import events, jobs, schedule
from praxisd.kernel.job_plan import Planner
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import outgoing_store
from praxisd.services.messaging.outbox_declared import DAY_CAP
from praxisd.services.reminders.previewing import preview
from praxisd.services.reminders.shapes import PreviewIn

from .reminders_cast import Cast, at, cast

TUESDAY = "2026-11-24 "


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


def planned(there: Cast) -> None:
    """The job is on, at 10:00, as it is proposed; its run of Monday was there. It is Monday, 10:01."""
    Planner(there.house).step()
    there.do(lambda tx: jobs.change(there.house, tx, "reminders.prepare", enabled=True))
    there.house.clock.set(at("2026-11-23 10:01"))  # type: ignore[attr-defined]
    there.do(lambda tx: jobs.change(there.house, tx, "reminders.prepare", plan=_daily()))
    there.run()


def _daily() -> schedule.Plan:
    return schedule.Daily(schedule.At("10:00"))


def clock(there: Cast, when: str) -> None:
    there.house.clock.set(at(when))  # type: ignore[attr-defined]


def states(there: Cast) -> list[tuple[str, str]]:
    """(state, wall time of the appointment) of all messages, in the order in which they were made."""
    return [
        (row.state, "15:00" if row.stamp == at(TUESDAY + "15:00") else "17:00")
        for row in sorted(there.outbox(), key=lambda row: row.id)
    ]


def test_booked_after_its_run_is_reminded_of_when_the_grace_is_over(there: Cast) -> None:
    planned(there)
    one = there.book(there.patient("Anna"), TUESDAY + "15:00", days_ago=0)
    early = there.book(there.patient("Bert", "0171 3920099"), TUESDAY + "08:30", days_ago=0)
    there.tell()
    (message,) = there.outbox()
    assert (message.appointment, message.state) == (one, "prepared")
    assert message.next_at == at(TUESDAY + "08:00"), "not at once, not in the quiet hours"
    assert there.refusals() == {early: "reminders.too_late"}
    clock(there, TUESDAY + "09:59")
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {early: "reminders.too_late"}


def test_booked_for_the_same_day_is_a_reason_and_no_message(there: Cast) -> None:
    there.set(after_booking_hours=2)
    planned(there)
    one = there.book(there.patient("Anna"), "2026-11-23 18:00", days_ago=0)
    there.tell()
    assert there.refusals() == {one: "reminders.booked_recently"} and there.outbox() == []
    clock(there, "2026-11-23 14:00")
    there.run()
    assert there.refusals() == {one: "reminders.booked_recently"} and there.outbox() == []


def test_a_later_run_looks_again_at_what_was_booked_since(there: Cast) -> None:
    """Without a planned time (the job waits for another one) nothing is known at the booking."""
    there.run()
    one = there.book(there.patient("Anna"), TUESDAY + "15:00", days_ago=0)
    there.tell()
    assert there.outbox() == [] and there.refusals() == {}
    clock(there, TUESDAY + "10:00")
    run = there.run()
    assert [row.appointment for row in there.outbox("prepared")] == [one]
    assert run.counts["prepared"] == 1 and run.counts["refused"] == 0


def test_a_later_run_looks_again_at_what_was_booked_just_before_its_own(there: Cast) -> None:
    one = there.book(there.patient("Anna"), TUESDAY + "15:00", days_ago=0)
    there.run()
    assert there.refusals() == {one: "reminders.booked_recently"} and there.outbox() == []
    clock(there, TUESDAY + "10:00")
    with there.house.store.read(there.actor) as tx:
        shown = preview(there.house, tx, PreviewIn(), "de")
    assert [row.appointment for row in shown.candidates] == [one]
    there.run()
    assert [row.appointment for row in there.outbox("prepared")] == [one] and there.refusals() == {}


def test_credits_that_came_too_late_for_its_own_run_are_in_time_for_the_next(there: Cast) -> None:
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.credits(0)
    there.run()
    assert there.refusals() == {one: "reminders.no_credits"}
    there.credits(5)
    clock(there, TUESDAY + "10:00")
    there.run()
    assert [row.appointment for row in there.outbox("prepared")] == [one]


def test_what_lay_there_before_the_switch_waits_for_no_first_day(there: Cast) -> None:
    """The first day stays the first day: what was booked long ago and lies nearer is left alone, and so is a reason that
    only the patient can mend.
    """
    old = there.book(there.patient("Anna"), "2026-11-23 15:00")
    dead = there.book(there.patient("Tot", "0171 3920098", deceased_undated=True), TUESDAY + "15:00")
    there.run()
    clock(there, TUESDAY + "10:00")
    run = there.run()
    assert there.outbox() == [] and old not in there.refusals()
    assert there.refusals() == {dead: "reminders.patient_dead"} and run.counts["refused"] == 0


def test_the_second_of_a_day_is_not_reminded_of_after_the_first_has_begun(there: Cast) -> None:
    anna = there.patient("Anna")
    first, second = there.book(anna, TUESDAY + "09:00"), there.book(anna, TUESDAY + "15:00")
    there.run()
    (message,) = there.outbox()
    there.sent(message.id)
    clock(there, TUESDAY + "10:00")
    there.do(lambda tx: calendar.change(there.house, tx, first, status="arrived"))
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {second: "reminders.one_per_day"}


def test_moved_onto_a_day_that_was_searched_is_reminded_of(there: Cast) -> None:
    planned(there)
    one = there.book(there.patient("Anna"), "2026-11-27 15:00")
    there.tell()
    assert there.outbox() == [], "that day has a run of its own"
    there.move(one, TUESDAY + "15:00")
    there.tell()
    assert [row.appointment for row in there.outbox("prepared")] == [one]


def test_moved_away_and_back_is_told_once(there: Cast) -> None:
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.run()
    (told,) = there.outbox()
    there.sent(told.id)
    there.move(one, TUESDAY + "17:00")
    there.tell()
    assert states(there) == [("accepted", "15:00"), ("prepared", "17:00")]
    there.move(one, TUESDAY + "15:00")
    there.tell()
    there.run()
    assert states(there) == [("accepted", "15:00"), ("withdrawn", "17:00")]
    assert [row.holds for row in there.outbox() if row.id == told.id] == [f"reminder/{one}"]
    there.move(one, TUESDAY + "17:00")
    there.tell()
    assert states(there)[-1] == ("prepared", "17:00"), "and another time is told again"


def test_moved_back_after_the_other_time_was_told_is_told_again(there: Cast) -> None:
    there.do(lambda tx: there.house.settings.put(tx, DAY_CAP, 3))
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.run()
    there.sent(there.outbox()[0].id)
    there.move(one, TUESDAY + "17:00")
    there.tell()
    there.sent(there.outbox("prepared")[0].id)
    there.move(one, TUESDAY + "15:00")
    there.tell()
    assert states(there) == [("accepted", "15:00"), ("accepted", "17:00"), ("prepared", "15:00")]


def test_moved_back_before_a_run_sees_it_is_told_once(there: Cast) -> None:
    """The handler was late: the run finds the message for the other time waiting."""
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.run()
    (told,) = there.outbox()
    there.sent(told.id)
    there.move(one, TUESDAY + "17:00")
    there.tell()
    there.move(one, TUESDAY + "15:00")
    there.run()
    assert states(there) == [("accepted", "15:00"), ("withdrawn", "17:00")]
    there.tell()
    assert len(there.outbox()) == 2 and there.refusals() == {one: "reminders.already_reminded"}


@pytest.mark.parametrize("what", ["cancelled", "moved", "withdrawn"])
def test_when_the_first_one_of_a_day_falls_away_the_second_is_reminded_of(there: Cast, what: str) -> None:
    anna = there.patient("Anna")
    first, second = there.book(anna, TUESDAY + "10:00"), there.book(anna, TUESDAY + "15:00")
    there.run()
    assert there.refusals() == {second: "reminders.one_per_day"}
    (message,) = there.outbox()
    if what == "cancelled":
        there.do(lambda tx: calendar.cancel(there.house, tx, first))
    elif what == "moved":
        there.move(first, "2026-11-27 10:00")
    else:
        there.do(lambda tx: messaging.withdraw(there.house, tx, message.id, "messaging.withdrawn_by_hand"))
    there.tell()
    assert [row.appointment for row in there.outbox("prepared")] == [second]


def test_switched_off_takes_back_what_waits_and_on_brings_it_back(there: Cast) -> None:
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.run()
    there.set(send_greetings=False)
    there.tell()
    assert len(there.outbox("prepared")) == 1
    there.set(send_reminders=False)
    there.tell()
    (message,) = there.outbox()
    assert (message.state, message.reason) == ("withdrawn", "reminders.switched_off")
    there.set(send_reminders=True)
    there.tell()
    assert [row.appointment for row in there.outbox("prepared")] == [one]


def merge(there: Cast, kept: str, dropped: str) -> None:
    refs = tuple(ref for one in there.house.registry.services for ref in one.patient_refs)
    there.do(lambda tx: directory.merge(tx, refs, kept, dropped))
    there.tell()


def test_merged_into_a_record_of_somebody_who_died_nothing_goes_out(there: Cast) -> None:
    anna = there.patient("Anna")
    there.book(anna, TUESDAY + "15:00")
    there.run()
    merge(there, there.patient("Anna", deceased_undated=True), anna)
    (message,) = there.outbox()
    assert (message.state, message.reason) == ("withdrawn", "reminders.patient_dead")


def test_merged_what_waits_goes_to_the_number_of_the_record_that_goes_on(there: Cast) -> None:
    anna, other = there.patient("Anna"), there.patient("Anna", "0160 1234567")
    there.book(anna, TUESDAY + "15:00")
    there.run()
    merge(there, other, anna)
    assert [(row.patient, row.address) for row in there.outbox("prepared")] == [(other, "+491601234567")]


@pytest.mark.parametrize("what", ["dead", "cancelled", "moved", "nothing"])
def test_a_letter_is_asked_for_only_while_it_is_so(there: Cast, what: str) -> None:
    """Sent; then something happens; then the gateway says that it did not arrive."""
    anna = there.patient("Anna")
    one = there.book(anna, TUESDAY + "15:00")
    there.run()
    (message,) = there.outbox()
    there.sent(message.id)
    if what == "dead":
        there.change(anna, deceased_undated=True)
    elif what == "cancelled":
        there.do(lambda tx: calendar.cancel(there.house, tx, one))
    elif what == "moved":
        there.move(one, TUESDAY + "17:00")
    there.tell()

    def fails(tx: Any) -> None:
        outgoing_store.change(tx, message.id, ("accepted",), state="failed", letter="open")
        events.note(tx, "communication.failed", "Message", message.id, again=False)

    there.do(fails)
    there.tell()
    letters = [row.letter for row in there.outbox("failed")]
    assert letters == (["open"] if what == "nothing" else [None])


def test_merged_one_person_keeps_one_reminder_of_a_day(there: Cast) -> None:
    anna, other = there.patient("Anna"), there.patient("Anna")
    second, first = there.book(anna, TUESDAY + "15:00"), there.book(other, TUESDAY + "10:00")
    there.run()
    assert len(there.outbox("prepared")) == 2
    merge(there, anna, other)
    assert [row.appointment for row in there.outbox("prepared")] == [first]
    assert there.refusals() == {second: "reminders.one_per_day"}


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_what_did_not_arrive_is_not_called_reminded(there: Cast, state: str) -> None:
    one = there.book(there.patient("Anna"), TUESDAY + "15:00")
    there.run()
    (message,) = there.outbox()
    there.sent(message.id, state=state, letter="open", reason="messaging.gateway_credentials")
    there.run()
    assert there.refusals() == {one: "reminders.not_arrived"} and len(there.outbox()) == 1
    there.do(lambda tx: outgoing_store.change(tx, message.id, (state,), letter="done"))
    there.run()
    assert there.refusals() == {one: "reminders.already_reminded"}
