"""Two nodes on one database, and one that was off: locks, words between nodes, what is spared."""

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.seats import managing, messages
from praxisd.services.seats.checks import look
from praxisd.services.seats.desk import desk_of
from praxisd.services.seats.lines import lines
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice

from .seats_cast import Session, program, session_at

ONE, TWO = "Patient/eins", "Patient/zwei"


class Two:
    """Two nodes, with somebody at each."""

    def __init__(self, first: House, second: House) -> None:
        self.first, self.second = first, second
        self.practice: Practice = small_practice(first)
        seats = [program(first, self.practice, name, may_take=True) for name in ("Anmeldung", "Zimmer 2")]
        self.anna, self.bert = session_at(first, seats[0], "Anna"), session_at(second, seats[1], "Bert")
        self.anna.here()
        self.bert.here()

    def letters(self) -> None:
        for house in (self.first, self.second):
            desk_of(house).letters()

    def sweep(self) -> None:
        for house in (self.first, self.second):
            desk_of(house).sweep()


@pytest.fixture
def two(postgres_houses: Houses, clock: FrozenClock) -> Two:
    first = postgres_houses.open(None, clock)
    return Two(first, postgres_houses.twin(first))


def test_what_is_locked_at_one_node_is_locked_at_the_other(two: Two) -> None:
    fence = two.anna.lock(ONE)
    problem = two.bert.refused(messages.Lock(id=1, record=ONE))
    holder = problem.params["holder"]
    assert isinstance(holder, messages.Holder) and (holder.seat_name, holder.person) == ("Anmeldung", "Anna")
    assert two.bert.wait(ONE) == 1
    two.anna.release(ONE, fence)
    two.letters()
    assert [(one["type"], one["fence"]) for one in two.bert.told] == [("granted", fence + 1)]
    two.letters()
    assert two.bert.told == []  # told once


def test_a_grant_that_is_over_before_it_is_told_is_not_told(two: Two) -> None:
    fence = two.anna.lock(ONE)
    two.bert.wait(ONE)
    two.anna.release(ONE, fence)  # bert has it now, and does not know yet
    assert two.anna.take(ONE) == fence + 2
    two.letters()
    assert [(one["type"], one["fence"]) for one in two.bert.told] == [("lost", fence + 1)]


def test_words_go_from_node_to_node(two: Two) -> None:
    fence = two.anna.lock(ONE)
    two.bert.ask(messages.Ask(id=1, record=ONE))
    two.letters()
    (asked,) = two.anna.told
    assert (asked["type"], asked["by"]["person"]) == ("asked", "Bert")
    two.anna.ask(messages.Reply(id=1, record=ONE, session=two.bert.who.session, answer="no"))
    two.bert.ask(messages.Look(id=1, record=ONE))
    assert two.bert.take(ONE) == fence + 1
    two.letters()
    assert [one["type"] for one in two.bert.told] == ["replied"]
    assert [one["type"] for one in two.anna.told] == ["presence", "lost"]


def test_a_session_that_comes_by_another_node_is_the_same(two: Two) -> None:
    fence = two.anna.lock(ONE)
    moved = Session(two.second, two.anna.who)
    back = moved.here(holds={ONE: fence})
    assert [one.fence for one in back.locks] == [fence] and back.lost == ()
    two.letters()
    assert two.anna.line.closed == (4409, "replaced")
    two.anna.cut()  # the line that was replaced ends late: the session is at the other node
    two.bert.wait(ONE)
    moved.release(ONE, fence)
    two.letters()
    assert [one["type"] for one in two.bert.told] == ["granted"]
    two.anna.line.closed = None
    assert moved.lock(TWO) == 1


def test_both_sweep_and_it_is_noted_once(two: Two, clock: FrozenClock) -> None:
    two.anna.lock(ONE)
    two.bert.wait(ONE)
    two.sweep()
    clock.advance(20)
    two.sweep()
    two.bert.beat()
    clock.advance(10)
    two.sweep()
    two.sweep()
    two.letters()
    assert [one["type"] for one in two.bert.told] == ["granted"]
    assert [one["why"] for one in two.anna.told] == ["expired"]
    with two.first.store.read(system("test", two.practice.organization)) as tx:
        assert len(events.since(tx, 0, types=("lock.expired",))) == 1


def test_a_second_node_that_starts_spares_nothing(
    two: Two, postgres_houses: Houses, clock: FrozenClock
) -> None:
    two.anna.lock(ONE)
    two.sweep()
    clock.advance(29)
    two.sweep()
    desk_of(two.second)._sweep.alive()
    third = postgres_houses.twin(two.first)
    desk_of(third).sweep()
    clock.advance(2)
    two.sweep()
    desk_of(third).sweep()
    assert two.bert.lock(ONE) == 2


def test_the_only_node_comes_back_and_locks_hold(houses: Houses, clock: FrozenClock) -> None:
    house = houses.open(None, clock)
    practice = small_practice(house)
    anna, bert = (session_at(house, program(house, practice, name)) for name in ("Eins", "Zwei"))
    anna.here()
    bert.here()
    fence = anna.lock(ONE)
    desk_of(house).sweep()
    clock.advance(200)  # nobody was there
    again = houses.twin(house)
    other = Session(again, bert.who)
    other.here()
    assert other.refused(messages.Lock(id=1, record=ONE)).code == "seats.locked"
    back = Session(again, anna.who).here(holds={ONE: fence})
    assert [one.fence for one in back.locks] == [fence] and back.lost == ()
    clock.advance(29)
    desk_of(again).sweep()
    assert other.refused(messages.Lock(id=1, record=ONE)).code == "seats.locked"
    clock.advance(1)
    desk_of(again).sweep()
    assert other.here().locks == ()
    assert other.lock(ONE) == fence + 1


def test_a_server_that_stood_still_takes_nothing_away(house: House, clock: FrozenClock) -> None:
    practice = small_practice(house)
    anna = session_at(house, program(house, practice))
    anna.here()
    fence = anna.lock(ONE)
    desk_of(house).sweep()
    clock.advance(3600)
    desk_of(house).sweep()
    assert anna.told == []
    assert anna.lock(ONE) == fence


def test_a_seat_that_vanished_is_reported_but_not_while_setting_up(house: House, clock: FrozenClock) -> None:
    practice = small_practice(house)
    seat = program(house, practice, "Röntgen")
    one = session_at(house, seat)
    one.here()
    one.cut()
    for _ in range(4):
        clock.advance(15)
        desk_of(house).sweep()
    assert not list(look(house))
    clock.advance(600)
    (found,) = look(house)
    assert (found.code, found.subject, found.params["seat"]) == (
        "seats.vanished",
        f"Seat/{seat.id}",
        "Röntgen",
    )
    actor = system("test", practice.organization)
    house.store.run(actor, lambda tx: managing.set_mode(house, tx, "setup", 8))
    assert [f.code for f in look(house)] == ["seats.setup_mode"]
    house.store.run(actor, lambda tx: managing.set_mode(house, tx, "operation", 8))
    one.here()
    assert not list(look(house))
    one.bye()
    clock.advance(3600)
    assert not list(look(house))  # it said that it would go
    assert len(lines(house)) == 0
