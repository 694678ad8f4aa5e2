"""What answers here only is not reachable for others, and what nobody could look at is never called good."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import (
    installing,
    looking,
    reaching,
    rules,
    shapes,
    store,
    unseen_rules,
    view,
    words,
)
from praxisd.services.serviceprovider.room import room_of
from praxisd.services.serviceprovider.seen import Answered, Asked
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import CUSTOMER, ID, Place
from praxisd.testing.prepared_cases import CASES, build

OWNER = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
LAN, VPN = "192.0.2.7", "198.51.100.3"


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def place(house: House, tmp_path: Path) -> Iterator[Place]:
    made = build(CASES[0], tmp_path)
    made.enter(house)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("lan", "vpn", "inside", "alone", "state", "why", "address"),
    [
        ("open", "open", "open", False, "open", "", LAN),
        ("closed", "open", "open", False, "open", "", VPN),
        ("closed", "closed", "open", False, "closed", reaching.ONLY_HERE, "127.0.0.1"),
        ("filtered", "closed", "closed", False, "filtered", "refused", LAN),
        ("wrong", "open", "open", False, "wrong", "refused", LAN),
        ("closed", "closed", "open", True, "open", "", "127.0.0.1"),
    ],
)
def test_asked_as_the_others_would(
    lan: Answered, vpn: Answered, inside: Answered, alone: bool, state: str, why: str, address: str
) -> None:
    def ask(host: str, where: str, port: int) -> Asked:
        told = {LAN: lan, VPN: vpn}.get(where, inside)
        return Asked(host, where, port, told, "" if told == "open" else "refused")

    found = reaching.ask_here(ask, "SRV", 23174, (LAN, VPN), alone)
    assert (found.state, found.why, found.address) == (state, why, address)


def test_which_addresses_others_find() -> None:
    known = ("127.0.0.1", "::1", "fe80::1", LAN, "169.254.3.4", "0.0.0.0")
    assert reaching.outer(known) == (LAN,)


class Loopback:
    """A computer with an address in the practice, whose provider listens on the loopback alone."""

    def __init__(self, house: House, place: Place) -> None:
        room, facts = room_of(house), place.facts
        real = room.ask
        room.facts = lambda _house, _host: facts()
        place.host = LAN
        room.ask = lambda host, address, port: (
            Asked(host, address, port, "closed", "refused") if address == LAN else real(host, address, port)
        )


def entered(house: House, place: Place, devices: int) -> None:
    what = Software(
        id=ID, product="x.concept", role="server", data_folder=str(place.top), program_folder=str(place.root),
        devices=devices, customer_number=CUSTOMER,
    )  # fmt: skip
    house.store.run(system("test"), lambda tx: software_store.put(tx, what))


def shown(house: House) -> shapes.ProviderOut:
    (seen,) = looking.look(house)
    return view.shown(house.texts, seen, "de")


def test_a_provider_on_the_loopback_is_not_reachable_for_others(house: House, place: Place) -> None:
    Loopback(house, place)
    out = shown(house)
    assert out.codes == [words.ONLY_LOCAL]
    assert "nur Verbindungen dieses Rechners selbst" in out.faults[0].cause
    assert "1 Gerät" in out.faults[0].solution and "praxisd serve --host" in out.faults[0].solution
    entered(house, place, 1)  # what the text says where there is no other computer
    assert shown(house).codes == []


def test_praxisd_becomes_no_provider_that_only_it_can_find(house: House, place: Place) -> None:
    Loopback(house, place)
    house.shared["url"] = f"http://127.0.0.1:{place.port}"
    before = place.pvs.read_bytes()
    with pytest.raises(Problem) as refused:
        installing.install(house, OWNER, ID, str(place.top), True)
    assert (refused.value.code, refused.value.status) == (installing.ONLY_HERE, 409)
    with house.store.read(system("test")) as tx:
        assert store.pairs(tx) == {} and place.pvs.read_bytes() == before
    entered(house, place, 1)
    assert installing.install(house, OWNER, ID, str(place.top), True).files


def test_a_provider_of_another_computer_is_looked_up_by_its_name(house: House, place: Place) -> None:
    place.computer = place.software_host = "ANDERER"
    place.write_pvs(place.whole_pvs())
    place.enter(house)
    room, asked = room_of(house), list[tuple[str, str]]()

    def ask(host: str, address: str, port: int) -> Asked:
        asked.append((host, address))
        return Asked(host, "", port, "unresolved", "unresolved")

    room.ask = ask
    (seen,) = looking.look(house)
    assert asked == [("ANDERER", "")]  # what it reported once may be old, and the others do not know it
    assert [one.code for one in rules.judge(seen)] == [words.UNREACHABLE]


def test_what_nobody_saw_is_named(house: House, place: Place) -> None:
    (whole,) = looking.look(house)
    assert list(unseen_rules.unseen(whole)) == [
        "others"
    ]  # three devices, and no address of this computer known
    assert unseen_rules.from_here(whole)
    alone = replace(whole, devices=1)
    assert (list(unseen_rules.unseen(alone)), unseen_rules.from_here(alone)) == ([], False)
    place.setup.unlink()
    (seen,) = looking.look(house)
    half = replace(seen, devices=1, services=None, dotnet=None, path_state="unseen")
    assert list(unseen_rules.unseen(half)) == ["service", "dotnet", "data_path", "version"]
    out = view.shown(house.texts, half, "de")
    assert out.codes == [] and out.setup is None and len(out.unknown) == 4
    assert "ob der Windows-Dienst da ist und läuft" in out.unknown


def test_everything_that_may_be_unseen_has_words(house: House, place: Place) -> None:
    (seen,) = looking.look(house)
    blind = replace(
        seen, installs=(), services=None, roots_seen=False, pvs=type(seen.pvs)("pvs"), asked=Asked()
    )
    assert {"pvs_file", "service", "program_folder", "version", "answer"} == set(unseen_rules.unseen(blind))
    assert list(unseen_rules.unseen(replace(blind, late=True))) == ["late"]
    assert list(unseen_rules.unseen(replace(blind, late=True, machine=""))) == ["late"]
    assert list(unseen_rules.unseen(replace(blind, machine=""))) == ["place"]
    for word in unseen_rules.WORDS:
        for lang in ("de", "en"):
            assert house.texts.get(f"serviceprovider.unseen.{word}", lang)
