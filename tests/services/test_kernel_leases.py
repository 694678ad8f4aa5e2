"""Leases on both engines: one holder, a fence that only grows, take-over when it lapsed."""

import threading
from collections.abc import Callable

import pytest

from praxisd.kernel import leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock, SystemClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.leases import Lease
from praxisd.testing.houses import Houses

ACTOR = system("test", "praxis")


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def take(house: House, holder: str, key: str = "k", seconds: int = 60) -> Lease | None:
    return house.store.run(ACTOR, lambda tx: leases.acquire(tx, key, holder, seconds))


def test_one_holds_it_and_the_fence_only_grows(kernel: House, clock: FrozenClock) -> None:
    first = take(kernel, "a")
    assert first is not None
    assert (first.fence, first.expires_at) == (1, clock.now() + 60)
    assert take(kernel, "b") is None
    clock.advance(30)
    again = take(kernel, "a")  # renewed, not new
    assert again is not None
    assert (again.fence, again.acquired_at, again.expires_at) == (1, first.acquired_at, clock.now() + 60)
    clock.advance(60)
    second = take(kernel, "b")
    assert second is not None
    assert second.fence == 2
    with kernel.store.write(ACTOR) as tx:
        assert not leases.renew(tx, again, 60)
        assert not leases.release(tx, again)
        assert leases.current(tx, "k") == second
        assert leases.renew(tx, second, 90)
        assert leases.release(tx, second)
        assert leases.current(tx, "k") is None
    third = take(kernel, "b")
    assert third is not None
    assert third.fence == 3  # the same holder after a gap is a new holding


def test_a_lapsed_lease_cannot_be_renewed(kernel: House, clock: FrozenClock) -> None:
    lease = take(kernel, "a")
    assert lease is not None
    clock.advance(60)
    with kernel.store.write(ACTOR) as tx:
        assert not leases.renew(tx, lease, 60)


def test_the_guard_of_a_record_wants_the_valid_fence(kernel: House, clock: FrozenClock) -> None:
    lease = take(kernel, "seat", "record:Patient/1")
    assert lease is not None
    with kernel.store.write(ACTOR) as tx:
        leases.guard(tx, "Patient/1", lease.fence)
        leases.guard(tx, "Patient/2", None)
        for fence, code in ((None, "seats.locked"), (lease.fence + 1, "seats.locked")):
            with pytest.raises(Problem) as caught:
                leases.guard(tx, "Patient/1", fence)
            assert (caught.value.code, caught.value.status) == (code, 423)
    clock.advance(60)
    with kernel.store.write(ACTOR) as tx:
        leases.guard(tx, "Patient/1", None)
        with pytest.raises(Problem, match="lock_lost"):
            leases.guard(tx, "Patient/1", lease.fence)


def test_first_askers_at_once_get_one_lease(houses: Houses) -> None:
    house = houses.open((SERVICE,), SystemClock())
    got: list[Lease] = []
    barrier = threading.Barrier(8)

    def ask(holder: str) -> None:
        barrier.wait(30)
        for key in "abc":
            lease = take(house, holder, key)
            if lease is not None:
                got.append(lease)

    threads = [threading.Thread(target=ask, args=(f"h{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(lease.key for lease in got) == ["a", "b", "c"]
    assert {lease.fence for lease in got} == {1}


def test_the_database_clock_decides_between_nodes(postgres_houses: Houses) -> None:
    class Slow(SystemClock):
        """A node whose clock is an hour behind."""

        def now(self) -> int:
            return super().now() - 3600

    first = postgres_houses.open((SERVICE,), SystemClock())
    slow = postgres_houses.twin(first, Slow())
    lease = take(slow, "slow")
    assert lease is not None
    with first.store.read(ACTOR) as tx:
        assert leases.current(tx, "k") == lease
    assert take(first, "first") is None
