"""What becomes of messages after they were sent: polls, calls of gateways, replies of patients. On both engines."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import consent_rules, ledger_store, outcome, replies, wishes
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging import store as inbox_store
from praxisd.services.messaging.channel import Reply, Report
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .outbox_cast import DAY, HOUR, Gateway, Outbox, gateways, outbox_of, work

HOOK = "/api/v1/messaging/hooks/hook-sms-0123456789abcdef"
WAY = outcome.Route("fake-sms", False)


@pytest.fixture
def there(house) -> Outbox:
    return outbox_of(house)


@pytest.fixture
def gate(there: Outbox, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    return gateways(there, monkeypatch)


@pytest.fixture
def client(there: Outbox, gate: Gateway) -> Iterator[TestClient[Any]]:
    with TestClient(build(there.house, main.doors(there.house))) as found:
        yield found


def kinds(there: Outbox, id_: str) -> list[str]:
    with there.house.store.read(there.actor) as tx:
        found = events.about(tx, "Message", id_)
    return [one.type.removeprefix("communication.") for one in found][::-1]


def spent(there: Outbox, id_: str) -> list[tuple[str, int]]:
    with there.house.store.read(there.actor) as tx:
        found = ledger_store.before(tx, there.mandator, None, 50)
    return [(one.kind, one.amount) for one in found if one.message == id_][::-1]


def sent(there: Outbox, gate: Gateway, *numbers: int, **more: Any) -> list[str]:
    ids = [there.prepare(n, **more) for n in numbers]
    work(there)
    assert {there.row(one).state for one in ids} == {"accepted"}
    return ids


def test_polling_brings_the_end_once(there: Outbox, gate: Gateway) -> None:
    ids = sent(there, gate, 0, 1, 2, 3)
    receipts = {one.id: one.receipt for one in gate.got}
    kept: list[int] = []
    states = ("delivered", "failed", "expired", "buffered")
    gate.items = [
        Report(state, receipt=receipts[id_], keep=lambda n=n: kept.append(n))  # type: ignore[arg-type, misc]
        for n, (id_, state) in enumerate(zip(ids, states, strict=True))
    ] + [Report("delivered", receipt="of somebody else"), Report("delivered", id="nobody")]
    run = work(there, "messaging.status")
    assert run.counts == {"asked": 4, "reports": 3, "unknown": 2, "replies": 0, "silent": 0}
    assert sorted(gate.asked[0]) == sorted(ids) and kept == [0, 1, 2, 3]
    assert [there.row(one).state for one in ids] == ["delivered", "failed", "expired", "accepted"]
    failed = there.row(ids[1])
    assert (failed.reason, failed.letter, failed.charged) == ("messaging.sms_failed", "open", 2)
    assert there.row(ids[2]).letter == "open", "it would still be of use"
    assert kinds(there, ids[0]) == ["prepared", "sent", "delivered"]
    gate.items = [Report("failed", receipt=receipts[ids[0]]), Report("buffered", receipt=receipts[ids[0]])]
    gate.items += [Report("delivered", receipt=receipts[ids[1]])]
    there.house.clock.advance(600)
    assert work(there, "messaging.status").counts["reports"] == 0, "what has ended stays"
    assert [there.row(one).state for one in ids] == ["delivered", "failed", "expired", "accepted"]
    assert gate.asked[1] == [ids[3]], "only what may still change is asked about"
    assert there.left() == 1000 - 8


def test_after_seven_days_nothing_more_is_awaited(there: Outbox, gate: Gateway) -> None:
    (one,) = sent(there, gate, 0)
    there.house.clock.advance(7 * DAY + 1)
    run = work(there, "messaging.status")
    assert run.counts["silent"] == 1 and gate.asked == [[]]
    assert (there.row(one).state, there.row(one).ended_at) == ("accepted", there.house.clock.now())
    assert work(there, "messaging.status").counts["silent"] == 0


def test_a_gateway_that_refused_after_all_gives_the_credits_back(there: Outbox, gate: Gateway) -> None:
    (one,) = sent(there, gate, 0)
    said = Report("failed", id=one, code="messaging.number_rejected", detail="5")
    for _ in range(2):
        there.run(lambda tx: outcome.report(there.house, tx, rows.get(tx, one), WAY, said))
    row = there.row(one)
    assert (row.state, row.reason, row.detail, row.charged) == ("failed", "messaging.number_rejected", "5", 0)
    assert spent(there, one) == [("charged", -2), ("returned", 2)] and there.left() == 1000


def test_a_gateway_that_cannot_be_asked_is_the_runs_failure(there: Outbox, gate: Gateway) -> None:
    sent(there, gate, 0)
    gate.unreachable = True
    run = work(there, "messaging.status")
    assert (run.state, run.code) == ("failed", "messaging.gateway_unreachable")


def test_a_mail_is_done_when_taken_and_may_still_come_back(there: Outbox, monkeypatch: Any) -> None:
    gate = gateways(there, monkeypatch, name="email", final=True)
    (one,) = sent(there, gate, 0, channel="email", address="p0@post.example")
    assert there.row(one).ended_at == there.house.clock.now()
    gate.items = [Report("failed", id=one, code="messaging.mail_bounced")]
    there.house.clock.advance(HOUR)
    assert work(there, "messaging.status").counts["reports"] == 1
    assert (there.row(one).state, there.row(one).reason) == ("failed", "messaging.mail_bounced")
    assert there.row(one).charged == 2


def test_a_call_comes_before_our_own_answer(there: Outbox, gate: Gateway, client: TestClient[Any]) -> None:
    """The gateway reports while `send` still waits for its answer, or after the answer was lost."""

    def call_in(message: Any) -> None:
        gate.items = [Report("delivered", id=message.id)]
        answer = client.post(HOOK, content=b"{}", headers={"x-signature": "right"})
        assert (answer.status_code, answer.content) == (200, b"")

    gate.on_send = call_in
    one = there.prepare(0)
    run = work(there)
    assert run.counts == {"sent": 1}
    row = there.row(one)
    assert (row.state, row.receipt, row.charged) == ("delivered", "r0", 2)
    assert kinds(there, one) == ["prepared", "sent", "delivered"]
    gate.plan = ["drop"]
    two = there.prepare(1)
    assert work(there).counts == {"late": 1}, "that the answer was lost is no news any more"
    assert there.row(two).state == "delivered" and spent(there, two) == [("charged", -2)]
    gate.on_send, gate.plan = None, ["drop"]
    three = there.prepare(2)
    work(there)
    assert there.row(three).state == "unsure"
    gate.items = [Report("buffered", id=three), Report("buffered", id=three)]
    client.post(HOOK, content=b"{}", headers={"x-signature": "right"})
    assert there.row(three).state == "accepted" and spent(there, three) == [("charged", -2)]
    work(there)
    assert sorted(gate.ids) == sorted([one, two, three])


def test_a_call_with_both_ids_finds_a_message_without_receipt(there: Outbox, gate: Gateway) -> None:
    """Gateways tell their own id and ours; theirs is not known where the answer was lost."""
    gate.plan, gate.finds = ["drop"], False
    one = there.prepare(0)
    work(there)
    assert (there.row(one).state, there.row(one).receipt) == ("unsure", None)
    assert reported(there, Report("delivered", receipt="r0", id=one))
    row = there.row(one)
    assert (row.state, row.receipt, row.charged) == ("delivered", "r0", 2)
    assert not reported(there, Report("failed", receipt="r0", id="nobody")), "theirs is asked for first"


def test_the_bad_end_of_an_earlier_attempt_is_not_that_of_the_later(there: Outbox, gate: Gateway) -> None:
    (one,) = sent(there, gate, 0)
    assert not reported(there, Report("failed", receipt="of the first attempt", id=one))
    assert there.row(one).state == "accepted"
    assert reported(there, Report("delivered", receipt="of the first attempt", id=one)), "it has arrived"
    assert (there.row(one).state, there.row(one).receipt) == ("delivered", "r0")


def reported(there: Outbox, said: Report) -> bool:
    """Whether the report changed something."""

    def apply(tx: Any) -> bool:
        row = outcome.named(tx, "fake-sms", "sms", said)
        return row is not None and outcome.report(there.house, tx, row, WAY, said)

    return bool(there.run(apply))


def test_who_may_call(there: Outbox, gate: Gateway, client: TestClient[Any]) -> None:
    (one,) = sent(there, gate, 0)
    gate.items = [Report("delivered", id=one)]
    right = {"x-signature": "right", "content-type": "application/x-www-form-urlencoded"}
    for path in ("/api/v1/messaging/hooks/" + "x" * 43, "/api/v1/messaging/hooks/short"):
        assert client.post(path, content=b"a=1", headers=right).json()["code"] == "http.not_found"
    wrong = client.post(HOOK, content=b"a=1", headers={"x-signature": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "messaging.hook_refused")
    bad = client.post(HOOK, content=b"garbage", headers=right)
    assert (bad.status_code, bad.json()["code"]) == (400, "messaging.hook_malformed")
    assert there.row(one).state == "accepted"
    assert client.get(HOOK + "?state=3&receipt=%FF", headers=right).status_code == 200
    assert there.row(one).state == "delivered"
    large = client.post(HOOK, content=b"x" * 20_000_000, headers=right)
    assert large.status_code == 413


# --- replies --------------------------------------------------------------------------------------------------------


def appointment(there: Outbox, number: int = 0) -> Any:
    """A booked appointment of the patient, tomorrow at ten."""
    start = (there.house.clock.now() // HOUR + 25 + 2 * number) * HOUR
    wish = calendar.Wish(service=there.practice.talk, start=start, patient=there.patients[number])
    return there.run(lambda tx: calendar.book(there.house, tx, wish))


def an_hour_later(there: Outbox, one: Any) -> Any:
    return calendar.Wish(service=there.practice.talk, start=one.start + HOUR, patient=one.patient)


def reminded(there: Outbox, gate: Gateway, number: int = 0) -> tuple[str, Any]:
    booked = appointment(there, number)
    (one,) = sent(there, gate, number, appointment=booked.id, stamp=booked.start)
    return one, booked


def take(there: Outbox, text: str, mark: str = "m1", **more: Any) -> bool:
    said = Reply(**({"sender": "+4915100000000", "text": text, "mark": mark} | more))
    return bool(there.run(lambda tx: replies.take_in(there.house, tx, "fake-sms", "sms", said)))


def inbox(there: Outbox) -> list[Any]:
    with there.house.store.read(there.actor) as tx:
        return inbox_store.newest(tx, [], None, 50)[0]


def test_yes_confirms_and_lies_in_the_inbox_once(
    there: Outbox, gate: Gateway, client: TestClient[Any]
) -> None:
    one, _booked = reminded(there, gate)
    assert take(there, "Ja, danke", id=one)
    assert not take(there, "Ja, danke", id=one), "the call was repeated"
    assert there.row(one).reply == "confirmed" and kinds(there, one)[-1] == "confirmed"
    (letter,) = inbox(there)
    assert (letter.patient, letter.state) == (there.patients[0], "unread")
    key = key_for(there.house, there.practice, "desk", "Empfang")
    headers = {"Authorization": f"Bearer {key}"}
    (shown,) = client.get("/api/v1/communications", headers=headers).json()["communications"]
    assert (shown["text"], shown["sender"]["name"]) == ("Ja, danke", "Paul Probe0")
    assert shown["recipients"][0]["name"] == "Praxis am Test"
    detail = client.get(f"/api/v1/outbox/{one}", headers=headers).json()
    assert detail["replies"] == [
        {"at": detail["replies"][0]["at"], "meaning": "confirm", "communication": letter.id}
    ]
    fhir = client.get(f"/fhir/R4/Communication/{letter.id}", headers=headers).json()
    assert fhir["payload"] == [{"contentString": "Ja, danke"}]


def test_no_asks_or_cancels_as_the_switch_says(there: Outbox, gate: Gateway) -> None:
    one, booked = reminded(there, gate)
    take(there, "Nein", sender="+4915100000000")
    assert there.row(one).reply == "cancel_asked"
    with there.house.store.read(there.actor) as tx:
        assert calendar.get(tx, booked.id).status == "booked"
    there.run(lambda tx: there.house.settings.put(tx, "messaging.reply_cancel", "do"))
    take(there, "Nein", mark="m2")
    with there.house.store.read(there.actor) as tx:
        after = calendar.get(tx, booked.id)
    assert (after.status, there.row(one).reply) == ("cancelled", "cancelled")
    assert "Erinnerung" in after.cancel_reason
    assert len(inbox(there)) == 2
    take(there, "Ja", mark="m3")
    assert there.row(one).reply == "cancelled", "a cancelled appointment cannot be confirmed"


@pytest.mark.parametrize("told", ["+4915100000000", "4915100000000", "004915100000000"])
def test_numbers_are_recognised_as_gateways_write_them(there: Outbox, gate: Gateway, told: str) -> None:
    one, _ = reminded(there, gate)
    take(there, "Ja", sender=told)
    assert there.row(one).reply == "confirmed"


def test_mail_addresses_are_recognised_whatever_their_capitals(there: Outbox, monkeypatch: Any) -> None:
    gate = gateways(there, monkeypatch, name="email", final=True)
    booked = appointment(there)
    (one,) = sent(
        there,
        gate,
        0,
        channel="email",
        address="p0@post.example",
        appointment=booked.id,
        stamp=booked.start,
    )
    said = Reply(sender="P0@Post.example", text="Ja", mark="m1")
    assert there.run(lambda tx: replies.take_in(there.house, tx, "fake-email", "email", said))
    assert there.row(one).reply == "confirmed"


def test_stop_withdraws_everything(there: Outbox, gate: Gateway) -> None:
    one, _ = reminded(there, gate)
    waiting = there.prepare(0, topic="reminder/next", next_at=there.house.clock.now() + HOUR)
    take(there, "STOP")
    assert (there.row(waiting).state, there.row(one).reply) == ("withdrawn", "stopped")
    with there.house.store.read(there.actor) as tx:
        said = wishes.of(tx, there.patients[0])
        needs = wishes.needs(there.house, tx)
    for purpose in ("reminder", "recall", "greeting"):
        for channel in ("sms", "email"):
            why = consent_rules.allowed(said, purpose, channel, needs)  # type: ignore[arg-type]
            assert why == "messaging.consent_withdrawn"
    later = there.prepare(0, topic="reminder/more")
    assert work(there).counts == {"withdrawn": 1}, "looked at once more right before it would go out"
    assert there.row(later).reason == "messaging.consent_withdrawn" and len(gate.got) == 1


def test_whose_answer_it_is_is_never_guessed(there: Outbox, gate: Gateway, client: TestClient[Any]) -> None:
    mine, _ = reminded(there, gate)
    (theirs,) = sent(there, gate, 1)
    shared = {"address": "+4915100000000"}  # one telephone for two
    there.run(lambda tx: rows.change(tx, theirs, ("accepted",), **shared))
    take(there, "Nein")
    assert there.row(mine).reply is None and there.row(theirs).reply is None
    take(there, "Ja", mark="m2", sender="+4917099999999")
    found = inbox(there)
    assert [one.patient for one in found] == ["", ""]
    key = key_for(there.house, there.practice, "desk", "Empfang")
    headers = {"Authorization": f"Bearer {key}"}
    shown = client.get("/api/v1/communications", headers=headers).json()["communications"]
    assert [(one["text"], one["patient"]["name"]) for one in shown] == [
        ("Ja", "+4917099999999"), ("Nein", "+4915100000000"),
    ]  # fmt: skip
    listed = client.post("/api/v1/listings/messaging.inbox", headers=headers, json={}).json()["rows"]
    assert [one["cells"]["patient"] for one in listed] == ["+4917099999999", "+4915100000000"]
    take(there, "Ja", mark="m3", receipt=there.row(mine).receipt)
    assert there.row(mine).reply == "confirmed", "the gateway names the message it answers"


def test_an_answer_after_two_weeks_or_about_another_time_changes_nothing(
    there: Outbox, gate: Gateway
) -> None:
    one, booked = reminded(there, gate)
    there.run(lambda tx: calendar.move(there.house, tx, booked.id, an_hour_later(there, booked)))
    take(there, "Ja", id=one)
    assert there.row(one).reply == "answered", "the appointment is at another time by now"
    there.house.clock.advance(14 * DAY + 1)
    take(there, "Ja", mark="m2")
    assert [one.patient for one in inbox(there)] == ["", there.patients[0]]


def test_moved_and_cancelled_appointments_are_not_reminded_of(there: Outbox, gate: Gateway) -> None:
    first, second = appointment(there, 0), appointment(there, 1)
    ids = [there.prepare(n, appointment=one.id, stamp=one.start) for n, one in enumerate((first, second))]
    there.run(lambda tx: calendar.cancel(there.house, tx, first.id))
    there.run(lambda tx: calendar.move(there.house, tx, second.id, an_hour_later(there, second)))
    gone = there.prepare(2, appointment="nobody")
    assert work(there).counts == {"withdrawn": 3}
    assert [there.row(one).reason for one in (*ids, gone)] == [
        "messaging.appointment_gone", "messaging.appointment_moved", "messaging.appointment_gone",
    ]  # fmt: skip
    assert gate.got == []
