"""Commands of the room „moving“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
