"""The runner: the link follows settings and identity, guests come in as who they are, the shown state is true within seconds."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.app import House, State
from praxisd.kernel.errors import Problem
from praxisd.services.relay import enrolling, identity, probe, runner_loop, runner_shown, settings
from praxisd.services.relay.linking import LEASE
from praxisd.services.relay.runner import make
from praxisd.testing.houses import Houses
from praxisd_relay.identity import Identity

from .relay_cast import RunningHub, running_hub, until
from .relay_runner_cast import WHO, Book, come, get, keeping, linked, name_of, served, within


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as found:
        yield found


def set_(house: House, key: str, value: Any) -> None:
    house.store.run(WHO, lambda tx: house.settings.put(tx, key, value))


def test_a_guest_comes_in_as_who_he_is_and_we_find_ourselves(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub) as runner:
        until(lambda: runner.snapshot().reachable)  # by itself, with the link
        shown = runner.snapshot()
        assert shown.holds
        assert shown.host == name_of(house)
        assert shown.port == hub.hub.port
        assert shown.links[0].phase == "up"
        assert shown.probe is not None
        assert shown.probe.code is None
        book = Book(house)
        answer = get(hub, name_of(house))
        assert answer.startswith(b"HTTP/1.1 200")
        assert [(one.address, one.name, one.port) for one in book.came] == [
            ("127.0.0.1", name_of(house), hub.hub.port)
        ]
        until(lambda: book.inside == 0)
        until(lambda: runner.snapshot().links[0].streams == 0)
        got = probe.fetch(house, "/api/v1/me", {"Authorization": "Bearer nobody"}, 10.0)
        assert (got.code, got.status) == (None, 401)


def test_many_guests_at_once(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub) as runner:
        name, book = name_of(house), Book(house)
        guests = [come(hub, name) for _ in range(40)]
        for guest in guests:
            guest.sendall(f"GET /health/live HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        for guest in guests:
            assert guest.recv(4096).startswith(b"HTTP/1.1 200")
        assert book.inside >= 40
        for guest in guests:
            guest.close()
        until(lambda: book.inside == 0)
        until(lambda: runner.snapshot().links[0].streams == 0)


def test_only_our_own_names_are_served(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub):
        id_ = name_of(house).partition(".")[0]
        hub.ask(lambda: hub.hub.registry.rename(id_, names=["praxis.example"]))
        book = Book(house)
        with pytest.raises(OSError, match=r"(?i)unrecognized"):
            come(hub, "praxis.example")  # the hub carries it; the practice has not said that it is its own
        assert not [one for one in book.came if one.name == "praxis.example"]
        set_(house, settings.OWN_NAME, "praxis.example")
        until(lambda: _answers(hub, "praxis.example"))
        assert "praxis.example" in [one.name for one in book.came]


def _answers(hub: RunningHub, name: str) -> bool:
    try:
        return get(hub, name).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_the_link_follows_the_settings(house: House, hub: RunningHub) -> None:
    with linked(house, hub) as runner:
        set_(house, settings.ENABLED, False)
        runner.look()
        until(lambda: not runner.snapshot().links)
        assert runner.snapshot().reachable is False
        set_(house, settings.ENABLED, True)  # nobody tells it: it looks by itself
        until(lambda: runner.snapshot().connected)
        enrolling.leave(house, WHO)
        until(lambda: not runner.snapshot().links)


def test_a_change_of_key_keeps_the_old_name_and_the_link(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub) as runner:
        old = name_of(house)
        offer, _ = house.store.run(WHO, lambda tx: enrolling._offer_rotation(house, tx))
        assert runner.rotate(offer.key, 20.0) == offer.key.id
        house.store.run(
            WHO,
            lambda tx: enrolling._adopt(
                house,
                tx,
                offer,
                enrolling.asking.Welcomed(f"{offer.key.id}.relay.localhost", hub.hub.port),
                "relay.rotated",
            ),
        )
        runner.look()
        assert name_of(house) != old
        until(lambda: runner.snapshot().connected and runner.snapshot().host == name_of(house))
        for name in (old, name_of(house)):
            until(lambda name=name: _answers(hub, name))


def test_rotation_needs_a_link(house: House, hub: RunningHub) -> None:
    runner = make(house)
    with pytest.raises(Problem, match=r"relay\.not_linked"):
        runner.rotate(Identity.new(), 1.0)


def test_what_the_hub_says_is_written_down(house: House, hub: RunningHub) -> None:
    with linked(house, hub) as runner:
        id_ = name_of(house).partition(".")[0]
        hub.ask(lambda: hub.hub.registry.revoke(id_))
        until(lambda: not runner.snapshot().connected)
        until(lambda: identity.current(house).state == identity.REVOKED)  # type: ignore[union-attr]
        assert runner.snapshot().links[0].phase == "refused"
        assert runner.snapshot().links[0].code == "revoked"
        assert within(15, lambda: runner.probe(20.0)) < 15  # still revoked: said at once
        hub.ask(lambda: hub.hub.registry.restore(id_))
        until(lambda: runner.probe(20.0).connected)  # who asks need not wait for the slow next try
        until(lambda: identity.current(house).state == identity.ENROLLED)  # type: ignore[union-attr]


def test_a_hub_that_falls_silent_shows_at_once_and_comes_back(house: House, tmp_path: Path) -> None:
    with (
        running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as hub,
        served(house),
        linked(house, hub) as runner,
    ):
        until(lambda: runner.snapshot().reachable)
        hub.ask(lambda: time.sleep(0))
        done = hub.loop.call_soon_threadsafe(time.sleep, 6)  # the hub's loop stands still: no FIN, no answer
        assert done is not None
        assert within(10, lambda: not runner.snapshot().connected) < 6
        assert runner.snapshot().reachable is False
        until(lambda: runner.snapshot().reachable)


def test_a_foreign_key_on_the_way_is_found(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody with a certificate for our name answers in our place: his key is not ours."""
    with served(house), linked(house, hub) as runner:
        until(lambda: runner.snapshot().reachable)
        carried = runner._carried
        assert carried is not None
        carried._pins = lambda: ("A" * 43,)
        carried.clock.last = float("-inf")
        shown = runner.probe(20.0)
        assert shown.probe is not None
        assert shown.probe.code == probe.FOREIGN
        assert shown.reachable is False
        assert shown.connected


def test_whoever_reads_the_state_has_it_made_true(house: House, hub: RunningHub) -> None:
    with served(house) as server, linked(house, hub) as runner:
        until(lambda: runner.snapshot().reachable)
        house.shared["url"] = "http://127.0.0.1:1"  # our doors are gone, the link is not
        runner.read()
        assert runner.snapshot().reachable  # young enough
        carried = runner._carried
        assert carried is not None
        carried.clock.last -= 9.0
        runner.read()
        until(lambda: runner.snapshot().reachable is False)
        assert runner.snapshot().connected
        assert server is not None


def _refused(hub: RunningHub, name: str) -> bool:
    try:
        come(hub, name).close()
    except OSError:
        return True
    return False


def test_draining_takes_nobody_new_and_lets_guests_finish(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub) as runner:
        name = name_of(house)
        guest = come(hub, name)
        guest.sendall(f"GET /health/live HTTP/1.1\r\nHost: {name}\r\n".encode())
        until(lambda: runner.snapshot().links[0].streams == 1)
        house.state = State.DRAINING
        until(lambda: not runner.snapshot().links)
        until(lambda: _refused(hub, name))  # the hub hears of it a moment after we let go
        guest.sendall(b"\r\n")
        assert guest.recv(4096).startswith(b"HTTP/1.1 200")
        guest.close()


def test_one_of_two_nodes_dials_and_the_other_takes_over(postgres_houses: Houses, hub: RunningHub) -> None:
    house = postgres_houses.open()
    twin = postgres_houses.twin(house)
    with linked(house, hub) as first, keeping(twin) as second:
        time.sleep(1.5)
        assert not second.snapshot().holds
        assert not second.snapshot().links
        house.state = State.DRAINING
        assert within(30, lambda: second.snapshot().connected) < 20
        assert not first.snapshot().holds
        with house.store.read(WHO) as tx:
            lease = leases.current(tx, LEASE, INSTALLATION)
        assert lease is not None
        assert lease.holder == twin.node


def test_a_loop_that_dies_is_replaced(house: House, hub: RunningHub) -> None:
    with served(house), linked(house, hub) as runner:
        for _ in range(2):
            thread = runner._loop._thread
            runner._loop.post(runner._loop._halt)
            until(lambda thread=thread: runner._loop._thread is not thread and runner._loop.alive)
            until(lambda: runner.snapshot().reachable)


def test_faults_of_the_store_do_not_end_the_runner(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = settings.chosen, [3]

    def faulty(*args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("the store does not answer")
        return real(*args)

    with linked(house, hub) as runner:
        monkeypatch.setattr(settings, "chosen", faulty)
        until(lambda: not left[0])
        assert runner.snapshot().connected
        set_(house, settings.ENABLED, False)
        until(lambda: not runner.snapshot().links)


@pytest.mark.parametrize(("failures", "pause"), [(0, 300), (1, 10), (2, 20), (3, 40), (6, 300), (40, 300)])
def test_when_the_next_call_from_outside_is_due(failures: int, pause: float) -> None:
    clock = runner_shown.ProbeClock(300.0)
    assert clock.due(0.0)
    for _ in range(failures):
        clock.made(100.0, False)
    if not failures:
        clock.made(100.0, True)
    assert not clock.due(100.0 + pause - 0.1)
    assert clock.due(100.0 + pause)
    assert not clock.wanted(107.9)
    assert clock.wanted(108.1)
    assert not clock.allowed(104.9)
    assert clock.allowed(105.0)
    clock.came_up()
    assert clock.due(100.0)


def test_a_probe_of_an_earlier_link_says_nothing_of_the_present(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.Event] = []

    async def slow(*_args: Any) -> probe.Fetched:
        asked.append(asyncio.Event())
        if len(asked) == 1:
            await asked[0].wait()
            return probe.Fetched(probe.TIMEOUT, None, 1)
        return probe.Fetched(None, 200, 1)

    monkeypatch.setattr(runner_loop.probes, "call", slow)
    with linked(house, hub) as runner:
        until(lambda: len(asked) == 1)
        before = hub.ask(lambda: list(hub.hub.links.all()))
        hub.ask(lambda: [link.drop("restart") for link in before])
        until(lambda: hub.ask(lambda: [one for one in hub.hub.links.all() if one not in before]))
        until(lambda: runner.snapshot().connected)
        runner._loop.post(asked[0].set)
        until(lambda: runner.snapshot().reachable)
        assert len(asked) >= 2
