"""Preparing birthday greetings, on both engines."""

from typing import Any

import pytest

from praxisd.model.people import Contact
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging

from .reminders_cast import Cast, at, cast

JOB = "reminders.birthdays"
YEAR = 365 * 86_400


@pytest.fixture
def there(house: Any) -> Cast:
    found = cast(house)
    found.do(lambda tx: house.settings.put(tx, "messaging.greeting_needs_consent", False))
    return found


def test_whose_birthday_it_is_gets_a_greeting_or_a_reason(there: Cast) -> None:
    today = {"birth_date": "1980-11-23"}
    anna = there.patient("Anna", **today)
    bert = there.patient("Bert", None, "bert@example.org", **today)
    nobody, dead = (
        there.patient("Niemand", None, **today),
        there.patient("Tot", deceased_undated=True, **today),
    )
    there.patient("Neugeboren", birth_date="2026-11-23")
    for other in ("1980-11-22", "1980-11", "1980", None):
        there.patient("Anders", birth_date=other)
    run = there.run(JOB)
    assert (run.state, run.code) == ("success", None)
    assert run.counts == {"candidates": 2, "prepared": 2, "refused": 2, "letters": 0}
    rows = {row.patient: row for row in there.outbox()}
    assert set(rows) == {anna, bert}
    one = rows[anna]
    assert (one.kind, one.topic, one.stamp, one.appointment) == ("birthday", f"birthday/{anna}/2026", 0, None)
    assert (one.channel, one.text, one.state) == ("sms", "Alles Gute zum Geburtstag, Eva Anna!", "prepared")
    assert one.useless_after == at("2026-11-24 00:00") and rows[bert].channel == "email"
    assert there.refusals("birthday") == {nobody: "reminders.no_contact", dead: "reminders.patient_dead"}
    assert there.refusals() == {}


def test_one_greeting_a_year(there: Cast) -> None:
    anna = there.patient("Anna", birth_date="1980-11-23")
    there.run(JOB)
    there.run(JOB)
    assert len(there.outbox()) == 1 and there.refusals("birthday") == {anna: "reminders.already_greeted"}
    there.house.clock.advance(YEAR)  # type: ignore[attr-defined]
    there.run(JOB)
    assert [row.topic for row in there.outbox()] == [f"birthday/{anna}/2026", f"birthday/{anna}/2027"]


def test_a_corrected_date_of_birth_brings_no_second_greeting(there: Cast) -> None:
    anna = there.patient("Anna", birth_date="1980-11-23")
    there.run(JOB)
    there.change(anna, birth_date="1980-11-25")
    there.house.clock.set(at("2026-11-25 10:00"))  # type: ignore[attr-defined]
    there.run(JOB)
    assert len(there.outbox()) == 1


def test_who_was_greeted_under_another_record_is_not_greeted_again(there: Cast) -> None:
    today = {"birth_date": "1980-11-23"}
    first = there.patient("Anna", None, **today)
    second = there.patient("Anna", **today)
    there.run(JOB)
    (greeting,) = there.outbox()
    there.sent(greeting.id)
    refs = tuple(ref for one in there.house.registry.services for ref in one.patient_refs)
    there.do(lambda tx: directory.merge(tx, refs, first, second))
    there.change(first, telecom=(Contact(system="phone", value="0171 3920012", use="mobile"),))
    there.run(JOB)
    assert len(there.outbox()) == 1 and there.refusals("birthday")[first] == "reminders.already_greeted"


@pytest.mark.parametrize(
    ("day", "leap_day", "greeted"),
    [
        ("2027-02-28", "march_1", False),
        ("2027-03-01", "march_1", True),
        ("2027-02-28", "february_28", True),
        ("2027-03-01", "february_28", False),
        ("2028-02-29", "march_1", True),
        ("2028-03-01", "march_1", False),
    ],
)
def test_29_february(there: Cast, day: str, leap_day: str, greeted: bool) -> None:
    there.set(leap_day=leap_day)
    there.patient("Schalt", birth_date="2000-02-29")
    there.house.clock.set(at(f"{day} 10:00"))  # type: ignore[attr-defined]
    there.run(JOB)
    assert len(there.outbox()) == int(greeted)


def test_a_greeting_needs_a_yes(there: Cast) -> None:
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", True))
    silent = there.patient("Still", birth_date="1980-11-23")
    willing = there.patient("Ja", birth_date="1980-11-23")
    there.do(lambda tx: messaging.say(there.house, tx, willing, [("greeting", "sms", "given")], "desk"))
    there.run(JOB)
    assert [row.patient for row in there.outbox()] == [willing]
    assert there.refusals("birthday") == {silent: "messaging.consent_missing"}


def test_credits_are_shared_and_the_treatment_pays(there: Cast) -> None:
    people = [there.patient(f"P{n}", birth_date="1980-11-23") for n in range(4)]
    there.credits(2)
    there.run(JOB)
    assert len(there.outbox()) == 2
    assert sorted(there.refusals("birthday").values()) == ["reminders.no_credits"] * 2
    assert {row.patient for row in there.outbox()} == set(sorted(people)[:2])


def test_in_the_evening_it_is_too_late(there: Cast) -> None:
    anna = there.patient("Anna", birth_date="1980-11-23")
    there.house.clock.set(at("2026-11-23 20:30"))  # type: ignore[attr-defined]
    there.run(JOB)
    assert there.outbox() == [] and there.refusals("birthday") == {anna: "reminders.too_late"}
