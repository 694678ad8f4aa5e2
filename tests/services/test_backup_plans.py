"""Plan, calendar, drives and sources of the backups at the doors: what a person sets up, and what is refused and why."""

import io
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pypdf
import pytest

from praxisd.kernel.access import system
from praxisd.model.scheduling import Closing
from praxisd.services.backups.plans import planning, sources
from praxisd.services.calendar import api as calendar
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .backup_desk_cast import SYSTEM, Desk, desk, plan


@pytest.fixture
def scene(houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(houses.open(), tmp_path) as found:
        yield found


@pytest.fixture
def small(sqlite_houses: Houses, tmp_path: Path) -> Iterator[Desk]:
    with desk(sqlite_houses.open(), tmp_path) as found:
        yield found


def test_a_plan_is_previewed_put_in_force_and_changed(scene: Desk) -> None:
    door = scene.door
    assert door("GET", "/backups/plan", "desk") == {"plan": None}
    told = door("POST", "/backups/plan/preview", json={"variant": "variant1", "image": {}})
    assert [len(told["days"]), told["media"], len(told["slots"])] == [14, 12, 12]
    assert told["missingDrives"] == ["removable"]
    assert door("GET", "/backups/plan") == {"plan": None}
    first = plan(door, "variant2", evening="17:45")
    assert (first["version"], first["title"][:10], first["under"]) == (1, "Variante 2", None)
    assert [one["label"] for one in first["slots"]] == [
        "Mo extern", "Di extern", "Mi extern", "Do extern", "Fr extern", "NAS",
    ]  # fmt: skip
    assert first["unfilled"] == ["mon_away", "tue_away", "wed_away", "thu_away", "fri_away", "nas"]
    assert plan(door, "variant2", evening="17:45")["version"] == 1
    later = plan(door, "variant3", under="variant1", eveningStart="time", days=["mon", "thu"])
    assert (later["version"], later["evening"], later["eveningStart"]) == (2, "18:00", "time")
    assert [one["id"] for one in later["slots"]] == ["mon_away", "mon_here", "thu_away", "thu_here", "remote"]
    assert (later["by"], door("GET", "/backups/plan", "partner")["plan"]) == ("owner", later | {"by": ""})
    door("PUT", "/backups/plan", "desk", 403, json={"variant": "variant1"})


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"variant": "variant3"}, "backups.plan_jobs"),
        ({"variant": "variant1", "days": []}, "backups.plan_days"),
        ({"variant": "variant1", "evening": "25:00"}, "backups.plan_time"),
        ({"variant": "variant1", "evening": "02:00"}, "backups.plan_time"),
        ({"variant": "variant1", "dayBegins": "15:00"}, "backups.day_begins_range"),
        ({"variant": "variant1", "image": {"everyDays": 7, "lockedDays": 28}}, "backups.image_range"),
        ({"variant": "variant1", "keep": {"newest": 0}}, "backups.retention_range"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_with_its_reason(
    small: Desk, said: dict[str, object], code: str
) -> None:
    for method, path in (("PUT", "/backups/plan"), ("POST", "/backups/plan/preview")):
        assert small.door(method, path, status=422, json=said)["code"] == code
    assert small.door("GET", "/backups/plan") == {"plan": None}


def test_the_calendar_knows_holidays_closings_and_absences(scene: Desk) -> None:
    door, house = scene.door, scene.house
    assert door("GET", "/backups/calendar", status=404)["code"] == "backups.plan_missing"
    plan(door)
    with house.store.write(system("test", scene.practice.organization)) as tx:
        calendar.put_closing(house, tx, Closing(date=date(2026, 12, 7), closed=True, name="Fortbildung"))
        calendar.add_absence(house, tx, schedule=None, first=date(2026, 12, 28), last=date(2026, 12, 30))
    found = door("GET", "/backups/calendar?from=2026-12-04&to=2026-12-31")["days"]
    closed = [one["day"][8:] for one in found if one["closed"] and one["weekday"] not in ("sat", "sun")]
    assert closed == ["07", "25", "28", "29", "30"]
    by_day = {one["day"]: one for one in found}
    assert [run["slot"] for run in by_day["2026-12-07"]["runs"]] == ["nas"]
    friday = by_day["2026-12-04"]
    assert [one["label"] for one in friday["take"]] == ["Fr extern"]
    assert (friday["nextDay"], friday["bringNext"]) == (
        "2026-12-08",
        [{"slot": "tue_away", "label": "Di extern"}],
    )
    assert [(run["slot"], run["at"], run["start"]) for run in friday["runs"]] == [
        ("fri_away", "2026-12-04T18:00:00+01:00", "desk"),
        ("nas", "2026-12-05T01:30:00+01:00", "time"),
    ]
    for asked in ("from=2026-12-04&to=2026-12-03", "from=2026-01-01&to=2027-12-31"):
        assert door("GET", f"/backups/calendar?{asked}", status=422)["code"] == "backups.calendar_range"


def test_a_day_is_closed_only_if_all_practices_are(houses: Houses) -> None:
    house = houses.open()
    first, second = date(2026, 12, 23), date(2026, 12, 26)
    for region, wanted in (("DE-BE", {25, 26}), ("CH-ZH", {25, 26})):
        small_practice(house, region=region)
        with house.store.read(SYSTEM) as tx:
            assert {one.day for one in planning.closed(house, tx, first, second)} == wanted
    with house.store.read(SYSTEM) as tx:
        assert planning.closed(house, tx, date(2026, 10, 3), date(2026, 10, 3)) == set()  # Germany's alone


def test_the_printed_calendar_names_each_medium(small: Desk) -> None:
    plan(small.door, "variant1", image={})
    for lang, words in (
        (
            "de",
            (
                "Medienkalender",
                "Mo extern, ab 18:00 Uhr (Empfang)",
                "Mo Praxis, nachts 01:30 Uhr",
                "Image 1",
            ),
        ),
        ("en", ("Calendar of backup media", "Mon off-site, from 18:00 (desk)", "23 Nov 2026")),
    ):
        answer = small.door("GET", "/backups/calendar.pdf", "desk", headers={"Accept-Language": lang})
        assert answer.headers["content-type"] == "application/pdf"
        pages = [one.extract_text() for one in pypdf.PdfReader(io.BytesIO(answer.content)).pages]
        text = " ".join("\n".join(pages).split())
        for word in words:
            assert word in text, (word, text[:1500])


def test_drives_are_entered_and_say_what_lies_in_them(small: Desk) -> None:
    door = small.door
    small.drives()
    rdx = door("GET", "/backups/drives", "desk")["drives"][1]
    assert (rdx["label"], rdx["slot"], rdx["shows"], rdx["here"]) == ("RDX", "", "nothing", True)
    folder = small.insert("neu")
    assert _shows(small) == "new"
    (folder / "System Volume Information").mkdir()
    assert _shows(small) == "new"
    (folder / "Urlaub.jpg").write_bytes(b"x")
    assert _shows(small) == "other"
    (folder / "praxisd-medium.json").write_text("{")
    assert _shows(small) == "unreadable"
    (folder / "praxisd-medium.json").write_text('{"id": "m", "practice": "p"}')
    assert _shows(small) == "foreign"
    nas = door("GET", "/backups/drives")["drives"][0]
    assert (nas["slot"], nas["raid"], nas["sameDisk"]) == ("nas", "RAID 1", True)
    said = {"label": "NAS", "kind": "nas", "path": str(small.top / "nas2"), "fireCompartment": "other"}
    assert door("PUT", f"/backups/drives/{nas['id']}", json=said)["shows"] == "nothing"
    door("DELETE", f"/backups/drives/{nas['id']}", status=204)
    assert len(door("GET", "/backups/drives")["drives"]) == 1
    door("DELETE", f"/backups/drives/{nas['id']}", status=404)
    door("POST", "/backups/drives", "desk", 403, json=said)


def _shows(small: Desk) -> str:
    found: str = small.door("GET", "/backups/drives")["drives"][1]["shows"]
    return found


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"kind": "removable", "path": "media/rdx"}, "backups.drive_path"),
        ({"kind": "nas", "path": "sftp:praxis@example.org:/s"}, "backups.drive_slot"),
        ({"kind": "remote", "path": "rest:https://praxis:geheim@example.org/"}, "backups.drive_password"),
        ({"kind": "remote", "path": "sftp:-oProxyCommand=touch:/x"}, "backups.drive_address"),
        ({"kind": "remote", "path": "sftp:praxis@-oProxyCommand=touch:/x"}, "backups.drive_address"),
        ({"kind": "remote", "path": "sftp://-oProxyCommand=touch/x"}, "backups.drive_address"),
        ({"kind": "remote", "path": "sftp://praxis:@-oProxyCommand=touch/x"}, "backups.drive_address"),
        ({"kind": "remote", "path": "rclone:--config=/x:y"}, "backups.drive_address"),
        ({"kind": "remote", "path": "sftp:praxis@example.org ProxyCommand:/x"}, "backups.drive_address"),
        ({"kind": "remote", "path": "sftp:"}, "backups.drive_address"),
        ({"kind": "removable", "path": "OWN"}, "backups.drive_own_folder"),
        ({"kind": "removable", "path": "OWN/backups"}, "backups.drive_own_folder"),
        ({"kind": "removable", "path": "/elsewhere", "label": "rdx"}, "backups.drive_taken"),
        ({"kind": "nas", "path": "/elsewhere"}, "backups.drive_taken"),
    ],
)
def test_a_drive_that_cannot_be_used_is_refused(small: Desk, said: dict[str, str], code: str) -> None:
    small.drives()
    path = said["path"].replace("OWN", str(small.house.folder))
    answer = small.door(
        "POST", "/backups/drives", status=422, json={"label": "Noch eins", **said, "path": path}
    )
    assert answer["code"] == code


def test_a_folder_is_copied_too_and_something_is_left_out_with_a_reason(small: Desk) -> None:
    door, house = small.door, small.house
    pictures = small.top / "bilder"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(b"a")
    said = {"kind": "folders", "spec": {"path": str(pictures), "without": ["*.tmp"]}}
    found = door("PUT", "/backups/sources/Röntgenbilder", json=said)["sources"]
    assert [one["name"] for one in found] == ["praxisd database", "praxisd", "Röntgenbilder"]
    assert [one.name for one in sources.sources(house)] == ["praxisd database", "praxisd", "Röntgenbilder"]
    assert door("POST", "/backups/sources/Röntgenbilder/test")["good"]
    assert door("POST", "/backups/sources/praxisd/test")["good"]
    excluded = {"kind": "excluded", "reason": "Sichert der Hersteller", "spec": {"path": "D:\\Archiv"}}
    door("PUT", "/backups/sources/Archiv", json=excluded)
    assert [one.name for one in sources.sources(house)][2:] == ["Röntgenbilder"]
    every = door("GET", "/backups/sources", "desk")["sources"]
    listed = next(one for one in every if one["name"] == "Archiv")
    assert (listed["kind"], listed["reason"], listed["by"]) == ("excluded", "Sichert der Hersteller", "owner")
    no_reason = door("PUT", "/backups/sources/Archiv", status=422, json=excluded | {"reason": "  "})
    assert no_reason["code"] == "backups.reason_missing"
    (pictures / "a.jpg").unlink()
    pictures.rmdir()
    tried = door("POST", "/backups/sources/Röntgenbilder/test")
    assert (tried["good"], tried["code"]) == (False, "backups.source_missing") and tried["solution"]
    door("DELETE", "/backups/sources/Röntgenbilder", status=204)
    door("DELETE", "/backups/sources/Röntgenbilder", status=404)
    door("DELETE", "/backups/sources/praxisd", status=404)
    assert len(sources.sources(house)) == 2


@pytest.mark.parametrize(
    ("name", "said", "code"),
    [
        ("praxisd", {"kind": "excluded", "reason": "x"}, "backups.source_name"),
        ("Praxisd Database", {"kind": "excluded", "reason": "x"}, "backups.source_name"),
        ("a" * 81, {"kind": "excluded", "reason": "x"}, "backups.source_name"),
        ("Bilder", {"kind": "folders", "spec": {"path": "bilder"}}, "backups.source_bad"),
        ("Bilder", {"kind": "folders", "spec": {}}, "backups.source_bad"),
        ("Bilder", {"kind": "folders", "spec": {"path": "/x", "sealed": "s1.a.b"}}, "backups.source_bad"),
        ("Bilder", {"kind": "folders", "spec": {"path": "TOP"}}, "backups.source_loop"),
        ("Bilder", {"kind": "folders", "spec": {"path": "TOP/none"}}, "backups.source_missing"),
        ("Bilder", {"kind": "folders", "spec": {"path": "TOP/db"}}, "backups.source_live_file"),
        (
            "Daten",
            {"kind": "command", "spec": {"args": ["/no/such"], "files": ["a"]}},
            "backups.source_program",
        ),
        ("Daten", {"kind": "command", "spec": {"args": ["true"], "files": []}}, "backups.source_bad"),
    ],
)
def test_a_source_that_would_not_be_copied_well_is_refused(
    small: Desk, name: str, said: dict[str, object], code: str
) -> None:
    small.drives()
    (small.top / "db").mkdir()
    held = sqlite3.connect(small.top / "db" / "praxis.sqlite")
    held.execute("PRAGMA journal_mode=wal")
    held.execute("CREATE TABLE a(b)")
    text = str(said.get("spec", {}))
    if "TOP" in text:
        path = said["spec"]["path"].replace("TOP", str(small.top))  # type: ignore[index]
        said = said | {"spec": {"path": path}}
    assert small.door("PUT", f"/backups/sources/{name}", status=422, json=said)["code"] == code
    held.close()


def test_what_starts_programs_is_the_owners_alone(small: Desk) -> None:
    command = {"kind": "command", "spec": {"args": ["true"], "files": ["a.bak"]}, "secret": '{"PW": "hush"}'}
    window = {
        "kind": "folders",
        "spec": {"path": str(small.top), "window": {"begin": ["true"], "end": ["true"]}},
    }
    for said in (command, window):
        assert (
            small.door("PUT", "/backups/sources/SQL", "partner", 403, json=said)["code"] == "access.forbidden"
        )
    small.door("PUT", "/backups/sources/SQL", json=command)
    with small.house.store.read(SYSTEM) as tx:
        kept = sources.need(tx, "SQL")
    assert "hush" not in str(kept) and sources.made(small.house, kept)._env == {"PW": "hush"}  # type: ignore[attr-defined]
    without = {key: value for key, value in command.items() if key != "secret"}
    shown = small.door("PUT", "/backups/sources/SQL", json=without)["sources"][-1]
    assert shown["hasSecret"] and "sealed" not in shown["spec"]


def test_a_password_of_a_database_is_sealed_and_reaches_the_adapter(small: Desk) -> None:
    said = {
        "kind": "postgres",
        "spec": {"host": "db.example", "database": "praxis", "user": "leser", "prove": True},
        "secret": "g:h/e@im",
    }
    small.door("PUT", "/backups/sources/Medizin", json=said)
    with small.house.store.read(SYSTEM) as tx:
        kept = sources.need(tx, "Medizin")
    made = sources.made(small.house, kept)
    assert "password='g:h/e@im'" in made._conninfo or "password=g:h/e@im" in made._conninfo  # type: ignore[attr-defined]
    assert "g:h/e@im" not in str(kept)


def test_where_copies_without_encryption_go_is_the_owners_alone(small: Desk) -> None:
    door = small.door
    share = {"label": "Share", "kind": "folder", "path": str(small.top / "share")}
    assert door("POST", "/backups/drives", "partner", 403, json=share)["code"] == "access.forbidden"
    nas = share | {"kind": "nas", "path": str(small.top / "nas")}
    id_ = door("POST", "/backups/drives", "partner", 201, json=nas)["id"]
    door("PUT", f"/backups/drives/{id_}", "partner", 403, json=nas | {"kind": "folder"})
    door("DELETE", f"/backups/drives/{id_}", "partner", 204)
    kept = door("POST", "/backups/drives", status=201, json=share)
    way = f"/backups/drives/{kept['id']}"
    door("PUT", way, "partner", 403, json=share | {"path": str(small.top / "mine")})
    assert door("PUT", way, "partner", json=share | {"label": "Ordner"})["path"] == share["path"]
    door("PUT", "/backups/plan", "partner", 403, json={"variant": "external"})
    door("PUT", "/backups/plan", "partner", json={"variant": "variant2"})
    door("PUT", "/backups/plan", json={"variant": "external"})
    later = door("PUT", "/backups/plan", "partner", json={"variant": "external", "night": "02:30"})
    assert (later["plan"]["variant"], later["plan"]["night"]) == ("external", "02:30")


@pytest.mark.parametrize(
    "path",
    [
        "sftp:praxis@example.org:/unsere sicherung",
        "sftp://praxis@[2001:db8::1]:2222//sicherung",
        "rest:https://praxis@example.org:8000/",
        "s3:https://s3.example.org/praxis",
        "b2:praxis-b:sicherung",
        "rclone:ziel:praxis",
    ],
)
def test_addresses_of_data_centres_as_restic_takes_them(small: Desk, path: str) -> None:
    said = {"label": "Rechenzentrum", "kind": "remote", "path": path}
    assert small.door("POST", "/backups/drives", status=201, json=said)["path"] == path
