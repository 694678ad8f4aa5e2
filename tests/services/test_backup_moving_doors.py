"""Moving the server at its doors: who may, how far it is, the steps afterwards; and what the new computer takes over by name."""

import time
from pathlib import Path

import pytest

from praxisd.kernel import moved
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.model.backup_kept import Drive
from praxisd.services.backups.moving import arrival, leaving
from praxisd.services.backups.store import DRIVE
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .backup_moving_cast import WHO
from .diagnosis_cast import opened

SYSTEM = system("test", INSTALLATION)


def test_out_at_the_door(houses: Houses, tmp_path: Path) -> None:
    house = houses.open()
    ended: list[bool] = []
    house.shared[leaving.END] = lambda _house: ended.append(True)
    with opened(house, small_practice(house)) as ask:
        to = {"to": str(tmp_path / "usb")}
        for role in ("desk", "partner"):
            assert ask("POST", "/backups/move/out", role, 403, json=to)["code"] == "access.forbidden"
        assert ask("POST", "/backups/move/out", status=400, json={"to": "usb"})["code"] == leaving.PLACE
        assert ask("GET", "/backups/move", "desk")["state"] == "none"
        assert ask("POST", "/backups/move/out", status=202, json=to)["state"] in ("running", "left")
        until = time.monotonic() + 60
        while (found := ask("GET", "/backups/move"))["state"] == "running" or not ended:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert (found["state"], found["arrival"], found["fault"]) == ("left", None, None)
        assert Path(found["copy"]) == tmp_path / "usb" / "praxisd"
        assert ask("GET", "/schedules", status=503)["code"] == "maintenance", "the other doors stay closed"
        assert (moved.mark(house.folder) or {})["state"] == moved.LEFT


def test_a_copy_that_failed_is_told_and_the_doors_open_again(houses: Houses, tmp_path: Path) -> None:
    house = houses.open()
    (tmp_path / "usb" / "praxisd").mkdir(parents=True)
    with opened(house, small_practice(house)) as ask:
        ask("POST", "/backups/move/out", status=202, json={"to": str(tmp_path / "usb")})
        until = time.monotonic() + 60
        while (found := ask("GET", "/backups/move"))["state"] == "running":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert (found["state"], found["fault"]["code"]) == ("failed", "backups.snapshot_foreign")
        assert found["fault"]["title"] == "Im Ordner für die Kopie liegt etwas anderes"
        assert ask("GET", "/organization")["name"] == "Praxis am Test"
        assert moved.mark(house.folder) is None


@pytest.fixture
def arrived(house: House) -> House:
    """A house that has come here from a computer called old-pc."""

    def entered(tx: object) -> None:
        DRIVE.put(tx, "d1", Drive("d1", "RDX", "removable", "/no/such", host="old-pc"), at=1)  # type: ignore[arg-type]
        DRIVE.put(tx, "d2", Drive("d2", "NAS", "nas", "/no/such2", host="third"), at=2)  # type: ignore[arg-type]
        software_store.put(tx, Software(id="s1", product="x.isynet", node="old-pc"))  # type: ignore[arg-type]

    house.store.run(SYSTEM, entered)
    moved.put_mark(house.folder, moved.ARRIVING, id="move-1")
    arrival.arrive(
        house,
        WHO,
        {"host": "OLD-PC", "node": "old-pc", "copyFolder": True, "plugins": [{"name": "x", "on": True}]},
    )
    return house


def test_what_was_said_of_the_old_computer_is_said_of_this_one(arrived: House) -> None:
    here = diagnosis.own_host()
    with arrived.store.read(SYSTEM) as tx:
        assert {one.id: one.host for one in DRIVE.all(tx)} == {"d1": here, "d2": "third"}
        assert [one.node for one in diagnosis.software(tx)] == [here]
    assert moved.mark(arrived.folder) is None


def test_steps_at_the_door(arrived: House) -> None:
    with opened(arrived, small_practice(arrived)) as ask:
        found = ask("GET", "/backups/move", "desk")["arrival"]
        assert found["host"] == "OLD-PC" and len(found["followed"]) == 5
        assert [one["step"] for one in found["steps"]] == [
            "service", "plugins", "seats", "ini", "drives", "copy_folder", "firewall", "exclusions", "old",
        ]  # fmt: skip
        assert {one["step"] for one in found["steps"] if one["measured"]} == {
            "service",
            "plugins",
            "ini",
            "drives",
        }
        ask("PUT", "/backups/move/steps/seats", "desk", 403, json={"state": "done"})
        ticked = ask("PUT", "/backups/move/steps/seats", "partner", json={"state": "done"})["arrival"][
            "steps"
        ]
        seats = next(one for one in ticked if one["step"] == "seats")
        assert seats["state"] == "done" and seats["at"].startswith("2026-11-23T") and seats["by"]
        assert (
            ask("PUT", "/backups/move/steps/relay", status=404, json={"state": "done"})["code"]
            == "backups.move_step_unknown"
        )
        assert ask("GET", "/backups/move/sheet.pdf", "desk").content.startswith(b"%PDF")


def test_no_list_where_nobody_moved_in(house: House) -> None:
    with opened(house, small_practice(house)) as ask:
        ask("GET", "/backups/move/sheet.pdf", status=404)
