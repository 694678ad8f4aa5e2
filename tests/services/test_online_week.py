"""A few hours of the simulated week (`make torture ONLINE=1` lives through all of it), and proofs that its judges see faults."""

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import columns
from praxisd.testing import online_oracle, online_week
from praxisd.testing.houses import Houses
from praxisd.testing.online_world import CANARY, World, build

pytestmark = pytest.mark.judge

HOURS = 2


def test_portals_and_practice_agree_after_hours_of_trouble(
    houses: Houses, clock: FrozenClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    several = houses.engine == "postgresql"
    result = online_week.run(
        lambda: houses.open(clock=clock),
        lambda house: houses.twin(house, clock),
        tmp_path_factory.mktemp("portals"),
        clock,
        days=HOURS / 24,
        seed=20261127,
        nodes=2 if several else 1,
        twins=several,
    )
    assert result.faults == [], result.report()
    assert result.uploads > 10 and result.bookings > 3 and result.cycles["died"] > 0, result.report()


@pytest.fixture
def world(houses: Houses, clock: FrozenClock, tmp_path_factory: pytest.TempPathFactory) -> World:
    found = build([houses.open(clock=clock)], tmp_path_factory.mktemp("portals"), clock, 1)
    for site in found.sites:
        assert found.turn(found.house, site) is not None
    return found


def _in_step(world: World) -> None:
    for _ in range(4):
        world.clock.advance(121)
        world.settle()
        for site in world.sites:
            world.turn(world.house, site)


@pytest.mark.parametrize("houses", ["sqlite"], indirect=True)
def test_the_judges_see_what_is_wrong(world: World) -> None:
    try:
        start = (world.clock.now() // 86_400 + 1) * 86_400 + 8 * 3600

        def edit(house: House, tx: Tx) -> None:
            columns.add_reservation(
                house, tx, title=CANARY, schedules=world.practice.doctors, start=start, end=start + 7200
            )
            wish = calendar.Wish(
                service=world.practice.check, start=start + 9000, patient=world.patients[0], note=CANARY
            )
            calendar.book(house, tx, wish)

        _in_step(world)
        assert online_oracle.differences(world) == []
        world.write(edit)
        assert len(online_oracle.differences(world)) >= len(world.sites)  # not told yet: the judge sees it
        _in_step(world)
        assert online_oracle.differences(world) == []
        assert [fault for site in world.sites for fault in online_oracle.too_close(site)] == []
        assert online_oracle.leaks(world) == []
        # Each judge, shown its fault.
        tvs = next(one for one in world.sites if one.adapter == "tvs116117").program.tvs
        taken = next(one for one in tvs.slots.values() if one.status == "busy")
        tvs.set_status(taken.id, "free")
        assert [one for one in online_oracle.differences(world) if f"slot {taken.start}" in one]
        site = world.sites[0]
        name = site.calendars[world.practice.doctors[0]]
        period = site.program.board.period(name)
        site.program.board.upload(name, "api", period, [(start, start + 60)], 0)
        assert online_oracle.differences(world)
        for _ in range(2):
            world.turn(world.house, site, full=True, why="hand")
        assert online_oracle.too_close(site)
        spoil(site.recorder.port, f"PUT /note HTTP/1.1\r\n\r\n{CANARY}".encode())
        assert online_oracle.leaks(world)
    finally:
        world.close()


def spoil(port: int, data: bytes) -> None:
    """Somebody sends this through the recorder."""
    import socket

    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        while one.recv(4096):
            pass
