"""Entries of the log: what belongs to patients does not leave this computer."""

import json

import pytest

from praxisd_client import PatientData, Pseudonym, entries
from praxisd_client.entries import Diagnose, entry


def test_fields_of_patients_are_dropped_here() -> None:
    fields = {"tries": 3, "record": Pseudonym("Patient/42"), "name": PatientData("Kanarienvogel")}
    made = entry("error", "import.failed", fields)
    assert made["fields"] == {
        "tries": {"class": "tech", "value": 3},
        "record": {"class": "pseudonym", "value": "Patient/42"},
    }
    assert (made["level"], made["kind"], made["code"]) == ("error", "error", "import.failed")
    assert "Kanarienvogel" not in json.dumps(made)
    kept = entry("info", "import.failed", fields, diagnose=True)
    assert kept["fields"]["name"] == {"class": "patient", "value": "Kanarienvogel"}
    assert kept["kind"] == "status"


@pytest.mark.parametrize(
    ("level", "code", "fields"),
    [
        ("fatal", "a.b", {}),
        ("info", "A.b", {}),
        ("info", "", {}),
        ("info", "x" * 65, {}),
        ("info", "a.b", {"not a name": 1}),
        ("info", "a.b", {"what": ["list"]}),
        ("info", "a.b", {f"f{n}": n for n in range(33)}),
    ],
)
def test_what_no_server_takes_is_refused_at_once(level: str, code: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        entry(level, code, fields)  # type: ignore[arg-type]


def test_long_values_are_cut() -> None:
    made = entry("info", "a.b", {"path": "x" * 500}, "y" * 500)
    assert len(made["fields"]["path"]["value"]) == len(made["text"]) == entries.LONGEST_VALUE


def test_diagnosis_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(entries, "elapsed", lambda: now[0])
    diagnose = Diagnose()
    assert not diagnose
    diagnose.on(7 * 24 * 3600)
    assert diagnose
    now[0] += entries.DIAGNOSE_MOST_S - 1
    assert diagnose
    now[0] += 2
    assert not diagnose
    diagnose.on(60)
    diagnose.off()
    assert not diagnose
