"""What a person gets wrong is refused in words, and nothing is called good that was not copied or did not come back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups import engine, media_rules, snapshot, store
from praxisd.services.backups.keys import changing, keeping, view
from praxisd.services.backups.plans import desk, drives, media, operations, sources
from praxisd.services.backups.restoring import operations as restoring
from praxisd.services.backups.restoring import targets
from praxisd.services.backups.runs import view as run_view
from praxisd.testing.houses import Houses

from .backups_scene import SYSTEM, Scene

Command = Callable[..., Result]


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Scene:
    made = Scene(sqlite_houses.open(), tmp_path)
    made.plan()
    return made


@pytest.fixture
def command(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command line without a server, in this house."""
    from praxisd import cli

    monkeypatch.setattr(cli, "_open", lambda _folder, **_more: scene.house)
    monkeypatch.setattr(scene.house.store, "close", lambda: None)

    def call(*words: str, exit_code: int = 0) -> Result:
        given = ["backup", *words, "--data", str(scene.house.folder), "--lang", "de"]
        done = CliRunner().invoke(root, given)
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def _include(house: House, name: str, kind: Any, path: Path) -> None:
    with house.store.write(SYSTEM) as tx:
        sources.include(house, tx, SourceKept(name, kind, {"path": str(path)}, "", "user:owner", tx.now))


def _refused(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def test_a_folder_behind_a_link_is_copied_with_its_files(scene: Scene, tmp_path: Path) -> None:
    """The engine keeps a link as a link: the run was green, and not one file was on the medium."""
    house, nas = scene.house, scene.medium(scene.drive("nas"), "nas", "NAS")
    real = tmp_path / "platte" / "bilder"
    (real / "sub").mkdir(parents=True)
    (real / "sub" / "a.txt").write_text("at the backup")
    link = tmp_path / "bilder"
    link.symlink_to(real)
    _include(house, "Bilder", "folders", link)
    assert scene.run(job="night", slot="nas").state == "good"
    state = scene.states(nas)[-1].id

    wanted = {"snapshot": state, "sources": ["Bilder"]}
    to = {"kind": "folder", "path": str(tmp_path / "back")}
    told = restoring.restore(house, {**wanted, "target": to})
    assert (told["state"], told["files"], told["namedCount"]) == ("good", 1, 0)
    assert (tmp_path / "back" / real.relative_to("/") / "sub" / "a.txt").read_text() == "at the backup"

    (real / "sub" / "a.txt").write_text("later")
    told = restoring.restore(house, {**wanted, "target": {"kind": "place"}})
    assert told["state"] == "good" and (real / "sub" / "a.txt").read_text() == "at the backup"
    assert link.is_symlink(), "the link is left as it is"


@pytest.mark.parametrize("kind", ["folders", "sqlite"])
def test_a_file_of_another_kind_is_refused_as_that(scene: Scene, tmp_path: Path, kind: str) -> None:
    """A file that is there was called „nicht zu finden“; any file passed for a SQLite database until the night."""
    file = tmp_path / "akte.db"
    file.write_bytes(b"no database at all")
    said = {"kind": kind, "spec": {"path": str(file)}}
    args = {"name": "Akte", "source": said}
    assert _refused(lambda: operations.set_source(scene.house, args)).code == sources.OTHER_KIND
    folder = {"kind": "sqlite", "spec": {"path": str(tmp_path)}}
    args = {"name": "Akte", "source": folder}
    assert _refused(lambda: operations.set_source(scene.house, args)).code == sources.OTHER_KIND
    _include(scene.house, "Akte", kind, file)
    assert operations.try_source(scene.house, {"name": "Akte"})["code"] == sources.OTHER_KIND


def test_a_drive_in_what_is_copied_is_refused(scene: Scene, tmp_path: Path) -> None:
    """Only the other order was looked at: the source after the drive."""
    house = scene.house
    (tmp_path / "daten" / "db").mkdir(parents=True)
    _include(house, "Daten", "folders", tmp_path / "daten")
    _include(house, "Akte", "sqlite", tmp_path / "archiv" / "akte.db")

    def add(path: Path) -> object:
        drive = {"kind": "removable", "path": str(path), "label": "USB"}
        return operations.add_drive(house, {"drive": drive})

    for path, name in (("daten/usb", "Daten"), ("daten", "Daten"), ("archiv", "Akte")):
        problem = _refused(partial(add, tmp_path / path))
        assert (problem.code, problem.params["name"]) == (drives.IN_SOURCE, name)
    add(tmp_path / "daten.usb")


def test_no_copy_without_encryption_onto_a_medium(scene: Scene, tmp_path: Path) -> None:
    """It holds the vault's key, and media leave the practice."""
    scene.medium(scene.drive("nas"), "nas", "NAS")
    scene.drive("uebergabe", "folder")

    def take(to: Path) -> object:
        return snapshot.take(scene.house, to, progress=lambda _done, _whole: None, stop=lambda: False)

    for to in (tmp_path / "nas", tmp_path / "nas" / "inner"):
        assert _refused(partial(take, to)).code == snapshot.MEDIUM
    assert not (tmp_path / "nas" / "praxisd").exists()
    take(tmp_path / "uebergabe")


def test_a_target_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Not „restored, 0 files“ after the whole restore. Whoever runs the tests may be root: rights alone do not stop them."""
    problem = _refused(lambda: targets.checked("/proc/back", tmp_path, ()))
    assert (problem.code, problem.status) == (engine.TARGET_REFUSED, 422)
    assert targets.checked(str(tmp_path / "new"), tmp_path / "own", ()) == tmp_path / "new"
    assert not (tmp_path / "new").exists()


def test_what_did_not_come_back_is_no_success(scene: Scene, command: Command, tmp_path: Path) -> None:
    scene.medium(scene.drive("nas"), "nas", "NAS")
    scene.run(job="night", slot="nas")
    said = command("restore", "--to", str(tmp_path / "back"), "--only", "/not/there", exit_code=1).output
    assert "Nichts wiederhergestellt. Kam nicht zurück: 1." in said
    assert "kam nicht zurück  /not/there" in said and "not_restored" not in said
    with scene.house.store.read(SYSTEM) as tx:
        word = keeping.text_of(scene.house, keeping.passwords(tx)[0])
    (tmp_path / "word").write_text(word)
    medium = ("--from", str(tmp_path / "nas"), "--password-file", str(tmp_path / "word"))
    for path, exit_code in (("/not/there", 1), (str(scene.house.folder), 0)):
        command(
            "restore",
            *medium,
            "--to",
            str(tmp_path / f"bare{exit_code}"),
            "--only",
            path,
            exit_code=exit_code,
        )
    assert "+01:00" in command("snapshots").stdout, "times of the practice, as in the list of runs"


def test_the_run_says_which_file_it_was(scene: Scene, command: Command, tmp_path: Path) -> None:
    """The remedy points at „Einzelheiten“."""
    scene.medium(scene.drive("nas"), "nas", "NAS")
    (tmp_path / "pvs").mkdir()
    (tmp_path / "pvs" / "akte.db").write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    _include(scene.house, "PVS", "folders", tmp_path / "pvs")
    said = command("now", "--medium", "NAS", exit_code=1)
    assert "Einzelheiten: PVS: akte.db" in said.stderr
    run = scene.runs()[-1].id
    assert "Einzelheiten: PVS: akte.db" in command("show", run).stderr


def test_a_retired_medium_can_be_restored_from(scene: Scene, tmp_path: Path) -> None:
    """As is said when it is retired: „Daraus kann weiter wiederhergestellt werden“. It was „nicht da“ while it was in."""
    nas = scene.medium(scene.drive("nas"), "nas", "NAS")
    scene.run(job="night", slot="nas")
    operations.change_medium(scene.house, {"id": "NAS", "verb": "retire"})
    args = {"snapshot": scene.states(nas)[-1].id, "sources": ["praxisd"]}
    told = restoring.restore(
        scene.house, {**args, "target": {"kind": "folder", "path": str(tmp_path / "back")}}
    )
    assert (told["state"], told["files"]) == ("good", 3)
    (told,) = operations.list_drives(scene.house, {})["drives"]
    assert told["mediumLabel"] == "NAS"
    changing.change(scene.house, SYSTEM, "password")
    with scene.house.store.read(SYSTEM) as tx:
        (told,) = view.shown(scene.house, tx, "de").media
    assert (told.passwords, told.behind) == ((1,), False), (
        "it keeps its own; no next backup brings it another"
    )


def test_a_network_drive_that_is_held_back_is_nothing_to_take_out(scene: Scene) -> None:
    """„Bitte nehmen Sie es heraus“, with the button „Ist eingelegt“; while it was off, a substitute was asked for."""
    scene.medium(scene.drive("nas"), "nas", "NAS")
    operations.change_medium(scene.house, {"id": "NAS", "verb": "hold"})

    def said() -> list[str]:
        around = desk.outside(scene.house)
        with scene.house.store.read(SYSTEM) as tx:
            return [one.code for one in desk.words(scene.house, tx, tx.now, around)]

    assert media.TARGET_HELD in said() and desk.action(media.TARGET_HELD) is None
    assert not set(media_rules.CODES) & set(said())
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code) == ("failed", media.TARGET_HELD)
    (scene.top / "nas").rename(scene.top / "away")
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code) == ("failed", media.TARGET_HELD)
    operations.change_medium(scene.house, {"id": "NAS", "verb": "release"})
    assert scene.run(job="night", slot="nas").code == media.AWAY


def test_a_target_that_nobody_has_entered_is_not_switched_off(scene: Scene) -> None:
    """„Sehen Sie nach, ob das Gerät eingeschaltet ist“, of a network drive of which praxisd never heard."""
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code) == ("failed", media.NEEDED)
    with scene.house.store.read(SYSTEM) as tx:
        said = (
            str(run_view.single(scene.house, tx, run, "de")),
            str(run_view.single(scene.house, tx, run, "en")),
        )
    assert "Für die Sicherung fehlt: Netzlaufwerk (NAS)" in said[0] and "{" not in said[0] + said[1]


def test_why_a_restore_failed_is_said_with_its_names(scene: Scene, command: Command, tmp_path: Path) -> None:
    """By command and through the door; there was „{label}“, and a password without its number."""
    nas = scene.medium(scene.drive("nas"), "nas", "NAS oben")
    scene.run(job="night", slot="nas")
    (tmp_path / "nas").rename(tmp_path / "away")
    back = str(tmp_path / "back")
    said = command("restore", "--to", back, exit_code=1).stderr
    assert "auf dem Medium „NAS oben“" in said and "{" not in said
    args = {"snapshot": scene.states(nas)[-1].id, "target": {"kind": "folder", "path": back}}
    told = restoring.restore(scene.house, args)
    assert told["params"]["label"] == "NAS oben" and told["title"] and "NAS oben" in told["solution"]


def test_the_password_that_is_needed_is_named_by_its_number(scene: Scene, tmp_path: Path) -> None:
    """SPEC 8.4. The vault that knew it is gone; the run, not the request, finds that out."""
    nas = scene.medium(scene.drive("nas"), "nas", "NAS")
    scene.run(job="night", slot="nas")
    with scene.house.store.write(SYSTEM) as tx:
        for one in store.SECRET.all(tx):
            keeping.keep(tx, msgspec.structs.replace(one, sealed="s1.a.b"))
    target = {"kind": "folder", "path": str(tmp_path / "back")}
    told = restoring.restore(scene.house, {"snapshot": scene.states(nas)[-1].id, "target": target})
    assert (told["code"], told["params"]["number"]) == ("backups.password_needed", "1")
    assert "Kennwort Nr. 1" in told["title"]


def test_options_that_would_be_passed_over_are_refused(command: Command, tmp_path: Path) -> None:
    command("restore", "--run", "x", "--in-place", exit_code=2)  # „--undo“ was forgotten: nothing is restored
    medium = ("--from", str(tmp_path), "--to", str(tmp_path / "back"))
    command("restore", *medium, "--source", "PVS", exit_code=2)
    command("restore", *medium, "--hold", exit_code=2)
    (tmp_path / "word").write_bytes(b"\xff\xfe")
    said = command("restore", *medium, "--password-file", str(tmp_path / "word"), exit_code=2)
    assert "--password-file" in said.stderr


def test_drives_are_named_and_told_in_words(scene: Scene, command: Command) -> None:
    scene.drive("RDX", "removable")
    assert "Wechsellaufwerk (RDX, USB)" in command("drives", "list").stdout
    command("drives", "remove", "RDX")
    assert "RDX" not in command("drives", "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("now", "--medium", "Nirgends"),
        ("media", "set-up", "Nirgends"),
        ("media", "hold", "Nirgends"),
        ("show", "Nirgends"),
        ("restore", "Nirgends", "--to", "/tmp/nirgends-praxisd"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_called_by_its_name(command: Command, words: tuple[str, ...]) -> None:
    done = command(*words, exit_code=1)
    assert "„Nirgends“ gibt es hier nicht." in done.output + done.stderr
