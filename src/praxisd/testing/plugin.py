"""pytest fixtures of praxisd, for our tests and those of plug-in authors: `pytest_plugins =
["praxisd.testing.plugin"]`.

`houses`, `make_house`, `house` and `store` run every test twice: on SQLite and on PostgreSQL. A test that
asks for
`sqlite_houses` or `postgres_houses` runs on that engine alone.
"""

import os
import socketserver
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.kernel import sqlite_files
from praxisd.kernel import store as kernel_store
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.store import Store
from praxisd.testing import tenancy
from praxisd.testing.houses import START, Houses

LOOK_S = 0.02


@pytest.fixture(scope="session", autouse=True)
def _tenancy_watch() -> Iterator[None]:
    """Every statement of every test is watched: see praxisd.testing.tenancy."""
    kernel_store.WATCHERS.append(tenancy.watch)
    yield
    kernel_store.WATCHERS.remove(tenancy.watch)


@pytest.fixture(scope="session", autouse=True)
def _no_power_cut() -> Iterator[None]:
    """No test in this process lives through a power cut, so none waits for a disk: with a database for each test that is
    a quarter of their time. Programs that are started, killed and looked at afterwards write as they do for people.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _file: None)
        swift = tuple("synchronous=OFF" if "synchronous" in one else one for one in sqlite_files.WRITING)
        patched.setattr(sqlite_files, "WRITING", swift)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_slow_ends() -> Iterator[None]:
    """A server of the standard library looks every tenth to every half of a second whether it is to end, and a test that
    brought one up waits for that look: here they look fifty times a second.
    """
    begin = socketserver.BaseServer.serve_forever

    def serve_forever(self: socketserver.BaseServer, poll_interval: float = LOOK_S) -> None:
        begin(self, min(poll_interval, LOOK_S))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socketserver.BaseServer, "serve_forever", serve_forever)
        yield


@pytest.fixture
def clock() -> FrozenClock:
    """The frozen clock of `house` and of `make_house` without a clock: Monday, 23 November 2026, 09:00 in
    Berlin.
    """
    return FrozenClock(START)


@pytest.fixture
def sqlite_houses(tmp_path: Path) -> Iterator[Houses]:
    """Houses on SQLite only."""
    found = Houses("sqlite", tmp_path)
    yield found
    found.close()


@pytest.fixture
def postgres_houses(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Houses]:
    """Houses on PostgreSQL only; databases are dropped at the end of the test."""
    server = request.getfixturevalue("postgres_server")
    made: list[str] = []

    def new_database(template: str | None) -> str:
        url = str(server.new_database(template))
        if template is not None:
            made.append(url)
        return url

    found = Houses("postgresql", tmp_path, new_database)
    yield found
    found.close()
    for url in made:
        server.drop_database_soon(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request: pytest.FixtureRequest) -> Houses:
    """Houses on each engine in turn."""
    name = "sqlite_houses" if request.param == "sqlite" else "postgres_houses"
    found: Houses = request.getfixturevalue(name)
    return found


@pytest.fixture
def make_house(houses: Houses, clock: FrozenClock) -> Callable[..., House]:
    """`make_house(services=None, clock=None, **config)` opens a House on a fresh database."""

    def make(services: object = None, own_clock: object = None, **config: object) -> House:
        return houses.open(services, own_clock or clock, **config)  # type: ignore[arg-type]

    return make


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A House with all built-in services; no background thread runs."""
    return make_house()


@pytest.fixture
def store(house: House) -> Store:
    """The store of `house`."""
    return house.store
