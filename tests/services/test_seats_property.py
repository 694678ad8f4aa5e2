"""Whatever three sessions do, in whatever order, on a clock that only moves when it is told to: never two holders, fences only
grow, a late save is always refused.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from praxisd.kernel import leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.seats import messages, store
from praxisd.services.seats.desk import desk_of
from praxisd.testing.houses import START, Houses
from praxisd.testing.practice import Practice, small_practice

from .seats_cast import Session, program, session_at

WHO = st.integers(0, 2)
WHICH = st.integers(0, 1)
STEP = st.one_of(
    st.tuples(st.sampled_from(["lock", "wait", "unwait", "release", "switch", "take", "save"]), WHO, WHICH),
    st.tuples(st.sampled_from(["beat", "cut", "here", "bye", "crash"]), WHO, st.just(0)),
    st.tuples(st.just("pass"), st.sampled_from([1, 9, 10, 29, 30, 31, 100]), st.just(0)),
    st.tuples(st.sampled_from(["sweep", "restart"]), st.just(0), st.just(0)),
)


class World:
    """A house with three seats, and what each session believes to hold."""

    def __init__(self, houses: Houses, clock: FrozenClock) -> None:
        self.houses, self.clock = houses, clock
        self.house: House = houses.open(None, clock)
        self.practice: Practice = small_practice(self.house)
        self.seats: list[store.Seat] = [
            program(self.house, self.practice, f"Platz {n}", may_take=True) for n in range(3)
        ]
        self.turn = 0

    def begin(self) -> None:
        """New sessions at new records: what was before does not matter to them."""
        self.turn += 1
        self.records = [f"Patient/{self.turn}.{n}" for n in range(2)]
        self.sessions = [session_at(self.house, one) for one in self.seats]
        self.believed: list[dict[str, int]] = [{}, {}, {}]
        self.highest: dict[str, int] = {}
        self.given: dict[tuple[str, int], int] = {}
        for one in self.sessions:
            one.here()

    def valid(self, record: str) -> leases.Lease | None:
        with self.house.store.read(system("test", self.practice.organization)) as tx:
            return leases.current(tx, f"record:{record}")

    def do(self, what: str, who: int, which: int) -> None:
        if what == "pass":
            self.clock.advance(who)
        elif what == "sweep":
            desk_of(self.house).sweep()
        elif what == "restart":
            self.house = self.houses.twin(self.house)
            for one in self.sessions:
                one.house = self.house
        else:
            try:
                self._ask(what, who, self.records[which], self.records[1 - which])
            except Problem as problem:
                assert problem.code in ("seats.locked", "seats.lock_lost", "seats.session_gone"), problem.code
        self._listen()
        self._judge()

    def _ask(self, what: str, who: int, record: str, other: str) -> None:
        one, mine = self.sessions[who], self.believed[who]
        fence = mine.get(record, 0)
        if what == "lock":
            self._has(who, record, one.lock(record))
        elif what == "wait":
            found = one.ask(messages.Lock(id=1, record=record, wait=True))
            if isinstance(found, messages.Locked):
                self._has(who, record, found.lock.fence)
        elif what == "unwait":
            one.ask(messages.Unwait(id=1, record=record))
        elif what == "release":
            one.release(record, fence)
            mine.pop(record, None)
        elif what == "switch":
            found = one.ask(messages.Switch(id=1, from_=record, fence=fence, record=other))
            assert isinstance(found, messages.Locked)
            mine.pop(record, None)
            self._has(who, other, found.lock.fence)
        elif what == "take":
            self._has(who, record, one.take(record))
        elif what == "save":
            self._save(who, record)
        elif what == "beat":
            one.beat()
        elif what == "cut":
            one.cut()
        elif what == "crash":  # and back when all is over
            one.cut()
            for _ in range(2):
                self.clock.advance(20)
                desk_of(self.house).sweep()
        elif what == "bye":
            one.bye()
            mine.clear()
        elif what == "here":
            back = one.here(holds=dict(mine))
            for lost in back.lost:
                mine.pop(lost.record, None)
            for held in back.locks:
                self._has(who, held.record, held.fence)
            assert set(mine) == {held.record for held in back.locks}

    def _save(self, who: int, record: str) -> None:
        """A save with the fence it believes in goes through only if it is the one that holds now."""
        fence = self.believed[who].get(record)
        if fence is None:
            return
        now = self.valid(record)
        with self.house.store.read(system("test", self.practice.organization)) as tx:
            try:
                leases.guard(tx, record, fence)
            except Problem:
                assert now is None or (now.holder, now.fence) != (self.sessions[who].who.holder, fence)
            else:
                assert now is not None and (now.holder, now.fence) == (self.sessions[who].who.holder, fence)

    def _has(self, who: int, record: str, fence: int) -> None:
        """Nobody else was ever given this fence, and no newer one was given before."""
        assert self.given.setdefault((record, fence), who) == who
        assert fence >= self.highest.get(record, 0)
        self.highest[record] = fence
        self.believed[who][record] = fence

    def _listen(self) -> None:
        for who, one in enumerate(self.sessions):
            for told in one.told:
                if told["type"] == "granted":
                    self._has(who, told["record"], told["fence"])
                elif told["type"] == "lost" and self.believed[who].get(told["record"]) == told["fence"]:
                    del self.believed[who][told["record"]]

    def _judge(self) -> None:
        """Of all who believe to hold a record, at most one can save, and that is the lease's holder."""
        for record in self.records:
            now = self.valid(record)
            able = [
                who
                for who, mine in enumerate(self.believed)
                if now is not None and mine.get(record) == now.fence
            ]
            assert len(able) <= 1
            if now is not None:
                assert now.fence >= self.highest.get(record, 0)
                if able:
                    assert self.sessions[able[0]].who.holder == now.holder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("seats")
    houses = Houses("sqlite", folder)
    yield World(houses, FrozenClock(START))
    houses.close()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=10, max_size=40))
@example(steps=[("lock", 0, 0), ("crash", 0, 0), ("here", 0, 0), ("save", 0, 0)])
@example(
    steps=[("lock", 0, 0), ("cut", 0, 0), ("take", 1, 0), ("save", 0, 0), ("here", 0, 0), ("save", 1, 0)]
)
@example(
    steps=[("lock", 0, 0), ("wait", 1, 0), ("restart", 0, 0), ("here", 1, 0), ("crash", 0, 0), ("save", 1, 0)]
)
def test_never_two_holders(world: World, steps: list[tuple[str, int, int]]) -> None:
    world.begin()
    for step in steps:
        world.do(*step)


def test_a_judge_that_sees_two_holders_says_so(world: World) -> None:
    """The judge itself is tried: somebody believes in a fence that was given to another."""
    world.begin()
    fence = world.sessions[0].lock(world.records[0])
    world._has(0, world.records[0], fence)
    with pytest.raises(AssertionError):
        world._has(1, world.records[0], fence)
    assert isinstance(world.sessions[0], Session)
