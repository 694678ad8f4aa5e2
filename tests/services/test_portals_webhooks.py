"""Webhooks through the doors and over the wire: signed, in order, tried again, shown in the log. Both engines."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.services.portals import webhooks_rules as rules
from praxisd.web.app import build

from .webhooks_cast import Receiver, Scene, receiver, scene


@pytest.fixture
def there(house: Any) -> Iterator[Scene]:
    with TestClient(build(house, main.doors(house))) as client:
        yield scene(house, client)


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def heard(there: Scene, type_: str) -> list[Any]:
    with there.house.store.read(there.actor) as tx:
        return events.since(tx, 0, types=(type_,))


def test_set_up_changed_and_taken_away(there: Scene, program: Receiver) -> None:
    made = there.hook(program.url, ["appointment.*"])
    assert made["secret"].startswith("whsec_") and made["secret"].startswith(made["secretPrefix"])
    assert len(made["secretPrefix"]) == rules.SHOWN
    (shown,) = there.ask("GET", "/webhooks")["webhooks"]
    assert "secret" not in shown and shown["secretPrefix"] == made["secretPrefix"]
    assert shown["state"] == {"deliveredAt": None, "failures": 0, "open": 0, "problem": None}
    body = {"name": "Anders", "url": program.url, "events": ["*"], "active": False}
    there.ask("PUT", f"/webhooks/{made['id']}", 412, body, If_Match='W/"7"')
    changed = there.ask("PUT", f"/webhooks/{made['id']}", 200, body, If_Match='W/"1"')
    assert (changed["version"], changed["name"], changed["active"]) == (2, "Anders", False)
    fresh = there.ask("POST", f"/webhooks/{made['id']}/secret")
    assert fresh["secret"] != made["secret"] and fresh["version"] == 3
    there.ask("DELETE", f"/webhooks/{made['id']}", 204)
    there.ask("GET", f"/webhooks/{made['id']}", 404)
    assert [one.type for what in ("created", "changed", "deleted") for one in heard(there, f"webhook.{what}")] == [
        "webhook.created", "webhook.changed", "webhook.changed", "webhook.deleted",
    ]  # fmt: skip
    types = {one["type"]: one["title"] for one in there.ask("GET", "/webhooks/types")["events"]}
    assert set(types) == set(rules.TYPES) and all(types.values())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://example.com/"}, "portals.webhook_unprotected"),
        ({"url": "https://a:b@example.com/"}, "portals.webhook_address"),
        ({"events": ["patient.changed"]}, "portals.webhook_event_unknown"),
        ({"events": ["patient.*"]}, "portals.webhook_event_unknown"),
        ({"portal": "nobody"}, "portals.portal_unknown"),
    ],
)
def test_what_is_refused(there: Scene, body: dict[str, Any], code: str) -> None:
    given = {"name": "Programm", "url": "https://example.com/", "events": ["*"]} | body
    assert there.ask("POST", "/webhooks", 422, given)["code"] == code
    assert there.ask("GET", "/webhooks")["webhooks"] == []


def test_only_the_practices_people_and_portals_themselves(there: Scene, program: Receiver) -> None:
    there.ask("GET", "/webhooks", 403, role="desk")
    inside = there.hook(program.url, role="pvs")
    red = there.hook(program.url, role="red", portal=there.portals["blue"])
    assert (red["portal"], red["portalName"]) == (there.portals["red"], "red"), "whatever it says"
    assert [one["id"] for one in there.ask("GET", "/webhooks", role="red")["webhooks"]] == [red["id"]]
    assert there.ask("GET", "/webhooks", role="blue")["webhooks"] == []
    for id_ in (inside["id"], red["id"]):
        there.ask("GET", f"/webhooks/{id_}", 404, role="blue")
        there.ask("GET", f"/webhooks/{id_}/deliveries", 404, role="blue")
        there.ask("POST", f"/webhooks/{id_}/test", 404, role="blue")
        there.ask("DELETE", f"/webhooks/{id_}", 404, role="blue")
    assert len(there.ask("GET", "/webhooks", role="partner")["webhooks"]) == 2
    offered = [one["type"] for one in there.ask("GET", "/webhooks/types", role="red")["events"]]
    assert "appointment.moved" in offered and not set(offered) & set(rules.INSIDE)
    refused = there.ask(
        "POST", "/webhooks", 422, {"name": "X", "url": "https://10.0.0.1/", "events": ["*"]}, role="red"
    )
    assert refused["code"] == "portals.webhook_private"


def test_a_delivery_wakes_the_courier_that_may_have_looked_before_it_was_there(
    there: Scene, program: Receiver
) -> None:
    there.book(8)
    there.tell()
    there.hook(program.url, ["appointment.booked"])
    there.tell()
    before = there.house.wake.mark()
    there.tell()
    assert there.house.wake.mark() == before, "nobody is called, so nobody is woken"
    there.book(9)
    booked = there.house.wake.mark()
    there.tell()
    assert there.house.wake.mark() > booked


def test_a_call_is_signed_and_says_nothing_of_the_patient(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url, ["appointment.booked"])
    appointment = there.book(9)
    assert there.deliver() == 1
    (got,) = program.got
    assert got.body.keys() == {"id", "type", "at", "subject", "version", "status"}
    assert got.body["type"] == "appointment.booked" and got.body["subject"] == {
        "type": "Appointment",
        "id": appointment,
    }
    assert (got.body["version"], got.body["status"], got.body["at"]) == (
        1,
        "booked",
        "2026-11-23T09:00:00+01:00",
    )
    assert (
        got.headers["praxisd-event"] == "appointment.booked"
        and got.headers["content-type"] == "application/json"
    )
    assert got.headers["praxisd-delivery"] == got.body["id"]
    stamp, _, digest = got.headers["praxisd-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(hook["secret"].encode(), stamp.encode() + b"." + got.raw, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, digest) and int(stamp) == there.house.clock.now()
    for word in (b"Muster", b"Erika", b"1970", there.practice.patient.encode()):
        assert word not in got.raw
    (logged,) = there.log(hook)
    assert (logged["state"], logged["status"], logged["attempts"], logged["replay"]) == (
        "delivered",
        200,
        1,
        0,
    )
    assert logged["payload"] == got.body and logged["title"] == "Termin wurde gebucht"
    assert there.deliver() == 0
    state = there.ask("GET", f"/webhooks/{hook['id']}")["state"]
    assert state["deliveredAt"] == "2026-11-23T09:00:00+01:00" and state["open"] == 0


def test_a_portal_hears_of_its_own_bookings_only(there: Scene, program: Receiver) -> None:
    there.hook(program.url, role="red")
    there.book(9)
    mine = there.book(10, "red")
    there.book(11, "blue")
    there.deliver()
    assert [one.body["subject"]["id"] for one in program.got] == [mine]


def test_a_portal_without_a_valid_key_hears_nothing_more(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url, role="red")
    there.book(9, "red")
    there.tell()  # written down, not called yet
    keys = there.ask("GET", "/keys")["keys"]
    (red,) = [one["id"] for one in keys if one["name"] == "red"]
    there.ask("POST", f"/keys/{red}/revoke", 200)
    there.book(10, "red")
    there.deliver()
    assert program.got == []
    assert [one["code"] for one in there.log(hook)] == ["portals.webhook_shut_out"]


def test_nothing_of_before_nor_of_the_time_it_was_off(there: Scene, program: Receiver) -> None:
    there.book(8)
    hook = there.hook(program.url, ["appointment.booked"])
    body = {"name": "Programm", "url": program.url, "events": ["appointment.booked"]}
    there.ask("PUT", f"/webhooks/{hook['id']}", 200, body | {"active": False})
    there.book(9)
    there.ask("PUT", f"/webhooks/{hook['id']}", 200, body | {"active": True})
    after = there.book(10)
    there.deliver()
    assert [one.body["subject"]["id"] for one in program.got] == [after]
