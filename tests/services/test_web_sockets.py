"""The door of WebSockets: who comes in, how many, and how it ends. Real sockets."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses
from praxisd.web import connected, crowd, sockets
from praxisd.web.server import FINISH_S

from . import sockets_cast as cast
from . import web_sample
from .listing_sample import SERVICE as EVENTFUL
from .live_cast import DOORS, note, sessions
from .sockets_cast import code_of, here, refused, until
from .web_sample.serving import Running, running

SERVICES = (KERNEL, EVENTFUL, cast.SERVICE)


@pytest.fixture
def one(sqlite_houses: Houses) -> Iterator[Running]:
    cast.opened.clear()
    sessions.clear()
    with running(sqlite_houses.open(SERVICES), DOORS) as found:
        yield found


# --- who comes in --------------------------------------------------------------------------------------------------------


def test_messages_go_both_ways_in_order(one: Running) -> None:
    with here(one) as client:
        assert client.subprotocol == cast.PROTOCOL
        assert cast.told(client) == {"hello": "anonymous:anonymous"}
        for n in range(200):
            client.send(json.dumps({"n": n}))
        assert [cast.told(client)["echo"]["n"] for _ in range(200)] == [*range(200)]
        assert cast.ask(client, x="ä€😀")["echo"] == {"x": "ä€😀"}
    assert cast.opened[0].gone.wait(30)
    assert cast.opened[0].codes == [1000]


def test_without_the_protocol_or_as_a_plain_request_it_is_told_what_is_missing(one: Running) -> None:
    assert refused(one, protocol=None) == (400, "http.bad_subprotocol")
    assert refused(one, protocol="other.v1") == (400, "http.bad_subprotocol")
    plain = httpx.get(f"{one.url}/api/v1/trial/live", headers={"Accept-Language": "en"})
    assert (plain.status_code, plain.json()["code"]) == (426, "http.upgrade_required")
    assert (plain.headers["upgrade"], plain.json()["title"]) == ("websocket", "Only as a WebSocket")
    assert cast.opened == []


def test_a_wish_to_change_the_protocol_elsewhere_is_ignored(one: Running) -> None:
    raw = cast.Raw(one.url, "/health/live")
    assert raw.status == 200


def test_pages_of_others_do_not_come_in(one: Running) -> None:
    sessions["t"] = "owner"
    own = one.url
    assert refused(one, Origin="https://elsewhere.example") == (403, "http.foreign_origin")
    assert refused(one, Origin="https://elsewhere.example", Cookie="praxisd=t") == (
        403,
        "http.foreign_origin",
    )
    assert refused(one, Origin="null", Cookie="praxisd=t") == (403, "http.foreign_origin")
    assert refused(one, Origin="null", Cookie="praxisd=t", Sec_Fetch_Site="same-origin") == (
        403,
        "http.foreign_origin",
    )
    assert refused(one, Cookie="praxisd=t") == (
        403,
        "http.foreign_origin",
    )  # a browser always says where it is from
    assert cast.opened == []
    with here(one, Origin=own, Cookie="praxisd=t") as client:
        assert cast.told(client) == {"hello": "user:a-owner"}


def test_a_page_without_a_session_hears_why_it_has_to_go(one: Running) -> None:
    for cookie in ({}, {"Cookie": "praxisd=gone"}):
        with here(one, Origin=one.url, **cookie) as client:
            assert code_of(client) == 4401
    assert cast.opened == []


def test_a_key_counts_and_a_false_one_does_not_come_in(one: Running) -> None:
    with here(one, Authorization="Bearer a-desk") as client:
        assert cast.told(client) == {"hello": "user:a-desk"}
    assert refused(one, Authorization="Bearer nobody") == (401, "accounts.key_missing")


def test_a_permission_is_asked_for(one: Running) -> None:
    assert refused(one, "guarded") == (401, "accounts.session_missing")
    assert refused(one, "guarded", Authorization="Bearer a-pvs") == (403, "access.forbidden")
    with here(one, "guarded", Authorization="Bearer a-partner") as client:
        assert cast.told(client) == {"hello": "user:a-partner"}
        time.sleep(0.1)
        assert cast.ask(client, n=1) == {"echo": {"n": 1}}


def test_a_service_may_refuse(one: Running) -> None:
    assert refused(one, "refusing") == (409, "http.conflict")


# --- how many, how long --------------------------------------------------------------------------------------------------


def test_only_so_many_that_have_not_proven_themselves(one: Running) -> None:
    clients = [cast.opening(one.url) for _ in range(sockets.MOST_UNPROVEN)]
    assert refused(one) == (429, "http.too_many_sockets")
    cast.told(clients[0])
    assert cast.ask(clients[0], do="proven", name="seat:1") == {"proven": True}
    with here(one):
        pass
    for client in clients:
        client.close()
    until(lambda: all(talk.gone.is_set() for talk in cast.opened))
    again = [cast.opening(one.url) for _ in range(sockets.MOST_UNPROVEN)]
    for client in again:
        client.close()


def test_only_so_many_by_one_name_and_in_all(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MOST_OF_ONE", 2)
    monkeypatch.setattr(sockets, "MOST", 4)
    clients = [cast.opening(one.url) for _ in range(4)]
    assert refused(one) == (503, "http.busy")
    for client in clients:
        cast.told(client)
    assert [cast.ask(c, do="proven", name="seat:1").get("proven") for c in clients[:2]] == [True, True]
    answer = cast.ask(clients[2], do="proven", name="seat:1")
    assert (answer["type"], answer["code"], answer["parameters"]) == (
        "problem",
        "http.too_many_sockets",
        {"most": 2},
    )
    clients[0].close()
    until(lambda: cast.opened[0].gone.is_set())
    assert cast.ask(clients[2], do="proven", name="seat:1") == {"proven": True}
    for client in clients:
        client.close()


def test_who_does_not_prove_itself_in_time_has_to_go(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected, "PROOF_S", 0.3)
    with here(one) as late, here(one) as good:
        cast.told(good)
        cast.ask(good, do="proven", name="seat:1")
        assert cast.told(late) == {"hello": "anonymous:anonymous"}
        assert cast.told(late) == {"bye": "unproven"}
        assert code_of(late) == 4401
        time.sleep(0.4)
        assert cast.ask(good, n=1) == {"echo": {"n": 1}}


def test_a_server_that_is_full_says_so(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_CONNECTIONS", 1)
    assert cast.Raw(one.url).status == 503


# --- the end -------------------------------------------------------------------------------------------------------------


def test_a_draining_server_says_so_and_takes_nobody(one: Running) -> None:
    with here(one) as client:
        cast.told(client)
        began = time.monotonic()
        one.server.stop()
        assert cast.told(client) == {"bye": "draining"}
        assert code_of(client) == 1012
        assert time.monotonic() - began < FINISH_S
    assert cast.opened[0].codes == [1012]


def test_who_was_signed_out_is_let_go_at_once(one: Running) -> None:
    sessions.update(t="owner", u="owner")
    with (
        here(one, Origin=one.url, Cookie="praxisd=t") as left,
        here(one, Origin=one.url, Cookie="praxisd=u") as stays,
    ):
        for client in (left, stays):
            cast.told(client)
            cast.ask(client, do="proven", name="user:a-owner")
        time.sleep(0.3)
        del sessions["t"]
        note(one.house, kind="Session")
        began = time.monotonic()
        assert cast.told(left) == {"bye": "signed_out"}
        assert code_of(left) == 4401
        assert time.monotonic() - began < sockets.CHECK_S * 2 / 3  # nobody had to look
        assert cast.ask(stays, n=1) == {"echo": {"n": 1}}
    until(lambda: "user:a-owner" in cast.opened[1].actors)


def test_everybody_is_looked_after_now_and_then(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CHECK_S", 0.2)
    sessions["t"] = "owner"
    with here(one, Origin=one.url, Cookie="praxisd=t") as client:
        cast.told(client)
        cast.ask(client, do="proven", name="user:a-owner")
        until(lambda: len(cast.opened[0].actors) > 0)
        del sessions["t"]
        assert cast.told(client) == {"bye": "signed_out"}
        assert code_of(client) == 4401


def test_maintenance_closes_only_what_is_not_exempt(one: Running) -> None:
    with one.house.store.write(system("test")) as tx:
        maintenance.begin(tx, "test", 60)
    assert refused(one, "inside") == (503, "maintenance")
    with here(one) as client:
        assert cast.told(client) == {"hello": "anonymous:anonymous"}


def test_in_safe_mode_nobody_is_served(one: Running) -> None:
    one.house.safe = True
    with here(one) as client:
        assert code_of(client) == 4503
    assert cast.opened == []


def test_numbers_and_log_say_nothing_of_what_was_said(one: Running) -> None:
    with here(one) as client:
        cast.told(client)
        cast.ask(client, x=web_sample.CANARY)
        client.close()
    until(lambda: cast.opened[0].gone.is_set())
    refused(one, protocol=None)
    numbers = httpx.get(f"{one.url}/metrics").text
    assert 'praxisd_sockets_open{socket="trial.live"} 0' in numbers
    assert 'praxisd_socket_messages_total{socket="trial.live"} 1' in numbers
    assert 'praxisd_http_requests_total{route="trial.live",status="1xx"} 1' in numbers
    assert '"route":"trial.live","status":101' in one.log() and web_sample.CANARY not in one.log()


def test_ending_says_what_is_queued_before(one: Running) -> None:
    with here(one) as client:
        cast.told(client)
        assert cast.ask(client, do="end", code=4321) == {"ended": True}
        assert code_of(client) == 4321
    assert cast.opened[0].codes == [4321]
