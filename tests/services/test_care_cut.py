"""The database is moved in a process of its own that writes meanwhile and is killed (kill -9) at each step of the move.

Afterwards there is one valid database, it says which, nothing that was acknowledged is missing, and it can be moved again.
"""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from praxisd.kernel import database_at, issues
from praxisd.services.care import journal, moving, steps
from praxisd.testing import care_killed
from praxisd.testing.care_killed import WHO
from praxisd.testing.programs import command

NEW_FROM = steps.STEPS.index("pointed")


def _killed(folder: Path, to: Path, step: str) -> list[int]:
    """Numbers that were acknowledged before the end."""
    done = subprocess.run(
        [sys.executable, "-m", "praxisd.testing.care_killed", str(folder), str(to), step],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    return [int(line) for line in done.stdout.split()]


@pytest.fixture(name="places")
def the_places(tmp_path, sqlite_houses):
    house = sqlite_houses.open()  # migrated from the template
    house.stop()
    to = tmp_path / "other"
    to.mkdir()
    return house.folder, to


@pytest.mark.parametrize("step", steps.STEPS)
def test_a_plug_pulled_at_each_step_leaves_one_valid_database_and_it_says_which(places, step):
    folder, to = places
    acknowledged = _killed(folder, to, step)
    new = steps.STEPS.index(step) >= NEW_FROM
    valid, other = (to, folder) if new else (folder, to)
    house = care_killed.opened(folder)
    try:
        assert house.store.engine.path == valid / "praxisd.db"
        there = care_killed.numbers(house)
        assert set(acknowledged) <= set(there) and len(there) <= len(acknowledged) + 1
        assert there == list(range(1, len(there) + 1))
        with closing(sqlite3.connect(house.store.engine.path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Of the other one nothing is left that could be taken for the database.
        lies = other / "praxisd.db"
        assert database_at.is_stone(lies) if new else not lies.exists()
        last = journal.known(folder)
        assert last is not None
        if step != "renamed":  # there all was done already
            issues.run_checks(house, ["care.moves"])
            with house.store.read(WHO) as tx:
                (issue,) = issues.list_all(tx)
            assert (issue.code, issue.params["valid"]) == ("care.move_cut", str(valid / "praxisd.db"))
        assert (last.phase, last.cut) == ("done" if new else "failed", step != "renamed")
        if new:
            (old,) = journal.old_ones(folder)
            with closing(sqlite3.connect(old.path)) as db:  # the old one is whole too, as of the exchange
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # and on it goes, to there or back again
        goal = folder if new else to
        again = moving.move(house, WHO, str(goal), progress=lambda _done, _all: None, stop=lambda: False)
        assert again.phase == "done" and house.store.engine.path == goal / "praxisd.db"
        assert care_killed.numbers(house) == there
    finally:
        house.stop()


def test_command_and_log_say_which_one_is_valid(places):
    folder, to = places
    _killed(folder, to, "switching")
    said = command("care", "status", folder=folder)
    assert said.code == 0, said.err
    assert f"Es gilt: {folder / 'praxisd.db'}" in said.out and "brach ab" in said.out
    told = command("doctor", folder=folder)
    assert "care.move_cut" in told.out + told.err and str(folder / "praxisd.db") in told.out + told.err
    moved = command("care", "move", "--to", str(to), folder=folder)
    assert moved.code == 0, moved.err
    assert f"Es gilt: {to / 'praxisd.db'}" in moved.out
    refused = command("care", "release", "--yes", folder=folder)
    assert refused.code == 0, refused.err  # the move itself has checked it
    assert not list(folder.glob("praxisd.db.before-*"))
    assert command("doctor", folder=folder).code in (0, 1)
