"""Commands of the room „keys“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
