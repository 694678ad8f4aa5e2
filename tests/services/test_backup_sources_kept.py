"""Sources and an engine together: what was staged comes back from restic as the manifest says, or is named."""

from pathlib import Path

import pytest

from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.source import Source
from praxisd.services.backups.sources.folders import Folders
from praxisd.services.backups.sources.own import own_sources
from praxisd.testing import debian
from praxisd.testing.engine_suite import AT, Bench, never, quiet
from praxisd.testing.houses import Houses


@pytest.fixture(scope="session")
def restic() -> Path:
    return debian.program(["restic"], "restic")


def test_what_was_staged_comes_back_and_is_proved(houses: Houses, tmp_path: Path, restic: Path) -> None:
    house = houses.open()
    engine, repo = Restic(tmp_path / "engine", restic), Repo(str(tmp_path / "restic"), "Kennwort")
    top = Bench(engine, repo, tmp_path).source()
    (top / "left out.tmp").touch()
    engine.init(repo)
    sources: list[Source] = [*own_sources(house), Folders("Befunde", top, without=("*.tmp",))]
    found = []
    for number, one in enumerate(sources):
        place = tmp_path / "staging" / str(number)
        place.mkdir(parents=True)
        found.append((one, one.stage(place, progress=quiet, stop=never)))
    paths = [path for _, staged in found for path in staged.paths]
    kept = engine.back_up(repo, paths, tags=("x",), at=AT, host="praxis", progress=quiet, stop=never)
    assert kept.named == () and all(one.since(staged) == () for one, staged in found)
    back = tmp_path / "back"
    assert engine.restore(repo, kept.id, back, progress=quiet, stop=never).named == ()
    assert [one.proven(back, staged) for one, staged in found] == [[], [], []]
    assert not (back / top.relative_to("/") / "left out.tmp").exists()
    assert (back / top.relative_to("/") / "link up").is_symlink()
