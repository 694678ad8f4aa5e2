"""Updates that are cut off in their middle, with the whole program: afterwards one of the two versions runs."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd_guard import journal, orders, versions

from .keeper_cast import Home, home_of, until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_of(tmp_path) as made:
        yield made


@pytest.mark.parametrize("step", ["unpacked", "stopped", "switched", "started"])
def test_guard_and_server_killed_in_an_update_end_with_one_of_the_versions(tmp_path: Path, step: str) -> None:
    """The whole program, kill -9; every point of the engine is in the engine's own tests."""
    with home_of(tmp_path, healthy_s=5) as home:
        home.begin(trusting=True)
        home.reach("running")
        order = home.install("migrate_slow")
        until(lambda: step in home.steps(order), step)
        home.kill()
        state = home.state
        if state and state.server_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.server_pid, signal.SIGKILL)
        home.begin(trusting=True)
        found = home.outcome(order)
        state = home.reach("running")
        expected = {"kept": "1.1", "rolled_back": "1.0"}[found.state]
        pointer = versions.pointer(home.path)
        assert pointer and (state.version, pointer.version) == (expected, expected)
        assert home.ask().body == expected.encode()
        assert journal.unfinished(home.path) is None and orders.waiting(home.path) == []


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
