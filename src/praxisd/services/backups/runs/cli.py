"""Commands of the room „runs“ below `praxisd backup`."""

import click

COMMANDS: tuple[click.Command, ...] = ()
