"""Paths of a state lead nowhere but below the folder it was given back into, whoever made it (issue 9, done when 5)."""

import hashlib
from pathlib import Path

import pytest

from praxisd.services.backups.source import Staged
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.command import Command
from praxisd.services.backups.sources.own import Own
from praxisd.services.backups.sources.postgres import Postgres
from praxisd.services.backups.sources.sqlite import Sqlite

WORDS = b"of somebody else"
DIGEST = hashlib.sha256(WORDS).hexdigest()


@pytest.fixture
def back(tmp_path: Path) -> Path:
    """A state that was given back: `top/link` leads to a victim, `top/file` is a link to a file of it."""
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("one", "two.db"):
        (victim / name).write_bytes(WORDS)
    (victim / "two.db.pieces").mkdir()
    (tmp_path / "back" / "top").mkdir(parents=True)
    (tmp_path / "back" / "top" / "link").symlink_to(victim)
    (tmp_path / "back" / "top" / "file").symlink_to(victim / "one")
    (tmp_path / "back" / "top" / "true").write_bytes(WORDS)
    return tmp_path / "back"


@pytest.mark.parametrize("path", ["/../victim/one", "/top/../../victim/one", "/top/..", "..", "/top/a\0b"])
def test_no_way_up(back: Path, path: str) -> None:
    with pytest.raises(places.Outside):
        places.restored(back, path)


def test_no_link_on_the_way(back: Path) -> None:
    assert places.inside(back, "/top/true") == back / "top" / "true"
    assert places.inside(back, "/top/not there/yet") == back / "top" / "not there" / "yet"
    for path in ("/top/link/one", "/top/link", "/top/file"):
        with pytest.raises(places.Outside):
            places.inside(back, path)
    assert places.inside(back, "/top/link", link=True) == back / "top" / "link"
    with pytest.raises(places.Outside):
        places.inside(back, "/top/link/one", link=True)


PATHS = ["/top/link/one", "/top/file", "/../victim/one", "/top/link/two.db"]


@pytest.mark.parametrize("path", PATHS)
def test_what_lies_elsewhere_proves_nothing(back: Path, path: str) -> None:
    staged = Staged((Path(path),), {"files": 1, "bytes": len(WORDS)}, {path: DIGEST}, {"pg_dump": "15"})
    assert places.changed(back, {path: DIGEST}) == [f"{path}: outside"]
    assert places.changed(back, {"/top/true": DIGEST}) == []
    for one in (
        Sqlite("x", back), Own("x", back, {}), Postgres("x", ""), Command("x", ["true"], ["x"]),
    ):  # fmt: skip
        found = one.proven(back, staged)
        assert f"{path}: outside" in found, one
        assert all("64 " not in each for each in found)
