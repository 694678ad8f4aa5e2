"""Races of the waiting list: two who accept at once, two nodes at one freed time, a desk that books meanwhile."""

import threading
from collections import Counter

from praxisd.kernel.errors import Problem
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import rounds, store, waiting, waiting_store
from praxisd.testing.practice import small_practice

from .test_calendar_busy import at
from .test_calendar_incoming import TUESDAY
from .test_calendar_waiting import on, patients

NINE = at(TUESDAY, "09:00")


def waiting_line(house, practice, count, clock):
    people = patients(house, practice, count)
    found = []
    for patient in people:
        with house.store.write(practice.desk()) as tx:
            found.append(waiting.enter(house, tx, patient=patient, service=practice.check).id)
        clock.advance(1)
    return found


def freed(house, practice, start=NINE):
    """A time of the first doctor becomes free."""
    wish = calendar.Wish(service=practice.check, start=start, schedules=practice.doctors[:1])
    with house.store.write(practice.desk()) as tx:
        one = calendar.book(house, tx, wish)
    with house.store.write(practice.desk()) as tx:
        calendar.cancel(house, tx, one.id)


def at_once(calls):
    """All at the same moment; what each gave or raised, in order."""
    found, gate = [None] * len(calls), threading.Barrier(len(calls))

    def drive(number, call):
        gate.wait()
        try:
            found[number] = call()
        except Problem as problem:
            found[number] = problem.code

    threads = [threading.Thread(target=drive, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def all_offers(house, practice):
    with house.store.read(practice.desk()) as tx:
        return waiting_store.offers_page(tx, [], None, 200)[0]


def test_of_many_who_accept_at_once_one_wins_and_the_others_are_told(house, clock):
    practice = small_practice(house)
    on(house, practice, minutes=5)
    waiting_line(house, practice, 4, clock)
    freed(house, practice)
    for _ in range(4):
        rounds.step(house, practice.desk())
        clock.advance(300)
    ids = [one.id for one in all_offers(house, practice)]
    assert len(ids) == 4

    def accept(id_):
        return house.store.run(practice.desk(), lambda tx: calendar.accept_offer(house, tx, id_).id, tries=20)

    got = at_once([lambda id_=id_: accept(id_) for id_ in ids])
    assert Counter(one == "calendar.offer_gone" for one in got) == {True: 3, False: 1}
    assert sorted(one.state for one in all_offers(house, practice)) == ["accepted", "gone", "gone", "gone"]
    with house.store.read(practice.desk()) as tx:
        there = [a for a in store.APPOINTMENTS.all(tx) if a.status == "booked"]
    assert len(there) == 1 and there[0].start == NINE


def test_accept_and_decline_and_leave_at_once(house, clock):
    practice = small_practice(house)
    on(house, practice)
    (entry,) = waiting_line(house, practice, 1, clock)
    freed(house, practice)
    rounds.step(house, practice.desk())
    (one,) = all_offers(house, practice)

    def run(work):
        return house.store.run(practice.desk(), lambda tx: work(tx) and None, tries=20)

    at_once([
        lambda: run(lambda tx: calendar.accept_offer(house, tx, one.id)),
        lambda: run(lambda tx: calendar.decline_offer(house, tx, one.id)),
        lambda: run(lambda tx: waiting.leave(house, tx, entry)),
    ])  # fmt: skip
    with house.store.read(practice.desk()) as tx:
        booked = [a for a in store.APPOINTMENTS.all(tx) if a.status == "booked"]
        state = waiting_store.entry(tx, entry).state
    (after,) = all_offers(house, practice)
    if after.state == "accepted":
        assert len(booked) == 1 and state in ("booked",)
    else:
        assert (after.state, booked) == ("declined", []) and state in ("left", "waiting")


def test_two_nodes_make_one_round_and_ask_one_after_another(postgres_houses, clock):
    first = postgres_houses.open(clock=clock)
    nodes = [first, postgres_houses.twin(first), postgres_houses.twin(first)]
    practice = small_practice(first)
    on(first, practice)
    line = waiting_line(first, practice, 3, clock)
    freed(first, practice)
    for expected in (1, 2, 3):
        at_once([lambda node=node: rounds.step(node, practice.desk()) for node in nodes])
        made = list(reversed(all_offers(first, practice)))
        assert [one.entry for one in made] == line[:expected]
        clock.advance(1800)
    with first.store.read(practice.desk()) as tx:
        assert len(waiting_store.rounds_page(tx, None, None, 50)[0]) == 1


def test_who_books_and_who_accepts_when_the_hold_has_lapsed(house, clock):
    """The job stood still for hours: whoever comes first has the time, and only one of the two."""
    practice = small_practice(house)
    on(house, practice)
    for hour, patient in enumerate(patients(house, practice, 6)):
        with house.store.write(practice.desk()) as tx:
            waiting.enter(house, tx, patient=patient, service=practice.check)
        clock.advance(1)
        freed(house, practice, NINE + hour * 3600)
        rounds.step(house, practice.desk())
        clock.advance(3600 if hour < 2 else 60)
    clock.advance(3600)
    wishes = {
        one.round: (one.id, calendar.Wish(service=practice.check, start=one.start, schedules=one.schedules))
        for one in all_offers(house, practice)
        if one.state == "open"
    }
    assert len(wishes) == 4
    for id_, wish in wishes.values():
        got = at_once([
            lambda id_=id_: house.store.run(
                practice.desk(), lambda tx: calendar.accept_offer(house, tx, id_).id, tries=20
            ),
            lambda wish=wish: house.store.run(
                practice.portal(house), lambda tx: calendar.book(house, tx, wish).id, tries=20
            ),
        ])  # fmt: skip
        codes = [one for one in got if one in ("calendar.offer_gone", "calendar.slot_taken")]
        assert len(codes) == 1
