"""Media at the doors: setting one up, what must not become one, other places and names, drives of other computers."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from praxisd.kernel import issues
from praxisd.services.backups import store
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.keys import changing
from praxisd.services.backups.plans import looking, media
from praxisd.services.backups.runs import targets
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.houses import Houses

from .backup_desk_cast import SYSTEM, Desk, desk, plan, ready, shown

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def scene(houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(houses.open(), tmp_path) as found:
        yield found


@pytest.fixture
def small(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(sqlite_houses.open(), tmp_path) as found:
        yield found


def test_what_is_left_to_set_up_is_said_until_it_is_done(small: Desk) -> None:
    assert small.open_issues() == {"backups.plan_missing": "warning"}
    plan(small.door)
    assert small.open_issues() == {"backups.drive_needed": "warning", "backups.insert": "info"}
    drive = small.drives()
    assert small.open_issues() == {"backups.media_to_set_up": "warning", "backups.insert": "info"}
    small.set_up(drive, "mon_away", "tue_away", "wed_away", "thu_away", "fri_away")
    nas = small.door("GET", "/backups/drives")["drives"][0]["id"]
    small.door("POST", "/backups/media", status=201, json={"drive": nas, "slot": "nas"})
    assert small.open_issues() == {"backups.insert": "info"}
    assert small.said("backups.insert") == "Bitte legen Sie das Medium „Mo extern“ ein."


def test_a_slot_without_a_medium_is_called_in_the_readers_language(small: Desk) -> None:
    plan(small.door)
    drive = small.drives()
    assert "“Mon off-site”" in small.said("backups.insert", "en")
    assert "„Mo extern“" in small.said("backups.insert")
    small.at("2026-11-23 18:30")
    small.insert("neu")
    assert "“Mon off-site”" in small.said("backups.medium_new", "en")
    said = {"drive": drive, "slot": "mon_away"}
    made = small.door("POST", "/backups/media", status=201, json=said, headers={"Accept-Language": "en"})
    assert made["medium"]["label"] == "Mon off-site"


def test_a_medium_is_ours_once_it_is_set_up(scene: Desk) -> None:
    ids = ready(scene)
    identity = json.loads((scene.top / "mon_away" / "praxisd-medium.json").read_text())
    assert (identity["id"], identity["label"], identity["slot"]) == (ids["mon_away"], "Mo extern", "mon_away")
    assert "Praxis am Test" not in json.dumps(identity)
    assert (scene.top / "mon_away" / "ANLEITUNG.txt").is_file()
    assert (scene.top / "nas" / "restic").is_dir()
    every = scene.door("GET", "/backups/media", "desk")["media"]
    assert [one["label"] for one in every][:2] == ["Mo extern", "Di extern"]
    first = every[0]
    assert (first["slot"], first["slotLabel"], first["kind"], first["states"]) == (
        "mon_away", "Mo extern", "removable", 0,
    )  # fmt: skip
    assert first["passwords"] == [1] and first["place"] is None  # four others have been in that drive since
    answer = scene.door("GET", f"/backups/media/{ids['mon_away']}")
    assert [one["place"] for one in answer["stays"]] == ["drive"] and answer["stays"][0]["person"] == ""
    scene.door("GET", "/backups/media/none", status=404)


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ("nothing", "backups.medium_missing"),
        ("files", "backups.medium_strange"),
        ("broken", "backups.medium_unreadable"),
        ("foreign", "backups.medium_foreign"),
        ("ours", "backups.medium_known"),
        ("slot", "backups.slot_taken"),
        ("label", "backups.label_taken"),
        ("unknown", "backups.slot_unknown"),
        ("fixed", "backups.slot_unknown"),
        ("engine", "backups.engine_missing"),
    ],
)
def test_what_must_not_be_set_up_is_refused(small: Desk, lies: str, code: str) -> None:
    plan(small.door)
    drive = small.drives()
    small.set_up(drive, "mon_away")
    folder = small.insert("mon_away" if lies == "ours" else "neu")
    said = {"drive": drive, "slot": "tue_away"}
    if lies == "nothing":
        small.pull()
    elif lies == "files":
        (folder / "Urlaub.jpg").write_bytes(b"x")
    elif lies == "broken":
        (folder / "praxisd-medium.json").write_bytes(b"\0" * 70_000)
    elif lies == "foreign":
        (folder / "praxisd-medium.json").write_text('{"id": "m", "practice": "another"}')
    elif lies == "engine":

        def missing(_repo: object) -> str:
            raise EngineFault("backups.engine_missing")

        small.engine.init = missing  # type: ignore[method-assign]
    said |= {
        "slot": {"slot": "mon_away"},
        "label": {"label": "mo EXTERN"},
        "unknown": {"slot": "sun_here"},
        "fixed": {"slot": "nas"},
    }.get(lies, {})
    status = 422 if code == "backups.slot_unknown" else 409
    answer = small.door("POST", "/backups/media", status=status, json=said)
    assert answer["code"] == code and answer["solution"]
    assert len(small.door("GET", "/backups/media")["media"]) == 1
    if lies == "files":
        assert [one.name for one in folder.iterdir()] == ["Urlaub.jpg"]
    if lies == "engine":
        assert list(folder.iterdir()) == []


def test_a_set_up_that_was_cut_off_is_gone_on_with_and_a_lost_row_is_taken_in_again(small: Desk) -> None:
    plan(small.door)
    drive = small.drives()
    folder = small.insert("neu")
    (folder / "praxisd-medium.json").mkdir()  # nothing can be written over it
    said = {"drive": drive, "slot": "mon_away"}
    small.door("POST", "/backups/media", status=409, json=said)
    (folder / "praxisd-medium.json").rmdir()
    made = small.door("POST", "/backups/media", status=201, json=said)["medium"]
    with small.house.store.write(SYSTEM) as tx:
        store.MEDIUM.remove(tx, made["id"])
    assert shown(small, "mon_away") == ("medium_unlisted", None)
    again = small.door("POST", "/backups/media", status=201, json=said)["medium"]
    assert again["id"] == made["id"] and again["passwords"] == [1]


def test_a_medium_gets_another_place_or_name_after_a_change_of_the_plan(small: Desk) -> None:
    ids = ready(small)
    door = small.door
    small.insert("fri_away")
    small.open_issues()
    plan(door, "variant2", days=["mon", "tue", "wed", "thu", "sat"])
    path = f"/backups/media/{ids['fri_away']}"
    for slot, code, status in (
        ("fri_away", "slot_unknown", 422),
        ("nas", "slot_unknown", 422),
        ("mon_away", "slot_taken", 409),
    ):
        assert door("PUT", path, status=status, json={"slot": slot})["code"] == f"backups.{code}"
    taken = door("PUT", path, status=409, json={"slot": "sat_away", "label": "Mo extern"})
    assert taken["code"] == "backups.label_taken"
    made = door("PUT", path, json={"slot": "sat_away", "label": "Sa extern"})["medium"]
    assert (made["id"], made["slotLabel"], made["label"]) == (ids["fri_away"], "Sa extern", "Sa extern")
    identity = json.loads((small.top / "fri_away" / "praxisd-medium.json").read_text())
    assert (identity["slot"], identity["label"], identity["id"]) == ("sat_away", "Sa extern", ids["fri_away"])
    assert door("GET", "/backups/plan")["plan"]["unfilled"] == []
    assert door("PUT", path, json={"slot": ""})["medium"]["slotLabel"] == "Ersatz"
    assert (
        door("PUT", f"/backups/media/{ids['nas']}", json={"slot": "nas", "label": "Keller"})["medium"][
            "label"
        ]
        == "Keller"
    )
    door("PUT", path, "desk", 403, json={"slot": ""})


def test_a_drive_of_another_computer_is_left_to_it(scene: Desk) -> None:
    plan(scene.door)
    drive = scene.drives(nas=False)
    scene.insert("neu")
    with scene.house.store.write(SYSTEM) as tx:
        known = store.DRIVE.get(tx, drive)
        assert known is not None and known.host
        store.DRIVE.put(tx, drive, msgspec.structs.replace(known, host="another"), at=tx.now)
    answer = scene.door("GET", "/backups/drives")["drives"][0]
    said = {"drive": drive, "slot": "mon_away"}
    if scene.house.store.alone:  # a computer that got another name
        assert answer["here"] and answer["shows"] == "new"
        scene.door("POST", "/backups/media", status=201, json=said)
    else:
        assert not answer["here"] and answer["shows"] == "nothing"
        answer = scene.door("POST", "/backups/media", status=409, json=said)
        assert answer["code"] == "backups.drive_elsewhere" and "another" in answer["title"] + answer["detail"]
        assert "backups.insert" not in scene.open_issues()


def test_a_data_centre_is_set_up_by_its_address(small: Desk) -> None:
    door = small.door
    plan(door, "variant3", under="variant2")
    said = {
        "label": "Rechenzentrum Nord",
        "kind": "remote",
        "path": "sftp:praxis@rz.example:/s",
        "country": "DE",
    }
    drive = door("POST", "/backups/drives", status=201, json=said)
    assert (drive["shows"], drive["slot"], drive["country"]) == ("address", "remote", "DE")
    assert shown(small, "remote") == ("medium_new", None)
    made = door("POST", "/backups/media", status=201, json={"drive": drive["id"], "slot": "remote"})["medium"]
    assert (made["place"], made["driveLabel"], made["slotLabel"]) == (
        "outside",
        "Rechenzentrum Nord",
        "Rechenzentrum",
    )
    assert list(small.engine.places) == ["sftp:praxis@rz.example:/s"]
    assert shown(small, "remote") == (None, "Rechenzentrum")
    answer = door("GET", "/backups/drives")["drives"][0]
    assert (answer["medium"], answer["sameDisk"]) == (made["id"], False)
    with small.house.store.write(SYSTEM) as tx:  # one before it, that was retired
        new = media.need(tx, made["id"])
        old = msgspec.structs.replace(new.medium, id="0", retired=True)
        store.MEDIUM.put(tx, "0", msgspec.structs.replace(new, medium=old, created=new.created - 1), at=0)
    assert [one.medium.id for _, one in targets.reachable(small.house)] == [made["id"]]
    assert [one.medium.id for _, one in changing.there(small.house)] == [made["id"]]


def test_a_medium_is_ejected_only_where_a_person_said_that_the_drive_can(small: Desk) -> None:
    ids = ready(small)
    small.insert("mon_away")
    small.open_issues()
    assert small.door("POST", f"/backups/media/{ids['mon_away']}/eject", "desk") == {"ejected": False}
    assert small.door("POST", f"/backups/media/{ids['tue_away']}/eject", "desk") == {"ejected": False}


@pytest.mark.parametrize("door", ["issue", "set_up"])
def test_a_medium_with_a_broken_mark_is_told_by_its_repository(small: Desk, door: str) -> None:
    small.house.shared[ENGINE] = QuickRestic(
        small.house.folder / "engine", debian.program(["restic"], "restic")
    )
    plan(small.door)
    drive = small.drives()
    ids = small.set_up(drive, "mon_away", "tue_away")
    small.at("2026-11-24 18:30")
    mark = small.insert("tue_away") / "praxisd-medium.json"
    mark.write_text('{"id": "')
    assert small.open_issues()["backups.medium_unreadable"] in ("warning", "error")
    if door == "issue":
        code = {"code": "backups.medium_unreadable", "subject": "", "organization": "installation"}
        assert small.door("POST", "/issues/fix", json=code)["healed"]
    else:
        said = {"drive": drive, "slot": "mon_away", "label": "Irgendwas"}
        made = small.door("POST", "/backups/media", status=201, json=said)["medium"]
        assert (made["id"], made["slot"], made["label"]) == (ids["tue_away"], "tue_away", "Di extern")
    assert json.loads(mark.read_text())["id"] == ids["tue_away"]
    assert shown(small, "tue_away") == (None, "Di extern")
    assert "backups.medium_unreadable" not in small.open_issues()
    assert len(small.door("GET", "/backups/media")["media"]) == 2


def test_what_is_not_recognised_is_left_as_it_is(small: Desk) -> None:
    plan(small.door)
    drive = small.drives()
    small.set_up(drive, "tue_away")
    small.at("2026-11-24 18:30")
    mark = small.insert("strange") / "praxisd-medium.json"
    mark.write_text("{")
    assert "backups.medium_unreadable" in small.open_issues()
    code = {"code": "backups.medium_unreadable", "subject": "", "organization": "installation"}
    small.door("POST", "/issues/fix", status=409, json=code)
    assert mark.read_text() == "{"


def test_a_nas_on_the_disk_of_the_data_is_said(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> dict[str, str]:
        report = issues.run_checks(small.house, ["backups.disk"])
        return {
            one.code: str(one.params["label"]) for one in report.issues if one.code == "backups.same_disk"
        }

    small.drives()
    assert found() == {}, "while there is no plan, that is what is missing"
    plan(small.door)
    small.insert("mon_away")
    assert found() == {"backups.same_disk": "NAS im Keller"}, "not of a drive for media"
    monkeypatch.setattr(looking, "same_disk", lambda _house, _drive: False)
    assert found() == {}
