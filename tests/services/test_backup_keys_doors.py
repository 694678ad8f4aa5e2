"""Keys at the doors, at the command line and as an issue: numbers for those who may see them, the key for the owner alone."""

import base64
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from praxisd.cli import root
from praxisd.kernel import control, events
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.vault import Vault
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept, SnapshotKept
from praxisd.services.backups import engine as codes
from praxisd.services.backups import store
from praxisd.services.backups.engine import EngineFault, Key, Repo
from praxisd.services.backups.keys import alphabet, changing, checks, keeping, keyring, operations, sheet
from praxisd.services.backups.plans import looking
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice

from .backup_keys_cast import KeysOnly, Shelf, medium, shelf
from .diagnosis_cast import Door, opened

KEYS = "/backups/keys"


@pytest.fixture
def media(houses: Houses, tmp_path: Path) -> Shelf:
    return shelf(houses.open(), tmp_path / "media", KeysOnly())


@pytest.fixture
def practice(media: Shelf) -> Practice:
    return small_practice(media.house)


@pytest.fixture
def door(media: Shelf, practice: Practice) -> Iterator[Door]:
    with opened(media.house, practice) as ask:
        yield ask


def secrets_of(house: House) -> list[str]:
    with house.store.read(keeping.OWN) as tx:
        return [keeping.text_of(house, one) for one in store.SECRET.all(tx)]


def test_a_change_reaches_what_is_there_and_the_list_names_what_is_behind(media: Shelf, door: Door) -> None:
    assert door("GET", KEYS) == {"current": None, "passwords": [], "recovery": None, "media": []}
    away = medium(media, "a")
    medium(media, "b")
    medium(media, "c", held=True)
    Path(away.path).rename(Path(away.path).with_name("outside"))
    answer = door("POST", f"{KEYS}/change", json={"what": "password", "confirmed": True})
    assert answer["reached"] == [{"medium": "b", "label": "Medium b", "code": ""}]
    found = door("GET", KEYS, "desk")
    assert found == answer["keys"] and found["current"] == 2
    assert [(one["id"], one["passwords"], one["recovery"], one["behind"]) for one in found["media"]] == [
        ("a", [1], [1], True),
        ("b", [2], [1], False),
        ("c", [1], [1], True),
    ]
    assert [(one["no"], one["media"], one["until"] is None) for one in found["passwords"]] == [
        (2, ["b"], True),
        (1, ["a", "c"], False),
    ]
    Path(away.path).with_name("outside").rename(away.path)
    answer = door("POST", f"{KEYS}/change", json={"what": "recovery", "confirmed": True})
    assert {one["medium"] for one in answer["reached"]} == {"a", "b"}
    assert [one["recovery"] for one in answer["keys"]["media"]] == [[2], [2], [1]]
    assert media.who_opens("a") == {"password 2", "recovery 2"}


def test_changed_between_two_media_the_restore_list_names_the_right_one_for_each(
    media: Shelf, door: Door
) -> None:
    """Done-when 4: also for a state that was written before its medium got the new password."""
    away = medium(media, "a")
    medium(media, "b")
    for at, name in enumerate(("a", "b")):
        state = SnapshotKept(
            f"{name}/s", name, "s", 1, at, "r", date(2026, 11, 23), Figures(1, 1, 1, 1), (1,), good=True
        )
        media.house.store.run(
            keeping.OWN,
            lambda tx, one=state: store.SNAPSHOT.put(tx, one.id, one, at=one.at, medium=one.medium),
        )
    Path(away.path).rename(Path(away.path).with_name("outside"))
    door("POST", f"{KEYS}/change", json={"what": "password", "confirmed": True})
    told = door("GET", "/backups/snapshots")["snapshots"]
    assert {one["medium"]: [word["no"] for word in one["passwords"]] for one in told} == {"a": [1], "b": [2]}


def test_a_medium_at_work_is_left_alone_and_one_that_fails_is_named(media: Shelf, door: Door) -> None:
    medium(media, "a")
    drive = medium(media, "b")
    media.engine.places[looking.place(drive)] = {"0" * 8: "somebody else's"}
    media.house.store.run(keeping.OWN, lambda tx: _running(tx, "a"))
    answer = door("POST", f"{KEYS}/change", json={"what": "password", "confirmed": True})
    assert {one["medium"]: one["code"] for one in answer["reached"]} == {
        "a": "backups.locked",
        "b": "backups.password_later",
    }
    assert answer["keys"]["current"] == 2


def test_a_slow_medium_does_not_keep_the_door_waiting(
    media: Shelf, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium(media, "a")
    medium(media, "b")
    free, add = threading.Event(), media.engine.add_key

    def slow(repo: Repo, secret: str) -> Key:
        assert "/b/" not in repo.place or free.wait(60)
        return add(repo, secret)

    monkeypatch.setattr(media.engine, "add_key", slow)
    monkeypatch.setattr(changing, "PATIENCE_S", 1.0)
    answer = door("POST", f"{KEYS}/change", json={"what": "password", "confirmed": True})
    assert answer["reached"][1] == {"medium": "b", "label": "Medium b", "code": "backups.key_under_way"}
    assert answer["keys"]["current"] == 2 and answer["keys"]["media"][1]["behind"]
    free.set()
    end = time.monotonic() + 60
    while any(one["behind"] for one in door("GET", KEYS)["media"]) and time.monotonic() < end:
        time.sleep(0.05)
    assert media.who_opens("b") == {"password 2", "recovery 1"}


@pytest.mark.parametrize("fault", [codes.READ_ONLY, codes.FULL])
def test_a_medium_on_which_nothing_can_be_written_keeps_what_opens_it(
    media: Shelf, door: Door, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def closed(*_: object) -> None:
        raise EngineFault(fault)

    drive = medium(media, "a")
    monkeypatch.setattr(media.engine, "add_key", closed)
    answer = door("POST", f"{KEYS}/change", json={"what": "password", "confirmed": True})
    assert answer["reached"][0]["code"] == fault and answer["keys"]["media"][0]["behind"]
    place = looking.place(drive)
    assert not keyring.rewrap(media.house, media.engine, place, "a")
    assert media.engine.keys(keyring.repo_of(media.house, place, "a"))


def test_a_medium_whose_password_was_lost_is_opened_by_hand(media: Shelf, door: Door) -> None:
    medium(media, "a")
    house = media.house
    with house.store.read(keeping.OWN) as tx:
        key = alphabet.shown(keeping.text_of(house, keeping.recovery(house, tx))).upper()
    (house.folder / "vault.key").unlink()
    house.vault = Vault(house.folder / "vault.key")  # another one: it reads nothing of before
    body = {"medium": "a", "confirmed": True}
    told = door("POST", f"{KEYS}/open", status=409, json={**body, "secret": "a guess"})
    assert told["code"] == "backups.password_needed" and "Kennwort Nr. 1" in told["title"]
    door("POST", f"{KEYS}/open", status=404, json={**body, "medium": "z", "secret": key})
    door("POST", f"{KEYS}/open", "partner", 403, json={**body, "secret": key})
    found = door("POST", f"{KEYS}/open", json={**body, "secret": key})
    assert found["current"] == 2 and found["recovery"]["no"] == 2
    assert [(one["passwords"], one["recovery"], one["behind"]) for one in found["media"]] == [
        ([2], [2], False)
    ]
    assert media.engine.keys(keyring.repo_of(house, media.place("a"), "a"))
    assert [kept.medium.id for _, kept in changing.there(house)] == ["a"]  # its mark is of this vault now
    away = Path(media.place("a")).parent
    away.rename(away.with_name("away"))
    told = door("POST", f"{KEYS}/open", status=409, json={**body, "secret": key})
    assert told["code"] == "backups.medium_missing"


def test_a_medium_that_is_held_back_is_not_written_on(media: Shelf, practice: Practice) -> None:
    drive = medium(media, "a", held=True)
    changing.change(media.house, keeping.OWN, "password")
    assert not keyring.rewrap(media.house, media.engine, looking.place(drive), "a")
    assert media.who_opens("a") == {"password 1", "recovery 1"}


def _running(tx: Any, name: str) -> None:
    run = RunKept("r1", "backup", date(2026, 11, 23), "test", 1, "running", medium=name)
    store.RUN.put(tx, run.id, run, at=1, kind=run.kind, state=run.state)


def test_a_password_of_ones_own(media: Shelf, door: Door) -> None:
    medium(media, "a")
    for chosen in ("zu kurz", " mit Leerzeichen am Rand ", "mit\nZeilenumbruch darin", "x" * 11):
        body = {"what": "password", "confirmed": True, "chosen": chosen}
        assert door("POST", f"{KEYS}/change", status=422, json=body)["code"] == "backups.password_weak"
    body = {"what": "password", "confirmed": True, "chosen": "drei Wörter, gut gemerkt"}
    answer = door("POST", f"{KEYS}/change", json=body)
    assert answer["keys"]["passwords"][0]["origin"] == "chosen"
    assert "gemerkt" not in str(answer)
    with media.house.store.read(keeping.OWN) as tx:
        newest = keeping.newest(tx)
    assert newest and keeping.text_of(media.house, newest) == "drei Wörter, gut gemerkt"
    assert door("POST", f"{KEYS}/change", status=422, json=body)["code"] == "backups.password_weak"
    repo = keyring.repo_by(media.house, media.place("a"), "a", "drei Wörter, gut gemerkt")
    assert media.engine.keys(repo)


def test_the_sheet_is_the_owners_and_noted(
    media: Shelf, door: Door, practice: Practice, capfd: pytest.CaptureFixture[str]
) -> None:
    medium(media, "a")
    body = {"confirmed": True}
    for role in ("desk", "partner", "pvs"):
        door("POST", f"{KEYS}/sheet", role, 403, json=body)
        door("POST", f"{KEYS}/change", role, 403, json={"what": "password", "confirmed": True})
    refused = door("POST", f"{KEYS}/sheet", status=422, json={"confirmed": False})
    assert refused["code"] == "backups.sheet_unconfirmed"
    assert [one.code for one in checks.sheet_there(media.house)] == [checks.MISSING]
    answer = door("POST", f"{KEYS}/sheet", json=body)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    recovery, password = sorted(secrets_of(media.house), key=lambda one: len(one) != 36)
    assert alphabet.shown(recovery)[:14] in text and password not in text
    found = door("GET", KEYS)["recovery"]
    assert found["printed"] == "2026-11-23T09:00:00+01:00" and found["complete"] and found["printedBy"]
    assert door("GET", KEYS, "partner")["recovery"]["printed"] == found["printed"]
    assert not list(checks.sheet_there(media.house))
    with media.house.store.read(system("test", practice.organization)) as tx:
        noted = [one for one in events.after(tx, 0, 500) if one.type.startswith("backup_")]
    mine = [one for one in noted if one.organization == practice.organization]
    assert [(one.type, one.actor.split(":")[0]) for one in mine] == [("backup_sheet.printed", "key")]
    everything = str(noted) + str(door("GET", KEYS)) + "".join(capfd.readouterr())
    assert password not in everything and recovery not in everything
    changing.change(media.house, keeping.OWN, "recovery")
    assert [one.code for one in checks.sheet_there(media.house)] == [checks.MISSING]


def test_a_new_key_of_the_vault_wants_a_new_sheet(media: Shelf, practice: Practice) -> None:
    medium(media, "a")
    args = {"organization": practice.organization}
    operations.printed(media.house, args)
    assert not list(checks.sheet_there(media.house))
    media.house.vault.rotate()
    media.house.vault = Vault(media.house.folder / "vault.key")
    assert [one.code for one in checks.sheet_there(media.house)] == [checks.MISSING]


def test_a_person_types_their_own_password_once_more(media: Shelf, practice: Practice) -> None:
    from praxisd.services.accounts import api as accounts
    from praxisd.services.backups.keys import routes

    house = media.house
    with house.store.write(system("test", practice.organization)) as tx:
        user = accounts.create_user(
            tx, house.registry, login="chefin", name="Dr. Muster", role="owner",
            password_hash=accounts.hash_password("ein langes Kennwort 7", "chefin"),
        )  # fmt: skip
    actor = Actor(Kind.USER, user.id, practice.organization, house.registry.role("owner"))

    class Call:
        def __init__(self, password: str) -> None:
            self.house, self.actor, self.lang = house, actor, "de"
            self.body = routes.SheetIn(confirmed=True, password=password)
            self.visit = type("Visit", (), {"address": "192.0.2.1"})()

    with pytest.raises(Problem, match=r"accounts\.password_wrong"):
        routes.print_sheet(Call("geraten"))  # type: ignore[arg-type]
    with house.store.read(keeping.OWN) as tx:
        assert keeping.newest_recovery(tx) is None
    assert routes.print_sheet(Call("ein langes Kennwort 7")).data.startswith(b"%PDF")  # type: ignore[arg-type]


def test_commands(media: Shelf, practice: Practice) -> None:
    medium(media, "a")
    args: dict[str, Any] = {"organization": practice.organization, "lang": "en"}
    assert operations.listed(media.house, args)["current"] == 1
    answer = operations.change(media.house, {**args, "what": "recovery"})
    assert answer["keys"]["recovery"]["no"] == 2 and answer["reached"][0]["code"] == ""
    for wrong in ({}, {"what": "all"}, {"what": "recovery", "chosen": "a password of one's own"}):
        with pytest.raises(Problem, match=r"control\.bad_arguments"):
            operations.change(media.house, {**args, **wrong})
    made = base64.b64decode(operations.printed(media.house, args)["pdf"])
    assert "Recovery sheet" in PdfReader(io.BytesIO(made)).pages[0].extract_text()


def test_the_command_line(
    media: Shelf, practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium(media, "a")
    house = media.house

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(json.dumps(control.perform(house, operation, args)))
        return answer

    monkeypatch.setattr("praxisd.cli.perform", perform)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")

    def keys(*words: str, given: str = "", exit_code: int = 0) -> str:
        done = CliRunner().invoke(root, ["backup", "keys", *words], input=given)
        assert done.exit_code == exit_code, (done.output, done.exception)
        return done.output

    assert "has not been printed" in keys("list")
    assert json.loads(keys("change", "--json"))["keys"]["current"] == 2
    assert "password no. 3" in keys("change", "--own", given="several words here\nseveral words here\n")
    assert "recovery key no. 2" in keys("change", "--recovery")
    out = tmp_path / "sheet.pdf"
    assert str(out) in keys("sheet", "--out", str(out))
    assert out.read_bytes().startswith(b"%PDF") and (os.name == "nt" or out.stat().st_mode & 0o777 == 0o600)
    keys("sheet", "--out", str(out), exit_code=2)
    assert "Recovery sheet printed last" in keys("list")
    keys("open", " medium A ", given="several words here\n")  # however the label is written
    keys("open", "a", given="a guess\n", exit_code=1)
    missing = tmp_path / "not-made.pdf"
    monkeypatch.setattr(sheet, "paper", _refusing)
    keys("sheet", "--out", str(missing), exit_code=1)
    assert not missing.exists()


def _refusing(*_: object) -> None:
    raise Problem("vault.tampered", 500)


def test_two_nodes_at_once_make_one_first_password(media: Shelf) -> None:
    """Both ask for the first password; who comes second gets the one of who came first."""
    house = media.house
    first = house.store.run(system("one", INSTALLATION), lambda tx: keeping.add(house, tx))
    second = house.store.run(system("two", INSTALLATION), lambda tx: keeping.add(house, tx))
    assert first == second and len(secrets_of(house)) == 2
