"""Backups are tormented a little, with fixed dice (`make torture BACKUPS=1` does it at length), and the judges are judged."""

import functools
import os
import sqlite3
import subprocess
import sys
import threading
import time
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


_THREADS = """
import sys, threading, time
def chain(left):
    if left:
        threading.Thread(target=chain, args=(left - 1,)).start()
    elif left == 0:
        print("all", flush=True)
    time.sleep(60)
threading.Thread(target=chain, args=(40,), daemon=True).start()
sys.stdin.read(1)
chain(-1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux alone")
def test_what_works_for_a_backup_stays_behind_with_all_its_threads() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _THREADS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **gently.group(alone=False),
    ) as program:
        try:
            while not list(Path(f"/proc/{program.pid}/task").iterdir())[1:]:
                time.sleep(0.001)  # it has begun one, and begins more while it is looked at
            gently.behind(program.pid)
            assert program.stdout is not None and program.stdout.readline() == b"all\n"
            threads = [int(one.name) for one in Path(f"/proc/{program.pid}/task").iterdir()]
            assert len(threads) > 40
            assert {os.getpriority(os.PRIO_PROCESS, one) for one in threads} == {gently.NICE}
            assert os.getpgid(program.pid) == program.pid and os.getsid(program.pid) == os.getsid(0)
        finally:
            program.kill()
    assert os.getpriority(os.PRIO_PROCESS, 0) < gently.NICE


@pytest.mark.skipif(os.name != "posix", reason="Windows has no sessions of this kind")
def test_a_program_that_may_ask_has_no_terminal() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, **gently.group(alone=True)
    ) as one:
        assert os.getsid(one.pid) == one.pid == os.getpgid(one.pid)
        one.kill()


def test_a_thread_stays_behind_alone() -> None:
    found: list[int] = []

    def work() -> None:
        gently.stay()
        inner = threading.Thread(
            target=lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        )
        inner.start()
        inner.join()

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [gently.NICE if sys.platform == "linux" else before]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


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
