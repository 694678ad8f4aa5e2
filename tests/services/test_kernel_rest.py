"""Settings, jobs, issues and events through the REST door, on both engines: what the console and scripts
meet.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.service import Finding, Severity
from praxisd.testing.practice import key_for, small_practice
from praxisd.testing.trials import settle
from praxisd.web.app import build

ZURICH_DAILY = {"type": "daily", "within": {"type": "at", "time": "06:15"}}
JOB = "/jobs/kernel.purge"


class Rest:
    """A client with one key."""

    def __init__(self, client: TestClient[Any], secret: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None, **headers: str) -> Any:
        all_headers = self.headers | {name.replace("_", "-"): text for name, text in headers.items()}
        got = self.client.request(method, f"/api/v1{path}", headers=all_headers, json=body)
        assert got.status_code == status, got.text
        self.etag = got.headers.get("etag")
        return got.json()


@pytest.fixture
def owner(house: House) -> Iterator[Rest]:
    practice = small_practice(house)
    settle(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Rest(client, key_for(house, practice, "owner", "Inhaberin"))


@pytest.fixture
def desk(house: House, owner: Rest) -> Rest:
    return Rest(owner.client, key_for(house, small_practice(house), "desk", "Empfang"))


def test_settings_with_words_bounds_and_versions(owner: Rest) -> None:
    found = {s["key"]: s for s in owner("GET", "/settings")["settings"]}
    one = found["kernel.runs_keep_days"]
    assert (one["value"], one["source"], one["kind"], one["low"], one["high"], one["unit"]) == (
        90,
        "default",
        "int",
        1,
        3660,
        "days",
    )
    assert one["label"] == "Auftragsverlauf aufbewahren"
    path = "/settings/kernel.runs_keep_days"
    assert owner("PUT", path, 200, {"value": 30})["source"] == "stored"
    assert owner.etag == '"1"'
    assert owner("PUT", path, 412, {"value": 31}, if_match='"0"')["code"] == "resource.stale"
    assert owner("PUT", path, 422, {"value": 0})["code"] == "settings.invalid"
    assert owner("PUT", path, 422, {"value": "30"})["code"] == "settings.invalid"
    assert owner("PUT", "/settings/kernel.nothing", 404, {"value": 1})["code"] == "settings.unknown"
    assert owner("PUT", path, 200, {"value": None})["value"] == 90


def test_a_job_is_changed_previewed_run_and_its_log_read(house: House, owner: Rest) -> None:
    assert "kernel.purge" in [j["name"] for j in owner("GET", "/jobs")["jobs"]]
    soon = owner("GET", "/jobs?next=3")["jobs"]
    planned = [j["nextAt"] for j in owner("GET", "/jobs")["jobs"] if j["nextAt"]]
    assert [j["nextAt"] for j in soon] == sorted(planned)[:3] and len(soon) == 3
    before = owner("GET", JOB)
    assert (before["enabled"], before["zone"], len(before["upcoming"])) == (True, "Europe/Berlin", 7)
    assert before["nextAt"] == "2026-11-24T03:10:00+01:00"
    shown = owner("POST", JOB + "/preview", 200, {"plan": ZURICH_DAILY})
    assert shown["upcoming"][0] == "2026-11-24T06:15:00+01:00"
    assert owner("GET", JOB)["plan"] == before["plan"]
    after = owner("PUT", JOB, 200, {"plan": ZURICH_DAILY, "missed": "none"}, if_match='"1"')
    assert (after["nextAt"], after["version"], after["missed"]) == ("2026-11-24T06:15:00+01:00", 2, "none")
    assert owner("PUT", JOB, 412, {"enabled": False}, if_match='"1"')["code"] == "resource.stale"
    wrong = {"plan": {"type": "daily", "within": {"type": "at", "time": "24:15"}}}
    assert owner("PUT", JOB, 400, wrong)["code"] == "schedule.bad_time"
    assert owner("PUT", JOB, 422, {"missed": "sometimes"})["code"] == "jobs.bad_policy"
    assert owner("PUT", JOB, 400, {"colour": "red"})["code"] == "http.invalid_body"
    assert owner("GET", "/jobs/kernel.nothing", 404)["code"] == "http.not_found"

    started = owner("POST", JOB + "/run", 202)
    assert started["state"] == "waiting"
    assert owner("POST", JOB + "/run", 409)["code"] == "jobs.already_running"
    settle(house)
    (run,) = owner("GET", JOB + "/runs")["runs"]
    assert (run["id"], run["state"], run["attempt"]) == (started["id"], "success", 1)
    assert run["triggeredBy"].startswith("key:")
    assert run["dueAt"] == "2026-11-23T09:00:00+01:00"
    assert owner("GET", JOB + "/runs?state=failed")["runs"] == []
    assert owner("GET", JOB + "/runs?from=2026-11-24T00:00:00%2B01:00")["runs"] == []
    assert owner("POST", f"{JOB}/runs/{run['id']}/cancel", 409)["code"] == "jobs.already_ended"
    assert owner("POST", f"{JOB}/runs/nothing/cancel", 404)["code"] == "http.not_found"
    for query in ("state=odd", "cursor=-1", "limit=0", "from=2026-11-24"):
        assert owner("GET", f"{JOB}/runs?{query}", 400)["solution"]


def test_the_run_log_pages(house: House, owner: Rest) -> None:
    for _ in range(3):
        owner("POST", JOB + "/run", 202)
        settle(house)
        house.clock.advance(1)  # type: ignore[attr-defined]
    seen, cursor = [], ""
    while cursor is not None:
        page = owner("GET", f"{JOB}/runs?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        seen += [r["dueAt"] for r in page["runs"]]
        cursor = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 3


def test_issues_are_explained_and_ignored(house: House, owner: Rest) -> None:
    finding = Finding("store.disk_low", "", Severity.WARNING, {"free": 100, "limit": 500})
    with house.store.write(system("checks")) as tx:
        issues.raise_issue(tx, finding, "kernel.disk")
    (one,) = [i for i in owner("GET", "/issues")["issues"] if i["code"] == "store.disk_low"]
    assert (one["severity"], one["installation"], one["ignored"]) == ("warning", True, False)
    assert "100 MB" in one["cause"]
    path = "/issues/store.disk_low/ignore"
    assert owner("POST", path, 200, {"reason": "größere Platte bestellt"})["ignored"] is True
    assert owner("POST", path, 200, {"ignored": False})["ignored"] is False
    assert owner("POST", path, 404, {"subject": "other"})["code"] == "http.not_found"


def test_the_activity_log_speaks_in_sentences(owner: Rest) -> None:
    owner("PUT", "/settings/kernel.runs_keep_days", 200, {"value": 30})
    found = owner("GET", "/events?limit=200")
    last = found["events"][-1]
    assert (last["type"], last["subject"]) == ("setting.changed", "Setting/kernel.runs_keep_days")
    assert last["sentence"] == "Einstellung „Auftragsverlauf aufbewahren“ geändert"
    assert last["actor"].startswith("key:")
    assert owner("GET", f"/events?since={found['cursor']}")["events"] == []


def test_who_may_what(desk: Rest) -> None:
    assert desk("GET", "/jobs")["jobs"]
    assert desk("GET", "/issues")
    for method, path, body in (
        ("PUT", JOB, {"enabled": False}),
        ("POST", JOB + "/run", None),
        ("GET", "/settings", None),
        ("PUT", "/settings/kernel.runs_keep_days", {"value": 30}),
        ("POST", "/issues/store.disk_low/ignore", {}),
        ("GET", "/events", None),
    ):
        assert desk(method, path, 403, body)["code"] == "access.forbidden"
