"""`praxisd products` and `praxisd software`, from the words of the command line to the store and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.kernel import control
from praxisd.kernel.app import House
from praxisd.services.diagnosis import product_reading
from praxisd.testing.houses import Houses

Command = Callable[..., Result]


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


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
        done = CliRunner().invoke(root, list(words))
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def test_products_are_listed_and_shown(house: House, command: Command) -> None:
    assert "x.concept-ambulanz" in command("products", "list").stdout
    found = json.loads(command("products", "list", "--json").stdout)
    assert len(found["products"]) == 9 and found["faults"] == []
    shown = command("products", "show", "x.isynet").stdout
    assert "HPM  TCP 22220, 22225(TLS), 22230, 2240, 22250, 22260  in out  INTRANET" in shown
    assert "Stand 2023-08-04" in shown and "sqlbrowser.exe" in shown and "6 Mbit" in shown
    assert json.loads(command("products", "show", "psyx", "--json").stdout)["ports"] == []
    assert "control.unknown_name" in command("products", "show", "nothing", exit_code=1).output
    (house.folder / "products").mkdir()
    (house.folder / "products" / "bad.toml").write_text("[product\n", encoding="utf-8")
    assert "bad.toml:1:9: Das ist kein gültiges TOML" in command("products", "list").stderr


def test_a_file_is_checked_line_by_line(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(product_reading.built_in_files()["medatixx.toml"])
    assert "31 Zeilen der Portliste" in command("products", "check", str(file)).stdout
    file.write_text(file.read_text("utf-8").replace("2023-08-04", '"gestern"'), encoding="utf-8")
    done = command("products", "check", str(file), exit_code=1)
    assert done.stderr == f"{file}:12:1: „stand“ ist kein Datum wie 2023-08-04.\n"
    told = json.loads(command("products", "check", str(file), "--json", exit_code=1).stdout)
    assert told["product"] is None
    assert [(one["line"], one["column"]) for one in told["faults"]] == [(12, 1)]


def test_a_folder_is_packed_as_a_data_set(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "products"
    (folder / "shared").mkdir(parents=True)
    for name, data in product_reading.built_in_files().items():
        (folder / name).write_bytes(data)
    out = tmp_path / "out.sqlite"
    assert "9 Produkte" in command("products", "pack", str(folder), "--out", str(out)).stdout
    assert out.stat().st_size > 10_000
    command("products", "pack", str(folder), "--out", str(out), exit_code=1)  # nothing is written over
    (folder / "psyx.toml").write_text("x = 1\n", encoding="utf-8")
    other = tmp_path / "other.sqlite"
    assert (
        "psyx.toml:1:1: " in command("products", "pack", str(folder), "--out", str(other), exit_code=1).stderr
    )
    assert not other.exists()


def test_software_is_added_listed_and_removed(command: Command) -> None:
    told = command(
        "software", "add", "x.comfort", "--role", "main", "--folder", "C:\\doc2\\daten\\data", "--json"
    )  # fmt: skip
    made = json.loads(told.stdout)
    assert (made["dataFolder"], made["role"], made["productName"]) == ("C:\\doc2", "main", "x.comfort")
    assert made["id"] in command("software", "list").stdout
    assert json.loads(command("software", "list", "--json").stdout)["software"] == [made]
    assert "diagnosis.product_unknown" in command("software", "add", "nothing", exit_code=1).output
    command("software", "add", "psyx", "--host", "a b", exit_code=2)
    assert made["id"] in command("software", "remove", made["id"]).stdout
    command("software", "remove", made["id"], exit_code=1)
    assert json.loads(command("software", "list", "--json").stdout)["software"] == []
