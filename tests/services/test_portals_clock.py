"""A clock that was ahead and has been put right does not stop the comparison."""

from collections.abc import Iterator

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.portals import engine_checks, engine_store
from praxisd.services.portals.portal import FAILING
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, booking, in_memory, stage_of


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


@pytest.mark.parametrize("ahead", [3_600, DAY, 400 * DAY])
@pytest.mark.parametrize("how", ["good", "failed"])
def test_what_a_clock_noted_that_was_ahead_stops_nothing(stage: Stage, ahead: int, how: str) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.cycle(portal)
    stage.wait(ahead)
    if how == "failed":
        stage.world.fails["upload"] = Problem(FAILING, 502, retry=False)
        stage.book(START + ahead + DAY)
    for _ in range(2):
        stage.wait(portal.interval)
        stage.cycle(portal)
    stage.world.fails.clear()
    stage.house.clock.set(stage.house.clock.now() - ahead)  # type: ignore[attr-defined]
    stage.book(START + DAY)
    stage.world.bookings = [booking(1, START + 2 * DAY)]
    now = stage.house.clock.now()
    assert stage.read(lambda tx: engine_store.due(tx, now)) == [(stage.practice.organization, portal.id)]
    report = stage.cycle(portal)
    assert (report.state, report.bookings, [one.code for one in report.results]) == ("done", 1, [None])
    assert START + DAY in {start for start, _ in stage.world.taken["Sprechstunde"]}
    row = stage.contact(portal)
    assert (row.contacted_at, row.due_at, row.good_at) == (now, now + portal.interval, now)
    assert stage.state(link).good_at == now
    assert stage.cycle(portal).state == "early"


def test_a_good_comparison_that_is_still_to_come_is_none(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.switch()
    stage.wait(DAY)
    stage.cycle(portal)
    stage.house.clock.set(START)  # type: ignore[attr-defined]
    found = [one.subject for one in engine_checks.in_step(stage.house)]
    assert found == [f"OnlineCalendar/{link.id}"]
    stage.cycle(portal)
    assert list(engine_checks.in_step(stage.house)) == []
