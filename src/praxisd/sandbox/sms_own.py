"""The sandbox's own API, in the manner of a real gateway: a bearer key, a reference, states, credits, signed calls."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from praxisd.sandbox.door import DROP, Answer, Bad, Call, Route, as_json
from praxisd.sandbox.sms import Gateway, Message, Refusal, moment
from praxisd.sandbox.sms_calls import Request

NAME = "sandbox"
RETRY_AFTER_S = 2
_ERROR = as_json({"code": "internal"}, 500)
_STATUS = {"unauthorized": 401, "no_credits": 402, "busy": 429}


@dataclass(frozen=True)
class Access:
    """The key that programs show, and what calls are signed with."""

    key: str
    secret: str


def refused(code: str) -> Answer:
    """A refusal: `{"code": …}` with its status, 422 for what is wrong with the message."""
    more = {"Retry_After": str(RETRY_AFTER_S)} if code == "busy" else {}
    return as_json({"code": code}, _STATUS.get(code, 422), **more)


def handed_over(
    gateway: Gateway,
    take: Callable[[], Message],
    accepted: Callable[[Message], Answer],
    refuse: Callable[[str], Answer] = refused,
) -> Answer:
    """Take a message as the drawn fault wants it. `accepted` and `refuse` make the answers of one disguise."""
    gateway.count()
    fault = gateway.faults.send()
    if fault == "lose":
        return DROP
    if fault == "error":
        return _ERROR
    if fault == "busy":
        return as_json({"code": "busy"}, 429, Retry_After=str(RETRY_AFTER_S))
    if fault == "refuse":
        return refuse("number_invalid")
    if fault == "delay":
        time.sleep(gateway.faults.delay_s)
    try:
        message = take()
    except Refusal as refusal:
        return refuse(refusal.code)
    if fault == "drop":
        return DROP
    if fault == "stall":
        time.sleep(gateway.faults.delay_s)
    if fault == "error_after":
        return _ERROR
    if fault == "garbage":
        return Answer(200, b"<html>\xff\x00{", "text/html")
    return accepted(message)


def asked(gateway: Gateway, answer: Callable[[], Answer]) -> Answer:
    """Answer a question as the drawn fault wants it."""
    fault = gateway.faults.ask()
    if fault == "lose":
        return DROP
    if fault == "error":
        return _ERROR
    if fault == "busy":
        return as_json({"code": "busy"}, 429, Retry_After=str(RETRY_AFTER_S))
    if fault == "delay":
        time.sleep(gateway.faults.delay_s)
    return answer()


def shown(message: Message) -> dict[str, Any]:
    """A message as programs see it."""
    return {
        "id": message.id,
        "reference": message.reference,
        "state": message.state,
        "at": moment(message.at),
        "changedAt": moment(message.changed_at),
    }


def routes(gateway: Gateway, access: Access) -> tuple[Route, ...]:
    """`/v1/…`."""

    def guarded(function: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def checked(call: Call) -> Answer:
            if not hmac.compare_digest(call.bearer.encode(), access.key.encode()):
                return refused("unauthorized")
            return function(call)

        return checked

    def send(call: Call) -> Answer:
        body = call.table()
        texts = {name: str(body.get(name) or "") for name in ("to", "from", "text", "reference", "hook")}
        minutes = body.get("validMinutes", 2880)
        if not isinstance(minutes, int) or not 1 <= minutes <= 10_000:
            raise Bad("minutes_invalid", 422)
        return handed_over(
            gateway,
            lambda: gateway.take(
                NAME, texts["to"], texts["from"], texts["text"], texts["reference"], minutes, texts["hook"]
            ),
            lambda one: as_json(
                {"id": one.id, "reference": one.reference, "parts": one.parts, "credits": gateway.credits},
                201,
            ),
        )

    def listed(call: Call) -> Answer:
        found = gateway.referred(call.query.get("reference", ""))
        return asked(gateway, lambda: as_json({"messages": [shown(one) for one in found]}))

    def one(call: Call) -> Answer:
        found = gateway.message(call.path["id"])
        if found is None:
            raise Bad("not_found", 404)
        return asked(gateway, lambda: as_json(shown(found)))

    def status(call: Call) -> Answer:
        wanted = call.table().get("ids", [])
        ids = wanted.split(",") if isinstance(wanted, str) else wanted
        found = [gateway.message(str(id_)) for id_ in ids]
        return asked(gateway, lambda: as_json({"messages": [shown(m) for m in found if m is not None]}))

    def balance(_: Call) -> Answer:
        return asked(gateway, lambda: as_json({"credits": gateway.credits}))

    return (
        ("POST", "/v1/messages", guarded(send)),
        ("GET", "/v1/messages", guarded(listed)),
        ("GET", "/v1/messages/{id}", guarded(one)),
        ("POST", "/v1/status", guarded(status)),
        ("GET", "/v1/balance", guarded(balance)),
    )


def shape(access: Access) -> Callable[[Gateway, Message | None, Mapping[str, Any]], Request | None]:
    """How the sandbox calls: JSON, signed with the time and the body."""

    def made(gateway: Gateway, message: Message | None, event: Mapping[str, Any]) -> Request | None:
        place = gateway.hooks.get(NAME, {})
        url = message.hook if message is not None and message.hook else place.get("url", "")
        if not url:
            return None
        secret = place.get("secret") or access.secret
        body = _json({name: one for name, one in event.items() if name != "gateway"})

        def sign(body: bytes) -> Mapping[str, str]:
            now = str(int(time.time()))
            digest = hmac.new(secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
            return {"X-Sandbox-Timestamp": now, "X-Sandbox-Signature": digest}

        return Request("POST", url, body, {"Content-Type": "application/json"}, sign)

    return made


def _json(value: Any) -> bytes:
    return as_json(value).body
