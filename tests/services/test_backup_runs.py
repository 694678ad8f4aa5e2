"""A run from its asking to its end: staged, copied, verified, recorded; and what becomes of one that is cut off."""

from pathlib import Path

import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.services.backups import engine, store
from praxisd.services.backups.engine import Entry, Repo, Snapshot
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import sources as plan_sources
from praxisd.services.backups.runs import asking, backing
from praxisd.services.backups.sources import own, postgres_scratch
from praxisd.services.backups.sources.folders import Folders
from praxisd.testing.houses import Houses


def test_a_backup_is_green_and_recorded(houses: Houses, tmp_path: Path) -> None:
    scene = Scene(houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, run.detail) == ("good", "", "")
    assert run.figures is not None and run.figures.files > 1
    assert set(run.facts["sources"]) == {"praxisd database", "praxisd"}
    (kept,) = scene.states(nas)
    assert (kept.good, kept.verified, kept.no, kept.run) == (True, "part", 1, run.id)
    assert kept.opened_by == (1,)
    with scene.house.store.read(SYSTEM) as tx:
        medium = store.MEDIUM.get(tx, nas)
        assert medium is not None and medium.medium.written is not None
    assert not (scene.house.folder / "backups" / "staging").exists()
    again = scene.run(job="night", slot="nas")
    assert again.state == "good" and not again.first_on_medium and run.first_on_medium
    assert [one.no for one in scene.states(nas)] == [1, 2]


def test_a_state_with_fewer_files_than_were_brought_is_not_good(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that keeps a link and not what is behind it, as happened with the folder of a source."""
    scene = Scene(sqlite_houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    real, link = tmp_path / "documents", tmp_path / "link"
    real.mkdir()
    for name in ("a", "b", "c"):
        (real / name).write_text(name)
    link.symlink_to(real)
    own_sources = plan_sources.sources
    linked = Folders("documents", link)
    monkeypatch.setattr(plan_sources, "sources", lambda house: [*own_sources(house), linked])
    short = scene.run(job="night", slot="nas")
    assert (short.state, short.code, short.detail) == ("failed", backing.SHORT, "3")
    assert short.facts["whole"] is False and [one.good for one in scene.states(nas)] == [False]
    linked.path = real
    assert scene.run(job="night", slot="nas").state == "good"
    within = Folders("all of it", tmp_path, without=["nas", "link", "house*"])
    monkeypatch.setattr(plan_sources, "sources", lambda house: [*own_sources(house), linked, within])
    assert scene.run(job="night", slot="nas").state == "good", "what two sources have is one file"


def test_an_ordinary_run_needs_no_list_of_states_and_a_strange_state_is_asked_for(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(sqlite_houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    asked: list[Repo] = []
    listed = scene.engine.snapshots

    def counted(repo: Repo) -> list[Snapshot]:
        asked.append(repo)
        return listed(repo)

    monkeypatch.setattr(scene.engine, "snapshots", counted)
    for _ in range(2):
        assert scene.run(job="night", slot="nas").state == "good"
    assert asked == []
    with scene.house.store.write(
        SYSTEM
    ) as tx:  # as after a run that was cut off before it could note its state
        known = store.SNAPSHOT.by(tx, "medium", nas)
        store.SNAPSHOT.remove(tx, max(known, key=lambda one: one.no).id)
    assert scene.run(job="night", slot="nas").state == "good"
    assert len(asked) == 1 and [one.no for one in scene.states(nas)] == [1, 2, 3]
    place = tmp_path / "nas" / "restic" / "snapshots"
    first = place / min(scene.states(nas), key=lambda one: one.no).engine_id
    first.chmod(0o600)
    first.write_bytes(first.read_bytes()[:-1] + bytes([first.read_bytes()[-1] ^ 1]))
    assert first.name not in (scene.engine.state_names(str(place.parent)) or ())
    hurt = scene.run(job="night", slot="nas")
    assert hurt.state == "failed" and hurt.code == engine.DAMAGED


def test_a_proof_restores_compares_and_starts_praxisd(houses: Houses, tmp_path: Path) -> None:
    scene = Scene(houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    proof = scene.run("prove")
    assert (proof.state, proof.code, proof.detail) == ("good", "", "")
    assert proof.facts["started"] > 0 and proof.facts["picked"] > 0 and proof.facts["rows"] > 0
    assert scene.states(nas)[0].proven is not None
    assert not (scene.house.folder / "backups" / "scratch").exists()


def test_a_proof_that_may_not_open_the_database_is_not_green(
    postgres_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_scratch, "allowed", lambda _url: False)
    scene = Scene(postgres_houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    proof = scene.run("prove")
    assert (proof.state, proof.code) == ("warning", "backups.proof_not_opened")
    assert scene.states(nas)[0].proven is None


def test_a_large_database_is_proven_from_its_pieces(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = own.own_sources
    monkeypatch.setattr(own, "own_sources", lambda house, **_: real(house, pieces_from=1000))
    scene = Scene(sqlite_houses.open(), tmp_path)
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    names = {Path(one.path).name for one in _entries(scene, nas)}
    assert "praxisd.db.pieces" in names and "praxisd.db" not in names
    proof = scene.run("prove")
    assert (proof.state, proof.code, proof.detail) == ("good", "", "")


def _entries(scene: Scene, medium: str) -> list[Entry]:
    repo = keyring.repo_of(scene.house, str(scene.top / "nas" / "restic"), medium)
    return list(scene.engine.entries(repo, scene.states(medium)[0].engine_id))


def test_a_run_that_waits_is_stopped_at_once(houses: Houses, tmp_path: Path) -> None:
    scene = Scene(houses.open(), tmp_path)
    run = scene.ask(job="night", slot="nas")
    assert scene.ask(job="night", slot="nas").id == run.id
    with scene.house.store.write(SYSTEM) as tx:
        assert asking.stop(tx, run.id, "user:x").state == "interrupted"
