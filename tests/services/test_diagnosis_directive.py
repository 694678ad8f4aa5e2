"""The checklist of § 390 SGB V through the door, on paper, by command, and as a reminder; on both engines."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from pypdf import PdfReader

from praxisd import main
from praxisd.kernel import control, events, issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Finding, Severity
from praxisd.model.machine import MachineFacts, SystemFacts, known
from praxisd.services.diagnosis import machine_clock, machine_store, machine_view, software_store
from praxisd.services.diagnosis.api import answer_backup
from praxisd.services.diagnosis.directive_checks import DUE
from praxisd.services.diagnosis.machine_checks import NTP
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

HERE = MachineFacts(
    host="server",
    at=0,
    os=SystemFacts(name=known("Windows Server 2022"), edition=known("Standard"), version=known("10.0.20348")),
    firewall=known(True),
    antivirus=known(("Defender",)),
    updates_pending=known(3),
)


class Measured:
    """What this computer measures; the test changes it."""

    facts = HERE


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    found = Measured()
    monkeypatch.setattr(machine_view, "facts_of", lambda _house, _host=None: found.facts)
    return found


class Ask:
    """The door with a key of each role."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.client, self.practice = client, practice
        self.keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner")}

    def raw(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        known = {"Authorization": f"Bearer {self.keys[role]}"} | headers
        return self.client.request(method, f"/api/v1{path}", headers=known, json=body)

    def __call__(self, role: str, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        got = self.raw(role, method, path, body)
        assert got.status_code == status, got.text
        return got.json()


@pytest.fixture
def ask(house: House, measured: Measured) -> Iterator[Ask]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Ask(house, practice, client)


def states(answer: Any) -> dict[str, str]:
    return {one["id"]: one["state"] for one in answer["items"]}


def printed(got: Any) -> str:
    """The words on a sheet."""
    assert got.status_code == 200 and got.headers["content-type"] == "application/pdf"
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(got.content)).pages)


def due_ones(house: House) -> list[str]:
    report = issues.run_checks(house, ["diagnosis.directive"])
    return [one.subject for one in report.issues if one.code == DUE]


def test_the_list_fits_the_practice_and_is_measured(ask: Ask, measured: Measured) -> None:
    empty = ask("desk", "GET", "/directive")
    assert (empty["size"], empty["items"]) == (None, [])
    found = ask("owner", "PUT", "/directive/size", body={"size": "small"})
    assert {one["annex"] for one in found["items"]} == {"1", "5", "more"}
    seen = states(found)
    # A server that is sound says nothing of the border of the network, of programs, or of the other computers.
    assert set(seen.values()) == {"open"}
    one = next(one for one in found["items"] if one["id"] == "a1_14")
    assert one["measured"].startswith(
        "Updates des Betriebssystems warten, aber noch nicht länger als 14 Tage"
    )
    one = next(one for one in found["items"] if one["id"] == "a1_11")
    assert one["measured"].startswith("Die Firewall des Betriebssystems ist eingeschaltet (server).")
    assert one["measured"].endswith("Die Anzahl der Geräte tragen Sie unter „Praxissoftware“ ein.")
    clock = next(one for one in found["items"] if one["id"] == "more_clock")
    assert clock["measured"].startswith("Nicht feststellbar: Es ist kein Zeitserver eingetragen")
    assert found["counts"]["bad"] == 0 and sum(found["counts"].values()) == len(found["items"])
    measured.facts = msgspec.structs.replace(HERE, firewall=known(False), updates_pending=known(0))
    seen = states(ask("desk", "GET", "/directive"))
    assert (seen["a1_11"], seen["a1_14"]) == ("bad", "open")
    more = ask("owner", "PUT", "/directive/size", body={"size": "large", "largeDevices": True})
    assert {one["annex"] for one in more["items"]} == {"1", "2", "3", "4", "5", "more"}
    assert [one["id"] for one in more["annexes"]] == ["1", "2", "3", "4", "5", "more"]


def test_a_computer_that_reported_counts_too(house: House, ask: Ask) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    old = MachineFacts(host="empfang", at=0, os=SystemFacts(name=known("Windows 7")), firewall=known(True))
    house.store.run(system("test"), lambda tx: machine_store.put(tx, old, "workstation"))
    found = {one["id"]: one for one in ask("owner", "GET", "/directive")["items"]}
    assert found["a1_16"]["state"] == "bad" and found["a1_16"]["measured"].endswith("empfang.")
    assert found["more_virus"]["state"] == "open" and "empfang" in found["more_virus"]["measured"]


def test_the_ten_seats_nobody_measured_are_told_of(house: House, ask: Ask, clock: FrozenClock) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    used = Software(id="s", product="x.concept", role="server", devices=2)
    house.store.run(system("test"), lambda tx: software_store.put(tx, used))
    seat = msgspec.structs.replace(HERE, host="empfang", updates_pending=known(0))

    def told() -> str:
        one = next(one for one in ask("owner", "GET", "/directive")["items"] if one["id"] == "a1_16")
        assert one["state"] == "open"
        return str(one["measured"])

    assert told().endswith("Frische Angaben gibt es von 0 der 2 Arbeitsplätze, von den übrigen nicht.")
    for host in ("empfang", "zimmer"):
        seat = msgspec.structs.replace(seat, host=host)
        house.store.run(system("test"), lambda tx, now=seat: machine_store.put(tx, now, "workstation"))  # type: ignore[misc]
    assert told() == "Das Betriebssystem erhält noch Sicherheitsupdates (empfang, server, zimmer)."
    clock.advance(timedelta(days=8).total_seconds())
    assert told() == "Nicht feststellbar auf empfang, zimmer: Die letzten Angaben sind älter als 7 Tage."


def test_updates_that_wait_for_long_are_bad(
    house: House, ask: Ask, clock: FrozenClock, measured: Measured
) -> None:
    def state() -> str:
        due_ones(house)
        return states(ask("owner", "GET", "/directive"))["a1_14"]

    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    assert state() == "open"
    clock.advance(timedelta(days=15).total_seconds())
    assert state() == "bad"
    measured.facts = msgspec.structs.replace(HERE, updates_pending=known(0))
    assert state() == "open"
    measured.facts = HERE
    assert state() == "open"


def test_the_clock_is_good_only_if_a_time_server_answered_lately(
    house: House, ask: Ask, clock: FrozenClock
) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})

    def shown() -> tuple[str, str]:
        one = next(one for one in ask("owner", "GET", "/directive")["items"] if one["id"] == "more_clock")
        return one["state"], one["measured"]

    def compared(ahead: float) -> None:
        machine_clock.note(house, machine_clock.Compared("zeit.example", 123, ahead, house.clock.now()))

    house.store.run(system("test"), lambda tx: house.settings.put(tx, NTP, "zeit.example"))
    assert shown() == (
        "open",
        "Nicht feststellbar: Seit einem Tag hat kein eingetragener Zeitserver geantwortet.",
    )
    compared(0.2)
    assert shown() == ("good", "Die Uhr des Servers stimmt mit dem Zeitserver zeit.example überein.")
    clock.advance(timedelta(hours=25).total_seconds())
    assert shown()[0] == "open"
    compared(-40.0)
    assert shown()[0] == "bad"
    compared(0.0)
    house.store.run(system("test"), lambda tx: house.settings.put(tx, NTP, "andere.example"))
    assert shown()[0] == "open"


def test_praxisds_own_backup_does_not_stand_for_the_practices(house: House, ask: Ask) -> None:
    said: list[bool | None] = [None]

    def state() -> str:
        return states(ask("owner", "GET", "/directive"))["more_backup"]

    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    assert state() == "open"
    answer_backup(house, lambda: said[0])
    assert state() == "open"
    for said[0], wanted in ((True, "open"), (False, "bad")):
        assert state() == wanted
    said[0] = True
    late = Finding("backups.trial", "", Severity.WARNING)
    house.store.run(system("test"), lambda tx: issues.raise_issue(tx, late, "backups.trial"))
    assert state() == "bad"


def test_a_reminder_is_done_comes_due_and_heals(house: House, ask: Ask, clock: FrozenClock) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    path, done = "/directive/a1_2", {"state": "done", "person": "Eva Muster", "note": "Schlüssel zurück"}
    ask("desk", "PUT", path, 403, done)
    assert ask("owner", "PUT", path, 422, {"state": "done"})["code"] == "diagnosis.directive_person_missing"
    late = done | {"due": "2026-11-23"}
    assert ask("owner", "PUT", path, 422, late)["code"] == "diagnosis.directive_due_invalid"
    ask("owner", "PUT", "/directive/a9_9", 404, done)
    ask("owner", "PUT", path, 400, {"state": "perhaps"})
    found = {one["id"]: one for one in ask("owner", "PUT", path, body=done)["items"]}
    one = found["a1_2"]
    assert (one["state"], one["person"], one["due"]) == ("done", "Eva Muster", "2027-11-23")
    assert due_ones(house) == []
    clock.advance(timedelta(days=366).total_seconds())
    assert due_ones(house) == ["Directive/a1_2"]
    (issue,) = [i for i in ask("owner", "GET", "/issues")["issues"] if i["code"] == DUE]
    assert "bis zum 23.11.2027" in issue["cause"]
    assert "Ausscheidende Mitarbeitende abmelden" in issue["cause"] and "Eva" not in str(issue)
    assert "Praxisleitung" in issue["hint"]
    assert states(ask("desk", "GET", "/directive"))["a1_2"] == "due"
    ask("owner", "PUT", path, body=done)
    assert due_ones(house) == []
    with house.store.read(system("test", ask.practice.organization)) as tx:
        noted = [e for e in events.since(tx, 0) if e.type == "directive.noted"]
    assert {e.subject for e in noted} == {"Directive/size", "Directive/a1_2"}
    assert "Eva" not in str(noted)


def test_what_is_measured_as_good_is_not_due(
    house: House, ask: Ask, clock: FrozenClock, measured: Measured
) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    for item in ("a1_14", "more_clock"):
        ask("owner", "PUT", f"/directive/{item}", body={"state": "done", "person": "Eva"})
    clock.advance(timedelta(days=400).total_seconds())
    house.store.run(system("test"), lambda tx: house.settings.put(tx, NTP, "zeit.example"))
    measured.facts = msgspec.structs.replace(HERE, updates_pending=HERE.memory_gb)  # type: ignore[arg-type]
    assert due_ones(house) == ["Directive/a1_14", "Directive/more_clock"]
    machine_clock.note(house, machine_clock.Compared("zeit.example", 123, 0.1, house.clock.now()))
    assert due_ones(house) == ["Directive/a1_14"]
    ask("owner", "PUT", "/directive/a1_14", body={"state": "not_applicable"})
    assert due_ones(house) == []


def test_the_partner_sees_no_names(ask: Ask) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    ask("owner", "PUT", "/directive/a1_1", body={"state": "done", "person": "Eva Muster", "note": "Herr M."})
    assert "Eva Muster" in printed(ask.raw("owner", "GET", "/directive/sheet.pdf"))
    for text in (
        printed(ask.raw("partner", "GET", "/directive/sheet.pdf")),
        str(ask("partner", "GET", "/directive")),
    ):
        assert "Neue Mitarbeitende einweisen" in text and "Eva Muster" not in text and "Herr M." not in text
    one = next(one for one in ask("partner", "GET", "/directive")["items"] if one["id"] == "a1_1")
    assert (one["state"], one["person"], one["note"]) == ("done", "", "")


def test_the_sheet_can_be_printed_in_both_languages(ask: Ask) -> None:
    ask("owner", "PUT", "/directive/size", body={"size": "medium"})
    ask("owner", "PUT", "/directive/a1_1", body={"state": "done", "person": "Eva Muster"})
    for lang, title in (
        ("de", "Checkliste IT-Sicherheitsrichtlinie"),
        ("en", "Checklist of the IT security"),
    ):
        got = ask.raw("owner", "GET", "/directive/sheet.pdf", **{"Accept-Language": lang})
        text = printed(got)
        assert title in text and "Eva Muster" in text


def test_it_is_there_in_safe_mode(house: House, ask: Ask) -> None:
    house.safe = True
    ask("owner", "PUT", "/directive/size", body={"size": "small"})
    done = {"state": "done", "person": "Eva"}
    assert states(ask("owner", "PUT", "/directive/a1_1", body=done))["a1_1"] == "done"
    assert states(ask("desk", "GET", "/directive"))["a1_1"] == "done"
    assert "Eva" in printed(ask.raw("desk", "GET", "/directive/sheet.pdf"))


def test_it_can_be_kept_by_command(house: House, measured: Measured) -> None:
    small_practice(house)
    perform = control.perform
    assert perform(house, "diagnosis.directive_list", {})["size"] is None
    listed = perform(house, "diagnosis.directive_size", {"size": "small", "lang": "en"})
    assert next(one for one in listed["items"] if one["id"] == "a1_1")["title"] == "Introduce new staff"
    given = {"item": "a1_1", "state": "done", "person": "Eva", "due": "2027-01-15"}
    (one,) = perform(house, "diagnosis.directive_set", given)["items"]
    assert (one["state"], one["due"]) == ("done", "2027-01-15")
    with pytest.raises(Problem, match="bad_arguments"):
        perform(house, "diagnosis.directive_set", {"item": "a1_1", "state": "perhaps"})
