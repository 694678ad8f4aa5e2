"""What goes wrong with a certificate authority takes nothing away, and says why; a restart in between is harmless."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.service import Severity
from praxisd.sandbox import acme_challenge
from praxisd.sandbox.acme_program import Running
from praxisd.services.relay import (
    acme,
    acme_keeper,
    acme_order,
    acme_record,
    acme_wire,
    certificates,
    checks,
)
from praxisd.services.relay.acme_answers import PROTOCOL, Answers
from praxisd.testing.houses import Houses
from praxisd_relay.hello import Hello

from .relay_acme_cast import (
    WHO,
    authority,
    choose,
    connected,
    enrolled,
    fetched,
    pin_of,
    put,
    record,
    serves,
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
                if fault == "stuck":
                    patch.setattr(acme_order, "WAIT_MOST_S", 0.05)
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


def test_a_stop_before_the_name_is_proven_is_no_failure(
    sqlite_houses: Houses, hub: RunningHub, ca: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open(clock=SystemClock())
    look, stopped = acme_challenge.check, threading.Event()

    def later(name: str, answer: str, place: acme_challenge.Place | None) -> None:
        assert stopped.wait(60), "the authority looks only once the house has stopped"
        look(name, answer, place)

    monkeypatch.setattr(acme_challenge, "check", later)
    with working(house):
        name = enrolled(house, hub)
        answers = house.shared.setdefault("relay.acme_context", Answers())
        fetcher = acme.Fetcher(house, answers, lambda _seconds: True)
        with pytest.raises(acme.Stopped):
            fetcher.attempt(acme_record.Wish(ca.directory, "", (name,), 1))
        begun = record(house).progress
        assert begun.order and (begun.code, begun.failures) == ("", 0)
        assert answers(Hello(name, (PROTOCOL,), 0)) is None, "nobody is answered any more"
        stopped.set()
        choose(
            house, ca
        )  # the same wish: the order is taken up again, or another one if its name was lost meanwhile
        assert fetched(house).progress.failures == 0
        until(lambda: welcome(hub, name, trusting(ca.certifier)))
        assert len(ca.certifier.accounts) == 1
