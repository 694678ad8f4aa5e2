"""Answers that could mean several things: which appointment, which patient, which word. On both engines."""

from typing import Any

import pytest

from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import outgoing_store, replies, wishes
from praxisd.services.messaging.channel import Reply

from .reminders_cast import Cast, cast

NUMBER = "+491713920012"


@pytest.fixture
def there(house: Any) -> Cast:
    found = cast(house)
    found.set(days=7)
    found.do(lambda tx: house.settings.put(tx, "messaging.reply_cancel", "do"))
    return found


def sent(there: Cast) -> list[str]:
    """All reminders that are due are made and have gone out; the appointments, by time."""
    there.run()
    now = there.house.clock.now()
    for row in there.outbox("prepared"):
        there.sent(row.id, accepted_at=now, gateway="sandbox")
    return [row.appointment for row in there.outbox()]


def say(
    there: Cast, text: str, mark: str = "m1", sender: str = NUMBER, channel: str = "sms", **more: Any
) -> None:
    said = Reply(sender=sender, text=text, mark=mark, **more)
    assert there.do(lambda tx: replies.take_in(there.house, tx, "sandbox", channel, said))


def status(there: Cast, appointment: str) -> str:
    with there.house.store.read(there.actor) as tx:
        return str(calendar.get(tx, appointment).status)


def answers(there: Cast) -> list[str | None]:
    return [row.reply for row in there.outbox()]


def test_of_two_appointments_none_is_cancelled_nor_confirmed_unnamed(there: Cast) -> None:
    anna = there.patient("Anna")
    for day in (24, 26):
        there.book(anna, f"2026-11-{day} 15:00")
    one, two = sent(there)
    say(there, "2")
    assert (status(there, one), status(there, two)) == ("booked", "booked")
    assert answers(there) == ["cancel_asked", "cancel_asked"]
    say(there, "Ja", "m2")
    assert answers(there) == ["cancel_asked", "cancel_asked"], "nobody knows which one"
    named = there.outbox()[0].id
    say(there, "2", "m3", id=named)
    assert (status(there, one), status(there, two)) == ("cancelled", "booked")
    say(there, "Ja", "m4")
    assert answers(there) == ["cancelled", "confirmed"], "one is left that can be meant"


def test_a_greeting_after_the_reminder_does_not_swallow_the_answer(there: Cast) -> None:
    anna = there.patient("Anna", birth_date="1980-11-23")
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", False))
    there.book(anna, "2026-11-24 15:00")
    sent(there)
    there.house.clock.advance(60)  # type: ignore[attr-defined]
    there.run("reminders.birthdays")
    sent(there)
    say(there, "Ja")
    assert {row.kind: row.reply for row in there.outbox()} == {"birthday": None, "reminder": "confirmed"}


def test_the_appointment_of_somebody_else_is_not_cancelled(there: Cast) -> None:
    there.book(there.patient("Anna"), "2026-11-24 15:00")
    (one,) = sent(there)
    other = there.patient("Ben", "0160 1234567")
    (message,) = there.outbox()
    there.do(lambda tx: outgoing_store.change(tx, message.id, ("accepted",), patient=other))
    say(there, "2")
    assert (status(there, one), answers(there)) == ("booked", ["answered"])


@pytest.mark.parametrize("named", [False, True])
def test_a_stop_holds_for_everybody_at_that_number(there: Cast, named: bool) -> None:
    family = [there.patient("Anna"), there.patient("Ben")]
    far = there.patient("Fern", "0160 1234567")
    for number, one in enumerate((*family, far)):
        there.book(one, f"2026-11-24 1{number}:00")
    sent(there)
    say(there, "STOPP", **({"id": there.outbox()[0].id} if named else {}))
    with there.house.store.read(there.actor) as tx:
        assert [bool(wishes.of(tx, one).said) for one in (*family, far)] == [True, True, False]
    assert answers(there) == ["stopped", "stopped", None]


def test_thanks_do_not_wipe_out_what_was_said(there: Cast) -> None:
    there.book(there.patient("Anna"), "2026-11-24 15:00")
    sent(there)
    for number, (text, kept) in enumerate(
        (("Ja", "confirmed"), ("danke", "confirmed"), ("STOP", "stopped"), ("ok, danke dir", "stopped"))
    ):
        say(there, text, f"m{number}")
        assert answers(there) == [kept]


def test_a_mail_address_is_known_whatever_its_capitals(there: Cast) -> None:
    anna = there.patient("Anna", None, "Anna.Muster@Example.org")
    there.book(anna, "2026-11-24 15:00")
    sent(there)
    say(there, "STOP", sender="anna.muster@example.org", channel="email")
    with there.house.store.read(there.actor) as tx:
        assert wishes.of(tx, anna).said
