"""The whole way with nothing played: a server, its runner, a real hub, and a portal that knows only the public name."""

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.services.relay import access_store, certificates
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, key_for, small_practice

from .relay_cast import RunningHub, running_hub, until
from .web_sample.serving import Running, running


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", spread_s=0.5) as found:
        yield found


@contextlib.contextmanager
def working(house: House) -> Iterator[Running]:
    """A server with all its background work."""
    with running(house, main.doors(house)) as one:
        house.shared["url"] = one.url
        house.start_work()
        yield one


class Person:
    """Somebody in the practice."""

    def __init__(self, one: Running, practice: Practice, role: str = "owner") -> None:
        key = key_for(one.house, practice, role, f"Zugang {role}")
        self.http = httpx.Client(
            base_url=f"{one.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reachable(self) -> Any:
        """The state, once it says that we are reachable."""
        return until(lambda: (found := self.ask("GET", "/relay"))["reachable"] and found)


def portal(
    house: House, hub: RunningHub, host: str, path: str, key: str = "", **headers: str
) -> tuple[int, Any]:
    """What a portal gets that trusts the practice's own certificate and nothing else."""
    context = ssl.create_default_context(cadata=certificates.current(house).chain)
    with (
        socket.create_connection(("127.0.0.1", hub.hub.port), 30) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        link = http.client.HTTPConnection(host, hub.hub.port)
        link.sock = tls
        given = {"Authorization": f"Bearer {key}"} if key else {}
        link.request("GET", path, headers=given | headers)
        answer = link.getresponse()
        text = answer.read()
    with contextlib.suppress(ValueError):
        return answer.status, json.loads(text)
    return answer.status, text.decode()


def alive(house: House, hub: RunningHub, host: str) -> bool:
    """Does the practice answer under this name with the certificate it has now?"""
    try:
        return portal(house, hub, host, "/health/live")[0] == 200
    except OSError:  # the certificate of a moment ago, or no link just now
        return False


def test_enrolled_and_reached_from_outside(make_house: Any, hub: RunningHub) -> None:
    house = make_house(own_clock=SystemClock())
    practice = small_practice(house)
    key = key_for(house, practice, "portal", "Portal Süd")
    with working(house) as one:
        owner = Person(one, practice)
        shown = owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
        assert shown["connected"], shown
        shown = owner.reachable()
        assert (shown["code"], shown["phase"], shown["links"][0]["phase"]) == (None, "up", "up")
        host = shown["host"]
        status, answer = portal(house, hub, host, "/api/v1/schedules", key)
        assert status == 200 and len(answer["schedules"]) == 4
        assert portal(house, hub, host, "/metrics")[0] == 404
        assert portal(house, hub, host, "/", Host="localhost")[0] == 404
        assert portal(house, hub, host, "/api/v1/schedules")[0] == 401
        linked = portal(house, hub, host, "/fhir/R4/Schedule", key)[1]["link"][0]["url"]
        assert linked.startswith(f"{shown['url']}/fhir/R4/Schedule")

        tried = owner.ask("POST", "/relay/try", {"key": key})
        assert (tried["ok"], tried["status"]) == (True, 200)
        wrong = owner.ask("POST", "/relay/try", {"key": "pk_nichts_davon"})
        assert (wrong["ok"], wrong["code"]) == (False, "relay.try_key")

        def logged() -> list[Any]:
            with house.store.read(practice.desk()) as tx:
                return list(access_store.page(tx, {}, sort="at", down=False, offset=0, limit=50)[0])

        until(lambda: len(logged()) >= 3)
        assert [row.operation for row in logged()] == ["schedules.list", "fhir.Schedule.search", "self.read"]
        assert {row.address for row in logged()} == {"127.0.0.1"}

        changed = owner.ask("POST", "/relay/rotate")
        assert changed["host"] != host and changed["previous"] == [host]
        again = owner.reachable()
        for name in (again["host"], host):  # the old name leads here too
            until(lambda name=name: alive(house, hub, name))

        off = owner.ask("PUT", "/relay/enabled", {"enabled": False})
        assert (off["phase"], off["connected"]) == ("off", False)
        until(lambda: not alive(house, hub, host))
        on = owner.ask("PUT", "/relay/enabled", {"enabled": True})
        assert on["enabled"]
        assert owner.reachable()["host"] == again["host"]


def test_a_hub_that_is_gone_is_not_shown_as_reachable_and_comes_back(
    sqlite_houses: Houses, tmp_path: Path
) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    practice = small_practice(house)
    with working(house) as one:
        owner = Person(one, practice)
        with running_hub(tmp_path / "hub", spread_s=0.5) as hub:
            owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
            before, port = owner.reachable(), hub.hub.port
        gone = until(lambda: not (found := owner.ask("GET", "/relay"))["connected"] and found)
        assert gone["reachable"] is False and gone["phase"] != "up" and gone["host"] == before["host"]
        with running_hub(tmp_path / "hub", port, spread_s=0.5):
            assert owner.reachable()["host"] == before["host"]


def test_one_of_two_nodes_dials_and_the_other_takes_over(postgres_houses: Houses, hub: RunningHub) -> None:
    first = postgres_houses.open(clock=SystemClock())
    second = postgres_houses.twin(first)
    practice = small_practice(first)
    with working(second) as other:
        watcher = Person(other, practice, "partner")
        with working(first) as one:
            owner = Person(one, practice)
            owner.ask("POST", "/relay/enrol", {"invitation": hub.invitation()})
            shown, seen = owner.reachable(), watcher.reachable()
            assert (seen["host"], seen["node"]) == (shown["host"], shown["node"])
            assert shown["node"] in (first.node, second.node)
            assert len(hub.ask(lambda: hub.hub.links.running)) == 1
            holder = shown["node"]
        until(lambda: (found := watcher.ask("GET", "/relay"))["reachable"] and found["node"] == second.node)
        assert holder is not None
        assert alive(second, hub, shown["host"])
