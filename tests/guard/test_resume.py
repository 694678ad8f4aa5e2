"""Downloads that go on: after a cut, after a stop, from a part of something else; and a disk that is full."""

import errno
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from praxisd.services.updates.tuf_client import UrlSource
from praxisd.testing.tuf_repository import TufRepository, cut, instead
from praxisd_guard import resume
from praxisd_guard.faults import Missing, OffsetRefused, Stopped, TrustFault, Unreachable
from praxisd_guard.resume import Wanted, pull

from .tuf_http import serving

DATA = random.Random(7).randbytes(700_000)
WANTED = Wanted("targets/file", "file", len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def repository() -> TufRepository:
    made = TufRepository()
    made.files["targets/file"] = DATA
    return made


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


def no_pause(_seconds: float) -> None:
    pass


def offsets(repository: TufRepository) -> list[int]:
    return [offset for path, offset in repository.asked if path == "targets/file"]


def test_a_cut_connection_goes_on_where_it_ended(repository: TufRepository, part: Path) -> None:
    repository.lies["targets/file"] = cut(DATA, 200_000)
    seen: list[tuple[int, int]] = []
    pull(repository, WANTED, part, lambda *at: seen.append(at), pause=no_pause)
    assert part.read_bytes() == DATA
    assert offsets(repository) == [0, 200_000, 400_000, 600_000]
    assert seen == sorted(seen) and seen[-1] == (700_000, 700_000)


def test_a_connection_that_brings_nothing_is_given_up(repository: TufRepository, part: Path) -> None:
    part.write_bytes(DATA[:1000])
    repository.lies["targets/file"] = cut(DATA, 0)
    pauses: list[float] = []
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part, pause=pauses.append)
    assert caught.value.code == "unreachable" and caught.value.retry
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert part.read_bytes() == DATA[:1000]


def test_a_trickle_ends_too(repository: TufRepository, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "CONNECTIONS", 20)
    repository.lies["targets/file"] = cut(DATA, 1)
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part, pause=no_pause)
    assert caught.value.code == "unreachable" and part.stat().st_size == 20


def test_a_stop_leaves_the_part_for_the_next_time(repository: TufRepository, part: Path) -> None:
    with pytest.raises(Stopped):
        pull(repository, WANTED, part, stop=lambda: part.stat().st_size > 0 if part.exists() else False)
    begun = part.stat().st_size
    assert 0 < begun < len(DATA) and DATA.startswith(part.read_bytes())
    pull(repository, WANTED, part)
    assert part.read_bytes() == DATA and offsets(repository) == [0, begun]


def test_a_stop_ends_waiting_for_a_dead_source(repository: TufRepository, part: Path) -> None:
    repository.lies["targets/file"] = cut(DATA, 0)
    with pytest.raises(Stopped):
        pull(repository, WANTED, part, stop=lambda: True, pause=no_pause)
    assert offsets(repository) == [0]


@pytest.mark.parametrize(
    "left", [b"another file", DATA[:300_000] + bytes([DATA[300_000] ^ 1]), b"x" * len(DATA), b"x" * 800_000]
)
def test_a_part_of_another_file_is_noticed_by_the_hash(
    repository: TufRepository, part: Path, left: bytes
) -> None:
    part.write_bytes(left)
    pull(repository, WANTED, part)
    assert part.read_bytes() == DATA and offsets(repository)[-1] == 0


def test_a_whole_part_asks_for_nothing(repository: TufRepository, part: Path) -> None:
    part.write_bytes(DATA)
    pull(repository, WANTED, part)
    assert repository.asked == []


def test_a_source_without_offsets_is_asked_from_the_start(repository: TufRepository, part: Path) -> None:
    class Whole:
        @contextmanager
        def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
            if offset:
                raise OffsetRefused(path)
            with repository.open(path) as pieces:
                yield pieces

    part.write_bytes(DATA[:1000])
    pull(Whole(), WANTED, part)
    assert part.read_bytes() == DATA and offsets(repository) == [0]


def test_a_file_that_changes_at_the_source_meanwhile(repository: TufRepository, part: Path) -> None:
    """The second half is of another version: not the signed file, so once more from the start."""
    other = random.Random(8).randbytes(len(DATA))
    turn: list[int] = []

    def lie(offset: int) -> Iterator[bytes]:
        turn.append(offset)
        if len(turn) == 1:
            yield DATA[:350_000]
            raise Unreachable("cut")
        yield other[offset:] if len(turn) == 2 else DATA[offset:]

    repository.lies["targets/file"] = lie
    pull(repository, WANTED, part, pause=no_pause)
    assert part.read_bytes() == DATA and turn == [0, 350_000, 0]


def test_nothing_of_a_wrong_file_stays(repository: TufRepository, part: Path) -> None:
    repository.lies["targets/file"] = instead(b"x" * len(DATA))
    part.write_bytes(DATA[:10])
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part)
    assert caught.value.code == "tampered" and not part.exists()
    assert offsets(repository) == [10, 0]


def test_a_wrong_file_is_not_fetched_twice(repository: TufRepository, part: Path) -> None:
    """It came in one piece, so a second time would bring the same."""
    repository.lies["targets/file"] = instead(b"x" * len(DATA))
    with pytest.raises(TrustFault):
        pull(repository, WANTED, part)
    assert offsets(repository) == [0]


def test_a_disk_without_room_takes_nothing(
    repository: TufRepository, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.write_bytes(DATA[:1000])
    free = resume.RESERVE + len(DATA) - 1001
    monkeypatch.setattr(resume.shutil, "disk_usage", lambda _folder: _Usage(free))
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part)
    assert caught.value.code == "no_space" and caught.value.retry
    assert caught.value.params == {"needed": free + 1, "free": free}
    assert repository.asked == [] and part.read_bytes() == DATA[:1000]
    free += 1
    pull(repository, WANTED, part)


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_disk_that_fills_up_on_the_way_is_freed_again(
    repository: TufRepository, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            if self.file.tell() > 100_000:
                raise OSError(errno.ENOSPC, "full")
            return self.file.write(data)

    def opened(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        file = real(path, mode, *more, **named)
        return Full(file) if mode == "ab" else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part)
    assert caught.value.code == "no_space" and not part.exists()


def test_a_source_that_is_cut_and_wrong_each_time_is_left_after_the_second(
    repository: TufRepository, part: Path
) -> None:
    repository.lies["targets/file"] = cut(b"x" * len(DATA), 400_000)
    with pytest.raises(TrustFault) as caught:
        pull(repository, WANTED, part, pause=no_pause)
    assert caught.value.code == "tampered" and offsets(repository) == [0, 400_000, 0, 400_000]


def test_a_source_that_refuses_the_start_is_left(part: Path) -> None:
    class Broken:
        @contextmanager
        def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
            raise OffsetRefused(path)
            yield iter(())

    with pytest.raises(TrustFault) as caught:
        pull(Broken(), WANTED, part)
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("ranges", [True, False])
def test_over_http_it_goes_on_after_a_cut(tmp_path: Path, ranges: bool) -> None:
    """With Range it goes on, without it begins again."""
    repository, data = TufRepository(roles={}), bytes(range(256)) * 2000
    where = repository.add("targets", "file", data)
    part = tmp_path / "file.part"
    part.write_bytes(data[:100_000])
    wanted = Wanted(where, "file", len(data), hashlib.sha256(data).hexdigest())
    with serving(repository, ranges=ranges) as address:
        source = UrlSource(f"{address}/metadata/", f"{address}/targets/")
        pull(source, wanted, part)
        assert part.read_bytes() == data
        assert repository.asked == ([(where, 100_000)] if ranges else [(where, 0), (where, 0)])
        with pytest.raises(Missing), source.open("targets/none"):
            pass
        with pytest.raises(OffsetRefused), source.open(where, len(data) + 1):
            pass
    with pytest.raises(Unreachable), source.open(where):
        pass
