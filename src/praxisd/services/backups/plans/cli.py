"""Commands of the room „plans“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
