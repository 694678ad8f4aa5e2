"""Command `praxisd practice`: thin, it names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import perform, print_json, print_table, reporting, say

_PACKAGE = "praxisd.services.directory"


@click.group()
def practice() -> None:
    """Set up a practice, and list those of this installation."""


@practice.command("create")
@reporting
@click.argument("name")
@click.option("--zone", default="Europe/Berlin", show_default=True, help="IANA time zone.")
@click.option("--region", default="DE-BE", show_default=True, help="Public holidays: DE-BY, CH-ZH, AT-9 …")
@click.option("--language", type=click.Choice(["de", "en"]), default="de", show_default=True)
@click.option("--another", is_flag=True, help="Beside a practice that is there already.")
def create(folder: Path, as_json: bool, **args: Any) -> None:
    """Set up a practice; a data folder that is not there yet is made."""
    from praxisd.services.directory.operations import checked

    checked(args)  # what is refused leaves no folder behind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    answer = perform(folder, "directory.practice_create", None, **args)
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "directory.cli.created", name=answer["name"], id=answer["id"]))


@practice.command("list")
@reporting
def list_(folder: Path, as_json: bool) -> None:
    """List the practices."""
    answer = perform(folder, "directory.practice_list", None)
    if as_json:
        print_json(answer)
    else:
        print_table(answer["practices"], ("id", "name", "zone", "region", "language"))


commands = (practice,)
