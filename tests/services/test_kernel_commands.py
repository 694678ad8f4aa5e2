"""`praxisd jobs` and `praxisd activity`, from the words of the command line to the store and back, in both languages."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.kernel import control, job_cli
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.testing.houses import Houses
from praxisd.testing.trials import settle

Command = Callable[..., Result]
JOB = "kernel.purge"


@pytest.fixture
def house(sqlite_houses: Houses, clock: FrozenClock) -> House:
    house = sqlite_houses.open((SERVICE,), clock)
    settle(house)
    return house


@pytest.fixture
def command(house: House, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command line whose operations are performed in the house, as in a running server."""

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        json.dumps(args)  # they travel as JSON
        try:
            answer = control.perform(house, operation, args)
        except Problem as problem:
            if problem.code == "http.not_found":
                raise Problem("control.unknown_name", 404, name="-") from None
            raise
        found: dict[str, Any] = json.loads(json.dumps(answer))
        return found

    monkeypatch.setattr("praxisd.cli.perform", perform)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    def call(*words: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(root, list(words))
        assert done.exit_code == exit_code, (words, done.output, done.exception)
        return done

    return call


def as_json(command: Command, *words: str, exit_code: int = 0) -> Any:
    return json.loads(command(*words, "--json", exit_code=exit_code).stdout)


def test_jobs_are_listed_with_their_plans_in_words(command: Command) -> None:
    out = command("jobs", "list").stdout
    (line,) = [one for one in out.splitlines() if one.startswith(JOB)]
    assert "Altes aufräumen" in line and "täglich um 03:10 Uhr" in line
    assert "SCHEDULE" in command("jobs", "list", "--lang", "en").stdout.splitlines()[0]
    found = {one["name"]: one for one in as_json(command, "jobs", "list")["jobs"]}
    assert found[JOB]["enabled"] is True and found[JOB]["warnings"] == [] and found[JOB]["follows"] == []


@pytest.mark.parametrize(
    ("options", "words", "upcoming"),
    [
        ("--at 06:30 --every-days 3 --from 2026-11-24", "alle 3 Tage um 06:30 Uhr", ["24T06", "27T06"]),
        ("--at 06:30 --days Mo,Do", "jede Woche (Mo, Do) um 06:30 Uhr", ["26T06", "30T06"]),
        (
            "--every 4h --between 08:00 18:00 --days mon --every-weeks 2 --from 2026-11-30",
            "alle 2 Wochen (Mo) alle 4 Stunden von 08:00 bis 18:00 Uhr",
            ["30T08"],
        ),
        ("--at 08:00 --day 31", "jeden Monat am letzten Tag um 08:00 Uhr", ["30T08"]),
        ("--at 05:00 --day 24 --every-months 2 --from 2026-11-01", "alle 2 Monate am 24. um", ["24T05"]),
        ("--once 2026-11-24T10:00:00+01:00", "einmal, am 24.11.2026 10:00 Uhr", ["24T10"]),
        ("--cron 30_6_*_*_SAT", "nach dem Cron-Ausdruck 30 6 * * SAT", ["28T06"]),
    ],
)
def test_a_schedule_is_shown_before_it_is_saved(
    command: Command, options: str, words: str, upcoming: list[str]
) -> None:
    given = [one.replace("_", " ") if "*" in one else one for one in options.split()]
    before = as_json(command, "jobs", "show", JOB)
    out = command("jobs", "schedule", JOB, *given, "--preview").stdout
    assert words in out and "nichts wurde gespeichert" in out
    assert as_json(command, "jobs", "show", JOB) == before
    shown = as_json(command, "jobs", "schedule", JOB, *given)
    assert [due[8:13] for due in shown["upcoming"]][: len(upcoming)] == upcoming
    assert words in command("jobs", "show", JOB).stdout
    assert shown["version"] == before["version"] + 1


def test_a_job_without_times_of_its_own_says_so_or_nothing(command: Command) -> None:
    """Around the year's only run there is none in seven days; a job that waits for another has no times at all."""
    out = command(
        "jobs", "schedule", JOB, "--at", "06:00", "--every-days", "300", "--from", "2027-01-01"
    ).stdout
    assert "In den nächsten 7 Tagen ist kein Lauf fällig." in out
    problem = as_json(command, "jobs", "schedule", JOB, "--after", JOB, "--preview", exit_code=1)["problem"]
    assert problem["code"] == "schedule.chain_loop"


def test_missed_runs_and_their_age(command: Command) -> None:
    shown = as_json(command, "jobs", "schedule", JOB, "--missed", "all", "--max-age", "7d")
    assert (shown["missed"], shown["maxAgeS"]) == ("all", 7 * 86400)
    assert "alle nachholen, höchstens 7 Tage alt" in command("jobs", "show", JOB).stdout
    assert as_json(command, "jobs", "schedule", JOB, "--max-age", "90m")["maxAgeS"] == 5400
    command("jobs", "schedule", JOB, "--max-age", "soon", exit_code=2)
    command("jobs", "schedule", JOB, "--max-age", "9999d", exit_code=1)


def test_what_cannot_be_planned_says_why(command: Command) -> None:
    across = ("--every", "1h", "--between", "22:00", "04:00")
    done = command("jobs", "schedule", JOB, *across, exit_code=1)
    assert "Zeitspanne über Mitternacht" in done.stderr and "23:59" in done.stderr
    problem = as_json(command, "jobs", "schedule", JOB, *across, exit_code=1)["problem"]
    assert problem["code"] == "schedule.window_across_midnight"
    command("jobs", "schedule", JOB, exit_code=2)
    command("jobs", "schedule", JOB, "--at", "06:00", "--every-weeks", "2", exit_code=2)
    command("jobs", "show", "no.such", exit_code=1)


def test_run_cancel_switch_and_log(command: Command, house: House, clock: FrozenClock) -> None:
    assert "ist gestartet" in command("jobs", "run", JOB).stdout
    command("jobs", "run", JOB, exit_code=1)
    assert "Abbruch" in command("jobs", "cancel", JOB).stdout
    problem = as_json(command, "jobs", "cancel", JOB, exit_code=1)["problem"]
    assert problem["code"] == "jobs.nothing_open" and problem["solution"]
    clock.advance(3600)
    id_ = as_json(command, "jobs", "run", JOB)["id"]
    settle(house)
    command("jobs", "cancel", JOB, id_, exit_code=1)
    clock.advance(24 * 3600)
    settle(house)
    log = as_json(command, "jobs", "log", JOB)
    assert [run["state"] for run in log["runs"]] == ["success", "success", "cancelled"] and log["total"] == 3
    by = [run["triggeredByName"] for run in log["runs"]]
    assert by == ["Zeitplan", "Kommandozeile", "Kommandozeile"]

    def states(*words: str) -> list[str]:
        return [run["state"] for run in as_json(command, "jobs", "log", *words)["runs"]]

    assert states(JOB, "--state", "cancelled") == states(JOB, "--state", "cancelled", "--state", "failed")
    assert states(JOB, "--sort", "due")[0] == "cancelled" == states("--sort", "state")[0]
    assert states(JOB, "--to", "2026-11-23") == ["success", "cancelled"]
    assert states(JOB, "--from", "2026-11-24") == ["success"]
    assert states(JOB, "--from", "2026-11-23T09:30:00+01:00", "--to", "2026-11-23T10:30:00+01:00") == [
        "success"
    ]
    assert states(JOB, "--limit", "1") == ["success"]
    out = command("jobs", "log").stdout
    assert "erfolgreich" in out and "abgebrochen" in out and "Kommandozeile" in out and JOB in out
    command("jobs", "log", JOB, "--state", "asleep", exit_code=2)
    command("jobs", "log", JOB, "--from", "gestern", exit_code=1)
    assert "ausgeschaltet" in command("jobs", "disable", JOB).stdout
    assert as_json(command, "jobs", "enable", JOB)["enabled"] is True


def test_a_run_is_waited_for(command: Command, house: House, clock: FrozenClock, monkeypatch: Any) -> None:
    """Its end is told, and the exit code says whether it was a good one."""

    def meanwhile(work: Callable[[], object]) -> None:
        monkeypatch.setattr(job_cli, "time", SimpleNamespace(sleep=lambda _: work()))

    meanwhile(lambda: settle(house))
    assert command("jobs", "run", JOB, "--wait").stdout.startswith(f"Auftrag {JOB}: erfolgreich.")
    clock.advance(60)
    assert as_json(command, "jobs", "run", JOB, "--wait")["state"] == "success"
    clock.advance(60)
    meanwhile(lambda: command("jobs", "cancel", JOB))
    assert "abgebrochen" in command("jobs", "run", JOB, "--wait", exit_code=1).stdout


def test_activity_is_listed_exported_and_cleared(command: Command, house: House, tmp_path: Path) -> None:
    command("jobs", "run", JOB)
    settle(house)
    out = command("activity", "list", "--area", "jobs").stdout
    assert "beendet: erfolgreich" in out and "Aufträge (jobs): 1 Einträge, 0 Fehler" in out
    found = as_json(command, "activity", "list")
    assert {a["area"]: a["events"] for a in found["areas"]}["jobs"] == 1
    assert [one["type"] for one in found["events"]].count("run.finished") == 1
    assert as_json(command, "activity", "list", "--errors")["events"] == []
    assert as_json(command, "activity", "list", "--to", "2026-11-22")["events"] == []
    assert command("activity", "list", "--area", "jobs", "--errors").stdout.startswith("Keine Einträge.")
    file = tmp_path / "a.csv"
    assert as_json(command, "activity", "export", str(file), "--area", "jobs") == {
        "file": str(file),
        "rows": 1,
    }
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == 2 and "Aufträge".encode() in data
    assert command("activity", "export", "-", "--area", "jobs").stdout_bytes == data
    command("activity", "export", str(tmp_path / "no" / "such.csv"), exit_code=2)
    for words in (("list",), ("clear", "--yes"), ("export", str(file))):
        command("activity", *words, "--area", "nowhere", exit_code=1)
    assert (
        "Aufträge leeren?" in CliRunner().invoke(root, ["activity", "clear", "--area", "jobs"], "n\n").output
    )
    assert as_json(command, "activity", "list", "--area", "jobs")["events"] != []
    assert "Geleert: Aufträge" in command("activity", "clear", "--area", "jobs", "--yes").stdout
    assert as_json(command, "activity", "list", "--area", "jobs")["events"] == []
    english = command("activity", "clear", "--yes", "--lang", "en").stdout
    assert english.startswith("Cleared: all areas.")
