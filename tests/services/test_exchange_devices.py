"""Devices: no patient is guessed, no file lost, nothing taken twice; requests are written whole."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import after
from praxisd.model.device import Device
from praxisd.model.people import Identifier, PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.directory import store
from praxisd.services.exchange import (
    devices_asking,
    devices_checks,
    devices_folder,
    devices_keeping,
    devices_store,
    devices_taking,
)
from praxisd.services.exchange.formats.xdt_writing import record
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

NUMBERS = "urn:example:pvs"


class Scene:
    """A practice with Erika Muster (number P0000001 once she was sent), and a device with two folders."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.practice: Practice = small_practice(house)
        self.actor: Actor = system("test", self.practice.organization)
        self.inbox, self.outbox = folder / "in", folder / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()
        self.device = self.make()

    def make(self, **given: Any) -> Device:
        whole = {
            "name": "EKG", "folder_in": str(self.inbox), "folder_out": str(self.outbox), "receiver": "EKG1",
            "sender": "PRAX",
        }  # fmt: skip
        return self.house.store.run(
            self.actor, lambda tx: devices_keeping.create(self.house, tx, {**whole, **given})
        )

    def put(self, name: str, data: bytes, age: float = 60) -> Path:
        path = self.inbox / name
        path.write_bytes(data)
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    def look(self, device: Device | None = None) -> devices_taking.Counts:
        return devices_taking.look(self.house, self.actor, device or self.device)

    def rows(self) -> list[Any]:
        with self.house.store.read(self.actor) as tx:
            found, _ = devices_store.page(tx, patient=None, state=None, device=None, before=None, limit=200)
        return sorted(found, key=lambda row: row.id)

    def send(self, device: Device | None = None) -> str:
        return devices_asking.send(
            self.house,
            self.actor,
            device or self.device,
            self.practice.patient,
            devices_asking.EXAMINE,
            "EKG01",
        )

    def findings(self) -> list[tuple[str, dict[str, Any]]]:
        return [(one.code, dict(one.params)) for one in devices_checks.look(self.house)]


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Scene:
    return Scene(house, tmp_path)


def result(number: str | None = "P0000001", kind: str = "6310", charset: str = "cp437", **said: str) -> bytes:
    """What a device sends: `family`, `given`, `born` and a value."""
    fields = {"3000": number, "3101": said.get("family"), "3102": said.get("given"), "3103": said.get("born")}
    told = [(field, value) for field, value in fields.items() if value]
    return record(
        kind, [("9206", "2"), *told, ("8410", "HF"), ("8420", "72"), ("6228", "Würde, Größe")], charset
    )


def test_a_patient_goes_out_and_the_result_comes_back(scene: Scene) -> None:
    """A request is exact GDT; the result under its number is the patient's, with every line as it was sent."""
    name = scene.send()
    assert name == "EKG1PRAX.gdt"
    assert (scene.outbox / name).read_bytes() == record(
        "6302",
        [("8315", "EKG1"), ("8316", "PRAX"), ("9206", "2"), ("9218", "02.10"), ("3000", "P0000001"), ("3101", "Muster"),
         ("3102", "Erika"), ("3103", "02011970"), ("8402", "EKG01")],
        "cp437",
    )  # fmt: skip
    assert sorted(one.name for one in scene.outbox.iterdir()) == [name]
    scene.put("PRAXEKG1.gdt", result(family="MUSTER", given="Erika", born="02011970"))
    assert scene.look().taken == 1
    row = scene.rows()[0]
    assert (row.state, row.patient, row.why) == ("taken", scene.practice.patient, None)
    doc = devices_store.doc(row)
    assert ("6228", "Würde, Größe") in [(one.field, one.text) for one in doc.lines] and not doc.warnings
    assert [one.name for one in scene.inbox.iterdir()] == ["archive"]
    assert [one.name for one in (scene.inbox / "archive").iterdir()] == ["PRAXEKG1.gdt"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (result(None, family="Muster", given="Erika", born="02011970"), "missing"),
        (result("4711", family="Muster", given="Erika", born="02011970"), "unknown"),
        (result("4711"), "unknown"),
        (result(family="Kern"), "differs"),
        (result(given="Udo"), "differs"),
        (result(born="02011971"), "differs"),
        (record("6310", [("3000", "P0000001"), ("3000", "P0000002")], "cp437"), "twice"),
        (record("6310", [("3000", "P0000001"), ("3101", "Muster"), ("3102", "Erika"), ("3103", "02011970"),
                         ("3101", "Kern"), ("3102", "Udo"), ("3103", "01021950")], "cp437"), "twice"),
    ],
)  # fmt: skip
def test_nobody_is_guessed(scene: Scene, data: bytes, why: str) -> None:
    """A number that is missing, unknown or contradicted gives a doubt, kept whole, and nobody's until a person decides."""
    scene.send()
    scene.put("a.gdt", data)
    done = scene.look()
    assert (done.taken, done.doubts) == (0, 1)
    row = scene.rows()[0]
    assert (row.state, row.patient, row.why) == ("doubt", None, f"exchange.device_patient_{why}")
    assert (scene.inbox / "archive" / "a.gdt").read_bytes() == data
    assert ("exchange.device_doubts", {"count": 1}) in scene.findings()


@pytest.mark.parametrize("said", [{}, {"family": "muster"}, {"given": "Erika Maria", "born": "00001970"}])
def test_what_does_not_contradict_is_certain(scene: Scene, said: dict[str, str]) -> None:
    """The number decides; a name may be left out, shortened or longer."""
    scene.send()
    scene.put("a.gdt", result(**said))
    assert scene.look().taken == 1


def test_numbers_of_another_program(scene: Scene) -> None:
    """A device that knows patients by the numbers of the practice software: sent and found again by them."""

    def person(tx: Any) -> str:
        made = directory.claim(tx, PatientClaim(family="Kern", given="Udo", birth_date="1950-02-01"))
        known = directory.patient(tx, made.patient)
        store.patients.save(
            tx, msgspec.structs.replace(known, identifiers=(Identifier(system=NUMBERS, value="0815"),))
        )
        return made.patient

    who = scene.house.store.run(scene.actor, person)
    scene.put("a.gdt", result("0815", family="Kern", given="Udo", born="01021950"))
    scene.put("b.gdt", result("0815"))  # nothing was sent yet: a bare number of elsewhere proves nothing
    scene.look()
    assert {(row.patient, row.why) for row in scene.rows()} == {
        (who, None), (None, "exchange.device_patient_unknown"),
    }  # fmt: skip
    device = scene.make(name="OPG", folder_in=str(scene.outbox), receiver="OPG1", numbers=NUMBERS)
    devices_asking.send(scene.house, scene.actor, device, who, devices_asking.EXAMINE)
    assert b"0133000" + b"0815" in (scene.outbox / "OPG1PRAX.gdt").read_bytes()
    scene.put("c.gdt", result("0815", charset="cp437", given="Udo"))
    assert scene.look().taken == 1


def test_a_file_waits_until_it_stands_still(scene: Scene) -> None:
    """What is still written, half named or empty is left alone, and reported when it stays so."""
    scene.put("young.gdt", result(), age=0)
    scene.put("half.gdt.tmp", result())
    scene.put("empty.gdt", b"", age=4000)
    done = scene.look()
    assert (done.taken, done.doubts, done.waiting) == (0, 0, 2)
    assert scene.rows() == []
    assert ("exchange.device_stuck", {"name": "EKG", "count": 1}) in scene.findings()
    os.utime(scene.inbox / "young.gdt", (time.time() - 60, time.time() - 60))
    assert scene.look().doubts == 1
    assert {one.name for one in scene.inbox.iterdir()} == {"archive", "empty.gdt", "half.gdt.tmp"}


def test_what_lies_too_long_is_an_issue_that_heals(scene: Scene) -> None:
    """An empty file of an hour ago is named, and no more once it is gone."""
    path = scene.put("empty.gdt", b"", age=4000)
    scene.look()
    assert ("exchange.device_stuck", {"name": "EKG", "count": 1}) in scene.findings()
    path.unlink()
    assert scene.findings() == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x01",
        record("8220", [("9106", "2")], "cp437"),
        record("6100", [("3000", "1")], "cp437"),
    ],
)
def test_other_files_are_set_aside(scene: Scene, data: bytes) -> None:
    """A picture, laboratory results, an archive: kept in `error`, named by an issue that goes when a person took them out."""
    scene.put("a.bin", data)
    assert scene.look().aside == 1
    aside = scene.inbox / "error" / "a.bin"
    assert aside.read_bytes() == data
    assert scene.findings() == [("exchange.device_files_aside", {"name": "EKG", "count": 1})]
    aside.unlink()
    assert scene.findings() == []


def test_good_records_beside_strange_ones(scene: Scene) -> None:
    """What can be read of a file is taken; the file lies in `error` for who looks after the rest."""
    scene.send()
    scene.put("a.gdt", result() + record("8220", [("9106", "2")], "cp437") + result("4711"))
    done = scene.look()
    assert (done.taken, done.doubts, done.aside) == (1, 1, 1)


def test_no_name_is_taken_twice_in_the_archive(scene: Scene) -> None:
    """Devices name all their files alike: each is kept."""
    for number in range(3):
        scene.put("RESULT.gdt", result(f"{number}"))
        scene.look()
    kept = sorted(one.name for one in (scene.inbox / "archive").iterdir())
    assert kept == ["1-RESULT.gdt", "2-RESULT.gdt", "RESULT.gdt"]


def test_a_crash_before_the_file_is_moved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept and not moved: read again it is known, and moved then."""
    scene.send()
    scene.put("a.gdt", result())

    def refuse(path: Path, where: str) -> None:
        raise OSError

    with monkeypatch.context() as now:
        now.setattr(devices_taking, "file_away", refuse)
        assert scene.look().stuck == 1
    with scene.house.store.read(scene.actor) as tx:
        assert devices_store.states(tx)[scene.device.id].code == "exchange.device_files_stuck"
    done = scene.look()
    assert (done.taken, done.known) == (0, 1) and len(scene.rows()) == 1
    assert (scene.inbox / "archive" / "a.gdt").exists()


def test_two_nodes_look_at_once(scene: Scene) -> None:
    """Whoever is quicker: each record once, each file kept once."""
    scene.send()
    for number in range(12):
        scene.put(f"{number}.gdt", result("P0000001") + result(f"{number}"))
    done: list[devices_taking.Counts] = []
    both = [threading.Thread(target=lambda: done.append(scene.look())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(done) == 2
    assert len(scene.rows()) == 24
    assert sum(one.taken + one.doubts for one in done) == 24
    assert len(list((scene.inbox / "archive").iterdir())) == 12
    assert [one.name for one in scene.inbox.iterdir()] == ["archive"]


def test_one_folder_for_both_ways(scene: Scene, tmp_path: Path) -> None:
    """Where a device uses one folder, praxisd's own requests stay for the device."""
    both = tmp_path / "both"
    both.mkdir()
    device = scene.make(name="Beide", folder_in=str(both), folder_out=str(both), receiver="BEI1")
    name = scene.send(device)
    os.utime(both / name, (time.time() - 4000, time.time() - 4000))
    done = scene.look(device)
    assert (done.taken, done.doubts, done.aside, done.waiting) == (0, 0, 0, 0)
    assert (both / name).exists() and scene.findings() == []


def test_requests_never_overwrite_one_another(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the device has not fetched stays; a device that fetches nothing is named; half a file is never seen."""
    assert [scene.send() for _ in range(3)] == ["EKG1PRAX.gdt", "EKG1PRAX.001", "EKG1PRAX.002"]
    for number in range(3, 1000):
        (scene.outbox / f"EKG1PRAX.{number:03d}").touch()
    with pytest.raises(Problem) as refused:
        scene.send()
    assert refused.value.code == "exchange.device_request_waits"
    assert not [one for one in scene.outbox.iterdir() if one.name.startswith(".")]


def test_what_the_charset_cannot_say_is_refused(scene: Scene) -> None:
    """No question mark in a name: the field is named, and nothing is written."""

    def person(tx: Any) -> str:
        return directory.claim(
            tx, PatientClaim(family="Łukasz", given="Ola", birth_date="1950-02-01")
        ).patient

    who = scene.house.store.run(scene.actor, person)
    with pytest.raises(Problem) as refused:
        devices_asking.send(scene.house, scene.actor, scene.device, who, devices_asking.EXAMINE)
    assert (refused.value.code, refused.value.params) == ("exchange.device_cannot_say", {"field": "3101"})
    assert list(scene.outbox.iterdir()) == []


def test_master_data_are_compared_not_changed(scene: Scene) -> None:
    """6301 of a known patient: equal is fine, other is a doubt with the fields, and the record stays as it is."""
    scene.send()
    scene.put("a.gdt", record("6301", [("3000", "P0000001"), ("3101", "Muster"), ("3102", "Erika")], "cp437"))
    assert scene.look().taken == 1
    more = [
        ("3000", "P0000001"),
        ("3101", "Muster"),
        ("3102", "Erika"),
        ("3106", "12345 Köln"),
        ("3626", "0221 1"),
    ]
    scene.put("b.gdt", record("6301", more, "cp437"))
    assert scene.look().doubts == 1
    row = scene.rows()[-1]
    assert row.why == "exchange.device_master_differs" and row.patient == scene.practice.patient
    assert devices_store.doc(row).differs == ("address", "telecom")
    with scene.house.store.read(scene.actor) as tx:
        assert directory.patient(tx, scene.practice.patient).address == ()


def test_master_data_are_answered(scene: Scene) -> None:
    """6300 asks for master data: answered by 6301 where the patient is certain, a doubt where not."""
    scene.send()
    (scene.outbox / "EKG1PRAX.gdt").unlink()
    scene.put("a.gdt", record("6300", [("3000", "P0000001")], "cp437"))
    scene.put("b.gdt", record("6300", [("3000", "99")], "cp437"))
    done = scene.look()
    assert (done.taken, done.doubts) == (1, 1)
    assert [one.name for one in scene.outbox.iterdir()] == ["EKG1PRAX.gdt"]
    assert b"80006301" in (scene.outbox / "EKG1PRAX.gdt").read_bytes()


def test_a_folder_that_is_away_heals(scene: Scene) -> None:
    """A share that is gone: noted, named, no exception; back again all is well and nothing was lost."""
    scene.put("a.gdt", result("1"))
    scene.inbox.rename(scene.inbox.with_name("gone"))
    assert scene.look().taken == 0
    folder = str(scene.inbox)
    assert scene.findings() == [("exchange.device_unreachable", {"name": "EKG", "folder": folder})]
    scene.inbox.with_name("gone").rename(scene.inbox)
    assert scene.look().doubts == 1
    assert [code for code, _ in scene.findings()] == ["exchange.device_doubts"]


def test_large_files_are_not_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far too large for a result: set aside, not read into memory."""
    monkeypatch.setattr(devices_folder, "MOST", 1000)
    scene.put("a.gdt", result() * 30)
    assert scene.look().aside == 1 and scene.rows() == []


def test_merged_patients_take_their_results_along(scene: Scene) -> None:
    """Results and numbers follow when two records become one."""
    scene.send()
    scene.put("a.gdt", result())
    scene.look()
    refs = scene.house.registry.patient_refs
    assert {("exchange_result", "patient"), ("exchange_device_number", "patient")} <= set(refs)


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
