"""Webhooks over time: tried again, given up, replayed, in order; nobody's backlog holds up the others. Both engines."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events, outside
from praxisd.kernel.http import Http
from praxisd.kernel.ids import new_id
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import deliveries_loop, deliveries_store, webhooks_checks
from praxisd.services.portals import webhooks_rules as rules
from praxisd.web.app import build

from .http_cast import answer as proper
from .http_cast import certificate, closed_port, rude
from .webhooks_cast import NETWORKS, Receiver, Scene, receiver, scene


@pytest.fixture
def there(house: Any) -> Iterator[Scene]:
    with TestClient(build(house, main.doors(house))) as client:
        yield scene(house, client)


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def cancel(there: Scene, id_: str) -> None:
    there.do(lambda tx: calendar.cancel(there.house, tx, id_, None))


def heard(there: Scene, type_: str) -> list[Any]:
    with there.house.store.read(there.actor) as tx:
        return events.since(tx, 0, types=(type_,))


def test_a_backlog_holds_up_nobody_else(there: Scene, program: Receiver) -> None:
    slow, quick = there.hook(program.url, name="slow"), there.hook(program.url, name="quick")
    payload = '{"id":"x","type":"a","at":"","subject":{"type":"a","id":"b"},"version":1,"status":null}'

    def owed(webhook: str, count: int) -> None:
        def work(tx: Any) -> None:
            for number in range(count):
                deliveries_store.add(
                    tx, id=new_id(), webhook=webhook, seq=1000 + number, replay=0, type="appointment.booked",
                    subject=f"Appointment/{number}", payload=payload,
                )  # fmt: skip

        there.do(work)

    owed(slow["id"], deliveries_store.AT_ONCE + 50)
    there.wait(5)
    owed(quick["id"], 1)
    with there.house.store.read(there.actor) as tx:
        due = [row.webhook for row in deliveries_store.due(tx, tx.now, deliveries_loop.OF_ONE)]
    assert due == [slow["id"], quick["id"], slow["id"]]


def test_it_is_tried_again_then_given_up_and_an_issue_says_so(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url, ["appointment.booked"])
    program.plan = [500] * rules.TRIES
    there.book(9)
    assert there.deliver() == 1
    for number, wait in enumerate(rules.BACKOFF_S, 2):
        there.wait(wait - 1)
        assert there.deliver() == 0, "not before its time"
        there.wait(1)
        assert there.deliver() == 1, number
    (one,) = there.log(hook)
    assert (one["state"], one["attempts"], one["status"]) == ("failed", rules.TRIES, 500)
    assert one["problemTitle"] == "Abgelehnt (HTTP 500)" and one["nextAt"] is None and one["doneAt"]
    assert len({call.body["id"] for call in program.got}) == 1, "the receiver knows the repetition"
    assert len({call.headers["praxisd-signature"] for call in program.got}) == rules.TRIES
    (said,) = heard(there, "webhook.failed")
    assert said.subject_id == hook["id"] and said.codes["code"] == "portals.webhook_refused"
    (issue,) = webhooks_checks.failing(there.house)
    assert issue.code == "portals.webhook_failing" and issue.params["failures"] == rules.TRIES
    state = there.ask("GET", f"/webhooks/{hook['id']}")["state"]
    assert state["failures"] == rules.TRIES and state["problem"]["code"] == "portals.webhook_refused"
    there.wait(10 * 86_400)
    assert there.deliver() == 0
    there.book(10)
    there.deliver()
    assert list(webhooks_checks.failing(there.house)) == [], "healed by itself"
    assert there.ask("GET", f"/webhooks/{hook['id']}")["state"]["problem"] is None


def test_a_warning_before_it_is_given_up(there: Scene, program: Receiver) -> None:
    there.hook(program.url, ["appointment.booked"])
    program.plan = [503] * 4
    there.book(9)
    there.deliver()
    assert list(webhooks_checks.failing(there.house)) == []
    for wait in rules.BACKOFF_S[:3]:
        there.wait(wait)
        there.deliver()
    (issue,) = webhooks_checks.failing(there.house)
    assert issue.severity == "warning"


@pytest.mark.parametrize(
    ("status", "code", "failed"),
    [
        (302, "portals.webhook_redirects", False),
        (410, "portals.webhook_refused", True),
        (404, "portals.webhook_refused", False),
    ],
)
def test_what_is_no_success(there: Scene, program: Receiver, status: int, code: str, failed: bool) -> None:
    hook = there.hook(program.url, ["appointment.booked"])
    program.plan, program.extra = [status], {"Location": "/elsewhere"}
    there.book(9)
    there.deliver()
    (one,) = there.log(hook)
    assert (one["status"], one["code"], one["state"]) == (status, code, "failed" if failed else "open")
    assert [call.path for call in program.got] == ["/hook"], "no redirect is followed"


def test_a_receiver_may_ask_for_time(there: Scene, program: Receiver) -> None:
    there.hook(program.url, ["appointment.booked"])
    program.plan, program.extra = [429], {"Retry-After": "120"}
    there.book(9)
    assert there.deliver() == 1
    there.wait(119)
    assert there.deliver() == 0
    there.wait(1)
    assert there.deliver() == 1


def test_nobody_there_holds_up_only_that_receiver(there: Scene, program: Receiver) -> None:
    gone = there.hook(f"http://127.0.0.1:{closed_port()}/", ["appointment.booked"])
    there.hook(program.url, ["appointment.booked"])
    for hour in (9, 10, 11, 13, 14):
        there.book(hour)
    there.deliver()
    assert len(program.got) == 5
    log = there.log(gone)
    assert {one["code"] for one in log} == {None, "portals.webhook_unreachable"} and len(log) == 5
    assert 1 <= sum(one["attempts"] for one in log) <= 2, "the others wait until somebody answers again"


def test_events_about_one_thing_come_in_order(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url)
    program.plan = [400]
    first = there.book(9)
    there.deliver()  # alone, so that the refusal is the first one's: several are called at once
    other = there.book(10)
    cancel(there, first)
    there.deliver()
    told = [(one.body["subject"]["id"], one.body["type"]) for one in program.got]
    assert (first, "appointment.cancelled") not in told and (other, "appointment.booked") in told
    there.wait(10)
    there.deliver()
    mine = [
        type_
        for id_, type_ in ((c.body["subject"]["id"], c.body["type"]) for c in program.got)
        if id_ == first
    ]
    assert mine == ["appointment.booked", "appointment.booked", "appointment.cancelled"]
    assert {one["state"] for one in there.log(hook)} == {"delivered"}


def test_one_that_is_always_refused_does_not_hold_the_others_for_days(
    there: Scene, program: Receiver
) -> None:
    hook = there.hook(program.url)
    first = there.book(9)
    program.plan = [400] * 4
    cancel(there, first)
    there.deliver()
    for wait in rules.BACKOFF_S[:3]:
        there.wait(wait)
        there.deliver()
    assert program.types()[:4] == ["appointment.booked"] * 4 and program.types()[4:] == [
        "appointment.cancelled"
    ]
    assert [one["state"] for one in there.log(hook)] == ["delivered", "open"]


def test_sent_again_by_hand(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url, ["appointment.booked"])
    program.plan = [410, 410]
    there.book(9)
    there.deliver()
    there.wait(60)
    there.book(10)
    there.deliver()
    new, old = there.log(hook)
    assert (new["state"], old["state"]) == ("failed", "failed")
    again = there.ask("POST", f"/webhooks/deliveries/{old['id']}/replay", 201)
    assert (again["replay"], again["state"], again["payload"]) == (1, "open", old["payload"])
    there.deliver()
    assert program.got[-1].raw == program.got[0].raw and program.got[-1].body["id"] == old["payload"]["id"]
    since = "2026-11-23T09:00:00+01:00"
    done = there.ask("POST", f"/webhooks/{hook['id']}/replay", 200, {"since": since})
    assert done == {"replayed": 1}, "only what was not sent again yet"
    there.deliver()
    assert there.ask("POST", f"/webhooks/{hook['id']}/replay", 200, {"since": since}) == {"replayed": 0}
    assert [one["state"] for one in there.log(hook)] == ["delivered", "delivered", "failed", "failed"]
    there.ask("POST", f"/webhooks/deliveries/{old['id']}/replay", 404, role="red")
    found = there.ask("POST", "/webhooks/deliveries/search", 200, {"state": "failed", "limit": 1})
    assert [one["id"] for one in found["deliveries"]] == [new["id"]]
    rest = there.ask("POST", "/webhooks/deliveries/search", 200, {"state": "failed", "cursor": found["next"]})
    assert [one["id"] for one in rest["deliveries"]] == [old["id"]] and rest["next"] is None
    assert there.ask("POST", "/webhooks/deliveries/search", 200, role="red")["deliveries"] == []


def test_a_test_call_tells_at_once(there: Scene, program: Receiver) -> None:
    hook = there.hook(program.url, ["offer.made"])
    found = there.ask("POST", f"/webhooks/{hook['id']}/test")
    assert found["ok"] and found["status"] == 200 and found["ms"] >= 0 and found["problem"] is None
    assert program.got[0].body["subject"] == {"type": "Webhook", "id": hook["id"]}
    program.plan = [401]
    bad = there.ask("POST", f"/webhooks/{hook['id']}/test")
    assert not bad["ok"] and bad["status"] == 401 and bad["problem"]["title"] == "Abgelehnt (HTTP 401)"
    assert [one["title"] for one in there.log(hook)] == ["Probeaufruf"] * 2
    assert there.ask("GET", f"/webhooks/{hook['id']}")["state"]["failures"] == 0, "tests do not count"
    assert list(webhooks_checks.failing(there.house)) == []


@pytest.mark.parametrize("whose", ["red", "owner"])
def test_a_portals_name_that_leads_into_the_practices_network_is_not_called(
    there: Scene, tmp_path: Any, monkeypatch: Any, whose: str
) -> None:
    """A real name with a good certificate; what its name server says is a private address."""
    lookup = socket.getaddrinfo

    def led(host: Any, *args: Any, **more: Any) -> Any:
        return lookup("127.0.0.1" if host == "portal.example" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", led)
    house = there.house
    tls, trust = certificate(tmp_path, "portal.example")
    there.do(lambda tx: house.settings.put(tx, NETWORKS, ""))
    client = house.shared["http"] = Http(house.clock, outside.of(house), trust=trust)
    house.closers.append(client.close)
    with rude(proper(), tls) as server:
        hook = there.hook(f"https://portal.example:{server.port}/", role=whose)
        found = there.ask("POST", f"/webhooks/{hook['id']}/test", role=whose)
        if whose == "owner":
            assert found["ok"] and len(server.requests) == 1
            return
        assert found["problem"]["code"] == "portals.webhook_private" and server.requests == []
        there.do(lambda tx: house.settings.put(tx, NETWORKS, "127.0.0.0/8"))
        assert there.ask("POST", f"/webhooks/{hook['id']}/test", role=whose)["ok"], (
            "the practice has allowed it"
        )


def test_the_listing_tells_why(there: Scene, program: Receiver) -> None:
    there.hook(program.url, ["appointment.booked"])
    program.plan = [404]
    there.book(9)
    there.deliver()
    (row,) = there.ask("POST", "/listings/portals.deliveries", body={"filters": {"webhook": "programm"}})[
        "rows"
    ]
    assert row["cells"]["state"] == "open" and row["cells"]["reason"] == "Abgelehnt (HTTP 404)"
    assert row["cells"]["webhook"] == "Programm" and row["cells"]["event"] == "Termin wurde gebucht"
    assert (
        there.ask("POST", "/listings/portals.deliveries", body={"filters": {"state": "failed"}})["rows"] == []
    )
    assert there.ask("POST", "/listings/portals.deliveries", role="red")["rows"] == []


def test_old_entries_are_forgotten(there: Scene, program: Receiver) -> None:
    from praxisd.services.portals.deliveries_loop import Courier

    hook = there.hook(program.url, ["appointment.booked"])
    there.book(9)
    there.deliver()
    there.wait(31 * 86_400)
    Courier(there.house).step()
    assert there.log(hook) == []


def test_the_commands(there: Scene, program: Receiver) -> None:
    def ask(what: str, **args: Any) -> dict[str, Any]:
        found = next(
            one for one in there.house.registry.operations.values() if one.name == f"webhooks.{what}"
        )
        return dict(found.call(there.house, {"organization": there.practice.organization, **args}))

    made = ask("add", name="Programm", url=program.url, events=["*"])
    assert made["secret"] and [one["id"] for one in ask("list")["webhooks"]] == [made["id"]]
    program.plan = [410]
    there.book(9)
    there.deliver()
    (one,) = ask("log", webhook=made["id"], state="failed")["deliveries"]
    assert ask("replay", webhook=made["id"], since="2026-11-23T00:00:00+01:00") == {"replayed": 1}
    assert ask("replay", delivery=one["id"]) == {"replayed": 1}
    there.deliver()
    assert [each["state"] for each in ask("log")["deliveries"]] == ["delivered", "delivered", "failed"]
    ask("remove", id=made["id"])
    assert ask("list")["webhooks"] == [] and ask("log")["deliveries"] == []


def test_requests_are_told_with_their_state_and_to_a_portal_as_its_appointment(
    there: Scene, program: Receiver
) -> None:
    inside, red = there.hook(program.url, ["request.*"]), there.hook(program.url, ["request.*"], role="red")
    for type_, whose in (
        ("request.received", "red"),
        ("request.proposed", "blue"),
        ("request.accepted", None),
    ):

        def note(tx: Any, type_: str = type_, whose: str | None = whose) -> None:
            portal = None if whose is None else there.portals[whose]
            events.note(tx, type_, "BookingRequest", "r1", version=3, portal=portal, appointment="a1")

        there.do(note)
    there.deliver()
    told = [(one["type"], one["payload"]) for one in reversed(there.log(inside))]
    assert [(type_, body["status"], body["subject"], body["version"]) for type_, body in told] == [
        (type_, status, {"type": "BookingRequest", "id": "r1"}, 3)
        for type_, status in (
            ("request.received", "open"), ("request.proposed", "asked"), ("request.accepted", "accepted"),
        )
    ]  # fmt: skip
    (mine,) = there.ask("GET", f"/webhooks/{red['id']}/deliveries", role="red")["deliveries"]
    assert (
        mine["payload"]["subject"] == {"type": "Appointment", "id": "a1"} and mine["payload"]["version"] == 0
    )
