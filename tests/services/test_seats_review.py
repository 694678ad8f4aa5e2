"""What a fresh pair of eyes found in seats: viewers that are browsers, removed seats, changed intervals, clocks set back."""

import threading

import pytest

from praxisd.kernel import leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.seats import managing, messages, rules, store
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.lines import lines
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice

from .seats_cast import Session, Written, program, session_at, tab

ONE, TWO = "Patient/eins", "Patient/zwei"


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


def asks(record: str) -> tuple[messages.ForDesk, ...]:
    return (
        messages.Lock(id=1, record=record),
        messages.Lock(id=1, record=record, wait=True),
        messages.Take(id=1, record=record, reason="other"),
    )


def change(house: House, practice: Practice, seat: str, *, viewer: bool) -> None:
    def work(tx: object) -> None:
        managing.change(house, tx, seat, name=None, viewer=viewer, may_take=None)  # type: ignore[arg-type]

    house.store.run(system("test", practice.organization), work)


def test_a_browser_that_was_made_a_viewer_locks_nothing(house: House, practice: Practice) -> None:
    anna = tab(house, practice, "a" * 32, "seats.lock.hold", "seats.lock.take")
    anna.here()
    assert anna.lock(ONE) == 1
    change(house, practice, anna.who.seat, viewer=True)
    for request in asks(TWO):
        assert anna.refused(request).code == "seats.viewer"
    assert anna.here().seat.viewer
    assert anna.refused(messages.Lock(id=1, record=ONE)).code == "seats.viewer"
    change(house, practice, anna.who.seat, viewer=False)
    assert anna.lock(ONE) == 2


def test_a_removed_seat_gets_nothing_even_if_its_line_is_still_open(house: House, practice: Practice) -> None:
    seat = program(house, practice, "Zimmer 2", may_take=True)
    bert = session_at(house, seat, "Bert")
    bert.here()
    house.store.run(system("test", practice.organization), lambda tx: managing.revoke(house, tx, seat.id))
    for request in asks(ONE):
        assert bert.refused(request).code == "seats.not_approved"


def test_a_shorter_interval_begins_with_its_change(
    house: House, practice: Practice, clock: FrozenClock
) -> None:
    interval(house, practice, 300)
    anna, bert, carl = (session_at(house, program(house, practice, name)) for name in ("A", "B", "C"))
    for one in (anna, bert, carl):
        one.here()
    desk_of(house).sweep()
    fence = anna.lock(ONE)
    assert bert.wait(ONE) == 1
    carl.lock(TWO)
    clock.advance(60)  # nobody had to beat meanwhile
    interval(house, practice, 10)
    desk_of(house).sweep()
    clock.advance(5)
    anna.beat()  # they hear of it and say at once that they live
    bert.beat()
    anna.release(ONE, fence)
    assert [one["type"] for one in bert.told if one["type"] == "granted"] == ["granted"]
    clock.advance(6)
    desk_of(house).sweep()  # carl has crashed: the new interval counts for him too
    assert anna.lock(TWO) == 2


def test_a_clock_set_back_keeps_nothing_locked_for_longer(
    house: House, practice: Practice, clock: FrozenClock
) -> None:
    anna, bert = (session_at(house, program(house, practice, name)) for name in ("A", "B"))
    anna.here()
    bert.here()
    fence = anna.lock(ONE)
    desk_of(house).sweep()
    clock.set(clock.now() - 7200)
    desk_of(house).sweep()
    assert anna.lock(ONE) == fence
    anna.cut()
    for _ in range(4):
        clock.advance(8)
        bert.beat()
        desk_of(house).sweep()
    assert bert.lock(ONE) == fence + 1


def interval(house: House, practice: Practice, seconds: int) -> None:
    def work(tx: object) -> None:
        house.settings.put(tx, "seats.interval", seconds)  # type: ignore[arg-type]

    house.store.run(system("test", practice.organization), work)


def test_browsers_that_never_came_again_are_forgotten(
    house: House, practice: Practice, clock: FrozenClock
) -> None:
    old, kept = tab(house, practice, "a" * 32), tab(house, practice, "b" * 32)
    for one in (old, kept):
        one.here()
        one.bye()
    removed = tab(house, practice, "c" * 32)
    removed.here()
    actor = system("test", practice.organization)
    house.store.run(actor, lambda tx: managing.revoke(house, tx, removed.who.seat))
    seat = program(house, practice)
    clock.advance((rules.BROWSER_DAYS - 1) * 86_400)
    kept.here()
    clock.advance(2 * 86_400)
    desk_of(house)._sweep.forget()
    with house.store.read(actor) as tx:
        assert {one.id for one in store.seats(tx)} == {kept.who.seat, removed.who.seat, seat.id}


class Two:
    def __init__(self, first: House, second: House) -> None:
        self.first, self.second = first, second
        self.practice = small_practice(first)
        self.anna: Session = session_at(first, program(first, self.practice))
        self.bert: Session = session_at(second, program(second, self.practice, may_take=True))
        self.anna.here()
        self.bert.here()


@pytest.fixture
def two(postgres_houses: Houses, clock: FrozenClock) -> Two:
    first = postgres_houses.open(None, clock)
    return Two(first, postgres_houses.twin(first))


def test_a_lock_cannot_be_taken_between_the_look_at_its_fence_and_the_save(two: Two) -> None:
    fence = two.anna.lock(ONE)
    taken, actor = threading.Event(), system("test", two.practice.organization)

    def take() -> None:
        two.bert.take(ONE)
        taken.set()

    thread = threading.Thread(target=take)
    with two.first.store.write(actor) as tx:
        leases.guard(tx, ONE, fence)
        thread.start()
        assert not taken.wait(1.0)  # it has to wait until what was guarded is saved
    thread.join(20)
    assert taken.is_set()
    with pytest.raises(Problem) as caught, two.first.store.write(actor) as tx:
        leases.guard(tx, ONE, fence)
    assert caught.value.code == "seats.locked"


def test_a_session_of_the_same_name_in_another_practice_hears_nothing(
    house: House, practice: Practice
) -> None:
    anna = tab(house, practice)
    anna.here()
    anna.cut()  # and somebody comes from elsewhere by that name
    other = Written()
    lines(house).join("elsewhere", anna.who.session, anna.who.seat, anna.who.actor.label, other)
    bert = session_at(house, program(house, practice, "Zimmer 2"), "Bert")
    bert.here()
    house.store.run(
        system("test", practice.organization), lambda tx: managing.set_mode(house, tx, "setup", 1)
    )
    house.store.run(
        system("test", practice.organization), lambda tx: managing.revoke(house, tx, anna.who.seat)
    )
    assert [one["type"] for one in bert.told] == ["mode"]
    assert (other.told, other.closed) == ([], None)
