"""`praxisd demo`: a practice anybody can try, the same every time, with the booking journey of an integrator."""

import json
import socket
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from praxisd.demo import people, practice
from praxisd.demo import running as demo_running
from praxisd.kernel.control import owning
from praxisd.testing.programs import Client, Running, command, running

TODAY = date(2026, 11, 23)
SECRET = {"calendar_feed": "digest", "accounts_key": "digest prefix", "accounts_password": "hash"}
"""Columns that hold what is random on purpose."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """The sample practice of today, served."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    with running(folder, verb="demo") as found:
        yield folder, found


def access_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "access.json").read_text())
    return found


def slots(client: Client, service: str) -> list[dict[str, Any]]:
    now = datetime.now().astimezone().replace(microsecond=0)
    query = {"service": service, "from": now.isoformat(), "to": (now + timedelta(days=21)).isoformat()}
    status, answer = client.call("GET", f"/api/v1/slots?{urlencode(query)}")
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["slots"]
    return found


def services(client: Client) -> dict[str, dict[str, Any]]:
    answer = client.call("GET", "/api/v1/healthcare-services")[1]
    return {one["name"]: one for one in answer["healthcareServices"]}


def test_access_is_private_and_whole(server: tuple[Path, Running]) -> None:
    folder, found = server
    assert stat.S_IMODE((folder / "access.json").stat().st_mode) == 0o600
    access = access_of(folder)
    assert access["url"] == found.url and access["fhir_url"] == found.url + "/fhir/R4"
    assert set(access["console"]) == {"user", "password"} and set(access["sandbox"]) == {
        "sms",
        "mail",
        "portal",
        "relay",
    }
    assert found.more_lines() == []


def test_an_integrator_books(server: tuple[Path, Running]) -> None:
    """The journey of the issue: list slots, book, 409 for the same slot, change feed, FHIR, iCalendar."""
    folder, found = server
    access = access_of(folder)
    client = found.client(access["api_key"])
    kinds = services(client)
    assert set(kinds) == {kind.name for kind in practice.KINDS.values() if kind.fields.get("released")}
    schedules = {s["name"]: s["id"] for s in client.call("GET", "/api/v1/schedules")[1]["schedules"]}
    assert set(schedules) == {c.name for c in practice.COLUMNS.values() if c.released}
    cursor = _feed(client)[1]
    free = [s for s in slots(client, kinds["Kontrolle"]["id"]) if s["schedules"] == [schedules["Dr. Sommer"]]]
    wish = {
        "service": kinds["Kontrolle"]["id"],
        "start": free[0]["start"],
        "schedules": free[0]["schedules"],
        "patient": {"family": "Beispiel", "given": "Béa", "birthDate": "1980-02-03", "phone": "030 23125999"},
    }
    status, booked = client.call("POST", "/api/v1/appointments", wish)
    assert (status, booked["status"], booked["start"]) == (201, "booked", free[0]["start"])
    status, answer = client.call("POST", "/api/v1/appointments", wish)
    assert (status, answer["code"]) == (409, "calendar.slot_taken")
    assert free[0] not in slots(client, kinds["Kontrolle"]["id"])
    changes, _ = _feed(client, cursor)
    assert [(c["id"], c["status"]) for c in changes] == [(booked["id"], "booked")]
    status, seen = client.call("GET", urlsplit(access["fhir_url"]).path + f"/Appointment/{booked['id']}")
    assert (status, seen["resourceType"], seen["status"]) == (200, "Appointment", "booked")
    assert datetime.fromisoformat(seen["start"]) == datetime.fromisoformat(booked["start"])
    status, _, data = Client(access["url"]).raw("GET", urlsplit(access["ical_url"]).path)
    assert status == 200 and f"UID:{booked['id']}@praxisd".encode() in data and b"Beispiel" not in data
    status, answer = client.call("POST", f"/api/v1/appointments/{booked['id']}/cancel", {})
    assert (status, answer["status"]) == (200, "cancelled")


def _feed(client: Client, since: str | None = None) -> tuple[list[dict[str, Any]], str]:
    found: list[dict[str, Any]] = []
    more = True
    while more:
        query = "" if since is None else f"?since={since}"
        answer = client.call("GET", f"/api/v1/appointments{query}")[1]
        found += answer["changes"]
        since, more = answer["cursor"], answer["more"]
    assert since is not None
    return found, since


def test_two_columns_at_once_and_bookings_to_be_confirmed(server: tuple[Path, Running]) -> None:
    folder, found = server
    client = found.client(access_of(folder)["api_key"])
    kinds = services(client)
    patient = {"family": "Zweifach", "given": "Zoe", "birthDate": "1990-05-06", "email": "zoe@example.org"}
    slot = slots(client, kinds["Implantat-Beratung"]["id"])[0]
    assert len(slot["schedules"]) == 2
    wish = {"service": slot["service"], "start": slot["start"], "patient": patient}
    assert client.call("POST", "/api/v1/appointments", wish)[1]["schedules"] == slot["schedules"]
    slot = slots(client, kinds["Erstgespräch"]["id"])[0]
    wish = {"service": slot["service"], "start": slot["start"], "patient": patient}
    status, answer = client.call("POST", "/api/v1/appointments", wish)
    assert (status, answer["status"]) == (201, "pending")


def test_the_desk_sees_what_the_portal_does_not(server: tuple[Path, Running]) -> None:
    folder, found = server
    access = access_of(folder)
    portal, desk = found.client(access["api_key"]), found.client(access["desk_key"])
    assert len(services(desk)) == 6 and len(services(portal)) == 4
    everything, own = _feed(desk)[0], _feed(portal)[0]
    assert len(everything) > 200 > len(own) >= 15
    one = next(c["id"] for c in everything if c["id"] not in {o["id"] for o in own})
    assert desk.call("GET", f"/api/v1/appointments/{one}")[0] == 200
    assert portal.call("GET", f"/api/v1/appointments/{one}")[0] == 404
    # Who the 300 are depends on the day, so the name to look for is taken from one of them.
    patient = desk.call("GET", f"/api/v1/appointments/{one}")[1]["patient"]
    name = {"family": desk.call("GET", f"/api/v1/patients/{patient}")[1]["family"]}
    found_names = desk.call("POST", "/api/v1/patients/search", name)[1]["patients"]
    assert patient in {p["id"] for p in found_names}


def test_doctor_finds_the_invalid_licence(server: tuple[Path, Running]) -> None:
    folder, _ = server
    done = command("doctor", "--json", folder=folder)
    assert done.code == 1 and set(done.json) == {"issues", "checked"}
    found = {issue["code"]: issue for issue in done.json["issues"] if issue["severity"] != "info"}
    assert set(found) - {"backups.plan_missing"} == {"directory.licence_invalid"}
    issue = found["directory.licence_invalid"]
    assert set(issue) == {"code", "severity", "subject", "title", "cause", "solution"}
    assert issue["subject"].startswith("Mandator/")


def test_started_twice_it_is_the_same_practice_under_a_new_address(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder, "--lang", "en", verb="demo") as first:
        before = access_of(folder)
        known = {s["id"] for s in services(first.client(before["api_key"])).values()}
        more = command("practice", "create", "Praxis nebenan", "--another", folder=folder)
        assert more.code == 0, more.err  # it has no columns for the portal, and keeps nobody from starting
        assert first.terminate()[0] == 0
    with running(folder, verb="demo") as second:
        after = access_of(folder)
        assert after["url"] == second.url and after["ical_url"].startswith(second.url + "/ical/")
        moving = ("url", "fhir_url", "ical_url")
        assert {k: v for k, v in after.items() if k not in moving} == {
            k: v for k, v in before.items() if k not in moving
        }
        assert {s["id"] for s in services(second.client(after["api_key"])).values()} == known


def test_a_folder_that_was_filled_and_never_served_is_served(tmp_path: Path) -> None:
    """The end came between filling and the first answer, here because the port was taken."""
    folder = tmp_path / "data"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command("demo", "--port", str(taken.getsockname()[1]), folder=folder)
    assert done.code == 1 and "control.address_unusable" in done.err
    assert not (folder / "access.json").exists()
    with running(folder, verb="demo") as server:
        assert services(server.client(access_of(folder)["api_key"]))
        assert {p.name for p in (folder / "run").iterdir()} == {"lock", "control.json"}


def test_a_folder_with_other_content_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = command("demo", folder=tmp_path)
    assert done.code == 2 and "control.folder_not_empty" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def _filled(folder: Path, today: date) -> Path:
    with owning(folder):
        demo_running.prepare(folder, None, today, "de")
    return folder / "praxisd.db"


def _rows(database: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables but what is random on purpose."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    tables = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for table in tables:
        hidden = SECRET.get(table, "").split()
        rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
        kept = [{k: row[k] for k in row.keys() if k not in hidden} for row in rows]  # noqa: SIM118
        found[table] = sorted(kept, key=repr)
    connection.close()
    return found


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two databases filled for the same day."""
    folder = tmp_path_factory.mktemp("twins")
    return _filled(folder / "one", TODAY), _filled(folder / "two", TODAY)


def test_same_day_same_rows(twins: tuple[Path, Path]) -> None:
    one, two = map(_rows, twins)
    assert one.keys() == two.keys() and len(one["directory_patient"]) >= people.COUNT
    for table in one:
        assert one[table] == two[table], table


def test_it_holds_what_the_contract_promises(twins: tuple[Path, Path]) -> None:
    """SPEC 14.2: 4 columns, 6 types, 300 patients, a second mandator, one invalid licence, one deceased."""
    rows = _rows(twins[0])
    docs = {t: [json.loads(r["doc"]) for r in rows[t]] for t in rows if rows[t] and "doc" in rows[t][0]}
    told = [p for p in docs["directory_patient"] if not p.get("portal")]
    assert len(docs["calendar_schedule"]) == 4 and len(docs["calendar_service"]) == 6 and len(told) == 300
    assert len(docs["directory_mandator"]) == 2
    assert sum(m["licenceTo"] < TODAY.isoformat() for m in docs["directory_mandator"]) == 1
    assert sum(p["deceased"] is not None for p in told) == 1
    assert sum(not p["telecom"] for p in told) >= people.WITHOUT_CONTACT
    assert sum(not s["released"] for s in docs["calendar_service"]) == 2
    assert len(rows["calendar_reservation"]) == 2 and len(rows["calendar_absence"]) == 2
    states = Counter(a["status"] for a in docs["calendar_appointment"])
    assert states["fulfilled"] > 80 and states["booked"] > 100 and states["pending"] >= 4 and states["noshow"]
    assert (
        len({p["id"] for p in told if p["deceased"]} & {a["patient"] for a in docs["calendar_appointment"]})
        == 0
    )
    assert sum(len(one["outcome"] or "") == 0 for one in rows["directory_match"]) == 2


def test_the_morning_has_begun_and_something_waits_for_the_desk(twins: tuple[Path, Path]) -> None:
    """What the console shows at first: who has been here, who sits there, what is asked, a letter to read."""
    rows = _rows(twins[0])
    docs = [json.loads(r["doc"]) for r in rows["calendar_appointment"]]
    morning = int(datetime(2026, 11, 23).timestamp())
    today = [(a["start"], a["status"]) for a in docs if 0 <= a["start"] - morning < 86_400]
    kept = [one for one in today if one[1] not in ("cancelled", "noshow")]
    assert Counter(status for _, status in kept).items() >= {"fulfilled": 2, "arrived": 1}.items()
    stage = {"fulfilled": 0, "arrived": 1}  # who came first is through first
    assert [stage.get(s, 2) for _, s in sorted(kept, key=lambda o: (o[0], stage.get(o[1], 2)))] == sorted(
        stage.get(s, 2) for _, s in kept
    )
    asked = [a for a in docs if a["status"] == "pending"]
    assert asked and all(a["portal"] and a["start"] > morning for a in asked)
    colors = [json.loads(r["doc"])["color"] for r in rows["calendar_service"]]
    assert len(set(colors)) == len(colors) == 6 and None not in colors
    letters = [json.loads(r["doc"]) for r in rows["messaging_communication"]]
    assert sorted(one["state"] for one in letters) == ["done", "unread"]
    assert all("Guten Tag" in one["resource"] and one["portal"] for one in letters)
    assert max(letters, key=lambda one: one["received"])["state"] == "unread"


def test_on_a_sunday_nobody_came_and_the_letters_are_there(tmp_path: Path) -> None:
    rows = _rows(_filled(tmp_path / "sunday", date(2026, 11, 22)))
    states = {json.loads(r["doc"])["status"] for r in rows["calendar_appointment"]}
    assert "arrived" not in states and {"fulfilled", "booked", "pending"} <= states
    assert len(rows["messaging_communication"]) == 2


def test_contacts_belong_to_nobody(twins: tuple[Path, Path]) -> None:
    contacts = {(r["kind"], r["key"]) for r in _rows(twins[0])["directory_contact"]}
    numbers = {key for kind, key in contacts if kind == "phone"}
    assert numbers and all(n.startswith(("+493023125", "+4917139200", "+4917604069")) for n in numbers)
    mails = {key for kind, key in contacts if kind == "email"}
    assert mails and all(m.rpartition("@")[2] in ("example.org", "example.com", "example.net") for m in mails)


def test_about_seventy_percent_is_taken_and_nothing_on_closed_days(twins: tuple[Path, Path]) -> None:
    connection = sqlite3.connect(twins[0])
    rows = connection.execute(
        'SELECT schedule, start, "end" FROM calendar_busy WHERE kind = ? AND start < ?',
        ("appointment", int(datetime(2026, 12, 1).timestamp())),
    ).fetchall()
    connection.close()
    days = {datetime.fromtimestamp(start).date() for _, start, _ in rows}
    assert all(day.isoweekday() <= 5 for day in days) and len(days) == 11
    taken = sum(end - start for _, start, end in rows) / 3600
    open_hours = sum(
        (int(b[:2]) - int(a[:2]))
        for c in practice.COLUMNS.values()
        for ds, a, b in c.open
        for d in days
        if d.isoweekday() in ds
    )
    assert 0.55 <= taken / open_hours <= 0.85


def test_around_christmas_the_practice_is_closed_on_holidays(tmp_path: Path) -> None:
    database = _filled(tmp_path / "xmas", date(2026, 12, 24))
    connection = sqlite3.connect(database)
    starts = [r[0] for r in connection.execute("SELECT start FROM calendar_appointment")]
    connection.close()
    days = {datetime.fromtimestamp(one).date() for one in starts}
    assert days and not days & {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)}


def test_a_failed_filling_leaves_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("praxisd.demo.timetable.plan", fail)
    with pytest.raises(OSError, match="disk full"), owning(tmp_path / "data"):
        demo_running.prepare(tmp_path / "data", None, TODAY, "de")
    assert {p.name for p in (tmp_path / "data").iterdir()} == {"run"}


def test_a_shared_database_takes_one_sample_practice(tmp_path: Path, postgres_url: str) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "praxisd.toml").write_text(f'database_url = "{postgres_url}"\n')
    with running(tmp_path / "one", verb="demo") as server:
        client = server.client(access_of(tmp_path / "one")["api_key"])
        assert len(slots(client, services(client)["Kontrolle"]["id"])) > 20
        refused = command("demo", "--port", "0", folder=tmp_path / "two")
        assert refused.code == 2 and "control.folder_not_empty" in refused.err
        assert {p.name for p in (tmp_path / "two").iterdir()} == {"praxisd.toml", "run"}


def test_the_terminal_says_how_to_get_into_the_console(server: tuple[Path, Running]) -> None:
    folder, found = server
    console = access_of(folder)["console"]
    assert found.url in found.errors
    assert f"{console['user']} / {console['password']}" in found.errors
    assert found.more_lines() == []


@pytest.mark.parametrize(
    "today", [date(2026, 11, 29), date(2027, 1, 31), date(2027, 2, 28), date(2028, 2, 29)]
)
def test_somebody_has_a_birthday_whatever_day_it_is(today: date) -> None:
    born = [one.birth_date for one in people.patients(Random(1), today) if one.telecom and one.birth_date]
    assert all(date.fromisoformat(one) for one in born)
    assert (
        sum(one[5:] in (f"{today:%m-%d}", "02-28" if today == date(2028, 2, 29) else "") for one in born) >= 5
    )
