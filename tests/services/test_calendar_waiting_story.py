"""A story of the waiting list: random things happen for a while, and what must always hold always holds; both engines.

Never two winners of one time, never an offer for a taken time that can be accepted, the order of the queue is kept.
"""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import OCCUPYING
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import rounds, store, waiting, waiting_store
from praxisd.testing.practice import small_practice

from .test_calendar_busy import at
from .test_calendar_incoming import TUESDAY
from .test_calendar_waiting import on, patients

START = at(TUESDAY, "08:00")
REFUSED = {
    "calendar.slot_taken", "calendar.offer_gone", "calendar.not_waiting", "calendar.offer_open", "calendar.too_soon",
    "calendar.outside_hours", "calendar.reservation_overlaps", "calendar.frozen", "calendar.status_change",
    "calendar.holiday", "calendar.offer_later",
}  # fmt: skip
TWO_ASKED = (("cancel", 0), ("work", 0), ("pass", 1800), ("work", 0))
STATES = ("open", "accepted", "declined", "lapsed", "gone")
number = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("book"), number, st.integers(0, 9)),
    st.tuples(st.just("cancel"), number),
    st.tuples(st.just("cancel"), number),
    st.tuples(st.just("move"), number, st.integers(0, 9)),
    st.tuples(st.just("enter"), number),
    st.tuples(st.just("leave"), number),
    st.tuples(st.just("accept"), number),
    st.tuples(st.just("decline"), number),
    st.tuples(st.just("hand"), number, st.integers(0, 9)),
    st.tuples(st.just("stop"), number),
    st.tuples(st.just("work"), st.just(0)),
    st.tuples(st.just("work"), st.just(0)),
    st.tuples(st.just("pass"), st.sampled_from((60, 1800, 7200))),
    st.tuples(st.just("pass"), st.just(1800)),
)


class Story:
    """One practice, and everything that can be done to it."""

    def __init__(self, house):
        self.house, self.practice = house, small_practice(house)
        on(house, self.practice)
        self.people = patients(house, self.practice, 6)
        self.do(
            lambda tx: calendar.edit_service(
                house, tx, self.practice.check, None, groups=(self.practice.doctors[:1],)
            )
        )

    def do(self, work):
        return self.house.store.run(self.practice.desk(), work)

    def read(self, work):
        with self.house.store.read(self.practice.desk()) as tx:
            return work(tx)

    def offers(self, *states):
        found = self.read(lambda tx: waiting_store.offers_page(tx, [], None, 500)[0])
        return [one for one in reversed(found) if one.state in states]

    def appointments(self):
        return self.read(lambda tx: [a for a in store.APPOINTMENTS.all(tx) if a.status == "booked"])

    def wish(self, slot):
        return calendar.Wish(
            service=self.practice.check, start=START + slot * 1800, schedules=self.practice.doctors[:1]
        )

    def happen(self, what, which, more=0):
        house, practice = self.house, self.practice
        if what == "pass":
            house.clock.advance(which)
        elif what == "work":
            self.work()
        elif what == "book":
            self.do(lambda tx: calendar.book(house, tx, self.wish(more)))
        elif what in ("cancel", "move"):
            found = self.appointments()
            if found:
                one = found[which % len(found)]
                if what == "cancel":
                    self.do(lambda tx: calendar.cancel(house, tx, one.id))
                else:
                    self.do(lambda tx: calendar.move(house, tx, one.id, self.wish(more)))
        elif what == "enter":
            self.do(lambda tx: waiting.enter(
                house, tx, patient=self.people[which], service=practice.check, notice_minutes=0
            ))  # fmt: skip
        elif what in ("leave", "hand"):
            found = self.read(lambda tx: waiting_store.entries_page(tx, "waiting", None, None, 50)[0])
            if found:
                entry = found[which % len(found)].id
                if what == "leave":
                    self.do(lambda tx: waiting.leave(house, tx, entry))
                else:
                    self.do(lambda tx: rounds.by_hand(house, tx, entry, START + more * 1800, (), None))
        elif what in ("accept", "decline"):
            found = self.offers("open", "gone", "lapsed")
            if found:
                one = found[which % len(found)]
                call = calendar.accept_offer if what == "accept" else calendar.decline_offer
                self.do(lambda tx: call(house, tx, one.id))
        elif what == "stop":
            found = self.read(lambda tx: waiting_store.rounds_page(tx, "running", None, 50)[0])
            if found:
                self.do(lambda tx: rounds.stop(house, tx, found[which % len(found)].id))

    def work(self):
        """The job goes on; of those who could be asked, nobody is passed over by somebody who came later."""
        before = {one.id: one for one in self.offers(*STATES)}
        whose = self.read(lambda tx: {one.id: one.patient for one in waiting_store.ENTRIES.all(tx)})
        waits = self.read(lambda tx: waiting_store.entries_page(tx, "waiting", None, None, 50)[0])
        busy = {whose[one.entry] for one in before.values() if one.state == "open"}
        free = [one.id for one in waits if one.patient not in busy]
        rounds.step(self.house, self.practice.desk())
        asked = {(one.round, whose[one.entry]) for one in before.values()}
        for one in sorted(self.offers(*STATES), key=lambda one: one.id):
            if one.id not in before:
                could = [id_ for id_ in free if (one.round, whose[id_]) not in asked]
                assert not [id_ for id_ in could if id_ < one.entry]
                asked.add((one.round, whose[one.entry]))
                free = [id_ for id_ in free if whose[id_] != whose[one.entry]]

    def check(self):
        with self.house.store.read(self.practice.desk()) as tx:
            appointments = store.APPOINTMENTS.all(tx)
            offers = waiting_store.offers_page(tx, [], None, 500)[0]
            entries = {e.id: e for e in waiting_store.ENTRIES.all(tx)}
            rows = store.busy_rows(tx, 0, 2**40)
            there = {r.id: r for r in waiting_store.rounds_page(tx, None, None, 500)[0]}
        taken = Counter(one.start for one in appointments if one.status in OCCUPYING)
        winners = Counter(one.round for one in offers if one.state == "accepted")
        asked = Counter(entries[one.entry].patient for one in offers if one.state == "open")
        assert not [one for one in (taken, winners, asked) if any(count > 1 for count in one.values())]
        for one in offers:
            wanted = {"open": "waiting", "accepted": "booked"}.get(one.state)
            assert wanted is None or entries[one.entry].state == wanted
            assert one.state != "open" or there[one.round].state == "running"
        for row in rows:
            if row[3].startswith("Offer/") and row[4] > self.house.clock.now():
                assert there[row[3].removeprefix("Offer/")].state == "running"  # nothing is kept for nobody

    def accepting_a_taken_time_is_refused(self):
        """Try it on all open offers whose time somebody has: each is refused and nothing is booked twice."""
        busy = {a.start for a in self.appointments()}
        for one in self.offers("open"):
            if one.start in busy:
                try:
                    self.do(lambda tx, one=one: calendar.accept_offer(self.house, tx, one.id))
                except Problem as problem:
                    assert problem.code == "calendar.offer_gone"
                else:
                    raise AssertionError("a taken time was accepted")


@given(happenings=st.lists(steps, min_size=5, max_size=30))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_happens(house, happenings):
    house.clock.set(1_795_420_800)
    story = Story(house)
    for slot in range(5):
        story.happen("book", 0, slot)
        story.happen("enter", slot)
    for happening in (*TWO_ASKED, *happenings):
        try:
            story.happen(*happening)
        except Problem as problem:
            assert problem.code in REFUSED, problem.code
        story.check()
        story.accepting_a_taken_time_is_refused()
