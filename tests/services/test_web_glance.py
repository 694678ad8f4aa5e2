"""What every request needs to know of the store is read once after a commit, for all who ask: maintenance, and what is shared."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from praxisd.kernel import events, glance, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses

from . import web_sample
from .web_sample.serving import Running, running

SERVICES = (KERNEL, web_sample.SERVICE)
AT_ONCE = 12


def begin(house: House) -> None:
    house.store.run(system("test"), lambda tx: maintenance.begin(tx, "test", 60))


def end(house: House) -> None:
    house.store.run(system("test"), lambda tx: maintenance.end(tx, "test"))


def commit(house: House) -> None:
    house.store.run(system("test"), lambda tx: events.set_cursor(tx, "test:glance", 1))


class Reads:
    """Counts the transactions that threads of the door begin in the real store."""

    def __init__(self, house: House) -> None:
        self._lock = threading.Lock()
        self._count = 0
        real = house.store.engine.read

        @contextmanager
        def read() -> Iterator[Any]:
            if threading.current_thread().name.startswith("praxisd-request"):
                with self._lock:
                    self._count += 1
            with real() as cursor:
                yield cursor

        house.store.engine.read = read  # type: ignore[method-assign]

    def new(self) -> int:
        """How many since the last time."""
        with self._lock:
            found, self._count = self._count, 0
        return found


@pytest.fixture
def one(sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Where no other process writes, and no commit is too young to be looked at."""
    monkeypatch.setattr(glance, "LOOK_S", 0.0)
    with running(sqlite_houses.open(SERVICES, request_threads=AT_ONCE)) as server:
        yield server


def quick(server: Running) -> int:
    return server.http.get("/api/v1/quick").status_code


def test_the_door_asks_once_after_a_commit_and_not_at_all_without(one: Running) -> None:
    reads = Reads(one.house)
    assert quick(one) == 200 and reads.new() == 1, "the first request knows nothing yet"
    assert quick(one) == 200 and reads.new() == 0
    for change, status in ((commit, 200), (begin, 503), (commit, 503), (end, 200)):
        change(one.house)
        assert quick(one) == status and reads.new() == 1, change
        assert quick(one) == status and reads.new() == 0, change


def test_of_all_who_come_at_once_after_a_commit_one_asks(one: Running) -> None:
    reads = Reads(one.house)
    gate = threading.Barrier(AT_ONCE)

    def come(_number: int) -> int:
        gate.wait(30)
        return quick(one)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(5):
            commit(one.house)
            assert list(pool.map(come, range(AT_ONCE))) == [200] * AT_ONCE
            assert reads.new() == 1


def test_what_is_committed_while_it_is_read_is_not_missed(houses: Houses) -> None:
    house = houses.open(SERVICES)
    known, real = glance.of(house), house.store.engine.read

    @contextmanager
    def read() -> Iterator[Any]:
        with real() as cursor:
            yield cursor
        house.store.engine.read = real  # type: ignore[method-assign]
        begin(house)

    house.store.engine.read = read  # type: ignore[method-assign,assignment]
    known.look()
    assert known.closed is None and not known.fresh
    known.look()
    assert known.closed is not None and known.fresh


def test_a_commit_of_this_process_that_matters_is_known_at_once_and_others_are_for_a_second(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "LOOK_S", 600.0)
    house = houses.open(SERVICES)
    known = glance.of(house)
    known.look()
    commit(house)
    assert known.fresh
    begin(house)
    assert not known.fresh
    known.look()
    assert known.closed is not None and known.refusal() is not None and known.fresh
