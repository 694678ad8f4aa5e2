"""The certificate from an authority, through the tunnel: a real hub, a real runner, a CA that checks what it certifies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Severity
from praxisd.sandbox.acme_program import Running
from praxisd.services.relay import (
    acme_keeper,
    acme_order,
    acme_record,
    acme_wire,
    certificates,
    checks,
    enrolling,
)
from praxisd.services.relay.acme_record import Record
from praxisd.services.relay.room import room_of
from praxisd.testing.houses import Houses

from .relay_acme_cast import (
    WHO,
    authority,
    connected,
    enrolled,
    fetched,
    happened,
    pin_of,
    put,
    record,
    tried,
    trusting,
    visit,
    welcome,
    working,
    wrong,
)
from .relay_cast import RunningHub, running_hub, until

HOUR_S = 3_600


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as found:
        yield found


@pytest.fixture
def ca(hub: RunningHub) -> Iterator[Running]:
    with authority(hub) as found:
        yield found


def choose(house: House, ca: Running, **more: Any) -> None:
    put(house, certificate="acme", acme_directory=ca.directory, **more)


def names(der: bytes) -> set[str]:
    leaf = x509.load_der_x509_certificate(der)
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


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


def serves(known: Record, der: bytes) -> bool:
    """Is it the leaf of this chain?"""
    return x509.load_pem_x509_certificates(known.chain.encode())[0] == x509.load_der_x509_certificate(der)


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


FAULTS = [
    ("challenge", "relay.acme_challenge", "simulated (connection)"),
    ("rate", "relay.acme_rate_limited", "too many certificates already (rateLimited)"),
    ("error", "relay.acme_unreachable", "simulated (serverInternal)"),
    ("drop", "relay.acme_unreachable", "lost"),
    ("reject", "relay.acme_name_refused", "(rejectedIdentifier)"),
    ("slow", "relay.acme_unreachable", "lost"),
    ("stuck", "relay.acme_slow", "–"),
]


def test_no_fault_takes_away_what_there_is(
    sqlite_houses: Houses, hub: RunningHub, ca: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme_order, "WAITS", 8)
    house = sqlite_houses.open(clock=SystemClock())
    with working(house):
        name, guest = enrolled(house, hub), trusting(ca.certifier)
        choose(house, ca)
        first = fetched(house)
        until(lambda: welcome(hub, name, guest))
        for failures, (fault, code, said) in enumerate(FAULTS, 1):
            forgive(house)
            ca.certifier.plan([fault])
            with monkeypatch.context() as patch:
                if fault == "slow":
                    patch.setattr(acme_wire, "TIMEOUT_S", ca.certifier.delay_s / 2)
                acme_keeper.renew(house, WHO, 60)
            after = record(house)
            assert (after.progress.code, after.chain) == (code, first.chain), fault
            assert after.progress.failures == failures
            (shown,) = wrong(house).items()
            assert shown[0] == code and shown[1].endswith(said), fault
            assert after.progress.not_before >= after.progress.tried_at + HOUR_S
            assert serves(first, visit(hub, name, guest))
        slow = record(house).progress.order
        ca.certifier.release()
        forgive(house)
        acme_keeper.renew(house, WHO, 60)
        assert record(house).chain != first.chain and wrong(house) == {}
        order = ca.certifier.orders[slow.rpartition("/")[2]]
        assert record(house).chain == order.chain, "the order that was slow, not another one"
        assert record(house).progress.failures == 0


def forgive(house: House) -> None:
    """As if the time the authority demanded were over."""
    house.store.run(WHO, lambda tx: acme_record.change(house, tx, told=False))


def test_when_the_authority_says_later_nobody_asks_it_earlier(
    sqlite_houses: Houses, hub: RunningHub, ca: Running
) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    ca.certifier.retry_s = 3 * 86_400
    ca.certifier.plan(["rate"])
    with working(house):
        enrolled(house, hub)
        choose(house, ca)
        said = tried(house).progress
        assert said.told and said.not_before >= said.tried_at + 3 * 86_400
        acme_keeper.renew(house, WHO, 60)
        assert record(house).progress == said
        assert certificates.current(house).source == "own", "guests meet a certificate in any case"
        (finding,) = checks.certificate_findings(house)
        assert finding.severity is Severity.ERROR


def test_a_wrong_address_says_so_and_a_right_one_is_tried_at_once(
    sqlite_houses: Houses, hub: RunningHub, ca: Running
) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    with working(house):
        name = enrolled(house, hub)
        choose(house, ca)
        put(house, acme_directory=ca.directory.replace("directory", "root.pem"))
        until(lambda: record(house).progress.code == "relay.acme_directory")
        assert "relay.acme_directory" in wrong(house)
        put(house, acme_directory="http://127.0.0.1:9/directory")
        until(lambda: record(house).progress.code == "relay.acme_unreachable")
        assert wrong(house)["relay.acme_unreachable"] == "unreachable"
        put(house, acme_directory=ca.directory)
        fetched(house)
        until(lambda: welcome(hub, name, trusting(ca.certifier)))
        assert wrong(house) == {}


def test_an_authority_that_forgot_us_and_another_one(
    sqlite_houses: Houses, hub: RunningHub, ca: Running
) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    with working(house), authority(hub) as other:
        name = enrolled(house, hub)
        choose(house, ca)
        first, pin = fetched(house), pin_of(house)
        (before,) = ca.certifier.accounts
        ca.certifier.accounts.clear()
        acme_keeper.renew(house, WHO, 60)
        assert record(house).chain != first.chain
        assert list(ca.certifier.accounts) == [before], "the same key"
        choose(house, other)
        until(lambda: welcome(hub, name, trusting(other.certifier)))
        assert pin_of(house) == pin


def test_a_restart_in_the_middle_of_an_order_is_harmless(
    sqlite_houses: Houses, hub: RunningHub, ca: Running
) -> None:
    ca.certifier.plan(["stuck"])
    house = sqlite_houses.open(clock=SystemClock())
    with working(house):
        name = enrolled(house, hub)
        choose(house, ca)
        until(lambda: ca.certifier.orders and next(iter(ca.certifier.orders.values())).status == "processing")
    begun = record(house).progress if not house.stopping else None
    again = sqlite_houses.twin(house)
    found = record(again)
    assert found.progress.order and found.progress.code == "" and begun is None
    ca.certifier.release()
    with working(again):
        connected(again)
        fetched(again)
        until(lambda: welcome(hub, name, trusting(ca.certifier)))
    assert len(ca.certifier.orders) == len(ca.certifier.accounts) == 1


def test_there_is_nothing_to_fetch_without_an_authority_or_a_link(house: House, ca: Running) -> None:
    def refused() -> str:
        with pytest.raises(Problem) as problem:
            acme_keeper.renew(house, WHO, 1)
        return problem.value.code

    assert refused() == "relay.acme_unused"
    choose(house, ca)
    assert refused() == "relay.not_enrolled"
    assert not acme_keeper.Keeper(house).step()
