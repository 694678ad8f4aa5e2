"""What every engine of the backups must keep (promises 1-6 of `backups/engine.py`), whatever program lies behind it.

A test module makes a `Bench` (an engine, a place for a repository, secrets) and inherits the suite:

class TestRestic(EngineSuite):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench: ...
"""

import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from praxisd.services.backups import engine as codes
from praxisd.services.backups.engine import Engine, EngineFault, Named, Progress, Repo, Snapshot

AT = 1_780_000_000
"""2026-05-28 20:26:40 UTC: the moment the states of these tests were taken for."""
LONG = "ä" * 120 + "x" * 15
"""As long as a name may be: 255 bytes."""
HARD_NAMES = (
    b"line\nend", b"tab\tand\rreturn", b"bad\xff\xfe", b"bad\xff\xfd", b"Gross", b"gross", b"star*[a]?\\", b"{x}",
    b"-rf", b"--help", b"!not", b"#hash", b"$HOME", b" lead and trail ", b"quote'\"`", "Grüße ﬀ.txt".encode(),
    "nfd u\u0308".encode(), b": colon: ", b"bell\a\x1b[31m", b"...", "\ufffd real".encode(), LONG.encode(),
)  # fmt: skip
"""Names that break naive tools (issue 9, done when 5)."""


@dataclass
class Bench:
    """An engine and where it may keep things; `other` opens the same repository with another secret."""

    engine: Engine
    repo: Repo
    folder: Path

    def source(self) -> Path:
        """A small practice's folder: hard names, an empty file, a large one, a sparse one, links that point outside."""
        top = self.folder / "source"
        (top / "inner").mkdir(parents=True)
        for name in HARD_NAMES:
            Path(os.fsdecode(os.fsencode(top / "inner") + b"/" + name)).write_bytes(b"content of " + name)
        odd = Path(os.fsdecode(os.fsencode(top) + b"/folder\xe9"))
        odd.mkdir()
        Path(os.fsdecode(os.fsencode(odd) + b"/file\xe9")).write_bytes(b"in a folder of another age")
        (top / "empty").touch()
        (top / "large").write_bytes(os.urandom(3_000_000))
        with (top / "sparse").open("wb") as file:
            file.truncate(5_000_000)
            file.seek(2_500_000)
            file.write(b"in the middle")
        (top / "link out").symlink_to("/etc/passwd")
        (top / "link up").symlink_to("../../../..")
        (top / "link nowhere").symlink_to("not/there")
        return top


def never() -> bool:
    """Do not stop."""
    return False


def quiet(done: int, whole: int) -> None:
    """Nobody looks."""


def take(bench: Bench, *paths: Path, at: int = AT, progress: Progress = quiet) -> Snapshot:
    """One state of these paths."""
    return bench.engine.back_up(
        bench.repo, paths, tags=("plan-a", "run-1"), at=at, host="praxis", progress=progress, stop=never
    )


def picture(top: Path) -> dict[bytes, tuple[str, bytes | int]]:
    """Every name below a folder as bytes, with its kind and content (of a link: where it points)."""
    found: dict[bytes, tuple[str, bytes | int]] = {}
    for folder, folders, files in os.walk(os.fsencode(top)):
        for name in folders + files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            key = os.path.relpath(path, os.fsencode(top))
            if stat.S_ISLNK(mode):
                found[key] = ("link", os.readlink(path))
            elif stat.S_ISDIR(mode):
                found[key] = ("folder", stat.S_IMODE(mode))
            elif stat.S_ISREG(mode):
                found[key] = ("file", Path(os.fsdecode(path)).read_bytes())
            else:
                found[key] = ("other", stat.S_IFMT(mode))
    return found


def fault(work: Callable[[], object], *expected: str) -> EngineFault:
    """The fault that this raises, with one of these codes."""
    with pytest.raises(EngineFault) as caught:
        work()
    assert caught.value.code in expected, (caught.value.code, caught.value.detail)
    assert caught.value.code in codes.CODES
    return caught.value


def back(bench: Bench, snapshot: str, into: Path, *only: str) -> tuple[Named, ...]:
    """Restore; what is named."""
    return bench.engine.restore(bench.repo, snapshot, into, only=only, progress=quiet, stop=never).named


class EngineSuite:
    """The promises, one by one."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """Made by the module that tries an engine."""
        raise LookupError(f"no engine for {tmp_path}")

    def test_a_state_comes_back_as_it_was(self, bench: Bench, tmp_path: Path) -> None:
        engine, repo, top = bench.engine, bench.repo, bench.source()
        assert len(engine.init(repo)) >= 8
        seen: list[tuple[int, int]] = []
        made = take(bench, top, progress=lambda done, whole: seen.append((done, whole)))
        files = [one for one in picture(top).values() if one[0] == "file"]
        assert made.named == () and made.files == len(files)
        assert made.bytes == sum(len(one[1]) for one in files if isinstance(one[1], bytes))
        assert 3_000_000 < made.added < 5_000_000, "what is random is stored, what is empty is not"
        assert seen[-1] == (made.bytes, made.bytes) and all(done <= whole for done, whole in seen if whole)

        (top / "more").write_text("a day later")
        second = take(bench, top, at=AT + 86_400)
        assert second.added < 200_000, "what is there already is not stored again"
        assert [(one.id, one.at, one.tags) for one in engine.snapshots(repo)] == [
            (made.id, AT, ("plan-a", "run-1")), (second.id, AT + 86_400, ("plan-a", "run-1")),
        ]  # fmt: skip

        names = engine.state_names(repo.place)
        assert names is None or set(names) == {made.id, second.id}

        size = engine.size(repo)
        assert size.stored > made.added and size.restored >= made.bytes
        outside = {*tmp_path.iterdir(), tmp_path / "back"}
        restored = engine.restore(repo, second.id, tmp_path / "back", progress=quiet, stop=never)
        assert restored.named == () and restored.files == second.files and restored.bytes == second.bytes
        assert picture(tmp_path / "back" / top.relative_to("/")) == picture(top)
        assert set(tmp_path.iterdir()) == outside
        for depth in ("structure", "part", "all"):
            engine.verify(repo, depth, progress=quiet, stop=never)

        self._names_are_exact(bench, second, top, tmp_path)

        engine.forget(repo, [made.id], stop=never)
        assert [one.id for one in engine.snapshots(repo)] == [second.id]
        assert back(bench, second.id, tmp_path / "again", str(top / "large")) == ()

    def _names_are_exact(self, bench: Bench, kept: Snapshot, top: Path, tmp_path: Path) -> None:
        """What is listed can be asked for, and nothing but it comes."""
        listed = list(bench.engine.entries(bench.repo, kept.id, str(top)))
        below = {os.fsencode(one.path[len(str(top)) + 1 :]) for one in listed if one.path != str(top)}
        assert below == set(picture(top))
        large = next(one for one in listed if one.path == str(top / "large"))
        assert (large.kind, large.size, large.at) == ("file", 3_000_000, int((top / "large").stat().st_mtime))
        kinds = {one.path: one.kind for one in listed}
        assert kinds[str(top / "link out")] == "link" and kinds[str(top / "inner")] == "folder"
        inner = {
            os.fsencode(one.path) for one in bench.engine.entries(bench.repo, kept.id, str(top / "inner"))
        }
        assert {os.fsencode(top / "inner") + b"/" + name for name in HARD_NAMES} <= inner
        wanted = [one.path for one in listed if one.path.startswith(str(top / "inner") + "/")]
        chosen = [one for one in wanted if os.fsencode(one).rsplit(b"/", 1)[-1] in HARD_NAMES[2:-1:3]]
        assert back(bench, kept.id, tmp_path / "some", *chosen) == ()
        names = {
            os.path.basename(one) for one, kind in picture(tmp_path / "some").items() if kind[0] == "file"
        }
        assert names == set(HARD_NAMES[2:-1:3])
        assert back(bench, kept.id, tmp_path / "none", "/not/there") == (Named("/not/there", "not_restored"),)

    def test_what_is_not_right_is_named(self, bench: Bench) -> None:
        bench.engine.init(bench.repo)
        top = bench.folder / "odd"
        top.mkdir()
        log = top / "log"
        log.write_text("first\n")
        (top / "random").write_bytes(os.urandom(12_000_000))
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(top / "socket"))
        os.mkfifo(top / "pipe")
        ends = threading.Event()

        def write() -> None:
            while not ends.is_set():
                with log.open("a") as file:
                    file.write("another line\n")
                time.sleep(0.005)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = take(bench, top, bench.folder / "never was there")
        finally:
            ends.set()
            writer.join()
            listening.close()
        assert set(made.named) == {
            Named(str(log), "changed"), Named(str(top / "socket"), "special"),
            Named(str(bench.folder / "never was there"), "vanished"),
        }  # fmt: skip
        fault(lambda: take(bench, bench.folder / "never was there"), codes.FAILED)
        fault(lambda: back(bench, made.id, top), codes.TARGET_REFUSED)
        assert log.exists()

    def test_passwords(self, bench: Bench) -> None:
        engine, repo = bench.engine, bench.repo
        assert engine.init(repo) == engine.identity(repo)
        (bench.folder / "one").write_text("1")
        made = take(bench, bench.folder / "one")
        wrong = Repo(repo.place, "not this one")
        told = fault(lambda: engine.snapshots(wrong), codes.PASSWORD_WRONG)
        assert "not this one" not in f"{told!r} {told.detail}" and not told.retry
        fault(lambda: engine.init(repo), codes.FAILED)
        added = engine.add_key(repo, "Kennwort Nr. 2 äöü'\"$HOME")
        second = Repo(repo.place, "Kennwort Nr. 2 äöü'\"$HOME")
        assert [one.id for one in engine.snapshots(second)] == [made.id]
        fault(lambda: engine.remove_key(second, added.id), codes.FAILED)
        listed = engine.keys(second)
        names = engine.key_names(repo.place)
        if names is not None:
            assert len(names) == 2
            assert all(any(name.startswith(one.id) for name in names) for one in listed)
        assert {one.current for one in listed} == {True, False}
        first = next(one for one in listed if not one.current)
        engine.remove_key(second, first.id)
        fault(lambda: engine.snapshots(repo), codes.PASSWORD_WRONG)

    def test_places(self, bench: Bench) -> None:
        place = Path(bench.repo.place)
        assert fault(lambda: bench.engine.snapshots(bench.repo), codes.NO_REPOSITORY).retry is False
        away = Repo(str(place.parent / "away" / place.name), bench.repo.secret)
        assert fault(lambda: bench.engine.init(away), codes.UNPLUGGED).retry
        fault(lambda: bench.engine.snapshots(away), codes.UNPLUGGED)
        assert not (place.parent / "away").exists(), "nothing is made on the computer's own disk"

    def test_stopped(self, bench: Bench) -> None:
        bench.engine.init(bench.repo)
        top = bench.folder / "much"
        top.mkdir()
        for number in range(20):
            (top / str(number)).write_bytes(os.urandom(10_000_000))
        before = {one.pid for one in psutil.Process().children(recursive=True)}
        stops: list[float] = []

        def stop() -> bool:
            """In the midst of it, however fast the machine is: as soon as something was read."""
            if seen or time.monotonic() - began > 0.6:
                stops.append(time.monotonic())
            return bool(stops)

        seen: list[int] = []
        began = time.monotonic()
        told = fault(
            lambda: bench.engine.back_up(
                bench.repo,
                [top],
                tags=(),
                at=AT,
                host="praxis",
                progress=lambda done, _whole: seen.append(done) if done else None,
                stop=stop,
            ),
            codes.INTERRUPTED,
        )
        assert told.retry and time.monotonic() - stops[0] < 30
        left = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
        assert left == [], "everything that was started is gone"
        assert bench.engine.snapshots(bench.repo) == []
        made = take(bench, top)
        bench.engine.forget(bench.repo, [made.id], stop=never)
        assert bench.engine.snapshots(bench.repo) == []

    def test_secrets_are_never_arguments(self, bench: Bench) -> None:
        bench.engine.init(bench.repo)
        top = bench.folder / "file"
        top.write_bytes(os.urandom(20_000_000))
        seen: list[str] = []

        def look() -> bool:
            for child in psutil.Process().children(recursive=True):
                try:
                    seen.append(" ".join(child.cmdline()))
                except psutil.Error:
                    continue
            return False

        bench.engine.back_up(bench.repo, [top], tags=(), at=AT, host="praxis", progress=quiet, stop=look)
        ends = threading.Event()

        def watch() -> None:
            while not ends.wait(0.02):
                look()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            bench.engine.add_key(bench.repo, "the second secret")
        finally:
            ends.set()
            watcher.join()
        assert len(seen) > 5, "it was looked at while it ran"
        assert [line for line in seen if bench.repo.secret in line or "second secret" in line] == []
        assert bench.repo.secret not in repr(bench.repo)
