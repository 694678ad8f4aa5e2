"""`praxisd backup plan|drives|sources|media`: from the words of the command line to the store and back."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.kernel import control
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.store import Tx
from praxisd.model.backup import Retention
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups import plan_rules, store
from praxisd.services.backups.plans import planning
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.testing.houses import Houses

from .backup_desk_cast import Desk, desk

Command = Callable[..., Result]


def _write(scene: Desk, call: Callable[[Tx], object]) -> None:
    scene.house.store.run(system("test", INSTALLATION), call)


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(sqlite_houses.open(), tmp_path) as found:
        yield found


@pytest.fixture
def command(scene: Desk, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command line whose operations are performed in the house, as in a running server."""

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        asked = json.loads(json.dumps(args))
        found: dict[str, Any] = json.loads(json.dumps(control.perform(scene.house, operation, asked)))
        return found

    monkeypatch.setattr("praxisd.cli.perform", perform)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    def call(*words: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(root, ["backup", *words])
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def test_a_plan_is_set_and_shown_with_its_calendar(command: Command) -> None:
    assert "noch keinen Sicherungsplan" in command("plan", "show").stdout
    assert "backups.plan_missing" in command("plan", "calendar", exit_code=1).stderr
    assert "Medien, die noch einzurichten sind: 6" in command("plan", "set", "variant2").stdout
    assert "backups.plan_jobs" in command("plan", "set", "variant3", exit_code=1).stderr
    command("plan", "set", "variant1", "--days", "mon,monday", exit_code=2)
    shown = command("plan", "show").stdout
    assert "Variante 2" in shown and "Mo Di Mi Do Fr" in shown and "mon_away" in shown
    found = command("plan", "calendar", "--from", "2026-11-23", "--to", "2026-11-24").stdout
    assert "Mo 2026-11-23  Mo extern 18:00,NAS 01:30  Mo extern" in found
    told = json.loads(command("plan", "calendar", "--json").stdout)
    assert len(told["days"]) == 28
    assert "control.bad_arguments" in command("plan", "calendar", "--from", "morgen", exit_code=2).stderr
    made = json.loads(command("plan", "set", "variant1", "--images", "--evening", "17:00", "--json").stdout)
    assert (made["plan"]["evening"], made["plan"]["image"]["media"]) == ("17:00", 2)


def test_a_drive_is_entered_and_its_medium_set_up_moved_and_retired(scene: Desk, command: Command) -> None:
    command("plan", "set", "variant2")
    scene.insert("neu")
    said = command("drives", "add", "removable", str(scene.slot), "--label", "RDX", "--eject").stdout
    assert said.strip() == "Eingetragen: RDX (neues Medium)"
    assert (
        "backups.drive_taken"
        in command("drives", "add", "removable", "/x", "--label", "rdx", exit_code=1).stderr
    )
    assert "Mo extern" in command("media", "set-up", "RDX", "--slot", "mon_away").stdout
    assert "backups.medium_known" in command("media", "set-up", "RDX", exit_code=1).stderr
    assert "im Laufwerk" in command("media", "list").stdout
    scene.pull()
    assert (
        "außerhalb" in command("media", "moved", "mo extern", "outside", "--person", "Erika Beispiel").stdout
    )
    listed = json.loads(command("media", "list", "--json").stdout)["media"][0]
    assert (listed["person"], listed["place"], listed["drive"]) == ("Erika Beispiel", "outside", None)
    for verb, word in (("hold", "Zurückgehalten"), ("release", "Freigegeben"), ("retire", "Ausgemustert")):
        assert word in command("media", verb, "Mo extern").stdout
    assert "backups.not_an_image" in command("media", "image", "Mo extern", exit_code=1).stderr
    assert "http.not_found" in command("media", "hold", "Anderes", exit_code=1).stderr
    drive = json.loads(command("drives", "list", "--json").stdout)["drives"][0]
    assert drive["eject"] is True
    assert "RDX" in command("drives", "list").stdout
    command("drives", "remove", drive["id"])
    assert json.loads(command("drives", "list", "--json").stdout)["drives"] == []


def test_sources_are_added_tried_left_out_and_removed(scene: Desk, command: Command, tmp_path: Path) -> None:
    pictures = tmp_path / "bilder"
    pictures.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("geheim\n")
    spec = json.dumps({"path": str(pictures)})
    assert "Bilder" in command("sources", "add", "Bilder", "folders", spec).stdout
    database = json.dumps({"host": "db", "database": "praxis", "user": "leser"})
    command("sources", "add", "Labor", "postgres", database, "--secret-file", str(secret))
    shown = json.loads(command("sources", "list", "--json").stdout)["sources"]
    assert [(one["name"], one["hasSecret"]) for one in shown][2:] == [("Bilder", False), ("Labor", True)]
    assert "geheim" not in command("sources", "list").stdout
    assert "Kann so gesichert werden" in command("sources", "test", "Bilder").stdout
    pictures.rmdir()
    assert "(backups.source_missing)" in command("sources", "test", "Bilder", exit_code=1).stdout
    command("sources", "add", "Bilder", "folders", "{", exit_code=2)
    assert (
        "backups.source_missing" in command("sources", "add", "Bilder", "folders", spec, exit_code=1).stderr
    )
    assert "Archiv" in command("sources", "exclude", "Archiv", "--reason", "Sichert der Hersteller").stdout
    assert (
        "backups.reason_missing"
        in command("sources", "exclude", "Archiv", "--reason", " ", exit_code=1).stderr
    )
    command("sources", "remove", "Archiv")
    assert "http.not_found" in command("sources", "remove", "Archiv", exit_code=1).stderr


def test_a_plan_set_anew_keeps_what_was_not_said(scene: Desk, command: Command) -> None:
    kept = plan_rules.make("variant2", evening="17:15", day_begins="05:00", keep=Retention(newest=30))
    _write(scene, lambda tx: planning.put(tx, kept))
    command("plan", "set", "variant2", "--night", "02:00", "--images")
    told = json.loads(command("plan", "show", "--json").stdout)["plan"]
    assert (told["night"], told["evening"], told["dayBegins"]) == ("02:00", "17:15", "05:00")
    assert told["keep"]["newest"] == 30, "else the next run throws away what a person wanted kept"
    told = json.loads(command("plan", "set", "variant1", "--days", "mon,tue", "--json").stdout)["plan"]
    assert (told["keep"]["newest"], told["image"]["media"], told["days"]) == (30, 2, ["mon", "tue"])
    told = json.loads(
        command("plan", "set", "variant3", "--under", "variant2", "--no-images", "--json").stdout
    )
    assert (told["plan"]["under"], told["plan"]["image"]) == ("variant2", None)
    assert json.loads(command("plan", "set", "variant1", "--json").stdout)["plan"]["under"] is None


def test_what_is_left_out_after_it_was_said_to_be_covered_is_left_out(scene: Desk, command: Command) -> None:
    software = Software(id="s1", product="easymed", role="server", data_folder="/nirgends")
    spec = {"args": [sys.executable], "files": ["a.bak"]}
    hook = SourceKept("SQL Server", "command", spec, "", "x", 1)
    _write(scene, lambda tx: store.SOURCE.put(tx, "SQL Server", hook, at=5))
    _write(scene, lambda tx: software_store.put(tx, software))

    def state(*words: str) -> str:
        # Disks of this computer may stand in the list too; exit code 1 while one is open.
        answer = CliRunner().invoke(root, ["backup", "coverage", *words, "--json"])
        things = json.loads(answer.stdout)["things"]
        found.append(next(one for one in things if one["product"] == "easymed"))
        return str(found[-1]["state"])

    found: list[dict[str, Any]] = []
    assert state() == "open"
    who = ("--person", "Anna")
    assert state("--include", found[0]["id"], "--source", "SQL Server", *who) == "covered"
    assert state("--exclude", found[0]["id"], "--reason", "alt", *who) == "excluded"
    assert state("--include", found[0]["id"], "--source", "SQL Server", *who) == "covered"


def test_a_file_that_cannot_be_written_or_read_is_named(command: Command, tmp_path: Path) -> None:
    said = command("protocol", "--out", str(tmp_path / "nirgends" / "p.pdf"), exit_code=2)
    assert "--out" in said.stderr
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff\xfe")
    words = ("sources", "add", "X", "sqlite", '{"path": "/x"}', "--secret-file", str(secret))
    assert "--secret-file" in command(*words, exit_code=2).stderr
