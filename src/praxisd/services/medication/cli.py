"""Commands `praxisd medication …`: one group; the sets, the search and the statements each bring their own."""

import click

from praxisd.services.medication import finding_cli, sets_cli, statement_cli


@click.group()
def medication() -> None:
    """Medication: the data sets, the search in them, and what patients take."""


for _one in (*finding_cli.COMMANDS, *statement_cli.COMMANDS, *sets_cli.COMMANDS):
    medication.add_command(_one)
commands = (medication,)
