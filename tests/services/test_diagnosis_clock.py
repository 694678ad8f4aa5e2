"""The server's clock against the time servers that a practice named, and time servers that are silent."""

import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis import machine_clock
from praxisd.services.diagnosis.machine_clock import Compared
from praxisd.testing.houses import Houses


@pytest.fixture
def house(sqlite_houses: Houses, clock: FrozenClock) -> House:
    return sqlite_houses.open(None, clock)


def checked(house: House) -> list[tuple[str, str, str]]:
    issues.run_checks(house, ["diagnosis.clock"])
    with house.store.read(system("test")) as tx:
        found = issues.list_all(tx)
    return [(i.code, i.subject, i.severity.value) for i in found if i.code.startswith("clock.ntp_")]


def test_the_clock_is_compared_only_where_a_server_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []
    told: dict[str, float | Exception] = {
        "near": 2.0,
        "off": -40.0,
        "far": 301.0,
        "silent": machine_clock.NoTime(),
    }

    def offset(host: str, port: int) -> float:
        asked.append((host, port))
        found = told.get(host, OSError())
        if isinstance(found, Exception):
            raise found
        return found

    def named(servers: str) -> list[tuple[str, str, str]]:
        house.store.run(system("test"), lambda tx: house.settings.put(tx, "diagnosis.ntp_server", servers))
        return checked(house)

    monkeypatch.setattr(machine_clock, "offset", offset)
    silent = [("clock.ntp_silent", "", "info")]
    assert checked(house) == [] and asked == [] and machine_clock.last(house) is None
    assert named("near") == [] and asked == [("near", 123)]
    assert machine_clock.last(house) == Compared("near", 123, 2.0, house.clock.now())
    assert named("silent, gone off:1123") == [("clock.ntp_differs", "", "warning")]
    assert asked[1:] == [("silent", 123), ("gone", 123), ("off", 1123)]
    assert named("far, near") == [("clock.ntp_differs", "", "error")]
    assert (
        named("silent, gone") == silent
    )  # nobody tells: nothing is known, and the answer of another is none
    assert machine_clock.last(house) is None
    assert named("") == []
    with pytest.raises(Problem):
        named("http://x/")


def test_a_time_server_that_fell_silent_is_told_of_when_it_stays_so(
    house: House, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = [0.5]

    def offset(_host: str, _port: int) -> float:
        if not told:
            raise machine_clock.NoTime
        return told[0]

    monkeypatch.setattr(machine_clock, "offset", offset)
    house.store.run(system("test"), lambda tx: house.settings.put(tx, "diagnosis.ntp_server", "konnektor"))
    assert checked(house) == []
    told.clear()
    clock.advance(3_600)
    assert checked(house) == []
    clock.advance(3_700)
    assert checked(house) == [("clock.ntp_silent", "", "info")]
    last = machine_clock.last(house)
    assert last is not None and last.at == clock.now() - 7_300
    told.append(-0.5)
    assert checked(house) == []
