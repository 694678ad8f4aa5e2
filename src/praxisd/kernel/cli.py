"""Commands of the kernel: `praxisd doctor`, `settings`, `maintenance`; `jobs` and `activity` have files of their own.

Thin: each names an operation.
"""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.activity_cli import activity
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_cli import jobs
from praxisd.kernel.terminal import (
    language,
    perform,
    print_json,
    print_table,
    reporting,
    say,
    shared,
    words,
)

_KERNEL = "praxisd.kernel"


@click.command()
@shared
@click.option("--fix", "wanted", metavar="CODE[:SUBJECT]", help="Heal this one instead.")
@click.option("--explain", "asked", metavar="CODE", help="Say what this code means instead.")
def doctor(
    folder: Path, organization: str | None, as_json: bool, wanted: str | None, asked: str | None
) -> None:
    """Run all checks; ends with 1 if something is wrong."""
    if asked is not None:
        _explain(folder, as_json, asked)
        return
    if wanted is not None:
        _fix(folder, organization, as_json, wanted)
        return
    try:
        answer = perform(folder, "kernel.doctor", None, lang=language())
    except Problem as problem:
        if not as_json or problem.code.startswith("control."):
            raise
        # A house that cannot even be opened is what the doctor was asked about.
        found = {"code": problem.code, "severity": "error", "subject": "", **words(problem)}
        answer = {"issues": [found], "checked": []}
    if as_json:
        print_json(answer)
    else:
        for issue in answer["issues"]:
            _print_issue(issue)
        if answer["issues"]:
            click.echo(say(_KERNEL, "cli.doctor.more"))
        word = "checked" if answer["issues"] else "good"
        click.echo(say(_KERNEL, f"cli.doctor.{word}", count=len(answer["checked"])))
    # A mere note is no fault: it must not fail a monitoring script for years.
    if any(issue["severity"] != "info" for issue in answer["issues"]):
        click.get_current_context().exit(1)


def _explain(folder: Path, as_json: bool, code: str) -> None:
    """The help page of a code, as the console shows it."""
    found = perform(folder, "kernel.explain", None, code=code, lang=language())
    if as_json:
        print_json(found)
        return
    looked = [say(_KERNEL, "console.help.check", **one) for one in found["checks"]]
    parts = [("severity", found["severity"]), ("means", found["hint"]), ("cause", found["cause"])]
    parts += [("solution", found["solution"]), ("fix", found["fix"]), ("checked", "; ".join(looked))]
    click.echo(f"{found['title']} ({found['code']})")
    for name, text in parts:
        if text:
            click.echo(f"\n{say(_KERNEL, f'console.help.{name}')}:\n  {text}")
    if found["url"]:
        click.echo("\n" + say(_KERNEL, "cli.doctor.page", url=found["url"]))


def _fix(folder: Path, organization: str | None, as_json: bool, wanted: str) -> None:
    code, _, subject = wanted.partition(":")
    answer = perform(folder, "kernel.fix", organization, code=code, subject=subject, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(
            say(_KERNEL, f"cli.fix.{'healed' if answer['healed'] else 'still'}", title=answer["title"])
        )
        for line in filter(None, (answer["note"], answer["restart"] and say(_KERNEL, "cli.fix.restart"))):
            click.echo(line)
    if not answer["healed"]:
        click.get_current_context().exit(1)


def _print_issue(issue: dict[str, Any]) -> None:
    subject = f" [{issue['subject']}]" if issue["subject"] else ""
    click.echo(
        f"{say(_KERNEL, 'cli.issue.' + issue['severity'])}: {issue['title']}{subject} ({issue['code']})"
    )
    click.echo(f"  {issue['cause']}\n  {issue['solution']}\n")


@click.group()
def settings() -> None:
    """What can be set, what is in force, and where it comes from."""


@settings.command("list")
@shared
def list_settings(folder: Path, organization: str | None, as_json: bool) -> None:
    """All settings."""
    answer = perform(folder, "kernel.settings_list", organization, lang=language())
    if as_json:
        print_json(answer)
    else:
        print_table(answer["settings"], ("key", "value", "source", "low", "high", "label"))


@settings.command("set")
@shared
@click.argument("key")
@click.argument("value", required=False)
@click.option("--default", "restore", is_flag=True, help="Back to the default.")
def set_setting(
    folder: Path, organization: str | None, as_json: bool, key: str, value: str | None, restore: bool
) -> None:
    """Set one setting."""
    if restore == (value is not None):
        raise click.UsageError("give either a value or --default")
    answer = perform(folder, "kernel.settings_set", organization, key=key, value=value, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_KERNEL, "cli.setting.saved", key=key, value=answer["value"]))


@click.group()
def maintenance() -> None:
    """Close all doors for a while: every request is answered 503 with Retry-After."""


@maintenance.command("begin")
@reporting
@click.option(
    "--minutes", type=click.IntRange(1, 1440), default=15, show_default=True, help="At most so long."
)
@click.option("--reason", metavar="CODE", help="A code such as update; no sentence.")
def begin_maintenance(folder: Path, as_json: bool, minutes: int, reason: str | None) -> None:
    """Begin, or prolong."""
    _maintenance(perform(folder, "kernel.maintenance_begin", None, minutes=minutes, reason=reason), as_json)


@maintenance.command("show")
@reporting
def show_maintenance(folder: Path, as_json: bool) -> None:
    """Is maintenance going on?"""
    _maintenance(perform(folder, "kernel.maintenance_state", None), as_json)


def _maintenance(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    elif answer["active"]:
        click.echo(say(_KERNEL, "cli.maintenance.begun", until=answer["until"]))
    else:
        click.echo(say(_KERNEL, "cli.maintenance.none"))


@maintenance.command("end")
@reporting
def end_maintenance(folder: Path, as_json: bool) -> None:
    """Open the doors again."""
    answer = perform(folder, "kernel.maintenance_end", None)
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_KERNEL, f"cli.maintenance.{'ended' if answer['ended'] else 'none'}"))


commands: tuple[click.Command, ...] = (doctor, jobs, activity, settings, maintenance)
