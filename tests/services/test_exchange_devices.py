"""Devices: no patient is guessed, no file lost, nothing taken twice; requests are written whole."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.services.devices_cast import Scene, result

from praxisd.kernel import watched
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import Identifier, PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.directory import store
from praxisd.services.exchange import devices_asking, devices_folder, devices_store, devices_taking
from praxisd.services.exchange.formats.xdt_writing import record

NUMBERS = "urn:example:pvs"


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Scene:
    return Scene(house, tmp_path)


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

    def refuse(file: watched.File, where: str) -> None:
        raise OSError

    with monkeypatch.context() as now:
        now.setattr(devices_taking, "file_away", refuse)
        assert scene.look().stuck == 1
    with scene.house.store.read(scene.actor) as tx:
        assert devices_store.states(tx)[scene.device.id].code == "exchange.device_files_stuck"
    done = scene.look()
    assert (done.taken, done.known) == (0, 1) and len(scene.rows()) == 1
    assert (scene.inbox / "archive" / "a.gdt").exists()


def test_a_crash_on_the_way_to_the_archive(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken away and not yet named: it goes back, is known, and kept under its own name."""
    scene.send()
    scene.put("a.gdt", result())

    def killed(moving: Path, place: Path, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as now, pytest.raises(KeyboardInterrupt):
        now.setattr(watched, "_settle", killed)
        scene.look()
    left = [one.name for one in (scene.inbox / "archive").iterdir()]
    assert len(left) == 1 and left[0].startswith(".moving-") and left[0].endswith("-a.gdt")
    scene.look()  # another node may just be at it
    assert [one.name for one in (scene.inbox / "archive").iterdir()] == left
    monkeypatch.setattr(watched, "MOVING_S", 0)
    assert scene.look().known == 1
    assert [one.name for one in (scene.inbox / "archive").iterdir()] == ["a.gdt"]
    assert len(scene.rows()) == 1


def test_a_file_that_takes_the_place_of_the_one_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device writes its next result under the same name while the first is being kept: both are taken."""
    scene.send()
    scene.put("RESULT.gdt", result())
    kept = devices_taking.take

    def slow(*given: Any) -> bool:
        done = kept(*given)
        (scene.inbox / "new.tmp").write_bytes(result(family="Muster"))
        os.utime(scene.inbox / "new.tmp", (time.time() - 30, time.time() - 30))
        (scene.inbox / "new.tmp").rename(scene.inbox / "RESULT.gdt")
        return done

    with monkeypatch.context() as now:
        now.setattr(devices_taking, "take", slow)
        assert scene.look().taken == 1
    assert (scene.inbox / "RESULT.gdt").read_bytes() == result(family="Muster")
    assert scene.look().taken == 1
    assert len(scene.rows()) == 2


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
    scene.put("a.gdt", record("6300", [("3000", "P0000001")], "cp437"))
    assert scene.look().taken == 1
    assert len(list(scene.outbox.iterdir())) == 2  # the same question once more is answered once more
    assert [row.state for row in scene.rows()] == ["doubt"]


def test_the_same_values_measured_again(scene: Scene) -> None:
    """Equal to the byte, yet another file: two results."""
    scene.send()
    for age in (90, 60):
        scene.put("RESULT.gdt", result(), age)
        assert scene.look().taken == 1
    assert len(scene.rows()) == 2


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
    """When two records become one, results and numbers go along: the device's old number finds who goes on."""
    scene.send()
    scene.put("a.gdt", result())
    scene.look()

    def merge(tx: Tx) -> str:
        other = directory.claim(
            tx, PatientClaim(family="Muster", given="Erika", birth_date="1970-01-03")
        ).patient
        directory.merge(tx, scene.house.registry.patient_refs, other, scene.practice.patient)
        return other

    other = scene.house.store.run(scene.actor, merge)
    scene.put("b.gdt", result(family="Muster"))
    assert scene.look().taken == 1
    assert [row.patient for row in scene.rows()] == [other, other]


def test_a_patient_who_is_no_longer_active(scene: Scene) -> None:
    """A closed record takes nothing by itself."""
    scene.send()

    def close(tx: Tx) -> None:
        known = store.patients.need(tx, scene.practice.patient)
        store.patients.save(tx, msgspec.structs.replace(known, active=False))

    scene.house.store.run(scene.actor, close)
    scene.put("a.gdt", result())
    assert scene.look().doubts == 1
    assert scene.rows()[0].why == "exchange.device_patient_gone"
