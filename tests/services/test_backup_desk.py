"""A week at the desk: which medium is to be inserted, a wrong one is refused by name, and where each is (SPEC 8.3)."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.plans import desk as desk_words
from praxisd.services.backups.plans import labels, media
from praxisd.testing.houses import Houses

from .backup_desk_cast import SYSTEM, Desk, desk, plan

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def scene(houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(houses.open(), tmp_path) as found:
        yield found


@pytest.fixture
def small(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(sqlite_houses.open(), tmp_path) as found:
        yield found


def ready(scene: Desk, variant: str = "variant2", **more: object) -> dict[str, str]:
    """A plan, the drives and all its media; their ids by slot."""
    made = plan(scene.door, variant, **more)
    drive = scene.drives()
    ids = scene.set_up(drive, *(one["id"] for one in made["slots"] if one["id"] != "nas"))
    nas = scene.door("GET", "/backups/drives")["drives"][0]["id"]
    if any(one["id"] == "nas" for one in made["slots"]):
        answer = scene.door("POST", "/backups/media", status=201, json={"drive": nas, "slot": "nas"})
        ids["nas"] = answer["medium"]["id"]
    return ids


def found(scene: Desk, slot: str) -> tuple[str | None, str | None]:
    """Fault and label of what is in the drive, for a run into this slot."""
    with scene.house.store.read(SYSTEM) as tx:
        _, judged = media.find(scene.house, tx, slot, scene.house.clock.now())
    fault = judged.fault.code.removeprefix("backups.") if judged.fault else None
    return fault, judged.medium.label if judged.medium else None


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
    assert first["passwords"] == [1] and first["place"] == "drive"
    shown = scene.door("GET", f"/backups/media/{ids['mon_away']}")
    assert [one["place"] for one in shown["stays"]] == ["drive"] and shown["stays"][0]["person"] == ""
    scene.door("GET", "/backups/media/none", status=404)


def test_the_right_medium_each_day_and_a_wrong_one_refused_by_name(scene: Desk) -> None:
    ids = ready(scene)
    scene.at("2026-11-23 18:30")
    assert scene.open_issues()["backups.medium_missing"] == "error"
    assert "„Mo extern“" in scene.said("backups.medium_missing")
    scene.insert("wed_away")
    assert found(scene, "mon_away") == ("medium_wrong", "Mi extern")
    assert scene.open_issues()["backups.medium_wrong"] == "error"
    assert scene.said("backups.medium_wrong") == (
        "Im Laufwerk liegt „Mi extern“. Bitte tauschen Sie es gegen „Mo extern“."
    )
    assert "“Mi extern” is in the drive" in scene.said("backups.medium_wrong", "en")
    scene.insert("mon_away")
    assert found(scene, "mon_away") == (None, "Mo extern")
    assert scene.open_issues() == {"backups.start": "info"}
    scene.at("2026-11-23 19:10")
    scene.written(ids["mon_away"], MONDAY, "evening", "mon_away")
    assert set(scene.open_issues()) == {"backups.take_out", "backups.carry_out"}
    scene.pull()
    assert set(scene.open_issues()) == {"backups.carry_out"}
    scene.at("2026-11-23 19:30")
    said = {"place": "outside", "person": "Erika Beispiel"}
    answer = scene.door("POST", f"/backups/media/{ids['mon_away']}/moved", "desk", json=said)
    assert (answer["medium"]["place"], answer["medium"]["person"]) == ("outside", "Erika Beispiel")
    assert scene.door("GET", f"/backups/media/{ids['mon_away']}", "partner")["medium"]["person"] == ""
    assert scene.open_issues() == {}
    scene.at("2026-11-24 09:00")
    assert scene.open_issues() == {"backups.insert": "info"}
    assert "„Di extern“" in scene.said("backups.insert")
    scene.at("2026-11-27 09:00")
    assert scene.said("backups.bring") == (
        "Bitte denken Sie daran, „Mo extern“ mitzubringen: Montag, 30.11.2026."
    )


def test_a_medium_that_was_not_taken_out_of_the_practice_is_asked_for_until_a_person_says_so(
    small: Desk,
) -> None:
    ids = ready(small)
    small.insert("mon_away")
    small.at("2026-11-23 18:10")
    small.written(ids["mon_away"], MONDAY, "evening", "mon_away")
    small.pull()
    small.at("2026-11-24 09:00")
    assert "backups.offsite_overdue" not in small.open_issues()
    small.at("2026-11-24 10:30")
    assert small.open_issues()["backups.offsite_overdue"] == "warning"
    assert "„Mo extern“" in small.said("backups.offsite_overdue")
    said = {"place": "outside", "at": "2026-11-23T19:00:00+01:00"}
    answer = small.door("POST", f"/backups/media/{ids['mon_away']}/moved", "desk", json=said)
    assert answer["medium"]["person"] == "desk"  # who is signed in
    assert "backups.offsite_overdue" not in small.open_issues()
    for wrong in ("2026-11-23T17:00:00+01:00", "2026-11-25T17:00:00+01:00"):
        asked = {"place": "outside", "person": "E", "at": wrong}
        answer = small.door("POST", f"/backups/media/{ids['mon_away']}/moved", status=422, json=asked)
        assert answer["code"] == "backups.stay_time"
    fixed = small.door(
        "POST", f"/backups/media/{ids['nas']}/moved", status=422, json={"place": "safe", "person": "E"}
    )
    assert fixed["code"] == "backups.medium_fixed"
    small.door("POST", f"/backups/media/{ids['nas']}/moved", status=400, json={"place": "moon"})
    small.at("2026-11-30 12:00")
    assert small.open_issues()["backups.offsite_old"] == "error"


def test_one_that_is_held_back_is_skipped_and_a_spare_one_stands_in(small: Desk) -> None:
    ids = ready(small)
    door = small.door
    small.insert("mon_away")
    small.at("2026-11-23 18:10")
    door("POST", f"/backups/media/{ids['mon_away']}/hold", "desk")
    assert found(small, "mon_away") == ("medium_held", "Mo extern")
    small.pull()
    assert found(small, "mon_away") == ("medium_substitute", None)
    assert "„Mo extern“" in small.said("backups.medium_substitute")
    drive = door("GET", "/backups/drives")["drives"][1]["id"]
    small.insert("ersatz")
    assert found(small, "mon_away") == ("medium_new", None)
    spare = door("POST", "/backups/media", status=201, json={"drive": drive, "label": "Ersatz 1"})["medium"]
    assert (spare["slot"], spare["slotLabel"]) == ("", "Ersatz")
    assert found(small, "mon_away") == (None, "Ersatz 1")
    small.written(spare["id"], MONDAY, "evening", "mon_away")
    assert door("GET", f"/backups/media/{spare['id']}")["medium"]["slotLabel"] == "Mo extern"
    door("POST", f"/backups/media/{ids['mon_away']}/release", "desk", 403)
    door("POST", f"/backups/media/{ids['mon_away']}/release")
    door("POST", f"/backups/media/{spare['id']}/retire")
    assert found(small, "mon_away") == ("medium_retired", "Ersatz 1")


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
    assert found(small, "mon_away") == ("medium_unlisted", None)
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
    shown = scene.door("GET", "/backups/drives")["drives"][0]
    said = {"drive": drive, "slot": "mon_away"}
    if scene.house.store.alone:  # a computer that got another name
        assert shown["here"] and shown["shows"] == "new"
        scene.door("POST", "/backups/media", status=201, json=said)
    else:
        assert not shown["here"] and shown["shows"] == "nothing"
        answer = scene.door("POST", "/backups/media", status=409, json=said)
        assert answer["code"] == "backups.drive_elsewhere" and "another" in answer["title"] + answer["detail"]
        assert "backups.insert" not in scene.open_issues()


def test_a_nas_that_is_switched_off_is_said_and_heals(small: Desk) -> None:
    ready(small)
    assert found(small, "nas") == (None, "NAS")
    small.nas.rename(small.top / "off")
    assert small.open_issues()["backups.target_away"] == "warning"
    assert small.said("backups.target_away").startswith("„NAS“ ist nicht erreichbar")
    (small.top / "off").rename(small.nas)
    assert "backups.target_away" not in small.open_issues()
    nas = small.door("GET", "/backups/drives")["drives"][0]
    assert small.door("DELETE", f"/backups/drives/{nas['id']}", status=409)["code"] == "backups.drive_used"


def test_an_image_is_reminded_of_confirmed_and_its_medium_locked(small: Desk) -> None:
    ids = ready(small, "variant1", image={})
    assert small.open_issues()["backups.image_due"] == "warning"
    door = small.door
    assert (
        door("POST", f"/backups/media/{ids['mon_away']}/image", status=409, json={})["code"]
        == "backups.not_an_image"
    )
    shown = door("POST", f"/backups/media/{ids['image_1']}/image", "desk", json={})["medium"]
    assert (shown["lockedUntil"], shown["passwords"], shown["states"]) == ("2026-12-20", [], 0)
    assert "backups.image_due" not in small.open_issues()
    small.insert("image_1")
    assert found(small, "mon_away") == ("medium_locked", "Image 1")
    small.at("2026-12-21 09:00")
    assert small.open_issues()["backups.image_due"] == "warning"
    assert door("GET", "/backups/calendar")["image"] == {
        "slot": "image_2", "label": "Image 2", "day": "2026-12-21", "late": True,
    }  # fmt: skip


def test_while_a_run_is_at_work_nobody_is_sent_to_the_drive(small: Desk) -> None:
    ids = ready(small)
    small.insert("mon_away")
    small.at("2026-11-23 18:10")
    run = RunKept("r1", "backup", MONDAY, "desk", 1, "running", "evening", "mon_away", ids["mon_away"])
    with small.house.store.write(SYSTEM) as tx:
        store.RUN.put(tx, "r1", run, at=1, kind="backup", state="running")
    assert small.open_issues() == {}
    busy = small.door("POST", f"/backups/media/{ids['mon_away']}/eject", "desk", 409)
    assert (busy["code"], busy["title"]) == ("backups.medium_busy", "Auf „Mo extern“ wird gerade gesichert")


def test_a_run_that_waits_for_its_medium_is_what_the_desk_is_told_of(small: Desk) -> None:
    ids = ready(small)
    small.at("2026-11-23 18:10")
    run = RunKept("r1", "backup", MONDAY, "desk", 1, "waiting", "evening", "mon_away", ids["mon_away"])
    for facts, wanted in (({}, set()), ({"waits": "backups.medium_missing"}, {"backups.medium_missing"})):
        with small.house.store.write(SYSTEM) as tx:
            one = msgspec.structs.replace(run, facts=facts)
            store.RUN.put(tx, "r1", one, at=1, kind="backup", state="waiting")
        assert set(small.open_issues()) == wanted
    small.insert("mon_away")
    assert small.open_issues() == {}  # it begins by itself: nobody has to start it again


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
    assert found(small, "remote") == ("medium_new", None)
    made = door("POST", "/backups/media", status=201, json={"drive": drive["id"], "slot": "remote"})["medium"]
    assert (made["place"], made["driveLabel"], made["slotLabel"]) == (
        "outside",
        "Rechenzentrum Nord",
        "Rechenzentrum",
    )
    assert list(small.engine.places) == ["sftp:praxis@rz.example:/s"]
    assert found(small, "remote") == (None, "Rechenzentrum")
    shown = door("GET", "/backups/drives")["drives"][0]
    assert (shown["medium"], shown["sameDisk"]) == (made["id"], False)


def test_a_medium_is_ejected_only_where_a_person_said_that_the_drive_can(small: Desk) -> None:
    ids = ready(small)
    small.insert("mon_away")
    small.open_issues()
    assert small.door("POST", f"/backups/media/{ids['mon_away']}/eject", "desk") == {"ejected": False}
    assert small.door("POST", f"/backups/media/{ids['tue_away']}/eject", "desk") == {"ejected": False}


def test_every_word_has_its_action_and_its_words(small: Desk) -> None:
    ready(small)
    with small.house.store.read(SYSTEM) as tx:
        said = desk_words.words(small.house, tx, small.house.clock.now())
    assert [desk_words.action(one.code) for one in said] == ["insert"]
    told = labels.word(small.house, said[0], "en")
    assert (told["title"], told["code"]) == ("Please insert “Mo extern”", "backups.insert")
    assert desk_words.action("backups.start") == "start"
    assert desk_words.action("backups.carry_out") == "confirm_moved"
    assert desk_words.action("backups.image_due") is None
    assert labels.label(small.house, "tue_here") == "Di Praxis"


def test_a_copy_for_other_software_is_watched_for_its_age(small: Desk) -> None:
    door = small.door
    plan(door, "external")
    door(
        "POST",
        "/backups/drives",
        status=201,
        json={"label": "Abholung", "kind": "folder", "path": str(small.nas)},
    )
    assert small.open_issues() == {"backups.target_away": "warning"}
    small.nas.mkdir()
    assert small.open_issues() == {}
    small.at("2026-11-24 13:00")
    assert small.open_issues() == {"backups.external_old": "error"}
    small.at("2026-11-23 09:00")
    assert small.open_issues() == {}
