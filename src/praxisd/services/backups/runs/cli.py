"""Commands `praxisd backup now|list|show|verify|prove|stop`: thin, each names an operation and prints what it answers."""

import time
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, reporting, say

_PACKAGE = "praxisd.services.backups"
_JOBS = ("evening", "night", "remote", "snapshot")
_KINDS = ("backup", "verify", "prove", "restore", "move")
_OPEN = ("waiting", "running")
_LOOK_S = 1.0
_COLUMNS = ("backupDay", "kind", "medium", "state", "startedAt", "endedAt", "message", "id")
_medium = click.option("--medium", metavar="ID", help="This medium, by its id or its label.")
_no_wait = click.option("--no-wait", is_flag=True, help="Do not wait for its end.")


@click.command("now")
@reporting
@click.option("--job", type=click.Choice(_JOBS), help="For this job of the plan.")
@_medium
@_no_wait
def now(folder: Path, as_json: bool, job: str | None, medium: str | None, no_wait: bool) -> None:
    """Back up now, and wait for the end; exit 1 if it was not good."""
    _run(folder, as_json, no_wait, "backups.run_now", job=job, medium=medium)


@click.command("verify")
@reporting
@_medium
@_no_wait
def verify(folder: Path, as_json: bool, medium: str | None, no_wait: bool) -> None:
    """Read all that is kept on a medium, byte by byte; exit 1 if it is damaged."""
    _run(folder, as_json, no_wait, "backups.run_verify", medium=medium)


@click.command("prove")
@reporting
@_medium
@_no_wait
def prove(folder: Path, as_json: bool, medium: str | None, no_wait: bool) -> None:
    """Restore the newest good backup on trial, compare it, start praxisd on it; exit 1 if anything differs."""
    _run(folder, as_json, no_wait, "backups.run_prove", medium=medium)


@click.command("list")
@reporting
@click.option("--kind", type=click.Choice(_KINDS), help="Only runs of this kind.")
@click.option("--limit", type=click.IntRange(1, 200), default=30, show_default=True)
def list_runs(folder: Path, as_json: bool, kind: str | None, limit: int) -> None:
    """The newest runs and how they ended."""
    answer = perform(folder, "backups.run_list", None, kind=kind, limit=limit, lang=language())
    if as_json:
        print_json(answer)
    else:
        print_table([_row(one) for one in answer["runs"]], _COLUMNS)


@click.command("show")
@reporting
@click.argument("run")
def show(folder: Path, as_json: bool, run: str) -> None:
    """One run: its sources, and the files that are not as they should be."""
    answer = perform(folder, "backups.run_show", None, id=run, lang=language())
    if as_json:
        print_json(answer)
        return
    one = answer["run"]
    print_table([_row(one)], _COLUMNS)
    if one["sources"]:
        click.echo()
        print_table(
            [{**it, "message": it["title"]} for it in one["sources"]], ("name", "rows", "files", "message")
        )
    for file in one["named"] or ():
        click.echo(f"{say(_PACKAGE, 'console.backups.named.' + file['code'])}: {file['path']}")
    _explained(one)


@click.command("stop")
@reporting
@click.argument("run", required=False)
def stop(folder: Path, as_json: bool, run: str | None) -> None:
    """Stop the run at work, or RUN; earlier backups stay as they are."""
    answer = perform(folder, "backups.run_stop", None, id=run, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "backups.runs_cli.stopped"))


def _run(folder: Path, as_json: bool, no_wait: bool, operation: str, **args: Any) -> None:
    answer = perform(folder, operation, None, lang=language(), **args)
    while answer["run"]["state"] in _OPEN and not no_wait:
        time.sleep(_LOOK_S)
        answer = perform(folder, "backups.run_show", None, id=answer["run"]["id"], lang=language())
    if as_json:
        print_json(answer)
    else:
        print_table([_row(answer["run"])], _COLUMNS)
        _explained(answer["run"])
    if answer["run"]["state"] not in ("good", *_OPEN):
        click.get_current_context().exit(1)


def _explained(one: dict[str, Any]) -> None:
    """What no table holds: the line „Einzelheiten“ that texts point at, and what to do."""
    if one["detail"]:
        click.echo(f"{say(_PACKAGE, 'console.backups.details')}: {one['detail']}", err=True)
    if one["solution"]:
        click.echo(one["solution"], err=True)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "backupDay": one["day"],
        "medium": one["label"],
        "kind": say(_PACKAGE, f"backups.run_kind.{one['kind']}"),
        "state": say(_PACKAGE, f"backups.run_state.{one['state']}"),
        "startedAt": one["began"],
        "endedAt": one["ended"],
        "message": one["title"],
    }


COMMANDS: tuple[click.Command, ...] = (now, list_runs, show, verify, prove, stop)
