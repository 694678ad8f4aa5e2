"""Commands of the search of products."""

import click

COMMANDS: tuple[click.Command, ...] = ()
