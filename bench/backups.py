"""Backups: our whole run beside plain restic on the same frozen files, and what a practice day adds to each repository.

What is compared: ours is the whole run, from its beginning to its record (the database in use copied, checked, counted, its
digest made, cut into pieces; each document read for its digest; all of it and praxisd's own files copied onto a medium by
restic; the medium read again as far as each run does). The floor is one `restic backup` of the same folder and of a raw copy of
the database that was made before the clock started: the same restic, with its own compression in both, as far behind other
programs as ours. Then a day passes and both run again. Processor time of all that a run starts is shown beside the clock's: other
work on the machine disturbs it less.

Each of both works on a file system of its own that was made for it (`ground`), and none while the other's is there.

Three practices: a small one, which also measures what a day adds; and two with `_SCANS` bytes of letters and X-rays more, which
no compression makes smaller, at which the demand on the time is aimed: most of what a run costs besides copying (database,
passwords, the look at the medium afterwards) is the same few seconds for a practice of any size. Beside them the careful floor:
`restic backup` and then `restic check` of as much as ours reads.
"""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from bench import ground as ground_
from bench import papers, practice, report
from bench.ground import Ground
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.ids import new_id
from praxisd.model.backup_kept import RunKept, SourceKept
from praxisd.services.backups import gently, plan_rules
from praxisd.services.backups.plans import drives, planning, setting_up, sources
from praxisd.services.backups.runs import asking, running
from praxisd.services.calendar import api as calendar
from praxisd.testing import debian

ATTACHED, ATTACHED_A_DAY = 1_500, 20
"""Referrals and findings of about 100 kB that patients sent along with their bookings; they lie in the database."""
LETTERS_A_DAY, PICTURES_A_DAY, BOOKED, CHANGED = 60, 2, 480, 260
_SCANS = {"realistic": 2_000_000_000, "archive": 10_000_000_000}
"""Bytes beside the small practice's: of some months, and of the years in which the appointments of `practice` were made."""
_ROOM = 6_000_000_000
"""Bytes of a file system beside the documents that are copied onto it: the practice, its staging folder."""
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

    def call(self, *args: str) -> None:
        """Behind the practice's work, as ours."""
        environment = os.environ | {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(self.place) + ".cache",
            "TMPDIR": str(self.place.parent),
        }
        line = [str(self.program), "-r", str(self.place), "--json", *args]
        with subprocess.Popen(
            line, env=environment, stdout=subprocess.DEVNULL, **gently.group(alone=False)
        ) as process:
            gently.behind(process.pid)
        if process.returncode:
            raise RuntimeError(f"restic {args[0]} ended with {process.returncode}")

    def back_up(self, *paths: Path) -> None:
        self.call("backup", "--host", "bench", *map(str, paths))

    def check(self) -> None:
        self.call("check", "--read-data-subset=5%")


@dataclass
class _Spent:
    """Seconds of the clock and of all processors, round by round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, work: Callable[[], object], documents: Path) -> None:
        """What is copied is in memory before, whoever had it in hand last, and memory to work with is at hand."""
        for one in documents.rglob("*"):
            if one.is_file():
                one.read_bytes()
        os.sync()
        ground_.touched()
        wall, cpu = time.perf_counter(), _cpu()
        work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(_cpu() - cpu)

    def plus(self, other: "_Spent") -> "_Spent":
        return _Spent(
            [a + b for a, b in zip(self.wall, other.wall, strict=True)],
            [a + b for a, b in zip(self.cpu, other.cpu, strict=True)],
        )

    def row(self, name: str, floor: "_Spent", demanded: float | None = None) -> report.Row:
        """Both ratios are costs, ours over the floor's."""
        return report.row(
            "backups", name, self.wall, floor.wall, cpu=(floor.cpu, self.cpu), demanded=demanded, most=True
        )


class _Times(dict[str, _Spent]):
    """By who worked: ours, plain, check."""

    def __missing__(self, who: str) -> _Spent:
        return self.setdefault(who, _Spent())


def measure(
    made: practice.Filled, base: Path, work: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Rows: time of the first run and of the next day's, bytes added after that day."""
    program = debian.program(["restic"], "restic")
    documents = work / "documents"
    papers.written(documents, Random(1))
    folder = practice.copy(base, work / "practice")
    _attach(folder / "praxisd.db", Random(3), ATTACHED)
    small = (_Times(), _Times())
    added: list[dict[str, int]] = []
    with _grounds(work, 2 * papers.weight(documents) + _ROOM) as (ground, _):
        for turn in range(rounds):
            say(f"backups: small practice, round {turn + 1} of {rounds}")
            ground.fresh()
            with ground.mounted() as place:
                added.append(_small(made, folder, documents, place, program, turn, small))
    times = {"small": small}
    weights = [papers.weight(documents)]
    for dice, (size, more) in enumerate(_SCANS.items(), 2):
        papers.scans(documents, Random(dice), more)
        weights.append(papers.weight(documents))
        times[size] = (_Times(), _Times())
        with _grounds(work, weights[-1] + _ROOM) as grounds:
            for turn in range(rounds + 1):  # the first only warms: memory that a host had taken, both images
                say(f"backups: {size} practice, round {turn} of {rounds}")
                into = times[size] if turn else (_Times(), _Times())
                _large(made, folder, documents, grounds, program, (rounds + 1) * (dice - 1) + turn, into)
    notes.append(
        "backups: each on a file system of its own, made for it"
        if ground_.own()
        else "backups: on a folder of this disk, as root each would get a file system of its own: the times are not sure"
    )
    notes.append(
        "backups: ours is the whole run (database copied, checked and counted, digests of all files, restic, verify, record), "
        "the floor one `restic backup` of the same documents and of a raw copy of the database made before it; the same restic, "
        "the same compression, in turns"
    )
    weighed = ", ".join(f"{size} {one // _MB}" for size, one in zip(times, weights, strict=True))
    notes.append(
        f"backups: database {(folder / 'praxisd.db').stat().st_size // _MB} MB; MB of documents: {weighed}; seconds: "
        f"{_medians(times)}"
    )
    return [*_time_rows(times), *_byte_rows(added)]


def _time_rows(times: dict[str, tuple[_Times, _Times]]) -> list[report.Row]:
    rows = []
    for size, days in reversed(times.items()):
        for day, one in zip(("first run", "next day"), days, strict=True):
            demanded = 1.1 if day == "first run" and size != "small" else None
            rows.append(one["ours"].row(f"{size}, {day} / restic backup", one["plain"], demanded))
            rows.append(one["ours"].row(f"{size}, {day} / backup and check", one["plain"].plus(one["check"])))
    return rows


def _byte_rows(added: list[dict[str, int]]) -> list[report.Row]:
    def row(name: str, beside: str, demanded: float | None, *, alone: bool = False) -> report.Row:
        less = [one["documents"] if alone else 0 for one in added]
        ours = [one["ours"] - no for one, no in zip(added, less, strict=True)]
        theirs = [one[beside] - no for one, no in zip(added, less, strict=True)]
        return report.row("backups", name, ours, theirs, demanded=demanded, most=True)

    return [
        row("added by a day / raw copy", "raw", 1.1),
        row("added by a day / VACUUM INTO, database", "vacuum", 0.7, alone=True),
        row("added by a day / VACUUM INTO, with documents", "vacuum", None),
    ]


def _small(
    made: practice.Filled,
    folder: Path,
    documents: Path,
    work: Path,
    program: Path,
    turn: int,
    times: tuple[_Times, _Times],
) -> dict[str, int]:
    """One round on the small practice; bytes that the day added, by repository."""
    plain = {name: _Plain(program, work / name) for name in ("raw", "vacuum", "documents")}
    for one in plain.values():
        one.call("init")
    medium, mine = work / "medium", practice.copy(folder, work / "practice")
    with _opened(mine) as house:
        _planned(house, medium, documents)
        places = {"ours": medium} | {name: one.place for name, one in plain.items()}
        before: dict[str, int] = {}
        for day in (0, 1):
            if day:
                before = {name: papers.weight(one) for name, one in places.items()}
                _day(house, made, documents, Random(100 + turn), turn)
            _turns(house, plain["raw"], documents, work / "frozen", times[day], (turn + day) % 2)
            plain["vacuum"].back_up(documents, _vacuum(mine, work / "frozen"))
            plain["documents"].back_up(documents)
        return {name: papers.weight(one) - before[name] for name, one in places.items()}


def _large(
    made: practice.Filled,
    folder: Path,
    documents: Path,
    grounds: tuple[Ground, Ground],
    program: Path,
    turn: int,
    times: tuple[_Times, _Times],
) -> None:
    """One round on a large one: ours and plain on grounds of their own, one after the other."""
    ours, plain = grounds
    frozen = folder.with_name("frozen.db")
    _copied(folder / "praxisd.db", frozen, "backup")
    for ground in grounds:
        ground.fresh()
    with ours.mounted() as place, _opened(practice.copy(folder, place / "practice")) as house:
        _planned(house, place / "medium", documents)
    with plain.mounted() as place:
        _Plain(program, place / "raw").call("init")

    def run(day: int) -> None:
        with ours.mounted() as place, _opened(place / "practice") as house:
            times[day]["ours"].take(lambda: _run(house), documents)

    def floor(day: int) -> None:
        with plain.mounted() as place:
            raw = _Plain(program, place / "raw")
            (place / "frozen").mkdir(exist_ok=True)
            copy = shutil.copyfile(frozen, place / "frozen" / "praxisd.db")
            times[day]["plain"].take(lambda: raw.back_up(documents, copy), documents)
            times[day]["check"].take(raw.check, documents)

    for day in (0, 1):
        if day:
            with ours.mounted() as place, _opened(place / "practice") as house:
                _day(house, made, documents, Random(100 + turn), turn)
                _copied(house.folder / "praxisd.db", frozen, "backup")
        for one in (floor, run) if (turn + day) % 2 else (run, floor):
            one(day)


@contextlib.contextmanager
def _grounds(work: Path, size: int) -> Iterator[tuple[Ground, Ground]]:
    both = Ground(work / "ours", size), Ground(work / "plain", size)
    try:
        yield both
    finally:
        for one in both:
            one.away()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[House]:
    house = practice.opened(folder)
    try:
        yield house
    finally:
        house.stop()


def _turns(house: House, raw: _Plain, documents: Path, frozen: Path, times: _Times, plain_first: int) -> None:
    """Our run and the floor, one after the other on the same files."""
    copy = _raw(house.folder, frozen)
    for who in ("plain", "ours") if plain_first else ("ours", "plain"):
        if who == "ours":
            times["ours"].take(lambda: _run(house), documents)
        else:
            times["plain"].take(lambda: raw.back_up(documents, copy), documents)
            times["check"].take(raw.check, documents)


def _medians(sizes: dict[str, tuple[_Times, _Times]]) -> str:
    said = []
    for size, days in sizes.items():
        for day, times in zip(("first", "next"), days, strict=True):
            each = ", ".join(
                f"{who} {median(one.wall):.1f} ({median(one.cpu):.1f} cpu)" for who, one in times.items()
            )
            said.append(f"{size} {day}: {each}")
    return "; ".join(said)


def _cpu() -> float:
    """Of this process and of all it has waited for."""
    both = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


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
    medium.mkdir()
    setting_up.set_up(house, _WHO, drive, "nas", "")


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
        papers.letter(documents, rng)
    for _ in range(PICTURES_A_DAY):
        papers.picture(documents, rng)


def _attach(database: Path, rng: Random, count: int) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        practice_id = db.execute("SELECT organization FROM calendar_appointment LIMIT 1").fetchone()[0]
        for _ in range(count):
            data = rng.randbytes(rng.randrange(40_000, 160_000))
            row = (practice_id, new_id(), "application/pdf", len(data), int(time.time()), "bench", "{}", data)
            db.execute(_ATTACH, row)
        db.execute("COMMIT")
