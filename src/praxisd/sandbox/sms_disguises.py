"""The sandbox as seven.io, LOX24 and ASPSMS: the same paths, words and answers as their documentation gives.

Sources: seven.io's OpenAPI and docs.seven.io (sms, status-reports, webhooks, signing); doc.lox24.eu; json.aspsms.com.
"""

import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from praxisd.sandbox.door import Answer, Call, Route, as_json
from praxisd.sandbox.sms import Gateway, Message
from praxisd.sandbox.sms_calls import Request
from praxisd.sandbox.sms_own import Access, asked, handed_over

_BERLIN = ZoneInfo("Europe/Berlin")
_PAGE = 30
SEVEN = {
    "accepted": "ACCEPTED",
    "buffered": "BUFFERED",
    "delivered": "DELIVERED",
    "failed": "NOTDELIVERED",
    "expired": "EXPIRED",
}
_SEVEN_ERRORS = {
    "unauthorized": "900",
    "no_credits": "500",
    "number_invalid": "202",
    "sender_invalid": "201",
    "text_invalid": "305",
}
LOX24 = {"accepted": 4, "buffered": 2, "delivered": 1, "failed": 16, "expired": 8}
ASPSMS = {"accepted": "-1", "buffered": "1", "delivered": "0", "failed": "2", "expired": "2"}
_ASPSMS_ERRORS = {
    "unauthorized": "3",
    "no_credits": "5",
    "number_invalid": "20",
    "sender_invalid": "10",
    "text_invalid": "21",
}
_FIELDS = {"number_invalid": "phone", "sender_invalid": "sender_id", "text_invalid": "text"}


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _local(at: float) -> str:
    return datetime.fromtimestamp(at, _BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f")


def seven(gateway: Gateway, access: Access) -> tuple[Route, ...]:
    """seven.io below `/api`. Its messages have numbers as ids."""

    def refuse(code: str) -> Answer:
        return as_json({"success": _SEVEN_ERRORS[code]})

    def known(call: Call) -> bool:
        return _same(call.headers.get("x-api-key", ""), access.key)

    def send(call: Call) -> Answer:
        if not known(call):
            return Answer(401, b"900")
        form = call.form() if "json" not in call.headers.get("content-type", "") else call.table()
        minutes = str(form.get("ttl") or "2880")

        def accepted(one: Message) -> Answer:
            told = {"id": one.id, "success": True, "error": None, "error_text": None, "parts": one.parts}
            told |= {
                "recipient": one.to.removeprefix("+"),
                "sender": one.sender,
                "text": one.text,
                "price": 0.075,
            }
            return as_json({"success": "100", "balance": float(gateway.credits), "messages": [told]})

        return handed_over(
            gateway,
            lambda: gateway.take(
                "seven",
                form.get("to", ""),
                form.get("from", ""),
                form.get("text", ""),
                form.get("foreign_id", ""),
                int(minutes) if minutes.isdigit() else 2880,
                id_=str(secrets.randbelow(10**11) + 10**11),
            ),
            accepted,
            refuse,
        )

    def status(call: Call) -> Answer:
        if not known(call):
            return Answer(401, b"900")
        found = [gateway.message(one.strip()) for one in call.query.get("msg_id", "").split(",")]
        told = [
            {"id": one.id, "status": SEVEN[one.state], "status_time": _local(one.changed_at)}
            for one in found
            if one is not None
        ]
        return asked(gateway, lambda: as_json(told))

    def journal(call: Call) -> Answer:
        if not known(call):
            return Answer(401, b"900")
        to = "+" + call.query.get("to", "").lstrip("+0")
        start, size = int(call.query.get("offset", "0")), int(call.query.get("limit", "100"))
        day = call.query.get("date_from", "")
        found = [one for one in gateway.messages() if one.to == to and _local(one.at)[:10] >= day]
        told = [
            {"id": one.id, "to": one.to, "from": one.sender, "text": one.text, "timestamp": _local(one.at)}
            | {"dlr": SEVEN[one.state], "foreign_id": one.reference, "channel": "direct", "type": "direct"}
            for one in found[::-1][start : start + size]
        ]
        return asked(gateway, lambda: as_json(told))

    def balance(call: Call) -> Answer:
        if not known(call):
            return Answer(401, b"900")
        return asked(gateway, lambda: as_json({"amount": gateway.credits + 0.5, "currency": "EUR"}))

    return (
        ("POST", "/api/sms", send),
        ("GET", "/api/status", status),
        ("GET", "/api/journal/outbound", journal),
        ("GET", "/api/balance", balance),
    )


def seven_shape(access: Access) -> Any:
    """seven.io calls one address of the account, signed with its signing key."""

    def made(gateway: Gateway, message: Message | None, event: Mapping[str, Any]) -> Request | None:
        place = gateway.hooks.get("seven", {})
        if not place.get("url"):
            return None
        stamp = datetime.now(_BERLIN).isoformat(timespec="seconds")
        if event["event"] == "report":
            data = {
                "msg_id": event["id"],
                "status": SEVEN[event["state"]],
                "timestamp": _local(datetime.fromisoformat(event["at"]).timestamp()),
                "foreign_id": event["reference"],
            }
            body = {"data": data, "webhook_event": "dlr", "webhook_timestamp": stamp}
        else:
            at = str(int(datetime.fromisoformat(event["at"]).timestamp()))
            data = {"id": event["id"], "sender": event["from"].removeprefix("+"), "system": event["to"]}
            data |= {"text": event["text"], "time": at, "message_type": "SMS"}
            body = {"data": data, "webhook_event": "sms_mo", "webhook_timestamp": stamp}
        key, url = place.get("secret") or access.secret, place["url"]

        def sign(body: bytes) -> Mapping[str, str]:
            now, nonce = str(int(time.time())), secrets.token_hex(16)
            digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
            text = f"{now}\n{nonce}\nPOST\n{url}\n{digest}"
            signed = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
            return {"X-Signature": signed, "X-Timestamp": now, "X-Nonce": nonce}

        return Request("POST", url, json.dumps(body).encode(), {"Content-Type": "application/json"}, sign)

    return made


def lox24(gateway: Gateway, access: Access) -> tuple[Route, ...]:
    """LOX24 at the root."""

    def known(call: Call) -> bool:
        return _same(call.headers.get("x-lox24-auth-token", ""), access.key)

    def denied() -> Answer:
        return as_json(
            {"title": "An error occurred", "detail": "Client ID or API key isn't active or invalid!"}, 401
        )

    def refuse(code: str) -> Answer:
        if code == "no_credits":
            return as_json({"title": "An error occurred", "detail": "Not enough funds"}, 402)
        place = _FIELDS.get(code, "phone")
        return as_json(
            {
                "title": "An error occurred",
                "detail": f"{place}: invalid",
                "violations": [{"propertyPath": place, "message": "invalid", "code": str(uuid.uuid4())}],
            },
            400,
        )

    def shown(one: Message) -> dict[str, Any]:
        return {
            "uuid": one.id,
            "phone": one.to,
            "sender_id": one.sender,
            "text": one.text,
            "status_code": 100,
            "dlr_code": LOX24[one.state],
            "created_at": int(one.at),
            "callback_data": one.reference,
        }

    def send(call: Call) -> Answer:
        if not known(call):
            return denied()
        body = call.table()
        return handed_over(
            gateway,
            lambda: gateway.take(
                "lox24",
                str(body.get("phone", "")),
                str(body.get("sender_id", "")),
                str(body.get("text", "")),
                str(body.get("callback_data", "")),
                id_=str(uuid.uuid4()),
            ),
            lambda one: as_json(shown(one), 201),
            refuse,
        )

    def one(call: Call) -> Answer:
        if not known(call):
            return denied()
        found = gateway.message(call.path["id"])
        if found is None:
            return as_json({"title": "An error occurred", "detail": "Not Found"}, 404)
        return asked(gateway, lambda: as_json(shown(found)))

    def listed(call: Call) -> Answer:
        if not known(call):
            return denied()
        start = (int(call.query.get("page", "1")) - 1) * _PAGE
        found = [m for m in gateway.messages() if m.gateway == "lox24"][::-1][start : start + _PAGE]
        return asked(gateway, lambda: as_json([shown(m) for m in found]))

    def me(call: Call) -> Answer:
        if not known(call):
            return denied()
        return asked(
            gateway, lambda: as_json({"id": 1, "currency": "EUR", "balance_amount": gateway.credits + 0.9})
        )

    return (("POST", "/sms", send), ("GET", "/sms", listed), ("GET", "/sms/{id}", one), ("GET", "/me", me))


def lox24_shape(gateway: Gateway, message: Message | None, event: Mapping[str, Any]) -> Request | None:
    """LOX24 calls one address of the account, unsigned."""
    url = gateway.hooks.get("lox24", {}).get("url", "")
    if not url:
        return None
    at = int(datetime.fromisoformat(event["at"]).timestamp())
    if event["event"] == "report":
        data: dict[str, Any] = {"id": event["id"], "key_id": 1, "dlr_code": LOX24[event["state"]]}
        data |= {"status_code": 100, "callback_data": event["reference"]}
        name = "sms.delivery"
    else:
        data = {"id": event["id"], "from": event["from"], "to": event["to"], "text": event["text"]}
        name = "sms.incoming"
    body = {
        "id": str(uuid.uuid4()),
        "api_version": "2022-05-25",
        "name": name,
        "created_at": at,
        "data": data,
    }
    return Request("POST", url, json.dumps(body).encode(), {"Content-Type": "application/json"})


def aspsms(gateway: Gateway, access: Access) -> tuple[Route, ...]:
    """ASPSMS at the root: 200 for everything, what happened is a text in StatusCode."""

    def refuse(code: str) -> Answer:
        number = _ASPSMS_ERRORS[code]
        return as_json(
            {"StatusCode": number, "StatusInfo": "Authorization failed." if number == "3" else "Error."}
        )

    def known(body: Mapping[str, Any]) -> bool:
        return bool(body.get("UserName")) and _same(str(body.get("Password", "")), access.key)

    def send(call: Call) -> Answer:
        body = call.table()
        if not known(body):
            return refuse("unauthorized")
        recipients = body.get("Recipients") or [""]
        number, _, reference = str(recipients[0]).partition(":")
        names = ("URLDeliveryNotification", "URLNonDeliveryNotification", "URLBufferedMessageNotification")
        return handed_over(
            gateway,
            lambda: gateway.take(
                "aspsms",
                number,
                str(body.get("Originator", "")),
                str(body.get("MessageText", "")),
                reference,
                calls={name: str(body[name]) for name in names if body.get(name)},
            ),
            lambda _: as_json({"StatusCode": "1", "StatusInfo": "OK"}),
            refuse,
        )

    def inquire(call: Call) -> Answer:
        body = call.table()
        if not known(body):
            return refuse("unauthorized")
        told = []
        for reference in str(body.get("TransactionReferenceNumbers", "")).split(";"):
            found = [one for one in gateway.referred(reference) if one.gateway == "aspsms"]
            state = ASPSMS[found[-1].state] if found else "-1"
            when = (
                datetime.fromtimestamp(found[-1].changed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                if found
                else ""
            )
            told.append(
                {"TransactionReferenceNumber": reference, "DeliveryStatus": state, "NotificationDate": when}
                | {"Reasoncode": "000"}
            )
        return asked(
            gateway, lambda: as_json({"StatusCode": "1", "StatusInfo": "OK", "DeliveryNotifications": told})
        )

    def check(call: Call) -> Answer:
        if not known(call.table()):
            return refuse("unauthorized")
        return asked(
            gateway,
            lambda: as_json({"Credits": f"{gateway.credits}.7", "StatusCode": "1", "StatusInfo": "OK"}),
        )

    return (
        ("POST", "/SendTextSMS", send),
        ("POST", "/InquireDeliveryNotifications", inquire),
        ("POST", "/CheckCredits", check),
    )


def aspsms_shape(gateway: Gateway, message: Message | None, event: Mapping[str, Any]) -> Request | None:
    """ASPSMS gets the address that came with the message, its reference behind it; replies go to one of the account."""
    if event["event"] == "report" and message is not None:
        names = {"delivered": "URLDeliveryNotification", "buffered": "URLBufferedMessageNotification"}
        url = message.calls.get(names.get(event["state"], "URLNonDeliveryNotification"), "")
        return Request("GET", url + message.reference) if url else None
    url = gateway.hooks.get("aspsms", {}).get("url", "")
    if not url:
        return None
    fields = {"Originator": event["from"], "Recipient": event["to"], "MessageData": event["text"]}
    fields |= {"DateReceived": event["at"]}
    return Request("GET", f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}")
