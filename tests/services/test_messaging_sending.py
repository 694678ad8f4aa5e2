"""Sending: each message once, whatever the gateway answers or does not, whoever dies in between. On both engines."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.settings import SETTING
from praxisd.kernel.store import mine
from praxisd.services.messaging import asking, ledger_store, outcome, sending
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.outbox_declared import PATIENCE

from .outbox_cast import DAY, HOUR, Gateway, Outbox, account, gateways, outbox_of, work


@pytest.fixture
def there(house) -> Outbox:
    return outbox_of(house)


@pytest.fixture
def gate(there: Outbox, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setattr(sending, "AT_ONCE", 1)  # one after another, so that a test knows which one is refused
    return gateways(there, monkeypatch)


@pytest.fixture
def busy_gate(there: Outbox, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    return gateways(there, monkeypatch)


def told(there: Outbox) -> list[str]:
    with there.house.store.read(there.actor) as tx:
        found = events.since(tx, 0, subject_type="Message")
    return [one.type.removeprefix("communication.") for one in found if one.type != "communication.prepared"]


def charges(there: Outbox) -> list[tuple[str, int, str]]:
    with there.house.store.read(there.actor) as tx:
        found = ledger_store.before(tx, there.mandator, None, 50)
    return [(one.kind, one.amount, one.message) for one in found if one.message]


def test_what_is_due_goes_out_once_and_is_charged_once(there: Outbox, busy_gate: Gateway) -> None:
    gate = busy_gate
    ids = [there.prepare(n) for n in range(3)]
    later = there.prepare(3, next_at=there.house.clock.now() + HOUR)
    run = work(there)
    assert (run.state, run.counts) == ("success", {"sent": 3})
    assert sorted(gate.ids) == sorted(ids)
    row = there.row(ids[0])
    assert (row.state, row.gateway, row.charged, row.attempts) == ("accepted", "fake-sms", 2, 1)
    assert row.accepted_at == there.house.clock.now() and row.ended_at is None
    assert row.receipt == next(one.receipt for one in gate.got if one.id == ids[0])
    assert there.row(later).state == "prepared"
    assert there.left() == 1000 - 3 * 2
    assert sorted(charges(there)) == sorted(("charged", -2, one) for one in ids)
    assert work(there).counts == {}
    assert len(gate.got) == 3 and told(there) == ["sent"] * 3


def test_one_number_that_is_refused_for_now_holds_nobody_up(there: Outbox, gate: Gateway) -> None:
    gate.plan = ["spammed"]
    first, *others = (there.prepare(number) for number in range(3))
    assert work(there).counts == {"waiting": 1, "sent": 2}
    assert gate.ids == others
    row = there.row(first)
    assert (row.state, row.reason) == ("prepared", "messaging.number_busy")
    assert row.next_at == there.house.clock.now() + 120


def test_refusals_for_good_for_now_and_about_the_account(there: Outbox, gate: Gateway) -> None:
    gate.plan = ["number"]
    first = there.prepare(0)
    assert work(there).counts == {"failed": 1}
    row = there.row(first)
    assert (row.state, row.reason, row.letter, row.holds, row.charged) == (
        "failed", "messaging.number_rejected", "open", "reminder/a0", 0,
    )  # fmt: skip
    gate.plan = ["busy"]
    second = there.prepare(1)
    third = there.prepare(2)
    run = work(there)
    assert (run.state, run.counts) == ("success", {"waiting": 1}), "the gateway is left in peace for this run"
    now = there.house.clock.now()
    row = there.row(second)
    assert (row.state, row.reason, row.detail) == ("prepared", "messaging.gateway_busy", "429")
    assert row.next_at == now + 120, "as long as the gateway asked for"
    assert (there.row(third).state, there.row(third).attempts) == ("prepared", 0)
    gate.plan = ["ok", "credentials"]
    there.house.clock.advance(200)
    assert work(there).counts == {"sent": 1, "failed": 1}
    row = there.row(second)
    assert (row.state, row.reason, row.letter) == ("failed", "messaging.gateway_credentials", "open")
    assert row.holds is not None, "our access, not the message: nobody prepares it a second time"
    assert not work(there).counts
    there.run(lambda tx: outcome.sent_after_all(tx, "sms"))  # the access data was put right
    assert (there.row(second).state, there.row(second).letter) == ("prepared", None)
    assert work(there).counts == {"sent": 1}
    assert gate.ids == [third, second]
    assert there.left() == 1000 - 4


def test_with_the_switch_on_a_failed_message_frees_its_topic(there: Outbox, gate: Gateway) -> None:
    there.run(lambda tx: there.house.settings.put(tx, "messaging.fallback", True))
    gate.plan = ["reject"]
    first = there.prepare(0)
    work(there)
    row = there.row(first)
    assert (row.state, row.holds, row.letter, row.detail) == ("failed", None, "open", "77")
    with there.house.store.read(there.actor) as tx:
        last = events.about(tx, "Message", first)[0]
    assert last.codes["again"] is True and last.codes["reason"] == "messaging.gateway_rejected"


@pytest.mark.parametrize("taken", [True, False])
def test_a_lost_answer_is_asked_about_before_anything_is_sent_again(
    there: Outbox, gate: Gateway, taken: bool
) -> None:
    gate.plan = ["drop" if taken else "lose"]
    one = there.prepare(0)
    assert work(there).counts == {"unsure": 1}
    assert (there.row(one).state, there.row(one).reason) == ("unsure", "messaging.answer_lost")
    assert there.left() == 1000 and told(there) == ["unsure"]
    there.house.clock.advance(30)
    work(there)
    if taken:
        assert there.row(one).state == "accepted" and there.left() == 998
    else:
        assert there.row(one).state == "unsure", "not asked late enough: the gateway may be slow to list it"
        there.house.clock.advance(60)
        assert work(there).counts == {"absent": 1, "sent": 1}
        assert there.row(one).state == "accepted" and there.row(one).attempts == 2
    assert gate.ids == [one]
    assert charges(there) == [("charged", -2, one)]


def test_a_gateway_that_cannot_tell_leaves_it_to_a_person(there: Outbox, gate: Gateway) -> None:
    gate.plan, gate.knows = ["drop"], False
    one = there.prepare(0)
    work(there)
    for _ in range(3):
        there.house.clock.advance(HOUR)
        work(there)
    assert there.row(one).state == "unsure" and gate.ids == [one]
    gate.knows, gate.finds = True, False
    there.house.clock.advance(HOUR)
    work(there)
    assert there.row(one).state == "unsure"


def dead(there: Outbox, one: str, ago: int) -> Any:
    """As a process leaves it that is killed between taking and answer."""
    now = there.house.clock.now()
    values = {
        "state": "sending",
        "claim": "gone.1.1",
        "sending_at": now - ago,
        "gateway": "fake-sms",
        "attempts": 1,
    }
    assert there.run(lambda tx: rows.change(tx, one, ("prepared",), **values))
    return there.row(one)


def test_a_killed_process_may_have_sent_it(there: Outbox, gate: Gateway) -> None:
    known = asking.times(60)
    one, other, fresh = (there.prepare(n) for n in range(3))
    dead(there, one, known.believed + 1)
    dead(there, other, known.lost + 1)
    dead(there, fresh, known.lost - 1)
    from .outbox_cast import Sent

    gate.got.append(Sent(other, "x", "y", "r-before", 0))
    run = work(there)
    assert run.counts == {"unsure": 2, "absent": 1, "found": 1, "sent": 1}
    assert there.row(other).receipt == "r-before" and there.row(other).charged == 2
    assert there.row(one).state == "accepted"
    assert there.row(fresh).state == "sending", "its process may still be alive and allowed to send"
    assert gate.ids == [other, one]


def test_a_frozen_process_wakes_up_and_sends_nothing_twice(there: Outbox, gate: Gateway) -> None:
    """The process stands still between taking and sending; meanwhile another run sees that it is not there, and sends."""
    one = there.prepare(0)
    row = dead(there, one, 0)
    before = there.house.clock.now() + asking.times(60).permit
    there.house.clock.advance(asking.times(60).believed + 1)
    work(there)
    assert gate.ids == [one]
    from praxisd.services.messaging.channel import Outgoing

    late = gate.send(Outgoing(id=one, to="x", text="y", before=before, useless_after=0))
    way = outcome.Route("fake-sms", False)
    word = there.run(lambda tx: outcome.answer(there.house, tx, row, way, late))
    assert word == "late" and there.row(one).state == "accepted" and gate.ids == [one]
    assert charges(there) == [("charged", -2, one)]


def test_an_answer_that_comes_late_still_counts(there: Outbox) -> None:
    from praxisd.services.messaging.channel import Accepted, Lost, Refused

    way = outcome.Route("fake-sms", False)

    def after(one: str, got: Any) -> str:
        row = dead(there, one, 100)
        assert there.run(lambda tx: outcome.lose(tx, row, "messaging.answer_lost"))
        return str(there.run(lambda tx: outcome.answer(there.house, tx, row, way, got)))

    first, second, third = (there.prepare(n) for n in range(3))
    assert after(first, Accepted("r9")) == "sent"
    assert (there.row(first).state, there.row(first).receipt, there.row(first).charged) == (
        "accepted",
        "r9",
        2,
    )
    assert after(second, Refused("messaging.gateway_busy", False)) == "waiting"
    assert there.row(second).state == "prepared"
    assert after(third, Lost()) == "late" and there.row(third).state == "unsure"


def test_a_run_that_was_taken_over_takes_no_message(there: Outbox, busy_gate: Gateway) -> None:
    gate = busy_gate
    from praxisd.kernel.access import system

    one = there.prepare(0)
    stolen = []

    def steal(_message: Any) -> None:
        if not stolen:
            stolen.append(1)
            from praxisd.kernel import job_store

            sql = "UPDATE kernel_run SET fence = fence + 1 WHERE job = 'messaging.send'"
            assert job_store.RUN.name == "kernel_run"
            there.house.store.run(system("thief"), lambda tx: tx.raw(sql).rowcount)

    gate.on_send = steal
    two = [there.prepare(n) for n in range(1, 4)]
    fifth = there.prepare(0, topic="reminder/fifth")
    work(there)
    assert len(gate.got) == 4, "what was taken before goes out and is written down"
    assert sorted(gate.ids) == sorted([one, *two]) and there.row(fifth).state == "prepared"
    assert {there.row(i).state for i in (one, *two)} == {"accepted"}
    assert there.left() == 1000 - 8


def test_quiet_hours_cap_of_the_run_and_what_is_too_late(there: Outbox, gate: Gateway) -> None:
    there.run(lambda tx: there.house.settings.put(tx, "messaging.run_cap", 2))
    now = there.house.clock.now()
    ids = [there.prepare(n) for n in range(3)]
    old = there.prepare(3, useless_after=now + 5 * HOUR)
    there.house.clock.advance(12 * HOUR)  # 21:00 in Berlin
    run = work(there)
    assert (run.state, run.code, run.counts) == ("success", "messaging.quiet_now", {"expired": 1})
    assert (there.row(old).state, there.row(old).reason) == ("expired", "messaging.too_late")
    assert gate.got == []
    there.house.clock.advance(11 * HOUR + 1)
    assert work(there).counts == {"sent": 2}
    assert work(there).counts == {"sent": 1}
    assert sorted(gate.ids) == sorted(ids)


def test_a_patient_gets_no_more_than_the_cap_of_the_day(there: Outbox, gate: Gateway) -> None:
    ids = [
        there.prepare(0, topic=f"reminder/x{n}", useless_after=there.house.clock.now() + 3 * DAY)
        for n in range(2)
    ]
    third = there.prepare(0, topic="reminder/y", useless_after=there.house.clock.now() + 3 * DAY)
    hopeless = there.prepare(0, topic="reminder/z", useless_after=there.house.clock.now() + 10 * HOUR)
    run = work(there)
    assert run.counts == {"sent": 2, "waiting": 1, "expired": 1}
    assert sorted(gate.ids) == sorted(ids)
    row = there.row(third)
    assert (row.state, row.reason) == ("prepared", "messaging.day_cap")
    assert row.next_at == there.house.clock.now() + 23 * HOUR, "tomorrow, when the quiet hours end"
    assert (there.row(hopeless).state, there.row(hopeless).letter) == ("expired", "open")


def test_credits_are_never_spent_twice_nor_below_zero(house, monkeypatch: pytest.MonkeyPatch) -> None:
    there = outbox_of(house, funds=5)
    gate = gateways(there, monkeypatch)
    gate.plan = ["drop"]
    ids = [there.prepare(n) for n in range(3)]
    run = work(there)
    assert run.counts == {"unsure": 1, "sent": 1, "waiting": 1}
    (waits,) = [one for one in ids if there.row(one).state == "prepared"]
    assert there.row(waits).reason == "messaging.no_credits"
    assert there.left() == 3 and len(gate.got) == 2
    there.house.clock.advance(1800)
    work(there)  # what was unsure is found, and charged
    assert there.left() == 1
    there.house.clock.advance(1800)
    work(there)
    assert there.row(waits).state == "prepared" and len(gate.got) == 2
    free = there.prepare(3, cost=0)
    work(there)
    assert there.row(free).state == "accepted" and there.left() == 1


def test_without_an_account_everything_waits(there: Outbox, gate: Gateway) -> None:
    by_mail = there.prepare(0, channel="email", address="p0@post.example")
    by_sms = there.prepare(1)
    assert work(there).counts == {"sent": 1}
    assert (there.row(by_mail).state, there.row(by_sms).state) == ("prepared", "accepted")
    account(there, "email", active=0)
    assert work(there).counts == {}


def test_an_adapter_that_raises_leaves_it_unsure(there: Outbox, gate: Gateway) -> None:
    gate.plan = ["crash"]
    one = there.prepare(0)
    assert work(there).counts == {"unsure": 1}
    assert there.row(one).state == "unsure"


def test_two_practices_stay_apart(there: Outbox, gate: Gateway) -> None:
    other = outbox_of(there.house)
    mine, theirs = there.prepare(0), other.prepare(0)
    work(there)
    assert (there.row(mine).state, other.row(theirs).state) == ("accepted", "prepared")
    assert there.row(theirs) is None


def test_nothing_goes_where_the_patient_is_not_any_more(there: Outbox, gate: Gateway) -> None:
    """The number was put right after the message was prepared, and no handler has heard of it yet."""
    one = there.prepare(0)
    stranger = there.prepare(1, address="+4915100000777")
    assert work(there).counts == {"sent": 1, "withdrawn": 1}
    assert gate.ids == [one]
    row = there.row(stranger)
    assert (row.state, row.reason, row.holds) == ("withdrawn", "messaging.address_gone", None)


@pytest.mark.parametrize(("trial", "patience"), [({}, 60), ({"messaging.gateway_patience": 5}, 5)])
def test_nobody_sets_a_patience_that_would_send_twice(
    there: Outbox, trial: dict[str, int], patience: int
) -> None:
    """Not through the door, and what was stored when less was allowed does not count; tortures have a way of their own."""

    house = there.house
    with pytest.raises(Problem, match=r"settings\.invalid"):
        there.run(lambda tx: house.settings.put(tx, PATIENCE, 59))
    there.run(lambda tx: house.settings.put(tx, PATIENCE, 61))
    house.config = msgspec.structs.replace(house.config, trial=trial)

    def stored_long_ago(tx: Any) -> None:
        tx.run(sa.update(SETTING).where(mine(SETTING), SETTING.c.key == PATIENCE).values(value="3"))

    there.run(stored_long_ago)

    run: Any = SimpleNamespace(house=house, read=lambda: house.store.read(there.actor))
    assert asking.of_run(run) == asking.times(patience)
