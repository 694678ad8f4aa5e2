"""What the calendar remembers never shows: answers equal those of a house that has just been opened."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.services.calendar import api, finding, holds
from praxisd.services.calendar.booking import Wish
from praxisd.services.calendar.shapes import SlotQuery
from praxisd.services.calendar.view import Views, views
from praxisd.testing.practice import Practice, small_practice

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def practice(house):
    return small_practice(house)


def question(house, actor, service: str, begin: datetime, hours: float, **more) -> Call:
    query = SlotQuery(service=service, from_=begin.isoformat(), to=(begin + hours * HOUR).isoformat(), **more)
    return Call(
        house=house,
        actor=actor,
        path={},
        query=query,
        body=None,
        lang="de",
        if_match=None,
        fence=None,
        base_url="",
        headers={},
    )


def asked(call: Call):
    """As the door asks: memory first, then the thread."""
    return finding.kept(call) or finding.slots(call)


def afresh(call: Call):
    """The same from the database, with no memory at all."""
    kept = call.house.shared["calendar.views"]
    call.house.shared["calendar.views"] = Views()
    try:
        return finding.slots(call)
    finally:
        call.house.shared["calendar.views"] = kept


def one_change(house, practice: Practice, rng: Random) -> None:
    """Something that happens to a calendar; what is refused changes nothing, which is a case of its own."""
    start = int((MONDAY + rng.randrange(24 * 6) * HOUR / 6).timestamp())
    service = rng.choice((practice.check, practice.surgery, practice.talk))
    wish = Wish(service=service, start=start, patient=practice.patient)

    def booked_then_broken(tx) -> None:
        api.book(house, tx, wish)
        api.free(house, tx, service, start, start + 86_400)
        raise Problem("test.broken", 400)

    def closed_then_broken(tx) -> None:
        api.edit_schedule(house, tx, practice.doctors[0], None, active=False)
        api.free(house, tx, service, start, start + 86_400)
        raise Problem("test.broken", 400)

    work = rng.choice(
        (
            lambda tx: api.book(house, tx, wish),
            lambda tx: holds.place(house, tx, service, start, (), 60),
            lambda tx: api.edit_service(house, tx, service, None, duration=rng.choice((20, 30, 45))),
            lambda tx: api.edit_schedule(
                house, tx, rng.choice(practice.doctors), None, order=rng.randrange(9)
            ),
            booked_then_broken,
            closed_then_broken,
        )
    )
    try:
        house.store.run(practice.desk(), work)
    except Problem:
        house.clock.advance(rng.choice((0, 60, 400)))


@pytest.mark.parametrize("seed", range(4))
def test_answers_equal_those_without_a_memory(house, practice, seed):
    rng = Random(seed)
    actors = (practice.desk(), practice.portal(house))
    fast = 0
    for _ in range(25):
        one_change(house, practice, rng)
        for _ in range(6):
            begin = MONDAY + rng.randrange(6) * HOUR + timedelta(seconds=rng.randrange(3))
            service = rng.choice((practice.check, practice.surgery))
            more = {"schedule": practice.doctors[0]} if rng.random() < 0.2 else {}
            call = question(house, rng.choice(actors), service, begin, 8, limit=rng.choice((3, 200)), **more)
            fast += finding.kept(call) is not None
            got, expected = asked(call), afresh(call)
            assert (got.body, got.etag) == (expected.body, expected.etag)
    assert (fast > 10) == house.store.alone  # on a shared database each question looks


def test_what_another_practice_books_leaves_kept_answers_alone(house, practice):
    other = small_practice(house)
    call = question(house, practice.desk(), practice.check, MONDAY, 8)
    before = asked(call).body
    for booked in (other, practice):
        kept = finding.kept(call)
        assert (kept is not None) == house.store.alone  # on a shared database each question looks
        start = int((MONDAY + 2 * HOUR).timestamp())
        wish = Wish(service=booked.check, start=start, schedules=booked.doctors[:1], patient=booked.patient)
        house.store.run(booked.desk(), lambda tx, wish=wish: api.book(house, tx, wish))
        if booked is other:
            assert asked(call).body == before == afresh(call).body
    assert finding.kept(call) is None
    assert asked(call).body == afresh(call).body != before


def test_what_is_rolled_back_is_not_remembered(house, practice):
    def closed(tx) -> None:
        api.edit_schedule(house, tx, practice.doctors[0], None, active=False)
        assert not views(house).calendar(tx).schedules[practice.doctors[0]].active
        raise Problem("test.broken", 400)

    def renamed(tx) -> None:
        api.edit_schedule(house, tx, practice.doctors[1], None, name="Dr. Neu")

    with pytest.raises(Problem):
        house.store.run(practice.desk(), closed)
    house.store.run(practice.desk(), renamed)  # takes the number of the configuration that was given back
    with house.store.read(practice.desk()) as tx:
        found = views(house).calendar(tx).schedules
    assert found[practice.doctors[0]].active and found[practice.doctors[1]].name == "Dr. Neu"


def test_a_read_that_needs_nothing_opens_nothing(house, practice):
    with house.store.read(practice.desk()) as tx:
        assert tx._open is None
        assert views(house).calendar(tx).schedules
        assert tx._open is not None
