"""restic as the engine of the backups: the contract suite, its faults, and both generations of its words."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from praxisd.services.backups.engine import EngineFault, Repo
from praxisd.testing import debian, engine_faults
from praxisd.testing.engine_faults import Medium
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import Bench, EngineSuite


@pytest.fixture(scope="session")
def restic() -> Path:
    return debian.program(["restic"], "restic")


class TestRestic(EngineSuite):
    """All promises, with the restic of Debian."""

    @pytest.fixture
    def bench(self, tmp_path: Path, restic: Path) -> Bench:
        (tmp_path / "medium").mkdir()
        (tmp_path / "work").mkdir()
        repo = Repo(str(tmp_path / "medium" / "restic"), "Ein Kennwort-17")
        return Bench(QuickRestic(tmp_path / "engine", restic, real_keys=True), repo, tmp_path / "work")


def bench_at(top: Path, place: Path, restic: Path) -> Bench:
    (top / "work").mkdir()
    return Bench(QuickRestic(top / "engine", restic), Repo(str(place), "Kennwort der Probe"), top / "work")


def test_the_key_that_is_known_is_tried_first(tmp_path: Path, restic: Path) -> None:
    bench = bench_at(tmp_path, tmp_path / "restic", restic)
    bench.engine.init(bench.repo)
    [mine] = (tmp_path / "restic" / "keys").iterdir()
    for number in range(30):  # whoever tries one of these first ends there
        other = json.dumps({"kdf": "another", "number": number}).encode()
        (mine.parent / hashlib.sha256(other).hexdigest()).write_bytes(other)
    for key in (mine.name, mine.name[:8]):
        assert bench.engine.snapshots(Repo(bench.repo.place, bench.repo.secret, key)) == []
    with pytest.raises(EngineFault):
        bench.engine.snapshots(Repo(bench.repo.place, bench.repo.secret, "../" + mine.name[:8]))


def test_killed_at_random_points(tmp_path: Path, restic: Path) -> None:
    hit = engine_faults.kills(bench_at(tmp_path, tmp_path / "restic", restic), times=3)
    assert sum(hit.values()) == 3 and any("hit" in one for one in hit)


def test_praxisd_itself_is_killed(tmp_path: Path, restic: Path) -> None:
    engine_faults.orphaned(bench_at(tmp_path, tmp_path / "restic", restic), restic)


def test_a_flipped_bit_in_every_kind_of_file_is_named(tmp_path: Path, restic: Path) -> None:
    found = engine_faults.flips(bench_at(tmp_path, tmp_path / "restic", restic))
    assert sum(found.values()) == len(engine_faults.KINDS)
    assert found["locks: harmless"] == found["config: structure"] == found["keys: structure"] == 1


def test_a_full_disk(tmp_path: Path, restic: Path) -> None:
    with engine_faults.small(tmp_path / "disk", 16) as disk:
        engine_faults.full(bench_at(tmp_path, disk / "restic", restic))


@pytest.mark.parametrize("act", [engine_faults.unplugged, engine_faults.protected])
def test_a_medium_that_leaves_or_is_protected(
    act: Callable[[Bench, Medium], None], tmp_path: Path, restic: Path
) -> None:
    medium = Medium.made(tmp_path)
    try:
        act(bench_at(tmp_path, medium.folder / "restic", restic), medium)
    finally:
        medium.pull()
