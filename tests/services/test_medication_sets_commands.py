"""`praxisd medication sets|confirm|build|show|use`: files made beside a server, put in use, confirmed."""

import json
import re
import sqlite3
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from praxisd import cli
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.medication import sets_operations, sets_reading, sets_sample
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.services.updates import api as updates
from praxisd.testing.practice import small_practice


def _run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.root, ["medication", *words], prog_name="praxisd")
    return done.exit_code, done.stdout


def test_a_set_is_built_shown_and_used(house: House, tmp_path: Path) -> None:
    small_practice(house)
    out = tmp_path / "sample.sqlite"
    code, said = _run("build", "--sample", "1", "--released", "2026-11-01", "--out", str(out), "--json")
    assert code == 0 and json.loads(said)["counts"]["interaction"] == 7
    code, said = _run("show", str(out), "--json")
    assert code == 0 and json.loads(said)["meta"]["element"] == MEDICATION
    before = out.read_bytes()
    used = sets_operations.use(house, {"file": str(out)})
    assert out.read_bytes() == before, "the file itself stays where it is"
    assert used["sets"][0]["standing"]["version"] == "2026-11-01"
    assert used["sets"][0]["standing"]["state"] in ("unconfirmed", "expired")
    again = sets_operations.use(house, {"file": str(out)})["sets"][0]["standing"]
    assert again["version"].startswith("2026-11-01+") and again["previous"] == "2026-11-01"
    found = sets_operations.confirm(house, {"element": MEDICATION, "version": again["version"], "lang": "en"})
    assert found["sets"][0]["confirmedBy"] in ("Kommandozeile", "Command line")
    assert [one["standing"]["state"] for one in found["sets"][1:]] == ["missing", "missing"]


def test_what_is_broken_is_not_used(house: House, tmp_path: Path) -> None:
    small_practice(house)
    good, bad = tmp_path / "good.sqlite", tmp_path / "bad.sqlite"
    sets_sample.build(1, date(2026, 11, 1), MEDICATION, good)
    sets_operations.use(house, {"file": str(good), "version": "one"})
    sets_sample.build(2, date(2026, 11, 2), MEDICATION, bad)
    with sqlite3.connect(bad) as link:
        link.execute("DELETE FROM interaction WHERE id = 'nsaid-lithium'")
    link.close()
    with pytest.raises(Problem) as refused:
        sets_operations.use(house, {"file": str(bad)})
    assert (refused.value.code, refused.value.status) == ("medication.set_altered", 422)
    assert sets_reading.open_set(house, MEDICATION).version == "one"
    assert [one.version for one in updates.versions(house, MEDICATION)] == ["one"]


def test_a_build_says_what_is_wrong_in_words(tmp_path: Path) -> None:
    out = tmp_path / "x.sqlite"
    assert _run("build", "--out", str(out))[0] == 1
    assert _run("build", "--sample", "1", "--out", str(out))[0] == 1, "a sample has no day of its own"
    table, mapping = tmp_path / "x.csv", tmp_path / "x.toml"
    table.write_text("Name;PZN\nA;18\n", encoding="utf-8")
    mapping.write_text('[columns]\nname = "Name"\npzn = "PZN"\n', encoding="utf-8")
    line = (
        "build",
        "--csv",
        str(table),
        "--mapping",
        str(mapping),
        "--released",
        "2026-11-01",
        "--out",
        str(out),
    )
    done = CliRunner().invoke(cli.root, ["medication", *line, "--lang", "en"], prog_name="praxisd")
    assert done.exit_code == 1 and "source" in done.stderr, "a set without a source is none"
    mapping.write_text(
        '[columns]\nname = "Name"\npzn = "PZN"\n[set]\nsource = "Own list"\nlicence = "own"\n',
        encoding="utf-8",
    )
    done = CliRunner().invoke(cli.root, ["medication", *line, "--lang", "en"], prog_name="praxisd")
    assert done.exit_code == 0
    assert "x.csv:2: The check digit of the PZN is wrong, the package is left out: 18" in done.stderr


def test_every_source_of_the_sample_has_a_date_people_can_read() -> None:
    sources = tomllib.loads(
        (resources.files("praxisd.services.medication") / "sample/sources.toml").read_text("utf-8")
    )
    written = [one["date"] for one in sources.values() if "date" in one]
    assert written and all(re.fullmatch(r"\d{4}(-\d\d){0,2}", one) for one in written)
