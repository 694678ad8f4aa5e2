"""All commands of the diagnosis, brought together from its parts."""

from praxisd.services.diagnosis import directive_cli, machine_cli, port_cli, product_cli, software_cli

commands = (
    *directive_cli.COMMANDS,
    *machine_cli.COMMANDS,
    *product_cli.COMMANDS,
    *software_cli.COMMANDS,
    *port_cli.COMMANDS,
)
