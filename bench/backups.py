"""Backups: our whole run beside plain restic on the same frozen files, and what a practice day adds to each repository.

Our run stages the database in use (copied, checked, counted, hashed), copies it, praxisd's own files and a folder of documents
onto a medium, and verifies the copy; the floor is `restic backup` of the same folder and of a raw copy of the database that was
made before the clock started. Then a day passes: both run again, and a third repository takes the database by VACUUM INTO.
"""

import contextlib
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench import practice, report
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.ids import new_id
from praxisd.model.backup_kept import RunKept, SourceKept
from praxisd.services.backups import plan_rules
from praxisd.services.backups.plans import drives, planning, setting_up, sources
from praxisd.services.backups.runs import asking, running
from praxisd.services.calendar import api as calendar
from praxisd.testing import debian

DOCUMENTS, PICTURES = 4_000, 60
"""Letters of about 60 kB and pictures of about 5 MB, as scanned."""
ATTACHED, ATTACHED_A_DAY = 1_500, 20
"""Referrals and findings of about 100 kB that patients sent along with their bookings; they lie in the database."""
LETTERS_A_DAY, PICTURES_A_DAY, BOOKED, CHANGED = 60, 2, 480, 260
_NEAR = """SELECT id FROM calendar_appointment WHERE status = 'booked' AND start BETWEEN :now - 604800 AND :now + 2592000
    ORDER BY id"""
_ATTACH = """INSERT INTO messaging_binary(organization, id, media_type, size, created_at, actor, extra, data)
    VALUES(?, ?, ?, ?, ?, ?, ?, ?)"""
_WHO = system("bench", INSTALLATION)
_MB = 1_000_000


@dataclass
class _Plain:
    """Plain restic with a repository of its own."""

    program: Path
    place: Path

    def call(self, *args: str) -> str:
        environment = os.environ | {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(self.place) + ".cache",
        }
        line = [str(self.program), "-r", str(self.place), "--json", *args]
        return subprocess.run(line, env=environment, check=True, capture_output=True, text=True).stdout

    def back_up(self, *paths: Path) -> float:
        """Seconds it took."""
        began = time.perf_counter()
        self.call("backup", "--host", "bench", *map(str, paths))
        return time.perf_counter() - began


def measure(
    made: practice.Filled, base: Path, work: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Rows: time of the first run and of the next day's, bytes added after that day."""
    program = debian.program(["restic"], "restic")
    documents = work / "documents"
    _write_documents(documents, Random(1))
    folder = practice.copy(base, work / "practice")
    _attach(folder / "praxisd.db", Random(3), ATTACHED)
    first: list[tuple[float, float]] = []
    next_day: list[tuple[float, float]] = []
    added: list[tuple[int, int, int]] = []
    split: list[dict[str, float]] = []
    for turn in range(rounds):
        say(f"backups: round {turn + 1} of {rounds}")
        with tempfile.TemporaryDirectory(prefix="backups-", dir=work) as name:
            one = _round(made, folder, documents, Path(name), program, turn, split)
        first.append(one[0])
        next_day.append(one[1])
        added.append(one[2])
    size = (folder / "praxisd.db").stat().st_size // _MB
    notes.append(
        f"backups: database {size} MB, {DOCUMENTS} letters and {PICTURES} pictures; "
        f"our run by step: {_shares(split)}"
    )
    ours, raw, vacuum = zip(*added, strict=True)
    return [
        report.row("backups", "first run, time", *_pair(first), demanded=1.1, most=True),
        report.row(
            "backups", "next day, time", *_pair(next_day), note="staging and proof of the database count in"
        ),
        report.row("backups", "added by a day / raw copy", ours, raw, demanded=1.1, most=True),
        report.row("backups", "added by a day / VACUUM INTO", ours, vacuum, demanded=0.7, most=True),
    ]


def _round(
    made: practice.Filled,
    folder: Path,
    documents: Path,
    work: Path,
    program: Path,
    turn: int,
    split: list[dict[str, float]],
) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int, int]]:
    raw, vacuum = _Plain(program, work / "raw"), _Plain(program, work / "vacuum")
    for one in (raw, vacuum):
        one.call("init")
    medium = work / "medium"
    medium.mkdir()
    house = practice.opened(folder)
    try:
        _planned(house, medium, documents)
        frozen = work / "frozen"
        first = _both(house, raw, documents, frozen, ours_first=turn % 2 == 0, split=split)
        vacuum.back_up(documents, _vacuum(folder, frozen))
        before = [_weight(one) for one in (medium, raw.place, vacuum.place)]
        _day(house, made, documents, Random(100 + turn), turn)
        after = _both(house, raw, documents, frozen, ours_first=turn % 2 == 1, split=split)
        vacuum.back_up(documents, _vacuum(folder, frozen))
        grown = [
            _weight(one) - was for one, was in zip((medium, raw.place, vacuum.place), before, strict=True)
        ]
        return first, after, (grown[0], grown[1], grown[2])
    finally:
        _unplanned(house)
        house.stop()


def _both(
    house: House,
    raw: _Plain,
    documents: Path,
    frozen: Path,
    *,
    ours_first: bool,
    split: list[dict[str, float]],
) -> tuple[float, float]:
    """Seconds of our run and of the floor, one after the other on the same files."""
    copy = _raw(house.folder, frozen)
    spent: dict[str, float] = {}
    for who in ("ours", "floor") if ours_first else ("floor", "ours"):
        os.sync()
        began = time.perf_counter()
        if who == "ours":
            _run(house)
        else:
            raw.back_up(documents, copy)
        spent[who] = time.perf_counter() - began
    split.append(spent)
    return spent["ours"], spent["floor"]


def _run(house: House) -> RunKept:
    asked = house.store.run(
        _WHO, lambda tx: asking.ask(house, tx, "backup", job="night", slot="nas", by="bench")
    )
    done = running.run_now(house, asked.id, stop=lambda: False)
    if done.state != "good":
        raise RuntimeError(f"our run ended {done.state}: {done.code} {done.detail}")
    return done


def _planned(house: House, medium: Path, documents: Path) -> None:
    """Variant 2 on a folder that stands in for the NAS, with the documents as a further source."""

    def write(tx: Any) -> str:
        planning.put(tx, plan_rules.make("variant2"))
        sources.include(
            house, tx, SourceKept("documents", "folders", {"path": str(documents)}, "bench", "bench", tx.now)
        )
        return drives.add(house, tx, {"label": "NAS", "kind": "nas", "path": str(medium), "slot": "nas"}).id

    drive = house.store.run(_WHO, write)
    setting_up.set_up(house, _WHO, drive, "nas", "")


def _unplanned(house: House) -> None:
    """The next round begins with a new medium."""
    from praxisd.services.backups import store

    def forget(tx: Any) -> None:
        for table in (store.DRIVE, store.MEDIUM, store.SOURCE, store.SNAPSHOT, store.WRAP):
            for one in table.all(tx):
                table.remove(tx, getattr(one, "id", "") or getattr(one, "name", "") or _id(one))

    house.store.run(_WHO, forget)


def _id(one: Any) -> str:
    return str(one.medium.id) if hasattr(one.medium, "id") else f"{one.medium}/{one.no}"


def _raw(folder: Path, frozen: Path) -> Path:
    """The database by the online backup, as a file of restic's."""
    frozen.mkdir(exist_ok=True)
    return _copied(folder / "praxisd.db", frozen / "praxisd.db", "backup")


def _vacuum(folder: Path, frozen: Path) -> Path:
    beside = frozen / "vacuum"
    beside.mkdir(exist_ok=True)
    return _copied(folder / "praxisd.db", beside / "praxisd.db", "vacuum")


def _copied(database: Path, to: Path, how: str) -> Path:
    to.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as source:
        if how == "vacuum":
            source.execute("VACUUM INTO ?", (str(to),))
        else:
            with contextlib.closing(sqlite3.connect(to)) as target:
                source.backup(target)
    return to


def _day(house: House, made: practice.Filled, documents: Path, rng: Random, turn: int) -> None:
    """A practice day: bookings and cancellations with all that they bring along, new letters and pictures."""
    booked = range(turn * BOOKED, (turn + 1) * BOOKED)
    for number in booked:
        house.store.run(
            made.desk, lambda tx, number=number: calendar.book(house, tx, practice.wish_for(made, number))
        )
    with contextlib.closing(sqlite3.connect(house.folder / "praxisd.db")) as db:
        near = [str(row[0]) for row in db.execute(_NEAR, {"now": int(time.time())})]
    for one in rng.sample(near, CHANGED):
        house.store.run(
            made.desk, lambda tx, one=one: calendar.change(house, tx, one, note=rng.randbytes(20).hex())
        )
    _attach(house.folder / "praxisd.db", rng, ATTACHED_A_DAY)
    for _ in range(LETTERS_A_DAY):
        _letter(documents, rng)
    for _ in range(PICTURES_A_DAY):
        _picture(documents, rng)


def _attach(database: Path, rng: Random, count: int) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        practice_id = db.execute("SELECT organization FROM calendar_appointment LIMIT 1").fetchone()[0]
        for _ in range(count):
            data = rng.randbytes(rng.randrange(40_000, 160_000))
            row = (practice_id, new_id(), "application/pdf", len(data), int(time.time()), "bench", "{}", data)
            db.execute(_ATTACH, row)
        db.execute("COMMIT")


def _write_documents(documents: Path, rng: Random) -> None:
    documents.mkdir()
    for _ in range(DOCUMENTS):
        _letter(documents, rng)
    for _ in range(PICTURES):
        _picture(documents, rng)


def _letter(documents: Path, rng: Random) -> None:
    folder = documents / f"{rng.randrange(200):03d}"
    folder.mkdir(exist_ok=True)
    words = rng.randbytes(15_000).hex()
    (folder / f"{rng.randbytes(6).hex()}.txt").write_text(words + "Sehr geehrte Damen und Herren\n" * 1_000)


def _picture(documents: Path, rng: Random) -> None:
    (documents / f"{rng.randbytes(6).hex()}.jpg").write_bytes(
        rng.randbytes(rng.randrange(4_000_000, 6_000_000))
    )


def _weight(place: Path) -> int:
    return sum(one.stat().st_size for one in place.rglob("*") if one.is_file())


def _pair(rows: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [one for one, _ in rows], [one for _, one in rows]


def _shares(split: list[dict[str, float]]) -> str:
    return ", ".join(f"{one['ours'] / one['floor']:.2f}" for one in split)
