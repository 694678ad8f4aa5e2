"""The doors of the runs: how it stands today, a backup by a click, its detail, statistics; commands do the same."""

from pathlib import Path

import msgspec
import pytest
from tests.services.backups_scene import SYSTEM, Scene
from tests.services.diagnosis_cast import opened

from praxisd.kernel import jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.job_plan import Planner
from praxisd.services.backups import store
from praxisd.services.backups.runs import checks, operations, queueing, recording, watching
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Scene:
    return Scene(sqlite_houses.open(), tmp_path)


def test_a_backup_by_a_click_and_how_it_stands_then(scene: Scene) -> None:
    house = scene.house
    with opened(house, small_practice(house)) as door:
        none = door("GET", "/backups/overview")
        assert (none["plan"], none["protected"]["state"], none["running"]) == (None, "none", None)
        door("POST", "/backups/runs", status=404, json={})
        scene.plan()
        nas = scene.medium(scene.drive("nas"), "nas")
        assert door("GET", "/backups/overview")["protected"]["state"] == "red"
        asked = door("POST", "/backups/runs", role="desk", status=202, json={"job": "night"})
        assert (asked["state"], asked["slot"], asked["label"]) == ("waiting", "nas", "NAS")
        assert door("POST", "/backups/runs", status=202, json={"job": "night"})["id"] == asked["id"]
        queueing.work(house, stop=lambda: False)
        run = door("GET", f"/backups/runs/{asked['id']}")
        assert (run["state"], run["medium"]) == ("good", nas)
        assert {one["name"] for one in run["sources"]} == {"praxisd database", "praxisd"}
        seen = door("GET", "/backups/overview", role="desk")
        assert seen["lastGood"]["id"] == run["id"] and seen["media"][0]["states"] == 1
        assert seen["engine"]["ok"] and seen["protected"]["state"] == "yellow"
        proof = door("POST", "/backups/prove", status=202, json={})
        queueing.work(house, stop=lambda: False)
        assert door("GET", f"/backups/runs/{proof['id']}")["state"] == "good"
        green = door("GET", "/backups/overview")
        assert (green["protected"]["state"], green["proof"]["good"]) == ("green", True)
        page = door("GET", "/backups/runs?limit=1")
        assert len(page["runs"]) >= 1
        assert door("GET", "/backups/runs?kind=verify")["runs"] == []
        (row,) = door("GET", "/backups/statistics")["rows"]
        assert (row["run"], row["first"]) == (run["id"], True) and row["bytes"] > 0
        door("POST", f"/backups/runs/{run['id']}/stop", status=409)
        door("GET", "/backups/runs/none", status=404)


def test_names_of_files_are_for_who_may_restore(scene: Scene) -> None:
    house = scene.house
    run = scene.ask(job="night", slot="nas")
    with house.store.write(SYSTEM) as tx:
        named = (("/praxis/Meier.pdf", "changed"),)
        recording.put(tx, msgspec.structs.replace(run, state="warning", named=named, named_count=1))
    with opened(house, small_practice(house)) as door:
        assert door("GET", f"/backups/runs/{run.id}")["named"] == [
            {"path": "/praxis/Meier.pdf", "code": "changed"}
        ]
        for role in ("desk", "partner"):
            told = door("GET", f"/backups/runs/{run.id}", role=role)
            assert told["named"] is None and told["namedCount"] == 1 and "Meier" not in str(told)


def test_a_plan_switches_the_jobs_on_and_one_that_is_off_is_told(scene: Scene) -> None:
    house = scene.house
    Planner(house).step()
    scene.plan()
    with house.store.write(system("test", INSTALLATION)) as tx:
        for name in checks.wanted("variant2"):
            assert not jobs.get_job(house, tx, name).enabled
        watching.switch_on(house, tx, None)
        assert all(jobs.get_job(house, tx, name).enabled for name in checks.wanted("variant2"))
    assert list(checks.switched_on(house)) == []
    with house.store.write(SYSTEM) as tx:
        jobs.change(house, tx, "backups.prove", enabled=False)
    assert [one.subject for one in checks.switched_on(house)] == ["backups.prove"]
    checks.switch_on(house, SYSTEM, "backups.prove", {})
    assert list(checks.switched_on(house)) == []


def test_a_command_without_a_server_does_it_itself(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas", "NAS im Keller")
    made = operations.now(scene.house, {"medium": "NAS im Keller", "lang": "de"})["run"]
    assert made["state"] == "good"
    assert operations.listed(scene.house, {"lang": "de"})["runs"][0]["id"] == made["id"]
    assert operations.show(scene.house, {"id": made["id"]})["run"]["sources"]
    with scene.house.store.read(SYSTEM) as tx:
        assert not store.RUN.by(tx, "state", "waiting")
