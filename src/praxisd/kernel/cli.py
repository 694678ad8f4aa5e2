"""Commands of the kernel: `praxisd doctor`, `jobs`, `settings`, `maintenance`. Thin: each names an operation."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
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
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.command()
@reporting
def doctor(folder: Path, as_json: bool) -> None:
    """Run all checks; ends with 1 if something is wrong."""
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
        word = "checked" if answer["issues"] else "good"
        click.echo(say(_KERNEL, f"cli.doctor.{word}", count=len(answer["checked"])))
    # A mere note is no fault: it must not fail a monitoring script for years.
    if any(issue["severity"] != "info" for issue in answer["issues"]):
        click.get_current_context().exit(1)


def _print_issue(issue: dict[str, Any]) -> None:
    subject = f" [{issue['subject']}]" if issue["subject"] else ""
    click.echo(
        f"{say(_KERNEL, 'cli.issue.' + issue['severity'])}: {issue['title']}{subject} ({issue['code']})"
    )
    click.echo(f"  {issue['cause']}\n  {issue['solution']}\n")


@click.group()
def jobs() -> None:
    """What runs by itself, when, and how it went."""


@jobs.command("list")
@shared
def list_jobs(folder: Path, organization: str | None, as_json: bool) -> None:
    """All jobs."""
    answer = perform(folder, "kernel.jobs_list", organization, lang=language())
    if as_json:
        print_json(answer)
    else:
        print_table(answer["jobs"], ("name", "enabled", "nextAt", "title"))


@jobs.command("show")
@shared
@click.argument("name")
def show_job(folder: Path, organization: str | None, as_json: bool, name: str) -> None:
    """One job and its due times of the next seven days."""
    _show(perform(folder, "kernel.jobs_show", organization, name=name, lang=language()), as_json)


def _show(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['name']}: {answer['title']}\n{answer['help']}\n{json.dumps(answer['plan'])}")
    if answer["upcoming"]:
        click.echo("\n".join([say(_KERNEL, "cli.job.upcoming"), *(f"  {due}" for due in answer["upcoming"])]))


@jobs.command("run")
@shared
@click.argument("name")
def run_job(folder: Path, organization: str | None, as_json: bool, name: str) -> None:
    """Start a job now, whether it is switched on or not."""
    answer = perform(folder, "kernel.jobs_run", organization, name=name, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_KERNEL, "cli.job.started", name=name))


@jobs.command("enable")
@shared
@click.argument("name")
def enable_job(folder: Path, organization: str | None, as_json: bool, name: str) -> None:
    """Let a job run at its times."""
    _switch(folder, organization, as_json, name, True)


@jobs.command("disable")
@shared
@click.argument("name")
def disable_job(folder: Path, organization: str | None, as_json: bool, name: str) -> None:
    """Stop a job from running by itself."""
    _switch(folder, organization, as_json, name, False)


def _switch(folder: Path, organization: str | None, as_json: bool, name: str, on: bool) -> None:
    answer = perform(folder, "kernel.jobs_enable", organization, name=name, enabled=on, lang=language())
    if as_json:
        print_json(answer)
    else:
        word = "enabled" if on else "disabled"
        click.echo(say(_KERNEL, f"cli.job.{word}", name=name, next=answer["nextAt"] or "-"))


@jobs.command("schedule")
@shared
@click.argument("name")
@click.option("--at", metavar="HH:MM", help="Once a day at this time.")
@click.option("--every", type=click.IntRange(1, 1440), metavar="MINUTES", help="Again and again.")
@click.option("--between", nargs=2, metavar="HH:MM HH:MM", help="With --every: from and to.")
@click.option("--days", metavar="mon,tue,…", help="Only on these days of the week.")
@click.option("--day", type=click.IntRange(1, 31), help="Once a month, on this day.")
@click.option("--after", metavar="JOB", help="When another job has ended well.")
@click.option("--cron", metavar="EXPRESSION", help="Five cron fields.")
@click.option("--plan", metavar="JSON", help="As in the API.")
@click.option("--missed", type=click.Choice(["none", "once", "all"]), help="What becomes of missed runs.")
def schedule_job(
    folder: Path, organization: str | None, as_json: bool, name: str, missed: str | None, **when: Any
) -> None:
    """Set when a job runs."""
    plan = plan_of(**when)
    if plan is None and missed is None:
        raise click.UsageError("say when: --at, --every, --after, --cron or --plan")
    args = {"name": name, "plan": plan, "missed": missed, "lang": language()}
    _show(perform(folder, "kernel.jobs_schedule", organization, **args), as_json)


def plan_of(
    at: str | None = None,
    every: int | None = None,
    between: Sequence[str] | None = None,
    days: str | None = None,
    day: int | None = None,
    after: str | None = None,
    cron: str | None = None,
    plan: str | None = None,
) -> dict[str, Any] | None:
    """The plan that the options describe, as in the API; None without any. UsageError where they contradict."""
    given = [
        n for n, v in (("at", at), ("every", every), ("after", after), ("cron", cron), ("plan", plan)) if v
    ]
    timed = at is not None or every is not None
    if len(given) > 1 or (days and day) or (between and not every) or ((days or day) and not timed):
        raise click.UsageError("these options do not go together")
    if plan is not None:
        try:
            found = json.loads(plan)
        except ValueError:
            raise click.UsageError("--plan is no JSON") from None
        if not isinstance(found, dict):
            raise click.UsageError("--plan is no JSON object")
        return found
    if after is not None:
        return {"type": "after", "job": after}
    if cron is not None:
        return {"type": "cron", "expression": cron}
    if not timed:
        return None
    within: dict[str, Any] = {"type": "at", "time": at}
    if every is not None:
        start, end = between or ("00:00", "23:59")
        within = {"type": "repeat", "minutes": every, "start": start, "end": end}
    if days is not None:
        names = [one.strip().lower() for one in days.split(",")]
        if not set(names) <= set(_DAYS):
            raise click.UsageError(f"--days takes {','.join(_DAYS)}")
        return {"type": "weekly", "within": within, "days": names}
    if day is not None:
        return {"type": "monthly", "within": within, "day": day}
    return {"type": "daily", "within": within}


@jobs.command("log")
@shared
@click.argument("name")
@click.option(
    "--state", "states", multiple=True, metavar="STATE", help="Only these outcomes; may be repeated."
)
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
def job_log(folder: Path, organization: str | None, as_json: bool, name: str, **rest: Any) -> None:
    """The runs of a job, latest first."""
    args = {"states": list(rest["states"]), "limit": rest["limit"], "lang": language()}
    answer = perform(folder, "kernel.jobs_log", organization, name=name, **args)
    if as_json:
        print_json(answer)
    else:
        columns = ("dueAt", "state", "startedAt", "endedAt", "triggeredBy", "counts", "message")
        print_table([{**run, "triggeredBy": _person(run["triggeredBy"])} for run in answer["runs"]], columns)


def _person(label: str) -> str:
    """Who started a run; the command line is nobody whose name could be said."""
    return say(_KERNEL, "cli.person.cli") if label == "cli:cli" else label


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


commands: tuple[click.Command, ...] = (doctor, jobs, settings, maintenance)
