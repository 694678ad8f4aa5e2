"""Installing: software through the guard, plug-ins, and every way in which an order may end."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import guarded_health, issues, migrations
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.services.updates import downloading, ordering, saving, store, watching
from praxisd.testing.trials import noted
from praxisd_guard import orders

from .updates_cast import DATA, PLUGIN, Desk, GuardOnPaper, Vendor, closed, fetched

ACTOR = system("test")


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    return Vendor(house, tmp_path)


@pytest.fixture
def owner(house: House) -> Desk:
    return Desk(house)


@pytest.fixture
def guard(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardOnPaper:
    """A guard whose outcomes the test writes; nobody watches but when the test says so."""
    monkeypatch.setattr(watching, "watch", lambda _house: None)
    if (
        house.store.engine.name == "postgresql"
    ):  # whether pg_dump is on this machine is not what is asked here
        monkeypatch.setattr(saving, "_postgres", lambda _house, into: into.write_bytes(b"PGDMP"))
    return GuardOnPaper(house, tmp_path)


def open_issues(house: House) -> dict[str, Any]:
    with house.store.read(ACTOR) as tx:
        return {one.code: one for one in issues.list_all(tx)}


def test_software_needs_a_guard(house: House, vendor: Vendor, owner: Desk) -> None:
    vendor.software("9.1")
    id_ = fetched(owner, "praxisd")
    assert owner.element("praxisd")["waiting"]["installable"] is False
    status, problem = owner.ask("POST", "/updates/install", {"packages": [id_]})
    assert (status, problem["code"]) == (409, "updates.no_guard")
    assert "praxisd service install" in problem["solution"]
    assert owner.updates()["order"] is None and owner.element("praxisd")["waiting"]["state"] == "waiting"


def test_a_good_update_from_the_click_to_the_new_version(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    id_ = fetched(owner, "praxisd")
    order = owner.ordered(id_)
    assert (order["state"], order["step"], order["version"]) == ("ordered", "ordered", "9.1")
    assert (
        not closed(house) and guarded_health.busy(house) == []
    )  # until it is unpacked, people go on working
    saved = Path(order["saved"])
    if house.store.engine.name == "sqlite":
        with sqlite3.connect(saved) as link:
            assert link.execute("SELECT count(*) FROM updates_order").fetchone() == (1,)
    (wish,) = guard.orders()
    assert (wish.kind, wish.version, wish.target) == ("install", "9.1", "software/praxisd/praxisd-9.1.zip")
    assert wish.by.startswith("key:") and Path(wish.package or "").is_file()
    assert (Path(wish.seen or "") / "metadata" / "timestamp.json").is_file()
    assert wish.hold_s > 5
    guard.does(wish, "accepted")
    assert not closed(house) and not orders.released(guard.home, wish.id)
    guard.does(wish, "unpacked")
    assert closed(house) and orders.released(guard.home, wish.id)
    assert owner.ask("GET", "/settings")[1]["code"] == "maintenance"
    guard.does(wish, "stopped")
    assert owner.updates()["order"]["step"] == "stopped"
    assert closed(house)
    guard.does(wish, "expanded", "switched", "started", "healthy", "kept")
    order = owner.ask("GET", f"/updates/orders/{order['id']}")[1]
    assert (order["state"], order["final"], order["packages"][0]["state"]) == ("kept", True, "installed")
    assert not closed(house)
    assert "update.installed" in noted(house) and "updates.rolled_back" not in open_issues(house)


def test_a_bad_update_is_told_with_its_reason_until_a_later_one_is_in_use(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    order = owner.ordered(fetched(owner, "praxisd"))
    (wish,) = guard.orders()
    guard.does(wish, "accepted", "unpacked", "stopped", "expanded", "switched")
    guard.does(
        wish, "failed", code="guard.not_started", detail="status 1", log="/opt/praxisd/logs/failed-9.1.log"
    )
    guard.does(wish, "back", "restored")
    order = owner.ask("GET", f"/updates/orders/{order['id']}")[1]
    assert (order["state"], order["log"]) == ("rolled_back", "/opt/praxisd/logs/failed-9.1.log")
    assert order["fault"]["code"] == "guard.not_started" and order["log"] in order["fault"]["solution"]
    assert not closed(house)
    issue = open_issues(house)["updates.rolled_back"]
    assert issue.params == {
        "element": "praxisd", "version": "9.1", "reason": "guard.not_started", "log": order["log"]
    }  # fmt: skip
    assert issue.organization == INSTALLATION
    downloading.download(house, ACTOR)
    assert (
        owner.element("praxisd")["available"][0]["state"] == "rolled_back"
    )  # not fetched and not offered anew
    assert "update.rolled_back" in noted(house)
    vendor.software("9.2")
    downloading.download(house, ACTOR)
    again = owner.ordered(owner.element("praxisd")["waiting"]["id"])
    (wish,) = guard.orders()
    (guard.home / "current.json").write_text('{"version": "9.2", "previous": "0.0.1", "since": 0}')
    guard.does(wish, "accepted", "kept")
    assert owner.ask("GET", f"/updates/orders/{again['id']}")[1]["state"] == "kept"
    issues.run_checks(house, ["updates.outcome"])
    assert "updates.rolled_back" not in open_issues(house)


def test_what_the_guard_refuses_waits_on_or_is_thrown_away(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    order = owner.ordered(fetched(owner, "praxisd"))
    (wish,) = guard.orders()
    guard.does(wish, "refused", code="guard.busy", detail="backups.run")
    order = owner.ask("GET", f"/updates/orders/{order['id']}")[1]
    assert (order["state"], order["fault"]["code"]) == ("refused", "guard.busy")
    assert "backups.run" in order["fault"]["cause"]
    assert owner.element("praxisd")["waiting"]["installable"] is True
    owner.ordered(order["packages"][0]["id"])
    (wish,) = guard.orders()
    guard.does(wish, "refused", code="guard.untrusted", detail="updates.tampered", fault="updates.tampered")
    one = owner.element("praxisd")["available"][0]
    assert (one["state"], one["fault"]["code"], one["installable"]) == ("refused", "updates.tampered", False)
    assert not closed(house)


def test_a_file_that_was_changed_here_is_refused_right_before_the_installation(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    id_ = fetched(owner, "praxisd")
    with house.store.read(ACTOR) as tx:
        row: Any = store.package(tx, id_)
    Path(row.path).write_bytes(b"PK\x03\x04 something else")
    order = owner.ordered(id_)
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.tampered")
    assert guard.orders() == [] and not closed(house) and not Path(row.path).exists()
    downloading.download(house, ACTOR)
    assert owner.element("praxisd")["waiting"]["installable"] is True


def test_two_orders_at_once_and_orders_that_are_none(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    first = fetched(owner, "praxisd")
    vendor.software("9.2")
    downloading.download(house, ACTOR)
    second = owner.element("praxisd")["waiting"]["id"]
    for body, status, code in (
        ({"packages": [first, second]}, 422, "updates.too_many"),
        ({"packages": ["nichts"]}, 404, "http.not_found"),
        ({"packages": []}, 400, "http.invalid_body"),
    ):
        got, problem = owner.ask("POST", "/updates/install", body)
        assert (got, problem["code"]) == (status, code)
    assert Desk(house, "desk").ask("POST", "/updates/install", {"packages": [first]})[0] == 403
    owner.ordered(second)
    assert owner.ask("GET", "/updates")[1]["order"]["state"] == "ordered"
    guard.does(guard.orders()[0], "accepted", "kept")
    got, problem = owner.ask("POST", "/updates/install", {"packages": [second]})
    assert (got, problem["code"]) == (409, "updates.not_waiting")


def test_while_an_order_is_open_nobody_gives_another(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    owner.ordered(fetched(owner, "praxisd"))
    status, problem = owner.ask("POST", "/updates/switch-back", {"element": "praxisd"})
    assert (status, problem["code"]) == (409, "updates.busy")


def test_no_copy_no_update_unless_somebody_says_so(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.software("9.1")
    id_ = fetched(owner, "praxisd")
    if house.store.engine.name == "postgresql":
        monkeypatch.undo()
        monkeypatch.setattr(watching, "watch", lambda _house: None)
        monkeypatch.setenv("PATH", "/nowhere")
    else:
        monkeypatch.setattr(saving, "RESERVE", 10**18)
    order = owner.ordered(id_)
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.no_copy")
    assert {"sqlite": "no_space", "postgresql": "pg_dump"}[house.store.engine.name] in order["fault"]["cause"]
    assert guard.orders() == [] and not closed(house)
    order = owner.ordered(id_, withoutCopy=True)
    assert (order["state"], order["saved"]) == ("ordered", None)


def test_a_server_that_ends_before_the_guard_has_the_order_changed_nothing(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.software("9.1")
    id_ = fetched(owner, "praxisd")
    monkeypatch.setattr(ordering, "_spawn", lambda _house, _id: None)  # killed right after the click
    order = owner.ordered(id_)
    assert watching.settle(house) == 1
    assert guarded_health.busy(house) == ["updates"]  # a planned restart waits
    house.node = "another"
    watching.start(house)
    order = owner.ask("GET", f"/updates/orders/{order['id']}")[1]
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.interrupted")
    assert owner.element("praxisd")["waiting"]["installable"] is True


def test_the_next_server_learns_how_it_ended(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    order = owner.ordered(fetched(owner, "praxisd"))
    (wish,) = guard.orders()
    for step in ("accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy", "kept"):
        guard.journal.write("install", step, wish.id)
    (guard.home / "current.json").write_text('{"version": "9.1", "previous": "0.0.1", "since": 0}')
    house.node = "another"
    watching.start(house)
    assert owner.ask("GET", f"/updates/orders/{order['id']}")[1]["state"] == "kept"
    shown = owner.updates()
    assert (shown["version"], shown["guard"]["previous"]) == ("9.1", "0.0.1")
    assert owner.element("praxisd")["previous"] == "0.0.1"
    status, back = owner.ask("POST", "/updates/switch-back", {"element": "praxisd"})
    assert (status, back["state"], back["version"]) == (202, "ordered", "0.0.1")
    wish = next(one for one in guard.orders() if one.kind == "switch_back")
    guard.does(wish, "accepted")
    assert closed(house) and orders.released(guard.home, wish.id)
    guard.does(wish, "stopped", "switched", "started", "healthy", "kept")
    assert owner.ask("GET", f"/updates/orders/{back['id']}")[1]["state"] == "kept"
    assert not closed(house)


def test_a_standing_order_installs_data_but_no_software(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.software("9.1")
    vendor.data("2026-11-01")
    fetched(owner, DATA)
    ordering.standing(house, "none")
    assert owner.element(DATA)["installed"] is None
    ordering.standing(house, "data")
    ordering.wait(house)
    assert owner.element(DATA)["installed"] == "2026-11-01"
    assert guard.orders() == []
    ordering.standing(house, "all")
    ordering.wait(house)
    (wish,) = guard.orders()
    assert (wish.version, wish.reason) == ("9.1", "standing_order")


def test_a_plug_in_is_put_into_its_place_and_the_guard_restarts(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper
) -> None:
    vendor.plugin("1.0")
    order = owner.ordered(fetched(owner, PLUGIN))
    assert (order["state"], order["packages"][0]["restart"]) == ("kept", True)
    assert owner.element(PLUGIN)["installed"] == "1.0"
    assert (house.folder / "plugins" / PLUGIN / "1.0" / "acme.py").is_file()
    (wish,) = guard.orders()
    assert (wish.kind, wish.reason) == ("restart", "plugin")
    vendor.plugin("1.1", inside="another-name")
    order = owner.ordered(fetched(owner, PLUGIN))
    assert (order["state"], order["fault"]["code"]) == ("refused", "updates.unusable")
    assert owner.element(PLUGIN)["installed"] == "1.0" and len(guard.orders()) == 1


def test_steps_that_waited_for_the_trial_are_taken_before_the_next_one(
    house: House, vendor: Vendor, owner: Desk, guard: GuardOnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    monkeypatch.setattr(migrations, "finish", lambda _store, _registry: done.append(len(guard.orders())))
    vendor.software("9.1")
    owner.ordered(fetched(owner, "praxisd"))
    assert (done, len(guard.orders())) == ([0], 1)
