"""Commands of statements, risks, checks and notices: thin, each names an operation and prints what it answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared, when

_PACKAGE = "praxisd.services.medication"
C = TypeVar("C", bound=Callable[..., Any])
_ENDS = click.Choice(["stopped", "completed", "not-taken", "entered-in-error"])


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"medication.cli.{key}", **params)


def _line(command: C) -> C:
    """What a line of a list may say."""
    for option in (
        click.option("--note", metavar="TEXT"),
        click.option("--until", metavar="DATE", help="2026, 2026-03 or 2026-03-14."),
        click.option("--since", metavar="DATE", help="2026, 2026-03 or 2026-03-14."),
        click.option("--dosage", metavar="TEXT", help="1-0-1 …"),
        click.option("--text", metavar="TEXT", help="Free text; with a product, its name in the list."),
        click.option("--pzn", metavar="PZN", help="The package, and by it the product."),
        click.option("--product", metavar="ID", help="Id of the data set, from `medication search --json`."),
    ):
        command = option(command)
    return command


@click.command("list")
@shared
@click.argument("patient", metavar="PATIENT")
@click.option("--ended", is_flag=True, help="Also what is over, and what was a mistake.")
def list_(folder: Path, organization: str | None, as_json: bool, patient: str, ended: bool) -> None:
    """What PATIENT (an id) takes."""
    answer = perform(folder, "medication.list", organization, patient=patient, ended=ended)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "product": one["product"] or "-",
            "stand": say(_PACKAGE, f"console.medication.status.{one['status']}"),
            "since": when(one["since"]),
            "until": when(one["until"]),
        }
        for one in answer["statements"]
    ]
    print_table(rows, ("id", "text", "product", "stand", "since", "until", "version"))
    _rest(answer)


@click.command("risks")
@shared
@click.argument("patient", metavar="PATIENT")
@click.option("--ended", is_flag=True, help="Also those that are over.")
def risks(folder: Path, organization: str | None, as_json: bool, patient: str, ended: bool) -> None:
    """Conditions, allergies and states of PATIENT (an id)."""
    answer = perform(folder, "medication.risks", organization, patient=patient, ended=ended)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "kind": say(_PACKAGE, f"console.medication.risk.kind.{one['kind']}"),
            "since": when(one["since"]),
        }
        for one in answer["risks"]
    ]
    print_table(rows, ("id", "text", "kind", "since", "active", "version"))
    _rest(answer)


def _rest(answer: dict[str, Any]) -> None:
    if answer["ended"]:
        click.echo(_say("ended_lines", count=answer["ended"]), err=True)


@click.command("add")
@shared
@click.argument("patient", metavar="PATIENT")
@_line
def add(folder: Path, organization: str | None, as_json: bool, **line: Any) -> None:
    """Enter a line in the list of PATIENT (an id): a product, a package or free text."""
    answer = perform(folder, "medication.add", organization, **line)
    if as_json:
        print_json(answer)
        return
    key = "added" if answer["known"] else "added_unknown"
    click.echo(_say(key, text=answer["text"], id=answer["id"]))


@click.command("change")
@shared
@click.argument("id_", metavar="ID")
@_line
@click.option("--version", type=int, metavar="N", help="Only if the line is at this version still.")
def change(folder: Path, organization: str | None, as_json: bool, id_: str, **line: Any) -> None:
    """Change what is given of the line ID."""
    answer = perform(folder, "medication.change", organization, id=id_, **line)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("changed", version=answer["version"]))


@click.command("end")
@shared
@click.argument("id_", metavar="ID")
@click.option("--how", "status", type=_ENDS, default="stopped", show_default=True)
@click.option("--until", metavar="DATE", help="2026, 2026-03 or 2026-03-14.")
@click.option("--version", type=int, metavar="N", help="Only if the line is at this version still.")
def end(folder: Path, organization: str | None, as_json: bool, id_: str, **line: Any) -> None:
    """End the line ID: stopped, completed, never taken, or entered by mistake."""
    answer = perform(folder, "medication.change", organization, id=id_, **line)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("ended", version=answer["version"]))


@click.command("check")
@shared
@click.argument("patient", metavar="[PATIENT]", required=False)
@click.option("--product", "products", multiple=True, metavar="ID", help="Also this; may be given again.")
@click.option("--substance", "substances", multiple=True, metavar="ID", help="Also this; may be given again.")
@click.option("--condition", "conditions", multiple=True, metavar="ID", help="Also this; may be given again.")
def check(folder: Path, organization: str | None, as_json: bool, **asked: Any) -> None:
    """What the data set says of the list of PATIENT (an id) and of what else is named; never that there is nothing."""
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    answer = perform(folder, "medication.check", organization, lang=language(), **asked)
    if as_json:
        print_json(answer)
        return
    for one in answer["findings"]:
        sides = " × ".join(side["name"] for side in (one["a"], one["b"], *one["more"]) if side)
        click.echo(f"[{one['severityName']}] {sides}")
        for part in (one["mechanism"], one["effect"], one["action"]):
            if part:
                click.echo(f"  {part}")
        if one["source"]:
            click.echo(f"  {_say('source', source=one['source'], date=when(one['sourceDate']))}")
    for one in answer["unknown"]:
        click.echo(_say("unknown", text=one["text"], why=one["why"]))
    for text in (answer["summary"], answer["warning"], *answer["notCoveredTexts"]):
        if text:
            click.echo(text, err=True)
    edition = answer["set"]
    click.echo(_say("edition", version=edition["version"], released=when(edition["released"])), err=True)


@click.command("notices")
@shared
@click.option("--since", metavar="DATE", help="Also those that ended since (YYYY-MM-DD).")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
def notices(folder: Path, organization: str | None, as_json: bool, since: str | None, limit: int) -> None:
    """Notices of the data set to all seats."""
    answer = perform(folder, "medication.notices", organization, lang=language(), since=since, limit=limit)
    if as_json:
        print_json(answer)
        return
    for one in answer["notices"]:
        click.echo(f"{when(one['validFrom'])}  {one['title']}")
        click.echo(f"  {one['body']}")
    if not answer["notices"]:
        click.echo(_say("no_notices"))


COMMANDS: tuple[click.Command, ...] = (list_, risks, add, change, end, check, notices)
