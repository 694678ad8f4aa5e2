"""Commands `praxisd jobs …`: what runs by itself, when, and how it went. Thin: each names an operation."""

import json
import re
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.plan_words import age_words, plan_words
from praxisd.kernel.terminal import language, perform, print_json, print_table, shared
from praxisd.kernel.texts import Texts

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TAGE = dict(zip(("mo", "di", "mi", "do", "fr", "sa", "so"), _DAYS, strict=True))
_STATES = ("waiting", "running", "interrupted", "success", "failed", "missed", "cancelled")
_OPEN = ("waiting", "running", "interrupted")
_LOOK_S = 0.2
_SORTS = [down + one for one in ("due", "started", "ended", "state", "job") for down in ("", "-")]
_LENGTH = re.compile(r"([0-9]{1,6})\s*(m|min|h|d)?")
_SECONDS = {"m": 60, "min": 60, "h": 3600, "d": 86400}


class Words:
    """Texts of the kernel in the person's language."""

    def __init__(self) -> None:
        self._texts, self._lang = Texts(["praxisd.kernel"]), language()

    def __call__(self, key: str, **params: object) -> str:
        return self._texts.get(key, self._lang, **params)

    def has(self, key: str) -> bool:
        """True if there is such a text."""
        return self._texts.has(key)


class Length(click.ParamType):
    """A length of time such as `90m`, `2h` or `7d`, in seconds; a bare number counts in `unit`."""

    name = "length"

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds of the text."""
        if isinstance(value, int):
            return value
        match = _LENGTH.fullmatch(str(value).strip().lower())
        if match is None:
            self.fail(f"{value!r} is no length such as 90m, 2h or 7d", param, ctx)
        return int(match[1]) * _SECONDS[match[2] or self._unit]


@click.group()
def jobs() -> None:
    """What runs by itself, when, and how it went."""


@jobs.command("list")
@shared
def list_jobs(folder: Path, organization: str | None, as_json: bool) -> None:
    """All jobs, and what is wrong with their order."""
    answer = perform(folder, "kernel.jobs_list", organization, lang=language())
    if as_json:
        print_json(answer)
        return
    say, titles = Words(), {one["name"]: one["title"] for one in answer["jobs"]}
    rows = [
        {**one, "plan": plan_words(one["plan"], say, lambda job: titles.get(job, job), ZoneInfo(one["zone"]))}
        for one in answer["jobs"]
    ]
    print_table(rows, ("name", "enabled", "nextAt", "title", "plan"))
    seen: list[dict[str, Any]] = []
    for warning in (w for one in answer["jobs"] for w in one["warnings"]):
        if warning not in seen:  # it stands at both jobs
            seen.append(warning)
            _print_warning(warning, say)


@jobs.command("show")
@shared
@click.argument("name")
def show_job(folder: Path, organization: str | None, as_json: bool, name: str) -> None:
    """One job and its due times of the next seven days."""
    _show(perform(folder, "kernel.jobs_show", organization, name=name, lang=language()), as_json)


def _show(answer: dict[str, Any], as_json: bool, said: str | None = None) -> None:
    if as_json:
        print_json(answer)
        return
    say = Words()
    missed = say(f"console.word.missed.{answer['missed']}")
    lines = [
        f"{answer['name']}: {answer['title']} ({say('cli.job.on' if answer['enabled'] else 'cli.job.off')})",
        answer["help"],
        plan_words(answer["plan"], say, zone=ZoneInfo(answer["zone"])),
        say("cli.job.missed", what=missed)
        if answer["missed"] == "none"
        else say("cli.job.missed_age", what=missed, age=age_words(answer["maxAgeS"], say)),
    ]
    if answer["follows"]:
        lines.append(say("cli.job.follows", jobs=", ".join(answer["follows"])))
    if answer["lastRun"] is not None:
        state = say(f"console.word.run_state.{answer['lastRun']['state']}")
        lines.append(say("cli.job.last", due=answer["lastRun"]["dueAt"], state=state))
    if answer["upcoming"]:
        chained = answer["plan"]["type"] == "after"
        lines += [
            say("cli.job.upcoming_chain" if chained else "cli.job.upcoming"),
            *(f"  {due}" for due in answer["upcoming"]),
        ]
        if answer["more"]:
            lines.append("  " + say("cli.job.more", n=answer["more"], until=answer["until"]))
    elif answer["plan"]["type"] != "after" and (answer["enabled"] or said is not None):
        lines.append(say("console.plan.no_times"))
    click.echo("\n".join(lines))
    for warning in answer["warnings"]:
        _print_warning(warning, say)
    if said is not None:
        click.echo(say(said))


def _print_warning(warning: dict[str, Any], say: Words) -> None:
    head = say("cli.warning.head", title=warning["title"])
    click.echo(f"{head} ({warning['code']})\n  {warning['cause']}\n  {warning['solution']}", err=True)


@jobs.command("run")
@shared
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait for its end, and end with 1 unless it was a success.")
def run_job(folder: Path, organization: str | None, as_json: bool, name: str, wait: bool) -> None:
    """Start a job now, whether it is switched on or not."""
    answer = perform(folder, "kernel.jobs_run", organization, name=name, lang=language())
    if wait:
        answer = _ended(folder, organization, name, answer)
    if as_json:
        print_json(answer)
    elif wait:
        say = Words()
        click.echo(say("cli.job.ended", name=name, state=say(f"console.word.run_state.{answer['state']}")))
        if answer["message"]:
            click.echo(answer["message"])
    else:
        click.echo(Words()("cli.job.started", name=name))
    if wait and answer["state"] != "success":
        click.get_current_context().exit(1)


def _ended(folder: Path, organization: str | None, name: str, run: dict[str, Any]) -> dict[str, Any]:
    """The run, once it has ended."""
    while run["state"] in _OPEN:
        time.sleep(_LOOK_S)
        asked = {"name": name, "limit": 50, "lang": language()}
        found = perform(folder, "kernel.jobs_log", organization, **asked)["runs"]
        run = next(one for one in found if one["id"] == run["id"])
    return run


@jobs.command("cancel")
@shared
@click.argument("name")
@click.argument("run", required=False)
def cancel_job(folder: Path, organization: str | None, as_json: bool, name: str, run: str | None) -> None:
    """Cancel the run of a job that waits or is at work; with RUN the one with this id."""
    answer = perform(folder, "kernel.jobs_cancel", organization, name=name, run=run, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(Words()("cli.job.cancelled", name=name))


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
        return
    say = Words()
    word = "enabled" if on else "disabled"
    click.echo(say(f"cli.job.{word}", name=name, next=answer["nextAt"] or "-"))
    for warning in answer["warnings"]:
        _print_warning(warning, say)


@jobs.command("schedule")
@shared
@click.argument("name")
@click.option("--at", metavar="HH:MM", help="Once a day at this time.")
@click.option("--every", type=Length("m"), metavar="LENGTH", help="Again and again: 15m, 2h.")
@click.option("--between", nargs=2, metavar="HH:MM HH:MM", help="With --every: from and to, within a day.")
@click.option("--days", metavar="mon,tue,…", help="Only on these days of the week.")
@click.option("--day", type=click.IntRange(1, 31), help="Once a month, on this day; 31 is the last one.")
@click.option("--every-days", type=click.IntRange(1, 366), metavar="N", help="Every N days.")
@click.option("--every-weeks", type=click.IntRange(1, 52), metavar="N", help="With --days: every N weeks.")
@click.option("--every-months", type=click.IntRange(1, 60), metavar="N", help="With --day: every N months.")
@click.option(
    "--from", "anchor", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Begin and count from here."
)
@click.option("--after", metavar="JOB", help="When another job has ended well.")
@click.option("--once", metavar="TIME", help="One single time, such as 2026-12-01T10:00:00+01:00.")
@click.option("--cron", metavar="EXPRESSION", help="Five cron fields.")
@click.option("--plan", metavar="JSON", help="As in the API.")
@click.option("--missed", type=click.Choice(["none", "once", "all"]), help="What becomes of missed runs.")
@click.option(
    "--max-age", type=Length("h"), metavar="LENGTH", help="Make up for what is younger: 90m, 24h, 7d."
)
@click.option("--preview", is_flag=True, help="Show the next seven days and save nothing.")
def schedule_job(
    folder: Path,
    organization: str | None,
    as_json: bool,
    name: str,
    missed: str | None,
    max_age: int | None,
    preview: bool,
    **when: Any,
) -> None:
    """Set when a job runs. Prints the next seven days."""
    plan = plan_of(**when)
    if plan is None and missed is None and max_age is None and not preview:
        raise click.UsageError("say when: --at, --every, --after, --once, --cron or --plan")
    args = {"name": name, "plan": plan, "missed": missed, "maxAgeS": max_age, "lang": language()}
    answer = perform(folder, "kernel.jobs_schedule", organization, preview=preview or None, **args)
    _show(answer, as_json, "cli.plan.unsaved" if preview else "cli.plan.saved")


def plan_of(
    at: str | None = None,
    every: int | None = None,
    between: Sequence[str] | None = None,
    days: str | None = None,
    day: int | None = None,
    every_days: int | None = None,
    every_weeks: int | None = None,
    every_months: int | None = None,
    anchor: datetime | date | None = None,
    after: str | None = None,
    once: str | None = None,
    cron: str | None = None,
    plan: str | None = None,
) -> dict[str, Any] | None:
    """The plan that the options describe, as in the API; None without any. UsageError where they contradict.

    `every` is in seconds, whole minutes.
    """
    kinds = {"at": at, "every": every, "after": after, "once": once, "cron": cron, "plan": plan}
    given = [name for name, value in kinds.items() if value]
    timed = at is not None or every is not None
    odd = (
        len(given) > 1
        or (days and day)
        or (between and not every)
        or ((days or day or every_days or every_weeks or every_months or anchor) and not timed)
        or (every_days and (days or day))
        or (every_weeks and not days)
        or (every_months and not day)
    )
    if odd:
        raise click.UsageError("these options do not go together")
    if plan is not None:
        return _plan_of_json(plan)
    if after is not None:
        return {"type": "after", "job": after}
    if once is not None:
        try:
            return {"type": "once", "at": parse_rfc3339(once)}
        except Problem:
            raise click.UsageError("--once takes a time such as 2026-12-01T10:00:00+01:00") from None
    if cron is not None:
        return {"type": "cron", "expression": cron}
    if not timed:
        return None
    within: dict[str, Any] = {"type": "at", "time": at}
    if every is not None:
        start, end = between or ("00:00", "23:59")
        within = {"type": "repeat", "minutes": every // 60, "start": start, "end": end}
    number = every_days or every_weeks or every_months or 1
    counted: dict[str, Any] = {} if number == 1 else {"every": number}
    if anchor is not None:
        counted["anchor"] = anchor.strftime("%Y-%m-%d")
    if days is not None:
        return {"type": "weekly", "within": within, "days": _weekdays(days), **counted}
    if day is not None:
        return {"type": "monthly", "within": within, "day": day, **counted}
    return {"type": "daily", "within": within, **counted}


def _plan_of_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise click.UsageError("--plan is no JSON") from None
    if not isinstance(found, dict):
        raise click.UsageError("--plan is no JSON object")
    return found


def _weekdays(text: str) -> list[str]:
    """Days of the week by their English or German short names, in the order of the week."""
    names = {_TAGE.get(one.strip().lower(), one.strip().lower()) for one in text.split(",")}
    if not names <= set(_DAYS):
        raise click.UsageError(f"--days takes {','.join(_DAYS)} or {','.join(_TAGE)}")
    return [one for one in _DAYS if one in names]


@jobs.command("log")
@shared
@click.argument("name", required=False)
@click.option(
    "--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these outcomes; repeatable."
)
@click.option("--from", "since", metavar="TIME", help="Due from this time or date on.")
@click.option("--to", "until", metavar="TIME", help="Due before this time, or up to this date.")
@click.option("--sort", type=click.Choice(_SORTS), default="-due", show_default=True)
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
def job_log(
    folder: Path,
    organization: str | None,
    as_json: bool,
    name: str | None,
    since: str,
    until: str,
    **rest: Any,
) -> None:
    """The runs of a job, or of all, latest first."""
    args = {"states": list(rest["states"]), "sort": rest["sort"], "limit": rest["limit"], "lang": language()}
    answer = perform(
        folder, "kernel.jobs_log", organization, name=name, **args, **{"from": since, "to": until}
    )
    if as_json:
        print_json(answer)
        return
    say = Words()
    rows = [
        {
            **run,
            "stateWord": say(f"console.word.run_state.{run['state']}"),
            "triggeredBy": run["triggeredByName"],
            "activity": run["activity"]["events"],
            "errors": run["activity"]["errors"],
        }
        for run in answer["runs"]
    ]
    columns = ["dueAt", "stateWord", "startedAt", "endedAt", "triggeredBy", "counts", "activity", "errors"]
    print_table(rows, [*([] if name else ["job"]), *columns, "message"])
