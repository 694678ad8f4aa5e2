"""The activity list, the evidence, the run log, issues checked again and the log, through the door on both engines."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.log import REMEMBERED
from praxisd.kernel.service import Finding, Severity
from praxisd.testing.practice import small_practice
from praxisd.testing.trials import settle
from praxisd.web.app import build

from .kernel_cast import Desk

SEARCH, ACTIVITY, AUDIT = "/events/search", "/listings/kernel.activity", "/listings/kernel.audit"
RUNS, ISSUES = "/listings/kernel.runs", "/listings/kernel.issues"


@pytest.fixture
def desk(house: House) -> Iterator[Desk]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Desk(house, practice, client)


def test_the_newest_comes_first_with_the_name_of_who_did_it(desk: Desk) -> None:
    desk.house.clock.advance(60)  # type: ignore[attr-defined]
    (key,) = [k for k in desk("GET", "/keys")["keys"] if k["name"] == "Zugang desk"]
    desk.note("appointment.booked", f"key:{key['id']}", version=1)
    desk.note(
        "run.failed",
        "job:kernel.purge",
        subject_type="Run",
        subject_id="r1",
        job="kernel.purge",
        code="jobs.crashed",
    )
    first, second = desk("POST", SEARCH, limit=2)["events"]
    assert (first["type"], first["area"], first["alert"]) == ("run.failed", "jobs", True)
    assert first["sentence"] == "Auftrag „Altes aufräumen“ fehlgeschlagen: Auftrag abgebrochen"
    assert first["actorName"] == "Altes aufräumen"
    assert (second["area"], second["alert"], second["actorName"]) == ("calendar", False, "Zugang desk")
    assert second["at"] == "2026-11-23T09:01:00+01:00"
    english = desk("POST", SEARCH, lang="en", limit=1)["events"][0]
    title = desk.house.texts.get("job.kernel.purge.title", "en")
    assert english["sentence"].startswith(f"Job “{title}” failed: ") and english["actorName"] == title


def test_search_by_area_kind_record_actor_and_period(desk: Desk) -> None:
    clock: Any = desk.house.clock
    clock.advance(3600)
    desk.note("appointment.booked", "cli")
    clock.advance(3600)
    desk.note("appointment.cancelled", "system:portal", subject_id="t2")
    desk.note("issue.raised", "system:checks", subject_type="Issue", subject_id="store.disk_low")

    def types(**body: Any) -> list[str]:
        return [one["type"] for one in desk("POST", SEARCH, **body)["events"]]

    calendar = {"from_": "2026-11-23T10:00:00+01:00"}
    assert types(area="calendar", **calendar) == ["appointment.cancelled", "appointment.booked"]
    assert types(area="issues") == ["issue.raised"]
    assert types(area="nowhere") == []
    assert types(types=["appointment.booked", "issue.raised"]) == ["issue.raised", "appointment.booked"]
    assert types(area="calendar", types=["issue.raised"]) == []
    assert types(subjectType="Appointment", subjectId="t2") == ["appointment.cancelled"]
    assert types(actor="cli:cli", **calendar) == ["appointment.booked"]
    assert types(error=True, types=["appointment.booked", "issue.raised"]) == ["issue.raised"]
    assert types(error=False, **calendar) == ["appointment.cancelled", "appointment.booked"]
    assert types(area="calendar", error=True) == []
    assert types(to="2026-11-23T10:30:00+01:00", **calendar) == ["appointment.booked"]
    (raised,) = desk("POST", SEARCH, area="issues")["events"]
    assert raised["sentence"] == "Meldung „Wenig Speicherplatz“ ist aufgetreten"
    for body, code in (
        ({"from_": "2026-11-23"}, "clock.bad_time"),
        ({"to": "2026-11-23T10:00:00"}, "clock.naive_time"),
        ({"cursor": "x"}, "http.invalid_body"),
        ({"limit": 0}, "http.invalid_body"),
        ({"colour": 1}, "http.invalid_body"),
    ):
        assert desk.refused("POST", SEARCH, **body) == (400, code)


def test_search_pages_to_the_oldest(desk: Desk) -> None:
    for number in range(5):
        desk.note("appointment.booked", subject_id=f"t{number}")
    seen, cursor = [], None
    while True:
        page = desk("POST", SEARCH, types=["appointment.booked"], limit=2, cursor=cursor)
        seen += [one["subject"] for one in page["events"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"Appointment/t{n}" for n in (4, 3, 2, 1, 0)]


def test_evidence_is_for_the_owner_alone(desk: Desk) -> None:
    desk.note("patient.seen", "cli", subject_type="Patient", subject_id="p1")
    desk.note("appointment.booked")
    everything = {one["type"] for one in desk("POST", SEARCH, limit=200)["events"]}
    assert {"patient.seen", "appointment.booked", "key.created"} <= everything
    assert {one["type"] for one in desk("POST", SEARCH, audit=False, limit=200)["events"]}.isdisjoint(
        {"patient.seen", "key.created"}
    )
    only = {one["type"] for one in desk("POST", SEARCH, audit=True, limit=200)["events"]}
    assert "patient.seen" in only and "appointment.booked" not in only
    partner = {one["type"] for one in desk("POST", SEARCH, "partner", limit=200)["events"]}
    assert "appointment.booked" in partner and partner.isdisjoint({"patient.seen", "key.created"})
    partner = {one["type"] for one in desk("GET", "/events?limit=200", "partner")["events"]}
    assert "appointment.booked" in partner and partner.isdisjoint({"patient.seen", "key.created"})
    assert desk.refused("POST", SEARCH, "partner", audit=True) == (403, "access.forbidden")
    for path in (AUDIT, AUDIT + "/export"):
        assert desk.refused("POST", path, "partner") == (403, "access.forbidden")
    assert desk.refused("POST", SEARCH, "desk") == (403, "access.forbidden")
    rows = desk("POST", AUDIT)["rows"]
    assert ("Patient/p1", "Kommandozeile") in {(r["cells"]["record"], r["cells"]["actor"]) for r in rows}


def test_other_practices_stay_out_and_the_servers_own_work_is_shown(desk: Desk) -> None:
    other = small_practice(desk.house)
    desk.note("appointment.booked", organization=other.organization, subject_id="theirs")
    desk.note("appointment.booked", organization=INSTALLATION, subject_id="odd")
    desk.note(
        "run.finished",
        organization=INSTALLATION,
        subject_type="Run",
        subject_id="r",
        job="kernel.purge",
        state="success",
    )
    found = desk("POST", SEARCH, limit=200)["events"]
    assert "run.finished" in {one["type"] for one in found}
    assert {one["subject"] for one in found}.isdisjoint({"Appointment/theirs", "Appointment/odd"})
    assert "theirs" not in str(desk("POST", ACTIVITY, limit=200))


def test_the_activity_list_as_a_listing(desk: Desk) -> None:
    desk.house.clock.advance(60)  # type: ignore[attr-defined]
    desk.note("appointment.booked")
    desk.note("run.missed", "system:jobs", subject_type="Job", subject_id="kernel.purge", count=3)
    found = desk("POST", ACTIVITY, limit=2)
    assert found["rows"][0]["cells"]["sentence"] == "Auftrag „Altes aufräumen“: 3 Läufe verpasst"
    assert found["rows"][0]["alert"] is True and found["rows"][0]["cells"]["error"] is True
    assert found["rows"][0]["cells"]["actor"] == "praxisd"
    assert found["next"] == "2" and found["total"] is None
    areas = {c["value"]: c["label"] for c in found["columns"][1]["choices"]}
    assert areas["jobs"] == "Aufträge" and areas["calendar"] and len(areas) > 5

    def sentences(**body: Any) -> list[str]:
        return [r["cells"]["sentence"] for r in desk("POST", ACTIVITY, **body)["rows"]]

    assert len(sentences(filters={"error": "true"})) == 1
    assert len(sentences(filters={"area": "jobs"})) == 1
    assert len(sentences(filters={"area": "jobs", "error": "false"})) == 0
    assert sentences(filters={"area": "nowhere", "error": "true"}) == []
    assert len(sentences(filters={"actor": "kommandoZEILE"}, from_="2026-11-23T09:01:00+01:00")) == 1
    assert sentences(filters={"actor": "niemand"}) == []
    assert sentences(sort="at")[-1] == sentences(sort="-at")[0]
    assert sentences(cursor="1", limit=1) == sentences(limit=2)[1:]


def test_areas_count_what_went_wrong(desk: Desk) -> None:
    desk.note("run.failed", subject_type="Run", subject_id="r", job="kernel.purge", code="jobs.crashed")
    desk.note("run.finished", subject_type="Run", subject_id="r", job="kernel.purge", state="success")
    found = {one["area"]: one for one in desk("GET", "/events/areas")["areas"]}
    assert found["jobs"] == {
        "area": "jobs",
        "title": "Aufträge",
        "events": 2,
        "errors": 1,
        "clearedAt": None,
    }
    assert found["issues"]["events"] == 0
    later = desk("GET", "/events/areas?from=2026-11-24T00:00:00%2B01:00")["areas"]
    assert {one["events"] for one in later} == {0}
    assert desk.refused("GET", "/events/areas?from=x") == (400, "clock.bad_time")


def test_all_runs_of_all_jobs(desk: Desk) -> None:
    settle(desk.house)
    for _ in range(3):
        desk("POST", "/jobs/kernel.purge/run")
        settle(desk.house)
        desk.house.clock.advance(5)  # type: ignore[attr-defined]
    found = desk("POST", RUNS, "desk", limit=2)
    assert (found["total"], found["next"], found["period"]) == (3, "2", "due")
    cells = found["rows"][0]["cells"]
    assert (cells["job"], cells["state"], cells["by"]) == ("kernel.purge", "success", "Zugang owner")
    assert cells["due"] > found["rows"][1]["cells"]["due"]
    titles = {c["value"]: c["label"] for c in found["columns"][0]["choices"]}
    assert titles["kernel.purge"] == "Altes aufräumen"

    def count(**body: Any) -> int:
        rows = desk("POST", RUNS, **body)["rows"]
        return len(rows)

    assert count(filters={"job": "kernel.purge"}) == 3 and count(filters={"state": "success"}) == 3
    assert count(filters={"state": "failed"}) == 0 and count(filters={"job": "kernel.nothing"}) == 0
    assert count(from_="2026-11-23T09:00:05+01:00") == 2
    assert count(to="2026-11-23T09:00:05+01:00") == 1
    for sort in ("due", "-due", "started", "-ended", "state", "job"):
        assert count(sort=sort) == 3, sort
    oldest = desk("POST", RUNS, sort="due")["rows"][0]["cells"]["due"]
    assert oldest == desk("POST", RUNS, sort="-due")["rows"][-1]["cells"]["due"]
    assert desk.ask("POST", RUNS + "/export").text.count("\r\n") == 4


def test_runs_of_another_practice_stay_out(desk: Desk) -> None:
    from praxisd.kernel.job_plan import start_now

    other = small_practice(desk.house)
    per_practice = next(n for n, j in desk.house.registry.jobs.items() if j.per.value == "organization")
    for organization in (other.organization, INSTALLATION):
        desk.house.store.run(system("test", organization), lambda tx: start_now(tx, per_practice, "cli:cli"))
    assert desk("POST", RUNS)["rows"] == []


def test_a_run_tells_how_far_it_is(desk: Desk) -> None:
    settle(desk.house)
    run = desk("POST", "/jobs/kernel.purge/run")
    assert run["progress"] is None
    settle(desk.house)
    steps = 4 + len(desk.house.registry.jobs)
    last = desk("GET", "/jobs/kernel.purge")["lastRun"]
    assert (last["id"], last["progress"]) == (run["id"], {"done": steps, "total": steps})
    (job,) = [j for j in desk("GET", "/jobs")["jobs"] if j["name"] == "kernel.purge"]
    assert job["lastRun"] == last


def test_check_again_finds_and_heals(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("store.disk_low", "", Severity.ERROR, {"free": 100, "limit": 500})
    desk.house.store.run(system("checks"), lambda tx: issues.raise_issue(tx, finding, "kernel.disk"))
    assert "store.disk_low" in {i["code"] for i in desk("GET", "/issues", "desk")["issues"]}
    rows = desk("POST", ISSUES, "desk", text="speicherplatz")["rows"]
    assert [(r["cells"]["severity"], r["cells"]["code"], r["alert"]) for r in rows] == [
        ("error", "store.disk_low", True)
    ]
    found = desk("POST", "/issues/check", "desk")["issues"]
    assert "store.disk_low" not in {i["code"] for i in found}
    assert desk.refused("POST", "/issues/check", x=1) == (400, "http.invalid_body")


def test_issues_are_ordered_by_how_bad_they_are(desk: Desk) -> None:
    for severity, code in (
        (Severity.INFO, "store.sqlite_old"),
        (Severity.WARNING, "jobs.failing"),
        (Severity.ERROR, "store.disk_low"),
    ):
        finding = Finding(code, "", severity)
        desk.house.store.run(system("checks"), lambda tx, f=finding: issues.raise_issue(tx, f, "x"))
    rows = desk("POST", ISSUES)["rows"]
    assert [r["cells"]["severity"] for r in rows] == ["error", "warning", "info"]
    assert desk("POST", ISSUES, filters={"severity": "info"})["total"] == 1
    desk("POST", "/issues/store.disk_low/ignore", reason="bestellt")
    assert [r["cells"]["code"] for r in desk("POST", ISSUES, filters={"ignored": "true"})["rows"]] == [
        "store.disk_low"
    ]


def test_the_log_is_looked_at_and_saved(desk: Desk) -> None:
    log = desk.house.log
    for number in range(REMEMBERED + 10):
        log.info("sample_line", count=number)
    log.error("sample_failed", error=ValueError("geheim"))
    found = desk("GET", "/log?limit=3", "partner")
    assert found["node"] == desk.house.node
    assert [line["event"] for line in found["lines"]] == ["sample_failed", "sample_line", "sample_line"]
    first = found["lines"][0]
    assert (first["level"], first["detail"]["error_type"]) == ("error", "ValueError") and first["at"]
    assert found["lines"][1]["detail"]["count"] == REMEMBERED + 9
    older = desk("GET", f"/log?limit=3&cursor={found['next']}", "partner")
    assert [line["detail"]["count"] for line in older["lines"]] == [REMEMBERED + n for n in (7, 6, 5)]
    errors = desk("GET", "/log?level=error")["lines"]
    assert [line["event"] for line in errors] == ["sample_failed"]
    got = desk.ask("GET", "/log/download")
    assert got.headers["content-disposition"] == 'attachment; filename="praxisd-log.txt"'
    lines = got.text.splitlines()
    assert len(lines) == REMEMBERED and "sample_failed" in got.text and "geheim" not in got.text
    for path in ("/log", "/log/download"):
        assert desk.refused("GET", path, "desk") == (403, "access.forbidden")
    assert desk.refused("GET", "/log?level=loud") == (400, "http.invalid_parameter")
