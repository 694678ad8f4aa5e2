"""What a cycle brings in and tells beside busy times: bookings, decisions, busy times of the portal, unknown times, hours."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import insert, mine
from praxisd.model.portals import OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import (
    cycle_intake,
    cycle_store,
    engine,
    engine_blockers,
    engine_offers,
    engine_store,
    store,
)
from praxisd.services.portals.portal import BOOKING_GONE, FAILING, Blocker, Reply, Unknown
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, booking, in_memory, stage_of

HOUR = 3_600


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


def requests(stage: Stage) -> list[Any]:
    return stage.read(store.REQUESTS.all)


def answer(
    stage: Stage, portal: OnlinePortal, kind: str = "accepted", remote: str = "b1", **more: Any
) -> str:
    """A decision on its way to the portal."""
    id_ = new_id()

    def work(tx: Any) -> None:
        row = {"start": None, "end": None, "reason": "", "request": None} | more
        tx.run(
            insert(store.ANSWER), id=id_, portal=portal.id, remote=remote, kind=kind, state="open", attempts=0,
            next_at=tx.now, code=None, created_at=tx.now, sent_at=None, **row,
        )  # fmt: skip
        engine.hurry(tx, portal.id)

    stage.run(work)
    return id_


def told(stage: Stage, id_: str) -> Any:
    return stage.read(
        lambda tx: tx.first(sa.select(store.ANSWER).where(mine(store.ANSWER), store.ANSWER.c.id == id_))
    )


def test_each_booking_reaches_the_desk_once_and_blocks_its_time(stage: Stage) -> None:
    portal = stage.portal(services={"Kontrolle": stage.practice.check})
    link = stage.link(portal)
    stage.world.bookings = [
        booking(1, START + DAY, kind="Kontrolle"),
        booking(2, START + DAY + HOUR, kind="Kontrolle"),
    ]
    assert stage.cycle(portal).bookings == 2
    assert sorted(one.remote for one in requests(stage)) == ["b1", "b2"]
    assert stage.contact(portal).mark == "2"
    for _ in range(3):
        stage.wait(portal.interval)
        assert stage.cycle(portal).bookings == 0
    assert len(requests(stage)) == 2
    assert stage.world.taken["Sprechstunde"] == stage.busy(link)
    assert [start for start, _ in stage.busy(link)] == [START + DAY, START + DAY + HOUR]


def test_the_mark_moves_on_only_when_every_booking_is_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from praxisd.services.portals import desk_take

    portal = stage.portal()
    stage.link(portal)
    stage.world.bookings = [booking(1, START + DAY), booking(2, START + DAY + HOUR)]
    whole = desk_take.take_in

    def broken(house: Any, tx: Any, one: Any, link: Any, told: Any) -> Any:
        if told.id == "b1":
            raise LookupError("no such thing")
        return whole(house, tx, one, link, told)

    monkeypatch.setattr(desk_take, "take_in", broken)
    report = stage.cycle(portal)
    assert (report.state, report.bookings) == ("done", 1)
    row = stage.contact(portal)
    assert (row.mark, row.code, row.failures) == (None, "portals.booking_stuck", 0)
    monkeypatch.setattr(desk_take, "take_in", whole)
    stage.wait(portal.interval)
    assert stage.cycle(portal).bookings == 1
    assert (stage.contact(portal).mark, stage.contact(portal).code) == ("2", None)
    assert len(requests(stage)) == 2


def test_a_decision_is_told_once_and_the_newest_alone(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.bookings = [booking(1, START + DAY)]
    stage.cycle(portal)
    old = answer(stage, portal, "proposed", start=START + 2 * DAY, end=START + 2 * DAY + 900)
    new = answer(stage, portal)
    stage.wait(60)
    stage.cycle(portal)
    stage.wait(60)
    stage.cycle(portal)
    assert stage.world.replies == [Reply("b1", "accepted")]
    assert (told(stage, old).state, told(stage, new).state) == ("superseded", "sent")
    assert told(stage, new).sent_at == START + 60
    assert stage.world.said().count("answer") == 1


def test_a_decision_comes_as_early_as_the_portal_allows(stage: Stage) -> None:
    portal = stage.portal(interval=600)
    stage.link(portal)
    stage.world.bookings = [booking(1, START + DAY)]
    stage.cycle(portal)
    stage.wait(20)
    answer(stage, portal)
    assert stage.contact(portal).due_at == START + 60
    stage.wait(40)
    assert stage.cycle(portal).state == "done"
    assert [one.kind for one in stage.world.replies] == ["accepted"]


def test_a_decision_that_fails_is_tried_again_or_given_up(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.bookings = [booking(1, START + DAY)]
    stage.cycle(portal)
    later, never = answer(stage, portal), answer(stage, portal, remote="gone")
    stage.world.fails["answer"] = Problem(FAILING, 502, retry=True)
    stage.wait(portal.interval)
    assert stage.cycle(portal).state == "done"
    assert (told(stage, later).state, told(stage, later).code, told(stage, later).attempts) == (
        "open",
        FAILING,
        1,
    )
    stage.world.fails.clear()
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert (told(stage, later).state, told(stage, never).state) == ("sent", "failed")
    assert told(stage, never).code == BOOKING_GONE
    stage.cycle(portal, "hand")  # a person has it tried once more
    assert (told(stage, never).state, told(stage, never).attempts) == ("failed", 3)


def test_busy_times_of_the_portal_are_taken_here_and_given_up_with_it(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.world.blocked["Sprechstunde"] = [Blocker("x1", START + DAY, START + DAY + HOUR)]
    stage.cycle(portal)
    (kept,) = stage.read(lambda tx: cycle_store.blocked_by(tx, portal.id))
    here = stage.read(lambda tx: calendar.busy(stage.house, tx, link.schedule, START, START + 2 * DAY))
    assert [(one.start, one.end) for one in here] == [(START + DAY, START + DAY + HOUR)]
    assert stage.world.taken["Sprechstunde"] == ()  # not told of its own
    with pytest.raises(Problem):
        stage.book(START + DAY)
    stage.world.blocked["Sprechstunde"] = [Blocker("x1", START + DAY + HOUR, START + DAY + 2 * HOUR)]
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.read(lambda tx: cycle_store.blocked_by(tx, portal.id)) == [kept]  # moved in one step
    stage.book(START + DAY)
    stage.world.blocked.clear()
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.read(lambda tx: cycle_store.blocked_by(tx, portal.id)) == []
    stage.book(START + DAY + HOUR)


def test_a_busy_time_over_an_appointment_is_one_conflict_until_it_goes(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stands = stage.book(START + DAY)
    stage.world.blocked["Sprechstunde"] = [Blocker("x1", START + DAY, START + DAY + HOUR)]
    for _ in range(3):
        stage.cycle(portal)
        stage.wait(portal.interval)
    (found,) = stage.read(calendar.open_conflicts)
    assert found.code == engine_blockers.BLOCKED
    stage.run(lambda tx: calendar.cancel(stage.house, tx, stands))
    stage.handle()
    stage.cycle(portal)
    assert stage.read(calendar.open_conflicts) == []
    assert len(stage.read(lambda tx: cycle_store.blocked_by(tx, portal.id))) == 1


def test_a_conflict_ends_with_the_busy_time_of_the_portal(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + DAY)
    stage.world.blocked["Sprechstunde"] = [Blocker("x1", START + DAY, START + DAY + HOUR)]
    stage.cycle(portal)
    assert len(stage.read(calendar.open_conflicts)) == 1
    stage.world.blocked.clear()
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.read(calendar.open_conflicts) == []
    assert stage.read(lambda tx: cycle_store.blockers(tx, portal.id, link.id)) == {}


def test_unknown_times_wait_for_a_person_and_the_choice_is_told(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.unknown = [
        Unknown("s1", "Sprechstunde", START + DAY, START + DAY + 900, "3"),
        Unknown("s2", "Fremd", START + DAY, START + DAY + 900),
    ]
    stage.cycle(portal)
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert [row.remote for row in stage.read(cycle_store.unknowns)] == ["s1", "s2"]
    assert stage.run(lambda tx: cycle_store.choose(tx, portal.id, "s1", "delete"))
    assert not stage.run(lambda tx: cycle_store.choose(tx, portal.id, "s9", "keep"))
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.world.settled == [("s1", "delete")]
    assert [row.remote for row in stage.read(cycle_store.unknowns)] == ["s2"]
    stage.world.unknown = []
    stage.cycle(portal, "hand", full=True)
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert stage.read(cycle_store.unknowns) == []


def test_times_are_offered_one_by_one(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.book(START + DAY)
    got = engine_offers.offer(
        stage.house, stage.actor, portal.id, link.id, START + DAY, START + DAY + 2 * HOUR, 30
    )
    assert [(one.start, code) for one, code in got] == [
        (START + DAY + 1_800, None),
        (START + DAY + 3_600, "portals.refused"),
        (START + DAY + 5_400, None),
    ]
    assert stage.contact(portal).contacted_at == START
    assert stage.cycle(portal).state == "early"


def test_uploads_go_on_while_bookings_cannot_be_fetched(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.fails["fetch"] = Problem(FAILING, 502, retry=True)
    for number in range(5):
        stage.book(START + DAY + number * HOUR)
        report = stage.cycle(portal)
        assert (report.state, report.code, [one.uploaded for one in report.results]) == (
            "done",
            FAILING,
            [number + 1],
        )
        stage.wait(portal.interval)
    assert (stage.contact(portal).code, stage.contact(portal).failures) == (FAILING, 0)
    stage.world.fails.clear()
    stage.cycle(portal)
    assert stage.contact(portal).code is None
    found = stage.read(lambda tx: events.since(tx, 0, types=("sync.failed", "sync.recovered")))
    assert [one.type for one in found] == ["sync.failed", "sync.recovered"]


def test_bookings_come_in_while_one_calendar_does_not_work(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.fails["upload"] = Problem(FAILING, 502, retry=True)
    stage.world.bookings = [booking(1, START + DAY)]
    report = stage.cycle(portal)
    assert (report.bookings, [one.code for one in report.results]) == (1, [FAILING])


def test_a_restart_between_fetching_and_keeping_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.world.bookings = [booking(1, START + DAY), booking(2, START + DAY + HOUR)]
    whole = cycle_intake._take

    class Killed(BaseException):
        pass

    def die(one: Any, told: Any) -> bool:
        if told.id == "b2":
            raise Killed
        return whole(one, told)

    monkeypatch.setattr(cycle_intake, "_take", die)
    with pytest.raises(Killed):
        stage.cycle(portal)
    monkeypatch.setattr(cycle_intake, "_take", whole)
    assert [one.remote for one in requests(stage)] == ["b1"]
    stage.wait(portal.interval)
    assert stage.cycle(portal).bookings == 1
    assert sorted(one.remote for one in requests(stage)) == ["b1", "b2"]


def test_the_chain_knows_since_when_the_portal_shows_an_appointment(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    stage.cycle(portal)
    stage.wait(20)
    one = stage.book(START + DAY)
    far = stage.book(START + 20 * DAY)

    def shown(id_: str) -> list[engine.Shown]:
        return stage.read(lambda tx: engine.on_portals(tx, calendar.get(tx, id_)))

    assert shown(one) == [("Sprechstunde", "Portal", None, None)]
    assert shown(far) == []  # the portal does not ask for that day yet
    stage.wait(100)
    stage.cycle(portal)
    assert shown(one) == [("Sprechstunde", "Portal", START + 120, None)]
    for _ in range(3):
        stage.wait(120)
        stage.cycle(portal, "hand")
    assert shown(one) == [("Sprechstunde", "Portal", START + 120, None)]
    stage.run(lambda tx: engine_store.drop_uploads(tx, tx.now + 1))
    assert shown(one)[0].at == stage.state(link).good_at
    stage.run(lambda tx: calendar.cancel(stage.house, tx, one))
    assert shown(one) == []
