"""Commands `praxisd activity …`: what happened and what went wrong. Thin: each names an operation."""

import sys
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.job_cli import Words
from praxisd.kernel.terminal import C, language, perform, print_json, print_table, shared


def _narrowed(command: C) -> C:
    """Options that say which entries are meant."""
    for option in (
        click.option("--to", "until", metavar="TIME", help="Before this time, or up to this date."),
        click.option("--from", "since", metavar="TIME", help="From this time or date on."),
        click.option("--errors", is_flag=True, help="Only what went wrong."),
        click.option("--area", metavar="AREA", help="Only this area, such as jobs or messaging."),
    ):
        command = option(command)
    return command


@click.group()
def activity() -> None:
    """What happened, and what went wrong."""


@activity.command("list")
@shared
@_narrowed
@click.option("--run", metavar="ID", help="Only what this run did.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
def list_activity(folder: Path, organization: str | None, as_json: bool, **rest: Any) -> None:
    """The newest entries, and how much went wrong in each area."""
    answer = perform(
        folder, "kernel.activity_list", organization, **_args(rest), run=rest["run"], limit=rest["limit"]
    )
    if as_json:
        print_json(answer)
        return
    say = Words()
    if answer["events"]:
        rows = [{**one, "at": one["at"][:19].replace("T", " ")} for one in answer["events"]]
        print_table(rows, ("at", "area", "alert", "sentence", "actorName"))
    else:
        click.echo(say("cli.activity.none"))
    counted = [one for one in answer["areas"] if one["events"]]
    if counted and not rest["run"]:
        click.echo()
    for one in counted if not rest["run"] else ():
        click.echo(say("cli.activity.area", **one))


@activity.command("clear")
@shared
@click.option("--area", metavar="AREA", help="Only this area, such as jobs or messaging.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear_activity(
    folder: Path, organization: str | None, as_json: bool, area: str | None, yes: bool
) -> None:
    """Begin the list anew; evidence, messages and runs stay. It is noted who did it."""
    say = Words()
    key = f"console.word.area.{area or 'all'}"
    title = say(key) if say.has(key) else str(area)
    if not yes and not as_json:
        click.confirm(say("cli.activity.ask", area=title), abort=True)
    answer = perform(folder, "kernel.activity_clear", organization, area=area, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say("cli.activity.cleared", area=title))


@activity.command("export")
@shared
@_narrowed
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
def export_activity(folder: Path, organization: str | None, as_json: bool, file: Path, **rest: Any) -> None:
    """Write the list to a CSV file; - is standard output."""
    answer = perform(folder, "kernel.activity_export", organization, **_args(rest))
    data = answer["csv"].encode()
    if str(file) == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
    if as_json:
        print_json({"file": str(file), "rows": answer["rows"]})
    else:
        click.echo(Words()("cli.activity.exported", count=answer["rows"], file=file))


def _args(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "area": given["area"],
        "errors": given["errors"] or None,
        "from": given["since"],
        "to": given["until"],
        "lang": language(),
    }
