"""The nightly purge on both engines: what is old goes, what a setting keeps stays, in all practices."""

from collections.abc import Callable

from praxisd.kernel import events, idempotency, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.house import SERVICE
from praxisd.kernel.idempotency import Kept
from praxisd.kernel.service import Retention
from praxisd.testing.trials import worker_of

DAY = 24 * 3600


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
