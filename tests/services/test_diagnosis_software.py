"""The practice's software through the door: added, changed, removed, refused. On both engines."""

from collections.abc import Iterator
from typing import Any

import pytest

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.services.diagnosis import api
from praxisd.testing.practice import Practice, small_practice

from .diagnosis_cast import Door, opened


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


@pytest.fixture
def door(house: House, practice: Practice) -> Iterator[Door]:
    with opened(house, practice) as ask:
        yield ask


SOFTWARE = {
    "product": "x.concept",
    "role": "server",
    "dataFolder": "C:\\DCONCEPT\\DEDATA\\",
    "customerNumber": "123456",
}


def test_software_is_added_changed_and_removed(house: House, practice: Practice, door: Door) -> None:
    made = door("POST", "/software", "partner", 201, json=SOFTWARE)
    assert made["dataFolder"] == "C:\\DCONCEPT"  # the top folder was meant
    assert (made["productName"], made["role"], made["devices"], made["host"]) == (
        "x.concept",
        "server",
        0,
        "",
    )
    path = f"/software/{made['id']}"
    assert door("GET", path, "desk") == made
    changed = door("PUT", path, json={"product": "x.isynet", "name": " Praxis ", "host": "SRV1"})
    assert (changed["name"], changed["role"], changed["dataFolder"], changed["customerNumber"]) == (
        "Praxis",
        None,
        "",
        "",
    )
    assert door("GET", "/software", "desk")["software"] == [changed]
    with house.store.read(practice.desk()) as tx:
        assert [one.host for one in api.software(tx)] == ["SRV1"]
    with house.store.read(system("test", INSTALLATION)) as tx:
        assert [one.product for one in api.software(tx)] == ["x.isynet"]
    assert [one["used"] for one in door("GET", "/products")["products"] if one["id"] == "x.isynet"] == [True]
    door("DELETE", path, status=204)
    assert door("GET", "/software")["software"] == []
    for method, more in (("GET", {}), ("PUT", {"json": {"product": "psyx"}}), ("DELETE", {})):
        door(method, path, status=404, **more)
    events = door("GET", "/events?limit=50")["events"]
    kinds = [one["type"] for one in events if one["type"].startswith("software.")]
    assert kinds == ["software.added", "software.changed", "software.removed"]


def test_a_masked_person_neither_reads_nor_loses_the_note(door: Door) -> None:
    made = door(
        "POST",
        "/software",
        "owner",
        201,
        json={**SOFTWARE, "name": "Haus 2", "note": "Frau Kanarienvogel fragen"},
    )
    path = f"/software/{made['id']}"
    assert door("GET", path, "desk")["note"] == "Frau Kanarienvogel fragen"
    for shown in (door("GET", path, "partner"), door("GET", "/software", "partner")["software"][0]):
        assert (shown["name"], shown["note"]) == ("Haus 2", "")
    changed = door("PUT", path, "partner", json={**SOFTWARE, "name": "Haus 3", "note": ""})
    assert (changed["name"], changed["note"]) == ("Haus 3", "")
    assert door("GET", path)["note"] == "Frau Kanarienvogel fragen"


WRONG: tuple[tuple[dict[str, Any], int], ...] = (
    ({"product": "nothing"}, 422),
    ({"role": "boss"}, 400),
    ({"devices": -1}, 400),
    ({"host": "a b"}, 400),
    ({"customerNumber": "1 2"}, 400),
    ({"dataFolder": "C:\\a\nb"}, 400),
    ({"more": 1}, 400),
)


def test_what_is_not_right_is_refused(door: Door) -> None:
    for change, status in WRONG:
        answer = door("POST", "/software", status=status, json=SOFTWARE | change)
        assert status != 422 or answer["code"] == "diagnosis.product_unknown"
    assert door("GET", "/software")["software"] == []
    door("POST", "/software", "desk", 403, json=SOFTWARE)
    door("GET", "/software", "pvs", 403)
