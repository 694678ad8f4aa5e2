"""Commands of statements and checks."""

import click

COMMANDS: tuple[click.Command, ...] = ()
