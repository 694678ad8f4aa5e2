"""What is not as it should be is named, and the run is not green: a source fails, a file changes, a target goes away."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel.clock import FrozenClock
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept, SourceKept
from praxisd.services.backups import engine, plan_rules, store
from praxisd.services.backups.engine import EngineFault, Repo, Snapshot
from praxisd.services.backups.plans import looking, media, planning, sources
from praxisd.services.backups.restoring import exchange
from praxisd.services.backups.runs import checks, proving, queueing, recording, running, targets, view
from praxisd.testing.houses import START, Houses
from praxisd_guard.durable import put_json


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Scene:
    made = Scene(sqlite_houses.open(clock=FrozenClock(START)), tmp_path)
    made.plan()
    return made


def _include(scene: Scene, name: str, kind: Any, spec: dict[str, Any]) -> None:
    with scene.house.store.write(SYSTEM) as tx:
        sources.include(scene.house, tx, SourceKept(name, kind, spec, "", "user:x", tx.now))


def _told(scene: Scene) -> set[tuple[str, str, str]]:
    return {(one.code, one.subject, str(one.severity)) for one in checks.runs(scene.house)}


def test_a_source_that_fails_makes_the_run_red_and_the_others_are_kept(scene: Scene, tmp_path: Path) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    gone = tmp_path / "praxis"
    gone.mkdir()
    (gone / "brief.txt").write_text("x")
    _include(scene, "Briefe", "folders", {"path": str(gone)})
    (gone / "brief.txt").unlink()
    gone.rmdir()
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code) == ("failed", "backups.source_missing")
    assert run.facts["sources"]["Briefe"]["code"] == "backups.source_missing"
    assert run.facts["sources"]["praxisd"]["files"] > 0
    (kept,) = scene.states(nas)
    assert not kept.good and kept.verified != "none"
    assert _told(scene) == {("backups.source_missing", "night", "error")}
    with scene.house.store.read(SYSTEM) as tx:
        medium = store.MEDIUM.get(tx, nas)
        assert medium is not None and medium.medium.written is None


def test_a_source_that_cannot_be_made_any_more_does_not_stop_the_others(scene: Scene) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    said = {"args": ["true"], "files": ["x"], "sealed": "v1.other.AAAA"}
    with scene.house.store.write(SYSTEM) as tx:
        for no, (name, spec) in enumerate((("SQL", said), ("Alt", {"was": 1}))):
            store.SOURCE.put(
                tx, name, SourceKept(name, "command", spec, "", "user:x", tx.now), at=tx.now + no
            )
    run = scene.run(job="night", slot="nas")
    assert run.state == "failed" and run.code.startswith("vault.")
    assert run.facts["sources"]["SQL"]["code"] == run.code
    assert run.facts["sources"]["Alt"]["code"] == sources.BAD
    assert run.facts["sources"]["praxisd"]["files"] > 0 and len(scene.states(nas)) == 1
    for one in ("SQL", "Alt"):
        with scene.house.store.read(SYSTEM) as tx:
            fault = sources.refused(scene.house, sources.need(tx, one))
        assert fault is not None and fault.code == run.facts["sources"][one]["code"]


def test_a_file_that_changes_while_it_is_copied_is_named(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    folder = tmp_path / "bilder"
    folder.mkdir()
    picture = folder / "röntgen.png"
    picture.write_bytes(b"a" * 5000)
    _include(scene, "Bilder", "folders", {"path": str(folder)})
    real = scene.engine.back_up

    def meanwhile(repo: Repo, paths: Sequence[Path], **more: Any) -> Snapshot:
        made = real(repo, paths, **more)
        picture.write_bytes(b"b" * 6000)
        return made

    monkeypatch.setattr(scene.engine, "back_up", meanwhile)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, run.named_count) == ("warning", "backups.run_named", 1)
    assert run.named == ((str(picture), "changed"),)
    assert scene.states(nas)[0].good
    assert _told(scene) == {("backups.run_named", "night", "warning")}
    assert "röntgen" not in str([one.params for one in checks.runs(scene.house)])
    monkeypatch.undo()
    proof = scene.run("prove")  # what was named then is no damage now
    assert (proof.state, proof.detail) == ("good", "")


def test_a_target_that_goes_away_is_tried_again_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")

    def unplugged(*_args: Any, **_more: Any) -> Snapshot:
        raise EngineFault(engine.UNPLUGGED, "EIO", retry=True)

    monkeypatch.setattr(scene.engine, "back_up", unplugged)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code) == ("failed", "backups.medium_unplugged")
    assert not (scene.house.folder / "backups" / "staging").exists()
    monkeypatch.undo()
    done = queueing.work(scene.house, stop=lambda: False)
    assert done is not None and done.runs == []
    clock = scene.house.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(901)
    done = queueing.work(scene.house, stop=lambda: False)
    assert done is not None and [one.state for one in done.runs] == ["good"]
    assert done.runs[0].facts["againOf"] == run.id and len(scene.states(nas)) == 1
    assert _told(scene) == set()


def test_what_the_program_did_not_expect_ends_the_run_and_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.medium(scene.drive("nas"), "nas")
    monkeypatch.setattr(scene.engine, "back_up", lambda *_args, **_more: 1 // 0)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, run.detail) == ("failed", "backups.run_crashed", "ZeroDivisionError")


def test_much_more_than_usual_is_told_until_a_run_is_as_usual(scene: Scene) -> None:
    def run(number: int, size: int) -> None:
        with scene.house.store.write(SYSTEM) as tx:
            at = START + number * 86_400
            one = RunKept(
                id=f"r{number}",
                kind="backup",
                day=planning.today(scene.house, tx),
                by="plan",
                asked=at,
                state="good",
                job="night",
                ended=at,
                figures=Figures(bytes=size, files=1000, added=1_000_000, seconds=60),
            )
            recording.put(tx, one)

    for number in range(8):
        run(number, 1_000_000_000 + number)
    assert _told(scene) == set()
    run(8, 9_000_000_000)
    assert _told(scene) == {("backups.size_more", "night", "warning")}
    run(9, 1_000_000_000)
    assert _told(scene) == set()


def test_a_window_that_a_killed_praxisd_left_open_is_closed(scene: Scene, tmp_path: Path) -> None:
    marks = scene.house.folder / "backups" / "quiet"
    marks.mkdir(parents=True)
    started = tmp_path / "started"
    put_json(marks / "PVS.json", {"end": ["touch", str(started)], "limit_s": 10})
    put_json(marks / "Bad.json", {"end": ["false"], "limit_s": 10})
    found = list(checks.windows(scene.house))
    assert started.exists() and not (marks / "PVS.json").exists()
    assert [(one.code, one.subject) for one in found] == [("backups.source_not_restarted", "Bad")]


def test_a_proof_or_a_reading_that_is_missing_for_long_is_told(scene: Scene) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    assert _told(scene) == set()
    clock = scene.house.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(60 * 86_400)
    assert _told(scene) == {("backups.proof_old", "", "warning"), ("backups.read_old", nas, "warning")}
    assert scene.run("verify").state == "good"
    assert scene.run("prove").state == "good"
    assert _told(scene) == set()


def test_a_proof_names_what_differs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    real = proving.manifest_in

    def other(house: Any, into: Path) -> dict[str, Any]:
        said = real(house, into)
        database = said["sources"][0]
        return said | {
            "sources": [
                database | {"counts": {**database["counts"], "kernel_event": 10**9}},
                *said["sources"][1:],
            ]
        }

    monkeypatch.setattr(proving, "manifest_in", other)
    proof = scene.run("prove")
    assert (proof.state, proof.code) == ("failed", "backups.proof_differs")
    assert any("kernel_event" in path for path, _ in proof.named)
    assert "backups.proof_differs" in {one[0] for one in _told(scene)}


def test_a_name_that_is_no_text_is_named_and_no_damage_in_the_proof(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.medium(scene.drive("nas"), "nas")
    folder = tmp_path / "alt"
    folder.mkdir()
    odd = os.fsencode(folder) + b"/bild\xff.bin"
    with open(odd, "wb") as file:
        file.write(b"a" * 100)
    _include(scene, "Alt", "folders", {"path": str(folder)})
    real = scene.engine.back_up

    def meanwhile(repo: Repo, paths: Sequence[Path], **more: Any) -> Snapshot:
        more["ready"].result()
        with open(odd, "wb") as file:
            file.write(b"b" * 200)
        return real(repo, paths, **more)

    monkeypatch.setattr(scene.engine, "back_up", meanwhile)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.named_count) == ("warning", 1) and run.named[0][0].endswith("bild\\udcff.bin")
    assert scene.run("prove").state == "good"


def test_a_run_of_a_database_that_was_given_back_is_not_begun_again(scene: Scene) -> None:
    scene.medium(scene.drive("nas"), "nas")
    asked = scene.ask(job="night", slot="nas")
    with scene.house.store.write(SYSTEM) as tx:
        recording.put(
            tx,
            msgspec.structs.replace(asked, state="running", began=tx.now, heard=tx.now, facts={"fence": 1}),
        )
    done = exchange.Exchange(
        id="x",
        kind="restore",
        phase="done",
        at=START + 10,
        by="user:x",
        taken=START,
        before="b",
        items=(),
        ended=START + 20,
    )
    exchange.room(scene.house.folder).mkdir(parents=True)
    put_json(exchange.room(scene.house.folder) / exchange.JOURNAL, msgspec.to_builtins(done))
    assert exchange.known(scene.house.folder) is not None
    worked = queueing.work(scene.house, stop=lambda: False)
    assert worked is not None and worked.runs == []
    assert [(one.state, one.code) for one in scene.runs()] == [("interrupted", "backups.interrupted")]


def test_a_copy_for_other_software_never_goes_under_a_mount_point_that_is_empty(scene: Scene) -> None:
    scene.plan(plan_rules.make("external"))
    drive = scene.drive("share", "folder")
    with scene.house.store.write(SYSTEM) as tx:
        store.DRIVE.put(tx, drive.id, msgspec.structs.replace(drive, mounted=True), at=tx.now)
    asked, looks = scene.ask(job="snapshot", slot="folder"), looking.around(scene.house)
    with scene.house.store.read(SYSTEM) as tx:
        word = targets.missing(scene.house, tx, asked, looks)
    assert word is not None and word.code == media.AWAY
    run = running.run_now(scene.house, asked.id, stop=lambda: False)
    assert (run.state, run.code) == ("failed", media.AWAY) and not os.listdir(drive.path)
    with scene.house.store.read(SYSTEM) as tx:
        assert "{" not in str(view.single(scene.house, tx, run, "de"))
    with scene.house.store.write(SYSTEM) as tx:
        store.DRIVE.put(tx, drive.id, drive, at=tx.now)
    assert scene.run(job="snapshot", slot="folder").state == "good" and os.listdir(drive.path)
