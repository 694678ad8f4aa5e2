"""Events on both engines: order of commits, cursors exactly once, purge and its floor, no words of people."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.events import EVENT, Dispatcher, Event
from praxisd.kernel.house import SERVICE
from praxisd.kernel.service import Handler, Retention
from praxisd.kernel.store import Tx
from praxisd.testing.houses import Houses

ACTOR = system("test", "praxis")
DAY = 24 * 3600


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def write(house: House, *subjects: str, type_: str = "setting.changed", organization: str = "praxis") -> None:
    with house.store.write(system("test", organization)) as tx:
        for one in subjects:
            events.note(tx, type_, "Setting", one, version=1, fields=("value",), number=3)


def subjects(house: House, since: int = 0, organization: str = "praxis") -> list[str]:
    with house.store.read(system("test", organization)) as tx:
        return [e.subject_id for e in events.since(tx, since, subject_type="Setting", limit=1000)]


def test_an_event_says_what_who_when_and_stays_in_its_practice(kernel: House, clock: FrozenClock) -> None:
    write(kernel, "a")
    write(kernel, "b", organization="other")
    with kernel.store.read(ACTOR) as tx:
        (one,) = events.since(tx, 0)
        assert events.about(tx, "Setting", "a") == [one]
        assert events.about(tx, "Setting", "b") == []
        assert events.head(tx) == one.seq + 1
    assert one == Event(
        type="setting.changed",
        subject_type="Setting",
        subject_id="a",
        version=1,
        fields=("value",),
        codes={"number": 3},
        seq=one.seq,
        organization="praxis",
        actor="system:test",
        at=clock.now(),
    )
    assert one.subject == "Setting/a"


@pytest.mark.parametrize("text", ["Erika Mustermann", "a@b.de", "x" * 81, "zeile\nzwei", "Müller"])
def test_words_of_people_are_refused(kernel: House, text: str) -> None:
    with pytest.raises(ValueError, match="free text"), kernel.store.write(ACTOR) as tx:
        events.note(tx, "setting.changed", "Setting", "a", note=text)


def test_since_filters_by_type_subject_and_portal(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        events.note(tx, "setting.changed", "Setting", "a", portal="p1")
        events.note(tx, "job.changed", "Job", "b", portal="p2")
    with kernel.store.read(ACTOR) as tx:
        assert [e.subject_id for e in events.since(tx, 0, types=("job.changed", "run.failed"))] == ["b"]
        assert [e.subject_id for e in events.since(tx, 0, subject_type="Setting")] == ["a"]
        assert [e.subject_id for e in events.since(tx, 0, portal="p2")] == ["b"]
        assert [e.subject_id for e in events.since(tx, 0, limit=1)] == ["a"]


def test_a_reader_that_follows_its_cursor_misses_no_concurrent_commit(kernel: House) -> None:
    """Transactions that began earlier and commit later must not get numbers a reader has already passed."""
    writers, each = 4, 25
    found: list[str] = []
    finished = threading.Event()

    def produce(writer: int) -> None:
        for n in range(each):

            def work(tx: Tx, n: int = n) -> None:
                events.note(tx, "setting.changed", "Setting", f"{writer}-{n}")
                time.sleep(0.001 * (writer % 3))

            kernel.store.run(ACTOR, work)

    def follow() -> None:
        seen = 0
        while True:
            last_round = finished.is_set()
            with kernel.store.read(ACTOR) as tx:
                batch = events.since(tx, seen)
            for one in batch:
                found.append(one.subject_id)
                seen = one.seq
            if last_round and not batch:
                return

    reader = threading.Thread(target=follow)
    reader.start()
    threads = [threading.Thread(target=produce, args=(w,)) for w in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finished.set()
    reader.join(20)
    assert sorted(found) == sorted(f"{w}-{n}" for w in range(writers) for n in range(each))


WAITING = "SELECT 1 FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database() AND NOT granted"


def test_no_reader_passes_over_an_event_that_commits_late(
    postgres_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number is taken before the commit: another node must not show a higher one before, else a live page or a feed that
    goes on from it would never be told of the lower."""
    slow = postgres_houses.open((SERVICE,))
    quick = postgres_houses.twin(slow)
    real: Any = slow.store.append
    numbered, go = threading.Event(), threading.Event()

    def append(tx: Tx, found: list[Any]) -> None:
        real(tx, found)
        numbered.set()
        while not go.wait(0.2):
            tx.raw("SELECT 1")  # else it would be taken for frozen

    monkeypatch.setattr(slow.store, "append", append)
    threads = [threading.Thread(target=write, args=one) for one in ((slow, "late"), (quick, "soon"))]
    threads[0].start()
    try:
        assert numbered.wait(30)
        threads[1].start()
        end = time.monotonic() + 30
        waits = False
        while threads[1].is_alive() and not waits:
            assert time.monotonic() < end
            with quick.store.read(ACTOR) as tx:
                waits = tx.raw(WAITING).fetchone() is not None
        assert subjects(quick) == []
    finally:
        go.set()
        for thread in threads:
            thread.join(30)
    assert subjects(quick) == ["late", "soon"]


class Follower:
    """A handler with an effect in the database; it can be told to crash at a subject, after its effect."""

    def __init__(self) -> None:
        self.crash_at: str | None = None
        self.calls = 0

    def __call__(self, _house: House, tx: Tx, event: Event) -> None:
        self.calls += 1
        events.note(tx, "job.changed", "Effect", event.subject_id)
        if event.subject_id == self.crash_at:
            raise RuntimeError("crash in the handler")

    def handler(self) -> Handler:
        return Handler("follow", ("setting.changed",), self)


def effects(house: House, organization: str = "praxis") -> list[str]:
    with house.store.read(system("test", organization)) as tx:
        return [e.subject_id for e in events.since(tx, 0, subject_type="Effect", limit=1000)]


def drain(*dispatchers: Dispatcher) -> None:
    while sum(d.step() for d in dispatchers):
        pass


def test_a_crashing_handler_loses_and_doubles_nothing(kernel: House) -> None:
    follower = Follower()
    dispatcher = Dispatcher(kernel, (follower.handler(),))
    write(kernel, "a", "b", "c")
    follower.crash_at = "b"
    for n in range(1, 4):
        assert dispatcher.step() == 0
        assert dispatcher.failing == {"follow": n}
    assert effects(kernel) == []
    follower.crash_at = None
    drain(dispatcher)
    assert effects(kernel) == ["a", "b", "c"]
    assert dispatcher.failing == {}
    write(kernel, "d")
    drain(Dispatcher(kernel, (follower.handler(),)))  # a new start goes on where the cursor stands
    assert effects(kernel) == ["a", "b", "c", "d"]


def test_a_handlers_effect_lands_in_the_practice_of_its_event(kernel: House) -> None:
    dispatcher = Dispatcher(kernel, (Follower().handler(),))
    write(kernel, "x", organization="one")
    drain(dispatcher)
    assert effects(kernel, "one") == ["x"]


def test_a_batch_of_two_practices_keeps_them_apart(kernel: House) -> None:
    dispatcher = Dispatcher(kernel, (Follower().handler(),))
    write(kernel, "x", organization="one")
    write(kernel, "y", organization="two")
    write(kernel, "z", organization="one")
    drain(dispatcher)
    assert effects(kernel, "one") == ["x", "z"]
    assert effects(kernel, "two") == ["y"]
    assert effects(kernel, INSTALLATION) == []


def test_two_nodes_handle_each_event_once(postgres_houses: Houses) -> None:
    first = postgres_houses.open((SERVICE,))
    nodes = [first, postgres_houses.twin(first), postgres_houses.twin(first)]
    follower = Follower()
    for start in range(0, 120, 20):
        write(first, *(str(n) for n in range(start, start + 20)))

    def drive(house: House) -> None:
        dispatcher = Dispatcher(house, (follower.handler(),))
        deadline = time.monotonic() + 20
        while len(effects(house)) < 120 and time.monotonic() < deadline:
            dispatcher.step()

    threads = [threading.Thread(target=drive, args=(n,)) for n in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects(first) == [str(n) for n in range(120)]
    assert follower.calls == 120


def test_a_handler_with_nothing_to_do_writes_nothing_but_does_not_stay_behind(kernel: House) -> None:
    dispatcher = Dispatcher(kernel, (Follower().handler(),))
    dispatcher.step()  # its cursor is made
    generation = kernel.store.generation
    write(kernel, *(str(n) for n in range(events.QUIET - 1)), type_="job.changed")
    for _ in range(3):
        assert dispatcher.step() == 0
    assert kernel.store.generation == generation + 1
    write(kernel, "one more", type_="job.changed")
    assert dispatcher.step() == 0
    with kernel.store.read(ACTOR) as tx:
        assert events.cursor(tx, "handler:follow", INSTALLATION) == events.head(tx) == events.QUIET
    write(kernel, "a")
    drain(dispatcher)
    assert effects(kernel) == ["a"]


def age(house: House, retention: Retention = Retention.AUDIT) -> Any:
    with house.store.read(ACTOR) as tx:
        return events.floor(tx, retention)


def test_purge_keeps_what_a_live_handler_has_not_seen(kernel: House, clock: FrozenClock) -> None:
    dispatcher = Dispatcher(kernel, (Follower().handler(),))
    write(kernel, "a", "b")
    drain(dispatcher)
    write(kernel, "c")
    clock.advance(10 * DAY)
    with kernel.store.write(ACTOR) as tx:
        gone = events.purge(tx, Retention.AUDIT, clock.now() - DAY)
    assert gone >= 2
    assert "c" in subjects(kernel)
    assert "a" not in subjects(kernel)
    assert age(kernel) >= 2
    with kernel.store.write(ACTOR) as tx:  # the handler was removed with its plug-in: it holds nothing back
        events.purge(tx, Retention.AUDIT, clock.now() - DAY, live=())
    assert subjects(kernel) == []


def test_purge_goes_in_chunks_by_class_and_never_lowers_the_floor(kernel: House, clock: FrozenClock) -> None:
    write(kernel, *"abcde")
    write(kernel, "kept", type_="issue.raised")
    clock.advance(DAY)
    counts = []
    for _ in range(4):
        with kernel.store.write(ACTOR) as tx:
            counts.append(events.purge(tx, Retention.AUDIT, clock.now(), limit=2))
    assert counts == [2, 2, 1, 0]
    assert subjects(kernel) == ["kept"]
    floor = age(kernel)
    assert floor == 5
    assert age(kernel, Retention.ACTIVITY) == 0
    with kernel.store.write(ACTOR) as tx:
        events.purge(tx, Retention.ACTIVITY, clock.now())
        assert events.head(tx) == 6  # an empty table does not begin to count anew
    write(kernel, "new")
    with kernel.store.read(ACTOR) as tx:
        assert [e.seq for e in events.since(tx, 0)] == [7]
        assert tx.value(sa.select(sa.func.count()).select_from(EVENT).execution_options(across=True)) == 1
    assert age(kernel) == floor
