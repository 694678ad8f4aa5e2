"""Commands `praxisd support …`: thin, each names an operation and prints what it answers."""

from pathlib import Path

import click

from praxisd.kernel.control import write_private
from praxisd.kernel.terminal import perform, print_json, say, shared
from praxisd.services.support import remote_cli

_PACKAGE = "praxisd.services.support"


@click.group()
def support() -> None:
    """Help by the service partner: a package of facts, and remote support for a while."""


@support.command("bundle")
@shared
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save it there, readable for you alone.",
)
def bundle(folder: Path, organization: str | None, as_json: bool, out: Path | None) -> None:
    """Make a support package and print it line by line; it goes nowhere by itself."""
    answer = perform(folder, "support.bundle", organization, save=True if out else None)
    if out is not None:
        write_private(out, "".join(f"{line}\n" for line in answer["lines"]))
    if as_json:
        print_json({**answer, "saved": None if out is None else str(out)})
        return
    if out is None:
        for line in answer["lines"]:
            click.echo(line)
        click.echo(say(_PACKAGE, "support.cli.made", count=len(answer["lines"])), err=True)
    else:
        click.echo(say(_PACKAGE, "support.cli.saved", file=out, count=len(answer["lines"])), err=True)


for _one in remote_cli.COMMANDS:
    support.add_command(_one)
commands = (support,)
