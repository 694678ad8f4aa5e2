"""Devices at the door: REST, commands, and events that tell no names."""

import json
import os
import time
from pathlib import Path

import pytest
from litestar.testing import TestClient
from tests.services.devices_cast import Scene, result

from praxisd import main
from praxisd.kernel import job_claim, job_store, jobs
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import after
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.store import Tx
from praxisd.services.exchange import devices_job, devices_operations
from praxisd.testing.practice import key_for
from praxisd.web.app import build


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Scene:
    return Scene(house, tmp_path)


def test_by_rest(scene: Scene, tmp_path: Path) -> None:
    """Set up, send, look, see, decide; a stranger's folder, a double name and a stale version are refused."""
    house = scene.house
    key, desk = (
        key_for(house, scene.practice, "owner", "Inhaberin"),
        key_for(house, scene.practice, "desk", "Empfang"),
    )
    owner, front = ({"Authorization": f"Bearer {one}"} for one in (key, desk))
    with TestClient(build(house, main.doors(house))) as client:
        base = "/api/v1/exchange"
        folder = tmp_path / "rest"
        folder.mkdir()
        body = {"name": "OPG", "folderIn": str(folder), "folderOut": str(folder), "receiver": "OPG1"}
        assert client.post(f"{base}/devices", headers=front, json=body).status_code == 403
        made = client.post(f"{base}/devices", headers=owner, json=body)
        assert made.status_code == 201
        id_ = made.json()["id"]
        for wrong, code in (
            ({**body, "name": "X"}, "exchange.device_field"), (body, "exchange.device_name_taken"),
            ({**body, "name": "Y", "folderIn": str(house.folder / "x")}, "exchange.device_field"),
            ({**body, "name": "Y", "folderIn": "relative"}, "exchange.device_field"),
            ({**body, "name": "Y", "folderIn": "", "folderOut": ""}, "exchange.device_field"),
        ):  # fmt: skip
            assert client.post(f"{base}/devices", headers=owner, json=wrong).json()["code"] == code
        asked = client.post(
            f"{base}/devices/{id_}/request", headers=front, json={"patient": scene.practice.patient}
        )
        assert asked.status_code == 201 and asked.json() == {"file": "OPG1PRAXISD.gdt"}
        path = folder / "r.gdt"
        path.write_bytes(result("99", family="Muster", given="Erika", born="02011970"))
        os.utime(path, (time.time() - 60, time.time() - 60))
        looked = client.post(f"{base}/devices/{id_}/look", headers=front).json()
        assert looked == {"taken": 0, "doubts": 1, "known": 0, "aside": 0, "waiting": 0}
        found = client.post(f"{base}/results/search", headers=front, json={"state": "doubt"}).json()[
            "results"
        ]
        assert [one["why"] for one in found] == ["exchange.device_patient_unknown"]
        assert found[0]["reason"] and found[0]["patientName"] is None
        one = client.get(f"{base}/results/{found[0]['id']}", headers={**front, "Accept-Language": "en"})
        assert [person["id"] for person in one.json()["candidates"]] == [scene.practice.patient]
        assert {"line": 4, "field": "3101", "label": "Name", "text": "Muster"} in [
            {**part, "line": 4} for part in one.json()["lines"]
        ]
        decide = f"{base}/results/{found[0]['id']}/decide"
        stale = {**front, "If-Match": '"7"'}
        assert client.post(decide, headers=stale, json={"patient": None}).status_code == 412
        wrong_ = client.post(decide, headers=front, json={"patient": "nobody"})
        assert (wrong_.status_code, wrong_.json()["code"]) == (422, "directory.patient_unknown")
        done = client.post(decide, headers=front, json={"patient": scene.practice.patient}).json()
        assert (done["state"], done["patientName"], done["version"]) == ("taken", "Erika Muster", 2)
        mine = client.post(f"{base}/results/search", headers=front, json={"patient": scene.practice.patient})
        assert len(mine.json()["results"]) == 1
        gone = client.post(decide, headers=front, json={"patient": None}).json()
        assert (gone["state"], gone["patient"]) == ("discarded", None)
        shown = client.get(f"{base}/devices/{id_}", headers=owner)
        assert shown.json()["state"]["taken"] == 1
        changed = client.put(f"{base}/devices/{id_}", headers=owner, json={**body, "active": False})
        assert changed.status_code == 200
        assert (
            client.post(f"{base}/devices/{id_}/look", headers=front).json()["code"]
            == "exchange.device_inactive"
        )
        assert client.delete(f"{base}/devices/{id_}", headers=owner).status_code == 204
        assert [one["name"] for one in client.get(f"{base}/devices", headers=owner).json()["devices"]] == [
            "EKG"
        ]
        assert client.get(f"{base}/results/{found[0]['id']}", headers=front).json()["deviceName"] is None


def test_events_tell_no_names(scene: Scene) -> None:
    """What is noted carries ids and codes; neither names nor file names nor numbers."""
    scene.send()
    scene.put("Muster_Erika.gdt", result(family="Muster", given="Erika"))
    scene.look()
    with scene.house.store.read(scene.actor) as tx:
        noted = after(tx, 0, 500)
    told = json.dumps([str(one) for one in noted])
    assert "device_result.received" in told and "device.requested" in told
    assert "Muster" not in told and "Erika" not in told and "P0000001" not in told


def test_commands(scene: Scene, tmp_path: Path) -> None:
    """What `praxisd devices` does: set up, list, look, send, list results; a device nobody knows is refused."""
    house, who = scene.house, {"organization": scene.practice.organization}
    device = {"name": "OPG", "folderIn": str(tmp_path), "folderOut": str(tmp_path), "receiver": "OPG1"}
    assert devices_operations.add(house, {**who, "device": device})["name"] == "OPG"
    listed = devices_operations.list_devices(house, who)["devices"]
    assert [one["name"] for one in listed] == ["EKG", "OPG"]
    asked = devices_operations.ask(house, {**who, "device": "EKG", "patient": scene.practice.patient})
    assert asked == {"file": "EKG1PRAX.gdt"}
    scene.put("a.gdt", result())
    looked = devices_operations.look(house, {**who, "device": "EKG"})
    assert looked["ok"] and looked["looked"][0]["taken"] == 1
    found = devices_operations.results(house, {**who, "patient": scene.practice.patient})["results"]
    assert [one["deviceName"] for one in found] == ["EKG"]
    assert devices_operations.results(house, {**who, "doubts": True})["results"] == []
    for wrong in ({"device": {"name": "X"}}, {"device": {**device, "name": "Y" * 500}}):
        with pytest.raises(Problem) as refused:
            devices_operations.add(house, {**who, **wrong})
        assert refused.value.code == "control.bad_arguments"
    with pytest.raises(Problem) as refused:
        devices_operations.look(house, {**who, "device": "nobody"})
    assert refused.value.status == 404


def test_the_job_looks_into_every_folder(scene: Scene) -> None:
    """The job takes what lies there and counts it; a device that is switched off is left alone."""
    off = scene.inbox.with_name("off")
    off.mkdir()
    scene.make(name="Aus", folder_in=str(off), active=False)
    (off / "b.gdt").write_bytes(result("2"))
    os.utime(off / "b.gdt", (time.time() - 60, time.time() - 60))
    scene.put("a.gdt", result("1"))
    house = scene.house

    def take(tx: Tx) -> RunContext:
        found = jobs.run_now(house, tx, devices_job.NAME).id
        (run,) = job_claim.claim(house, tx, [tx.first(job_store.GET_RUN, id=found)], 1)
        return run

    run = house.store.run(scene.actor, take)
    devices_job.run(run)
    house.store.run(scene.actor, lambda tx: run.finish(tx, "success", None))
    assert run.counts == {"taken": 0, "doubts": 1, "aside": 0, "stuck": 0}
    assert len(scene.rows()) == 1 and (off / "b.gdt").exists()
