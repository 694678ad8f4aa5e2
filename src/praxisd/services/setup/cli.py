"""Command `praxisd setup`: thin, it names an operation and prints what it answers."""

from pathlib import Path

import click

from praxisd.kernel.terminal import language, perform, print_json, reporting, say

_PACKAGE = "praxisd.services.setup"


@click.group()
def setup() -> None:
    """The first start: its one-time code, and how far it is."""


@setup.command("code")
@reporting
def code(folder: Path, as_json: bool) -> None:
    """Make a fresh one-time code; the one before ends."""
    answer = perform(folder, "setup.code", None)
    if as_json:
        print_json(answer)
        return
    click.echo(say(_PACKAGE, "setup.cli.code", tries=answer["tries"]), err=True)
    click.echo(answer["code"])


@setup.command("status")
@reporting
def status(folder: Path, as_json: bool) -> None:
    """Is the first start still to come, and what is still to do?"""
    answer = perform(folder, "setup.status", None, lang=language())
    if as_json:
        print_json(answer)
        return
    click.echo(say(_PACKAGE, "setup.cli.needed" if answer["needed"] else "setup.cli.not_needed"))
    for practice in answer["practices"]:
        click.echo(practice["name"])
        for step in practice["steps"]:
            click.echo(f"  {say(_PACKAGE, 'console.setup.state.' + step['state'])}: {step['title']}")


commands = (setup,)
