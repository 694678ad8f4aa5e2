"""praxisd's own data at an exchange that is cut off, fails or follows another one; and on PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import job_plan, jobs, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.backups.restoring import after, exchange, working
from praxisd.services.backups.runs import running
from praxisd.services.backups.sources import postgres_exchange
from praxisd.services.backups.sources import running as programs
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .backup_restoring_cast import again, backed_up, wanted, words
from .backups_scene import SYSTEM


def failing(house: House, monkeypatch: pytest.MonkeyPatch, houses: Houses) -> House:
    """The next start, whose exchange fails: all is as it was."""

    def torn(*_args: Any) -> None:
        raise OSError("the disk")

    with monkeypatch.context() as patch:
        patch.setattr(exchange, "_in_all", torn)
        return again(houses, house)


@pytest.mark.parametrize("fails", [True, False])
def test_what_waits_for_a_person_waits_through_the_next_exchange(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Nobody has looked at the first one: what it paused goes on after the second one, however that ended."""
    house = sqlite_houses.open()
    organization = small_practice(house).organization
    job_plan.Planner(house).step()
    with house.store.write(system("test", organization)) as tx:
        jobs.change(house, tx, "messaging.send", enabled=True)
        jobs.change(house, tx, "reminders.prepare", enabled=False)
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    house = again(sqlite_houses, house)
    first = exchange.known(house.folder)
    assert first is not None and first.paused
    working.undo(house, SYSTEM, "user:owner")
    with monkeypatch.context() as patch:
        if not fails:  # the second one comes with a state in which they are switched off
            patch.setattr(after, "PAUSED", ())
        house = failing(house, monkeypatch, sqlite_houses) if fails else again(sqlite_houses, house)
    last = exchange.known(house.folder)
    assert last is not None and (last.phase, last.paused) == ("failed" if fails else "done", first.paused)
    after.seen(house)
    with house.store.read(system("test", organization)) as tx:
        assert jobs.get_job(house, tx, "messaging.send").enabled


def test_a_cut_while_jobs_are_paused_forgets_none(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    organization = small_practice(house).organization
    job_plan.Planner(house).step()
    with house.store.write(system("test", organization)) as tx:
        jobs.change(house, tx, "messaging.send", enabled=True)
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    real = exchange.mark

    def cut(folder: Path, **fields: Any) -> None:
        if fields.get("told"):
            raise KeyboardInterrupt
        real(folder, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(exchange, "mark", cut)
        with pytest.raises(KeyboardInterrupt):
            again(sqlite_houses, house)
    found = sqlite_houses.twin(house)
    after.settled(found)
    after.seen(found)
    with found.store.read(system("test", organization)) as tx:
        assert jobs.get_job(found, tx, "messaging.send").enabled


def test_the_doors_open_after_an_exchange_that_failed(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    working.restart(house, SYSTEM)
    found = failing(house, monkeypatch, sqlite_houses)
    with found.store.read(SYSTEM) as tx:
        assert maintenance.state(tx) is None
    last = exchange.known(found.folder)
    assert last is not None and last.phase == "failed"


def test_a_cut_at_the_first_start_leaves_no_door_closed(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    working.restart(house, SYSTEM)

    def cut(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "end", cut)
        with pytest.raises(KeyboardInterrupt):
            again(sqlite_houses, house)
    found = sqlite_houses.twin(house)
    after.settled(found)
    with found.store.read(SYSTEM) as tx:
        assert maintenance.state(tx) is None


def test_postgres_that_others_work_with_is_left_alone(
    postgres_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_exchange, "PATIENCE_S", 0.5)
    house = postgres_houses.open()
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    other = postgres_houses.twin(house)
    assert words(other) == ["later", "nas"]
    found = again(postgres_houses, house)
    last = exchange.known(found.folder)
    assert last is not None and (last.phase, last.code) == ("failed", postgres_exchange.IN_USE)
    assert (
        words(found) == ["later", "nas"] and (found.folder / "products" / "own.toml").read_text() == "# later"
    )
    assert [one.code for one in after.look(found)] == [after.FAILED]


def test_postgres_cut_off_while_it_is_filled(
    postgres_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = postgres_houses.open()
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    house.stop()
    url = house.config.database_url
    with monkeypatch.context() as patch:
        patch.setattr(programs, "run", _killed)
        with pytest.raises(KeyboardInterrupt):
            exchange.settle(house.folder, lambda: url, begin=True)
    last = exchange.known(house.folder)
    assert last is not None and last.phase == "saving", "pg_dump itself was cut off"
    with monkeypatch.context() as patch:
        patch.setattr(programs, "run", _killed_filling(programs.run))
        with pytest.raises(KeyboardInterrupt):
            exchange.settle(house.folder, lambda: url, begin=True)
    last = exchange.known(house.folder)
    assert last is not None and last.phase == "filling", "the database is empty now"
    ended = exchange.settle(house.folder, lambda: url, begin=False)
    assert ended is not None and ended.phase == "done"
    assert words(postgres_houses.twin(house)) == ["nas"]


def test_postgres_that_cannot_be_filled_is_as_it_was(postgres_houses: Houses, tmp_path: Path) -> None:
    house = postgres_houses.open()
    _, state = backed_up(house, tmp_path)
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).state == "good"
    last = exchange.known(house.folder)
    assert last is not None and last.dump is not None
    dump = house.folder / last.dump
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    found = again(postgres_houses, house)
    last = exchange.known(found.folder)
    assert last is not None and last.phase == "failed"
    assert (
        words(found) == ["later", "nas"] and (found.folder / "products" / "own.toml").read_text() == "# later"
    )


def _killed(*_args: Any, **_more: Any) -> Any:
    raise KeyboardInterrupt


def _killed_filling(real: Any) -> Any:
    def run(args: list[str], **more: Any) -> Any:
        if "--single-transaction" in args:
            raise KeyboardInterrupt
        return real(args, **more)

    return run
