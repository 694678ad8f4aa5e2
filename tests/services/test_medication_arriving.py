"""A newer edition arrives from the publisher's repository, is switched to, and switched back: the real service of updates."""

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.sandbox import updates_medication
from praxisd.services.medication import sets_checks, sets_reading, sets_sample
from praxisd.services.medication.sets_schema import ELEMENTS, MEDICATION
from praxisd.services.updates import api as updates
from praxisd.testing.medication import install_samples

from .updates_cast import Desk, Vendor, fetched

NOW = {1: 40, 2: 3}
"""Days before today on which the editions were released."""


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    """Publishes the first edition, which is also the one in use."""
    made = Vendor(house, tmp_path / "vendor")
    version = install_samples(house, 1, days_ago=NOW[1])
    for role in updates_medication.ROLES:
        made.quick.role(role)
    released = date.fromisoformat(version)
    updates_medication.publish(made.quick, 1, released, made.work)
    return made


def _second(vendor: Vendor) -> str:
    held = sets_reading.open_set(vendor.house, MEDICATION)
    released = date.fromisoformat(held.released) + timedelta(days=NOW[1] - NOW[2])
    updates_medication.publish(vendor.quick, 2, released, vendor.work)
    return released.isoformat()


def test_a_newer_edition_arrives_is_switched_and_switched_back(house: House, vendor: Vendor) -> None:
    owner = Desk(house)
    first = sets_reading.open_set(house, MEDICATION)
    second = _second(vendor)
    waiting = [fetched(owner, element) for element in ELEMENTS]
    assert owner.element(MEDICATION)["installed"] == first.version, "a download installs nothing"
    assert sets_reading.open_set(house, MEDICATION) is first
    assert owner.ordered(*waiting)["state"] == "kept"
    _, sets = owner.ask("GET", "/medication/sets")
    assert {one["standing"]["version"] for one in sets["sets"]} == {second}
    assert {one["standing"]["previous"] for one in sets["sets"]} == {first.version}
    assert len(first.rows("SELECT id FROM interaction")) == 7, "who reads in the first reads on"
    assert len(sets_reading.open_set(house, MEDICATION).rows("SELECT id FROM interaction")) == 13
    assert (
        len(sets_reading.open_set(house, MEDICATION, first.version).rows("SELECT id FROM interaction")) == 7
    )
    status, _ = owner.ask("POST", "/updates/switch-back", {"element": MEDICATION})
    assert status == 202
    assert sets_reading.open_set(house, MEDICATION).version == first.version
    assert sets_reading.open_set(house, "medication-texts").version == second, "each is switched by itself"
    status, _ = owner.ask("POST", "/updates/switch-back", {"element": MEDICATION})
    assert status == 202
    assert sets_reading.open_set(house, MEDICATION).version == second


def _unreadable(vendor: Vendor) -> None:
    file = vendor.work / "newer.sqlite"
    sets_sample.build(2, date(2026, 11, 27), MEDICATION, file)
    with sqlite3.connect(file) as link:
        link.execute("PRAGMA user_version = 7")
    link.close()
    vendor.quick.add(MEDICATION, "2099-01-01", file, released="2099-01-01")


def test_an_edition_that_cannot_be_read_is_refused_before_it_is_switched_to(
    house: House, vendor: Vendor
) -> None:
    owner = Desk(house)
    sets_reading.start(house)
    first = updates.versions(house, MEDICATION)
    _unreadable(vendor)
    ended = owner.ordered(fetched(owner, MEDICATION))
    assert (ended["state"], ended["fault"]["code"]) == ("refused", "medication.set_schema")
    assert ended["fault"]["title"] == "Datenbestand hat ein anderes Format"
    assert updates.versions(house, MEDICATION) == first
    assert owner.element(MEDICATION)["waiting"] is None, "it is not offered again and again"
    assert not list(sets_checks.files(house))


def test_an_edition_that_cannot_be_read_arrives_unseen(house: House, vendor: Vendor) -> None:
    """As after a change of the program: what was switched to before cannot be read by this version."""
    owner = Desk(house)
    house.shared.pop("updates_judges", None)
    first = sets_reading.open_set(house, MEDICATION).version
    _unreadable(vendor)
    assert owner.ordered(fetched(owner, MEDICATION))["state"] == "kept"
    assert sets_reading.open_set(house, MEDICATION).version == first
    _, sets = owner.ask("GET", "/medication/sets")
    assert sets["sets"][0]["standing"]["fault"] == "medication.set_schema"
    found = {one.code: one for one in sets_checks.files(house)}
    assert found["medication.set_unreadable"].params["used"] == first
    owner.ask("POST", "/updates/switch-back", {"element": MEDICATION})
    assert not list(sets_checks.files(house))
