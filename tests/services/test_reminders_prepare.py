"""Preparing reminders: who gets a message, who a reason, once, also when the run breaks off. On both engines."""

from collections import Counter
from typing import Any

import pytest

from praxisd.kernel.access import INSTALLATION, system
from praxisd.model.people import Contact, Mandator
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import ledger, outgoing_store
from praxisd.services.messaging.outbox_declared import DAY_CAP
from praxisd.services.reminders import jobs, preparing, store

from .reminders_cast import Cast, at, cast

DAY = 86_400


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


def test_each_one_gets_a_message_or_a_reason(there: Cast) -> None:
    old = there.do(lambda tx: directory.create_mandator(tx, Mandator(name="Alt", licence_number="L-0")))
    there.do(lambda tx: ledger.book(tx, old.id, 10))
    anna, bert = there.patient("Anna"), there.patient("Bert", None, "bert@example.org")
    claire = there.patient("Claire", "0171 3920013", language="fr-CH")
    nobody, dead = there.patient("Niemand", None), there.patient("Tot", deceased_undated=True)
    there.treat(bert, old.id)
    no = there.patient("Nein")
    there.do(lambda tx: messaging.say(there.house, tx, no, [("reminder", "email", "withdrawn")], "desk"))
    post = there.patient("Post")
    there.do(lambda tx: messaging.prefer(there.house, tx, post, "letter"))
    booked = {
        name: there.book(patient, f"2026-11-24 {hour}")
        for name, patient, hour in (
            ("anna", anna, "08:00"), ("bert", bert, "09:00"), ("claire", claire, "10:00"), ("nobody", nobody, "11:00"),
            ("dead", dead, "12:00"), ("no", no, "13:00"), ("post", post, "14:00"), ("empty", None, "15:00"),
            ("anna again", anna, "16:00"),
        )
    }  # fmt: skip
    there.book(bert, "2026-11-25 09:00")
    there.book(bert, "2026-11-23 09:30")
    new = there.book(there.patient("Neu"), "2026-11-24 17:00", days_ago=0)

    run = there.run()
    assert (run.state, run.code) == ("success", None)
    assert run.counts == {"candidates": 3, "prepared": 3, "refused": 7, "letters": 2}
    one, two, three = there.outbox("prepared")
    assert (one.topic, one.stamp, one.channel, one.address) == (
        f"reminder/{booked['anna']}", at("2026-11-24 08:00"), "sms", "+491713920012",
    )  # fmt: skip
    assert (one.mandator, one.cost, one.parts, one.language, one.run) == (there.mandator, 1, 1, "de", run.id)
    assert "Eva Anna" in one.text and "Dr. 1" not in one.text
    assert (one.next_at, one.useless_after) == (there.house.clock.now(), at("2026-11-24 07:00"))
    assert (two.channel, two.address, two.subject, two.mandator) == (
        "email",
        "bert@example.org",
        "Ihr Termin",
        old.id,
    )
    assert three.language == "fr" and three.text.startswith("Eva Claire, votre rendez-vous")
    letters = {row.patient: (row.reason, row.letter, row.state) for row in there.outbox("failed")}
    assert letters == {
        nobody: ("reminders.no_contact", "open", "failed"),
        post: ("reminders.prefers_letter", "open", "failed"),
    }
    assert there.refusals() == {
        booked["nobody"]: "reminders.no_contact",
        booked["dead"]: "reminders.patient_dead",
        booked["no"]: "messaging.consent_withdrawn",
        booked["post"]: "reminders.prefers_letter",
        booked["empty"]: "reminders.no_patient",
        booked["anna again"]: "reminders.one_per_day",
        new: "reminders.booked_recently",
    }


def test_a_second_run_prepares_nothing_twice(there: Cast) -> None:
    one = there.book(there.patient("Anna"), "2026-11-24 08:00")
    letter = there.book(there.patient("Niemand", None), "2026-11-24 09:00")
    there.run()
    before = there.outbox()
    again = there.run()
    assert there.outbox() == before and len(before) == 2
    assert again.counts == {"candidates": 0, "prepared": 0, "refused": 2, "letters": 0}
    assert there.refusals() == {one: "reminders.already_reminded", letter: "reminders.no_contact"}


def test_what_is_switched_off_says_so_and_does_nothing(there: Cast) -> None:
    there.book(there.patient("Anna"), "2026-11-24 08:00")
    there.set(send_reminders=False, send_greetings=False)
    run, other = there.run(), there.run("reminders.birthdays")
    assert (run.state, run.code, run.counts) == ("success", "reminders.switched_off", {})
    assert (other.state, other.code) == ("success", "reminders.greetings_switched_off")
    assert there.outbox() == [] and there.refusals() == {}


def test_three_credits_prepare_three(there: Cast) -> None:
    booked = [there.book(there.patient(f"P{n}"), f"2026-11-24 {8 + n:02}:00") for n in range(5)]
    there.credits(3)
    run = there.run()
    assert run.counts == {"candidates": 3, "prepared": 3, "refused": 2, "letters": 0}
    assert [row.appointment for row in there.outbox()] == booked[:3]
    assert there.refusals() == dict.fromkeys(booked[3:], "reminders.no_credits")
    assert there.run().counts["prepared"] == 0, "what is prepared is reserved"
    there.credits(4)
    assert there.run().counts["prepared"] == 1
    assert booked[3] not in [key for key, code in there.refusals().items() if code == "reminders.no_credits"]


def test_the_second_of_a_day_that_could_not_be_paid_is_not_called_reminded(there: Cast) -> None:
    anna = there.patient("Anna")
    booked = [there.book(anna, f"2026-11-24 {hour}:00") for hour in ("08", "10")]
    there.credits(0)
    there.run()
    assert there.refusals() == dict.fromkeys(booked, "reminders.no_credits")


def test_one_per_day_is_a_switch_and_a_matter_of_local_days(there: Cast) -> None:
    anna = there.patient("Anna")
    there.set(days=2)
    booked = [there.book(anna, when) for when in ("2026-11-24 08:00", "2026-11-24 23:30", "2026-11-25 00:30")]
    there.run()
    assert there.refusals() == {booked[1]: "reminders.one_per_day"}
    there.set(one_per_day=False)
    there.do(lambda tx: there.house.settings.put(tx, DAY_CAP, 3))
    there.run()
    assert there.refusals() == {
        booked[0]: "reminders.already_reminded",
        booked[2]: "reminders.already_reminded",
    }


def test_no_flood_for_one_patient(there: Cast) -> None:
    anna = there.patient("Anna")
    there.set(days=4)
    booked = [there.book(anna, f"2026-11-{day} 08:00") for day in (24, 25, 26, 27)]
    there.run()
    assert [row.appointment for row in there.outbox()] == booked[:2]
    assert there.refusals() == dict.fromkeys(booked[2:], "reminders.cap_day")
    there.house.clock.advance(DAY)  # type: ignore[attr-defined]
    there.run()
    assert {row.appointment for row in there.outbox()} == set(booked)


def test_an_open_letter_gives_way_when_a_number_is_found(there: Cast) -> None:
    anna = there.patient("Anna", None)
    one = there.book(anna, "2026-11-24 08:00")
    there.run()
    (letter,) = there.outbox()
    there.change(anna, telecom=(Contact(system="phone", value="0171 3920012", use="mobile"),))
    there.run()
    was, now = sorted(there.outbox(), key=lambda row: row.state)
    assert (was.id, was.letter, was.holds) == (letter.id, None, None)
    assert (now.state, now.channel, now.holds) == ("prepared", "sms", f"reminder/{one}")
    assert there.refusals() == {}


def test_a_letter_that_was_written_is_enough(there: Cast) -> None:
    anna = there.patient("Anna", None)
    one = there.book(anna, "2026-11-24 08:00")
    there.run()
    (letter,) = there.outbox()
    there.do(lambda tx: outgoing_store.change(tx, letter.id, ("failed",), letter="done"))
    there.change(anna, telecom=(Contact(system="phone", value="0171 3920012", use="mobile"),))
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {one: "reminders.already_reminded"}


def test_by_hand_withdrawn_stays_withdrawn(there: Cast) -> None:
    one = there.book(there.patient("Anna"), "2026-11-24 08:00")
    there.run()
    (message,) = there.outbox()
    there.do(lambda tx: messaging.withdraw(there.house, tx, message.id, "messaging.withdrawn_by_hand"))
    there.run()
    assert len(there.outbox()) == 1 and there.refusals() == {one: "reminders.withdrawn"}


def test_the_first_day_and_the_number_of_days(there: Cast) -> None:
    anna, bert = there.patient("Anna"), there.patient("Bert", "0171 3920099")
    there.book(bert, "2026-11-23 11:00")
    days = [there.book(anna if day % 2 else bert, f"2026-11-{day} 08:00") for day in (24, 25, 26, 27)]
    there.set(first_day=2, days=2)
    there.run()
    assert [row.appointment for row in there.outbox()] == days[1:3]
    there.set(first_day=0, days=1)
    there.run()
    assert len(there.outbox()) == 3, "and today's"


def test_quiet_hours_put_it_off(there: Cast) -> None:
    there.house.clock.advance(12.5 * 3600)  # type: ignore[attr-defined]  # 21:30
    early, late = there.patient("Anna"), there.patient("Bert", "0171 3920099")
    first, _second = there.book(early, "2026-11-24 08:30"), there.book(late, "2026-11-24 09:00")
    there.run()
    (row,) = there.outbox()
    assert row.next_at == at("2026-11-24 08:00") == row.useless_after
    assert there.refusals() == {first: "reminders.too_late"}


class Killed(BaseException):
    """The process is gone in the middle of a transaction."""


@pytest.mark.parametrize("at_message", [0, 3, 4, 9])
def test_a_run_that_was_killed_goes_on_and_repeats_nothing(
    there: Cast, monkeypatch: pytest.MonkeyPatch, at_message: int
) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 4)
    people = [there.patient(f"P{n}", f"0171 39200{n:02}") for n in range(6)]
    there.set(days=2)
    for number in range(10):
        there.book(people[number % 5], f"2026-11-24 {8 + number:02}:00")
    there.book(people[5], "2026-11-25 09:00")
    there.credits(6)
    calls = Counter[str]()
    real = preparing._into_outbox

    def dies(*args: Any) -> bool:
        calls["n"] += 1
        if calls["n"] == at_message + 1:
            raise Killed
        return real(*args)

    monkeypatch.setattr(preparing, "_into_outbox", dies)
    with pytest.raises(Killed):
        jobs.prepare(there.claimed())
    there.house.clock.advance(there.house.config.job_lease_s + 1)  # type: ignore[attr-defined]
    run = there.claimed()
    assert run.attempt == 2
    jobs.prepare(run)
    assert run.counts == {"candidates": 6, "prepared": 6, "refused": 5, "letters": 0}
    assert len({row.topic for row in there.outbox()}) == len(there.outbox()) == 6
    assert set(there.refusals().values()) == {"reminders.one_per_day"}


def test_a_transaction_ends_after_its_share_and_the_result_is_the_same(
    there: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        there.book(there.patient(f"P{number}", f"0171 39200{number:02}"), f"2026-11-24 {8 + number:02}:00")
    ticks = iter(range(10_000))
    monkeypatch.setattr(there.house.clock, "monotonic", lambda: next(ticks) * preparing.SHARE_S)
    steps = Counter[str]()
    real = preparing.write

    def counted(*args: Any) -> Any:
        done = real(*args)
        steps[str(done.written)] += 1
        return done

    monkeypatch.setattr(preparing, "write", counted)
    run = there.claimed()
    jobs.prepare(run)
    assert run.counts["prepared"] == 12 == len(there.outbox())
    assert sum(steps.values()) >= 6, "no transaction wrote for longer than its share"


def test_a_missed_run_looks_at_its_own_days_too(there: Cast) -> None:
    one = there.book(there.patient("Anna"), "2026-11-25 15:00")
    past = there.book(there.patient("Bert", "0171 3920099"), "2026-11-25 08:00")
    there.house.clock.set(at("2026-11-25 10:00"))  # type: ignore[attr-defined]
    two = there.book(there.patient("Carla", "0171 3920098"), "2026-11-26 09:00", days_ago=5)
    run = there.claimed()
    run.due_at = at("2026-11-24 10:00")
    jobs.prepare(run)
    assert {row.appointment for row in there.outbox()} == {one, two}
    assert past not in there.refusals()


def test_refusals_are_forgotten_after_a_year(there: Cast) -> None:
    now = there.house.clock.now()
    old, young = now - preparing.KEEP_S - 1, now - preparing.KEEP_S + 1
    rows = [
        store.Refused("reminder", f"{at_}-{n}", None, "reminders.no_patient", 0, at_, at_, None)
        for at_ in (old, young)
        for n in range(201)
    ]
    there.do(lambda tx: store.put(tx, rows))
    there.run()
    assert set(there.refusals()) == {f"{young}-{n}" for n in range(201)}


def test_one_message_per_topic_whoever_comes_second(there: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nodes judged at once: the unique constraint is the judge, and the second one prepares nothing."""
    there.book(there.patient("Anna"), "2026-11-24 08:00")
    there.run()
    monkeypatch.setattr(messaging, "standing", lambda _tx, _topics: messaging.Standing({}, {}, {}, {}))
    run = there.run()
    assert (run.counts["candidates"], run.counts["prepared"]) == (1, 0)
    assert len(there.outbox()) == 1 and there.refusals() == {}


def test_other_practices_are_not_touched(there: Cast) -> None:
    there.book(there.patient("Anna"), "2026-11-24 08:00")
    there.run()
    with there.house.store.read(system("test", INSTALLATION)) as tx:
        assert store.page(tx) == ([], 0)
