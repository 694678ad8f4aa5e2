"""What is read again after each run: beside restic's own check a part of the data, by the names that its files bear."""

import os
import threading
from pathlib import Path

import pytest

from praxisd.services.backups import engine as codes
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engines import restic_place, restic_verify
from praxisd.services.backups.engines.restic_place import Place
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import Bench, fault, never, quiet, take


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "work").mkdir()
    return filled(tmp_path)


def filled(tmp_path: Path) -> Bench:
    """A repository of some packs."""
    made = Bench(
        QuickRestic(tmp_path / "engine", debian.program(["restic"], "restic")),
        Repo(str(tmp_path / "restic"), "geheim"),
        tmp_path / "work",
    )
    made.engine.init(made.repo)
    for number in range(8):
        (made.folder / f"picture {number}").write_bytes(os.urandom(20_000_000))
    take(made, made.folder)
    return made


def packs(bench: Bench) -> list[Path]:
    return sorted(one for one in Path(bench.repo.place, "data").rglob("*") if one.is_file())


def harm(pack: Path) -> None:
    pack.chmod(0o600)
    with pack.open("r+b") as file:
        file.seek(pack.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def test_a_part_is_read_and_what_is_harmed_in_it_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    bench.engine.verify(bench.repo, "part", progress=lambda *far: told.append(far), stop=never)
    assert told and told[-1][0] == told[-1][1] < len(packs(bench)), "not all of it"
    victim = max(packs(bench), key=lambda one: one.stat().st_size)
    harm(victim)
    monkeypatch.setattr(restic_verify, "PART", 1.0)
    said = fault(lambda: bench.engine.verify(bench.repo, "part", progress=quiet, stop=never), codes.DAMAGED)
    assert said.detail == "1 files in data"
    bench.engine.verify(bench.repo, "structure", progress=quiet, stop=never)  # that alone sees nothing of it


def test_chance_meets_each_of_them(bench: Bench) -> None:
    """A twentieth is one pack of these, each time another: after some runs the harmed one is met."""
    harm(packs(bench)[-1])
    place = Place(Path(bench.repo.place))
    rounds = 0
    while not place.sampled(restic_verify.PART, quiet, never):
        rounds += 1
        assert rounds < 600, "chance leaves it out each time: one in a hundred million millions"
    assert place.sampled(1.0, quiet, never) == [packs(bench)[-1]]


def test_a_pack_that_is_gone_is_missed(bench: Bench) -> None:
    packs(bench)[0].unlink()
    fault(lambda: bench.engine.verify(bench.repo, "part", progress=quiet, stop=never), codes.DAMAGED)


@pytest.mark.parametrize(
    ("spacious", "largest"), [(1, 70_000_000), (1 << 60, 25_000_000)], ids=["room", "narrow"]
)
def test_packs_are_large_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spacious: int, largest: int
) -> None:
    monkeypatch.setattr(restic_place, "SPACIOUS", spacious)
    (tmp_path / "work").mkdir()
    found = max(one.stat().st_size for one in packs(filled(tmp_path)))
    assert largest * 0.7 < found < largest


def test_reading_ends_when_it_is_stopped(bench: Bench) -> None:
    place, end = Place(Path(bench.repo.place)), threading.Event()
    read: list[int] = []

    def one_is_enough(done: int, _whole: int) -> None:
        read.append(done)
        end.set()

    assert place.sampled(1.0, one_is_enough, end.is_set) == []
    assert read == [1]
    fault(
        lambda: bench.engine.verify(bench.repo, "part", progress=quiet, stop=lambda: True), codes.INTERRUPTED
    )
