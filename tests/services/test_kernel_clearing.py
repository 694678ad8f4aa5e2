"""Clearing the activity list, on both engines: what is hidden, from whom, and what stays (SPEC 4.7)."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.app import House
from praxisd.testing.practice import small_practice
from praxisd.testing.trials import settle
from praxisd.web.app import build

from .kernel_cast import Desk

SEARCH, CLEAR, ACTIVITY = "/events/search", "/events/clear", "/listings/kernel.activity"


@pytest.fixture
def desk(house: House) -> Iterator[Desk]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Desk(house, practice, client)


def types(desk: Desk, **body: Any) -> list[str]:
    return [one["type"] for one in desk("POST", SEARCH, audit=False, limit=200, **body)["events"]]


def areas(desk: Desk) -> dict[str, tuple[int, int]]:
    return {
        one["area"]: (one["events"], one["errors"])
        for one in desk("GET", "/events/areas")["areas"]
        if one["events"]
    }


def test_an_area_is_cleared_and_begins_anew(desk: Desk) -> None:
    desk.note("appointment.booked")
    desk.note("run.failed", subject_type="Run", subject_id="r", job="kernel.purge", code="jobs.crashed")
    others = {area: found for area, found in areas(desk).items() if area != "jobs"}
    assert areas(desk)["jobs"] == (1, 1)
    desk.house.clock.advance(60)  # type: ignore[attr-defined]
    answer = desk("POST", CLEAR, area="jobs")["areas"]
    assert {a["area"]: a["clearedAt"] for a in answer if a["clearedAt"]} == {
        "jobs": "2026-11-23T09:01:00+01:00"
    }
    assert areas(desk) == others
    assert "run.failed" not in types(desk) and "appointment.booked" in types(desk)
    assert types(desk, area="jobs") == []
    rows = desk("POST", ACTIVITY, limit=200)["rows"]
    assert not any(row["cells"]["area"] == "jobs" for row in rows)
    assert "Abgebrochen" not in desk.ask("POST", ACTIVITY + "/export").text
    desk.note("run.finished", subject_type="Run", subject_id="r2", job="kernel.purge", state="success")
    assert areas(desk)["jobs"] == (1, 0) and types(desk, area="jobs") == ["run.finished"]


def test_everything_is_cleared_and_noted_as_evidence(desk: Desk) -> None:
    desk.note("appointment.booked")
    desk.note("issue.raised", organization=INSTALLATION, subject_type="Issue", subject_id="store.disk_low")
    desk("POST", CLEAR)
    assert areas(desk) == {} and types(desk) == []
    desk("POST", CLEAR, area="calendar")
    found = desk("POST", SEARCH, types=["activity.cleared"])["events"]
    assert [one["sentence"] for one in found] == [
        "Aktivitäten geleert: Kalender",
        "Aktivitäten geleert: alle Bereiche",
    ]
    assert found[0]["actorName"] == "Zugang owner" and found[0]["area"] == "settings"
    english = desk("POST", SEARCH, lang="en", types=["activity.cleared"])["events"][1]["sentence"]
    assert english == "Activities cleared: all areas"
    assert {"activity.cleared", "key.created"} <= {
        e["type"] for e in desk("POST", SEARCH, audit=True, limit=200)["events"]
    }
    assert len(desk("POST", "/listings/kernel.audit")["rows"]) > 1


def test_feeds_records_and_runs_forget_nothing(desk: Desk) -> None:
    settle(desk.house)
    run = desk("POST", "/jobs/kernel.purge/run")
    settle(desk.house)
    desk.note("appointment.booked", subject_id="t7")
    before = desk("GET", "/events?limit=200")["events"]
    desk("POST", CLEAR)
    after = desk("GET", "/events?limit=200")["events"]
    assert [one["seq"] for one in after[: len(before)]] == [one["seq"] for one in before]
    assert types(desk, subjectType="Appointment", subjectId="t7") == ["appointment.booked"]
    assert desk("GET", f"/jobs/kernel.purge/runs/{run['id']}")["state"] == "success"
    assert desk("POST", "/listings/kernel.runs")["total"] == 1


def test_another_practice_keeps_its_list(desk: Desk) -> None:
    other = Desk(desk.house, small_practice(desk.house), desk.client)
    for one in (desk, other):
        one.note("appointment.booked")
    desk.note("issue.raised", organization=INSTALLATION, subject_type="Issue", subject_id="store.disk_low")
    desk("POST", CLEAR)
    assert areas(desk) == {}
    assert areas(other)["issues"] == (1, 1) and "appointment.booked" in types(other)


def test_only_who_may_clears_and_only_what_there_is(desk: Desk) -> None:
    for role in ("desk", "partner"):
        assert desk.refused("POST", CLEAR, role) == (403, "access.forbidden")
    assert desk.refused("POST", CLEAR, area="nowhere") == (404, "http.not_found")
    assert desk.refused("POST", CLEAR, colour="red") == (400, "http.invalid_body")
    assert "activity.cleared" not in {
        e["type"] for e in desk("POST", SEARCH, audit=True, limit=200)["events"]
    }
