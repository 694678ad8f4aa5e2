"""Commands `praxisd care …`: thin, each names an operation and prints what it answers."""

import time
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import language, perform, print_json, reporting, say

_PACKAGE = "praxisd.services.care"
_MB = 1_000_000


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"care.cli.{key}", **params)


@click.group()
def care() -> None:
    """Care of the database: check it, compact it, move it to another place."""


@care.command("status")
@reporting
@click.option("--tables", is_flag=True, help="Also what lies in it, by table.")
def status(folder: Path, as_json: bool, tables: bool) -> None:
    """Say where the database lies, how large it is, and what was found when it was last checked."""
    answer = perform(folder, "care.state", None, lang=language())
    _told(answer, as_json, tables)


@care.command("check")
@reporting
@click.option("--full", is_flag=True, help="Everything, also what refers to what.")
def check(folder: Path, as_json: bool, full: bool) -> None:
    """Check the database now, while all others work; ends with 1 if something is wrong."""
    answer = perform(folder, "care.check", None, full=full or None, lang=language())
    _told(answer, as_json, False)
    kind = "full" if full else "quick"
    if any(one["kind"] == kind and one["state"] != "good" for one in answer["works"]):
        click.get_current_context().exit(1)


@care.command("compact")
@reporting
@click.option("--yes", is_flag=True, help="Do not ask.")
def compact(folder: Path, as_json: bool, yes: bool) -> None:
    """Make the database smaller; nobody can save meanwhile."""
    if not yes:
        click.confirm(_say("compact_sure"), abort=True, err=True)
    _told(perform(folder, "care.compact", None, lang=language()), as_json, False)


@care.command("move")
@reporting
@click.option("--to", "to", type=click.Path(path_type=Path), help="The folder, also on another disk.")
@click.option(
    "--to-postgres",
    "url",
    metavar="URL",
    help="An empty PostgreSQL: postgresql://user:password@host/name. With - it is asked for, and nobody sees the password.",
)
@click.option("--dry-run", is_flag=True, help="Only look whether it could be done.")
@click.option("--status", "asked", is_flag=True, help="Only say how the last move went.")
@click.option("--yes", is_flag=True, help="Do not ask before a move to PostgreSQL.")
def move(
    folder: Path, as_json: bool, to: Path | None, url: str | None, dry_run: bool, asked: bool, yes: bool
) -> None:
    """Move the database into another folder, onto another disk, or to PostgreSQL; the old one is kept."""
    if asked:
        _moved(perform(folder, "care.move_state", None, lang=language()), as_json)
        return
    if (to is None) == (url is None):
        raise click.UsageError(_say("postgres.where"))
    if url == "-":  # an argument is seen by all users of the computer, and kept by the shell
        url = str(click.prompt(_say("postgres.ask"), hide_input=True, err=True)).strip()
    if url is not None:
        found = perform(folder, "care.look_at_postgres", None, url=url, lang=language())
        rows = sum(found["tables"].values())
        said = _say(
            "postgres.look",
            place=found["place"],
            rows=rows,
            tables=len(found["tables"]),
            size=found["size"] // _MB,
        )
    else:
        where = str(to.absolute()) if to is not None else ""
        found = perform(folder, "care.look", None, to=where, lang=language())
        said = _say(
            "look", path=found["path"], size=found["size"] // _MB, free=found["free"] // _MB,
            system=found["system"] or "?", seconds=found["stallSeconds"],
        )  # fmt: skip
    if dry_run:
        print_json(found) if as_json else click.echo(said)
        return
    click.echo(said, err=as_json)
    if url is not None and not yes:
        click.confirm(_say("postgres.sure"), abort=True, err=True)
    if url is not None:
        answer = perform(folder, "care.move_to_postgres", None, url=url, lang=language())
    else:
        answer = perform(folder, "care.move", None, to=where, lang=language())
    while not (answer["under"] or {"ended": True})["ended"]:
        time.sleep(0.3)
        answer = perform(folder, "care.move_state", None, lang=language())
    under = answer["under"]
    if under and under["code"]:
        raise Problem(under["code"], 409, detail=under["detail"] or None, **under["params"])
    _moved(answer, as_json)
    if url is not None:
        click.echo(_say("postgres.restart"), err=True)


@care.command("release")
@reporting
@click.argument("id", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def release(folder: Path, as_json: bool, id: str | None, yes: bool) -> None:
    """Delete an old database that is kept since a move."""
    kept = [] if yes else perform(folder, "care.state", None, lang=language())["old"]
    if any(id in (None, one["id"]) for one in kept):  # what is not there is refused without a question
        click.confirm(_say("release_sure"), abort=True, err=True)
    _told(perform(folder, "care.release", None, id=id, lang=language()), as_json, False)


def _moved(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    found = answer["move"]
    if found is None:
        click.echo(_say("never_moved"))
        return
    key = (
        "move_done"
        if found["phase"] == "done"
        else "move_failed"
        if found["phase"] == "failed"
        else "move_runs"
    )
    click.echo(_say(key, at=found["ended"] or found["at"], ms=found["stallMs"]))
    if found["title"]:
        click.echo(found["title"])
    click.echo(_say("valid", path=found["valid"]))


def _told(answer: dict[str, Any], as_json: bool, tables: bool) -> None:
    if as_json:
        print_json(answer)
        return
    click.echo(_say("place", engine=answer["engine"], place=answer["place"]))
    click.echo(_say("size", size=answer["size"] // _MB, free=answer["free"] // _MB))
    for one in answer["works"]:
        word = one["title"] or _say("good")
        click.echo(_say(f"work.{one['kind']}", at=one["at"], word=word, detail=one["detail"]).rstrip())
    guess = answer["estimate"]
    if guess is not None:
        key = "proposed" if guess["proposed"] else "not_proposed"
        click.echo(
            _say(key, gain=guess["gain"] // _MB, percent=guess["gainPercent"], seconds=guess["stallSeconds"])
        )
    if answer["move"] is not None:
        _moved({"move": answer["move"]}, False)
    for one in answer["old"]:
        if one["released"] is None:
            click.echo(_say("old", id=one["id"], path=one["path"], size=one["bytes"] // _MB))
    for one in answer["tables"] if tables else ():
        rows = "-" if one["rows"] is None else one["rows"]
        click.echo(f"{one['bytes'] // 1000:>12} kB  {rows:>12}  {one['name']}")


commands = (care,)
