"""Whoever writes while backups are made: one transfer after the other, at a steady pace, each timed from begin to commit.

In the server's own process (`InHouse`, through the store, so that the interpreter's lock and the one writer count too), or as a
process of its own (`Beside`), which goes on when the one with the backup is killed.
"""

import contextlib
import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from praxisd.kernel.app import House
from praxisd.testing.backup_torture_scene import SYSTEM, transfer

PACE_S = 0.01
"""A transfer begins at least so long after the last one began. Seconds."""


def last_line(connection: sqlite3.Connection) -> int:
    """The number of the newest transfer."""
    return int(connection.execute("SELECT coalesce(max(no), 0) FROM torture_line").fetchone()[0])


class InHouse:
    """A thread of the server. `confirmed` is the number of the last transfer whose commit came back."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._end = threading.Event()
        self.times: list[tuple[float, float]] = []
        """When each transfer began (`time.perf_counter`), and how long it took. Seconds."""
        self.error: BaseException | None = None
        with house.store.read(SYSTEM) as tx:
            self.confirmed = int(tx.raw("SELECT coalesce(max(no), 0) FROM torture_line").fetchone()[0])
        self._thread = threading.Thread(target=self._work, name="torture-writer", daemon=True)

    def __enter__(self) -> "InHouse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(60)

    def between(self, begin: float, end: float) -> list[float]:
        """How long those took that began in this span. Seconds."""
        return [took for began, took in self.times if begin <= began < end]

    def _work(self) -> None:
        try:
            while not self._end.is_set():
                began = time.perf_counter()
                with self._house.store.write(SYSTEM) as tx:
                    for statement, values in transfer(self.confirmed + 1):
                        tx.raw(statement, values)
                took = time.perf_counter() - began
                self.confirmed += 1
                self.times.append((began, took))
                self._end.wait(max(0.0, PACE_S - took))
        except BaseException as error:
            self.error = error


class Beside:
    """A process of its own on the same file."""

    def __init__(self, file: Path) -> None:
        context = multiprocessing.get_context("fork")
        self._confirmed: Any = context.Value("q", 0)
        self._end: Any = context.Event()
        self._process = context.Process(target=_write, args=(file, self._confirmed, self._end), daemon=True)

    @property
    def confirmed(self) -> int:
        """The number of the last transfer whose commit came back."""
        return int(self._confirmed.value)

    @property
    def alive(self) -> bool:
        """False once a transfer was refused."""
        return bool(self._process.is_alive())

    def __enter__(self) -> "Beside":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._process.join(60)


def _write(file: Path, confirmed: Any, end: Any) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as ledger:
        ledger.execute("PRAGMA synchronous = FULL")
        no = last_line(ledger)
        while not end.is_set():
            began = time.perf_counter()
            ledger.execute("BEGIN IMMEDIATE")
            for statement, values in transfer(no + 1):
                ledger.execute(statement, values)
            ledger.execute("COMMIT")
            no += 1
            confirmed.value = no
            end.wait(max(0.0, PACE_S - (time.perf_counter() - began)))


def centile(times: Sequence[float], share: float) -> float:
    """The time that this share of them did not exceed. Seconds."""
    ranked = sorted(times)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else 0.0


def until(condition: Callable[[], bool], patience_s: float = 60) -> None:
    """Wait for it; AssertionError if it does not come."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)
