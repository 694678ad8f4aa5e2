"""The outbox: prepared once for a topic, withdrawn, superseded, counted; and credits. On both engines."""

from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.services.messaging import api, ledger, ledger_store

from .outbox_cast import DAY, Outbox, outbox_of


@pytest.fixture
def there(house) -> Outbox:
    return outbox_of(house)


def types(there: Outbox) -> list[tuple[str, Any]]:
    with there.house.store.read(there.actor) as tx:
        found = events.since(tx, 0, subject_type="Message")
    return [(one.type, one.codes.get("reason")) for one in found]


def test_one_message_per_topic(there: Outbox) -> None:
    first = there.prepare(0)
    assert there.run(lambda tx: api.prepare(there.house, tx, there.draft(0))) is None
    again = there.draft(0, patient=there.patients[1], channel="email", address="a@b.example")
    assert there.run(lambda tx: api.prepare(there.house, tx, again)) is None
    second = there.prepare(1)

    def held(tx: Any) -> Any:
        return api.holding(tx, ["reminder/a0", "reminder/a1", "reminder/a2"] * 500)

    now = there.house.clock.now()
    assert there.run(held) == {
        "reminder/a0": (first, "prepared", now + DAY, "sms", None, there.patients[0]),
        "reminder/a1": (second, "prepared", now + DAY, "sms", None, there.patients[1]),
    }
    assert types(there) == [("communication.prepared", None)] * 2


def test_a_withdrawn_message_frees_its_topic_and_what_is_sent_stays(there: Outbox) -> None:
    first = there.prepare(0)
    assert there.run(lambda tx: api.withdraw(there.house, tx, first, "messaging.appointment_moved"))
    assert not there.run(lambda tx: api.withdraw(there.house, tx, first, "messaging.withdrawn_by_hand"))
    row = there.row(first)
    assert (row.state, row.reason, row.holds, row.version) == (
        "withdrawn",
        "messaging.appointment_moved",
        None,
        2,
    )
    assert row.ended_at == there.house.clock.now()
    assert there.run(lambda tx: api.withdrawn(tx, ["reminder/a0", "reminder/a1"])) == {
        "reminder/a0": {(row.stamp, "messaging.appointment_moved")}
    }
    renewed = there.prepare(0, stamp=5)
    assert there.run(lambda tx: api.holding(tx, ["reminder/a0"]))["reminder/a0"].id == renewed
    there.run(lambda tx: api.supersede(tx, renewed))
    assert there.run(lambda tx: api.holding(tx, ["reminder/a0"])) == {}
    assert there.row(renewed).state == "prepared"
    assert types(there)[1] == ("communication.withdrawn", "messaging.appointment_moved")


def test_without_contact_an_entry_that_asks_for_a_letter(there: Outbox) -> None:
    born = there.prepare(0, channel=None, address=None, cost=0, reason="messaging.no_credits")
    row = there.row(born)
    assert (row.state, row.letter, row.channel, row.address) == ("failed", "open", "", None)
    assert types(there) == [("communication.failed", "messaging.no_credits")]
    assert there.run(lambda tx: api.prepare(there.house, tx, there.draft(0))) is None, "it is held"
    assert there.run(lambda tx: api.holding(tx, ["reminder/a0"]))["reminder/a0"].letter == "open"
    assert there.run(lambda tx: api.about(tx, born)) == (
        "reminder", "reminder/a0", None, there.patients[0], row.stamp,
    )  # fmt: skip
    assert there.run(lambda tx: api.about(tx, "nobody")) is None
    there.run(lambda tx: api.supersede(tx, born))
    assert there.row(born).letter is None
    with pytest.raises(ValueError, match="address"):
        there.run(lambda tx: api.prepare(there.house, tx, there.draft(0, address=None)))


def test_another_channel_answers_the_letter(there: Outbox) -> None:
    from praxisd.services.messaging import outgoing_store

    first = there.prepare(0)
    failed = {"state": "failed", "holds": None, "letter": "open"}
    assert there.run(lambda tx: outgoing_store.change(tx, first, ("prepared",), **failed))
    stamp = there.row(first).stamp
    assert there.run(lambda tx: api.tried(tx, ["reminder/a0"])) == {("reminder/a0", stamp): {"sms"}}
    there.prepare(0, channel="email", address="p0@post.example")
    assert there.row(first).letter is None


def test_greeted_and_counted(there: Outbox) -> None:
    now = there.house.clock.now()
    paul, erna, otto, _ = there.patients
    there.prepare(0, kind="birthday", topic=f"birthday/{paul}/2026", stamp=0)
    gone = there.prepare(1, kind="birthday", topic=f"birthday/{erna}/2026", stamp=0)
    there.prepare(2)
    there.prepare(2, topic="reminder/other", next_at=now + DAY)
    there.run(lambda tx: api.withdraw(there.house, tx, gone, "messaging.withdrawn_by_hand"))
    everyone = [paul, erna, otto, "nobody"]
    assert there.run(lambda tx: api.greeted(tx, everyone, now)) == {paul}
    assert there.run(lambda tx: api.greeted(tx, everyone, now + 1)) == set()
    assert there.run(lambda tx: api.waiting_today(tx, everyone, now - 5, now + 5)) == {paul: 1, otto: 1}
    assert there.run(lambda tx: api.waiting_today(tx, everyone, now, now + 2 * DAY))[otto] == 2


def test_withdrawn_consent_takes_back_what_waits_for_that_purpose(there: Outbox) -> None:
    paul = there.patients[0]
    reminder = there.prepare(0)
    greeting = there.prepare(0, kind="birthday", topic=f"birthday/{paul}/2026")

    def stop(*purposes: Any) -> Any:
        return there.run(
            lambda tx: api.withdraw_all(there.house, tx, paul, purposes, "messaging.consent_stopped")
        )

    assert stop("recall") == 0
    assert stop("greeting") == 1
    assert (there.row(greeting).state, there.row(reminder).state) == ("withdrawn", "prepared")
    assert [(one.id, one.address) for one in there.run(lambda tx: api.waiting(tx, paul))] == [
        (reminder, "+4915100000000")
    ]
    letter = there.prepare(0, topic="reminder/l", channel=None, address=None, reason="messaging.day_cap")
    assert stop("reminder", "recall", "greeting") == 1
    assert there.row(letter).letter == "open", "a letter goes another way"
    assert there.run(lambda tx: api.waiting(tx, paul)) == []
    assert there.run(lambda tx: api.close_letters(tx, paul)) == 1 and there.row(letter).letter is None


def test_credits_are_booked_reserved_charged_once_and_given_back_once(there: Outbox) -> None:
    one = there.prepare(0)
    other = there.run(lambda tx: api.credits(tx, [there.mandator, "unknown"]))
    assert other == {there.mandator: 998, "unknown": 0}
    charged = there.run(lambda tx: ledger.charge(tx, there.mandator, one, 2))
    assert (charged, there.left()) == (2, 998)
    assert there.run(lambda tx: ledger.charge(tx, there.mandator, one, 2)) == 0
    assert there.left() == 998
    assert there.run(lambda tx: ledger.give_back(tx, there.mandator, one, 2))
    assert not there.run(lambda tx: ledger.give_back(tx, there.mandator, one, 2))
    assert there.left() == 1000
    assert there.run(lambda tx: ledger.charge(tx, None, one, 2)) == 0
    assert there.run(lambda tx: ledger.book(tx, there.mandator, -1000)) == 0
    with pytest.raises(Problem) as refused:
        there.run(lambda tx: ledger.book(tx, there.mandator, -1))
    assert refused.value.code == "messaging.credits_below_zero"
    assert there.run(lambda tx: ledger.set_to(tx, there.mandator, 77)) == 77
    with there.house.store.read(there.actor) as tx:
        found = ledger_store.before(tx, there.mandator, None, 10)
        told = events.since(tx, 0, types=("credits.booked",))
    assert [(e.kind, e.amount, e.balance) for e in found] == [
        ("read", 77, 77), ("booked", -1000, 0), ("returned", 2, 1000), ("charged", -2, 998), ("booked", 1000, 1000),
    ]  # fmt: skip
    assert sum(e.amount for e in found) == there.left() == 77
    assert [one.codes["amount"] for one in told] == [1000, -1000, 77]
