"""The database moved under 200 writes a second: is anything lost, and how long does the longest write wait?

The same writers work for the same time without a move, in the same round; the figure is the ratio of the longest waits. Beside
it the plain way: writers stopped, the file copied, written through and compared, for as long as that takes.
"""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench import practice, report
from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.engines import Sqlite
from praxisd.kernel.store import Tx
from praxisd.services.care import compacting, figures, moving
from praxisd_guard.durable import sync_file

RATE, THREADS = 200, 4
"""Writes a second, by so many threads."""
LEAST_S, MOST_S = 3.0, 30.0
_WHO = system("bench", INSTALLATION)
_WRITTEN = (
    "INSERT INTO kernel_cursor(organization, name, seq, updated_at) VALUES('bench', 'written:{0}', {0}, 0)"
)
_READ = "SELECT seq FROM kernel_cursor WHERE organization = 'bench' ORDER BY seq"


class Writers:
    """Each write is a row and an event in one transaction; what was acknowledged, and how long each waited. Seconds."""

    def __init__(self, house: House, first: int) -> None:
        self._house, self._next = house, first
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.done: list[int] = []
        self.waited: list[float] = []
        self.failed = 0
        self._threads = [threading.Thread(target=self._work, args=(one,)) for one in range(THREADS)]

    def __enter__(self) -> "Writers":
        self._began = time.monotonic()
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()
        self.rate = len(self.done) / (time.monotonic() - self._began)

    def _work(self, number: int) -> None:
        due = time.monotonic() + number / RATE
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            with self._lock:
                mine, self._next = self._next, self._next + 1

            def write(tx: Tx, mine: int = mine) -> None:
                tx.raw(_WRITTEN.format(mine))
                events.note(tx, "job.changed", "Item", str(mine))

            began = time.monotonic()
            try:
                self._house.store.run(_WHO, write)
            except Exception:
                self.failed += 1
            else:
                self.done.append(mine)
            self.waited.append(time.monotonic() - began)
            due = max(due + THREADS / RATE, time.monotonic() - 0.5)


def measure(
    base: Path, work: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Rows of the moves. AssertionError if anything was lost."""
    folder = practice.copy(base, work / "care")
    house = practice.opened(folder)
    moved: list[float] = []
    quiet: list[float] = []
    plain: list[float] = []
    gates: list[int] = []
    acknowledged: set[int] = set()
    seconds, rate, failed = LEAST_S, 0.0, 0
    try:
        size = _size(house)
        for number in range(rounds):
            say(f"care: round {number + 1} of {rounds}")
            target = work / f"moved{number}"
            target.mkdir()
            first = max(acknowledged, default=0) + 1_000
            with Writers(house, first) as with_move:
                began = time.monotonic()
                time.sleep(0.5)
                done = moving.move(house, _WHO, str(target), progress=lambda _d, _t: None, stop=lambda: False)
                time.sleep(max(0.5, LEAST_S - (time.monotonic() - began)))
                seconds = min(MOST_S, time.monotonic() - began)
            with Writers(house, max(with_move.done) + 1_000) as without:
                time.sleep(seconds)
            acknowledged |= {*with_move.done, *without.done}
            failed += with_move.failed + without.failed
            moved.append(max(with_move.waited))
            quiet.append(max(without.waited))
            gates.append(done.stall_ms)
            rate = with_move.rate
            plain.append(_plainly(house, work / "plain.db"))
            with house.store.read(_WHO) as tx:
                there = {int(row[0]) for row in tx.raw(_READ).fetchall()}
            if not acknowledged <= there or failed:
                raise AssertionError(f"lost {len(acknowledged - there)}, failed {failed}")
    finally:
        house.stop()
    notes.append(
        f"care: {size / 1e6:.0f} MB moved {rounds} times under {rate:.0f} writes a second; {len(acknowledged)} acknowledged, "
        f"0 lost, 0 refused; gate {sorted(gates)[len(gates) // 2]} ms; longest waits with a move "
        f"{_told(moved)} ms, without {_told(quiet)} ms, plain stop-and-copy {_told(plain)} ms"
    )
    return [
        report.row("care", "longest wait of a write, with a move / without", moved, quiet, most=True),
        report.row("care", "longest wait of a write, move / stop and copy", moved, plain, most=True),
    ]


def _plainly(house: House, to: Path) -> float:
    """Seconds that writers wait if the file is simply copied, written through, and compared."""
    engine = house.store.engine
    assert isinstance(engine, Sqlite)
    compacting.checkpoint(house)
    copied = to.with_name("source.db")  # beside: a file that SQLite has open is not opened by hand
    _backed_up(engine, copied)
    began = time.monotonic()
    shutil.copyfile(copied, to)
    sync_file(to)
    with copied.open("rb") as one, to.open("rb") as two:
        while data := one.read(4 << 20):
            if data != two.read(4 << 20):
                raise AssertionError("the copy is not the same")
    spent = time.monotonic() - began
    copied.unlink()
    to.unlink()
    return spent


def _backed_up(engine: Sqlite, to: Path) -> None:
    with figures.reading(engine.path) as source:
        target = sqlite3.connect(to)
        source.backup(target)
        target.close()


def _size(house: House) -> int:
    engine = house.store.engine
    assert isinstance(engine, Sqlite)
    return engine.path.stat().st_size


def _told(waits: list[float]) -> str:
    return "/".join(f"{one * 1000:.0f}" for one in sorted(waits))
