"""Store on both engines: commit, rollback, one writer, readers that cannot write, lists in kept
statements.
"""

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from praxisd.kernel import events, leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.house import SERVICE
from praxisd.kernel.leases import LEASE
from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.testing.houses import Houses

ACTOR = system("test", "praxis")
ADD = insert(LEASE)


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def add(tx: Tx, key: str, holder: str = "x") -> None:
    tx.run(ADD, key=key, holder=holder, fence=0, acquired_at=0, expires_at=0, detail="{}")


def keys(house: House) -> list[str]:
    with house.store.read(ACTOR) as tx:
        return [r.key for r in tx.all(sa.select(LEASE.c.key).where(mine(LEASE)).order_by(LEASE.c.key))]


def test_a_write_is_there_after_commit_and_gone_after_a_fault(kernel: House) -> None:
    generation = kernel.store.generation
    with kernel.store.write(ACTOR) as tx:
        add(tx, "a")
    assert kernel.store.generation == generation + 1
    with pytest.raises(ZeroDivisionError), kernel.store.write(ACTOR) as tx:
        add(tx, "b")
        events.note(tx, "setting.changed", "Setting", "x")
        1 / 0  # noqa: B018
    assert keys(kernel) == ["a"]
    assert kernel.store.generation == generation + 1
    with kernel.store.read(ACTOR) as tx:
        assert events.since(tx, 0) == []


def test_a_fault_while_events_are_appended_rolls_all_back(kernel: House) -> None:
    with pytest.raises(RuntimeError, match="not declared"), kernel.store.write(ACTOR) as tx:
        add(tx, "a")
        events.note(tx, "nobody.declared", "Setting", "x")
    assert keys(kernel) == []


def test_calls_after_commit_happen_only_after_commit(kernel: House) -> None:
    called: list[str] = []
    with kernel.store.write(ACTOR) as tx:
        tx.after(lambda: called.append("good"))
        assert called == []
    with pytest.raises(ValueError), kernel.store.write(ACTOR) as tx:
        tx.after(lambda: called.append("bad"))
        raise ValueError
    assert called == ["good"]


def test_a_reader_cannot_write(kernel: House) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"), kernel.store.read(ACTOR) as tx:
        add(tx, "a")
    assert keys(kernel) == []


def test_a_reader_sees_one_moment(kernel: House) -> None:
    with kernel.store.read(ACTOR) as tx:
        count = sa.select(sa.func.count()).select_from(LEASE).where(mine(LEASE))
        assert tx.value(count) == 0
        with kernel.store.write(ACTOR) as other:
            add(other, "a")
        assert tx.value(count) == 0
    assert keys(kernel) == ["a"]


def test_a_write_inside_a_write_is_refused_on_sqlite(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open((SERVICE,))
    with house.store.write(ACTOR), pytest.raises(RuntimeError, match="inside"), house.store.write(ACTOR):
        pass
    with house.store.write(ACTOR) as tx:
        add(tx, "still works")
    assert keys(house) == ["still works"]


def test_a_broken_rule_of_the_schema_is_a_violation_with_its_name(kernel: House) -> None:
    with pytest.raises(Violation) as caught, kernel.store.write(ACTOR) as tx:
        add(tx, "a")
        add(tx, "a")
    assert caught.value.name.startswith("kernel_lease")
    assert keys(kernel) == []


def test_run_tries_again_when_two_transactions_met(kernel: House) -> None:
    tries: list[int] = []

    def work(tx: Tx) -> str:
        tries.append(1)
        add(tx, "a")
        if len(tries) < 3:
            raise Conflict("met")
        return "done"

    assert kernel.store.run(ACTOR, work) == "done"
    assert len(tries) == 3
    with pytest.raises(Conflict):
        kernel.store.run(ACTOR, lambda _tx: (_ for _ in ()).throw(Conflict("again")), tries=2)


def test_a_deadlock_on_postgresql_is_a_conflict_and_is_tried_again(postgres_houses: Houses) -> None:
    house = postgres_houses.open((SERVICE,))
    with house.store.write(ACTOR) as tx:
        add(tx, "a")
        add(tx, "b")
    change = prepared(
        sa.update(LEASE)
        .where(mine(LEASE), LEASE.c.key == sa.bindparam("which"))
        .values(fence=LEASE.c.fence + 1)
    )
    barrier = threading.Barrier(2)
    met = threading.Event()

    def cross(first: str, second: str) -> None:
        def work(tx: Tx) -> None:
            tx.run(change, which=first)
            if not met.is_set():
                barrier.wait(30)
                met.set()
            tx.run(change, which=second)

        house.store.run(ACTOR, work)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with house.store.read(ACTOR) as tx:
        assert [r.fence for r in tx.all(sa.select(LEASE.c.fence).where(mine(LEASE)))] == [2, 2]


def test_many_threads_lose_no_write(kernel: House) -> None:
    change = prepared(sa.update(LEASE).where(mine(LEASE), LEASE.c.key == "n").values(fence=LEASE.c.fence + 1))
    with kernel.store.write(ACTOR) as tx:
        add(tx, "n")

    def count() -> None:
        for _ in range(20):
            kernel.store.run(ACTOR, lambda tx: tx.run(change))

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with kernel.store.read(ACTOR) as tx:
        assert tx.value(sa.select(LEASE.c.fence).where(mine(LEASE))) == 100


def test_a_list_in_a_kept_statement_works_with_every_value_after_it(kernel: House) -> None:
    kept = prepared(
        sa.select(LEASE.c.key)
        .where(mine(LEASE), LEASE.c.key.in_(("a", "c")), LEASE.c.fence == sa.bindparam("f"))
        .order_by(LEASE.c.key)
    )
    with kernel.store.write(ACTOR) as tx:
        for key in "abc":
            add(tx, key)
        assert [r.key for r in tx.all(kept, f=0)] == ["a", "c"]
        assert [r.key for r in tx.all(kept, f=1)] == []


def test_a_closed_store_refuses_and_waits_for_an_open_write(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open((SERVICE,))
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with house.store.write(ACTOR) as tx:
            inside.set()
            go_on.wait(10)
            add(tx, "a")

    writer = threading.Thread(target=slow)
    writer.start()
    assert inside.wait(30)
    closer = threading.Thread(target=house.store.close)
    closer.start()
    time.sleep(0.1)
    assert closer.is_alive()
    go_on.set()
    writer.join(5)
    closer.join(5)
    with pytest.raises(RuntimeError, match="closed"), house.store.write(ACTOR):
        pass
    assert keys(house) == ["a"]


def test_leases_are_bound_to_the_organization(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        assert leases.acquire(tx, "k", "x", 60) is not None
    with kernel.store.write(system("test", "other")) as tx:
        assert leases.current(tx, "k") is None
        assert leases.acquire(tx, "k", "y", 60) is not None
