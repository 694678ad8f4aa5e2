"""Answers to what patients asked for: told once, by their wishes, at once, and only while they are so. On both engines."""

from typing import Any

import pytest

from praxisd.kernel import events, jobs
from praxisd.kernel.events import Dispatcher
from praxisd.kernel.job_plan import Planner
from praxisd.model.communication import BOOKING
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import last_look, outcome, outgoing_store, replies
from praxisd.services.messaging.channel import Refused, Reply

from .reminders_cast import Cast, at, cast

WHEN = "2026-11-26 15:00"
NUMBER = "+491713920012"


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


def tell(there: Cast, kind: Any, patient: str, **more: Any) -> str | None:
    given = {"topic": f"{kind}/1", "stamp": at(WHEN)} | more
    return there.do(lambda tx: messaging.tell(there.house, tx, kind, patient, **given))  # type: ignore[no-any-return]


def confirmed(there: Cast, **more: Any) -> tuple[str, str, str]:
    """Patient, appointment, and the message that confirms it."""
    anna = there.patient("Anna", **more)
    one = there.book(anna, WHEN)
    told = tell(there, "confirmation", anna, appointment=one)
    assert told is not None
    return anna, one, told


def row(there: Cast, id_: str) -> Any:
    with there.house.store.read(there.actor) as tx:
        return outgoing_store.get(tx, id_)


def look(there: Cast, id_: str) -> str | None:
    """What the sender does with it now."""

    def work(tx: Any) -> str | None:
        today = last_look.day(there.house, tx)
        return last_look.put_aside(there.house, tx, outgoing_store.get(tx, id_), today)

    return there.do(work)  # type: ignore[no-any-return]


def handlers(there: Cast) -> None:
    """All events reach messaging and the reminders."""
    found = [h for h in there.house.registry.handlers if h.name.startswith(("messaging.", "reminders."))]
    dispatcher = Dispatcher(there.house, found)
    while dispatcher.step():
        pass
    assert not dispatcher.failing


def test_a_confirmation_says_when_and_is_told_once(there: Cast) -> None:
    anna, one, told = confirmed(there)
    found = row(there, told)
    assert (found.state, found.channel, found.address, found.letter) == ("prepared", "sms", NUMBER, None)
    assert "Donnerstag, 26. November um 15:00 Uhr" in found.text and found.mandator == there.mandator
    assert (found.cost, found.parts) == (1, 1)
    assert tell(there, "confirmation", anna, appointment=one) is None
    assert look(there, told) is None
    with there.house.store.read(there.actor) as tx:
        (seen,) = messaging.told_of(tx, one)
    assert (seen.kind, seen.channel, seen.state, seen.letter) == ("confirmation", "sms", "prepared", None)


def test_the_practices_own_text_goes_before_the_one_that_ships(there: Cast) -> None:
    from praxisd.services.messaging import templates

    there.do(lambda tx: templates.create(tx, "refusal", "sms", "de", "", "Leider nein. {reason} {practice}"))
    anna = there.patient("Anna")
    told = tell(there, "refusal", anna, reason="Wir sind im Urlaub.")
    assert told and row(there, told).text == "Leider nein. Wir sind im Urlaub. Praxis am Test"


@pytest.mark.parametrize(
    ("language", "word"), [("fr", "jeudi 26 novembre"), ("it", "giovedì 26 novembre"), ("en", "Thursday")]
)
def test_in_the_patients_language(there: Cast, language: str, word: str) -> None:
    anna = there.patient("Anna", language=language)
    told = tell(there, "proposal", anna, link="https://p.example/x", until=at("2026-11-25 12:00"))
    assert told is not None
    found = row(there, told)
    assert word in found.text and "https://p.example/x" in found.text and found.language == language
    with there.house.store.read(there.actor) as tx:
        assert messaging.language_for(tx, anna) == language


@pytest.mark.parametrize("kind", BOOKING)
def test_without_link_reason_and_until_no_gap_is_left(there: Cast, kind: Any) -> None:
    anna = there.patient("Anna", None, "anna@example.org")
    told = tell(there, kind, anna)
    assert told is not None
    found = row(there, told)
    assert found.channel == "email" and found.subject
    for text in (found.subject, found.text):
        assert "{" not in text and "  " not in text and " ." not in text


@pytest.mark.parametrize(
    ("phone", "reason"), [(None, "messaging.no_address"), ("030 1234", "messaging.no_address")]
)
def test_who_cannot_be_reached_is_called(there: Cast, phone: str | None, reason: str) -> None:
    anna = there.patient("Anna", phone)
    one = there.book(anna, WHEN)
    told = tell(there, "confirmation", anna, appointment=one)
    assert told is not None
    found = row(there, told)
    assert (found.state, found.reason, found.letter) == ("failed", reason, "open")
    handlers(there)
    assert row(there, told).letter == "open", "nobody closes it"
    with there.house.store.read(there.actor) as tx:
        (seen,) = messaging.told_of(tx, one)
    assert (seen.channel, seen.state, seen.reason, seen.letter) == (None, "failed", reason, "open")
    there.do(lambda tx: messaging.close_topic(there.house, tx, "confirmation/1"))
    assert row(there, told).letter is None


def test_the_patients_wishes_hold(there: Cast) -> None:
    anna = there.patient("Anna", email="anna@example.org")
    there.do(lambda tx: messaging.prefer(there.house, tx, anna, "email"))
    first = tell(there, "confirmation", anna, topic="a")
    there.do(lambda tx: messaging.say(there.house, tx, anna, [("booking", "email", "withdrawn")], "desk"))
    second = tell(there, "confirmation", anna, topic="b")
    there.do(lambda tx: messaging.prefer(there.house, tx, anna, "letter"))
    third = tell(there, "confirmation", anna, topic="c")
    found = [row(there, str(one)) for one in (first, second, third)]
    assert [one.state for one in found] == ["withdrawn", "failed", "failed"]
    assert found[0].channel == "email"
    assert [one.reason for one in found[1:]] == ["messaging.consent_withdrawn", "messaging.prefers_letter"]


def test_a_stop_ends_answers_too(there: Cast) -> None:
    anna, _, told = confirmed(there)
    there.sent(told, gateway="sandbox", accepted_at=there.house.clock.now())
    said = Reply(sender=NUMBER, text="STOP", mark="s")
    there.do(lambda tx: replies.take_in(there.house, tx, "sandbox", "sms", said))
    again = tell(there, "refusal", anna)
    assert again and row(there, again).reason == "messaging.consent_withdrawn"


def test_where_nothing_can_be_sent_it_says_so(there: Cast) -> None:
    anna = there.patient("Anna")
    there.credits(0)
    poor = tell(there, "confirmation", anna, topic="a")
    there.account("sms", active=False)
    unset = tell(there, "confirmation", anna, topic="b")
    there.set(messaging__send_bookings=False)
    assert tell(there, "confirmation", anna, topic="c") is None
    assert [row(there, str(one)).reason for one in (poor, unset)] == [
        "messaging.no_credits", "messaging.no_channel",
    ]  # fmt: skip


def test_nobody_writes_to_the_dead(there: Cast) -> None:
    from datetime import date

    anna = there.patient("Anna")
    there.change(anna, deceased=date(2026, 11, 22))
    assert tell(there, "refusal", anna) is None and there.outbox() == []


def test_only_while_it_is_so(there: Cast) -> None:
    _, one, told = confirmed(there)
    there.move(one, "2026-11-26 16:00")
    assert look(there, told) == "withdrawn" and row(there, told).reason == "messaging.appointment_moved"
    ben = there.patient("Ben", "0160 1234567")
    other = there.book(ben, "2026-11-26 10:00")
    second = tell(there, "confirmation", ben, appointment=other, topic="b", stamp=at("2026-11-26 10:00"))
    there.do(lambda tx: calendar.cancel(there.house, tx, other, None))
    assert look(there, str(second)) == "withdrawn"
    assert row(there, str(second)).reason == "messaging.appointment_gone"


def test_a_proposal_goes_out_only_while_it_is_open(there: Cast) -> None:
    anna = there.patient("Anna")
    one = there.book(anna, WHEN, status="pending")
    more = {"appointment": one, "until": at("2026-11-25 12:00")}
    told = tell(there, "proposal", anna, **more)
    assert look(there, str(told)) is None
    assert row(there, str(told)).useless_after == at("2026-11-25 12:00")
    there.do(lambda tx: calendar.cancel(there.house, tx, one, None))
    assert look(there, str(told)) == "withdrawn"
    assert row(there, str(told)).reason == "messaging.decided_otherwise"


def test_a_refusal_is_not_sent_once_the_appointment_was_given_after_all(there: Cast) -> None:
    anna = there.patient("Anna")
    one = there.book(anna, WHEN)
    told = tell(there, "refusal", anna, appointment=one)
    assert look(there, str(told)) == "withdrawn"


def test_the_days_cap_neither_holds_an_answer_back_nor_is_filled_by_it(there: Cast) -> None:
    there.set(messaging__patient_day_cap=1)
    anna, one, told = confirmed(there)
    now = there.house.clock.now()
    there.run()
    there.sent(told, accepted_at=now)
    second = tell(there, "refusal", anna, topic="b")
    assert look(there, str(second)) is None
    there.sent(str(second), accepted_at=now)
    there.book(anna, "2026-11-24 15:00")
    there.run()
    (reminder,) = there.outbox("prepared")
    assert reminder.kind == "reminder" and look(there, reminder.id) is None
    with there.house.store.read(there.actor) as tx:
        assert messaging.waiting_today(tx, [anna], now - 3600, now + 3600) == {anna: 1}
    assert one


def test_a_confirmation_fails_for_good_and_somebody_calls(there: Cast) -> None:
    there.set(messaging__fallback=True)
    _, _, told = confirmed(there, email="anna@example.org")
    there.sent(told, state="sending", claim="x")
    refused = Refused("messaging.number_rejected", True)
    there.do(lambda tx: outcome.refuse(there.house, tx, outgoing_store.get(tx, told), refused))
    handlers(there)
    found = row(there, told)
    assert (found.state, found.letter, found.holds) == ("failed", "open", "confirmation/1")


def test_it_goes_out_at_once_where_sending_is_switched_on(there: Cast) -> None:
    def runs() -> list[str]:
        with there.house.store.read(there.actor) as tx:
            return [one.state for one in jobs.runs(there.house, tx, "messaging.send")]

    Planner(there.house).step()
    confirmed(there)
    handlers(there)
    assert runs() == [], "the practice has not switched it on"
    there.do(lambda tx: jobs.change(there.house, tx, "messaging.send", enabled=True))
    ben, cleo = there.patient("Ben"), there.patient("Cleo")
    tell(there, "refusal", ben, topic="b")
    tell(there, "refusal", cleo, topic="c")
    handlers(there)
    assert runs() == ["waiting"], "one run for all that waits"
    run = there.claimed("messaging.send")
    tell(there, "refusal", cleo, topic="d")
    handlers(there)
    assert sorted(runs()) == ["running", "waiting"], "the one at work may have looked for the last time"
    there.do(lambda tx: run.finish(tx, "success", None))


def test_not_in_the_quiet_hours(there: Cast) -> None:
    Planner(there.house).step()
    there.do(lambda tx: jobs.change(there.house, tx, "messaging.send", enabled=True))
    there.house.clock.advance(12 * 3600)  # type: ignore[attr-defined]  # 21:00
    _, _, told = confirmed(there)
    handlers(there)
    with there.house.store.read(there.actor) as tx:
        assert [
            one for one in jobs.runs(there.house, tx, "messaging.send") if one.triggered_by != "plan"
        ] == []
    assert row(there, told).next_at == at("2026-11-24 08:00")
    ben = there.patient("Ben")
    soon = tell(there, "confirmation", ben, topic="b", stamp=at("2026-11-24 07:30"))
    found = row(there, str(soon))
    assert (found.state, found.reason, found.letter) == ("failed", "messaging.too_late", "open")


def answer(there: Cast, text: str, mark: str = "m") -> None:
    said = Reply(sender=NUMBER, text=text, mark=mark)
    assert there.do(lambda tx: replies.take_in(there.house, tx, "sandbox", "sms", said))


def heard(there: Cast, type_: str) -> list[dict[str, Any]]:
    with there.house.store.read(there.actor) as tx:
        return [dict(one.codes) for one in events.since(tx, 0, types=(type_,))]


@pytest.mark.parametrize(
    ("text", "reply", "event"),
    [("1", "accepted", "communication.confirmed"), ("Nein danke", "declined", "communication.replied")],
)
def test_a_proposal_is_answered_by_a_word(there: Cast, text: str, reply: str, event: str) -> None:
    anna = there.patient("Anna")
    one = there.book(anna, WHEN, status="pending")
    told = tell(there, "proposal", anna, appointment=one)
    there.sent(str(told), gateway="sandbox", accepted_at=there.house.clock.now())
    answer(there, text)
    assert row(there, str(told)).reply == reply
    assert {"kind": "proposal", "reply": reply}.items() <= heard(there, event)[-1].items()


def test_a_yes_after_the_end_is_late(there: Cast) -> None:
    anna = there.patient("Anna")
    one = there.book(anna, WHEN, status="pending")
    told = tell(there, "proposal", anna, appointment=one)
    there.sent(str(told), gateway="sandbox", accepted_at=there.house.clock.now())
    there.do(lambda tx: calendar.cancel(there.house, tx, one, None))
    answer(there, "ja")
    assert row(there, str(told)).reply == "late"


def test_a_question_is_meant_before_a_confirmation_and_of_two_none(there: Cast) -> None:
    anna, _, told = confirmed(there)
    asked = [there.book(anna, f"2026-11-27 1{n}:00", status="pending") for n in range(2)]
    first = tell(there, "proposal", anna, appointment=asked[0], topic="p0", stamp=at("2026-11-27 10:00"))
    for id_ in (told, str(first)):
        there.sent(id_, gateway="sandbox", accepted_at=there.house.clock.now())
    answer(there, "1", "m1")
    assert (row(there, told).reply, row(there, str(first)).reply) == (None, "accepted")
    second = tell(there, "proposal", anna, appointment=asked[1], topic="p1", stamp=at("2026-11-27 11:00"))
    there.sent(str(second), gateway="sandbox", accepted_at=there.house.clock.now())
    answer(there, "2", "m2")
    assert row(there, str(first)).reply == "cancel_asked" and row(there, str(second)).reply == "cancel_asked"
