"""Commands of the room „restoring“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
