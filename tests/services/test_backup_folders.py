"""Folders as a source of the backups: in place and in a quiet window, odd names, databases that live in them, what moves."""

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from praxisd.services.backups import source as codes
from praxisd.services.backups.engine import Named
from praxisd.services.backups.source import Staged
from praxisd.services.backups.sources import folders, places, quiet, reading
from praxisd.services.backups.sources.folders import Folders
from praxisd.services.backups.sources.quiet import Window
from praxisd.testing.engine_suite import Bench, never
from praxisd.testing.engine_suite import quiet as nobody
from praxisd.testing.source_suite import Case, SourceSuite, digest_of, fault, give_back, picture


def filled(tmp_path: Path) -> Path:
    """The hard folder of the engines' suite: names that break naive tools, links outside, a sparse file."""
    return Bench(None, None, tmp_path).source()  # type: ignore[arg-type]


def moved(top: Path) -> None:
    top.rename(top.with_name("elsewhere"))


def staged(one: Folders, tmp_path: Path) -> Staged:
    into = tmp_path / f"staging-{time.monotonic_ns()}"
    into.mkdir()
    return one.stage(into, progress=nobody, stop=never)


class TestInPlace(SourceSuite):
    """The contract; what lies there is the manifest, digest by digest."""

    counts_are_proved = False

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        top = filled(tmp_path)
        one = Folders("Befunde", top, memory=tmp_path / "memory" / "digests.db")
        return Case(one, tmp_path, lambda: picture(top), lambda: moved(top))

    def test_every_file_is_counted(self, case: Case, tmp_path: Path) -> None:
        found = case.stage()
        files = [one for one in picture(tmp_path / "source").values() if one[0] == "file"]
        assert found.counts["files"] == len(files) == len(found.hashes) and found.counts["links"] == 3
        assert found.paths == (tmp_path / "source",)


class TestInAQuietWindow(SourceSuite):
    """The contract; the copy is the same as the folder, holes and links included."""

    counts_are_proved = False

    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        top = filled(tmp_path)
        window = Window(
            (sys.executable, "-c", "pass"), (sys.executable, "-c", "pass"), marks=tmp_path / "marks"
        )
        return Case(
            Folders("Befunde 1", top, window=window), tmp_path, lambda: picture(top), lambda: moved(top)
        )

    def test_the_copy_is_the_same(self, case: Case, tmp_path: Path) -> None:
        copy = case.stage().paths[0]
        assert picture(copy) == picture(tmp_path / "source") and copy.name == "Befunde_1"
        assert (copy / "sparse").stat().st_blocks * 512 < 3_000_000
        assert (copy / "large").stat().st_mtime_ns == (tmp_path / "source" / "large").stat().st_mtime_ns


@pytest.mark.parametrize(
    "names",
    [
        ("praxis.db", "praxis.db-wal"), ("p.sqlite", "p.sqlite-shm"), ("a", "a-journal"), ("PRAXIS.MDF",), ("x_log.ldf",),
        ("p.fdb",), ("PG_VERSION",), ("ibdata1",), ("Praxis.mdb", "Praxis.ldb"), ("WiredTiger.wt",),
    ],
)  # fmt: skip
def test_a_live_database_refuses_the_folder(names: tuple[str, ...], tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "deep" / "er").mkdir(parents=True)
    for name in names:
        (top / "deep" / "er" / name).write_bytes(b"x")
    one = Folders("f", top)
    refused = one.refuse()
    assert refused is not None and refused.code == codes.LIVE_FILE and refused.detail in names
    fault(lambda: staged(one, tmp_path), codes.LIVE_FILE)
    assert Folders("f", top, without=("deep/er",)).refuse() is None
    window = Window((sys.executable, "-c", "pass"), (sys.executable, "-c", "pass"))
    in_window = Folders("f", top, window=window)
    fault(lambda: staged(in_window, tmp_path), codes.LIVE_FILE)
    assert (in_window.refuse() is None) == (len(names) == 2), (
        "what a program has open it may close in the window"
    )


@pytest.mark.parametrize("name", ["2024-journal", "Brief-wal.txt", "notes.ldb", "LDF", "Vertrag.mdf.pdf"])
def test_what_only_sounds_like_one_does_not(name: str, tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / name).write_bytes(b"x")
    assert Folders("f", tmp_path / "top").refuse() is None


def test_an_sqlite_file_in_use_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    path = tmp_path / "top" / "praxis.dat"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t(a)")
    one = Folders("f", tmp_path / "top")
    fault(lambda: staged(one, tmp_path), codes.LIVE_FILE)
    os.utime(path, (time.time() - 2 * folders.FRESH_S,) * 2)
    assert str(path) in staged(one, tmp_path).hashes, "one that rests is a file like others"


def test_what_changes_or_vanishes_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "top"
    top.mkdir()
    for name in "abcdef":
        (top / name).write_bytes(name.encode() * 100)
    os.mkfifo(top / "pipe")
    acts: dict[str, Callable[[Path], object]] = {
        "a": lambda path: path.write_bytes(b"longer than it was before" * 10),
        "b": lambda path: path.unlink(),
        "c": lambda path: (path.unlink(), os.mkfifo(path)),
        "d": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    }
    whole = reading.read

    def read(path: str, *more: Any, **named: Any) -> str:
        act = acts.pop(os.path.basename(path), None)
        if act is not None:
            act(Path(path))
        return whole(path, *more, **named)

    monkeypatch.setattr(folders, "read", read)
    one = Folders("f", top)
    found = staged(one, tmp_path)
    said = {os.path.basename(each.path): each.code for each in found.named}
    assert said == {"a": "changed", "b": "vanished", "c": "special", "d": "unreadable", "pipe": "special"}
    assert sorted(os.path.basename(path) for path in found.hashes) == ["e", "f"]
    (top / "e").write_bytes(b"after it was staged")
    (top / "f").unlink()
    assert one.since(found) == (Named(str(top / "e"), "changed"), Named(str(top / "f"), "vanished"))


def test_a_database_of_today_is_told_before_the_night(tmp_path: Path) -> None:
    """Whoever tries a source hears of it, whatever the file is called; one of last year is a document as any other."""
    top = tmp_path / "f"
    top.mkdir()
    with contextlib.closing(sqlite3.connect(top / "letters.dat")) as database:
        database.execute("CREATE TABLE t(a)")
    told = Folders("f", top).refuse()
    assert told is not None and (told.code, told.detail) == (codes.LIVE_FILE, "letters.dat")
    os.utime(top / "letters.dat", (1, 1))
    assert Folders("f", top).refuse() is None


def test_a_change_while_it_is_read_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(3 << 20))
    seen, calls = path.lstat(), 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            with path.open("r+b") as file:
                file.write(b"in the middle")
        return False

    with pytest.raises(reading.Moved) as caught:
        reading.read(str(path), seen, str(tmp_path / "copy"), stop)
    assert caught.value.code == "changed" and not (tmp_path / "copy").exists()


def test_left_out_is_left_out_of_the_paths_too(tmp_path: Path) -> None:
    top = filled(tmp_path)
    (top / "inner" / "cache").mkdir()
    (top / "inner" / "cache" / "x.tmp").touch()
    (top / "y.tmp").touch()
    one = Folders("f", top, without=("*.tmp", "inner/-rf"))
    found = staged(one, tmp_path)
    back = give_back(found, tmp_path / "back")
    assert one.proven(back, found) == [] and top not in found.paths
    there = {name for name, _ in picture(back / top.relative_to("/")).items()}
    assert there == set(picture(top)) - {b"y.tmp", b"inner/-rf", b"inner/cache/x.tmp", b"inner/cache"}


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize(
    "harm", ["a link that is gone", "a link that leads elsewhere", "a folder that is gone"]
)
def test_links_and_empty_folders_are_proven_too(tmp_path: Path, harm: str, window: bool) -> None:
    top = filled(tmp_path)
    (top / "void").mkdir()
    (top / "way").symlink_to("void")
    one = Folders("f", top, window=Window(("true",), ("true",)) if window else None)
    found = staged(one, tmp_path)
    back = give_back(found, tmp_path / "back")
    assert one.proven(back, found) == []
    there = places.restored(back, found.paths[0])
    if harm == "a folder that is gone":
        (there / "void").rmdir()
    else:
        (there / "way").unlink()
        if harm == "a link that leads elsewhere":
            (there / "way").symlink_to("/etc")
    assert one.proven(back, found) == ["links and folders: changed"]


def test_digests_are_remembered_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top, memory = tmp_path / "top", tmp_path / "memory.db"
    top.mkdir()
    for name in ("a", "b", "bad\udcff"):
        (top / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    opened: list[str] = []
    whole = reading.read

    def read(path: str, *more: Any, **named: Any) -> str:
        opened.append(os.path.basename(path))
        return whole(path, *more, **named)

    monkeypatch.setattr(folders, "read", read)
    one = Folders("f", top, memory=memory, now=lambda: time.time() + 60)
    first = staged(one, tmp_path).hashes
    assert sorted(opened) == ["a", "b", "bad\udcff"]
    assert staged(one, tmp_path).hashes == first and len(opened) == 3
    (top / "a").write_bytes(b"A")
    (top / "b").unlink()
    assert staged(one, tmp_path).hashes != first and opened[3:] == ["a"]
    memory.write_bytes(b"broken" * 1000)
    assert len(staged(one, tmp_path).hashes) == 2 and len(opened) == 6
    young = Folders("f", top, memory=memory)
    (top / "c").write_bytes(b"just now")
    staged(young, tmp_path)
    staged(young, tmp_path)
    assert opened[6:] == ["c", "c"], "what was written just now is not trusted yet"


def test_a_state_of_before_is_proved_by_its_own_digests(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "empty").touch()
    (top / "a").write_bytes(os.urandom(700_000))
    one = Folders("f", top)
    now = staged(one, tmp_path)
    assert all(it.startswith("xxh3:") and len(it) == 37 for it in now.hashes.values())
    before = replace(now, hashes={it: digest_of(Path(it).read_bytes(), "") for it in now.hashes})
    back = give_back(now, tmp_path / "back")
    assert one.proven(back, now) == one.proven(back, before) == []
    with (places.restored(back, top) / "a").open("r+b") as file:
        file.seek(699_999)
        file.write(b"x" if (top / "a").read_bytes()[-1:] != b"x" else b"y")
    assert one.proven(back, now) == one.proven(back, before) == [f"{top / 'a'}: changed"]


def hook(path: Path, word: str, code: int = 0) -> tuple[str, ...]:
    """Note a word in a file, and end with this."""
    return (sys.executable, "-c", f"open({str(path)!r}, 'a').write({word!r}); raise SystemExit({code})")


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [(0, 0, None), (3, 0, codes.COMMAND_FAILED), (0, 4, codes.NOT_RESTARTED), (3, 4, codes.NOT_RESTARTED)],
)
def test_the_window_is_closed_whatever_happens(
    begin: int, end: int, expected: str | None, tmp_path: Path
) -> None:
    top, said, marks = tmp_path / "top", tmp_path / "said", tmp_path / "marks"
    top.mkdir()
    (top / "a").write_bytes(b"a")
    one = Folders("f", top, window=Window(hook(said, "b", begin), hook(said, "e", end), marks=marks))
    if expected is None:
        assert staged(one, tmp_path).counts["files"] == 1
    else:
        fault(lambda: staged(one, tmp_path), expected)
    assert said.read_text() == "be"
    assert [mark.name for mark in marks.iterdir()] == (["f.json"] if end else [])
    if end:
        told = quiet.reopen(marks)["f"]
        assert told is not None and told.code == codes.NOT_RESTARTED
    else:
        assert quiet.reopen(marks) == {}


def test_a_window_that_a_killed_run_left_open_is_closed(tmp_path: Path) -> None:
    """The run ends between the two hooks, as with kill -9: its generator is never gone on with."""
    said, marks = tmp_path / "said", tmp_path / "marks"
    pid = os.fork()
    if pid == 0:
        with quiet.opened("f", Window(hook(said, "b"), hook(said, "e"), marks=marks), never):
            os._exit(0)
    os.waitpid(pid, 0)
    assert said.read_text() == "b"
    assert quiet.reopen(marks) == {"f": None} and said.read_text() == "be" and quiet.reopen(marks) == {}


def test_a_volume_snapshot_is_read_instead(tmp_path: Path) -> None:
    top, snapshot = tmp_path / "top", tmp_path / "snapshot"
    top.mkdir()
    (top / "a").write_bytes(b"goes on")
    copies = f"import shutil; shutil.copytree({str(top)!r}, {str(snapshot)!r}); open({str(top / 'a')!r}, 'w').write('went on')"
    removes = f"import shutil; shutil.rmtree({str(snapshot)!r})"
    window = Window((sys.executable, "-c", copies), (sys.executable, "-c", removes), read=snapshot)
    found = staged(Folders("f", top, window=window), tmp_path)
    assert (found.paths[0] / "a").read_bytes() == b"goes on" and not snapshot.exists()
