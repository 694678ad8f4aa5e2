"""`praxisd medication list|add|change|end|check|risks|notices`: the real operations behind the real commands."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from praxisd.kernel.errors import Problem
from praxisd.services.medication.statement_cli import COMMANDS
from praxisd.services.medication.statement_operations import OPERATIONS

from .medication_cast import product
from .medication_cast import the_practice as _practice  # noqa: F401

BY_NAME = {one.name: one for one in OPERATIONS}


@pytest.fixture
def run(house, tmp_path):
    group = click.Group("medication", commands={one.name or "": one for one in COMMANDS})

    def perform(folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        assert BY_NAME[operation].offline and folder == tmp_path
        return BY_NAME[operation].call(house, args)

    def call(*words: str, lang: str = "de", code: str | None = None) -> Any:
        command, *rest = words
        line = [command, *rest, "--data", str(tmp_path), "--lang", lang]
        got = CliRunner().invoke(group, line, obj=perform)
        if code is not None:
            assert isinstance(got.exception, Problem) and got.exception.code == code, got.exception
            return None
        assert got.exit_code == 0, (got.output, got.exception)
        return json.loads(got.stdout) if "--json" in words else got.output

    return call


def test_a_list_from_the_command_line(house, practice, run):
    who = practice.patient
    lithium, ibuprofen = product(house, "Lithium"), product(house, "Ibuprofen Muster 600")
    first = run("add", who, "--product", lithium[0], "--dosage", "1-0-1", "--since", "2026-03", "--json")
    assert (first["text"], first["dosage"], first["recordedBy"]) == (lithium[1], "1-0-1", "cli:cli")
    assert "Eingetragen: Ibu" in run("add", who, "--pzn", ibuprofen[2], "--text", "Ibu")
    assert "Geprüft wird diese Zeile nicht" in run("add", who, "--text", "Tee")
    table = run("list", who)
    assert "Lithium" in table and "Ibu" in table and "2026-03" in table
    assert "version 2" in run("change", first["id"], "--dosage", "0-0-1", "--version", "1", lang="en")
    run("change", first["id"], "--dosage", "1", "--version", "1", code="resource.stale")
    found = run("check", who, "--json")
    assert found["complete"] is False and [f["rule"] for f in found["findings"]].count("nsaid-lithium") == 1
    told = run("check", who)
    assert "[schwerwiegend] Lithium" in told and "Quelle: " in told and "Nicht geprüft: Tee" in told
    assert "keine vollständige Interaktionsprüfung" in told
    assert "[serious]" in run("check", who, lang="en")
    run("end", first["id"], "--until", "2026-11")
    assert "Beendet oder irrtümlich, hier nicht gezeigt: 1" in run("list", who)
    assert len(run("list", who, "--ended", "--json")["statements"]) == 3
    run("end", first["id"], "--how", "entered-in-error")
    assert run("list", who, "--ended", "--json")["statements"][0]["status"] == "entered-in-error"


def test_checks_without_a_patient_risks_and_notices(practice, run):
    told = run("check", "--substance", "warfarin", "--substance", "metronidazole")
    assert "[schwerwiegend] Warfarin × Metronidazol" in told
    assert run("risks", practice.patient, "--json") == {"patient": practice.patient, "risks": [], "ended": 0}
    assert run("risks", practice.patient)
    notices = run("notices", "--json")
    assert notices["unread"] == 2 and "Sample data" in run("notices", lang="en")


def test_what_cannot_be_done_is_a_problem(practice, run):
    run("list", "niemand", code="directory.patient_unknown")
    run("add", practice.patient, code="medication.unnamed")
    run("add", practice.patient, "--text", "x", "--since", "März", code="control.bad_arguments")
    run("change", "niemand", "--note", "x", code="http.not_found")
    run("notices", "--since", "gestern", code="control.bad_arguments")


def test_bad_arguments_do_not_repeat_what_was_said(house, practice):
    with pytest.raises(Problem) as refused:
        BY_NAME["medication.add"].call(house, {"patient": practice.patient, "status": "Kanarienvogel"})
    assert refused.value.detail == "$.status" and "Kanarien" not in repr(refused.value.params)


def test_before_there_is_a_practice_a_word_says_so(house):
    of = {
        "medication.notices": {},
        "medication.change": {"id": "x"},
        "medication.add": {"patient": "x", "text": "y"},
    }
    for one in OPERATIONS:
        with pytest.raises(Problem) as refused:
            one.call(house, of.get(one.name, {"patient": "x"}))
        assert refused.value.code == "control.no_practice_yet", one.name
