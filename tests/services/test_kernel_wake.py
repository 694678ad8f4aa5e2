"""Wake-up: no notice is lost between looking and waiting; on PostgreSQL a commit wakes the other nodes."""

import threading
import time

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.house import SERVICE
from praxisd.kernel.wake import Wake
from praxisd.testing.houses import Houses

ACTOR = system("test")


def test_a_notice_between_mark_and_wait_is_not_lost(sqlite_houses: Houses) -> None:
    wake = Wake(sqlite_houses.open((SERVICE,)).store.engine)
    seen = wake.mark()
    wake.signal()
    start = time.monotonic()
    assert wake.wait(seen, 60) == seen + 1
    assert time.monotonic() - start < 30


def test_waiting_ends_after_its_timeout_and_when_it_is_stopped(sqlite_houses: Houses) -> None:
    wake = Wake(sqlite_houses.open((SERVICE,)).store.engine)
    assert wake.wait(wake.mark(), 0.05) == 0
    ended = threading.Event()

    def sleep() -> None:
        wake.wait(wake.mark(), 30)
        ended.set()

    thread = threading.Thread(target=sleep)
    thread.start()
    wake.stop()
    assert ended.wait(30)
    thread.join()


def test_only_a_commit_with_events_wakes(houses: Houses) -> None:
    house = houses.open((SERVICE,))
    called: list[int] = []
    end = house.wake.subscribe(lambda: called.append(1))
    seen = house.wake.mark()
    with house.store.write(ACTOR):
        pass
    assert house.wake.mark() == seen
    with house.store.write(ACTOR) as tx:
        events.note(tx, "job.changed", "Job", "x")
    assert house.wake.mark() > seen
    assert called == [1]
    end()
    house.wake.signal()
    assert called == [1]


def test_a_commit_wakes_the_other_node(postgres_houses: Houses) -> None:
    first = postgres_houses.open((SERVICE,))
    second = postgres_houses.twin(first)
    second.wake.start()
    assert second.wake.listening.wait(30)
    seen = second.wake.mark()
    start = time.monotonic()
    with first.store.write(ACTOR) as tx:
        events.note(tx, "job.changed", "Job", "x")
    assert second.wake.wait(seen, 60) > seen
    assert time.monotonic() - start < 30


def test_the_listener_comes_back_after_its_connection_was_cut(postgres_houses: Houses) -> None:
    first = postgres_houses.open((SERVICE,))
    second = postgres_houses.twin(first)
    second.wake.start()
    assert second.wake.listening.wait(30)
    with first.store.write(ACTOR) as tx:
        tx.raw(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query = 'LISTEN praxisd' AND datname = current_database()"
        )
    deadline = time.monotonic() + 15
    while second.wake.listening.is_set() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert second.wake.listening.wait(15)
    seen = second.wake.mark()
    with first.store.write(ACTOR) as tx:
        events.note(tx, "job.changed", "Job", "x")
    assert second.wake.wait(seen, 60) > seen
