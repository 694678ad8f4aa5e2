"""Updates that are cut off in their middle, with the whole program: afterwards one of the two versions runs."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard import journal, orders, versions
from praxisd_guard.child_proc import start_ticks

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


WITH_SERVER = ("accepted", "unpacked", "started", "healthy")
WITHOUT = ("stopped", "expanded", "switched")
KEPT = {"server": {"accepted", "unpacked", "healthy"}, "guard": {"switched", "started", "healthy"}}
"""After which steps the new version stays although something was killed; after all others the old one runs."""


@pytest.mark.parametrize(
    ("step", "killed"),
    [(step, killed) for step in WITH_SERVER for killed in ("server", "guard", "both")]
    + [(step, "guard") for step in WITHOUT],
)
def test_whatever_is_killed_at_whatever_step_one_version_runs(tmp_path: Path, step: str, killed: str) -> None:
    """The whole program, kill -9 at each line of the journal; every point between them is in the engine's own tests."""
    with home_of(tmp_path) as home:
        (home.path / "pause").touch()
        home.begin(env={"PAUSE_AT": step}, trusting=True)
        home.reach("running")
        order = home.install()
        until(lambda: step in home.steps(order), step)
        state = home.state
        assert state
        if killed != "server":
            home.kill()
        if killed != "guard":
            assert state.server_pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.server_pid, signal.SIGKILL)
        (home.path / "pause").unlink()
        if killed != "server":
            home.begin(trusting=True)
        found = home.outcome(order)
        expected = "1.1" if step in KEPT["server" if killed == "server" else "guard"] else "1.0"
        assert (found.state, found.healthy) == ("kept" if expected == "1.1" else "rolled_back", True)
        until(lambda: home.state and home.state.state == "running" and home.ask().status == 200)
        assert home.ask().body.decode() == expected
        pointer = versions.pointer(home.path)
        assert pointer and pointer.version == expected
        assert journal.unfinished(home.path) is None and orders.waiting(home.path) == []
        alive = [one["pid"] for one in home.starts() if start_ticks(one["pid"])]
        assert home.state and alive == [home.state.server_pid]


def test_an_ending_guard_lets_the_step_finish_that_must_not_be_cut(home: Home) -> None:
    home.begin(trusting=True)
    home.reach("running")
    order = home.install("migrate_slow")
    until(lambda: "stopped" in home.steps(order))
    assert home.end() == 0
    steps = home.steps(order)
    assert steps[-1] in ("stopped", "expanded", "switched", "started", "healthy", "kept")
    migrated = (home.data / "migrated.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in migrated] == [0]  # it came to its end
    home.begin(trusting=True)
    found = home.outcome(order)
    home.reach("running")
    assert home.ask().body.decode() == {"kept": "1.1", "rolled_back": "1.0"}[found.state]
