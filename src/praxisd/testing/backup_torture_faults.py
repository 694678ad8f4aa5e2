"""What happens to media, done to a whole run: a flipped bit in every kind of file, a full disk, a target pulled out in mid-run.

Each time the practice writes on unharmed, the damage is named by its code, and once what the solution says was done the next
run is good and comes back.
"""

import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd.kernel.clock import FrozenClock
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import engine as codes
from praxisd.services.backups import media_rules
from praxisd.services.backups.engine import Snapshot
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.plans import looking, media
from praxisd.services.backups.runs import running
from praxisd.testing.backup_torture_scene import DATABASE, MEGABYTE, SYSTEM, Practice, found, judged, never
from praxisd.testing.backup_torture_writer import InHouse
from praxisd.testing.engine_faults import Medium, flip, mounted, small
from praxisd.testing.houses import START

KINDS = ("config", "keys", "index", "snapshots", "data")
"""Every kind of file of a repository that says or holds something (a lock is of the moment)."""
NAMES = (
    codes.DAMAGED,
    codes.NO_REPOSITORY,
    codes.PASSWORD_WRONG,
    "backups.password_needed",
    "backups.password_later",
)
ROOM_MB = media_rules.FIRST_BYTES // MEGABYTE + 100
"""Size of the disk that fills up: so much must be free on it before the first runs."""
Make = Callable[[Path], Restic]


@dataclass
class Faults:
    """What was done and how it was named; `faults` are broken promises."""

    named: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        lines = [
            f"media damaged: {self.confirmed} transfers confirmed meanwhile; violations={len(self.faults)}"
        ]
        lines += [f"  {name} ({number})" for name, number in self.named.items()]
        return "\n".join([*lines, *(f"    {one}" for one in self.faults[:20])])


class Trial:
    """A practice under load with one target, to which one thing is done."""

    def __init__(self, top: Path, make: Make, path: Path, result: Faults, megabytes: int) -> None:
        self.clock, self.result = FrozenClock(START), result
        self.practice = Practice.opened(found(top / "practice", megabytes), make, path, self.clock)
        self.practice.plan()
        self.writer = InHouse(self.practice.house)

    def __enter__(self) -> "Trial":
        self.writer.__enter__()
        self.good("before")
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.__exit__()
        if self.writer.error is not None:
            self.result.faults.append(f"the practice's writer was refused: {self.writer.error!r}")
        file = self.practice.house.folder / DATABASE
        self.result.faults += [f"the practice: {one}" for one in judged(file, self.writer.confirmed)]
        self.result.faults += [f"left over: {one}" for one in self.practice.left()]
        self.result.confirmed += self.writer.confirmed
        self.practice.close()

    def run(self, kind: Any = "backup") -> RunKept:
        """One, some time later; one that waits for its next try is taken at once."""
        self.clock.advance(60)
        return running.run_now(self.practice.house, self.practice.ask(kind).id, stop=never)

    def good(self, when: str) -> None:
        """A run that must be good, and comes back with all that was confirmed."""
        confirmed, run = self.writer.confirmed, self.run()
        if run.state != "good":
            self.result.faults.append(f"{when}: the run is {run.state} {run.code} {run.detail}")
            return
        made = run.snapshot.rpartition("/")[2]
        self.result.faults += [f"{when}: {one}" for one in self.practice.restored([(made, confirmed)])]

    def hit(self, blow: Callable[[], None], *, late: bool, megabytes: int = 24) -> RunKept:
        """A run with so much that is new. The blow falls before the first of it is copied, or (`late`) once some lies there."""
        with self.practice.house.store.write(SYSTEM) as tx:
            for number in range(megabytes):
                content = random.Random(number).randbytes(MEGABYTE)
                tx.raw("INSERT INTO torture_image(content) VALUES (?)", (content,))
        engine, over = self.practice.engine, threading.Event()
        striker = threading.Thread(target=self._strike, args=(blow, over), daemon=True)
        copied: Any = engine.back_up

        def hurt(*given: Any, **more: Any) -> Snapshot:
            if late:
                striker.start()
            else:
                blow()
            made: Snapshot = copied(*given, **more)
            return made

        engine.back_up = hurt  # type: ignore[method-assign]
        try:
            return self.run()
        finally:
            engine.back_up = copied  # type: ignore[method-assign]
            over.set()
            if striker.ident is not None:
                striker.join(60)

    def _strike(self, blow: Callable[[], None], over: threading.Event) -> None:
        place = self.practice.path / looking.REPOSITORY / "data"
        before = set(place.rglob("*"))
        while not over.is_set():
            if set(place.rglob("*")) - before:
                blow()
                return
            over.wait(0.002)
        self.result.faults.append("the run was over before anything was done to it")

    def named(self, what: str, runs: Sequence[RunKept], wanted: Sequence[str]) -> None:
        """One of these was not good, and said so with one of these codes; none that is not good says another."""
        said = [(one.kind, one.code) for one in runs if one.state == "failed"]
        self.result.named[
            f"{what}: " + (", ".join(f"{kind} {code}" for kind, code in said) or "not named")
        ] += 1
        if not said or any(code not in wanted for _, code in said):
            self.result.faults.append(
                f"{what}: {[(one.kind, one.state, one.code, one.detail) for one in runs]}"
            )


def flips(
    top: Path,
    make: Make,
    result: Faults,
    *,
    each: int,
    seed: int,
    megabytes: int,
    kinds: Sequence[str] = KINDS,
) -> None:
    """One bit in one file of every kind, `each` times; then the medium is put aside and another set up, as the text says."""
    dice, path = random.Random(seed), top / "nas"
    path.mkdir(parents=True)
    with Trial(top, make, path, result, megabytes) as trial:
        for number in range(each):
            for kind in kinds:
                place = Path(looking.REPOSITORY)
                files = sorted(one for one in (path / place).rglob("*") if one.is_file())
                flip(dice.choice([one for one in files if kind in one.relative_to(path / place).parts]), dice)
                runs = [trial.run(), trial.run("verify")]
                trial.named(f"flipped bit in {kind}", runs, NAMES)
                if runs[1].state == "good":
                    result.faults.append(f"flipped bit in {kind}: the whole reading finds nothing")
                trial.practice.anew(f"{kind} {number}")
                trial.good(f"after {kind}, on another medium")


def full(top: Path, make: Make, result: Faults, megabytes: int) -> None:
    """The disk of the target fills up after the run has begun; there is space again, as the text says."""
    top.mkdir(parents=True)
    with small(top / "disk", ROOM_MB) as path, Trial(top, make, path, result, megabytes) as trial:

        def fill() -> None:
            _sized(path, shutil.disk_usage(path).used + 4 * MEGABYTE)

        trial.named("full disk", [trial.hit(fill, late=False)], [codes.FULL])
        trial.named("still full", [trial.run()], [codes.FULL])
        _sized(path, ROOM_MB * MEGABYTE)
        trial.good("with space again")


def _sized(disk: Path, size: int) -> None:
    mounted("mount", "-o", f"remount,size={size}", str(disk))


def unplugged(top: Path, make: Make, result: Faults, megabytes: int) -> None:
    """Pulled out once the first bytes are copied; plugged in again, as the text says."""
    top.mkdir(parents=True)
    medium = Medium.made(top)
    try:
        with Trial(top, make, medium.folder, result, megabytes) as trial:
            trial.named("pulled out in mid-run", [trial.hit(medium.pull, late=True)], [codes.UNPLUGGED])
            if any(medium.folder.iterdir()):
                result.faults.append("something was written where the medium was")
            trial.named("while it is away", [trial.run()], [media.AWAY])
            medium.plug()
            trial.good("plugged in again")
    finally:
        medium.pull()
        shutil.rmtree(medium.behind, ignore_errors=True)


def faults(top: Path, make: Make, *, each: int, seed: int, megabytes: int) -> Faults:
    """All of them, one after the other."""
    result = Faults()
    flips(top / "flips", make, result, each=each, seed=seed, megabytes=megabytes)
    for name, act in (("full", full), ("unplugged", unplugged)):
        try:
            act(top / name, make, result, megabytes)
        except PermissionError as refused:
            result.named[f"{name}: left out: {refused}"] += 1
    return result
