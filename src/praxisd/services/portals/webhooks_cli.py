"""Command `praxisd webhooks`: thin, it names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.portals"
_STATES = ("open", "delivered", "failed")


@click.group()
def webhooks() -> None:
    """Programs elsewhere that are called when something happens: who, for what, and what became of each call."""


@webhooks.command("list")
@shared
def list_(folder: Path, organization: str | None, as_json: bool) -> None:
    """List webhooks."""
    answer = perform(folder, "webhooks.list", organization, lang=language())
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "events": ", ".join(one["events"]),
            **{k: one["state"][k] for k in ("failures", "open", "deliveredAt")},
        }
        for one in answer["webhooks"]
    ]
    print_table(rows, ("id", "name", "url", "events", "active", "portal", "deliveredAt", "failures", "open"))
    if not rows:
        click.echo(say(_PACKAGE, "portals.cli.no_webhooks"), err=True)


@webhooks.command("add")
@shared
@click.argument("name")
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, help="A type, a group such as appointment.*, or *. Default: *."
)
@click.option("--portal", help="Only bookings of this booking portal.")
def add(
    folder: Path,
    organization: str | None,
    as_json: bool,
    name: str,
    url: str,
    events: tuple[str, ...],
    portal: str | None,
) -> None:
    """Add a webhook. Its secret is printed this once."""
    given: dict[str, Any] = {"name": name, "url": url, "events": list(events or ("*",)), "portal": portal}
    answer = perform(folder, "webhooks.add", organization, lang=language(), **given)
    if as_json:
        print_json(answer)
        return
    click.echo(answer["id"])
    click.echo(say(_PACKAGE, "portals.cli.webhook_secret", secret=answer["secret"]))


@webhooks.command("remove")
@shared
@click.argument("id_", metavar="ID")
def remove(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Take a webhook away, with its log."""
    answer = perform(folder, "webhooks.remove", organization, id=id_, lang=language())
    if as_json:
        print_json(answer)


@webhooks.command("log")
@shared
@click.option("--webhook", help="Only calls of this webhook.")
@click.option("--state", type=click.Choice(_STATES), help="Only calls in this state.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
def log(folder: Path, organization: str | None, as_json: bool, **filters: Any) -> None:
    """List calls, the newest first, with the reason of those that failed."""
    answer = perform(folder, "webhooks.log", organization, lang=language(), **filters)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "state": say(_PACKAGE, f"console.word.delivery_state.{one['state']}"),
            "reason": one["problemTitle"],
        }
        for one in answer["deliveries"]
    ]
    print_table(rows, ("id", "createdAt", "type", "subject", "state", "attempts", "status", "reason"))
    if not rows:
        click.echo(say(_PACKAGE, "portals.cli.no_deliveries"), err=True)


@webhooks.command("replay")
@shared
@click.option("--delivery", help="This one, whatever became of it.")
@click.option("--webhook", help="All that were given up of this webhook …")
@click.option("--since", help="… since this moment (RFC 3339).")
def replay(folder: Path, organization: str | None, as_json: bool, **which: str | None) -> None:
    """Send deliveries again: one, or all that were given up."""
    if not which["delivery"] and not (which["webhook"] and which["since"]):
        raise click.UsageError("--delivery, or --webhook and --since")
    answer = perform(folder, "webhooks.replay", organization, lang=language(), **which)
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "portals.cli.replayed", count=answer["replayed"]))


commands = (webhooks,)
