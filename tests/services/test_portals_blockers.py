"""Busy times entered at a portal: its own bookings among them, what the desk does to their reservations, parts that are free."""

from collections.abc import Iterator
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import cycle_store, engine_blockers, engine_checks, links, store
from praxisd.services.portals.cycle import CRASHED
from praxisd.services.portals.portal import Blocker
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, booking, in_memory, stage_of

HOUR = 3_600
NINE = START + DAY
HALF = 1_800


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


@pytest.fixture
def portal(stage: Stage) -> OnlinePortal:
    return stage.portal(services={"Kontrolle": stage.practice.check})


@pytest.fixture
def link(stage: Stage, portal: OnlinePortal) -> OnlineCalendar:
    return stage.link(portal)


def blocked(stage: Stage, *times: tuple[str, int, int]) -> None:
    stage.world.blocked["Sprechstunde"] = [Blocker(*one) for one in times]


def turn(stage: Stage, portal: OnlinePortal) -> Any:
    """A cycle at its time, and what follows from it."""
    stage.wait(portal.interval)
    report = stage.cycle(portal)
    stage.handle()
    assert report.state == "done"
    return report


def reserved(stage: Stage, link: OnlineCalendar) -> list[tuple[int, int]]:
    """What takes the column but appointments, until the end of the week."""
    rows = stage.read(lambda tx: calendar.standing(tx, link.schedule, START, START + 7 * DAY))
    joined: dict[str, tuple[int, int]] = {}
    for start, end, owner in sorted(rows):
        if owner.startswith("Reservation/"):
            low, high = joined.get(owner, (start, end))
            joined[owner] = min(low, start), max(high, end)
    return sorted(joined.values())


def appointments(stage: Stage) -> list[tuple[int, str]]:
    """When the appointments of the requests are, and how they stand."""

    def work(tx: Any) -> list[tuple[int, str]]:
        found = [calendar.get(tx, one.appointment) for one in store.REQUESTS.all(tx) if one.appointment]
        return sorted((one.start, one.status) for one in found)

    return stage.read(work)


def conflicts(stage: Stage) -> list[Any]:
    return stage.read(calendar.open_conflicts)


@pytest.mark.parametrize("first", ["booking", "blocker"])
def test_a_booking_of_the_portal_is_no_conflict_with_its_own_busy_time(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar, first: str
) -> None:
    if first == "booking":
        stage.world.bookings = [booking(1, NINE, kind="Kontrolle")]
        turn(stage, portal)
    blocked(stage, ("k1", NINE, NINE + HALF))
    turn(stage, portal)
    stage.world.bookings = [booking(1, NINE, kind="Kontrolle")]
    for _ in range(3):
        turn(stage, portal)
        assert appointments(stage) == [(NINE, "pending")]
        assert (conflicts(stage), reserved(stage, link)) == ([], [])
    blocked(stage)
    turn(stage, portal)
    assert (appointments(stage), conflicts(stage)) == ([(NINE, "pending")], [])


def test_a_booking_by_mail_that_names_no_calendar_takes_the_column_of_its_busy_time(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    from praxisd.services.portals.requests import Incoming, receive

    other = stage.link(portal, "Prophylaxe", 1)
    stage.world.blocked["Prophylaxe"] = [
        Blocker("k1", NINE, NINE + HALF),
        Blocker("k2", NINE + HALF, NINE + HOUR),
    ]
    turn(stage, portal)
    told = booking(1, NINE).told
    said = Incoming("mailbox", "1007", told, NINE, service=stage.practice.check, portal=portal)
    assert stage.run(lambda tx: receive(stage.house, tx, said)) == "new"
    (one,) = stage.read(store.REQUESTS.all)
    made = stage.read(lambda tx: calendar.get(tx, one.appointment))
    assert (made.status, made.schedules[0]) == ("pending", other.schedule)
    turn(stage, portal)
    assert conflicts(stage) == []
    low = made.end + made.buffer_after * 60
    assert reserved(stage, other) == [(low, NINE + HOUR)]
    assert reserved(stage, link) == []


def test_what_another_has_blocked_does_not_give_way(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    blocked(stage, ("k1", NINE, NINE + HALF))
    turn(stage, portal)
    own = {"schedules": (link.schedule,), "start": NINE, "end": NINE + HOUR, "title": "Besprechung"}
    stage.run(lambda tx: calendar.add_reservation(stage.house, tx, **own))
    stage.world.bookings = [booking(1, NINE, kind="Kontrolle")]
    turn(stage, portal)
    assert appointments(stage) == [(NINE, "proposed")]
    assert len(conflicts(stage)) == 1


def test_a_booking_without_room_and_its_busy_time_are_one_conflict(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    stage.book(NINE)
    stage.world.bookings = [booking(1, NINE, kind="Kontrolle")]
    blocked(stage, ("k1", NINE, NINE + HALF))
    for _ in range(2):
        turn(stage, portal)
        assert appointments(stage) == [(NINE, "proposed")]
        assert [one.appointment is not None for one in conflicts(stage)] == [True]


def test_the_rest_of_a_longer_busy_time_is_reserved_around_the_portal_s_booking(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    stage.world.bookings = [booking(1, NINE + HOUR, kind="Kontrolle")]
    blocked(stage, ("k1", NINE, NINE + 4 * HOUR))
    turn(stage, portal)
    turn(stage, portal)
    (made,) = [
        stage.read(lambda tx, i=one.appointment: calendar.get(tx, i))
        for one in stage.read(store.REQUESTS.all)
    ]
    low, high = made.start - made.buffer_before * 60, made.end + made.buffer_after * 60
    assert reserved(stage, link) == [(NINE, low), (high, NINE + 4 * HOUR)]
    assert conflicts(stage) == []


@pytest.mark.parametrize("what", ["deleted", "moved", "longer"])
def test_what_the_desk_did_to_the_reservation_neither_frees_what_is_busy_at_the_portal_nor_is_undone(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar, what: str
) -> None:
    blocked(stage, ("k1", NINE, NINE + HOUR))
    turn(stage, portal)
    (id_,) = stage.read(lambda tx: cycle_store.blocked_by(tx, portal.id))
    times = {"moved": (NINE + 5 * HOUR, NINE + 6 * HOUR), "longer": (NINE, NINE + 3 * HOUR)}
    own = [times[what]] if what in times else []
    if own:
        start, end = own[0]
        stage.run(lambda tx: calendar.edit_reservation(stage.house, tx, id_, None, start=start, end=end))
    else:
        stage.run(lambda tx: calendar.drop_reservation(stage.house, tx, id_, None))
    for _ in range(2):
        turn(stage, portal)
        assert reserved(stage, link) == sorted([(NINE, NINE + HOUR), *own])
        assert stage.world.taken["Sprechstunde"] == tuple(own), "not told of its own, but of the desk's"
    blocked(stage)
    turn(stage, portal)
    assert reserved(stage, link) == own


def test_one_that_grows_keeps_what_it_had_and_takes_what_is_free(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    blocked(stage, ("k1", NINE, NINE + HOUR))
    turn(stage, portal)
    stands = stage.book(NINE + HOUR)
    before = stage.read(events.head)
    blocked(stage, ("k1", NINE, NINE + 4 * HOUR))
    for _ in range(2):
        turn(stage, portal)
        kept = reserved(stage, link)
        assert kept[0] == (NINE, NINE + HOUR) and kept[1][1] == NINE + 4 * HOUR and len(kept) == 2
        assert [one.others for one in conflicts(stage)] == [(f"Appointment/{stands}",)]
    gone = stage.read(
        lambda tx: events.since(tx, before, types=("reservation.deleted", "reservation.changed"))
    )
    assert gone == [], "its time was never free in between"
    stage.run(lambda tx: calendar.cancel(stage.house, tx, stands))
    stage.handle()
    turn(stage, portal)
    assert conflicts(stage) == []
    assert reserved(stage, link) == [(NINE, NINE + 4 * HOUR)]
    blocked(stage)
    turn(stage, portal)
    assert reserved(stage, link) == []


def test_a_move_that_meets_an_appointment_ends_the_old_time_and_names_the_new_one(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    blocked(stage, ("k1", NINE, NINE + HOUR))
    turn(stage, portal)
    stage.book(NINE + 3 * HOUR)
    blocked(stage, ("k1", NINE + 3 * HOUR, NINE + 3 * HOUR + 600))
    turn(stage, portal)
    assert reserved(stage, link) == []
    assert [one.start for one in conflicts(stage)] == [NINE + 3 * HOUR]
    blocked(stage, ("k1", NINE, NINE + HOUR))
    turn(stage, portal)
    assert (reserved(stage, link), conflicts(stage)) == ([(NINE, NINE + HOUR)], [])


@pytest.mark.parametrize("days", [(-400, 400), (0, 3_000), (-10, -9)])
def test_a_busy_time_of_years_stops_nothing(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar, days: tuple[int, int]
) -> None:
    first, last = days
    blocked(stage, ("k1", START + first * DAY, START + last * DAY), ("k2", NINE, NINE + HOUR))
    report = turn(stage, portal)
    assert [one.code for one in report.results] == [None]
    here = reserved(stage, link)
    assert (NINE, NINE + HOUR) in here
    if last > 0:
        low, high = here[0]
        assert low <= START and high >= START + 7 * DAY
    else:
        assert len(here) == 1
    before = stage.read(events.head)
    turn(stage, portal)
    assert stage.read(lambda tx: events.since(tx, before, types=("reservation.changed",))) == []


def test_one_busy_time_that_is_not_taken_keeps_no_other(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine_blockers.settle

    def broken(house: Any, tx: Any, one: Any, where: Any, each: Any, span: Any) -> None:
        if each.id == "k1":
            raise Problem("calendar.range_too_long", 400, days=366)
        whole(house, tx, one, where, each, span)

    monkeypatch.setattr(engine_blockers, "settle", broken)
    blocked(stage, ("k1", NINE + HOUR, NINE + 2 * HOUR), ("k2", NINE, NINE + HOUR))
    report = turn(stage, portal)
    assert [one.code for one in report.results] == ["calendar.range_too_long"]
    assert reserved(stage, link) == [(NINE, NINE + HOUR)]


def test_a_failure_without_a_name_is_an_issue_all_the_same(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise Problem("calendar.range_too_long", 400, days=366)

    monkeypatch.setattr(engine_blockers, "differing", broken)
    blocked(stage, ("k1", NINE, NINE + HOUR))
    report = stage.cycle(portal)
    assert (report.state, report.code) == ("failed", CRASHED)
    assert [one.code for one in engine_checks.speaking(stage.house)] == [CRASHED]


def test_by_hand_right_after_an_upload_tells_its_count_without_another(
    stage: Stage, portal: OnlinePortal, link: OnlineCalendar
) -> None:
    stage.book(NINE)
    stage.cycle(portal)
    stage.wait(120)

    def by_hand(**more: Any) -> int | None:
        (one,) = stage.cycle(portal, "hand", **more).results
        return one.uploaded

    def uploads() -> int:
        return stage.world.said().count("upload")

    assert (by_hand(), uploads()) == (1, 2)
    for _ in range(5):
        stage.wait(10)
        assert (by_hand(), uploads()) == (1, 2)
    stage.book(NINE + HOUR)
    assert (by_hand(), uploads()) == (2, 3), "what has changed goes out at once"
    assert (by_hand(full=True), uploads()) == (2, 4)
    stage.run(lambda tx: links.resync(tx, link.id))
    assert (by_hand(), uploads()) == (2, 5)
    stage.wait(60)
    assert (by_hand(), uploads()) == (2, 6)
