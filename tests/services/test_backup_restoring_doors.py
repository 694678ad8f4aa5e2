"""Giving back through the doors and by command: who may, what is told, also in safe mode."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.services.backups_scene import SYSTEM, Scene
from tests.services.diagnosis_cast import Door, opened

from praxisd.cli import root
from praxisd.kernel.app import House
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups.plans import sources
from praxisd.services.backups.restoring import exchange, opening
from praxisd.services.backups.runs import running
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice


class Stage:
    """A practice with a folder „pvs“ that is backed up, and its state."""

    def __init__(self, houses: Houses, folder: Path) -> None:
        self.house: House = houses.open()
        self.practice: Practice = small_practice(self.house)
        self.scene = Scene(self.house, folder)
        self.scene.plan()
        self.pvs = folder / "pvs"
        (self.pvs / "letters").mkdir(parents=True)
        (self.pvs / "letters" / "one.txt").write_text("at the backup")
        for number in range(5):
            (self.pvs / f"file {number}").write_text(str(number))
        self.nas = self.scene.medium(self.scene.drive("nas"), "nas", "NAS oben")
        with self.house.store.write(SYSTEM) as tx:
            said = SourceKept("pvs", "folders", {"path": str(self.pvs)}, "", "user:owner", tx.now)
            sources.include(self.house, tx, said)
        assert self.scene.run(job="night", slot="nas").state == "good"

    def done(self, run: str) -> None:
        """What the job does."""
        running.run_now(self.house, run, stop=lambda: False)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    houses = Houses("sqlite", folder)
    yield Stage(houses, folder)
    houses.close()


def of_pvs(door: Door, state: str) -> dict[str, Any]:
    found = door("POST", "/backups/snapshots/entries", json={"snapshot": state})
    one: dict[str, Any] = next(one for one in found["roots"] if one["name"] == "pvs")["paths"][0]
    return one


def test_a_folder_is_found_and_given_back(stage: Stage, tmp_path: Path) -> None:
    with opened(stage.house, stage.practice) as door:
        (state,) = door("GET", "/backups/snapshots", role="desk")["snapshots"]
        assert (state["label"], state["good"], state["no"], state["gone"]) == ("NAS oben", True, 1, None)
        assert [one["no"] for one in state["passwords"]] == [1] and state["passwords"][0]["since"].startswith(
            "2026"
        )
        asked: dict[str, Any] = {"snapshot": state["id"]}
        for role in ("desk", "partner"):
            door("POST", "/backups/snapshots/entries", role=role, status=403, json=asked)
            door(
                "POST",
                "/backups/restores",
                role=role,
                status=403,
                json={**asked, "target": {"kind": "place"}},
            )
            door("GET", "/backups/exchange", role=role, status=403)
        top = of_pvs(door, state["id"])
        page = door("POST", "/backups/snapshots/entries", json={**asked, "below": top["key"], "limit": 4})
        rest = door(
            "POST", "/backups/snapshots/entries",
            json={**asked, "below": top["key"], "limit": 4, "cursor": page["next"]},
        )  # fmt: skip
        every = page["entries"] + rest["entries"]
        assert [Path(one["path"]).name for one in every] == [*(f"file {n}" for n in range(5)), "letters"]
        assert rest["next"] is None and every[-1]["kind"] == "folder" and every[0]["size"] == 1
        letters = every[-1]["key"]
        run = door(
            "POST", "/backups/restores", status=202,
            json={**asked, "only": [letters], "target": {"kind": "folder", "path": str(tmp_path / "back")}},
        )["run"]  # fmt: skip
        assert door("GET", f"/backups/restores/{run}")["state"] == "waiting"
        stage.done(run)
        told = door("GET", f"/backups/restores/{run}")
        assert (told["state"], told["files"], told["named"], told["target"]) == (
            "good",
            1,
            [],
            str(tmp_path / "back"),
        )
        assert [one.read_text() for one in (tmp_path / "back").rglob("one.txt")] == ["at the backup"]
        bad = {**asked, "target": {"kind": "folder", "path": "here"}}
        assert (
            door("POST", "/backups/restores", status=422, json=bad)["code"] == "backups.restore_target_path"
        )
        lost = {**asked, "only": ["%%%"], "target": {"kind": "place"}}
        assert door("POST", "/backups/restores", status=422, json=lost)["code"] == opening.BAD_PATH
        nowhere = {"snapshot": "x/y", "target": {"kind": "place"}}
        door("POST", "/backups/restores", status=404, json=nowhere)
        door("GET", "/backups/restores/none", status=404)


def test_in_place_and_undone(stage: Stage) -> None:
    letter = stage.pvs / "letters" / "one.txt"
    with opened(stage.house, stage.practice) as door:
        state = door("GET", "/backups/snapshots")["snapshots"][0]["id"]
        letter.write_text("changed since")
        run = door(
            "POST", "/backups/restores", status=202,
            json={"snapshot": state, "only": [str(stage.pvs / "letters")], "target": {"kind": "place"}},
        )["run"]  # fmt: skip
        stage.done(run)
        told = door("GET", f"/backups/restores/{run}")
        assert (told["state"], letter.read_text()) == ("good", "at the backup") and told["before"].startswith(
            "before-"
        )
        assert door("POST", f"/backups/restores/{run}/undo", status=200)["namedCount"] == 0
        assert letter.read_text() == "changed since"


def test_praxisd_itself_also_in_safe_mode(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["praxisd database", "praxisd"]
    with opened(stage.house, stage.practice) as door:
        monkeypatch.setattr(stage.house, "safe", True)
        state = door("GET", "/backups/snapshots")["snapshots"][0]["id"]
        assert door("GET", "/backups/exchange")["phase"] == "none"
        door("POST", "/backups/exchange/restart", status=404)
        door("POST", "/backups/exchange/undo", status=404)
        door("POST", "/backups/exchange/seen", status=404)
        wanted = {"snapshot": state, "sources": own, "target": {"kind": "place"}}
        run = door("POST", "/backups/restores", status=202, json=wanted)["run"]
        for _ in range(600):
            told = door("GET", f"/backups/restores/{run}")
            if told["state"] not in ("waiting", "running"):
                break
            stage.house.wake.wait(stage.house.wake.mark(), 0.1)
        assert (told["state"], told["code"], told["exchange"]) == ("good", "backups.restored_waits", True)
        ready = door("GET", "/backups/exchange")
        assert (ready["phase"], ready["kind"], ready["guarded"]) == ("ready", "restore", False)
        assert door("POST", "/backups/restores", status=409, json=wanted)["code"] == exchange.PENDING
        assert door("POST", "/backups/exchange/restart", status=202) == {"ordered": False}
        monkeypatch.setattr(stage.house, "safe", False)
        assert door("POST", "/backups/exchange/restart", status=202) == {"ordered": False}
        door("GET", "/backups/snapshots", status=503)
        assert door("GET", "/backups/exchange")["phase"] == "ready", "what leads out of it stays open"
        door("DELETE", "/backups/exchange", status=204)
        assert door("GET", "/backups/exchange")["phase"] == "none"
        door("GET", "/backups/snapshots")


def test_by_command(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server: the operations are done in the command's own process."""
    from praxisd import cli

    monkeypatch.setattr(cli, "_open", lambda _folder, **_more: stage.house)
    monkeypatch.setattr(stage.house.store, "close", lambda: None)

    def say(*words: str, code: int = 0) -> str:
        ended = CliRunner().invoke(
            root, ["backup", *words, "--data", str(stage.house.folder), "--lang", "de"]
        )
        assert ended.exit_code == code, ended.output
        return ended.output

    assert "NAS oben" in say("snapshots", "--medium", "nas oben")
    (state,) = [line.split()[0] for line in say("snapshots").splitlines() if "NAS oben" in line]
    assert str(stage.pvs) in say("files", state)
    assert "one.txt" in say("files", state, str(stage.pvs / "letters"))
    told = say("restore", "--to", str(tmp_path / "back"), "--only", str(stage.pvs / "letters"))
    assert "Wiederhergestellt. Dateien: 1, " in told
    assert "backups.restore_target_used" in say("restore", "--to", str(tmp_path / "back"), code=1)
    assert "Liegt geprüft bereit" in say("restore", "--own")
    assert "Bereit für den nächsten Start" in say("exchange")
    say("exchange", "cancel")
    assert "nichts zum Tauschen" in say("exchange")
    say("restore", code=2)
    assert "backups.exchange_nothing" in say("restore", "--undo", code=1)
