"""Commands of the room „protocol“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
