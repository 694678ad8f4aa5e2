"""All commands of the diagnosis, brought together from its parts."""

from praxisd.services.diagnosis import machine_cli, port_cli, product_cli, software_cli

commands = (*machine_cli.COMMANDS, *product_cli.COMMANDS, *software_cli.COMMANDS, *port_cli.COMMANDS)
