"""restic when things are odd: unreadable sources, damaged data, old locks, no program, a newer one than we can get."""

import json
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from praxisd.kernel import issues
from praxisd.kernel.app import House
from praxisd.services.backups import engine as codes
from praxisd.services.backups import engine_checks
from praxisd.services.backups.engine import EngineFault, Named, Repo
from praxisd.services.backups.engines import restic_listing, restic_place, restic_running
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.engines.restic_child import Child
from praxisd.testing import debian, engine_faults
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import AT, Bench, back, fault, never, quiet, take
from praxisd.testing.rest_store import rest_store

NEW = """#!/bin/sh
case "$*" in
version) echo "restic 0.18.1 compiled with go1.25.1 on linux/amd64"; exit 0;;
*"snapshots"*) cat "$ANSWERS/snapshots"; cat "$ANSWERS/complaints" >&2; exit $(cat "$ANSWERS/exit");;
*"backup"*) for one; do [ "$was" = --files-from-raw ] && cat "$one" > "$ANSWERS/given"; was=$one; done
  cat "$ANSWERS/backup"; cat "$ANSWERS/complaints" >&2; exit $(cat "$ANSWERS/exit");;
esac
exit 1
"""
SNAPSHOT = "9f" * 32


def _programs() -> list[str]:
    """What still runs of restic below us; the suite's own database server may run too."""
    return [one.name() for one in psutil.Process().children(recursive=True) if "restic" in one.name()]


@pytest.fixture(scope="session")
def restic() -> Path:
    return debian.program(["restic"], "restic")


@pytest.fixture
def bench(tmp_path: Path, restic: Path) -> Bench:
    (tmp_path / "work").mkdir()
    return Bench(
        QuickRestic(tmp_path / "engine", restic), Repo(str(tmp_path / "restic"), "geheim"), tmp_path / "work"
    )


class Newer:
    """A restic of the new kind, as its manual says that it answers."""

    def __init__(self, folder: Path) -> None:
        self.answers = folder / "answers"
        self.answers.mkdir()
        (folder / "restic").mkdir()
        (folder / "restic" / "config").touch()
        program = folder / "new restic"
        program.write_text(NEW.replace("$ANSWERS", str(self.answers)))
        program.chmod(0o700)
        self.engine = Restic(folder / "engine", program)
        self.repo = Repo(str(folder / "restic"), "geheim")

    def says(self, exit_code: int, complaints: str = "", **answers: object) -> None:
        for name, value in {"snapshots": "", "backup": "", **answers}.items():
            (self.answers / name).write_text(str(value))
        (self.answers / "exit").write_text(str(exit_code))
        (self.answers / "complaints").write_text(complaints)


def test_a_newer_restic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Newer(tmp_path)
    source = tmp_path / "source"
    source.mkdir()
    assert newer.engine.version() == (0, 18, 1)
    for exit_code, code in ((10, codes.NO_REPOSITORY), (11, codes.LOCKED), (12, codes.PASSWORD_WRONG)):
        newer.says(
            exit_code, json.dumps({"message_type": "exit_error", "code": exit_code, "message": "Fatal: x"})
        )
        fault(lambda: newer.engine.snapshots(newer.repo), code)
    newer.says(0, snapshots=json.dumps([{
        "id": SNAPSHOT, "time": "2026-05-28T20:26:40Z", "tags": ["plan-a"], "paths": ["/a"],
        "summary": {"total_files_processed": 3, "total_bytes_processed": 70, "data_added_packed": 9},
    }]))  # fmt: skip
    (listed,) = newer.engine.snapshots(newer.repo)
    assert (listed.id, listed.at, listed.files, listed.bytes, listed.added) == (SNAPSHOT, AT, 3, 70, 9)
    unreadable, gone = str(source / "closed"), str(source / "gone")
    (source / "closed").touch()
    lines = [
        {"message_type": "status", "bytes_done": 5, "total_bytes": 70},
        {"message_type": "verbose_status", "action": "scan_finished"},
        {"message_type": "summary", "snapshot_id": SNAPSHOT, "total_files_processed": 3,
         "total_bytes_processed": 70, "data_added": 90, "data_added_packed": 9},
    ]  # fmt: skip
    errors = [
        {"message_type": "error", "error": {"message": f"open {unreadable}: permission denied"}, "item": unreadable},
        {"message_type": "error", "error": {"message": f"lstat {gone}: no such file or directory"}, "item": gone},
        {"message_type": "exit_error", "code": 3, "message": "Warning: at least one source file could not be read"},
    ]  # fmt: skip
    newer.says(3, "\n".join(map(json.dumps, errors)), backup="\n".join(map(json.dumps, lines)))
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(
        restic_listing, "look_over", lambda paths, since_ns: ([], False)
    )  # nothing is listed here
    made = newer.engine.back_up(
        newer.repo, [source], tags=(), at=AT, host="h", progress=lambda *n: seen.append(n), stop=never
    )
    assert made.id == SNAPSHOT and (made.files, made.bytes) == (3, 70) and seen == [(5, 70), (70, 70)]
    assert set(made.named) == {Named(unreadable, "unreadable"), Named(gone, "vanished")}
    assert (newer.answers / "given").read_bytes() == os.fsencode(source) + b"\0"


def test_sources_that_cannot_be_read(bench: Bench, tmp_path: Path) -> None:
    bench.engine.init(bench.repo)
    (bench.folder / "good").write_text("good")
    (bench.folder / "fast").symlink_to("/proc/self/mem")
    made = take(bench, bench.folder, Path("/proc/self/mem"))
    assert Named("/proc/self/mem", "unreadable") in made.named
    assert back(bench, made.id, tmp_path / "back", str(bench.folder)) == ()


def test_a_path_longer_than_any_program_can_open(bench: Bench, tmp_path: Path) -> None:
    bench.engine.init(bench.repo)
    (bench.folder / "good").write_text("good")
    inside = os.open(bench.folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=inside)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=inside)
        os.close(inside)
        inside = deeper
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inside))
    os.close(inside)
    made = take(bench, bench.folder)
    assert made.named and {one.code for one in made.named} == {"unreadable"}
    assert all(one.path.startswith(str(bench.folder / ("d" * 250))) for one in made.named)
    assert back(bench, made.id, tmp_path / "back", str(bench.folder / "good")) == ()


def test_a_remote_store(tmp_path: Path, restic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RESTIC_PASSWORD", "somebody else's")
    with rest_store() as store:
        bench = Bench(QuickRestic(tmp_path / "engine", restic), Repo(store.url, "geheim"), tmp_path / "work")
        assert bench.engine.init(bench.repo)
        cheap = Repo(
            str(tmp_path / "cheap"), "geheim"
        )  # from here on a repository whose password is quickly tried
        bench.engine.init(cheap)
        files = [one for one in Path(cheap.place).rglob("*") if one.is_file()]
        store.kept = {f"/{one.relative_to(cheap.place)}": one.read_bytes() for one in files}
        (bench.folder / "large").write_bytes(os.urandom(2_000_000))
        first = take(bench, bench.folder)
        assert len(first.id) == 64 and 2_000_000 <= first.added < 2_300_000
        lock = next(one.split()[1] for one in store.asked if one.startswith("POST /locks/"))
        store.kept[lock] = b"of a run that was killed, and flipped"
        (bench.folder / "more").write_text("more")
        second = take(bench, bench.folder, at=AT + 1)
        assert [one.id for one in bench.engine.snapshots(bench.repo)] == [first.id, second.id]
        assert bench.engine.size(bench.repo).restored >= 4_000_000
        added = bench.engine.add_key(bench.repo, "zweites")
        bench.engine.remove_key(bench.repo, added.id)
        bench.engine.verify(bench.repo, "all", progress=quiet, stop=never)
        assert back(bench, second.id, tmp_path / "back") == ()
        assert (tmp_path / "back" / str(bench.folder / "more")[1:]).read_text() == "more"
        used = {one.name for one in (tmp_path / "engine").iterdir()}
        assert used == {"cache"}, "the cache lies in the engine's folder"
        assert list((tmp_path / "home").iterdir()) == []
        store.refuse = 401
        fault(lambda: bench.engine.snapshots(bench.repo), codes.UNREACHABLE)
    told = fault(lambda: bench.engine.snapshots(bench.repo), codes.UNREACHABLE)
    assert told.retry and store.url not in told.detail


def test_what_can_still_be_saved_of_damaged_data_is(bench: Bench, tmp_path: Path) -> None:
    bench.engine.init(bench.repo)
    for name in ("a: b", "line\nend", "whole"):
        (bench.folder / name).write_bytes(os.urandom(400_000))
    kept = take(bench, bench.folder)
    packs = [one for one in Path(bench.repo.place, "data").rglob("*") if one.is_file()]
    pack = max(packs, key=lambda one: one.stat().st_size)
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)
    named = back(bench, kept.id, tmp_path / "back")
    assert len(named) == 1 and named[0].code == "not_restored"
    good = {str(bench.folder / name) for name in ("a: b", "line\nend", "whole")} - {named[0].path}
    for one in good:
        assert (tmp_path / "back" / one[1:]).read_bytes() == Path(one).read_bytes()
    told = fault(lambda: bench.engine.verify(bench.repo, "all", progress=quiet, stop=never), codes.DAMAGED)
    assert str(tmp_path) not in told.detail


def test_the_target_of_a_restore_is_full(bench: Bench, tmp_path: Path) -> None:
    bench.engine.init(bench.repo)
    (bench.folder / "large").write_bytes(os.urandom(9_000_000))
    kept = take(bench, bench.folder)
    with engine_faults.small(tmp_path / "disk", 4) as disk:
        fault(lambda: back(bench, kept.id, disk / "back"), codes.TARGET_FULL)


def test_a_drive_that_does_not_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A share in the network whose server is gone: whoever asks it hangs, and nobody can end that."""
    bench.engine.init(bench.repo)
    (bench.folder / "large").write_bytes(os.urandom(60_000_000))
    monkeypatch.setattr(restic_place, "ANSWER_S", 0.3)
    comes_back, asked, hangs_at = threading.Event(), [0], [10**9]
    real = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path == tmp_path / "restic" / "config":
            asked[0] += 1
            if asked[0] > hangs_at[0]:
                comes_back.wait()
        return real(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    try:
        hangs_at[0] = asked[0] + 3
        told = fault(lambda: take(bench, bench.folder), codes.UNPLUGGED)
        assert told.retry and "answer" in told.detail
        fault(lambda: take(bench, bench.folder), codes.UNPLUGGED)
        fault(lambda: bench.engine.snapshots(bench.repo), codes.UNPLUGGED)
    finally:
        comes_back.set()
    assert _programs() == []
    monkeypatch.setattr(restic_place, "ANSWER_S", 60.0)
    hangs_at[0] = 10**9
    assert take(bench, bench.folder).named == ()


def test_entries_come_one_by_one(bench: Bench) -> None:
    """A large folder is listed in little memory, and who has seen enough leaves no program running."""
    bench.engine.init(bench.repo)
    for number in range(4000):
        (bench.folder / f"{number} {'x' * 150}").touch()
    kept = take(bench, bench.folder)
    tracemalloc.start()
    try:
        assert sum(1 for one in bench.engine.entries(bench.repo, kept.id) if one.kind == "file") == 4000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
    listing = bench.engine.entries(bench.repo, kept.id)
    next(listing)
    listing.close()  # type: ignore[attr-defined]
    assert _programs() == []


def test_a_child_takes_its_family_along(tmp_path: Path) -> None:
    script = "sleep 300 & echo $!; trap '' INT TERM; while true; do sleep 1; done"
    with Child(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}) as child:
        grandchild = next(int(said[1]) for said in child.said() if said and said[0] == "out")
        child.end(at_once=True)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{grandchild}").exists() and time.monotonic() < deadline:
        status = Path(f"/proc/{grandchild}/stat").read_text().rpartition(")")[2].split()[0]
        if status == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{grandchild}").exists()
    assert child.exit_code() == -9


def program(folder: Path, says: str) -> Path:
    made = folder / "restic"
    folder.mkdir(parents=True, exist_ok=True)
    made.write_text(f"#!/bin/sh\necho '{says}'\n")
    made.chmod(0o700)
    return made


def test_a_missing_or_old_program_is_an_issue_only_where_a_plan_needs_it(
    make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house()
    monkeypatch.setenv("PATH", "/nowhere")

    def found() -> list[tuple[str, str]]:
        open_now = issues.run_checks(house, ("backups.engine",)).issues
        return [(one.code, one.severity.value) for one in open_now if one.code.startswith("backups.engine")]

    assert found() == [], "a practice without a plan is not bothered"
    planned = [False]
    house.shared[engine_checks.PLANNED] = lambda of: planned[0]
    assert found() == []
    planned[0] = True
    assert found() == [(codes.ENGINE_MISSING, "error")]
    there = house.folder / "backups" / "engine" / "bin"
    program(there, "restic 0.12.1 compiled with go1.15")
    assert found() == [(codes.ENGINE_OLD, "error")]
    program(there, "something else, and longer")
    assert found() == [(codes.ENGINE_MISSING, "error")]
    program(there, "restic 0.14.0 compiled with go1.19.8 on linux")
    assert found() == [], "it heals by itself"
    with pytest.raises(EngineFault):
        Restic(house.folder, house.folder / "not there").version()


def test_memory_for_time_only_where_there_is_plenty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, place = tmp_path / "restic", tmp_path / "repo"
    program.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo "restic 0.14.0 compiled with go" || printf \'"%s"\' "$GOGC"\n'
    )
    program.chmod(0o700)
    (place / "index").mkdir(parents=True)
    (place / "config").touch()
    runner, repo = restic_running.Runner(tmp_path / "engine", program), Repo(str(place), "geheim")
    monkeypatch.setattr(restic_running, "PLENTY", 0)
    assert runner.answer(repo, "x") == "400"
    os.truncate(os.open(place / "index" / "one", os.O_CREAT | os.O_WRONLY), restic_running.SMALL_INDEX + 1)
    assert runner.answer(repo, "x") == ""
    (place / "index" / "one").unlink()
    monkeypatch.setattr(restic_running, "PLENTY", 1 << 60)
    assert runner.answer(repo, "x") == ""
