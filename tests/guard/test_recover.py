"""kill -9 of the guard at every point of an order: afterwards the old version or the new one runs, never neither."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing import guarded, guarded_kills
from praxisd.testing.guarded_host import ScriptHost
from praxisd.testing.guarded_kills import NEW, OLD, SCENARIOS
from praxisd_guard import journal, orders, recover, versions
from praxisd_guard.install_migrate import wait_until_free
from praxisd_guard.keeper_host import Failure

STEPS = {
    "install": ["accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy", "kept"],
    "sick": [
        "accepted",
        "unpacked",
        "stopped",
        "expanded",
        "switched",
        "started",
        "failed",
        "back",
        "restored",
    ],
    "exits": ["accepted", "unpacked", "stopped", "expanded", "switched", "failed", "back", "restored"],
    "migrate": ["accepted", "unpacked", "stopped", "failed", "back", "restored"],
    "switch_back": ["accepted", "stopped", "switched", "started", "healthy", "kept"],
    "server": ["accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy", "kept"],
    "again": ["again", "started", "healthy", "kept"],
    "again_sick": ["again", "started", "failed", "back", "restored"],
    "going_back": ["again", "back", "restored"],
    "interrupted": ["failed", "back", "restored"],
}
"""The journal's lines of each scenario: every one of them has a point before and after it."""


@pytest.mark.slow
@pytest.mark.timeout(300)  # six seconds on a quiet machine; a busy one is no fault
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_point_of_an_order(tmp_path: Path, name: str) -> None:
    """Scenario by scenario, each point in a process of its own that kills itself there (`guarded_kills`)."""
    line = [sys.executable, "-m", "praxisd.testing.guarded_kills", str(tmp_path), name]
    done = subprocess.run(line, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    whole, *points = [json.loads(one) for one in done.stdout.splitlines()]
    labels = [point["label"] for point in points]
    assert [label for label in labels if label.startswith("before journal")] == [
        f"before journal {step}" for step in STEPS[name]
    ]
    assert len(points) >= 2 * len(STEPS[name]) and {"before", "after"} == {
        label.split()[0] for label in labels
    }
    assert not whole["killed"]
    if SCENARIOS[name].victim == "guard":
        assert all(point["killed"] for point in points)
    else:  # from stopped to started there is none to kill
        assert 10 < sum(point["killed"] for point in points) < len(points)
    for found in (whole, *points):
        _whole(name, found)
    if name in ("install", "switch_back"):
        _rule(points)
    if name == "again":
        second, good = labels.index("after journal again"), labels.index("after journal healthy")
        assert {(p["state"], p["code"]) for p in points[second:good]} == {
            ("rolled_back", "guard.interrupted")
        }


def _whole(name: str, found: dict[str, Any]) -> None:
    """One healthy version, the one the pointer names; the order has ended, and nothing half is left."""
    assert found["healthy"] and found["running"] == found["pointer"] in (OLD, NEW), found
    assert found["state"] in ("kept", "rolled_back"), found
    assert (found["waiting"], found["unfinished"], found["left"]) == (0, None, []), found
    scenario = SCENARIOS[name]
    kept = found["state"] == "kept"
    if scenario.kind == "switch_back":
        assert (found["pointer"], found["previous"]) == ((OLD, NEW) if kept else (NEW, OLD)), found
        assert found["versions"] == [OLD, NEW]
    else:
        assert (found["pointer"], found["previous"]) == ((NEW, OLD) if kept else (OLD, None)), found
        assert found["versions"] == ([OLD, NEW] if kept else [OLD]), found
        assert found["starts"] <= 2, found  # never a third try
    assert kept == (found["code"] is None), found
    if scenario.behaviour != "good":
        assert not kept, found


def _rule(points: list[dict[str, Any]]) -> None:
    """Before `accepted` it is carried out anew; before `switched` taken back; from there on tried again."""
    labels = [point["label"] for point in points]
    known, switched = labels.index("after journal accepted"), labels.index("after journal switched")
    assert {point["state"] for point in points[:known]} == {"kept"}
    assert {(p["state"], p["code"]) for p in points[known:switched]} == {("rolled_back", "guard.interrupted")}
    assert {point["state"] for point in points[switched:]} == {"kept"}


def test_what_lies_there_of_another_kind_of_order_is_ended(tmp_path: Path) -> None:
    guarded.script_home(tmp_path / "home", tmp_path / "data")
    wish = orders.order("restart", "cli", "planned")
    orders.give(tmp_path / "home", wish)
    journal.Journal(tmp_path / "home").write("restart", "accepted", order=wish.id)
    host = ScriptHost(tmp_path / "home")
    assert not recover.run(tmp_path / "home", host)
    assert host.calls == []
    assert journal.outcome(tmp_path / "home", wish.id).state == "kept"
    assert not orders.is_waiting(tmp_path / "home", wish.id)
    assert not recover.run(tmp_path / "home", host)
    host.doors.close()


def test_a_migration_that_goes_on_without_its_guard_is_waited_for(tmp_path: Path) -> None:
    """The guard is killed while the migration holds the data folder; the old version starts when that is free."""
    home, wish = guarded_kills.fresh(tmp_path, guarded_kills.Scenario())
    for step in ("accepted", "unpacked", "stopped"):
        facts = {"version": NEW, "old": OLD, "old_previous": None} if step == "accepted" else {}
        journal.Journal(home).write("install", step, order=wish.id, **facts)
    (tmp_path / "data" / "run").mkdir(parents=True)
    holding = "import fcntl,sys,time; f=open(sys.argv[1],'ab'); fcntl.flock(f,2); print('held',flush=True); time.sleep(1)"
    lock = tmp_path / "data" / "run" / "lock"
    migration = subprocess.Popen([sys.executable, "-c", holding, str(lock)], stdout=subprocess.PIPE)
    assert migration.stdout is not None and migration.stdout.readline() == b"held\n"
    host = ScriptHost(home)
    start, free = host.start, []

    def start_when_free(reason: str) -> Failure | None:
        with lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free.append(reason)
        return start(reason)

    host.start = start_when_free  # type: ignore[method-assign]
    assert recover.run(home, host)
    assert free == ["rollback"]
    assert migration.wait(60) == 0
    assert host.running() == OLD
    host.end()
    host.doors.close()
    migration.stdout.close()


@pytest.mark.parametrize("steps", [["switched"], ["switched", "failed"], ["stopped"]])
def test_a_full_disk_leads_back_to_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    """Nothing can be written down any more: the pointer must not stay with the version nobody knows to be good."""
    home, wish = guarded_kills.fresh(tmp_path, guarded_kills.Scenario(behaviour="exits"))
    journal.Journal(home).write("install", "accepted", wish.id, version=NEW, old=OLD, old_previous=None)
    for step in steps:
        journal.Journal(home).write("install", step, order=wish.id)
    guarded.script_version(home, NEW, "exits")
    versions.point(home, NEW)

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal.Journal, "write", full)
    host = ScriptHost(home)
    try:
        assert recover.run(home, host)
        assert host.running() == OLD
        here = versions.pointer(home)
        assert here is not None and here.version == OLD
    finally:
        host.end()
        host.doors.close()


def test_a_folder_that_is_never_free_is_not_waited_for_without_end(tmp_path: Path) -> None:
    guarded.script_home(tmp_path / "home", tmp_path / "data")
    assert wait_until_free(tmp_path / "home", 0.0)
    (tmp_path / "data" / "run").mkdir()
    with (tmp_path / "data" / "run" / "lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not wait_until_free(tmp_path / "home", 0.05)
