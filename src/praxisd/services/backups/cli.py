"""Commands `praxisd backup …`: thin, each names an operation and prints what it answers."""

import click

from praxisd.services.backups import snapshot_cli


@click.group()
def backup() -> None:
    """Backups: copies that prove themselves, and the copy for a backup software of your own."""


for _one in snapshot_cli.COMMANDS:
    backup.add_command(_one)
commands = (backup,)
