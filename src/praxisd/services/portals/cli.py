"""Commands of portals: those of online calendars and of webhooks."""

from praxisd.services.portals import sync_cli, webhooks_cli

commands = (*sync_cli.commands, *webhooks_cli.commands)
