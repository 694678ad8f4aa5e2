"""Moving by a backup medium: nothing on it can be read without its password or the recovery key."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from praxisd.cli import root
from praxisd.kernel.store import Tx
from praxisd.model.backup import Identity, Medium
from praxisd.model.backup_kept import MediumKept
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.keys import alphabet, keeping, keyring
from praxisd.services.backups.moving import arriving, carrying, leaving, returning, tickets
from praxisd.services.backups.moving import cli as move_cli
from praxisd.services.backups.plans import media
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.houses import Houses

from .backup_moving_cast import WHO, filled, into, opened, refused, rows, serves


@pytest.fixture
def old(tmp_path: Path, sqlite_houses: Houses) -> Path:
    return filled(sqlite_houses, tmp_path)


def medium(folder: Path, place: Path, id: str = "m1") -> tuple[QuickRestic, str]:
    """A medium of the plan in this folder; the engine, and the recovery key as it is printed."""
    place.mkdir()
    engine = QuickRestic(folder / "backups" / "engine", debian.program(["restic"], "restic"))
    with opened(folder) as house:
        _, repository = keyring.set_up(house, engine, str(place / "restic"), id)
        kept = MediumKept(
            Medium(id=id, label="Mo extern", slot="mon_away", kind="removable"), repository, 1, "cli"
        )
        house.store.run(keeping.OWN, lambda tx: store.MEDIUM.put(tx, id, kept, at=1))
        identity = Identity(id=id, label="Mo extern", created=1, practice="x", slot="mon_away")
        (place / "praxisd-medium.json").write_bytes(media_rules.written(identity))
        key = house.store.run(keeping.OWN, lambda tx: keeping.printed(house, tx))
        return engine, alphabet.shown(keyring.text_of(house, key))


def out(folder: Path, to: Path, engine: QuickRestic) -> None:
    with opened(folder) as house:
        house.shared[ENGINE] = engine
        leaving.check(house, to)
        leaving.leave(house, to, WHO, leaving.Way(str(to), 0))


def test_by_a_medium_and_the_recovery_sheet(old: Path, tmp_path: Path) -> None:
    usb, new = tmp_path / "usb", tmp_path / "new"
    engine, sheet = medium(old, usb)
    before = rows(old)
    out(old, usb, engine)
    assert not serves(old)
    assert not [one for one in (old / "backups").iterdir() if one.name.startswith("move")]
    key = (old.parent / "secret" / "vault.key").read_bytes().strip()
    written = [one.read_bytes() for one in usb.rglob("*") if one.is_file()]
    assert not [one for one in written if key in one or b"Praxis am Test" in one]

    refused(lambda: into(usb, new), carrying.LOCKED)
    refused(lambda: into(usb, new, password="nothing of the kind"), "backups.password_wrong")
    assert not new.exists() and not (tickets.read(usb / "praxisd-move") or {})["claimed"]
    into(usb, new, password=sheet)
    assert serves(new) and not serves(old) and rows(new) == before
    assert (new / "vault.key").read_bytes().strip() == key
    assert not (new / ".arriving").exists()


def test_back_from_a_medium_and_no_foreign_one(old: Path, tmp_path: Path) -> None:
    engine, sheet = medium(old, tmp_path / "usb")
    out(old, tmp_path / "usb", engine)
    with opened(old) as house:
        returning.undo(house, WHO, sure=False)
    assert serves(old)
    refused(lambda: into(tmp_path / "usb", tmp_path / "new", password=sheet), tickets.NO_TICKET)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "praxisd-medium.json").write_text('{"id": "m2", "practice": "y"}')
    refused(lambda: out(old, tmp_path / "foreign", engine), carrying.UNKNOWN)
    assert serves(old) and not (tmp_path / "foreign" / "praxisd-move").exists()
    out(old, tmp_path / "usb", engine)
    refused(lambda: into(tmp_path / "usb", old, password=sheet), arriving.NOT_EMPTY)


def test_a_refused_medium_ends_the_move_in_the_background(old: Path, tmp_path: Path) -> None:
    """Nobody waits for it for ever, and it can be asked for again."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "praxisd-medium.json").write_text('{"id": "m2", "practice": "y"}')
    with opened(old) as house:
        for _ in range(2):
            way = leaving.begin(house, foreign, WHO)
            for _ in range(300):
                if way.state != "running":
                    break
                time.sleep(0.1)
            assert (way.state, way.code) == ("failed", carrying.UNKNOWN)
    assert serves(old)


def test_without_the_sheet_nobody_moves_out_by_a_medium(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = tmp_path / "usb"
    engine, _ = medium(old, usb)
    monkeypatch.setattr(keeping, "sheet_holds", lambda _house, _recovery: False)
    refused(lambda: out(old, usb, engine), carrying.NO_SHEET)
    assert serves(old) and not (usb / tickets.CARRIED).exists()


@pytest.mark.parametrize(
    ("copy", "told"), [(tickets.CARRIED, "recovery sheet"), ("praxisd", "not encrypted")]
)
def test_the_command_says_how_the_copy_lies(
    copy: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {"state": "left", "copy": str(tmp_path / copy)}
    monkeypatch.setattr(move_cli, "perform", lambda *_args, **_more: left)
    said = CliRunner().invoke(
        root, ["move", "out", "--data", str(tmp_path), "--to", str(tmp_path), "--lang", "en"]
    )
    assert said.exit_code == 0 and told in said.output, said.output


def test_a_change_of_the_key_that_waited_reaches_the_medium_first(old: Path, tmp_path: Path) -> None:
    """The sheet that was printed last opens it on the new computer, though the medium was away at the change."""
    usb, new = tmp_path / "usb", tmp_path / "new"
    engine, before = medium(old, usb)
    with opened(old) as house:

        def changed(tx: Tx) -> str:
            keeping.add(house, tx, None, only_first=False)
            keeping.add_recovery(house, tx, only_first=False)
            return alphabet.shown(keyring.text_of(house, keeping.printed(house, tx)))

        sheet = house.store.run(keeping.OWN, changed)
    assert sheet != before
    out(old, usb, engine)
    into(usb, new, password=sheet)
    assert serves(new)


def test_a_medium_that_is_held_back_with_an_older_key_takes_nobody_along(old: Path, tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    engine, _ = medium(old, usb)
    with opened(old) as house:

        def changed(tx: Tx) -> None:
            keeping.add_recovery(house, tx, only_first=False)
            keeping.printed(house, tx)
            media.hold(tx, "m1", True)

        house.store.run(keeping.OWN, changed)
    refused(lambda: out(old, usb, engine), carrying.NO_SHEET)
    assert serves(old)
