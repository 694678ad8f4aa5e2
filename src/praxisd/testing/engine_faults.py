"""What happens to backups in a practice, done to an engine on purpose: killed, a flipped bit, full, unplugged, protected.

Each function does it to a `Bench` and raises AssertionError where a promise of `backups/engine.py` is broken. Tests take few
rounds; `python -m praxisd.testing.engine_faults --kills 50` takes as many as a release needs (issue 9, done when 3).
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups import engine as codes
from praxisd.services.backups.engine import EngineFault, Repo, Snapshot
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import Bench, back, fault, never, picture, quiet, take

KINDS = ("config", "keys", "snapshots", "index", "data", "locks")
"""Every kind of file that a repository of restic has."""
MEGABYTE = 1_000_000


@dataclass
class Medium:
    """A folder that can be pulled out, protected and plugged in again, as root on Linux: one folder bound to another."""

    folder: Path
    behind: Path

    @classmethod
    def made(cls, top: Path) -> "Medium":
        """A medium that is plugged in."""
        one = cls(top / "medium", top / "behind")
        one.folder.mkdir()
        one.behind.mkdir()
        one.plug()
        return one

    def plug(self) -> None:
        """It is there, with what was on it."""
        mounted("mount", "--bind", str(self.behind), str(self.folder))

    def pull(self) -> None:
        """It is gone, whoever still uses it."""
        mounted("umount", "--lazy", str(self.folder))

    def protect(self) -> None:
        """Its switch is on: nothing can be written any more."""
        mounted("mount", "-o", "remount,bind,ro", str(self.folder))


def mounted(*command: str) -> None:
    """Run mount or umount. PermissionError where it is not allowed (not root, no Linux)."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextlib.contextmanager
def small(folder: Path, megabytes: int) -> Iterator[Path]:
    """A folder on a disk of its own with so little space."""
    folder.mkdir()
    mounted("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        mounted("umount", "--lazy", str(folder))


def day(bench: Bench, number: int, megabytes: int = 6) -> Path:
    """One more day of work in the practice: something new that cannot be made smaller, and something that changed."""
    top = bench.folder / "practice"
    top.mkdir(exist_ok=True)
    (top / f"image {number}").write_bytes(random.Random(number).randbytes(megabytes * MEGABYTE))
    with (top / "journal").open("a") as file:
        file.write(f"day {number}\n" * 1000)
    return top


def kills(bench: Bench, times: int, seed: int = 9) -> Counter[str]:
    """kill -9 at random points of copying, dropping old states, verifying, adding a password. What was hit how often.

    After each: every state before it is listed and the structure is whole; at the end the next run is good and all that is
    kept comes back byte for byte.
    """
    dice = random.Random(seed)
    bench.engine.init(bench.repo)
    pictures: dict[str, dict[bytes, tuple[str, bytes | int]]] = {}
    began = time.monotonic()
    first = take(bench, day(bench, 0))
    usual = time.monotonic() - began
    pictures[first.id] = picture(bench.folder / "practice")
    hit: Counter[str] = Counter()
    for number in range(1, times + 1):
        top = day(bench, number)
        task = dice.choice(("copy", "copy", "copy", "drop", "drop", "verify", "password"))
        if task == "drop" and len(pictures) == 1:
            pictures[take(bench, top).id] = picture(top)
        old = list(pictures)[1:2]
        work: dict[str, Callable[[], object]] = {
            "copy": lambda top=top: take(bench, top),  # type: ignore[misc]
            "drop": lambda old=old: bench.engine.forget(bench.repo, old, stop=never),  # type: ignore[misc]
            "verify": lambda: bench.engine.verify(bench.repo, "all", progress=quiet, stop=never),
            "password": lambda number=number: bench.engine.add_key(bench.repo, f"Kennwort {number}"),  # type: ignore[misc]
        }
        made = killed(work[task], dice.uniform(0.02, usual * (2 if task == "copy" else 0.8)))
        hit[f"{task}, {'done before' if made is not None else 'hit'}"] += 1
        if task == "drop":
            pictures = {one: seen for one, seen in pictures.items() if one not in old}
        if isinstance(made, Snapshot):
            pictures[made.id] = picture(top)
        listed = {one.id for one in bench.engine.snapshots(bench.repo)}
        assert pictures.keys() <= listed, "a state from before was lost"
        bench.engine.verify(bench.repo, "structure", progress=quiet, stop=never)
    last = take(bench, day(bench, times + 1))
    pictures[last.id] = picture(bench.folder / "practice")
    bench.engine.verify(bench.repo, "all", progress=quiet, stop=never)
    for one in (first.id, last.id):
        same(bench, one, pictures[one])
    bench.engine.forget(bench.repo, [first.id], stop=never)
    assert half_written(Path(bench.repo.place)) == []
    return hit


def same(bench: Bench, snapshot: str, wanted: dict[bytes, tuple[str, bytes | int]]) -> None:
    """What comes back is what was there then."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as into:
        assert back(bench, snapshot, Path(into)) == ()
        top = (bench.folder / "practice").relative_to("/")
        assert picture(Path(into) / top) == wanted


def half_written(place: Path) -> list[Path]:
    """What runs that were killed left on the medium, and nobody needs."""
    return [one for one in place.rglob("*-tmp-*") if one.is_file()]


def killed(work: Callable[[], object], after_s: float) -> object:
    """Do it, and kill -9 all programs it started after so long; what it answered, None if it was hit."""
    mine = threading.Timer(after_s, _kill_all, args=({one.pid for one in psutil.Process().children()},))
    mine.start()
    try:
        return work() or "done"
    except EngineFault as hit:
        assert hit.code == codes.INTERRUPTED and hit.retry, (hit.code, hit.detail)
        return None
    finally:
        mine.cancel()
        mine.join()


ORPHAN = """
import sys
from pathlib import Path
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engines.restic import Restic
engine, program, place, secret, top = sys.argv[1:]
Restic(Path(engine), Path(program)).back_up(
    Repo(place, secret), [Path(top)], tags=(), at=1, host="h", stop=lambda: False,
    progress=lambda done, whole: print(done, flush=True),
)
"""


def orphaned(bench: Bench, program: Path) -> None:
    """praxisd itself is killed (-9) in mid-run: what it started ends by itself, and the next run is good."""
    bench.engine.init(bench.repo)
    top = day(bench, 0, 150)
    told = [str(bench.folder / "engine"), str(program), bench.repo.place, bench.repo.secret, str(top)]
    with subprocess.Popen([sys.executable, "-c", ORPHAN, *told], stdout=subprocess.PIPE) as practice:
        assert practice.stdout is not None and practice.stdout.readline(), "it is at work"
        started = psutil.Process(practice.pid).children()
        practice.kill()
    assert started, "a program is running"
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == [], "it does not go on for nobody"
    (top / "image 0").unlink()
    made = take(bench, day(bench, 1, 1))
    same(bench, made.id, picture(top))
    bench.engine.forget(bench.repo, [made.id], stop=never)
    assert half_written(Path(bench.repo.place)) == []


def _kill_all(spare: set[int]) -> None:
    """Until one was there to be killed: at the moment chosen, none might be running."""
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        prey = [one for one in psutil.Process().children() if one.pid not in spare]
        for one in prey:
            with contextlib.suppress(psutil.Error):
                one.kill()
        if prey:
            return
        time.sleep(0.002)


def flips(bench: Bench, each: int = 1, seed: int = 9, kinds: tuple[str, ...] = KINDS) -> Counter[str]:
    """One bit flipped in one file of every kind, `each` times. How often which depth of verifying named it.

    Whatever says where things lie is found by `structure`, data by `all`; a lock hurts nobody. What was copied stays as it
    was, and the next run, on another medium, is good.
    """
    dice = random.Random(seed)
    bench.engine.init(bench.repo)
    top = day(bench, 0)
    take(bench, top)
    take(bench, day(bench, 1))
    place, before, found = Path(bench.repo.place), picture(top), Counter[str]()
    for kind in kinds:
        for _ in range(each):
            hurt = Repo(str(place.with_name("hurt")), bench.repo.secret)
            shutil.copytree(place, hurt.place)
            if kind == "locks":
                _lock(hurt.place, dice)
            files = sorted(one for one in Path(hurt.place).rglob("*") if one.is_file())
            flip(dice.choice([one for one in files if kind in one.relative_to(hurt.place).parts]), dice)
            found[f"{kind}: {_named(bench, hurt, kind)}"] += 1
            shutil.rmtree(hurt.place)
    assert picture(top) == before
    other = Bench(bench.engine, Repo(str(place.with_name("other")), bench.repo.secret), bench.folder)
    other.engine.init(other.repo)
    same(other, take(other, top).id, before)
    return found


def _named(bench: Bench, hurt: Repo, kind: str) -> str:
    """Which depth named the damage."""
    for depth in ("structure", "all"):
        try:
            bench.engine.verify(hurt, depth, progress=quiet, stop=never)
        except EngineFault as named:
            assert named.code == codes.DAMAGED, (kind, named.code, named.detail)
            assert depth == "structure" or kind == "data"
            if kind in ("config", "index"):  # no copy is made that looks good
                again = Bench(bench.engine, hurt, bench.folder)
                fault(lambda: take(again, again.folder / "practice"), codes.DAMAGED)  # noqa: B023
            return depth
    assert kind == "locks", f"a flipped bit in {kind} was not found"
    bench.engine.forget(hurt, [bench.engine.snapshots(hurt)[0].id], stop=never)
    return "harmless"


def flip(file: Path, dice: random.Random) -> None:
    """One bit of it is another."""
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def _lock(place: str, dice: random.Random) -> None:
    """The mark of a run that was killed, as far as a flipped bit leaves it readable: not at all."""
    (Path(place) / "locks" / dice.randbytes(32).hex()).write_bytes(dice.randbytes(200))


def full(bench: Bench) -> None:
    """The disk of `bench.repo` (a small one) fills up in mid-run; the state before stays, and with space the next is good."""
    place = Path(bench.repo.place)
    bench.engine.init(bench.repo)
    top = day(bench, 0, 2)
    first, before = take(bench, top), picture(top)
    room = shutil.disk_usage(place).free // MEGABYTE
    day(bench, 1, room + 20)
    told = fault(lambda: take(bench, top), codes.FULL)
    assert not told.retry and str(bench.folder) not in told.detail
    assert [one.id for one in bench.engine.snapshots(bench.repo)] == [first.id]
    bench.engine.verify(bench.repo, "all", progress=quiet, stop=never)
    same(bench, first.id, before)
    (top / "image 1").unlink()
    second = take(bench, day(bench, 2, 1))
    crammed(place.parent / "somebody's film", left=65_536)
    bench.engine.forget(bench.repo, [first.id], stop=never)
    assert half_written(place) == []
    assert [one.id for one in bench.engine.snapshots(bench.repo)] == [second.id]
    same(bench, second.id, picture(top))


def crammed(file: Path, left: int) -> None:
    """A file that takes all space there is but so many bytes."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filling:
        while filling.write(bytes(65_536)):
            pass
    os.truncate(file, file.stat().st_size - left)


def unplugged(bench: Bench, medium: Medium) -> None:
    """Pulled out while it is written to, and while nobody uses it; plugged in again, the next run is good."""
    bench.engine.init(bench.repo)
    top = day(bench, 0, 2)
    first = take(bench, top)
    day(bench, 1, 100)
    pulled: list[float] = []

    def pull(done: int, whole: int) -> None:
        if done and not pulled:
            pulled.append(time.monotonic())
            medium.pull()

    told = fault(lambda: take(bench, top, progress=pull), codes.UNPLUGGED)
    assert told.retry and time.monotonic() - pulled[0] < 20
    assert list(medium.folder.iterdir()) == [], "nothing was written where the medium was"
    fault(lambda: bench.engine.snapshots(bench.repo), codes.UNPLUGGED, codes.NO_REPOSITORY)
    medium.plug()
    assert [one.id for one in bench.engine.snapshots(bench.repo)] == [first.id]
    (top / "image 1").unlink()
    second = take(bench, day(bench, 2, 1))
    bench.engine.verify(bench.repo, "structure", progress=quiet, stop=never)
    same(bench, second.id, picture(top))


def protected(bench: Bench, medium: Medium) -> None:
    """A medium with its switch on can be read, verified and restored from, and says at once that it takes nothing."""
    bench.engine.init(bench.repo)
    top = day(bench, 0, 2)
    first = take(bench, top)
    medium.protect()
    began = time.monotonic()
    fault(lambda: take(bench, day(bench, 1, 1)), codes.READ_ONLY)
    assert time.monotonic() - began < 60, "restic itself would try for a quarter of an hour"
    assert [one.id for one in bench.engine.snapshots(bench.repo)] == [first.id]
    bench.engine.verify(bench.repo, "all", progress=quiet, stop=never)
    with tempfile.TemporaryDirectory(dir=bench.folder) as into:
        assert back(bench, first.id, Path(into)) == ()


def _bench(top: Path, place: Path) -> Bench:
    (top / "work").mkdir(parents=True)
    engine = QuickRestic(top / "engine", debian.program(["restic"], "restic"))
    return Bench(engine, Repo(str(place), "Kennwort der Probe"), top / "work")


def main() -> None:
    """All faults, one after the other; what was counted is printed."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("--kills", type=int, default=50)
    asked.add_argument("--flips", type=int, default=5)
    asked.add_argument("--seed", type=int, default=9)
    args = asked.parse_args()
    out = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        out(f"kill -9: {dict(kills(_bench(top / 'k', top / 'k' / 'restic'), args.kills, args.seed))}\n")
        out(f"flipped bit: {dict(flips(_bench(top / 'f', top / 'f' / 'restic'), args.flips, args.seed))}\n")
        orphaned(_bench(top / "o", top / "o" / "restic"), debian.program(["restic"], "restic"))
        out("praxisd killed: nothing goes on, the next run good\n")
        with small(top / "small", 24) as disk:
            full(_bench(top / "s", disk / "restic"))
        out("full disk: named; the state before whole, the next run good\n")
        for name, act in (("u", unplugged), ("p", protected)):
            (top / name).mkdir()
            medium = Medium.made(top / name)
            try:
                act(_bench(top / name / "b", medium.folder / "restic"), medium)
            finally:
                medium.pull()
            out(f"{act.__name__}: named; the next run good\n")


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
