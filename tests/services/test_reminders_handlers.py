"""What becomes of reminders when appointments move or fall away, and patients die, move or are merged. On both engines."""

from datetime import date
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.model.people import Contact
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import outgoing_store
from praxisd.services.messaging.outbox_declared import FALLBACK

from .reminders_cast import Cast, at, cast

NEW_NUMBER = (Contact(system="phone", value="0160 1234567", use="mobile"),)
BOTH = (
    Contact(system="phone", value="0171 3920012", use="mobile"),
    Contact(system="email", value="anna@example.org"),
)


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


def prepared(there: Cast, when: str = "2026-11-24 15:00", **more: Any) -> tuple[str, str, str]:
    """Patient, appointment and message of one reminder."""
    anna = there.patient("Anna", **more)
    one = there.book(anna, when)
    there.tell()
    there.run()
    (message,) = there.outbox()
    return anna, one, message.id


def told_twice(there: Cast, appointment: str) -> None:
    """The handler hears of the same thing again."""
    there.do(lambda tx: events.note(tx, "appointment.moved", "Appointment", appointment))
    there.tell()


@pytest.mark.parametrize("what", ["cancelled", "noshow", "arrived"])
def test_a_reminder_of_what_does_not_take_place_is_withdrawn(there: Cast, what: str) -> None:
    _, one, id_ = prepared(there)
    there.do(lambda tx: calendar.change(there.house, tx, one, status=what))
    there.tell()
    (message,) = there.outbox()
    assert (message.id, message.state, message.holds) == (id_, "withdrawn", None)
    assert message.reason == "messaging.appointment_gone"
    told_twice(there, one)
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {one: "reminders.status_not_booked"}


def test_what_was_sent_stays_when_the_appointment_is_cancelled(there: Cast) -> None:
    _, one, id_ = prepared(there)
    there.sent(id_)
    there.do(lambda tx: calendar.cancel(there.house, tx, one))
    there.tell()
    (message,) = there.outbox()
    assert (message.state, message.holds) == ("accepted", f"reminder/{one}")


def test_nobody_writes_a_letter_for_what_was_cancelled(there: Cast) -> None:
    anna = there.patient("Anna", None)
    one = there.book(anna, "2026-11-24 15:00")
    there.run()
    assert there.outbox()[0].letter == "open"
    there.do(lambda tx: calendar.cancel(there.house, tx, one))
    there.tell()
    assert there.outbox()[0].letter is None and there.refusals() == {}


@pytest.mark.parametrize("switch", ["renew", "keep"])
def test_a_prepared_reminder_tells_the_new_time_at_once(there: Cast, switch: str) -> None:
    there.set(on_move=switch)
    _, one, id_ = prepared(there)
    there.move(one, "2026-11-24 17:00")
    there.tell()
    old, new = there.outbox()
    assert (old.id, old.state, old.reason) == (id_, "withdrawn", "messaging.appointment_moved")
    assert (new.state, new.stamp, new.holds) == ("prepared", at("2026-11-24 17:00"), f"reminder/{one}")
    assert "17:00" in new.text or "17.00" in new.text
    told_twice(there, one)
    assert len(there.outbox()) == 2


def test_what_was_refused_and_is_confirmed_now_is_reminded_of(there: Cast) -> None:
    one = there.book(there.patient("Anna"), "2026-11-24 15:00", status="pending")
    there.run()
    assert there.refusals() == {one: "reminders.status_not_booked"}
    there.do(lambda tx: calendar.change(there.house, tx, one, status="booked"))
    there.tell()
    assert [row.appointment for row in there.outbox("prepared")] == [one] and there.refusals() == {}


def test_a_day_no_run_has_seen_is_left_to_the_run(there: Cast) -> None:
    one = there.book(there.patient("Anna"), "2026-11-24 15:00", status="pending")
    there.do(lambda tx: calendar.change(there.house, tx, one, status="booked"))
    there.tell()
    assert there.outbox() == [] and there.refusals() == {}


def test_beyond_the_days_searched_the_next_run_makes_it(there: Cast) -> None:
    _, one, _ = prepared(there)
    there.move(one, "2026-11-26 09:00")
    there.tell()
    assert [row.state for row in there.outbox()] == ["withdrawn"]
    there.house.clock.set(at("2026-11-25 10:00"))  # type: ignore[attr-defined]
    there.run()
    assert [(row.state, row.stamp) for row in there.outbox()] == [
        ("withdrawn", at("2026-11-24 15:00")),
        ("prepared", at("2026-11-26 09:00")),
    ]


def test_withdraw_means_no_other_reminder(there: Cast) -> None:
    there.set(on_move="withdraw")
    _, one, _ = prepared(there)
    there.move(one, "2026-11-24 17:00")
    there.tell()
    there.run()
    assert [row.state for row in there.outbox()] == ["withdrawn"]
    assert there.refusals() == {one: "reminders.withdrawn"}


@pytest.mark.parametrize(
    ("switch", "states"),
    [("renew", ["accepted", "prepared"]), ("withdraw", ["accepted"]), ("keep", ["accepted"])],
)
def test_a_sent_reminder_is_renewed_as_the_switch_says(there: Cast, switch: str, states: list[str]) -> None:
    there.set(on_move=switch)
    _, one, id_ = prepared(there)
    there.sent(id_)
    there.move(one, "2026-11-24 17:00")
    there.tell()
    told_twice(there, one)
    assert [row.state for row in there.outbox()] == states
    there.run()
    assert [row.state for row in there.outbox()] == states
    holders = [row for row in there.outbox() if row.holds]
    assert len(holders) == 1 and holders[0].state == states[-1]


def test_moved_there_and_back_is_reminded_of_once(there: Cast) -> None:
    _, one, id_ = prepared(there)
    there.sent(id_)
    there.move(one, "2026-11-26 09:00")
    there.tell()
    there.move(one, "2026-11-24 15:00")
    there.tell()
    there.run()
    assert [row.id for row in there.outbox()] == [id_]
    assert there.refusals() == {one: "reminders.already_reminded"}


def test_moved_twice_before_anything_went_out(there: Cast) -> None:
    _, one, _ = prepared(there)
    there.move(one, "2026-11-26 09:00")
    there.tell()
    there.move(one, "2026-11-24 16:00")
    there.tell()
    assert [(row.state, row.stamp) for row in there.outbox()] == [
        ("withdrawn", at("2026-11-24 15:00")),
        ("prepared", at("2026-11-24 16:00")),
    ]


def test_the_second_appointment_of_the_day_is_not_renewed_beside_the_first(there: Cast) -> None:
    anna, one, _ = prepared(there)
    early = there.book(anna, "2026-11-24 08:00")
    there.run()
    there.move(one, "2026-11-24 17:00")
    there.tell()
    assert there.refusals()[one] == "reminders.one_per_day"
    assert [row.appointment for row in there.outbox("prepared")] == [early]


def test_switched_off_nothing_new_is_made(there: Cast) -> None:
    _, one, _ = prepared(there)
    there.set(send_reminders=False)
    there.move(one, "2026-11-24 17:00")
    there.tell()
    assert [row.state for row in there.outbox()] == ["withdrawn"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"deceased": date(2026, 11, 20)}, "reminders.patient_dead"),
        ({"deceased_undated": True}, "reminders.patient_dead"),
        ({"active": False}, "reminders.patient_inactive"),
    ],
)
def test_nothing_goes_to_the_dead(there: Cast, fields: dict[str, Any], code: str) -> None:
    anna, one, _ = prepared(there)
    there.change(anna, **fields)
    there.tell()
    (message,) = there.outbox()
    assert (message.state, message.reason) == ("withdrawn", code)
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {one: code}


def test_another_name_changes_nothing(there: Cast) -> None:
    anna, _, _ = prepared(there)
    there.change(anna, family="Anders")
    there.tell()
    assert [row.state for row in there.outbox()] == ["prepared"]


def test_nothing_goes_to_a_number_that_was_corrected(there: Cast) -> None:
    anna, one, id_ = prepared(there)
    there.change(anna, telecom=NEW_NUMBER)
    there.tell()
    old, new = there.outbox()
    assert (old.id, old.state, old.reason) == (id_, "withdrawn", "reminders.contact_changed")
    assert (new.state, new.address, new.appointment) == ("prepared", "+491601234567", one)
    there.change(anna, telecom=())
    there.tell()
    assert [row.state for row in there.outbox()] == ["withdrawn", "withdrawn", "failed"]
    assert there.outbox()[-1].letter == "open" and there.refusals() == {one: "reminders.no_contact"}


def test_the_same_number_written_otherwise_changes_nothing(there: Cast) -> None:
    anna, _, id_ = prepared(there)
    there.change(anna, telecom=(Contact(system="phone", value="0049 171 3920012"), *BOTH[1:]))
    there.tell()
    (message,) = there.outbox()
    assert (message.id, message.state) == (id_, "prepared")


def test_a_withdrawn_consent_withdraws_what_waits(there: Cast) -> None:
    anna, one, _ = prepared(there)
    there.do(lambda tx: messaging.say(there.house, tx, anna, [("reminder", "sms", "withdrawn")], "desk"))
    there.tell()
    assert [row.state for row in there.outbox()] == ["withdrawn"]
    there.run()
    assert there.refusals() == {one: "messaging.consent_withdrawn"}


def failed(there: Cast, id_: str) -> None:
    """The gateway refuses a message for good and the outbox frees its topic, as it does where the switch is on."""
    there.do(lambda tx: there.house.settings.put(tx, FALLBACK, True))
    there.sent(id_, state="failed", reason="messaging.number_rejected", letter="open", holds=None)
    there.do(lambda tx: events.note(tx, "communication.failed", "Message", id_, again=True))
    there.tell()


def test_another_channel_after_one_has_failed_for_good(there: Cast) -> None:
    anna, _, id_ = prepared(there)
    there.change(anna, telecom=BOTH)
    there.tell()
    failed(there, id_)
    old, new = sorted(there.outbox(), key=lambda row: row.state)
    assert (old.channel, old.state, old.letter) == ("sms", "failed", None)
    assert (new.channel, new.state, new.address) == ("email", "prepared", "anna@example.org")
    failed_again = new.id
    failed(there, failed_again)
    there.run()
    assert {row.state for row in there.outbox()} == {"failed"} and len(there.outbox()) == 2
    assert set(there.refusals().values()) == {"reminders.not_delivered"}
    assert [row.letter for row in there.outbox() if row.id == failed_again] == ["open"]


def test_without_another_channel_the_letter_stays(there: Cast) -> None:
    _, one, id_ = prepared(there)
    failed(there, id_)
    (message,) = there.outbox()
    assert message.letter == "open" and there.refusals() == {one: "reminders.not_delivered"}


def test_of_two_records_of_one_person_one_greeting_goes(there: Cast) -> None:
    today = {"birth_date": "1980-11-23"}
    first, second = there.patient("Anna", **today), there.patient("Anna", "0160 1234567", **today)
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", False))
    there.run("reminders.birthdays")
    assert len(there.outbox("prepared")) == 2
    refs = tuple(ref for one in there.house.registry.services for ref in one.patient_refs)
    there.do(lambda tx: directory.merge(tx, refs, first, second))
    there.tell()
    states = [(row.state, row.reason) for row in there.outbox()]
    assert sorted(states, key=str) == [("prepared", None), ("withdrawn", "reminders.already_greeted")]
    there.run("reminders.birthdays")
    assert len(there.outbox()) == 2
    told = there.outbox("prepared")[0]
    there.do(lambda tx: outgoing_store.get(tx, told.id))
    assert told.patient == first
