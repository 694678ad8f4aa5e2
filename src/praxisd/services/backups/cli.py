"""Commands `praxisd backup …`: thin, each names an operation and prints what it answers."""

import importlib

import click

from praxisd.services.backups import snapshot_cli

_ROOMS = ("plans", "keys", "restoring", "runs", "protocol", "moving")


@click.group()
def backup() -> None:
    """Backups: copies that prove themselves, and the copy for a backup software of your own."""


for _one in snapshot_cli.COMMANDS:
    backup.add_command(_one)
for _room in _ROOMS:
    for _one in importlib.import_module(f"praxisd.services.backups.{_room}.cli").COMMANDS:
        backup.add_command(_one)
commands = (backup,)
