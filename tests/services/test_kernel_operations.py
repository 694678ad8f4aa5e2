"""What the kernel's commands do, on both engines, and the ear through which a running server hears them."""

import http.client
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import control
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.control import Control, ask, owning, perform, run, server, write_private
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.jobs import Worker
from praxisd.model.places import Organization
from praxisd.services.directory import api as directory


def code_of(house: House, operation: str, **args: Any) -> str:
    with pytest.raises(Problem) as caught:
        perform(house, operation, args)
    return caught.value.code


def set_up(house: House, name: str) -> str:
    who = system("test", new_id())
    return house.store.run(who, lambda tx: directory.create_organization(tx, Organization(name=name)).id)


@pytest.fixture
def practices(house: House) -> House:
    """A house that knows its practices, as the composition root arranges it."""
    house.shared["organizations"] = directory.organization_ids
    return house


def test_settings_are_given_as_text_and_come_back_typed(house: House) -> None:
    def put(key: str, value: str | None) -> Any:
        return perform(house, "kernel.settings_set", {"key": key, "value": value})

    assert put("kernel.runs_keep_days", "30")["value"] == 30
    assert put("kernel.zone", "Europe/Zurich")["value"] == "Europe/Zurich"
    assert put("kernel.runs_keep_days", None)["source"] == "default"
    assert (
        code_of(house, "kernel.settings_set", key="kernel.runs_keep_days", value="many") == "settings.invalid"
    )
    assert code_of(house, "kernel.settings_set", key="kernel.zone", value="Mars/Base") == "settings.invalid"
    assert code_of(house, "kernel.settings_set", key="no.such", value="1") == "settings.unknown"
    assert code_of(house, "kernel.settings_set", key=5) == "control.bad_arguments"
    listed = {s["key"]: s for s in perform(house, "kernel.settings_list", {"lang": "en"})["settings"]}
    assert set(listed) >= set(house.registry.settings) - {
        k for k, s in house.registry.settings.items() if s.scope.value in ("seat", "user")
    }
    assert (listed["kernel.zone"]["value"], listed["kernel.zone"]["source"]) == ("Europe/Zurich", "stored")


def test_doctor_speaks_both_languages(house: House) -> None:
    house.folder.chmod(0o755)
    german = perform(house, "kernel.doctor", {"lang": "de"})
    english = perform(house, "kernel.doctor", {"lang": "en"})
    house.folder.chmod(0o700)
    assert german["checked"] == english["checked"] == [c.name for c in house.registry.checks]

    def about(answer: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = next(i for i in answer["issues"] if i["code"] == "store.folder_open")
        return found

    assert about(german)["severity"] == "error" and about(german)["title"] != about(english)["title"]
    after = perform(house, "kernel.doctor", {})["issues"]
    assert "store.folder_open" not in {i["code"] for i in after}


def test_several_practices_must_be_named(practices: House) -> None:
    first = set_up(practices, "Eins")
    assert perform(practices, "kernel.settings_list", {})["settings"]
    second = set_up(practices, "Zwei")
    assert code_of(practices, "kernel.settings_list") == "control.organization_needed"
    assert code_of(practices, "kernel.settings_list", organization="other") == "http.not_found"
    key = "calendar.hold_seconds"
    perform(practices, "kernel.settings_set", {"key": key, "value": "60", "organization": first})

    def value(organization: str) -> Any:
        known = perform(practices, "kernel.settings_list", {"organization": organization})["settings"]
        return {s["key"]: s["value"] for s in known}[key]

    assert (value(first), value(second)) == (60, 300)


def test_jobs_are_seen_switched_planned_and_run(house: House) -> None:
    worker = Worker(house)
    worker.step()

    def jobs(operation: str, **args: Any) -> Any:
        return perform(house, f"kernel.jobs_{operation}", {"name": "kernel.purge", **args})

    assert "kernel.purge" in {one["name"] for one in jobs("list")["jobs"]}
    shown = jobs("show", lang="en")
    assert len(shown["upcoming"]) == 7 and shown["title"]
    plan = {"type": "weekly", "within": {"type": "at", "time": "05:00"}, "days": ["sun"]}
    changed = jobs("schedule", plan=plan, missed="none")
    assert [due[11:16] for due in changed["upcoming"]] == ["05:00"] and changed["missed"] == "none"
    assert jobs("enable", enabled=False)["nextAt"] is None
    assert jobs("enable", enabled=True)["nextAt"] == changed["upcoming"][0]
    assert jobs("run")["state"] == "waiting"
    assert code_of(house, "kernel.jobs_run", name="kernel.purge") == "jobs.already_running"
    worker.step()
    assert worker.wait_idle(20)
    log = jobs("log", states=["success"], limit=5)["runs"]
    assert [one["state"] for one in log] == ["success"] and log[0]["triggeredBy"] == "cli:cli"
    worker.stop()
    assert code_of(house, "kernel.jobs_show", name="no.such") == "http.not_found"
    for wrong in ({"enabled": "yes"}, {}):
        assert code_of(house, "kernel.jobs_enable", name="kernel.purge", **wrong) == "control.bad_arguments"
    for wrong in ({"limit": 0}, {"limit": "many"}, {"states": ["asleep"]}):
        assert code_of(house, "kernel.jobs_log", name="kernel.purge", **wrong) == "control.bad_arguments"
    assert (
        code_of(house, "kernel.jobs_schedule", name="kernel.purge", plan={"type": "x"})
        == "schedule.malformed"
    )
    assert code_of(house, "kernel.jobs_show") == "control.bad_arguments"


def test_maintenance_begins_and_ends(house: House) -> None:
    assert perform(house, "kernel.maintenance_state", {}) == {"active": False}
    begun = perform(house, "kernel.maintenance_begin", {"minutes": 5, "reason": "update"})
    assert (begun["active"], begun["reason"], begun["holder"]) == (True, "update", "cli")
    assert perform(house, "kernel.maintenance_state", {}) == begun
    assert perform(house, "kernel.maintenance_end", {}) == {"ended": True}
    assert perform(house, "kernel.maintenance_end", {}) == {"ended": False}
    for wrong in ({"minutes": 0}, {"minutes": "5"}, {"minutes": 5, "reason": "A whole sentence."}):
        assert code_of(house, "kernel.maintenance_begin", **wrong) == "control.bad_arguments"


def test_unknown_operations_have_a_code(house: House) -> None:
    assert code_of(house, "kernel.no_such") == "control.unknown_operation"
    assert perform(house, "kernel.migrate", {})["revisions"]


# The ear of a running server


@pytest.fixture
def ear(sqlite_houses: Any) -> Iterator[tuple[House, dict[str, Any]]]:
    """A house whose control endpoint listens, and what its control.json says."""
    house = sqlite_houses.open()
    with owning(house.folder):
        listening = Control(house)
        listening.start("http://127.0.0.1:1")
        found = server(house.folder)
        assert found is not None
        yield house, found
        listening.stop()
    assert server(house.folder) is None


def post(found: dict[str, Any], path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", found["port"], timeout=10)
    connection.request("POST", path, body, {"Authorization": f"Bearer {found['token']}", **headers})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_the_ear_performs_for_who_has_the_token(ear: tuple[House, dict[str, Any]]) -> None:
    house, found = ear
    assert ask(found, "kernel.maintenance_state", {}) == {"active": False}
    assert run(house.folder, "kernel.maintenance_state", {}, lambda: house)["active"] is False
    for token in ("", "Bearer ", "Bearer wrong", f"Bearer {found['token']}x"):
        status, answer = post(found, "/kernel.maintenance_state", b"{}", Authorization=token)
        assert (status, answer["problem"]["code"]) == (401, "access.forbidden")
    with pytest.raises(Problem, match="no_server"):
        ask({**found, "token": "wrong"}, "kernel.maintenance_state", {})


def test_the_ear_refuses_what_is_no_call(ear: tuple[House, dict[str, Any]]) -> None:
    _house, found = ear
    for body in (b"[]", b"{", b"\xff", b'"text"'):
        assert post(found, "/kernel.doctor", body) == (
            400,
            {"problem": {"code": "control.bad_arguments", "retry": False, "params": {}, "detail": None}},
        )
    status, answer = post(found, "/kernel.doctor", b"", **{"Content-Length": str(control.BODY_LIMIT + 1)})
    assert (status, answer["problem"]["code"]) == (413, "control.too_large")
    assert post(found, "/kernel.no_such", b"{}")[0] == 404


def test_a_problem_of_the_server_is_the_same_problem_here(ear: tuple[House, dict[str, Any]]) -> None:
    _house, found = ear
    with pytest.raises(Problem) as caught:
        ask(found, "kernel.settings_set", {"key": "kernel.zone", "value": ""})
    assert (caught.value.code, caught.value.status) == ("settings.invalid", 422)
    assert caught.value.params["key"] == "kernel.zone"
    with pytest.raises(Problem) as caught:
        ask(found, "kernel.jobs_log", {"name": "kernel.purge", "states": 5})
    assert caught.value.code == "control.failed"


def test_the_lock_says_who_works(tmp_path: Path) -> None:
    def never() -> House:
        raise AssertionError("no house is needed")

    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Problem, match=r"control\.no_practice"):
            run(folder, "kernel.doctor", {}, never, founded=lambda: False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Problem, match="no_server"):
        run(tmp_path, "kernel.jobs_list", {}, never, offline=lambda _name: False)
    with owning(tmp_path), pytest.raises(Problem, match="folder_in_use"), owning(tmp_path):
        raise AssertionError("two owners")


def test_who_holds_the_folder_without_answering_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "STARTING_S", 0.2)
    with owning(tmp_path), pytest.raises(Problem) as caught:
        run(tmp_path, "kernel.doctor", {}, lambda: pytest.fail("opened"))
    assert (caught.value.code, caught.value.retry) == ("control.busy", True)


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    for text in ("first", "zweite"):
        write_private(path, text)
        assert path.read_text() == text and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["access.json"]
