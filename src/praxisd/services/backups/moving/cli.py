"""Commands `praxisd move …`: out of the old computer, into the new one, and back. Below `praxisd backup` it adds nothing."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from praxisd.kernel import control, moved
from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import exit_code, language, perform, print_json, reporting, say

COMMANDS: tuple[click.Command, ...] = ()
_PACKAGE = "praxisd.services.backups"
_LOOK_S = 0.3
CARRIED = "praxisd-move"
"""As `tickets.CARRIED`: the copy lies encrypted on a backup medium."""


@click.group()
def move() -> None:
    """Move the server to another computer: out of the old one, into the new one."""


@move.command("out")
@reporting
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A backup medium (encrypted), or a folder that can be brought to the new computer.",
)
def out(folder: Path, as_json: bool, target: Path) -> None:
    """Copy all that is praxisd's into a folder and close this server for good; it goes on on the new computer."""
    answer = perform(folder, "backups.move_out", None, to=os.path.abspath(target), lang=language())
    while answer["state"] == "running":
        time.sleep(_LOOK_S)
        answer = _asked(folder) or answer
    if answer["state"] == "failed":
        fault = answer["fault"]
        if as_json:
            print_json(answer)
        click.echo("\n".join(filter(None, (fault["title"], fault["cause"], fault["detail"]))), err=True)
        click.echo(f"{fault['solution']}\n({fault['code']})", err=True)
        click.get_current_context().exit(1)
    if answer["state"] != "left":
        moved.refuse(folder)
    if as_json:
        print_json(answer)
    else:
        carried = Path(answer["copy"]).name == CARRIED
        key = "left_encrypted" if carried else "left"
        click.echo(say(_PACKAGE, f"backups.move_cli.{key}", copy=answer["copy"]))


def _asked(folder: Path) -> dict[str, Any] | None:
    """How far the server is; what its mark says once it has ended; None while it cannot be asked."""
    mark = moved.mark(folder)
    if mark is not None and mark["state"] == moved.LEFT:
        return {"state": "left", "copy": str(mark.get("to", ""))}
    found = control.server(folder)
    try:
        if found is not None:
            return control.ask(found, "backups.move_status", {"lang": language()})
        with control.owning(folder):  # it was killed: nothing is under way any more
            mark = moved.mark(folder)
            ended = "unsure" if mark is not None else "killed"
            if mark is not None and mark["state"] == moved.LEFT:
                ended = "left"
    except Problem as problem:
        if exit_code(problem) == 3 or problem.code == "control.folder_in_use":
            return None
        raise
    if ended == "killed":
        raise Problem("control.no_server", 503, retry=True)
    return {"state": ended, "copy": str((mark or {}).get("to", ""))}


@move.command("in")
@reporting
@click.option(
    "--from",
    "place",
    required=True,
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="DIR",
    help='Where the copy lies that "praxisd move out" has made.',
)
@click.option(
    "--database", metavar="URL", help="An empty PostgreSQL database, where the old server used one."
)
@click.option("--again", is_flag=True, help="Nothing works with what another computer made of this copy.")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="For a backup medium: a file with its password or the recovery key in its first line; else it is asked for.",
)
def in_(
    folder: Path, as_json: bool, place: Path, database: str | None, again: bool, password_file: Path | None
) -> None:
    """Fill a new data folder from the copy, and list what is still to be done."""
    from praxisd.services.backups.moving import arriving, carrying

    word = password_file.read_text(encoding="utf-8").partition("\n")[0].strip() if password_file else None
    try:
        brought = arriving.arrive(place, folder, database, again=again, password=word)
    except Problem as problem:
        if problem.code != carrying.LOCKED or not sys.stdin.isatty():
            raise
        word = click.prompt(say(_PACKAGE, "backups.move_cli.password"), hide_input=True, err=True)
        brought = arriving.arrive(place, folder, database, again=again, password=word)
    answer = perform(folder, "backups.move_arrive", None, told=brought.told, lang=language())
    answer["noted"] = brought.noted
    if as_json:
        print_json(answer)
        return
    megabytes = max(1, brought.bytes // 1_000_000)
    click.echo(say(_PACKAGE, "backups.move_cli.arrived", files=brought.files, megabytes=megabytes))
    if not brought.noted:
        click.echo(say(_PACKAGE, "backups.move_cli.not_noted"))
    _steps(answer)
    click.echo(say(_PACKAGE, "backups.move_cli.start", folder=os.path.abspath(folder)))


@move.command("undo")
@reporting
@click.option("--yes", is_flag=True, help="The new server has never worked, and never will.")
def undo(folder: Path, as_json: bool, yes: bool) -> None:
    """Come back: this server may start again, as long as the new one has not begun."""
    try:
        answer = perform(folder, "backups.move_undo", None, sure=yes, lang=language())
    except Problem as problem:
        if (
            problem.code not in ("backups.move_asks", "backups.move_begun")
            or as_json
            or not sys.stdin.isatty()
        ):
            raise
        click.confirm(say(_PACKAGE, "backups.move_cli.sure"), abort=True)
        answer = perform(folder, "backups.move_undo", None, sure=True, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "backups.move_cli.undone"))


@move.command("status")
@reporting
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write the list as PDF.")
def status(folder: Path, as_json: bool, pdf: Path | None) -> None:
    """How a move stands, and what is still to be done after it."""
    if pdf is not None:
        perform(folder, "backups.move_paper", None, file=os.path.abspath(pdf), lang=language())
    answer = perform(folder, "backups.move_status", None, lang=language())
    if as_json:
        print_json(answer)
        return
    come = answer["arrival"]
    state = "arrived" if come is not None and answer["state"] == "none" else answer["state"]
    host = "" if come is None else come["host"]
    click.echo(say(_PACKAGE, f"backups.move_state.{state}", copy=answer["copy"], host=host))
    _steps(answer)


@move.command("tick")
@reporting
@click.argument("step")
@click.option("--open", "again", is_flag=True, help="It is open again.")
def tick(folder: Path, as_json: bool, step: str, again: bool) -> None:
    """Say that a step after the move is done."""
    answer = perform(folder, "backups.move_tick", None, step=step, done=not again, lang=language())
    if as_json:
        print_json(answer)
    else:
        _steps(answer)


def _steps(answer: dict[str, Any]) -> None:
    if answer["arrival"] is None:
        return
    for one in answer["arrival"]["followed"]:
        click.echo(f"  + {one}")
    for one in answer["arrival"]["steps"]:
        click.echo(f"  {'+' if one['state'] == 'done' else '-'} {one['step']}: {one['title']}")


commands = (move,)
