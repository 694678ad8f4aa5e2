"""The daily look, the form and its questions, what no plan covers: through the door, as Issues, on paper, by command."""

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient
from pypdf import PdfReader

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.store import Tx
from praxisd.model.backup import Figures, Medium, Stay
from praxisd.model.backup_kept import Drive, MediumKept, PlanKept, RunKept, Secret, SourceKept, Wrap
from praxisd.model.machine import Disk, MachineFacts, known
from praxisd.services.accounts import api as accounts
from praxisd.services.backups import plan_rules, store
from praxisd.services.backups.protocol import checks, coverage, log_keeping, proof
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

BERLIN = ZoneInfo("Europe/Berlin")
OTHER = "/srv/nowhere"
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).timestamp())


def set_clock(house: House, now: int) -> None:
    assert isinstance(house.clock, FrozenClock)
    house.clock.set(now)


def write(house: House, call: Any) -> Any:
    return house.store.run(system("test", INSTALLATION), call)


def ran(tx: Tx, day: date, job: Any, state: Any = "good", code: str = "", **more: Any) -> None:
    """A run of that day, as the runs keep it."""
    begun = at(day, 18, 5) if job == "evening" else at(day + timedelta(days=1), 1, 31)
    id_ = f"{day}-{job}-{state}"
    slot = f"{('mon', 'tue', 'wed', 'thu', 'fri')[day.weekday()]}_away" if job == "evening" else "nas"
    made = RunKept(
        id_, more.pop("kind", "backup"), day, "plan", begun, state, job, slot,
        more.pop("medium", "m1" if job == "evening" else "nas"), began=begun, ended=begun + 600, code=code,
        figures=Figures(42_000_000_000, 180_000, 120_000_000, 600) if state == "good" else None, **more,
    )  # fmt: skip
    store.RUN.put(tx, id_, made, at=begun, kind=made.kind, state=state)


def plan(tx: Tx, variant: Any = "variant2", since: int = 0) -> None:
    made = PlanKept(plan_rules.make(variant), 1, "user:x", since or at(date(2026, 11, 16), 8))
    store.PLAN.put(tx, "plan", made, at=1)


class Ask:
    """The door with a key of each role."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.client, self.practice = client, practice
        self.keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner")}

    def raw(self, role: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[role]}", "Accept-Language": "de"}
        return self.client.request(method, f"/api/v1/backups{path}", headers=headers, json=body)

    def __call__(self, role: str, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        got = self.raw(role, method, path, body)
        assert got.status_code == status, got.text
        return got.json()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[MachineFacts]:
    """What this computer measures; the test changes it."""
    found = [MachineFacts(host="server", at=0)]

    def measured(_house: House, _host: str | None = None, *, only: tuple[str, ...]) -> MachineFacts:
        assert set(only) == {"disks", "services", "sql"}  # nobody waits for what is not asked
        return found[0]

    monkeypatch.setattr(diagnosis, "facts", measured)
    return found


@pytest.fixture
def ask(house: House, here: list[MachineFacts]) -> Iterator[Ask]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Ask(house, practice, client)


def codes(house: House, check: str) -> dict[str, dict[str, Any]]:
    report = issues.run_checks(house, [check])
    return {one.subject: dict(one.params) for one in report.issues if one.code.startswith("backups.")}


def test_the_log_is_asked_for_from_ten_on_and_noted_with_a_name(house: House, ask: Ask) -> None:
    def fill(tx: Tx) -> None:
        plan(tx, since=at(FRIDAY, 8))
        for day in (FRIDAY, FRIDAY + timedelta(days=1)):
            ran(tx, day, "night")
        ran(tx, FRIDAY, "evening", "failed", "backups.unreachable")

    write(house, fill)
    set_clock(house, at(MONDAY, 9))
    assert codes(house, "backups.log") == {}
    set_clock(house, at(MONDAY, 10))
    (issue,) = codes(house, "backups.log").values()
    assert issue["days"] == 3 and issue["day"]["values"]["day"] == "22"
    shown = ask("desk", "GET", "/log?limit=14")
    assert shown["asked"] == "2026-11-22" and all(one["due"] for one in shown["days"][1:])
    friday = ask("desk", "GET", "/log/2026-11-20")
    assert (friday["state"], friday["over"], friday["due"], friday["check"]) == (
        "not_green",
        True,
        True,
        None,
    )
    assert [(one["label"], one["state"]) for one in friday["lines"]] == [
        ("Fr extern", "failed"),
        ("NAS", "good"),
    ]
    assert friday["lines"][0]["title"] and friday["lines"][0]["code"] == "backups.unreachable"
    assert ask("desk", "GET", "/log/2026-11-22")["state"] == "no_run"
    # A key says for whom it speaks; a person is named by who is signed in.
    assert ask("desk", "PUT", "/log/2026-11-22", 422, {})["code"] == log_keeping.PERSON
    body = {"person": " Anna  Muster ", "remark": "NAS war aus", "earlier": True}
    noted = ask("desk", "PUT", "/log/2026-11-22", body=body)
    assert noted["check"] == {
        "by": "Anna Muster", "at": "2026-11-23T09:00:00+00:00", "state": "no_run", "remark": "NAS war aus",
    }  # fmt: skip
    assert codes(house, "backups.log") == {}
    assert ask("desk", "GET", "/log/2026-11-20")["check"]["state"] == "not_green"
    assert ask("desk", "PUT", "/log/2026-11-23", 409, body)["code"] == log_keeping.NOT_OVER
    assert ask("desk", "PUT", "/log/2026-11-01", 404, body)["code"] == "http.not_found"
    assert ask("desk", "GET", "/log/2026-11-24", 404)["code"] == "http.not_found"
    assert ask("desk", "GET", "/log/gestern", 404)["code"] == "http.not_found"
    with house.store.read(log_keeping.SYSTEM) as tx:
        found = log_keeping.asked(house, tx)
    assert (found.day, found.due, found.by) == (date(2026, 11, 22), False, "Anna Muster")


def test_people_are_named_by_who_is_signed_in_and_not_to_masked_eyes(house: House, ask: Ask) -> None:
    write(house, lambda tx: ran(tx, FRIDAY, "evening"))
    set_clock(house, at(MONDAY, 12))
    owner = system("test", ask.practice.organization)
    user = house.store.run(
        owner,
        lambda tx: accounts.create_user(
            tx, house.registry, login="carla", name="Carla Carry", role="desk", password_hash="x"
        ),
    )
    carla = Actor(Kind.USER, user.id, ask.practice.organization, house.registry.role("desk"))
    kept = house.store.run(carla, lambda tx: log_keeping.look(house, tx, FRIDAY, person="Anna", remark="gut"))
    assert (kept.by, kept.at) == ("Carla Carry", at(MONDAY, 12))
    body = {"value": "Zora Zange", "person": "Carla Carry"}
    ask("owner", "PUT", "/answers/instructed", body=body)
    assert ask.raw("partner", "PUT", "/answers/instructed", body).status_code == 403
    assert "Carla Carry" in printed(ask) and "Zora Zange" in printed(ask)
    for path in ("/log", "/log/2026-11-20", "/answers", "/coverage"):
        told = ask.raw("partner", "GET", path).text
        assert "Carla" not in told and "Zora" not in told, path
    assert "ausgeblendet" in printed(ask, "partner") and "Carla" not in printed(ask, "partner")


def test_without_plan_and_runs_nobody_is_asked(house: House, ask: Ask) -> None:
    set_clock(house, at(MONDAY, 12))
    assert codes(house, "backups.log") == {}
    assert ask("desk", "GET", "/log") == {"days": [], "asked": None}
    write(house, lambda tx: ran(tx, FRIDAY, "evening"))
    assert [one["day"] for one in ask("desk", "GET", "/log")["days"]] == ["2026-11-20"]
    assert list(codes(house, "backups.log")) == [""]


def test_questions_are_asked_once_and_kept(house: House, ask: Ask) -> None:
    first = ask("desk", "GET", "/answers")
    assert first["open"] == len([one for one in first["answers"] if one["needed"]])
    assert "own_software" not in {one["question"] for one in first["answers"]}
    body = {"value": "yes", "person": "Dr. Berta"}
    assert ask.raw("desk", "PUT", "/answers/monitoring", body).status_code == 403
    after = ask("owner", "PUT", "/answers/monitoring", body=body)
    one = next(one for one in after["answers"] if one["question"] == "monitoring")
    assert (one["value"], one["by"], [each["label"] for each in one["choices"]]) == (
        "yes", "Dr. Berta", ["ja", "nein"],
    )  # fmt: skip
    assert after["open"] == first["open"], "who watches is asked instead"
    assert ask("owner", "PUT", "/answers/monitoring", 422, {"value": "vielleicht", "person": "x"})
    assert ask("owner", "PUT", "/answers/shoe_size", 404, {"value": "43", "person": "x"})
    gone = ask("owner", "PUT", "/answers/monitoring", body={"value": " ", "person": "x"})
    assert next(one for one in gone["answers"] if one["question"] == "monitoring")["value"] == ""
    write(house, lambda tx: plan(tx, "external"))
    assert "own_software" in {one["question"] for one in ask("desk", "GET", "/answers")["answers"]}


def printed(ask: Ask, role: str = "desk") -> str:
    got = ask.raw(role, "GET", "/protocol.pdf")
    assert got.status_code == 200 and got.headers["content-type"] == "application/pdf", got.text
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(got.content)).pages)
    return " ".join(text.replace("\u00a0", " ").split())


def test_the_form_has_all_fields_of_the_vendor_and_says_what_nobody_knows(house: House, ask: Ask) -> None:
    text = printed(ask)
    for field in (
        "Praxis am Test", "Straße nicht bekannt", "Servicetechniker noch nicht angegeben", "Sicherungsgerät",
        "Sicherungssoftware", "Sicherungsmedium", "Anzahl der Medien", "offsite: ☐ ja ☐ nein", "onsite: ☐ ja ☐ nein",
        "Passwort für Verschlüsselung", "☐ Praxis wünscht keine Verschlüsselung", "☑ dateibasiert ☐ imagebasiert",
        "☐ Mo ☐ Di ☐ Mi ☐ Do ☐ Fr ☐ Sa ☐ So", "Sicherungsbeginn", "Logdatei Backup-Software", "Zusatzsicherung 1",
        "Zusatzsicherung 2", "Monitoring ☐ ja ☐ nein (noch nicht angegeben)", "Partitionen u./o. Datenverzeichnisse",
        "SQL-Datenbanken", "SQL-Plugin vorhanden", "Während der Sicherung darf kein Zugriff auf den Server bestehen",
        "Das Sicherungsprotokoll muss täglich geprüft werden", "Testlauf wurde erfolgreich durchgeführt",
        "Testlauf war nicht möglich", "Rücksicherung durchgeführt", "von der Praxis nicht gewünscht",
        "eingewiesen", "Name, Unterschrift, Datum", "Praxisstempel", "Es ist noch kein Sicherungsplan eingerichtet.",
    ):  # fmt: skip
        assert field in text, field


def test_the_form_is_filled_from_facts_and_holds_no_password(house: House, ask: Ask) -> None:
    def fill(tx: Tx) -> None:
        plan(tx)
        store.DRIVE.put(tx, "d1", Drive("d1", "RDX Empfang", "removable", "/mnt/rdx"), at=1)
        nas = Drive("d2", "Keller", "nas", "/mnt/nas", "nas", raid="1", fire_compartment="other")
        store.DRIVE.put(tx, "d2", nas, at=2)
        store.DRIVE.put(tx, "d3", Drive("d3", "Dach", "nas", "/mnt/dach", "nas", raid="RAID 5"), at=3)
        stay = Stay("outside", "Carla Carry", at(FRIDAY, 19))
        medium = Medium("m1", "Fr extern", "fri_away", stay=stay, written=at(FRIDAY, 18, 15))
        store.MEDIUM.put(tx, "m1", MediumKept(medium, "r", 1, "x"), at=1)
        store.WRAP.put(tx, "m1/3", Wrap("m1", 3, "k", 1), at=1, medium="m1")
        store.WRAP.put(tx, "m1/r", Wrap("m1", 1, "r", 1, None, "recovery"), at=1, medium="m1")
        store.SECRET.put(tx, "3", Secret(3, "password", "vault-name-of-3", at(FRIDAY, 8)), at=1)
        store.SOURCE.put(
            tx, "Bilder", SourceKept("Bilder", "folders", {"path": "/srv/bilder"}, "", "x", 1), at=1
        )
        ran(tx, FRIDAY, "evening")
        proven = {"rows": 1284331, "picked": 5, "sources": 2, "started": 6.1}
        ran(tx, FRIDAY, "night", kind="prove", medium="m1", facts=proven)

    write(house, fill)
    set_clock(house, at(MONDAY, 12))
    for question, value in (
        ("technician", "Jens Technik"), ("instructed", "Anna Muster, 01.09.2026\nBernd Beispiel"),
        ("monitoring", "no"), ("extra_1", "keine"),
    ):  # fmt: skip
        ask("owner", "PUT", f"/answers/{question}", body={"value": value, "person": "Dr. Berta"})
    text = printed(ask)
    for told in (
        "Jens Technik", "RDX Empfang (Laufwerk für Wechselmedien)", "Keller (Netzlaufwerk (NAS), RAID 1, anderer",
        "(Netzlaufwerk (NAS), RAID 5)",
        "Wechselmedien: Fr extern", "offsite: ☑ ja ☐ nein", "onsite: ☑ ja ☐ nein",
        "Wechselmedien: 1", "Nach dem Plan fehlen noch: Mo extern",
        "Kennwort Nr. 3, gültig seit 20.11.2026", "Das Schlüsselblatt wurde noch nicht gedruckt",
        "☑ Mo ☑ Di ☑ Mi ☑ Do ☑ Fr ☐ Sa ☐ So", "☐ Uhrzeit ☑ manuell, am Empfang", "Art: NAS · Zeitpunkt: täglich, 01:30",
        "Zusatzsicherung 2 keine", "Monitoring ☐ ja ☑ nein", "Bilder: /srv/bilder", "• Anna Muster, 01.09.2026",
        "zuletzt gut am 20.11.2026, 18:15 auf „Fr extern“", "1.284.331", "außerhalb der Praxis Carla Carry",
        "noch nicht geprüft", "Größe der Sicherung", "GB",
    ):  # fmt: skip
        assert told in text, told
    assert "vault-name" not in text and "Kennwort Nr. 3, 1" not in text and "Kennwort Nr. 1" not in text
    english = ask.client.get(
        "/api/v1/backups/protocol.pdf",
        headers={"Authorization": f"Bearer {ask.keys['desk']}", "Accept-Language": "en"},
    )
    said = PdfReader(BytesIO(english.content)).pages[0].extract_text()
    assert "Backup record" in said and "Sicherungsgerät" not in said


def test_what_no_plan_covers_is_an_issue_until_it_is_in_or_left_out(
    house: House, ask: Ask, here: list[MachineFacts], tmp_path: Path
) -> None:
    top = tmp_path / "winacs"
    (top / "Foto").mkdir(parents=True)
    disks = (Disk(volume="/"), Disk(volume=OTHER))
    here[0] = MachineFacts(host="server", at=0, disks=known(disks))
    software = Software(id="s1", product="x.isynet", role="server", data_folder=str(top))
    write(house, lambda tx: software_store.put(tx, software))
    assert codes(house, "backups.coverage") == {}, "without a plan that is what is missing"
    write(house, plan)
    found = ask("desk", "GET", "/coverage")
    things = {one["name"]: one for one in found["things"]}
    assert found["open"] == 3 and set(things) == {
        "x.isynet: SQL",
        str(top / "Foto"),
        OTHER,
    }
    photo, database = things[str(top / "Foto")], things["x.isynet: SQL"]
    other = things[OTHER]
    assert photo["include"] and not database["include"] and not other["include"]
    open_ones = codes(house, "backups.coverage")
    assert set(open_ones) == {f"BackupThing/{one['id']}" for one in things.values()}
    # One click heals a folder.
    owner = ask.practice.desk()
    checks.take_in(house, owner, f"BackupThing/{photo['id']}", {})
    body = {"things": [other["id"]], "decision": "exclude", "reason": "", "person": "Anna"}
    assert ask("owner", "PUT", "/coverage", 422, body)["code"] == "backups.reason_missing"
    assert ask.raw("desk", "PUT", "/coverage", body).status_code == 403
    after = ask("owner", "PUT", "/coverage", body=body | {"reason": "nur Spiele"})
    told = {one["name"]: (one["state"], one["reason"]) for one in after["things"]}
    assert told[OTHER] == ("excluded", "nur Spiele") and told[str(top / "Foto")][0] == "covered"
    record = printed(ask)
    assert all(
        one in record for one in ("OFFEN: x.isynet: Datenbank", "nur Spiele", "☐ SQL-Plugin vorhanden")
    )
    # A database is covered by a source that somebody names.
    include = {"things": [database["id"]], "decision": "include", "person": "Anna"}
    assert ask("owner", "PUT", "/coverage", 422, include)["code"] == coverage.NEEDS_SOURCE
    assert ask("owner", "PUT", "/coverage", 422, include | {"source": "gibt es nicht"})
    spec = {"args": [sys.executable], "files": ["a.bak"]}
    hook = SourceKept("SQL Server", "command", spec, "", "x", 1)
    write(house, lambda tx: store.SOURCE.put(tx, "SQL Server", hook, at=5))
    after = ask("owner", "PUT", "/coverage", body=include | {"source": "SQL Server"})
    assert after["open"] == 0 and codes(house, "backups.coverage") == {}
    write(house, lambda tx: store.SOURCE.remove(tx, "SQL Server"))
    assert list(codes(house, "backups.coverage")) == [f"BackupThing/{database['id']}"]
    assert ask("owner", "PUT", "/coverage", 404, include | {"things": ["0" * 16]})


def test_the_plot_shows_a_line_for_each_job(house: House, ask: Ask) -> None:
    def fill(tx: Tx) -> None:
        for n in range(5):
            ran(tx, FRIDAY - timedelta(days=n), "evening" if n < 4 else "night")
            ran(tx, FRIDAY - timedelta(days=n), "night", "failed")

    write(house, fill)
    got = ask.raw("desk", "GET", "/statistics.svg?figure=seconds&days=30")
    assert got.headers["content-type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(got.text)
    words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"min", "Abend", "Nacht"} <= set(words)
    assert ask.raw("desk", "GET", "/statistics.svg?figure=weight").status_code == 400
    assert "GB" in ask.raw("desk", "GET", "/statistics.svg").text


def test_the_checklist_is_told_whether_the_backup_is_recent_and_proved(house: House, ask: Ask) -> None:
    set_clock(house, at(MONDAY, 12))
    assert proof.answer(house) is None
    proof.start(house)

    def fill(tx: Tx) -> None:
        plan(tx)
        ran(tx, date(2026, 11, 22), "night")

    write(house, fill)
    assert proof.answer(house) is None, "nothing was proved yet, and the plan is young"
    write(house, lambda tx: ran(tx, FRIDAY, "night", kind="prove"))
    assert proof.answer(house) is True
    set_clock(house, at(date(2026, 11, 26), 12))
    assert proof.answer(house) is False


def test_by_command(house: House, ask: Ask, tmp_path: Path) -> None:
    from praxisd.services.backups.cli import backup

    operations = house.registry.operations

    def perform(_folder: Path, name: str, args: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(json.dumps(operations[name].call(house, args)))
        return answer

    def command(*args: str) -> Any:
        return CliRunner().invoke(backup, [*args, "--json"], obj=perform)

    write(house, lambda tx: ran(tx, FRIDAY, "evening"))
    set_clock(house, at(MONDAY, 12))
    shown = command("log")
    assert shown.exit_code == 1 and json.loads(shown.stdout)["days"][0]["day"] == "2026-11-20"
    noted = command("log", "--check", "--person", "Anna")
    assert noted.exit_code == 0 and json.loads(noted.stdout)["check"]["by"] == "Anna"
    said = command("answer", "technician", "Jens", "--person", "Anna")
    assert said.exit_code == 0 and json.loads(command("answers").stdout)["answers"][0]["value"] == "Jens"
    made = command("protocol", "--out", str(tmp_path / "p.pdf"))
    assert made.exit_code == 0 and json.loads(made.stdout)["open"] > 0
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
    software = Software(id="s1", product="easymed", role="server", data_folder="/nirgends")
    write(house, lambda tx: software_store.put(tx, software))
    listed = command("coverage")
    (thing,) = json.loads(listed.stdout)["things"]
    assert listed.exit_code == 1 and thing["state"] == "open"
    out = command("coverage", "--exclude", thing["id"], "--reason", "alt", "--person", "Anna")
    assert out.exit_code == 0 and json.loads(out.stdout)["things"][0]["state"] == "excluded"
    for args in (("log",), ("log", "2026-11-20"), ("answers",), ("coverage",)):
        plain = CliRunner().invoke(backup, [*args, "--lang", "de"], obj=perform)
        assert plain.exit_code == 0 and plain.stdout.strip(), plain.output
