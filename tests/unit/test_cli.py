"""The command line's own words: names and help without heavy imports, plans from options, languages, exit codes."""

import json
import signal
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from praxisd import main
from praxisd.cli import BUILT_IN, root
from praxisd.kernel import schedule, terminal
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_cli import plan_of


def test_help_needs_no_database_and_no_web_framework() -> None:
    probe = (
        "import sys; from praxisd.cli import root; root(['--help'], standalone_mode=False); "
        "print(sorted({'sqlalchemy', 'litestar', 'alembic', 'holidays'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "doctor" in done.stdout and done.stdout.strip().endswith("[]")


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    for name, (module, words) in BUILT_IN.items():
        found = next(c for c in import_module(module).commands if c.name == name)
        assert found.get_short_help_str(limit=200).rstrip(".") == words.rstrip("."), name


def test_every_service_with_commands_is_in_the_table() -> None:
    for service in main.services():
        if service.commands is not None:
            module, _, name = service.commands.partition(":")
            for one in getattr(import_module(module), name):
                assert BUILT_IN[one.name][0] == module


def test_every_command_takes_a_folder_and_reports_in_json() -> None:
    """SPEC 14.3 and 14.8: `--data` everywhere, `--json` wherever something is listed or reported."""
    silent = {
        "serve",
        "demo",
        "sandbox sms",
        "sandbox mail",
        "sandbox portal",
        "sandbox relay",
        "sandbox relay-code",
        "sandbox acme",
        "sandbox updates",
        "sandbox serviceprovider",
        "laptop key",
        "relay-hub serve",
    }  # programs that say when they are ready, and one that prints a single line

    def walk(path: str, command: click.Command) -> None:
        if isinstance(command, click.Group):
            for name, sub in command.commands.items():
                walk(f"{path} {name}", sub)
            return
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--data" in options, path
        assert "--json" in options or path in silent, path

    context = click.Context(root)
    for name in BUILT_IN:
        command = root.get_command(context, name)
        assert command is not None
        walk(name, command)


def test_operations_named_by_commands_exist() -> None:
    declared = {o.name for service in main.services() for o in service.operations}
    wanted = {
        "kernel.doctor",
        "kernel.migrate",
        "kernel.jobs_list",
        "kernel.settings_set",
        "accounts.keys_create",
    }
    assert wanted <= declared


@pytest.mark.parametrize(
    ("given", "plan"),
    [
        ({"at": "06:30"}, {"type": "daily", "within": {"type": "at", "time": "06:30"}}),
        (
            {"every": 900, "between": ("07:00", "18:00"), "days": "mon, Fri"},
            {
                "type": "weekly",
                "within": {"type": "repeat", "minutes": 15, "start": "07:00", "end": "18:00"},
                "days": ["mon", "fri"],
            },
        ),
        (
            {"at": "06:30", "day": 31},
            {"type": "monthly", "within": {"type": "at", "time": "06:30"}, "day": 31},
        ),
        (
            {"every": 3600},
            {"type": "daily", "within": {"type": "repeat", "minutes": 60, "start": "00:00", "end": "23:59"}},
        ),
        (
            {"at": "06:30", "every_days": 3, "anchor": date(2026, 11, 23)},
            {"type": "daily", "within": {"type": "at", "time": "06:30"}, "every": 3, "anchor": "2026-11-23"},
        ),
        (
            {"at": "06:30", "days": "So,mo,DO", "every_weeks": 2},
            {
                "type": "weekly",
                "within": {"type": "at", "time": "06:30"},
                "days": ["mon", "thu", "sun"],
                "every": 2,
            },
        ),
        (
            {"every": 7200, "between": ("08:00", "18:00"), "day": 31, "every_months": 3},
            {
                "type": "monthly",
                "within": {"type": "repeat", "minutes": 120, "start": "08:00", "end": "18:00"},
                "day": 31,
                "every": 3,
            },
        ),
        ({"once": "2026-12-01T10:00:00+01:00"}, {"type": "once", "at": 1796115600}),
        ({"after": "kernel.purge"}, {"type": "after", "job": "kernel.purge"}),
        ({"cron": "30 6 * * MON-FRI"}, {"type": "cron", "expression": "30 6 * * MON-FRI"}),
        ({"plan": '{"type": "once", "at": 5}'}, {"type": "once", "at": 5}),
        ({}, None),
    ],
)
def test_options_become_plans_the_schedule_takes(given: dict[str, Any], plan: dict[str, Any] | None) -> None:
    found = plan_of(**given)
    assert found == plan
    if found is not None:
        schedule.from_json(json.dumps(found))


@pytest.mark.parametrize(
    "given",
    [
        {"at": "06:30", "cron": "* * * * *"},
        {"at": "06:30", "every": 300},
        {"at": "06:30", "days": "mon", "day": 3},
        {"days": "mon"},
        {"day": 3},
        {"between": ("07:00", "08:00")},
        {"at": "06:30", "days": "montag"},
        {"at": "06:30", "every_weeks": 2},
        {"at": "06:30", "every_months": 2, "days": "mon"},
        {"at": "06:30", "every_days": 2, "days": "mon"},
        {"every_days": 2},
        {"after": "a.b", "anchor": date(2026, 11, 23)},
        {"once": "morgen"},
        {"plan": "{"},
        {"plan": "[]"},
    ],
)
def test_options_that_contradict_are_wrong_use(given: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError):
        plan_of(**given)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_CH.UTF-8"}, "de"),
        ({"LANG": "C.UTF-8"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "de"),
        ({"LANG": "de_DE", "LC_ALL": "en_GB"}, "en"),
        ({}, "de"),
    ],
)
def test_the_language_of_the_terminal(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert terminal.language() == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("control.no_server", 3),
        ("control.busy", 3),
        ("control.no_practice", 3),
        ("control.unknown_name", 1),
        ("store.unreachable", 1),
        ("config.invalid", 2),
        ("control.folder_in_use", 2),
        ("accounts.portal_has_key", 1),
        ("store.newer_schema", 1),
    ],
)
def test_exit_codes_of_problems(code: str, expected: int) -> None:
    assert terminal.exit_code(Problem(code)) == expected


def test_a_problem_nobody_has_words_for_is_named_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> dict[str, Any]:
        raise Problem("strange.thing", 500, detail="a hint")

    monkeypatch.setattr("praxisd.cli.perform", fail)
    done = CliRunner().invoke(root, ["settings", "list", "--json"])
    assert done.exit_code == 1
    assert "strange.thing" in done.stderr and "a hint" in done.stderr
    assert '"code": "strange.thing"' in done.stdout


def test_an_unknown_command_is_wrong_use() -> None:
    assert CliRunner().invoke(root, ["no-such-command"]).exit_code == 2


def test_import_hands_over_texts_and_fails_with_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    report: dict[str, Any] = {"created": 2, "errors": [], "lines": ["two new", "one strange"]}

    def answer(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        asked.append({"operation": operation, **args})
        return report

    monkeypatch.setattr("praxisd.cli.perform", answer)
    good, latin = tmp_path / "bundle.json", tmp_path / "latin.json"
    good.write_bytes(b"\xef\xbb\xbf{}")
    latin.write_bytes(b'{"family": "M\xfcller"}')
    done = CliRunner().invoke(root, ["import", str(good), str(good), "--lang", "en"])
    assert done.exit_code == 0 and done.stdout == "two new\none strange\n"
    assert asked == [
        {"operation": "calendar.import_bundle", "files": ["{}", "{}"], "release": False, "lang": "en"}
    ]
    report["errors"] = [{"path": "entry[3]"}]
    done = CliRunner().invoke(root, ["import", str(good)])
    assert done.exit_code == 1 and "two new" in done.stdout
    for wrong in ([str(latin)], [str(tmp_path / "none.json")], []):
        assert CliRunner().invoke(root, ["import", *wrong]).exit_code == 2


def test_heads_of_tables_are_words_in_both_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"id": "x1", "expiresAt": None}
    for lang, heads in (("de", "KENNUNG  GILT BIS"), ("en", "ID  VALID UNTIL")):
        monkeypatch.setenv("LC_ALL", lang)
        terminal.print_table([row], ("id", "expiresAt"))
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == heads and lines[1].split() == ["x1", "-"]
        assert lines[0].index(heads.split("  ")[1]) == lines[1].index("-")


def test_a_fall_of_the_interpreter_says_where_its_threads_were(tmp_path: Path) -> None:
    code = "import faulthandler, sys; from praxisd import cli; cli.root = lambda **_: faulthandler._sigsegv(); cli.main()"
    fallen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert fallen.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in fallen.stderr
    assert "in <lambda>" in fallen.stderr
