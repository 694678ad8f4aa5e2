"""The practice of the torture of the backups: a house with a plan, a target, and a ledger in its database that must add up.

The ledger: accounts whose sum never changes, and a journal with one numbered line per confirmed transfer. Whatever copy of
the database is looked at, the sum is right, the lines have no gap, and all that was confirmed before the copy began is there.
"""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House, open_house
from praxisd.kernel.clock import Clock
from praxisd.kernel.config import Config
from praxisd.model.backup import Retention
from praxisd.model.backup_kept import Drive, MediumKept, RunKept, SnapshotKept
from praxisd.services.backups import engine_checks, plan_rules, store
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import looking, media, planning, setting_up
from praxisd.services.backups.runs import asking, history, queueing
from praxisd.services.backups.sources import pieces, places
from praxisd.testing.houses import Houses, registry_of

SYSTEM = system("torture", INSTALLATION)
ACCOUNTS, START_SUM = 50, 5_000
DATABASE = "praxisd.db"
MEGABYTE = 1_000_000
_TABLES = (
    "CREATE TABLE torture_account(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)",
    "CREATE TABLE torture_line(no INTEGER PRIMARY KEY, origin INTEGER, target INTEGER, amount INTEGER, note TEXT)",
    "CREATE TABLE torture_image(id INTEGER PRIMARY KEY, content BLOB)",
)


def never() -> bool:
    """Do not stop."""
    return False


def quiet(done: int, whole: int) -> None:
    """Nobody looks."""


def found(top: Path, megabytes: int) -> Path:
    """Found a practice: its data folder, with a ledger and so many megabytes that cannot be made smaller. Nobody has it open."""
    top.mkdir(parents=True, exist_ok=True)
    houses = Houses("sqlite", top)
    folder = houses.open().folder
    houses.close()
    dice = random.Random(megabytes)
    with closing(sqlite3.connect(folder / DATABASE)) as ledger, ledger:
        for table in _TABLES:
            ledger.execute(table)
        share = START_SUM // ACCOUNTS
        ledger.executemany("INSERT INTO torture_account VALUES (?, ?)", [(n, share) for n in range(ACCOUNTS)])
        for _ in range(megabytes):
            ledger.execute("INSERT INTO torture_image(content) VALUES (?)", (dice.randbytes(MEGABYTE),))
    return folder


def transfer(no: int) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements of transfer `no`, the same whoever does them."""
    dice = random.Random(no)
    origin, target, amount = dice.randrange(ACCOUNTS), dice.randrange(ACCOUNTS), dice.randrange(1, 100)
    return [
        ("UPDATE torture_account SET amount = amount - ? WHERE id = ?", (amount, origin)),
        ("UPDATE torture_account SET amount = amount + ? WHERE id = ?", (amount, target)),
        ("INSERT INTO torture_line VALUES (?, ?, ?, ?, ?)", (no, origin, target, amount, "x" * 400)),
    ]


def judged(file: Path, confirmed: int) -> list[str]:
    """What is wrong with this database, whether a copy or the practice's own. `confirmed`: so many lines must be in it."""
    faults = []
    with closing(sqlite3.connect(file)) as ledger:
        said = [str(row[0]) for row in ledger.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            return [f"integrity: {said}"]
        total = ledger.execute("SELECT sum(amount) FROM torture_account").fetchone()[0]
        count, last = ledger.execute("SELECT count(*), coalesce(max(no), 0) FROM torture_line").fetchone()
    if total != START_SUM:
        faults.append(f"the sum is {total}, not {START_SUM}")
    if count != last:
        faults.append(f"{count} lines, the last is no. {last}")
    if last < confirmed:
        faults.append(f"a lost commit: {last} lines, {confirmed} were confirmed")
    return faults


@dataclass
class Practice:
    """An open house of the torture. `engine` is the real restic; its passwords may cost nothing (`QuickRestic`)."""

    house: House
    engine: Restic
    slot: str = "nas"
    path: Path = field(default_factory=Path)
    """Where the medium lies."""

    @classmethod
    def opened(
        cls, folder: Path, engine: Callable[[Path], Restic], path: Path, clock: Clock | None = None
    ) -> "Practice":
        """The house in this folder, as a server would open it; `path` holds its only medium."""
        house = open_house(folder, registry_of(None), Config(), clock)
        import_module("praxisd.main").wire(house)
        made = cls(house, engine(folder / "backups" / "engine"), path=path)
        house.shared[engine_checks.ENGINE] = made.engine
        return made

    actor = SYSTEM

    def plan(self, newest: int = 20) -> None:
        """A plan that keeps so many states, and the target it wants."""
        keep = Retention(newest=newest, daily=0, weekly=0, monthly=0) if newest < 20 else None
        with self.house.store.write(SYSTEM) as tx:
            planning.put(tx, plan_rules.make("variant2", keep=keep))
            drive = Drive(id="nas", label="NAS", kind="nas", path=str(self.path), slot="nas")
            store.DRIVE.put(tx, "nas", drive, at=tx.now)
        self.medium()

    def medium(self, label: str = "") -> MediumKept:
        """Set up what lies there as the medium of the slot, as a person does at the page."""
        return setting_up.set_up(self.house, SYSTEM, "nas", self.slot, label)

    def anew(self, label: str) -> MediumKept:
        """As the solution of „damaged“ says: put the medium aside, take a new one, set it up."""
        with self.house.store.write(SYSTEM) as tx:
            for one in media.media(tx):
                media.retire(tx, one.medium.id)
        self.path.rename(self.path.with_name(f"{self.path.name} aside {label}"))
        self.path.mkdir()
        return self.medium(label)

    def ask(self, kind: Any = "backup") -> RunKept:
        """Ask for a run, as a person does."""
        more: dict[str, Any] = {"job": "night", "slot": self.slot} if kind == "backup" else {}
        facts = {"byHand": True}
        with self.house.store.write(SYSTEM) as tx:
            return asking.ask(self.house, tx, kind, by="user:desk", facts=facts, **more)

    def work(self) -> list[RunKept]:
        """What the job does: all that waits, by the queue. The runs that ended."""
        done = queueing.work(self.house, stop=never)
        return [] if done is None else done.runs

    def run(self, kind: Any = "backup") -> RunKept:
        """Ask for one and let the queue do it; how it ended."""
        asked = self.ask(kind)
        ended = next((one for one in self.work() if one.id == asked.id), None)
        assert ended is not None, "the queue left it lying"
        return ended

    def runs(self) -> list[RunKept]:
        """All, by when they were asked for."""
        with self.house.store.read(SYSTEM) as tx:
            return sorted(store.RUN.all(tx), key=lambda one: (one.asked, one.id))

    def current(self) -> str:
        """The id of the medium that is in use."""
        with self.house.store.read(SYSTEM) as tx:
            return next(one.medium.id for one in media.media(tx) if not one.medium.retired)

    def states(self) -> list[SnapshotKept]:
        """What is on the medium in use, by the table."""
        with self.house.store.read(SYSTEM) as tx:
            return history.states(tx, self.current())

    def restored(self, states: Sequence[tuple[str, int]]) -> list[str]:
        """Restore each of these (id of the engine, confirmed lines) and judge the database in it. What is wrong."""
        with self.house.store.read(SYSTEM) as tx:
            drive = store.DRIVE.get(tx, "nas")
        assert drive is not None
        repo = keyring.repo_of(self.house, looking.place(drive), self.current())
        faults = []
        for id, confirmed in states:
            with tempfile.TemporaryDirectory(dir=self.path.parent) as into:
                self.engine.restore(repo, id, Path(into), progress=quiet, stop=never)
                top = self.house.folder / "backups" / "staging" / places.file_name("praxisd database")
                file = pieces.whole(places.restored(Path(into), top / DATABASE), never)
                faults += [f"state {id[:8]}: {one}" for one in judged(file, confirmed)]
        return faults

    def left(self) -> list[str]:
        """What no run may leave behind."""
        top = self.house.folder / "backups"
        there = [name for name in ("staging", "scratch") if (top / name).exists()]
        half = [one.name for one in self.path.rglob("*-tmp-*") if one.is_file()]
        return there + half

    def close(self) -> None:
        """Stop the house."""
        self.house.stop()


def emptied(folder: Path) -> Path:
    """This folder, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
