"""A week at the desk: which medium is to be inserted, a wrong one is refused by name, and where each is (SPEC 8.3)."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import desk as desk_words
from praxisd.services.backups.plans import labels
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


def test_the_right_medium_each_day_and_a_wrong_one_refused_by_name(scene: Desk) -> None:
    ids = ready(scene)
    scene.at("2026-11-23 18:30")
    assert scene.open_issues()["backups.medium_missing"] == "error"
    assert "„Mo extern“" in scene.said("backups.medium_missing")
    scene.insert("wed_away")
    assert shown(scene, "mon_away") == ("medium_wrong", "Mi extern")
    assert scene.open_issues()["backups.medium_wrong"] == "error"
    assert scene.said("backups.medium_wrong") == (
        "Im Laufwerk liegt „Mi extern“. Bitte tauschen Sie es gegen „Mo extern“."
    )
    assert "“Mi extern” is in the drive" in scene.said("backups.medium_wrong", "en")
    scene.insert("mon_away")
    assert shown(scene, "mon_away") == (None, "Mo extern")
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
    for slot, wrong in (
        ("mon_away", "2026-11-23T17:00:00+01:00"), ("mon_away", "2026-11-25T17:00:00+01:00"),
        ("tue_away", "1999-01-01T00:00:00Z"),
    ):  # fmt: skip
        asked = {"place": "outside", "person": "E", "at": wrong}
        answer = small.door("POST", f"/backups/media/{ids[slot]}/moved", status=422, json=asked)
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
    assert shown(small, "mon_away") == ("medium_held", "Mo extern")
    small.pull()
    assert shown(small, "mon_away") == ("medium_substitute", None)
    assert "„Mo extern“" in small.said("backups.medium_substitute")
    drive = door("GET", "/backups/drives")["drives"][1]["id"]
    small.insert("ersatz")
    assert shown(small, "mon_away") == ("medium_new", None)
    spare = door("POST", "/backups/media", status=201, json={"drive": drive, "label": "Ersatz 1"})["medium"]
    assert (spare["slot"], spare["slotLabel"]) == ("", "Ersatz")
    assert shown(small, "mon_away") == (None, "Ersatz 1")
    small.written(spare["id"], MONDAY, "evening", "mon_away")
    assert door("GET", f"/backups/media/{spare['id']}")["medium"]["slotLabel"] == "Mo extern"
    door("POST", f"/backups/media/{ids['mon_away']}/release", "desk", 403)
    door("POST", f"/backups/media/{ids['mon_away']}/release")
    door("POST", f"/backups/media/{spare['id']}/retire")
    assert shown(small, "mon_away") == ("medium_retired", "Ersatz 1")


def test_a_nas_that_is_switched_off_is_said_and_heals(small: Desk) -> None:
    ready(small)
    assert shown(small, "nas") == (None, "NAS")
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
    answer = door("POST", f"/backups/media/{ids['image_1']}/image", "desk", json={})["medium"]
    assert (answer["lockedUntil"], answer["passwords"], answer["states"]) == ("2026-12-20", [], 0)
    assert "backups.image_due" not in small.open_issues()
    small.insert("image_1")
    assert shown(small, "mon_away") == ("medium_locked", "Image 1")
    small.at("2026-12-21 09:00")
    assert small.open_issues()["backups.image_due"] == "warning"
    assert door("GET", "/backups/calendar")["image"] == {
        "slot": "image_2", "label": "Image 2", "day": "2026-12-21", "late": True,
    }  # fmt: skip


def test_an_image_is_confirmed_though_the_clock_was_set_back(small: Desk) -> None:
    ids = ready(small, "variant1", image={})
    small.at("2026-11-20 09:00")  # before the medium was set up
    path = f"/backups/media/{ids['image_1']}/image"
    answer = small.door("POST", path, "desk", json={})["medium"]
    assert answer["lockedUntil"] == "2026-12-17"
    early = small.door("POST", path, "desk", status=422, json={"at": "2026-11-19T09:00:00+01:00"})
    assert early["code"] == "backups.stay_time"


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


def test_every_word_has_its_action_and_its_words(small: Desk) -> None:
    ready(small)
    around = desk_words.outside(small.house)
    with small.house.store.read(SYSTEM) as tx:
        said = desk_words.words(small.house, tx, small.house.clock.now(), around)
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
