"""Calls of gateways to us, as the sandbox really makes them: states, replies, repeated, out of order, never."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.messaging import channels
from praxisd.services.messaging.channel import Accepted, Account, Reply, Report, Waiting
from praxisd.services.messaging.channels import gateway_files
from praxisd.testing.channel_suite import HookCall

from .sms_cast import HOOK, KEY, SmsStage, sms_stage

NAMES = ("sandbox", "seven", "lox24", "aspsms")


@pytest.fixture(params=NAMES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmsStage]:
    with sms_stage(request.param, tmp_path) as one:
        yield one


def said(stage: SmsStage, call: HookCall) -> list[Report | Reply]:
    return list(stage.channel.hook(*call))


def test_each_state_is_called(stage: SmsStage) -> None:
    sent = {}
    for number, state in enumerate(stage.ends):
        message = stage.outgoing(number)
        got = stage.channel.send(message)
        assert isinstance(got, Accepted)
        sent[state] = (message, got)
    for state, (message, _) in sent.items():
        stage.end(message.id, state)
    calls = stage.listener.wait(len(sent))
    found = [one for call in calls for one in said(stage, call)]
    told = {one.receipt or one.id: (one.state, one.code) for one in found if isinstance(one, Report)}
    codes = {"failed": "messaging.sms_failed", "expired": "messaging.sms_expired"}
    assert told == {got.receipt: (state, codes.get(state, "")) for state, (_, got) in sent.items()}
    assert {one.id for one in found} == {message.id for message, _ in sent.values()}, "ours is told beside it"
    assert all(one.at for one in found) or stage.name == "aspsms"


def test_a_reply_names_its_sender_and_has_a_mark(stage: SmsStage) -> None:
    message = stage.outgoing(1)
    got = stage.channel.send(message)
    assert isinstance(got, Accepted)
    (taken,) = stage.gateway.referred(message.id)
    text = "JA, gerne – Grüße & bis 9:30 ☺"
    stage.gateway.reply(taken, taken.to, text)
    (call,) = stage.listener.wait(1)
    (reply,) = said(stage, call)
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text) == (message.to, text)
    assert reply.mark.startswith(f"{stage.name}:") and said(stage, call) == [reply]
    if stage.name == "sandbox":
        assert (reply.receipt, reply.id) == (got.receipt, message.id)


def test_calls_come_twice_and_in_the_wrong_order(stage: SmsStage) -> None:
    stage.gateway.faults.set(next_=["repeat", "disorder"])
    for number in (1, 2):
        assert isinstance(stage.channel.send(stage.outgoing(number)), Accepted)
        stage.end(stage.outgoing(number).id, "delivered")
    found = [one for call in stage.listener.wait(4) for one in said(stage, call)]
    states = [one.state for one in found if isinstance(one, Report)]
    assert sorted(states) == ["buffered", "delivered", "delivered", "delivered"] and states[-1] == "buffered"


def test_a_call_that_is_not_heard_is_made_again(stage: SmsStage) -> None:
    stage.listener.status = 503
    assert isinstance(stage.channel.send(stage.outgoing(1)), Accepted)
    stage.end(stage.outgoing(1).id, "delivered")
    stage.listener.wait(1)
    stage.listener.status = 200
    assert len(stage.listener.wait(2)) == 2
    until = time.monotonic() + 10
    while len(stage.sandbox.caller.made) < 2 and time.monotonic() < until:
        time.sleep(0.01)  # it is noted once the answer has been read
    assert [one["status"] for one in stage.sandbox.caller.made][:2] == [503, 200]


def test_a_silent_one_is_never_heard_of(stage: SmsStage) -> None:
    stage.gateway.faults.set(next_=["silent", ""])
    got = stage.channel.send(stage.outgoing(1))
    assert isinstance(got, Accepted)
    stage.gateway.turn()
    waiting = Waiting(stage.outgoing(1).id, got.receipt, stage.outgoing(1).to, stage.clock.now())
    assert {one.state for one in stage.channel.reports([waiting]) if isinstance(one, Report)} <= {"buffered"}
    assert stage.listener.calls == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff\xfe", b"null", b'"x"', b"{}", b'{"event":"report"}', b'{"event":"report","state":"delivered"}',
     b'{"event":"reply","text":"x"}', b"[" * 100_000],
)  # fmt: skip
def test_rubbish_with_a_good_signature_is_malformed(tmp_path: Path, body: bytes) -> None:
    import hashlib
    import hmac

    with sms_stage("sandbox", tmp_path) as stage:
        now = str(stage.clock.now())
        signed = hmac.new(HOOK.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"x-sandbox-timestamp": now, "x-sandbox-signature": signed}
        with pytest.raises(Problem) as caught:
            stage.channel.hook(headers, {}, body)
    assert (caught.value.code, caught.value.status) == ("messaging.hook_malformed", 400)


def test_the_signature_of_seven_is_that_of_its_documentation(tmp_path: Path) -> None:
    """Timestamp, nonce, method, address and MD5 of the body, a line each; HMAC-SHA256 (docs.seven.io, signing)."""
    import hashlib
    import hmac

    body = json.dumps(
        {"data": {"msg_id": "77149843739", "status": "TRANSMITTED"}, "webhook_event": "dlr"}
    ).encode()
    with sms_stage("seven", tmp_path) as stage:
        now, nonce = str(stage.clock.now()), "fpPRhAd1s8GXacfR39mWqKPynmmXfJnc"
        lines = [now, nonce, "POST", stage.listener.url, hashlib.md5(body).hexdigest()]
        signed = hmac.new(HOOK.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        headers = {"x-signature": signed, "x-timestamp": now, "x-nonce": nonce}
        (report,) = stage.channel.hook(headers, {}, body)
        assert isinstance(report, Report) and (report.receipt, report.state) == ("77149843739", "buffered")
        with pytest.raises(Problem):
            stage.channel.hook({**headers, "x-nonce": nonce[::-1]}, {}, body)


def test_a_gateway_without_a_secret_is_never_believed(tmp_path: Path) -> None:
    with sms_stage("lox24", tmp_path) as stage:
        account = Account("lox24", "", {"key": KEY}, "", stage.listener.url)
        from praxisd.services.messaging.channels.http_sms import HttpSms

        one = HttpSms(account, gateway_files.built_in()["lox24"], None, stage.clock)  # type: ignore[arg-type]
        for query in ({}, {"token": ""}):
            with pytest.raises(Problem) as caught:
                one.hook({}, query, b"{}")
            assert caught.value.code == "messaging.hook_refused"


OWN = """title = "Haus-Gateway"
[[fields]]
key = "address"
[send]
url = "{address}/send"
json = { to = "{to}", text = "{text}" }
[[send.answers]]
means = "accepted"
receipt = "id"
"""


def test_a_practice_may_have_files_of_its_own(house: House) -> None:
    folder = house.folder / "gateways"
    folder.mkdir()
    (folder / "haus.toml").write_text(OWN, encoding="utf-8")
    (folder / "kaputt.toml").write_text('title = "x"\nfalsch = 1\n', encoding="utf-8")
    (folder / "seven.toml").write_text(OWN, encoding="utf-8")
    (folder / "notiz.txt").write_text("nichts", encoding="utf-8")
    forms = channels.gateways(house)
    assert (
        forms["haus"].title == "Haus-Gateway" and forms["seven"].title == "seven.io" and "kaputt" not in forms
    )
    found: dict[str, Any] = {one.subject: dict(one.params) for one in gateway_files.faults(house)}
    assert set(found) == {"Gateway/kaputt.toml", "Gateway/seven.toml"}
    assert (found["Gateway/kaputt.toml"]["file"], found["Gateway/kaputt.toml"]["line"]) == ("kaputt.toml", 2)
    (folder / "kaputt.toml").write_text(OWN + "# heil\n", encoding="utf-8")
    (folder / "seven.toml").unlink()
    assert list(gateway_files.faults(house)) == []
    assert (
        channels.open_channel(house, Account("haus", "Praxis", {"address": "https://sms.example"})).name
        == "sms"
    )
    (folder / "haus.toml").unlink()
    with pytest.raises(Problem) as caught:
        channels.open_channel(house, Account("haus", "Praxis", {}))
    assert (caught.value.code, caught.value.status) == ("messaging.gateway_unknown", 404)


@pytest.mark.parametrize(
    ("gateway", "sender", "values", "field"),
    [
        ("seven", "Praxis", {"key": KEY}, ""),
        ("seven", "Praxis", {}, "key"),
        ("seven", "Praxis", {"key": " "}, "key"),
        ("seven", "Praxis", {"key": "a\nb"}, "key"),
        ("seven", "Praxis am Markt", {"key": KEY}, "sender"),
        ("seven", "", {"key": KEY, "address": "http://gateway.seven.io/api"}, "address"),
        ("lox24", "", {"key": KEY, "service": "gratis"}, "service"),
        ("aspsms", "", {"password": KEY}, "user"),
        ("sandbox", "", {}, ""),
    ],
)
def test_a_form_is_checked_before_it_is_used(
    house: House, gateway: str, sender: str, values: dict[str, str], field: str
) -> None:
    account = Account(gateway, sender, values)
    if not field:
        channels.check_account(house, account)
        return
    with pytest.raises(Problem) as caught:
        channels.check_account(house, account)
    assert (caught.value.code, caught.value.params["field"]) == ("messaging.gateway_field", field)
    assert KEY not in repr(caught.value.params)


def test_the_address_to_enter_carries_the_secret_only_where_nothing_is_signed(house: House) -> None:
    for name in NAMES:
        account = Account(name, "", {}, HOOK, "https://praxis.example/hooks/1")
        address = channels.hook_address(house, account)
        assert address.startswith("https://praxis.example/hooks/1")
        assert (HOOK in address) == (name in ("lox24", "aspsms"))
        assert channels.hook_address(house, Account(name, "", {}, HOOK, "")) == ""
