"""`praxisd backup snapshot`: the plan „external“, called by hand or by another backup software before it begins."""

import os
from pathlib import Path

import click

from praxisd.kernel.terminal import perform, print_json, reporting, say

_PACKAGE = "praxisd.services.backups"


@click.command("snapshot")
@reporting
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder that your backup software reads; the copy lies in DIR/praxisd.",
)
def snapshot(folder: Path, as_json: bool, target: Path) -> None:
    """Put a verified copy of praxisd's own data into a folder; the one before is replaced once it is whole."""
    answer = perform(folder, "backups.snapshot", None, to=os.path.abspath(target))
    if as_json:
        print_json(answer)
        return
    megabytes = max(1, answer["bytes"] // 1_000_000)
    click.echo(say(_PACKAGE, "backups.snapshot_cli.made", **{**answer, "megabytes": megabytes}))


COMMANDS = (snapshot,)
