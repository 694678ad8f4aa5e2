"""Doors of the outbox: messages, letters, access data, credits, statistics, tables, checks, the command. On both engines."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events, jobs
from praxisd.kernel.errors import Problem
from praxisd.services.messaging import account_store, accounts, ledger, operations, outbox_checks, outcome
from praxisd.testing.practice import key_for
from praxisd.testing.trials import settle
from praxisd.web.app import build

from .outbox_cast import DAY, HOUR, Gateway, Outbox, account, gateways, outbox_of, work

SECRET = "Geheimnis-4711"


class Doors:
    """REST clients of one practice by role."""

    def __init__(self, there: Outbox, client: TestClient[Any]) -> None:
        self.there, self._client = there, client
        self._keys = {
            role: key_for(there.house, there.practice, role, role) for role in ("owner", "desk", "partner")
        }
        self.last: Any = None

    def __call__(
        self, method: str, path: str, body: Any = None, status: int = 200, role: str = "owner", **headers: str
    ) -> Any:
        sent = {"Authorization": f"Bearer {self._keys[role]}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        self.last = self._client.request(method, f"/api/v1{path}", headers=sent, json=body)
        assert self.last.status_code == status, self.last.text
        return self.last.json()

    def code(self, method: str, path: str, status: int, body: Any = None, **more: str) -> str:
        return str(self(method, path, body, status, **more)["code"])


@pytest.fixture
def there(house) -> Outbox:
    return outbox_of(house)


@pytest.fixture
def gate(there: Outbox, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    return gateways(there, monkeypatch)


@pytest.fixture
def doors(there: Outbox) -> Iterator[Doors]:
    with TestClient(build(there.house, main.doors(there.house))) as client:
        yield Doors(there, client)


def test_messages_are_found_settled_withdrawn_and_lettered(
    there: Outbox, gate: Gateway, doors: Doors
) -> None:
    gate.plan, gate.knows = ["drop"], False
    unsure = there.prepare(0)
    work(there)
    gate.plan = ["number"]
    failed = there.prepare(1)
    work(there)
    waits = there.prepare(2, next_at=there.house.clock.now() + HOUR)
    found = doors("POST", "/outbox/search", {"limit": 2})
    assert [one["id"] for one in found["messages"]] == [waits, failed]
    rest = doors("POST", "/outbox/search", {"limit": 2, "cursor": found["next"]})
    assert [one["id"] for one in rest["messages"]] == [unsure] and rest["next"] is None
    (one,) = doors("POST", "/outbox/search", {"state": "failed"}, role="desk")["messages"]
    assert (one["reason"]["code"], one["letter"], one["patientName"]) == (
        "messaging.number_rejected", "open", "Paul Probe1",
    )  # fmt: skip
    assert one["reason"]["title"] != one["reason"]["code"] and one["mandatorName"] == "Praxis"
    (hidden,) = doors("POST", "/outbox/search", {"state": "failed"}, role="partner")["messages"]
    assert [hidden[k] for k in ("patient", "patientName", "address", "text")] == [None] * 4
    asked = {"patient": there.patients[0]}
    assert doors.code("POST", "/outbox/search", 403, asked, role="partner") == "directory.search_masked"

    settle = f"/outbox/{unsure}/resolve"
    assert doors.code("POST", settle, 403, {"outcome": "sent"}, role="partner") == "access.forbidden"
    assert doors.code("POST", settle, 412, {"outcome": "sent"}, If_Match='"1"') == "resource.stale"
    version = there.row(unsure).version
    done = doors("POST", settle, {"outcome": "sent"}, role="desk", If_Match=f'"{version}"')
    assert (done["state"], done["charged"]) == ("accepted", 2) and done["endedAt"] is not None
    assert doors.code("POST", settle, 409, {"outcome": "send_again"}) == "messaging.not_unsure"
    assert doors("POST", f"/outbox/{waits}/withdraw", role="desk")["state"] == "withdrawn"
    assert doors.code("POST", f"/outbox/{waits}/withdraw", 409) == "messaging.under_way"
    assert doors("POST", f"/outbox/{failed}/letter", {"done": True})["letter"] == "done"
    assert doors("POST", f"/outbox/{failed}/letter", {"done": False})["letter"] == "open"
    assert doors.code("POST", f"/outbox/{waits}/letter", 409, {"done": True}) == "messaging.no_letter"
    assert doors.code("GET", "/outbox/nobody", 404) == "http.not_found"


@pytest.mark.parametrize(("said", "state"), [("not_sent", "failed"), ("send_again", "prepared")])
def test_a_person_settles_what_nobody_knows(there: Outbox, gate: Gateway, said: str, state: str) -> None:
    gate.plan, gate.knows = ["lose"], False
    one = there.prepare(0)
    work(there)
    args = {"id": one, "outcome": said, "organization": there.practice.organization}
    shown = operations.OPERATIONS[2].call(there.house, args)
    assert (shown["state"], there.row(one).state) == (state, state)
    with pytest.raises(Problem) as refused:
        operations.OPERATIONS[2].call(there.house, args)
    assert refused.value.code == "messaging.not_unsure"
    if said == "send_again":
        assert work(there).counts == {"sent": 1} and gate.ids == [one]
    else:
        assert there.row(one).letter == "open"


def form(**more: Any) -> dict[str, Any]:
    return {
        "gateway": "sandbox", "sender": "Praxis", "active": True, "cost": 3,
        "fields": {"address": "http://127.0.0.1:9"}, "secrets": {"key": SECRET}, **more,
    }  # fmt: skip


def test_access_data_keeps_its_secrets_and_shows_none(there: Outbox, doors: Doors) -> None:
    names = [one["name"] for one in doors("GET", "/messaging/gateways", role="partner")["gateways"]]
    assert {"aspsms", "lox24", "sandbox", "seven"} <= set(names)
    put = "/messaging/accounts/sms"
    assert doors.code("PUT", put, 403, form(), role="desk") == "access.forbidden"
    assert doors.code("PUT", "/messaging/accounts/fax", 404, form()) == "http.not_found"
    assert doors.code("PUT", put, 422, form(gateway="nobody")) == "messaging.gateway_unknown"
    assert doors.code("PUT", put, 422, form(secrets={"other": "x"})) == "messaging.account_field_unknown"
    bad = form(fields={"address": "ftp://x"})
    assert doors.code("PUT", put, 422, bad) == "messaging.gateway_field"
    made = doors("PUT", put, form(hookSecret=SECRET))
    assert (made["version"], made["secrets"], made["hookSecretSet"]) == (1, ["key"], True)
    assert SECRET not in doors.last.text
    with there.house.store.read(there.actor) as tx:
        stored = account_store.get(tx, "sms")
        assert SECRET not in str(stored) and len(stored.hook) >= 40
        way = accounts.ways(there.house, tx)["sms"]
        assert (way.gateway, way.cost) == ("sandbox", 3)
        told = events.since(tx, 0, types=("account.changed",))
    assert SECRET not in str(told)
    kept = doors("PUT", put, form(secrets={}, sender="Neu"), If_Match='"1"')
    assert (kept["version"], kept["secrets"], kept["sender"]) == (2, ["key"], "Neu")
    assert doors.code("PUT", put, 412, form(), If_Match='"1"') == "resource.stale"
    moved = form(secrets={}, fields={"address": "https://elsewhere.example"})
    assert doors.code("PUT", put, 422, moved) == "messaging.secrets_again"
    assert doors("PUT", put, {**moved, "secrets": {"key": "neu"}})["version"] == 3
    (shown,) = doors("GET", "/messaging/accounts", role="partner")["accounts"]
    assert shown["fields"] == {"address": "https://elsewhere.example"} and shown["hookAddress"] is None
    there.run(lambda tx: there.house.settings.put(tx, "messaging.public_url", "https://praxis.example/"))
    (shown,) = doors("GET", "/messaging/accounts")["accounts"]
    with there.house.store.read(there.actor) as tx:
        hook = account_store.get(tx, "sms").hook
    assert shown["hookAddress"].startswith(f"https://praxis.example/api/v1/messaging/hooks/{hook}")


def test_who_sees_no_patient_does_not_decide_alone_where_messages_go(there: Outbox, doors: Doors) -> None:
    put, off, refused = "/messaging/accounts/sms", form(active=False), "messaging.owner_switches_on"
    assert doors.code("PUT", put, 422, form(), role="partner") == refused
    assert doors("PUT", put, off, role="partner")["active"] is False
    assert doors.code("PUT", put, 422, form(secrets={}), role="partner") == refused, "nobody has looked at it"
    there.run(lambda tx: there.house.settings.put(tx, "messaging.public_url", "https://praxis.example/"))
    assert doors("PUT", put, form(secrets={}, hookSecret="s" * 32))["active"] is True
    led = form(fields={"address": "https://evil.example"}, secrets={"key": "own"})
    for change in (
        led,
        form(secrets={"key": "own"}),
        form(secrets={}, hookSecret="x" * 32),
        form(gateway="seven", fields={}),
    ):
        assert doors.code("PUT", put, 422, change, role="partner") == refused
    assert doors("PUT", put, form(secrets={}, sender="Neu", cost=2), role="partner")["active"] is True
    assert doors("PUT", put, {**led, "active": False}, role="partner")["active"] is False
    (seen,) = doors("GET", "/messaging/accounts", role="partner")["accounts"]
    assert seen["hookAddress"] is None
    (seen,) = doors("GET", "/messaging/accounts")["accounts"]
    assert seen["hookAddress"]


def test_a_kept_password_is_not_led_elsewhere_nor_sent_openly(there: Outbox, doors: Doors) -> None:
    put = "/messaging/accounts/email"
    fields = {"server": "mail.example", "login": "praxis"}
    mail = {"gateway": "smtp", "sender": "praxis@praxis.example", "cost": 0, "fields": fields}
    made = doors("PUT", put, {**mail, "secrets": {"password": SECRET}})
    for more in (
        {"server": "other.example"},
        {"port": "25"},
        {"security": "unprotected"},
        {"certificate": "/tmp/own.pem"},
    ):
        assert (
            doors.code("PUT", put, 422, {**mail, "fields": {**fields, **more}}) == "messaging.secrets_again"
        ), more
    usual = {**fields, "port": "587", "security": "starttls", "sender_name": "Praxis"}
    assert doors("PUT", put, {**mail, "fields": usual})["version"] == made["version"] + 1


def test_what_failed_for_our_access_goes_out_once_it_is_right(
    there: Outbox, gate: Gateway, doors: Doors
) -> None:
    gate.plan = ["credentials"]
    one = there.prepare(0)
    work(there)
    assert doors("GET", f"/outbox/{one}")["state"] == "failed"
    doors("PUT", "/messaging/accounts/sms", form(active=False))
    assert there.row(one).state == "failed"
    doors("PUT", "/messaging/accounts/sms", form())
    assert there.row(one).state == "prepared" and not there.row(one).letter


def test_a_test_message_says_what_the_gateway_said(there: Outbox, gate: Gateway, doors: Doors) -> None:
    test = "/messaging/accounts/sms/test"
    assert doors("POST", test, {"to": "0171 3920012"}) == {
        "outcome": "accepted",
        "reason": None,
        "detail": None,
    }
    assert gate.got[0].to == "+491713920012" and there.left() == 1000
    gate.plan = ["credentials"]
    said = doors("POST", test, {"to": "+491713920012"})
    assert (said["outcome"], said["reason"]["code"]) == ("refused", "messaging.gateway_credentials")
    assert doors.code("POST", test, 422, {"to": "030 31250"}) == "messaging.test_address"
    assert doors.code("POST", "/messaging/accounts/email/test", 409, {"to": "a@b.example"}) == (
        "messaging.account_missing"
    )


def test_a_balance_is_not_read_while_messages_are_under_way(
    there: Outbox, gate: Gateway, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what the gateway has taken off already would be charged once more."""
    read = f"/credits/{there.mandator}/read"
    gate.plan, gate.finds = ["drop"], False
    one = there.prepare(0)
    work(there)
    assert there.row(one).state == "unsure"
    gate.left = 9
    assert doors.code("POST", read, 409) == "messaging.credits_under_way"
    assert there.left() == 1000
    doors("POST", f"/outbox/{one}/resolve", {"outcome": "sent"})
    assert doors("POST", read)["balance"] == 9
    two = there.prepare(1)

    def asked() -> int:
        there.run(lambda tx: ledger.charge(tx, there.mandator, two, 2))
        return 9

    monkeypatch.setattr(gate, "balance", asked)
    assert doors.code("POST", read, 409) == "messaging.credits_under_way", "charged while it was asked"
    assert there.left() == 7


def test_credits_are_booked_and_read(there: Outbox, gate: Gateway, doors: Doors) -> None:
    there.prepare(0)
    (one,) = doors("GET", "/credits")["mandators"]
    assert (one["balance"], one["reserved"], one["spendable"], one["name"]) == (1000, 2, 998, "Praxis")
    assert doors.code("GET", "/credits", 403, role="desk") == "access.forbidden"
    more = doors("POST", "/credits", {"mandator": there.mandator, "amount": 50, "note": "Rechnung 7"})
    assert more["balance"] == 1050
    less = {"mandator": there.mandator, "amount": -2000}
    assert doors.code("POST", "/credits", 422, less) == "messaging.credits_below_zero"
    assert doors.code("POST", "/credits", 404, {"mandator": "nobody", "amount": 1}) == "http.not_found"
    assert doors("POST", f"/credits/{there.mandator}/read")["balance"] == 500
    gate.left = None
    assert doors.code("POST", f"/credits/{there.mandator}/read", 409) == "messaging.balance_untold"
    page = doors("GET", f"/credits/{there.mandator}?limit=2")
    assert [(e["kind"], e["amount"], e["note"]) for e in page["entries"]] == [
        ("read", -550, ""),
        ("booked", 50, "Rechnung 7"),
    ]
    rest = doors("GET", f"/credits/{there.mandator}?limit=2&cursor={page['next']}")
    assert [e["amount"] for e in rest["entries"]] == [1000] and rest["next"] is None
    rows = doors("POST", "/listings/messaging.ledger", {"filters": {"mandatorName": "prax"}})
    assert [one["cells"]["amount"] for one in rows["rows"]] == [-550, 50, 1000]
    assert doors("POST", "/listings/messaging.ledger", {"filters": {"mandatorName": "xx"}})["rows"] == []


def test_tables_and_statistics(there: Outbox, gate: Gateway, doors: Doors) -> None:
    gate.plan = ["number"]
    failed = there.prepare(0)
    work(there)
    there.house.clock.advance(9 * DAY)  # into December
    fine = there.prepare(1)
    born = there.prepare(2, channel=None, address=None, mandator=None, cost=0, reason="messaging.no_credits")
    work(there)
    table = doors("POST", "/listings/messaging.outbox", {"sort": "-preparedAt"}, role="desk")
    assert [one["id"] for one in table["rows"]] == [born, fine, failed]
    assert table["rows"][2]["cells"]["patient"] == "Paul Probe0" and table["rows"][2]["alert"]
    assert table["rows"][1]["cells"]["state"] == "accepted"
    searched = doors("POST", "/listings/messaging.outbox", {"text": "probe1"}, role="desk")
    assert [one["id"] for one in searched["rows"]] == [fine]
    narrowed = {"filters": {"state": "failed", "mandatorName": "Praxis"}}
    assert [one["id"] for one in doors("POST", "/listings/messaging.outbox", narrowed)["rows"]] == [failed]
    hidden = doors("POST", "/listings/messaging.outbox", {}, role="partner")["rows"]
    assert {one["cells"]["patient"] for one in hidden} == {None}
    letters = doors("POST", "/listings/messaging.letters", {"filters": {"letter": "open"}}, role="desk")[
        "rows"
    ]
    assert {one["id"] for one in letters} == {failed, born}
    found = doors("GET", "/messages/statistics?months=2")
    assert found["months"] == ["2026-11", "2026-12"]
    lines = {
        (one["month"], one["channel"]): (one["states"], one["credits"], one["mandatorName"])
        for one in found["lines"]
    }
    assert lines == {
        ("2026-11", "sms"): ({"failed": 1}, 0, "Praxis"),
        ("2026-12", "sms"): ({"accepted": 1}, 2, "Praxis"),
        ("2026-12", None): ({"failed": 1}, 0, None),
    }


def found_by(there: Outbox) -> dict[str, Any]:
    checks = (*outbox_checks.sending(there.house), *outbox_checks.credits_low(there.house))
    return {f"{one.code} {one.subject}".strip(): dict(one.params) for one in checks}


def test_what_is_wrong_is_said_and_heals(there: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(there.house)
    assert found_by(there) == {}
    there.run(lambda tx: jobs.change(there.house, tx, "messaging.send", enabled=True))
    assert found_by(there) == {"messaging.no_account sms": {"channel": "sms", "count": 0}}
    gate = gateways(there, monkeypatch)
    account(there, "email", active=0)
    by_mail = there.prepare(0, channel="email", address="p0@post.example")
    gate.plan, gate.knows = ["drop", "credentials"], False
    there.prepare(1)
    work(there)
    there.prepare(2)
    work(there)
    assert "messaging.unsure_messages" not in found_by(there), "it may still settle by itself"
    there.house.clock.advance(900)
    assert found_by(there) == {
        "messaging.unsure_messages": {"count": 1},
        "messaging.no_account email": {"channel": "email", "count": 1},
        "messaging.gateway_failing sms": {
            "channel": "sms",
            "code": "messaging.gateway_credentials",
            "count": 1,
        },
    }
    there.run(lambda tx: there.house.settings.put(tx, "messaging.minimum_credits", 2000))
    subject = f"messaging.credits_low Mandator/{there.mandator}"
    assert found_by(there)[subject] == {"mandator": "Praxis", "credits": 996, "minimum": 2000}
    there.run(lambda tx: there.house.settings.put(tx, "messaging.check_credits", False))
    gate.knows = True
    there.house.clock.advance(HOUR)
    there.run(lambda tx: outcome.sent_after_all(tx, "sms"))
    settle(there.house)  # by now its time has come
    there.run(lambda tx: account_store.change(tx, "email", 1, active=1))
    gone = {"channel": "email", "code": "messaging.gateway_unknown", "count": 1}
    assert found_by(there) == {"messaging.gateway_failing email": gone}, "nobody knows that gateway"
    assert there.row(by_mail).state == "prepared"


def test_the_command_lists_and_shows(there: Outbox, gate: Gateway) -> None:
    gate.plan = ["number"]
    one = there.prepare(0)
    work(there)
    there.prepare(1)
    named = {"organization": there.practice.organization, "lang": "en"}
    list_, show, _ = (one.call for one in operations.OPERATIONS)
    found = list_(there.house, {**named, "letter": "open"})["messages"]
    assert [(m["id"], m["patient_name"] if "patient_name" in m else m["patientName"]) for m in found] == [
        (one, "Paul Probe0")
    ]
    assert len(list_(there.house, named)["messages"]) == 2
    assert show(there.house, {**named, "id": one})["text"] == "Ihr Termin 0"
    with pytest.raises(Problem) as refused:
        list_(there.house, {**named, "state": "lost"})
    assert refused.value.code == "control.bad_arguments"
    with pytest.raises(Problem) as refused:
        show(there.house, {**named, "id": "nobody"})
    assert refused.value.code == "http.not_found"
