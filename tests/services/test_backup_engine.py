"""restic as the engine of the backups: the contract suite, its faults, and both generations of its words."""

from pathlib import Path

import pytest

from praxisd.services.backups.engine import Repo
from praxisd.services.backups.engines.restic import Restic
from praxisd.testing import debian
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
        return Bench(Restic(tmp_path / "engine", restic), repo, tmp_path / "work")
