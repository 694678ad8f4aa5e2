"""`praxisd logbook …` on a folder without a server: search, save, package, orders, statistics."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from praxisd.kernel import control
from praxisd.services.logbook import cli

from .logbook_cast import entry, scene, tech


def test_the_commands(sqlite_houses: Any, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.set("support.partner_email", "hilfe@systemhaus-nord.example")
        there.write(
            entry(house, 1, fields={"tray": tech(2)}, text="Fach leer"),
            entry(house, 2, "door.open", level="error"),
        )

        def ask(*args: str, status: int = 0) -> Any:
            done = CliRunner().invoke(
                cli.logbook, [*args, "--data", str(house.folder), "--lang", "en"],
                obj=lambda _folder, name, given: control.perform(house, name, given),
            )  # fmt: skip
            assert done.exit_code == status, (done.output, done.exception)
            return done.output

        assert "printer.paper_out  tray=2  Fach leer" in ask("search", "--words", "fach")
        found = json.loads(ask("search", "--level", "error", "--json"))["entries"]
        assert [one["code"] for one in found] == ["door.open"]
        ask("export", "--out", str(tmp_path / "log.ndjson"))
        assert len((tmp_path / "log.ndjson").read_text().splitlines()) == 2
        made = json.loads(ask("package", "--json"))
        assert len(made["lines"]) == 3 and json.loads(made["lines"][0])["part"] == "logbook"
        given = json.loads(ask("orders", "--until", "2026-12-01T00:00:00Z", "--json"))["orders"]
        assert (given[0]["to"], given[0]["state"]) == ("hilfe@systemhaus-nord.example", "on")
        assert "withdrawn" in ask("orders", "--withdraw", given[0]["id"])
        assert ask("statistics").startswith("1 errors, 0 warnings, 1 other entries")
        refused = CliRunner().invoke(
            cli.logbook, ["send", made["id"], "--sha256", "0" * 64, "--yes", "--data", str(house.folder)],
            obj=lambda _folder, name, args: control.perform(house, name, args),
        )  # fmt: skip
        assert getattr(refused.exception, "code", "") == "logbook.package_changed"
