"""Commands `praxisd support grant`, `list`, `record` and `end`: thin, they name an operation and print what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared
from praxisd.services.support.remote_rules import MINUTES_LEAST, MINUTES_MOST

_PACKAGE = "praxisd.services.support"


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"support.remote_cli.{key}", **params)


@click.command()
@shared
@click.option("--name", required=True, metavar="NAME", help="Who is let in: person and company.")
@click.option("--purpose", required=True, metavar="TEXT", help="What for; no names of patients.")
@click.option(
    "--minutes",
    type=click.IntRange(MINUTES_LEAST, MINUTES_MOST),
    default=60,
    show_default=True,
    help="For how long.",
)
def grant(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Let the service partner into the console for a while; the code is shown once."""
    answer = perform(folder, "support.remote_grant", organization, lang=language(), **given)
    if as_json:
        print_json(answer)
        return
    one = answer["grant"]
    click.echo(_say("granted", name=one["name"], until=one["until"]), err=True)
    click.echo(_say("where", address=answer["address"]) if answer["address"] else _say("nowhere"), err=True)
    if answer["address"] and not answer["outside"]:
        click.echo(_say("inside"), err=True)
    click.echo(answer["code"])


@click.command("list")
@shared
def list_grants(folder: Path, organization: str | None, as_json: bool) -> None:
    """Who was let in, the newest first."""
    answer = perform(folder, "support.remote_list", organization, lang=language())
    if as_json:
        print_json(answer)
    else:
        print_table(answer["grants"], ("id", "state", "name", "purpose", "grantedAt", "until", "endedAt"))


@click.command()
@shared
@click.argument("grant_id", metavar="[ID]", required=False)
def record(folder: Path, organization: str | None, as_json: bool, grant_id: str | None) -> None:
    """What was done during remote support: the newest, or the one named."""
    answer = perform(folder, "support.remote_record", organization, id=grant_id, lang=language())
    if as_json:
        print_json(answer)
    else:
        acts = [
            {**one, "text": ": ".join(filter(None, (one["text"], one["about"])))} for one in answer["acts"]
        ]
        print_table(acts, ("at", "text", "area", "operation", "count", "status", "refusal"))


@click.command()
@shared
@click.argument("grant_id", metavar="[ID]", required=False)
def end(folder: Path, organization: str | None, as_json: bool, grant_id: str | None) -> None:
    """End remote support at once."""
    answer = perform(folder, "support.remote_end", organization, id=grant_id, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("ended", name=answer["name"]))


COMMANDS = (grant, list_grants, record, end)
"""Commands of the group `praxisd support`."""
