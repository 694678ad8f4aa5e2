"""`praxisd reminders preview`: one line per person, the text cut to what a table has room for."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.services.reminders.cli import reminders

ONE = {
    "appointment": "a1",
    "start": "2026-11-28T10:00:00+01:00",
    "birthDate": "1980-11-27",
    "patientName": "Eva Anna",
}
FOUND: dict[str, Any] = {
    "switchedOn": False,
    "candidates": [{**ONE, "channel": "email", "text": "Guten Tag,\n\nIhr Termin " + "x" * 80}],
    "refusals": [{**ONE, "start": "2026-11-28T09:00:00+01:00", "title": "Patient verstorben"}],
    "counts": {"will": 1, "letters": 0, "not": 1, "credits": 2},
}


@pytest.mark.parametrize("kind", ["reminder", "birthday"])
def test_the_preview_as_a_table(kind: str, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    def perform(folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        asked.update(args, folder=folder, operation=operation)
        return FOUND

    words = [
        "preview",
        "--data",
        str(tmp_path),
        "--lang",
        "de",
        "--kind",
        kind,
        "--only",
        "not",
        "--day",
        "2026-11-27",
    ]
    got = CliRunner().invoke(reminders, words, obj=perform)
    assert got.exit_code == 0, got.output
    assert asked == {
        "folder": tmp_path, "operation": "reminders.preview", "kind": kind, "filter": "not", "day": "2026-11-27",
        "lang": "de",
    }  # fmt: skip
    lines = got.stdout.splitlines()
    first = next(line for line in lines if "Patient verstorben" in line)
    second = next(line for line in lines if "Guten Tag, Ihr Termin xxx" in line)
    assert second.rstrip().endswith("-") and "…" in second and len(second) < 140
    if kind == "reminder":
        assert lines.index(first) < lines.index(second), "by time"
    assert "1 Mitteilungen, 0 Briefe, 1 ohne Mitteilung, 2 Credits." in got.stdout
    assert "Ausgeschaltet" in got.stderr


def test_the_preview_as_json(tmp_path: Path) -> None:
    got = CliRunner().invoke(
        reminders, ["preview", "--data", str(tmp_path), "--json"], obj=lambda *_args: FOUND
    )
    assert got.exit_code == 0 and '"switchedOn": false' in got.stdout and "Ausgeschaltet" not in got.output
