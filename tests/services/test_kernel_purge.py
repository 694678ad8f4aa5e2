"""The nightly purge on both engines: what is old goes, what a setting keeps stays, in all practices."""

from collections.abc import Callable

import pytest

from praxisd.kernel import events, idempotency, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.house import SERVICE
from praxisd.kernel.idempotency import Kept
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import Retention, Service
from praxisd.testing.trials import done, job, run_log, worker_of

DAY = 24 * 3600
SERVICE_AND_TRIAL = Registry(
    (SERVICE, Service("trial", "praxisd.kernel", jobs=(job("trial.one", done, Daily(At("09:00"))),))),
    freeze((SERVICE,)).texts,
)


def test_a_night_takes_what_was_kept_long_enough(
    make_house: Callable[..., House], clock: FrozenClock
) -> None:
    house = make_house((SERVICE,))
    house.shared["organizations"] = lambda _tx: ["a", "b"]
    worker = worker_of(house)
    worker.step()
    for organization in ("a", "b"):
        with house.store.write(system("test", organization)) as tx:
            events.note(tx, "setting.changed", "Setting", "audit")
            events.note(tx, "issue.raised", "Issue", "activity")
            idempotency.save(tx, "k", "POST", "/x", "1", Kept("h", 201, {}, b""))
            house.settings.put(tx, "kernel.events_activity_days", 7)
            house.settings.put(tx, "kernel.events_activity_count", 0)
            house.settings.put(tx, "kernel.runs_keep_count", 2)
            house.settings.put(tx, "kernel.runs_keep_days", 1)
    for _ in range(9):
        clock.advance(DAY)
        while worker.step():
            assert worker.wait_idle(10)
    for organization in ("a", "b"):
        with house.store.read(system("test", organization)) as tx:
            kept = events.since(tx, 0)
            assert "activity" not in [e.subject_id for e in kept]
            assert "audit" in [e.subject_id for e in kept]
            assert idempotency.lookup(tx, "k", "POST", "/x", "1") is None
    with house.store.read(system("test", INSTALLATION)) as tx:
        runs = jobs.runs(house, tx, "kernel.purge", limit=100)
        assert events.floor(tx, Retention.ACTIVITY) > 0
    assert {r.state for r in runs} == {"success"}
    assert len(runs) == 3  # the two newest that had ended, and the one that cleared the others away


def _nights(house: House, clock: FrozenClock, number: int) -> None:
    worker = worker_of(house)
    for _ in range(number):
        clock.advance(DAY)
        while worker.step():
            assert worker.wait_idle(10)


def test_the_newest_activities_of_each_practice_stay_however_old(
    make_house: Callable[..., House], clock: FrozenClock
) -> None:
    house = make_house((SERVICE,))
    house.shared["organizations"] = lambda _tx: ["a", "b"]
    worker_of(house).step()
    for organization, number in (
        ("a", 1),
        ("b", 30),
    ):  # side by side in one table, the busy one must not push
        for at in range(number):
            with house.store.write(system("test", organization)) as tx:
                events.note(tx, "issue.raised", "Issue", f"{organization}{at}")
    with house.store.write(system("test")) as tx:
        house.settings.put(tx, "kernel.events_activity_days", 7)
        house.settings.put(tx, "kernel.events_activity_count", 5)
    _nights(house, clock, 6)

    def left(organization: str) -> list[str]:
        with house.store.read(system("test", organization)) as tx:
            return [e.subject_id for e in events.since(tx, 0, types=("issue.raised",))]

    assert len(left("b")) == 30  # more than five, but not older than a week
    _nights(house, clock, 9)
    assert left("a") == ["a0"]
    assert left("b") == [f"b{n}" for n in range(25, 30)]
    with house.store.read(system("test")) as tx:  # the nights' own runs count for the installation alone
        assert len(events.since(tx, 0, types=("run.finished",))) >= 5
    with house.store.write(system("test")) as tx:
        house.settings.put(tx, "kernel.events_activity_count", 0)
    _nights(house, clock, 2)
    assert left("a") == left("b") == []


@pytest.mark.parametrize(("days", "count", "left"), [(1, 4, 5), (6, 2, 7), (3, 50, 12)])
def test_runs_stay_by_age_and_at_least_so_many_of_each_job(
    make_house: Callable[..., House], clock: FrozenClock, days: int, count: int, left: int
) -> None:
    """SPEC 4.4: what is young stays, and beside that the newest of each job however old they are."""
    house = make_house(SERVICE_AND_TRIAL, job_threads=1)  # purged first, then the run of this morning
    with house.store.write(system("test")) as tx:
        house.settings.put(tx, "kernel.runs_keep_count", count)
        house.settings.put(tx, "kernel.runs_keep_days", days)
    worker_of(house).step()
    _nights(house, clock, 12)
    log = run_log(house)
    assert len(log) == left
    assert [run.due_at for run in log] == [clock.now() - n * DAY for n in reversed(range(left))]
