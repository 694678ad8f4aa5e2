"""Marks on a medium: whoever has it alone is waited for, as long as a killed praxisd may have left it at work."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.services.backups import engine
from praxisd.services.backups.engine import EngineFault, Repo, Snapshot
from praxisd.services.backups.engines import restic_locks, restic_place
from praxisd.services.backups.engines.restic import Restic
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import AT, Bench, never, quiet, take


@pytest.fixture(scope="session")
def restic() -> Path:
    return debian.program(["restic"], "restic")


@pytest.fixture
def bench(tmp_path: Path, restic: Path) -> Bench:
    (tmp_path / "work").mkdir()
    return Bench(
        QuickRestic(tmp_path / "engine", restic), Repo(str(tmp_path / "restic"), "geheim"), tmp_path / "work"
    )


@contextlib.contextmanager
def alone(bench: Bench, restic: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that stands still and has the medium for itself."""
    place = Path(bench.repo.place)
    environment = os.environ | {
        "RESTIC_REPOSITORY": str(place), "RESTIC_PASSWORD": bench.repo.secret, "RESTIC_CACHE_DIR": str(place.parent / "cache"),
    }  # fmt: skip
    with subprocess.Popen([restic, "prune"], env=environment, stdout=subprocess.DEVNULL) as left:
        try:
            while not any(len(one.name) == 64 for one in (place / "locks").iterdir()):
                assert left.poll() is None, "it never had the medium for itself"
            left.send_signal(signal.SIGSTOP)  # beside its lock, where restic waits a fifth of a second
            yield left
        finally:
            left.kill()


def _more(bench: Bench, kept: Snapshot, key: str) -> None:
    (bench.folder / "more").write_text("more")
    assert take(bench, bench.folder, at=AT + 1).named == ()


WRITING: dict[str, Callable[[Bench, Snapshot, str], object]] = {
    "back_up": _more,
    "add_key": lambda bench, kept, key: bench.engine.add_key(bench.repo, "another password"),
    "remove_key": lambda bench, kept, key: bench.engine.remove_key(bench.repo, key),
    "forget": lambda bench, kept, key: bench.engine.forget(bench.repo, [kept.id], stop=never),
    "verify": lambda bench, kept, key: bench.engine.verify(bench.repo, "all", progress=quiet, stop=never),
}


@pytest.mark.parametrize("what", WRITING)
def test_what_a_killed_praxisd_left_at_work_is_waited_for(bench: Bench, restic: Path, what: str) -> None:
    """Its restic outlives it by a moment, and may have the medium for itself."""
    bench.engine.init(bench.repo)
    kept = take(bench, bench.folder)
    key = bench.engine.add_key(bench.repo, "a second password").id
    bench.engine = Restic(bench.folder.parent / "engine", restic)  # whose keys are restic's own work
    with alone(bench, restic) as left:
        ended = threading.Timer(1.0, lambda: (left.kill(), left.wait()))
        ended.start()
        WRITING[what](bench, kept, key)
        ended.join()
    assert not any((Path(bench.repo.place) / "locks").iterdir())


def test_who_stays_at_work_alone_is_not_waited_for_for_ever(
    bench: Bench, restic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("praxisd.services.backups.engines.restic_locks.PAUSES_S", (0.01, 0.02))
    bench.engine.init(bench.repo)
    take(bench, bench.folder)
    with alone(bench, restic), pytest.raises(EngineFault) as said:
        Restic(bench.folder.parent / "engine", restic).add_key(bench.repo, "another password")
    assert said.value.code == engine.LOCKED


def test_locks_of_runs_that_are_gone() -> None:
    """A lock whose number another program has now (a container that was started again) holds nobody up for half an hour."""
    mine = {"hostname": socket.gethostname(), "pid": os.getpid()}
    assert restic_locks.left_behind(mine), "this program is no restic"
    assert restic_locks.left_behind(mine | {"pid": 2**22 + 1})
    assert not restic_locks.left_behind({"hostname": "another", "pid": os.getpid()})
    assert not restic_locks.left_behind({"hostname": socket.gethostname()})


def test_what_cannot_be_tidied_keeps_nobody_from_the_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder of the medium cannot be read: restic will say so if it needs it."""
    bench.engine.init(bench.repo)
    listed = restic_place._list

    def refused(folder: Path) -> Iterator[os.DirEntry[str]]:
        if folder.name == "data":
            raise PermissionError(errno.EACCES, "denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(restic_place, "_list", refused)
    bench.engine.add_key(bench.repo, "another password")
    assert len(bench.engine.keys(bench.repo)) == 2
