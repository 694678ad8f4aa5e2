"""The certificate from an authority, through the tunnel: a real hub, a real runner, a CA that checks what it certifies."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.errors import Problem
from praxisd.sandbox.acme_program import Running
from praxisd.services.relay import (
    acme_keeper,
    acme_record,
    certificates,
    enrolling,
    operations,
)
from praxisd.services.relay.room import room_of
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for, small_practice

from .relay_acme_cast import (
    WHO,
    authority,
    choose,
    connected,
    enrolled,
    fetched,
    happened,
    names,
    pin_of,
    put,
    serves,
    tried,
    trusting,
    visit,
    welcome,
    working,
    wrong,
)
from .relay_cast import RunningHub, running_hub, until


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as found:
        yield found


@pytest.fixture
def ca(hub: RunningHub) -> Iterator[Running]:
    with authority(hub) as found:
        yield found


def test_fetched_through_the_tunnel_and_renewed_with_the_same_key(
    make_house: Any, hub: RunningHub, ca: Running
) -> None:
    house = make_house(own_clock=SystemClock())
    with working(house):
        name, guest = enrolled(house, hub), trusting(ca.certifier)
        before = pin_of(house)
        assert not welcome(hub, name, guest), "our own: nobody vouches for it"
        choose(house, ca, acme_email="it@praxis.example")
        first = fetched(house)
        until(lambda: welcome(hub, name, guest))
        assert names(visit(hub, name, guest)) == {name}
        held = certificates.current(house)
        assert (held.source, held.spki) == ("acme", before), "the key portals know already"
        assert held.next_spki is not None and not wrong(house)
        until(lambda: room_of(house).snapshot()[0].reachable)
        (account,) = ca.certifier.accounts.values()
        assert account.contact == ["mailto:it@praxis.example"]

        ca.certifier.plan(["nonce"])
        acme_keeper.renew(house, WHO, 60)
        second = fetched(house, first.chain)
        assert certificates.current(house).chain == second.chain
        until(lambda: serves(second, visit(hub, name, guest)))
        assert pin_of(house) == before and second.names == first.names
        assert len(ca.certifier.accounts) == 1 and account.orders == 2
        assert ca.certifier.planned == [] and not wrong(house)
        assert happened(house) == 2


def test_two_names_and_another_one_later(sqlite_houses: Houses, hub: RunningHub, ca: Running) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    with working(house):
        name, guest = enrolled(house, hub), trusting(ca.certifier)
        id_ = name.partition(".")[0]
        hub.ask(lambda: hub.hub.registry.rename(id_, names=["termine.praxis.example"]))
        choose(house, ca, own_name="termine.praxis.example")
        first = fetched(house)
        assert set(first.names) == {name, "termine.praxis.example"}
        for one in first.names:
            until(lambda one=one: welcome(hub, one, guest))
        put(house, own_name="")  # a name goes: the certificate follows by itself
        second = fetched(house, first.chain)
        assert second.names == (name,)
        enrolling.rotate(house, WHO)  # a name comes; the old one leads here too
        room_of(house).look()
        fresh = connected(house)
        third = fetched(house, second.chain)
        assert fresh != name and set(third.names) == {fresh, name}
        until(lambda: welcome(hub, fresh, guest) and welcome(hub, name, guest))
        hub.ask(lambda: hub.hub.registry.revoke(id_))  # a former name that is gone holds nothing up
        acme_keeper.renew(house, WHO, 60)
        fourth = fetched(house, third.chain)
        assert fourth.names == (fresh,) and not wrong(house)
        assert not acme_record.due(
            fourth, acme_record.Wish(ca.directory, "", (fresh, name), 1), house.clock.now()
        )


def test_there_is_nothing_to_fetch_without_an_authority_or_a_link(house: House, ca: Running) -> None:
    def refused() -> str:
        with pytest.raises(Problem) as problem:
            acme_keeper.renew(house, WHO, 1)
        return problem.value.code

    assert refused() == "relay.acme_unused"
    choose(house, ca)
    assert refused() == "relay.not_enrolled"
    assert not acme_keeper.Keeper(house).step()


def test_any_node_may_be_asked_and_the_one_with_the_link_does_it(
    postgres_houses: Houses, hub: RunningHub, ca: Running
) -> None:
    first = postgres_houses.open(clock=SystemClock())
    second = postgres_houses.twin(first)
    with working(second):
        with working(first):
            name = enrolled(first, hub)
            for one in (first, second):
                connected(one)
            choose(second, ca)
            before = fetched(second)
            for one in (first, second):  # one of them has no link
                acme_keeper.renew(one, WHO, 60)
                after = fetched(one, before.chain)
                assert certificates.current(second).chain == after.chain == certificates.current(first).chain
                before = after
            (account,) = ca.certifier.accounts.values()
            assert account.orders == 3
        # the other node has all that is needed
        until(lambda: room_of(second).snapshot()[1] == second.node)
        until(lambda: welcome(hub, name, trusting(ca.certifier)))
        assert serves(after, visit(hub, name, trusting(ca.certifier)))


def test_page_commands_and_the_authority_as_a_program(sqlite_houses: Houses, hub: RunningHub) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    practice = small_practice(house)
    key = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'Leitung')}"}
    other = {"Authorization": f"Bearer {key_for(house, practice, 'portal', 'Portal')}"}
    program = [sys.executable, "-m", "praxisd", "sandbox", "--with-parent", "acme", "--port", "0"]
    program += [
        "--connect",
        f"127.0.0.1:{hub.hub.port}",
        "--life",
        "86400",
        "--fault",
        "challenge",
        "--data",
        str(house.folder),
    ]
    with (
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ca,
        working(house) as url,
    ):
        assert ca.stdout is not None and ca.stdin is not None
        directory = ca.stdout.readline().removeprefix("ready ").strip()

        def ask(key: dict[str, str]) -> httpx.Response:
            return httpx.post(f"{url}/api/v1/relay/certificate/renew", headers=key, timeout=60)

        assert ask(other).status_code == 403
        assert ask(key).json()["code"] == "relay.acme_unused"
        name = enrolled(house, hub)
        put(house, certificate="acme", acme_directory=directory)
        tried(house)
        shown = httpx.get(f"{url}/api/v1/relay", headers=key, timeout=60).json()["certificate"]
        assert (shown["source"], shown["code"]) == ("own", "relay.acme_challenge")
        assert "BEGIN CERTIFICATE" in (house.folder / "sandbox" / "acme-root.pem").read_text()
        assert shown["title"].startswith("Der Name führt")
        told = operations.certificate(house, {"lang": "en"})
        assert name in told["cause"] and told["retryAt"] and not told["renewAt"]
        done = ask(key)
        assert done.status_code == 200, done.text
        shown = done.json()["certificate"]
        assert (shown["source"], shown["code"], shown["names"]) == ("acme", None, [name])
        told = operations.certificate(house, {"renew": True})
        assert told["source"] == "acme" and told["renewAt"] and not told["retryAt"]
        root = httpx.get(f"{directory.removesuffix('directory')}root.pem", timeout=60).text
        until(lambda: welcome(hub, name, ssl.create_default_context(cadata=root)))
        ca.stdin.close()
        assert ca.wait(30) == 0
