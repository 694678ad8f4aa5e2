"""A frozen node and a lost connection on PostgreSQL: nobody waits for them, and no run fails because of them."""

import time
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.engines import Postgres, Sqlite
from praxisd.kernel.job_claim import ATTEMPTS
from praxisd.kernel.job_run import RunContext
from praxisd.testing.houses import Houses
from praxisd.testing.trials import job, run_log, settle, with_jobs

ACTOR = system("test")
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = pg_backend_pid()"


def test_who_freezes_in_a_transaction_loses_its_locks(postgres_url: str) -> None:
    frozen, other = Postgres(postgres_url, frozen_s=1), Postgres(postgres_url)
    with pytest.raises(frozen.failure) as caught, frozen.write() as cursor:
        frozen.lock_events(cursor)
        began = time.monotonic()
        with other.write() as second:
            other.lock_events(second)  # would wait for ever
        assert 0.5 < time.monotonic() - began < 10
        cursor.execute("SELECT 1")
    assert frozen.is_cut_off(caught.value)
    with frozen.write() as cursor:  # and goes on with a new connection
        assert cursor.execute("SELECT 1").fetchone() == (1,)
    frozen.close()
    other.close()


def test_what_is_no_lost_connection(postgres_url: str, tmp_path: Any) -> None:
    engine = Postgres(postgres_url)
    with pytest.raises(engine.failure) as caught, engine.write() as cursor:
        cursor.execute("SELECT no_such_thing")
    assert not engine.is_cut_off(caught.value)
    assert not engine.is_cut_off(ValueError())
    engine.close()
    assert not Sqlite(tmp_path / "x.db").is_cut_off(OSError())


def _cutting(house: House, run: RunContext, times: int, seen: list[int]) -> None:
    for item in range((run.cursor or 0) + 1, 4):
        with run.write() as tx:
            events.note(tx, "job.changed", "Item", str(item))
            run.checkpoint(item, tx=tx, items=1)
            if item == 2 and run.attempt <= times:
                tx.raw(CUT)
        seen.append(item)


@pytest.mark.parametrize(
    ("times", "state", "code", "attempt"),
    [(1, "success", None, 2), (ATTEMPTS, "failed", "jobs.gave_up", ATTEMPTS)],
)
def test_a_run_whose_connection_is_cut_goes_on_from_its_cursor(
    postgres_houses: Houses, clock: FrozenClock, times: int, state: str, code: str | None, attempt: int
) -> None:
    seen: list[int] = []
    house: House = postgres_houses.open(
        with_jobs(job("trial.one", lambda run: _cutting(house, run, times, seen))), clock
    )
    settle(house)
    clock.advance(3600)
    settle(house)
    (run,) = run_log(house)
    assert (run.state, run.code, run.attempt) == (state, code, attempt)
    assert seen == ([1, 2, 3] if state == "success" else [1])
    assert run.counts == {"items": len(seen)}


def _cut_all(url: str) -> None:
    other = Postgres(url)
    with other.write() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.close()


def _answers(engine: Postgres) -> bool:
    with engine.write() as cursor:
        written = cursor.execute("SELECT 1").fetchone() == (1,)
    with engine.read() as cursor:
        return written and cursor.execute("SELECT 1").fetchone() == (1,)


def test_after_one_lost_connection_no_other_is_trusted(postgres_url: str) -> None:
    engine = Postgres(postgres_url)
    assert _answers(engine)
    _cut_all(postgres_url)
    with (
        pytest.raises(engine.failure),
        engine.read() as cursor,
    ):  # used a moment ago: nobody asked whether it lives
        cursor.execute("SELECT 1")
    assert _answers(engine)
    engine.close()


def test_a_connection_that_has_rested_is_asked_first(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Postgres(postgres_url)
    assert _answers(engine)
    _cut_all(postgres_url)
    monkeypatch.setattr("praxisd.kernel.engines.RESTED_S", 0.0)
    assert _answers(engine)
    engine.close()
