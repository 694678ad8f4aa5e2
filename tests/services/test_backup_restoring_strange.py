"""A state that somebody else made, to do harm: nothing is written, moved or deleted outside of the target (done when 5)."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.backups.engine import Repo, Restored
from praxisd.services.backups.restoring import bare, manifest, own_place, restoring
from praxisd.services.backups.restoring.own_place import Here
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import never, picture, quiet


class Strange:
    """A victim beside the target, and a medium with what is laid into `top`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = QuickRestic(folder / "engine", debian.program(["restic"], "restic"))
        self.top, self.victim, self.medium = folder / "state", folder / "victim", folder / "medium"
        for one in (self.top, self.victim, self.medium):
            one.mkdir()
        for name in ("one.db", "two.db"):
            (self.victim / f"{name}.pieces" / "000000").mkdir(parents=True)
            (self.victim / f"{name}.pieces" / "000000" / "000000000").write_text("precious")
        (self.victim / "data").mkdir()
        (self.victim / "data" / "own.lic").write_text("precious")
        (self.top / "link").symlink_to(self.victim)

    def put(self, *parts: object) -> bare.Medium:
        """The medium as the command opens it, with a manifest of these sources."""
        (self.top / "manifest.json").write_text(json.dumps({"version": 1, "at": 1, "sources": parts}))
        repo = Repo(str(self.medium / "restic"), "somebody-elses-word")
        self.engine.init(repo)
        paths = [self.top / "link", self.top / "manifest.json", *self.top.glob("praxisd*")]
        self.engine.back_up(repo, paths, tags=["x"], at=1, host="x", progress=quiet, stop=never)
        return bare.medium(self.folder / "data", self.medium, "somebody-elses-word", self.engine)


@pytest.fixture
def strange(tmp_path: Path) -> Strange:
    return Strange(tmp_path)


def test_a_database_in_pieces_behind_a_link_is_not_joined(strange: Strange, tmp_path: Path) -> None:
    path = f"{strange.top}/link/one.db"
    found = strange.put(
        {"name": "x", "kind": "sqlite", "paths": [f"{strange.top}/link"], "hashes": {path: "0"}}
    )
    before = picture(strange.victim)
    back = bare.to_folder(found, found.state(""), tmp_path / "target", [], tmp_path / "data")
    assert [(one.path, one.code) for one in back.named] == [(path, "outside")]
    assert picture(strange.victim) == before


@pytest.mark.parametrize("path", ["/../../../..{victim}/two.db", "{victim}/../victim/two.db", "two.db", ".."])
def test_a_manifest_that_leads_out_is_none(strange: Strange, tmp_path: Path, path: str) -> None:
    named = path.format(victim=strange.victim)
    found = strange.put({"name": "x", "kind": "sqlite", "paths": [], "hashes": {named: "0"}})
    before = picture(strange.victim)
    back = bare.to_folder(found, found.state(""), tmp_path / "target", [], tmp_path / "data")
    assert [(one.path, one.code) for one in back.named] == [(f"{strange.top}/manifest.json", "outside")]
    assert picture(strange.victim) == before
    with pytest.raises(Problem) as caught:
        manifest.read(found.engine, found.repo, found.state(""), tmp_path / "scratch", never)
    assert caught.value.code == manifest.NONE


def test_praxisds_own_data_are_not_taken_from_behind_a_link(strange: Strange, tmp_path: Path) -> None:
    link = f"{strange.top}/link"
    found = strange.put(
        {"name": own_place.DATABASE, "kind": "sqlite", "paths": [link], "hashes": {f"{link}/one.db": "0"}},
        {"name": own_place.BESIDE, "kind": "own", "paths": [f"{link}/data"], "hashes": {}},
    )
    before, data = picture(strange.victim), tmp_path / "data"
    data.mkdir()
    with pytest.raises(Problem) as caught:
        own_place.ready(
            Here(data, data / "praxisd.db"), found.engine, found.repo, found.state(""),
            by="cli", now=1, progress=quiet, stop=never,
        )  # fmt: skip
    assert caught.value.code == own_place.DIFFERS
    assert picture(strange.victim) == before and not (data / "own.lic").exists()


def test_a_link_among_praxisds_own_data_is_nothing_of_ours(strange: Strange) -> None:
    new = strange.folder / "new"
    (new / "top" / "data" / "plugins").mkdir(parents=True)
    beside = manifest.Part("praxisd", "own", ("/top/data",))
    assert own_place._strange(new, beside) == []
    link = new / "top" / "data" / "plugins" / "deep"
    link.symlink_to(strange.victim)
    assert own_place._strange(new, beside) == [str(link)]


@pytest.mark.parametrize("path", ["/link/one", "/../victim/one", "/link"])
def test_in_place_takes_nothing_from_behind_a_link(
    strange: Strange, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Laid in its place it would be moved away from where it is."""
    (strange.victim / "one").write_text("precious")

    def laid(into: Path, _only: list[str]) -> Restored:
        (into / "true").mkdir(parents=True)
        (into / "link").symlink_to(strange.victim)
        return Restored(1, 1, ())

    work: Any = restoring._Work.__new__(restoring._Work)
    work._house, work._progress, work._stop = SimpleNamespace(folder=strange.folder / "data"), quiet, never
    work.files, work.bytes, work.named, work._engine = 0, 0, [], laid
    base = strange.folder / "base"
    before = picture(strange.victim)
    work._place(str(base), [(path, str(base)), ("/true", str(base / "true"))], strange.folder / "saved", 0)
    assert [one.code for one in work.named] == ["outside"]
    assert picture(strange.victim) == before and [one.name for one in base.iterdir()] == ["true"]


def test_a_state_whose_paths_lead_out_has_no_manifest(strange: Strange, tmp_path: Path) -> None:
    said = {"version": 1, "at": 1, "sources": []}
    (strange.victim / "manifest.json").write_text(json.dumps(said))
    engine: Any = SimpleNamespace(restore=lambda *_args, **_more: None)
    state: Any = SimpleNamespace(id="1", paths=("/../../victim/manifest.json", "/../../victim"))
    with pytest.raises(Problem):
        manifest.read(engine, Repo("", ""), state, tmp_path / "scratch", never)
