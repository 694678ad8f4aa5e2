"""Backups are tormented a little, with fixed dice (`make torture BACKUPS=1` does it at length), and the judges are judged."""

import functools
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from praxisd.services.backups import gently
from praxisd.services.backups.engines.restic import Restic
from praxisd.testing import debian
from praxisd.testing.backup_torture import quick
from praxisd.testing.backup_torture_faults import KINDS, Faults, faults, flips
from praxisd.testing.backup_torture_kills import Kills, kills
from praxisd.testing.backup_torture_load import Load, load
from praxisd.testing.backup_torture_scene import ACCOUNTS, DATABASE, START_SUM, found, judged, transfer
from praxisd.testing.engine_quick import ready

pytestmark = pytest.mark.judge


@pytest.fixture(scope="module")
def make() -> Callable[[Path], Restic]:
    program = debian.program(["restic"], "restic")
    ready(program)
    return functools.partial(quick, program)


def test_killed_in_a_step(make: Callable[[Path], Restic], tmp_path: Path) -> None:
    result = kills(tmp_path, make, 2, seed=5, megabytes=1, first=3, kept=3)
    assert result.faults == [], result.report()
    assert result.kills == 2 and result.ended["interrupted"] >= 1 and result.restored >= 5
    assert "violations=0" in result.report()


def test_under_a_load_of_writing(make: Callable[[Path], Restic], tmp_path: Path) -> None:
    result = load(tmp_path, make, runs=2, megabytes=2)
    assert result.faults == [], result.report()
    assert (result.runs, result.restored) == (2, 2) and result.commits > 20
    assert "ratio" in result.report()


def test_media_that_fail(make: Callable[[Path], Restic], tmp_path: Path) -> None:
    result = Faults()
    flips(tmp_path, make, result, each=1, seed=2, megabytes=1, kinds=("keys", "data"))
    assert result.faults == [], result.report()
    assert result.named.total() == 2 and all("backups.damaged" in one for one in result.named)


def test_disk_and_cable(make: Callable[[Path], Restic], tmp_path: Path) -> None:
    result = faults(tmp_path, make, each=0, seed=1, megabytes=1)
    assert result.faults == [], result.report()
    assert any("full" in one for one in result.named) and len(KINDS) == 5


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / DATABASE
    with closing(sqlite3.connect(file)) as ledger, ledger:
        ledger.execute("CREATE TABLE torture_account(id INTEGER PRIMARY KEY, amount INTEGER)")
        ledger.execute("CREATE TABLE torture_line(no INTEGER PRIMARY KEY, o, t, amount, note)")
        share = START_SUM // ACCOUNTS
        ledger.executemany("INSERT INTO torture_account VALUES (?, ?)", [(n, share) for n in range(ACCOUNTS)])
        for no in (1, 2, 3):
            for statement, values in transfer(no):
                ledger.execute(statement, values)
    assert judged(file, 3) == []
    assert judged(file, 4) == ["a lost commit: 3 lines, 4 were confirmed"]
    with closing(sqlite3.connect(file)) as ledger, ledger:
        ledger.execute("DELETE FROM torture_line WHERE no = 2")
        ledger.execute("UPDATE torture_account SET amount = amount + 1 WHERE id = 0")
    assert judged(file, 3) == ["the sum is 5001, not 5000", "2 lines, the last is no. 3"]
    content = bytearray(file.read_bytes())
    content[4096 + 8 : 4096 + 40] = b"\xff" * 32  # the head of the first table's page
    file.write_bytes(content)
    assert judged(file, 2)[0].startswith("integrity")


@pytest.mark.skipif(os.name != "posix", reason="Windows is told at the start of a program")
def test_what_works_for_a_backup_stays_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as program:
        gently.behind(program.pid)
        group = Path(f"/proc/{program.pid}/autogroup")
        assert os.getpriority(os.PRIO_PROCESS, program.pid) >= gently.NICE
        assert not group.exists() or group.read_text().endswith(f"nice {gently.NICE}\n")
        program.kill()
    ours = Path("/proc/self/autogroup")
    assert not ours.exists() or not ours.read_text().endswith(f"nice {gently.NICE}\n")


def test_figures() -> None:
    result = Load(
        runs=1, during=[0.001, 0.002, 0.008], without=[0.001, 0.002, 0.004], longest=[(0.008, 0.004)]
    )
    assert (
        result.ratio(1.0) == 2.0
        and "max: 8.0 ms during backups, 4.0 ms without: ratio 2.00" in result.report()
    )
    assert "violations=1" in Kills(faults=["x"]).report() and "violations=1" in Faults(faults=["x"]).report()


def test_a_practice_is_founded(tmp_path: Path) -> None:
    folder = found(tmp_path, 1)
    assert judged(folder / DATABASE, 0) == [] and (folder / DATABASE).stat().st_size > 1_000_000
