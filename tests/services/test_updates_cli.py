"""`praxisd updates`, from the words of the command line to the store and back; and what works in safe mode."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.kernel import control
from praxisd.kernel.app import House
from praxisd.services.updates import watching
from praxisd.testing.houses import Houses
from praxisd.testing.trials import noted
from praxisd_guard.clockmark import ClockMark

from .updates_cast import DATA, PLUGIN, Desk, GuardOnPaper, Vendor, packed

Command = Callable[..., Result]


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def vendor(house: House, tmp_path: Path) -> Vendor:
    return Vendor(house, tmp_path)


@pytest.fixture
def command(house: House, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command line whose operations are performed in the house, as in a running server."""

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            json.dumps(control.perform(house, operation, json.loads(json.dumps(args))))
        )
        return found

    monkeypatch.setattr("praxisd.cli.perform", perform)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    def call(*words: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(root, ["updates", *words])
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def test_from_the_look_to_the_installed_data_set_and_back(vendor: Vendor, command: Command) -> None:
    assert "Es ist noch nichts bekannt" in command("list").output
    vendor.data("2026-11-01")
    assert "Heruntergeladen: 0" in command("check").output
    assert f"* {DATA}" in command("subscribe", DATA).output
    told = command("download").output
    assert "Heruntergeladen: 1" in told and "→ 2026-11-01 (wartet)" in told
    assert "2026-11-01: Fertig" in command("install", DATA).output
    vendor.data("2026-11-15")
    command("download")
    order = json.loads(command("install", f"{DATA} 2026-11-15", "--json").output)
    assert (order["state"], order["final"]) == ("kept", True)
    assert "2026-11-01: Fertig" in command("switch-back", DATA).output
    lines = command("history", "--element", DATA).output.splitlines()
    assert len(lines) == 2 and any("2026-11-01  installiert" in line for line in lines)
    assert f"  {DATA}" in command("unsubscribe", DATA).output
    assert json.loads(command("list", "--json").output)["elements"][0]["element"] == DATA


def test_what_goes_wrong_is_explained_and_ends_with_one(vendor: Vendor, command: Command) -> None:
    vendor.software("9.1")
    command("check")
    told = command("install", "praxisd", exit_code=1).output
    assert "Ohne Wächter lässt sich nichts installieren" in told and "(updates.no_guard)" in told
    assert "Nichts" not in command("install", "unbekannt", exit_code=1).output
    assert command("subscribe", "unbekannt", exit_code=1).exit_code == 1
    assert "updates.nothing_before" in command("switch-back", DATA, exit_code=1).output
    vendor.at("")
    assert "updates.no_address" in command("check", exit_code=1).output


def test_software_is_ordered_and_its_outcome_waited_for(
    house: House, vendor: Vendor, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = GuardOnPaper(house, tmp_path)
    monkeypatch.setattr(watching, "watch", lambda _house: None)
    monkeypatch.setattr("praxisd.services.updates.cli._ASK_AGAIN_S", 0.05)
    vendor.software("9.1")
    command("check")
    assert "9.1: Dem Wächter übergeben" in command("install", "praxisd").output
    (wish,) = guard.orders()
    guard.does(wish, "accepted", "stopped")
    guard.does(wish, "failed", code="guard.not_healthy", detail="wrong version", log="/x/failed.log")
    guard.does(wish, "restored")
    told = command("install", "praxisd", "--wait", "1").output  # a person may try again
    assert "9.1: Dem Wächter übergeben" in told
    (wish,) = guard.orders()
    guard.does(wish, "refused", code="guard.busy", detail="backups.run")
    assert command("history").output.count("9.1") == 1
    assert "wartet" in command("list").output


def test_a_pushed_file_by_command(vendor: Vendor, command: Command, tmp_path: Path) -> None:
    vendor.software("9.1")
    file = packed(vendor.quick.folder, tmp_path / "push.zip")
    vendor.at("")
    assert "praxisd 9.1  wartet" in command("push", str(file)).output
    file.write_bytes(b"no archive")
    assert "updates.push_malformed" in command("push", str(file), exit_code=1).output


def test_a_clock_that_once_ran_ahead_is_trusted_again_by_a_person(
    house: House, vendor: Vendor, command: Command, tmp_path: Path
) -> None:
    guard = GuardOnPaper(house, tmp_path)
    marks = [ClockMark(house.folder / "updates"), ClockMark(guard.home / "trust")]
    ahead = house.clock.now() + 400 * 86_400
    for mark in marks:
        mark.raise_to(ahead)  # a look while the clock was wrong
    vendor.software("9.1")
    told = command("check", exit_code=1).output
    assert "updates.clock_back" in told and "praxisd updates check --trust-clock" in told
    told = command("check", "--trust-clock").output
    assert "wird wieder vertraut; vergessen wurde 2027-12-28T" in told and "Heruntergeladen: 1" in told
    assert [mark.highest() for mark in marks] == [house.clock.now(), None]
    assert noted(house).count("update.clock_trusted") == 1
    assert "es war nichts zu vergessen" in command("check", "--trust-clock").output
    assert marks[0].highest() == house.clock.now() and noted(house).count("update.clock_trusted") == 1


def test_in_safe_mode_one_looks_and_installs_all_the_same(
    sqlite_houses: Houses, house: House, vendor: Vendor, tmp_path: Path
) -> None:
    """No job runs there and nothing was started; whoever asks brings open orders in line with the journal."""
    owner = Desk(house)
    house.safe = True
    guard = GuardOnPaper(house, tmp_path)
    vendor.software("9.1")
    status, answer = owner.ask("POST", "/updates/check")
    assert (status, answer["run"]) == (202, "")
    order = owner.ordered(owner.element("praxisd")["waiting"]["id"])
    (wish,) = guard.orders()
    for step in ("accepted", "stopped", "failed", "restored"):
        guard.journal.write(
            "install", step, wish.id, **({"code": "guard.not_started"} if step == "failed" else {})
        )
    assert owner.ask("GET", f"/updates/orders/{order['id']}")[1]["state"] == "rolled_back"
    assert owner.ask("GET", "/appointments")[0] == 503
    assert owner.element(PLUGIN)["installed"] is None


def test_a_start_does_not_wait_for_the_libraries_of_trust() -> None:
    code = "import sys, praxisd.main; praxisd.main.services(); print(sorted({'tuf', 'aiohttp', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
