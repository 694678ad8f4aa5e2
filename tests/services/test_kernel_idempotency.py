"""Kept answers on both engines: scope, 24 hours, saved with the write, a twin at the same moment."""

import threading
from collections.abc import Callable

import pytest

from praxisd.kernel import idempotency
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.engines import Violation
from praxisd.kernel.house import SERVICE
from praxisd.kernel.idempotency import KEEP_S, Kept
from praxisd.testing.houses import Houses

ACTOR = system("test", "praxis")
SCOPE = ("key1", "POST", "/api/v1/appointments", "abc")
ANSWER = Kept("hash", 201, {"etag": '"1"'}, b'{"id":"\xc3\xbc"}')


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def test_an_answer_is_kept_within_its_scope_for_a_day(kernel: House, clock: FrozenClock) -> None:
    with kernel.store.write(ACTOR) as tx:
        assert idempotency.lookup(tx, *SCOPE) is None
        idempotency.save(tx, *SCOPE, ANSWER)
        assert idempotency.lookup(tx, *SCOPE) == ANSWER
        for n, other in enumerate(("key2", "PATCH", "/api/v1/holds", "abd")):
            scope = [*SCOPE]
            scope[n] = other
            assert idempotency.lookup(tx, *scope) is None
    with kernel.store.read(system("test", "other")) as tx:
        assert idempotency.lookup(tx, *SCOPE) is None
    clock.advance(KEEP_S - 1)
    with kernel.store.write(ACTOR) as tx:
        assert idempotency.lookup(tx, *SCOPE) == ANSWER
        assert idempotency.purge(tx) == 0
    clock.advance(1)
    newer = Kept("hash2", 200, {}, b"")
    with kernel.store.write(ACTOR) as tx:
        assert idempotency.lookup(tx, *SCOPE) is None
        idempotency.save(tx, *SCOPE, newer)  # the old row makes room
        assert idempotency.lookup(tx, *SCOPE) == newer


def test_what_fails_keeps_no_answer(kernel: House) -> None:
    with pytest.raises(ZeroDivisionError), kernel.store.write(ACTOR) as tx:
        idempotency.save(tx, *SCOPE, ANSWER)
        1 / 0  # noqa: B018
    with kernel.store.write(ACTOR) as tx:
        assert idempotency.lookup(tx, *SCOPE) is None
        for status in (429, 500, 503):
            with pytest.raises(ValueError, match="not kept"):
                idempotency.save(tx, *SCOPE, Kept("h", status, {}, b""))


def test_old_answers_are_purged_in_chunks_over_all_practices(kernel: House, clock: FrozenClock) -> None:
    for organization in ("a", "b"):
        with kernel.store.write(system("test", organization)) as tx:
            for n in range(3):
                idempotency.save(tx, *SCOPE[:3], f"k{n}", ANSWER)
    clock.advance(KEEP_S)
    counts = []
    for _ in range(3):
        with kernel.store.write(system("test")) as tx:
            counts.append(idempotency.purge(tx, limit=4))
    assert counts == [4, 2, 0]


def test_of_twins_at_once_one_saves(postgres_houses: Houses) -> None:
    house = postgres_houses.open((SERVICE,))
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def write() -> None:
        try:
            with house.store.write(ACTOR) as tx:
                found = idempotency.lookup(tx, *SCOPE)
                barrier.wait(30)
                assert found is None
                idempotency.save(tx, *SCOPE, ANSWER)
            outcomes.append("saved")
        except Violation:
            outcomes.append("twin")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["saved", "twin", "twin", "twin"]
