"""Two nodes, frozen and killed ones: never two cycles of a portal at once, and an outdated upload is put right."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from praxisd.kernel.app import House
from praxisd.model.portals import OnlineCalendar
from praxisd.services.portals import engine, engine_store, links
from praxisd.services.portals.loop import Loop
from praxisd.testing.houses import START, Houses

from .portals_cast import Stage, in_memory, stage_of

HOUR = 3_600


@pytest.fixture
def stage(houses: Houses, house: House) -> Iterator[tuple[Stage, House]]:
    """A practice and a second node on its database (on SQLite only one of them serves; the lease does not know that)."""
    found = stage_of(house)
    with in_memory(found.world):
        yield found, houses.twin(house)


def test_only_one_node_speaks_with_a_portal(stage: tuple[Stage, House]) -> None:
    here, there = stage
    portal = here.portal()
    here.link(portal)
    seen: list[str] = []

    def meanwhile(_calendar: str) -> None:
        seen.append(here.cycle(portal, "hand", there).state)
        seen.append(here.cycle(portal, "hand").state)

    here.world.during = meanwhile
    assert here.cycle(portal).state == "done"
    assert seen == ["busy", "busy"]
    assert here.world.said().count("upload") == 1


def test_a_frozen_node_that_wakes_writes_nothing_and_its_upload_is_put_right(
    stage: tuple[Stage, House],
) -> None:
    here, there = stage
    portal = here.portal()
    link = here.link(portal)
    states: list[str] = []

    def freeze(_calendar: str) -> None:
        here.world.during = None
        here.wait(100)  # the lease runs out, the other node takes over and tells of a new appointment
        here.book(START + HOUR, house=there)
        here.wait(portal.interval)
        states.append(here.cycle(portal, "due", there).state)
        assert here.world.taken["Sprechstunde"] == here.busy(link) != ()

    here.world.during = freeze
    report = here.cycle(portal)
    assert (report.state, states) == ("lost", ["done"])
    assert here.world.taken["Sprechstunde"] == ()  # the old upload came after the new one
    assert here.state(link).force != engine_store.CLEAN
    here.wait(portal.interval)
    here.cycle(portal, "due", there)
    assert here.world.taken["Sprechstunde"] == here.busy(link) != ()


def test_one_that_wakes_after_all_was_well_again_is_put_right_too(stage: tuple[Stage, House]) -> None:
    here, there = stage
    portal = here.portal()
    link = here.link(portal)

    def freeze(_calendar: str) -> None:
        here.world.during = None
        here.book(START + HOUR, house=there)
        for _ in range(3):
            here.wait(portal.interval)
            here.cycle(portal, "due", there)
        assert here.state(link).force == engine_store.CLEAN

    here.world.during = freeze
    assert here.cycle(portal).state == "lost"
    assert here.world.taken["Sprechstunde"] == () != here.busy(link)
    here.wait(portal.interval)
    here.cycle(portal, "due", there)
    assert here.world.taken["Sprechstunde"] == here.busy(link)


def test_a_frozen_node_that_never_wakes_is_reckoned_with(stage: tuple[Stage, House]) -> None:
    """Its request may still be under way when the next node uploads: that one uploads once more."""
    here, there = stage
    portal = here.portal()
    link = here.link(portal)

    class Killed(BaseException):
        pass

    def die(_calendar: str) -> None:
        here.world.during = None
        raise Killed

    here.world.during = die
    with pytest.raises(Killed):
        here.cycle(portal)
    assert here.state(link).force == engine_store.UNDER_WAY
    assert here.cycle(portal, "due", there).state == "busy"
    here.wait(61)
    assert here.cycle(portal, "due", there).state == "early"  # the contact was noted before it was made
    here.book(START + HOUR, house=there)
    here.wait(portal.interval - 61)
    here.cycle(portal, "due", there)
    assert here.state(link).force == engine_store.OWED
    here.world.taken["Sprechstunde"] = ()  # now the dead node's upload arrives
    here.wait(portal.interval)
    here.cycle(portal, "due", there)
    assert here.world.taken["Sprechstunde"] == here.busy(link) != ()
    assert here.state(link).force == engine_store.CLEAN
    uploads = here.world.times("upload")
    assert [b - a for a, b in pairwise(uploads)] == [portal.interval] * 2


def test_a_restart_in_the_middle_of_a_cycle_is_not_closer_than_the_interval(
    stage: tuple[Stage, House],
) -> None:
    here, there = stage
    portal = here.portal(interval=60)
    here.link(portal)
    here.link(portal, "Prophylaxe", 1)

    class Killed(BaseException):
        pass

    def die(calendar: str) -> None:
        here.wait(20)
        if calendar == "Prophylaxe":
            here.world.during = None
            raise Killed

    here.world.during = die
    with pytest.raises(Killed):
        here.cycle(portal)
    first = here.world.times("upload")
    assert first == [START, START + 20]
    for _ in range(30):
        here.wait(5)
        here.cycle(portal, "due", there)
    by_calendar: dict[str, list[int]] = {}
    for call in here.world.calls:
        if call.what == "upload":
            by_calendar.setdefault(call.calendar, []).append(call.at)
    assert by_calendar["Sprechstunde"] == [START] or min(by_calendar["Sprechstunde"][1:]) >= START + 60
    assert by_calendar["Prophylaxe"][1] >= START + 20 + 60


def test_two_nodes_in_turn_keep_the_distance_between_them(stage: tuple[Stage, House]) -> None:
    here, there = stage
    portal = here.portal(interval=60)
    here.link(portal)
    for number in range(60):
        here.wait(7)
        here.book(START + HOUR + number * 900, minutes=15)
        here.handle()
        here.cycle(portal, "due", there if number % 2 else None)
    uploads = here.world.times("upload")
    assert len(uploads) > 5
    assert min(b - a for a, b in pairwise(uploads)) >= 60


def test_many_slow_calendars_keep_the_lease(stage: tuple[Stage, House]) -> None:
    here, there = stage
    columns = (*here.practice.doctors, *here.practice.chairs)
    here.world.names = tuple(f"Kalender {n}" for n in range(len(columns)))
    portal = here.portal(interval=60)
    for name, column in zip(here.world.names, columns, strict=True):
        wanted = OnlineCalendar(portal=portal.id, name=name, schedule=column)
        here.run(lambda tx, one=wanted: links.link(here.house, tx, one))
    states: list[str] = []

    def slow(_calendar: str) -> None:
        here.wait(30)
        states.append(here.cycle(portal, "due", there).state)

    here.world.during = slow
    report = here.cycle(portal)
    assert (report.state, [one.uploaded for one in report.results]) == ("done", [0] * 4)
    assert states == ["busy"] * 4
    assert here.contact(portal).due_at == START + 120 + 60


def test_loops_of_two_nodes_at_the_same_moment(stage: tuple[Stage, House]) -> None:
    here, there = stage
    portal = here.portal(interval=60)
    link = here.link(portal)
    here.switch()
    loops = [Loop(here.house), Loop(there)]
    for number in range(24):
        here.wait(15)
        if number % 3 == 0:
            here.book(START + HOUR + number * 900, minutes=15, house=(here.house, there)[number % 2])
            here.handle()
        threads = [threading.Thread(target=loop.step) for loop in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(loop.wait_idle(60) for loop in loops)
    here.wait(60)
    here.cycle(portal)
    uploads = here.world.times("upload")
    assert min(b - a for a, b in pairwise(uploads)) >= 60
    assert len(here.world.times("period")) <= (here.house.clock.now() - START) // 60 + 1
    assert here.world.taken["Sprechstunde"] == here.busy(link)


def test_a_server_that_stops_leaves_the_portal_at_the_next_call(stage: tuple[Stage, House]) -> None:
    here, there = stage
    portal = here.portal()
    here.link(portal)
    here.link(portal, "Prophylaxe", 1)
    stopping: list[bool] = []
    here.world.during = lambda _calendar: stopping.append(True)
    report = engine.run(here.house, here.actor, portal.id, stop=lambda: bool(stopping))
    assert report.state == "stopped"
    assert here.world.said() == ["period", "upload"]
    here.world.during = None
    here.wait(portal.interval)
    assert here.cycle(portal, "due", there).state == "done"  # the lease was given back
    assert set(here.world.taken) == {"Sprechstunde", "Prophylaxe"}
