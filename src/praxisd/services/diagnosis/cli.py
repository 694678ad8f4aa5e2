"""All commands of the diagnosis, brought together from its parts."""

from praxisd.services.diagnosis import product_cli, software_cli

commands = (*product_cli.COMMANDS, *software_cli.COMMANDS)
