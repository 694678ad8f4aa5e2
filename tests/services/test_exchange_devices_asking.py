"""Questions of devices for master data: answered, or waiting for a person where the answer cannot be written."""

from pathlib import Path

import msgspec
import pytest
from tests.services.devices_cast import Scene

from praxisd.kernel.app import House
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.directory import store
from praxisd.services.exchange import devices_views
from praxisd.services.exchange.formats.xdt_writing import record


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Scene:
    return Scene(house, tmp_path)


def test_a_question_whose_answer_cannot_be_written_waits_for_a_person(scene: Scene) -> None:
    """Not tried for ever: the file is filed away, an Issue names what to do, and the next question that is answered ends it."""

    def rename(tx: Tx) -> None:
        known = directory.patient(tx, scene.practice.patient)
        store.patients.save(tx, msgspec.structs.replace(known, family="Łukasiewicz"))

    scene.send()
    asked = record("6300", [("9206", "2"), ("3000", "P0000001")], "cp437")
    (scene.outbox / "EKG1PRAX.gdt").unlink()
    scene.house.store.run(scene.actor, rename)
    scene.put("a.gdt", asked)
    done = scene.look()
    assert (done.taken, done.doubts, done.stuck) == (0, 1, 0)
    assert [one.name for one in (scene.inbox / "archive").iterdir()] == ["a.gdt"]
    assert list(scene.outbox.iterdir()) == [] and scene.look().doubts == 0
    (row,) = scene.rows()
    assert (row.state, row.patient, row.why) == ("doubt", scene.practice.patient, "exchange.device_answer")
    with scene.house.store.read(scene.actor) as tx:
        shown = devices_views.result(scene.house, tx, row.id, "de")
    assert "3101 " in (shown.reason or "") and shown.differs == ("3101",)
    assert scene.findings() == [("exchange.device_unanswered", {"name": "EKG", "count": 1})]
    utf = scene.change(charset="utf-8")
    scene.put("b.gdt", record("6300", [("9206", "4"), ("3000", "P0000001")], "utf-8"))
    assert scene.look(utf).taken == 1
    assert "Łukasiewicz".encode() in (scene.outbox / "EKG1PRAX.gdt").read_bytes()
    assert scene.findings() == [] and [one.state for one in scene.rows()] == ["taken"]
