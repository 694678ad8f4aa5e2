"""What gateways are documented to answer, and what we make of it: taken, certainly not taken, or nobody knows."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import HttpAnswer, NotSent
from praxisd.services.messaging.channel import (
    Absent,
    Accepted,
    Account,
    Found,
    Lost,
    Outgoing,
    Refused,
    Unknown,
    Waiting,
)
from praxisd.services.messaging.channels.gateway_files import built_in
from praxisd.services.messaging.channels.http_sms import HttpSms

NOW = 1_795_420_800
SECRET = "schluessel-4711"
MESSAGE = Outgoing("01hmessage", "+491713920055", "Ihr Termin", NOW + 25, NOW + 7_200)


class Told:
    """Answers what it was told, in order; the last again and again. `asked` is what it was asked."""

    def __init__(self, *answers: HttpAnswer | NotSent) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        self.asked.append({"method": method, "url": url, **more})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, NotSent):
            raise answer
        return answer


def answer(status: int, body: Any = None, **headers: str) -> HttpAnswer:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, shown, body if isinstance(body, bytes) else json.dumps(body).encode())


def channel(gateway: str, told: Told, sender: str = "Praxis", **values: str) -> HttpSms:
    fields = {"key": SECRET, "user": "praxis", "password": SECRET, **values}
    account = Account(gateway, sender, fields, "haken", "https://praxis.example/api/v1/messaging/hooks/h1")
    return HttpSms(account, built_in()[gateway], told, FrozenClock(NOW))  # type: ignore[arg-type]


def seven(success: str, *messages: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "success": success,
        "total_price": 0,
        "balance": 12.5,
        "debug": "false",
        "messages": list(messages),
    }


GOOD_SEVEN = {"id": "77149843739", "success": True, "error": None, "parts": 2, "recipient": "491713920055"}
BAD_NUMBER = {"id": None, "success": False, "error": "202", "error_text": "Recipient number invalid"}
C = "messaging.gateway_credentials"


@pytest.mark.parametrize(
    ("gateway", "status", "body", "meant"),
    [
        ("seven", 200, seven("100", GOOD_SEVEN), Accepted("77149843739", 2)),
        ("seven", 200, seven("101", BAD_NUMBER), Refused("messaging.number_rejected", True, "202")),
        ("seven", 200, seven("900"), Refused(C, True, "900")),
        ("seven", 200, 900, Refused(C, True, "200")),
        ("seven", 401, {"success": "900"}, Refused(C, True, "900")),
        ("seven", 401, b"nope", Refused(C, True, "401")),
        ("seven", 200, seven("500"), Refused("messaging.gateway_no_credits", False, "500")),
        ("seven", 200, seven("402"), Refused("messaging.number_busy", False, "402", 180)),
        ("seven", 200, seven("403"), Refused("messaging.number_busy", False, "403", 3600)),
        ("seven", 200, seven("201"), Refused("messaging.sender_rejected", False, "201")),
        ("seven", 200, seven("401"), Refused("messaging.gateway_rejected", True, "401")),
        ("seven", 200, seven("600"), Lost()),
        ("seven", 200, seven("700"), Lost()),
        ("seven", 200, seven("100"), Lost()),
        ("seven", 200, seven("100", {**GOOD_SEVEN, "id": None}), Lost()),
        ("seven", 200, b"<html>captive portal</html>", Lost()),
        ("seven", 200, b"", Lost()),
        ("lox24", 201, {"uuid": "d6c12ac4", "status_code": 0}, Accepted("d6c12ac4")),
        ("lox24", 201, {"status_code": 0}, Lost()),
        ("lox24", 400, {"violations": [{"propertyPath": "phone"}]}, Refused("messaging.number_rejected", True, "phone")),
        ("lox24", 400, {"detail": "text"}, Refused("messaging.gateway_rejected", True, "400")),
        ("lox24", 401, {}, Refused(C, True, "401")),
        ("lox24", 402, {}, Refused("messaging.gateway_no_credits", False, "402")),
        ("lox24", 403, {}, Refused(C, True, "403")),
        ("lox24", 429, {}, Refused("messaging.gateway_busy", False, "429", 600)),
        ("aspsms", 200, {"StatusCode": "1", "StatusInfo": "OK"}, Accepted("01hmessage")),
        ("aspsms", 200, {"StatusCode": "3", "StatusInfo": "Authorization failed."}, Refused(C, True, "3")),
        ("aspsms", 200, {"StatusCode": "5"}, Refused("messaging.gateway_no_credits", False, "5")),
        ("aspsms", 200, {"StatusCode": "24"}, Refused("messaging.gateway_busy", False, "24")),
        ("aspsms", 200, {"StatusCode": "20"}, Refused("messaging.number_rejected", True, "20")),
        ("aspsms", 200, {"StatusCode": "99"}, Refused("messaging.gateway_rejected", True, "99")),
        ("aspsms", 200, {"StatusCode": "7"}, Lost()),
        ("aspsms", 200, {"StatusInfo": "OK"}, Lost()),
        ("sandbox", 201, {"id": "s1", "reference": "01hmessage", "parts": 1}, Accepted("s1", 1)),
        ("sandbox", 422, {"code": "sender_invalid"}, Refused("messaging.sender_rejected", False, "sender_invalid")),
        ("sandbox", 404, {}, Refused("messaging.gateway_refused", False, "404")),
        ("sandbox", 308, b"", Refused("messaging.gateway_refused", False, "308")),
        ("sandbox", 302, b"", Lost()),
        ("sandbox", 408, b"", Lost()),
        ("sandbox", 409, b"", Lost()),
        *[("sandbox", status, b"", Lost()) for status in (500, 502, 503, 504, 200, 202, 204)],
    ],
)  # fmt: skip
def test_answers(gateway: str, status: int, body: Any, meant: object) -> None:
    told = Told(answer(status, body))
    assert channel(gateway, told).send(MESSAGE) == meant
    assert len(told.asked) == 1 and told.asked[0]["before"] == MESSAGE.before


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("999999", 86_400),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 08:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 07:59:00 GMT", None),
    ],
)
def test_a_gateway_says_when_to_come_back(told: str, seconds: int | None) -> None:
    found = channel("sandbox", Told(answer(429, {}, retry_after=told))).send(MESSAGE)
    assert found == Refused("messaging.gateway_busy", False, "429", seconds)


def test_what_is_sent_to_each() -> None:
    asked = {}
    for name in built_in():
        told = Told(answer(500))
        channel(name, told).send(MESSAGE)
        asked[name] = told.asked[0]
        assert SECRET not in told.asked[0]["url"] and SECRET not in str(told.asked[0]["params"])
    assert asked["seven"]["form"] == {
        "to": "+491713920055", "text": "Ihr Termin", "from": "Praxis", "foreign_id": "01hmessage", "ttl": "120",
    }  # fmt: skip
    assert asked["seven"]["headers"]["X-Api-Key"] == SECRET
    assert asked["lox24"]["json"] == {
        "phone": "+491713920055", "text": "Ihr Termin", "sender_id": "Praxis", "service_code": "direct",
        "callback_data": "01hmessage",
    }  # fmt: skip
    assert asked["aspsms"]["json"]["Recipients"] == ["+491713920055:01hmessage"]
    assert asked["aspsms"]["json"]["URLDeliveryNotification"].endswith("/hooks/h1?token=haken&state=0&id=")
    assert asked["sandbox"]["json"]["validMinutes"] == 120


def test_without_an_address_of_ours_nobody_is_told_to_call() -> None:
    told = Told(answer(200, {"StatusCode": "1"}))
    account = Account("aspsms", "", {"user": "u", "password": SECRET})
    one = HttpSms(account, built_in()["aspsms"], told, FrozenClock(NOW))  # type: ignore[arg-type]
    one.send(MESSAGE)
    assert not one.abilities.hooks and one.hook_address == ""
    assert set(told.asked[0]["json"]) == {"UserName", "Password", "Recipients", "MessageText"}


def test_the_time_of_validity_has_bounds() -> None:
    for useless_after, minutes in ((NOW + 1, "1"), (NOW + 61, "2"), (NOW + 10 * 86_400, "2880")):
        told = Told(answer(500))
        channel("seven", told).send(Outgoing("i", "+491713920055", "x", NOW + 25, useless_after))
        assert told.asked[0]["form"]["ttl"] == minutes
    told = Told(answer(500))
    late = Outgoing("i", "+491713920055", "x", NOW + 25, NOW)
    assert channel("seven", told).send(late) == Refused("messaging.too_late", False)
    assert channel("seven", told, "Praxis am Markt").send(MESSAGE) == Refused(
        "messaging.sender_rejected", False
    )
    assert told.asked == []


def waiting(at: int = NOW - 1_000) -> Waiting:
    return Waiting("01hmessage", "", "+491713920055", at)


LISTED = {"uuid": "d6", "callback_data": "01hother", "created_at": NOW - 900, "dlr_code": 1}
OLD = {**LISTED, "created_at": NOW - 9_000}
MINE = {**LISTED, "callback_data": "01hmessage"}
BARE = {name: value for name, value in OLD.items() if name != "callback_data"}


@pytest.mark.parametrize(
    ("gateway", "answers", "meant"),
    [
        ("lox24", [answer(200, [LISTED, MINE])], Found("d6", "delivered")),
        ("lox24", [answer(200, [LISTED, OLD])], Absent()),
        ("lox24", [answer(200, [LISTED]), answer(200, [MINE])], Found("d6", "delivered")),
        ("lox24", [answer(200, [LISTED]), answer(200, [])], Absent()),
        ("lox24", [answer(200, [])], Absent()),
        ("lox24", [answer(200, [BARE])], Unknown(temporary=False)),
        ("lox24", [answer(200, [LISTED])], Unknown(temporary=False)),
        ("lox24", [answer(200, {"hydra:member": []})], Unknown()),
        ("lox24", [answer(500, [])], Unknown()),
        ("lox24", [NotSent("unreachable")], Unknown()),
        ("seven", [answer(200, [])], Absent()),
        ("seven", [answer(200, [{"id": "7", "foreign_id": "01hmessage", "dlr": ""}])], Found("7", None)),
        ("seven", [answer(200, [{"id": "7", "foreign_id": None}])], Unknown(temporary=False)),
        ("seven", [answer(200, [{"id": "7", "foreign_id": "o"}])], Absent()),
        ("seven", [answer(200, [{"id": "7", "foreign_id": "o"}] * 100)], Unknown(temporary=False)),
        ("seven", [answer(200, {"success": "900"})], Unknown()),
        ("aspsms", [answer(200, {"StatusCode": "1", "DeliveryNotifications": []})], Unknown()),
        ("aspsms", [answer(200, {"StatusCode": "3"})], Unknown()),
    ],
)  # fmt: skip
def test_find_says_absent_only_when_it_is_certain(gateway: str, answers: list[Any], meant: object) -> None:
    assert channel(gateway, Told(*answers)).find(waiting()) == meant


def test_a_message_just_sent_may_not_be_listed_yet() -> None:
    assert channel("seven", Told(answer(200, []))).find(waiting(NOW - 299)) == Unknown()
    assert channel("seven", Told(answer(200, []))).find(waiting(NOW - 300)) == Absent()


def test_aspsms_says_not_yet_or_rejected_in_one_word() -> None:
    for state, meant in (
        ("-1", Unknown()),
        ("1", Found("01hmessage", "buffered")),
        ("2", Found("01hmessage", "failed")),
    ):
        entry = {"TransactionReferenceNumber": "01hmessage", "DeliveryStatus": state}
        told = Told(answer(200, {"StatusCode": "1", "DeliveryNotifications": [entry]}))
        assert channel("aspsms", told).find(waiting()) == meant


def test_reports_are_asked_in_batches_and_forgotten_ones_are_no_failure() -> None:
    many = [Waiting(f"i{n}", f"r{n}", "+491713920055", NOW) for n in range(120)]
    told = Told(answer(200, [{"id": "r0", "status": "EXPIRED", "status_time": "2026-11-23 08:00:00"}]))
    found = list(channel("seven", told).reports(many))
    assert [len(one["params"]["msg_id"].split(",")) for one in told.asked] == [50, 50, 20]
    assert [(one.receipt, one.state, one.code) for one in found] == [
        ("r0", "expired", "messaging.sms_expired")
    ]  # type: ignore[union-attr]
    gone = Told(answer(404, {}), answer(200, {"uuid": "r1", "dlr_code": 0, "status_code": 3000}))
    reports = list(channel("lox24", gone).reports(many[:2]))
    assert [(one.receipt, one.state, one.code) for one in reports] == [
        ("r1", "failed", "messaging.gateway_rejected")
    ]  # type: ignore[union-attr]
    assert gone.asked[1]["url"] == "https://api.lox24.eu/sms/r1"


@pytest.mark.parametrize(
    ("status", "body", "code", "retry"),
    [
        (401, b"900", C, False),
        (500, b"", "messaging.gateway_refused", True),
        (429, b"", "messaging.gateway_refused", True),
        (404, b"", "messaging.gateway_refused", False),
    ],
)
def test_reports_say_why_there_are_none(status: int, body: bytes, code: str, retry: bool) -> None:
    one = channel("seven", Told(answer(status, body)))
    for work in (lambda: list(one.reports([Waiting("i", "r", "+49", NOW)])), one.balance):
        with pytest.raises(Problem) as caught:
            work()
        assert (caught.value.code, caught.value.status, caught.value.retry) == (code, 502, retry)
        assert SECRET not in repr(caught.value.params)


@pytest.mark.parametrize(
    ("gateway", "body", "left"),
    [
        ("seven", {"amount": 593.994, "currency": "EUR"}, 593),
        ("lox24", {"balance_amount": -0.5}, -1),
        ("aspsms", {"Credits": "12.7", "StatusCode": "1"}, 12),
        ("aspsms", {"Credits": "", "StatusCode": "1"}, None),
        ("sandbox", {"credits": 7}, 7),
        ("seven", {"amount": "NaN"}, None),
    ],
)
def test_balances(gateway: str, body: Any, left: int | None) -> None:
    assert channel(gateway, Told(answer(200, body))).balance() == left
