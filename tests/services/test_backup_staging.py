"""Sources are brought together: what only has to be read beside what is copied, and all of it ends when one of them must."""

import threading
from pathlib import Path
from typing import Any

import pytest

from praxisd.services.backups import source
from praxisd.services.backups.engine import Progress, Stop
from praxisd.services.backups.runs import recovering, staging
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources.folders import Folders
from praxisd.testing.engine_suite import never
from praxisd.testing.houses import Houses
from praxisd.testing.source_suite import digest_of


class _Copied:
    """A source that is copied: what it does is said by the test."""

    kind = "test"

    def __init__(self, name: str, work: Any) -> None:
        self.name = name
        self._work = work

    def refuse(self) -> None:
        """Nothing is against it."""

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """As the test says."""
        self._work(progress, stop)
        (folder / self.name).write_text(self.name)
        return Staged((folder / self.name,))

    def since(self, staged: Staged) -> tuple[()]:
        """A copy."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """Not asked here."""
        return []


class _Told:
    """Keeps what the run would show."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def progress(self, done: int, whole: int) -> None:
        """How far the step is."""
        self.seen.append((done, whole))


def _letters(top: Path, name: str, count: int = 3) -> Folders:
    folder = top / name
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.txt").write_bytes(bytes([number]) * 100)
    return Folders(name, folder)


def _bring(houses: Houses, sources: list[Any], told: _Told, stop: Stop = never) -> staging.Brought:
    house = houses.open()
    try:
        return staging.bring(house, sources, told, stop)  # type: ignore[arg-type]
    finally:
        recovering.empty(house)


def test_a_folder_is_read_while_another_source_is_copied(sqlite_houses: Houses, tmp_path: Path) -> None:
    folder = _letters(tmp_path, "letters")
    read = threading.Event()

    class Heard(Folders):
        def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
            staged = super().stage(folder, progress=progress, stop=stop)
            read.set()
            return staged

    lying = Heard("letters", folder.path)
    waited: list[bool] = []
    told = _Told()

    def work(progress: Progress, _stop: Stop) -> None:
        waited.append(read.wait(20))  # one after the other it would be waited for in vain
        progress(1_000, 1_000)

    sources = [_Copied("first", work), lying, _Copied("last", lambda *_: None)]
    brought = _bring(sqlite_houses, sources, told)
    assert waited == [True] and brought.faults == []
    assert [one.name for one, _ in brought.staged] == ["first", "letters", "last"]
    wanted = {str(one): digest_of(one.read_bytes(), "xxh3:") for one in folder.path.iterdir()}
    assert dict(brought.staged[1][1].hashes) == wanted
    assert told.seen[-1] == (1_300, 1_300), "both are told as one"


def test_a_source_that_fails_keeps_no_other_from_being_brought(sqlite_houses: Houses, tmp_path: Path) -> None:
    def fails(_progress: Progress, _stop: Stop) -> None:
        raise SourceFault(source.NOT_WHOLE, "broken")

    gone = Folders("gone", tmp_path / "gone")
    sources = [_Copied("bad", fails), gone, _letters(tmp_path, "letters"), _Copied("good", lambda *_: None)]
    brought = _bring(sqlite_houses, sources, _Told())
    assert [one.name for one, _ in brought.staged] == ["letters", "good"]
    assert [(name, one.code) for name, one in brought.faults] == [
        ("bad", source.NOT_WHOLE),
        ("gone", source.NOT_THERE),
    ]


def test_when_one_must_end_the_other_ends_too(sqlite_houses: Houses, tmp_path: Path) -> None:
    began, ended = threading.Event(), threading.Event()

    class Long(Folders):
        def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
            began.set()
            for _ in range(2_000):
                if stop():
                    ended.set()
                    raise SourceFault(source.STOPPED, retry=True)
                threading.Event().wait(0.01)
            return super().stage(folder, progress=progress, stop=stop)

    def lost(_progress: Progress, _stop: Stop) -> None:
        assert began.wait(20)
        raise RuntimeError("the run is another's now")

    long = Long("long", _letters(tmp_path, "letters").path)
    with pytest.raises(RuntimeError, match="another's"):
        _bring(sqlite_houses, [long, _Copied("lost", lost)], _Told())
    assert ended.is_set()


def test_a_person_stops_both(sqlite_houses: Houses, tmp_path: Path) -> None:
    with pytest.raises(SourceFault, match=source.STOPPED):
        _bring(sqlite_houses, [_letters(tmp_path, "letters")], _Told(), lambda: True)
