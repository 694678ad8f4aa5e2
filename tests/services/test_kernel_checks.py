"""The kernel's own checks against a house that is made sick and healed again."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from praxisd.kernel import issues, jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.events import Dispatcher
from praxisd.kernel.house import SERVICE
from praxisd.kernel.service import Service
from praxisd.testing.houses import Houses, registry_of
from praxisd.testing.trials import job, with_jobs, worker_of

Make = Callable[..., House]


@pytest.fixture
def kernel(make_house: Make) -> House:
    return make_house((SERVICE,))


def found(house: House, *names: str) -> dict[str, str]:
    """code -> severity of what is open after the named checks."""
    return {i.code: i.severity.value for i in issues.run_checks(house, names).issues}


def test_a_healthy_house_has_at_most_the_note_on_sqlite(kernel: House) -> None:
    report = issues.run_checks(kernel)
    assert {i.code for i in report.issues} <= {"store.sqlite_old"}
    assert set(report.checked) == {c.name for c in SERVICE.checks}


@pytest.mark.parametrize(
    ("version", "wanted"), [((3, 40, 1), {"store.sqlite_old": "info"}), ((3, 51, 3), {})]
)
def test_sqlite_before_the_repair_is_only_worth_knowing(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert found(sqlite_houses.open((SERVICE,)), "kernel.sqlite") == wanted


def test_postgresql_does_not_ask_for_a_newer_sqlite(
    postgres_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    assert found(postgres_houses.open((SERVICE,)), "kernel.sqlite") == {}


@pytest.mark.parametrize(
    ("free", "wanted"), [(1_999, "warning"), (499, "error"), (2_000, None), (50_000, None)]
)
def test_disk_space_against_its_settings(
    kernel: House, monkeypatch: pytest.MonkeyPatch, free: int, wanted: str | None
) -> None:
    usage: Any = shutil.disk_usage(kernel.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=free * 1_000_000))
    assert found(kernel, "kernel.disk").get("store.disk_low") == wanted
    with kernel.store.write(system("test")) as tx:
        kernel.settings.put(tx, "kernel.disk_warn_mb", 100_000)
    assert found(kernel, "kernel.disk")["store.disk_low"] in ("warning", "error")


def test_a_clock_that_goes_back_is_named_until_it_is_right_again(kernel: House, clock: FrozenClock) -> None:
    assert found(kernel, "kernel.clock") == {}
    now = clock.now()
    clock.set(now - 100)
    assert found(kernel, "kernel.clock") == {}
    clock.set(now - 7200)
    assert found(kernel, "kernel.clock") == {"clock.jumped": "error"}
    clock.set(now + 1)
    assert found(kernel, "kernel.clock") == {}


def test_a_zone_this_machine_does_not_know(kernel: House) -> None:
    kernel.shared["organizations"] = lambda _tx: ["a", "b"]
    kernel.shared["zone"] = lambda tx: {"a": "Europe/Zurich", "b": "Mars/Olympus"}[tx.organization]
    assert found(kernel, "kernel.clock") == {"clock.zone_unknown": "error"}
    kernel.shared["zone"] = lambda _tx: "Europe/Vienna"
    assert found(kernel, "kernel.clock") == {}


@pytest.mark.skipif(os.name != "posix", reason="rights of the folder are looked at on POSIX systems")
def test_rights_of_the_data_folder_and_of_the_key(kernel: House) -> None:
    kernel.folder.chmod(0o750)
    (kernel.folder / "vault.key").chmod(0o640)
    assert found(kernel, "kernel.folder", "kernel.vault") == {
        "store.folder_open": "error",
        "vault.key_readable": "error",
    }
    kernel.folder.chmod(0o700)
    (kernel.folder / "vault.key").chmod(0o600)
    assert found(kernel, "kernel.folder", "kernel.vault") == {}


def test_a_guard_that_is_gone(make_house: Make) -> None:
    bare = {f: getattr(SERVICE, f) for f in SERVICE.__dataclass_fields__}
    house = make_house((SERVICE,))
    guarded = registry_of(
        (Service(**bare | {"guards": ("sqlite:no_such_guard", "postgresql:no_such_guard")}),)
    )
    house.registry = guarded
    assert found(house, "kernel.guards") == {"store.guard_missing": "error"}


def test_a_stuck_handler(kernel: House) -> None:
    dispatcher = kernel.shared["dispatcher"] = Dispatcher(kernel, ())
    dispatcher.failing["reminders"] = 2
    assert found(kernel, "kernel.handlers") == {}
    dispatcher.failing["reminders"] = 3
    assert found(kernel, "kernel.handlers") == {"events.handler_stuck": "error"}
    dispatcher.failing.clear()
    assert found(kernel, "kernel.handlers") == {}


def test_a_job_that_keeps_failing_until_its_next_good_run(make_house: Make, clock: FrozenClock) -> None:
    broken = [True]

    def work(_run: object) -> None:
        if broken[0]:
            raise RuntimeError("broken")

    house = make_house(with_jobs(job("trial.one", work)))
    worker = worker_of(house)
    worker.step()

    def hour() -> None:
        clock.advance(3600)
        worker.step()
        assert worker.wait_idle(30)

    for _ in range(2):
        hour()
    assert found(house, "kernel.jobs") == {}
    hour()
    assert found(house, "kernel.jobs") == {"jobs.failing": "warning"}
    (issue,) = issues.run_checks(house, ("kernel.jobs",)).issues
    assert issue.params == {"job": "trial.one", "code": "jobs.crashed", "times": 3}
    broken[0] = False
    hour()
    assert found(house, "kernel.jobs") == {}
    with house.store.read(system("test")) as tx:
        assert len(jobs.runs(house, tx, "trial.one")) == 4
