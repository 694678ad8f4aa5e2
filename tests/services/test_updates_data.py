"""Data sets: two slots, switched at once and back, and what becomes of one that is unsound or was cut off."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import guarded_health
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.updates import api, downloading, ordering, slots, store, watching
from praxisd.testing.trials import noted

from .updates_cast import DATA, Desk, Vendor, closed, fetched

ACTOR = system("test")


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    return Vendor(house, tmp_path)


@pytest.fixture
def owner(house: House) -> Desk:
    return Desk(house)


def version_in(path: Path) -> str:
    link = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return str(link.execute("SELECT v FROM version").fetchone()[0])
    finally:
        link.close()


def test_a_data_set_is_switched_at_once_and_back_again(house: House, vendor: Vendor, owner: Desk) -> None:
    assert api.dataset(house, DATA) is None
    vendor.data("2026-11-01")
    order = owner.ordered(fetched(owner, DATA))
    assert (order["state"], order["final"], order["fault"]) == ("kept", True, None)
    first = api.dataset(house, DATA)
    assert first is not None and (first.version, first.age_days, version_in(first.path)) == (
        "2026-11-01",
        22,
        "2026-11-01",
    )
    reader = sqlite3.connect(first.path)
    assert reader.execute("SELECT v FROM version").fetchone() == ("2026-11-01",)
    vendor.data("2026-11-15")
    owner.ordered(fetched(owner, DATA))
    second = api.dataset(house, DATA)
    assert second is not None and second.path != first.path and version_in(second.path) == "2026-11-15"
    assert reader.execute("SELECT v FROM version").fetchone() == (
        "2026-11-01",
    )  # who reads on is not cut off
    reader.close()
    shown = owner.element(DATA)
    assert (shown["installed"], shown["previous"], shown["ageDays"], shown["waiting"]) == (
        "2026-11-15",
        "2026-11-01",
        8,
        None,
    )
    status, back = owner.ask("POST", "/updates/switch-back", {"element": DATA})
    assert (status, back["state"], back["kind"]) == (202, "kept", "switch_back")
    third = api.dataset(house, DATA)
    assert third is not None and (third.version, third.path) == ("2026-11-01", first.path)
    assert owner.element(DATA)["installed"] == "2026-11-01"
    owner.ask("POST", "/updates/switch-back", {"element": DATA})
    again = api.dataset(house, DATA)
    assert again is not None and again.version == "2026-11-15"
    assert not closed(house) and guarded_health.busy(house) == []
    kinds = noted(house)
    assert kinds.count("update.ordered") == 4 and kinds.count("update.switched_back") == 2


def test_nothing_to_go_back_to(house: House, vendor: Vendor, owner: Desk) -> None:
    vendor.data("2026-11-01")
    owner.ordered(fetched(owner, DATA))
    status, problem = owner.ask("POST", "/updates/switch-back", {"element": DATA})
    assert (status, problem["code"]) == (409, "updates.nothing_before")
    assert owner.ask("POST", "/updates/switch-back", {"element": "nichts"})[0] == 404
    assert owner.ask("POST", "/updates/switch-back", {"element": "praxisd"})[1]["code"] == "updates.no_guard"
    assert owner.updates()["order"] is None


def test_a_data_set_that_is_no_sound_database_never_comes_into_use(
    house: House, vendor: Vendor, owner: Desk
) -> None:
    vendor.data("2026-11-01")
    owner.ordered(fetched(owner, DATA))
    broken = vendor.work / "broken.sqlite"
    sound = vendor.data("2026-11-15").read_bytes()
    broken.write_bytes(sound[:4096] + b"\xff" * (len(sound) - 4096))
    vendor.quick.add(DATA, "2026-11-20", broken, released="2026-11-20")
    order = owner.ordered(fetched(owner, DATA))
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.unusable")
    assert "2026-11-20" in order["fault"]["cause"]
    held = api.dataset(house, DATA)
    assert held is not None and (held.version, version_in(held.path)) == ("2026-11-01", "2026-11-01")
    assert owner.element(DATA)["available"][0]["state"] == "refused"


def test_a_switch_that_was_cut_off_is_taken_up_by_fetching_again(
    house: House, vendor: Vendor, owner: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.data("2026-11-01")
    id_ = fetched(owner, DATA)

    with monkeypatch.context() as during:
        during.setattr(ordering, "_spawn", lambda _house, _id: None)
        order = owner.ordered(id_)
    with house.store.read(ACTOR) as tx:
        row: Any = store.package(tx, id_)
    Path(row.path).replace(slots.room(house.folder, DATA))  # killed there: nothing names it yet
    assert order["state"] == "checking" and api.dataset(house, DATA) is None
    house.node = "another"
    watching.start(house)
    assert owner.ask("GET", f"/updates/orders/{order['id']}")[1]["fault"]["code"] == "updates.interrupted"
    downloading.download(house, ACTOR)
    assert owner.ordered(owner.element(DATA)["waiting"]["id"])["state"] == "kept"


def test_an_installation_needs_no_network_but_what_was_accepted_last(
    house: House, vendor: Vendor, owner: Desk
) -> None:
    vendor.data("2026-11-01")
    id_ = fetched(owner, DATA)
    vendor.at("http://127.0.0.1:9/updates")
    assert owner.ordered(id_)["state"] == "kept"


def test_slots_survive_whatever_lies_in_them(house: House) -> None:
    assert slots.held(house.folder, "x") is None
    assert slots.back(house.folder, "x") is None
    place = slots.room(house.folder, "x")
    place.write_bytes(b"no database")
    with pytest.raises(slots.Unusable):
        slots.use(house.folder, "x", "1", "2026-11-01")
    assert slots.held(house.folder, "x") is None
