"""A free time is offered to who waits: written to at once, answered by a word, and nobody comes for nothing. Both engines."""

from typing import Any

import pytest

from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import rounds, waiting
from praxisd.services.calendar import store as calendar_store
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import last_look, outgoing_store

from .reminders_cast import Cast, at, cast
from .test_messaging_telling import answer, handlers, row

WHEN = "2026-11-26 10:00"


@pytest.fixture
def there(house: Any) -> Cast:
    found = cast(house)
    found.set(messaging__public_url="https://praxis.example")
    return found


def offered(
    there: Cast, family: str = "Anna", phone: str = "+49 171 3920012", round_: str | None = None
) -> tuple[str, Any]:
    """The offer of a time to a patient who waits, and the message about it as if it had gone out."""
    patient = there.patient(family, phone)
    entry = there.do(lambda tx: waiting.enter(there.house, tx, patient=patient, service=there.practice.check))
    columns = there.practice.doctors[:1]
    made = there.do(lambda tx: rounds.by_hand(there.house, tx, entry.id, at(WHEN), columns, round_))
    handlers(there)
    (message,) = [one for one in there.outbox() if one.topic == f"offer/{made.id}"]
    return made.id, message


def send(there: Cast, message: Any) -> None:
    there.sent(message.id, gateway="sandbox", accepted_at=there.house.clock.now())


def state(there: Cast, offer: str) -> str:
    with there.house.store.read(there.actor) as tx:
        found = calendar.offer(tx, offer)
        assert found is not None
        return str(found.state)


def look(there: Cast, id_: str) -> str | None:
    def work(tx: Any) -> str | None:
        return last_look.put_aside(
            there.house, tx, outgoing_store.get(tx, id_), last_look.day(there.house, tx)
        )

    return there.do(work)  # type: ignore[no-any-return]


def test_who_waits_is_written_to_with_a_link_and_once(there: Cast) -> None:
    offer, message = offered(there)
    assert (message.kind, message.state, message.stamp) == ("offer", "prepared", at(WHEN))
    assert "Donnerstag, 26. November um 10:00 Uhr" in message.text
    assert "https://praxis.example/api/v1/offers/" in message.text
    assert message.useless_after == at(WHEN), "good until its time, whoever is asked meanwhile"
    handlers(there)
    assert len(there.outbox()) == 1 and look(there, message.id) is None
    there.do(lambda tx: calendar.decline_offer(there.house, tx, offer))
    assert look(there, message.id) == "withdrawn"
    assert row(there, message.id).reason == "messaging.decided_otherwise"


def test_a_yes_takes_the_time_and_said_twice_it_is_no_refusal(there: Cast) -> None:
    offer, message = offered(there)
    send(there, message)
    answer(there, "1", "m1")
    assert state(there, offer) == "accepted" and row(there, message.id).reply == "accepted"
    with there.house.store.read(there.actor) as tx:
        found = calendar.offer(tx, offer)
        assert found and found.appointment and calendar.get(tx, found.appointment).status == "booked"
    answer(there, "Ja, gerne", "m2")
    assert row(there, message.id).reply == "accepted"
    answer(there, "2", "m3")
    assert row(there, message.id).reply == "cancel_asked", "the desk asks before it gives the time away"
    assert [one.kind for one in there.outbox()] == ["offer"]
    for _ in range(2):
        handlers(there)
    (confirmed,) = [one for one in there.outbox() if one.kind == "confirmation"]
    assert confirmed.appointment == found.appointment and look(there, confirmed.id) is None
    answer(there, "1", "m4")
    assert row(there, message.id).reply == "accepted"


def test_a_no_gives_it_up(there: Cast) -> None:
    offer, message = offered(there)
    send(there, message)
    answer(there, "nein")
    assert state(there, offer) == "declined" and row(there, message.id).reply == "declined"


def test_who_is_too_late_is_told_so_once(there: Cast) -> None:
    offer, message = offered(there)
    send(there, message)
    with there.house.store.read(there.actor) as tx:
        found = calendar.offer(tx, offer)
    assert found is not None
    second, _ = offered(there, "Ben", "0160 1234567", round_=found.round)
    there.do(lambda tx: calendar.accept_offer(there.house, tx, second))
    for mark in ("m1", "m2"):
        answer(there, "ja", mark)
    assert row(there, message.id).reply == "late"
    (refusal,) = [one for one in there.outbox() if one.kind == "refusal"]
    assert refusal.patient == message.patient and "schon vergeben" in refusal.text


def test_without_a_public_address_the_message_has_no_link(there: Cast) -> None:
    there.set(messaging__public_url="")
    _, message = offered(there)
    assert "http" not in message.text and "  " not in message.text
    with there.house.store.read(there.actor) as tx:
        assert messaging.public_link(there.house, tx, "/api/v1/offers/x") == ""


def test_a_yes_that_cannot_be_booked_gives_nothing_away(there: Cast) -> None:
    """The type went out of use after it was offered: the patient is told, and the time is kept as it was."""
    offer, message = offered(there)
    send(there, message)

    def kept() -> list[Any]:
        with there.house.store.read(there.actor) as tx:
            return [row[:4] for row in calendar_store.busy_rows(tx, 0, 2**40) if row[3].startswith("Offer/")]

    before = kept()
    there.do(lambda tx: calendar.edit_service(there.house, tx, there.practice.check, None, active=False))
    answer(there, "ja", "m1")
    assert row(there, message.id).reply == "late" and state(there, offer) == "open"
    assert kept() == before != []
    there.do(lambda tx: calendar.edit_service(there.house, tx, there.practice.check, None, active=True))
    there.do(lambda tx: calendar.accept_offer(there.house, tx, offer))
    assert state(there, offer) == "accepted" and kept() == []
