"""Commands of the data sets."""

import click

COMMANDS: tuple[click.Command, ...] = ()
