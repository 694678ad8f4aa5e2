"""Commands `praxisd logbook …`: thin, each names an operation and prints what it answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from praxisd.kernel.control import write_private
from praxisd.kernel.terminal import language, perform, print_json, say, shared

C = TypeVar("C", bound=Callable[..., Any])
_PACKAGE = "praxisd.services.logbook"
_LEVELS = ("debug", "info", "warning", "error")


def _filter(command: C) -> C:
    for option in (
        click.option("--source", "sources", multiple=True, help="Only of this source; may be repeated."),
        click.option("--code", "codes", multiple=True, help="Only of this code; may be repeated."),
        click.option(
            "--level",
            "levels",
            multiple=True,
            type=click.Choice(_LEVELS),
            help="Only of this level; may be repeated.",
        ),
        click.option("--to", help="Until then (RFC 3339)."),
        click.option("--from", "since", help="Since then (RFC 3339)."),
        click.option("--words", help="With these words."),
    ):
        command = option(command)
    return command


def _asked(**given: Any) -> dict[str, Any]:
    """Only what was given, as the operation reads it."""
    found = {"from": given["since"], "to": given["to"], "words": given["words"]}
    lists = {name: list(given[name]) or None for name in ("levels", "sources", "codes")}
    return {**found, **lists, "lang": language()}


@click.group()
def logbook() -> None:
    """Logs of all seats: search, save, and send them, which only a person does."""


@logbook.command("search")
@shared
@_filter
@click.option("--limit", type=click.IntRange(1, 5000), default=50, show_default=True)
def search(folder: Path, organization: str | None, as_json: bool, limit: int, **given: Any) -> None:
    """Show the newest entries."""
    answer = perform(folder, "logbook.search", organization, limit=limit, **_asked(**given))
    if as_json:
        print_json(answer)
        return
    if not answer["entries"]:
        click.echo(say(_PACKAGE, "logbook.cli.no_entries"))
    for one in reversed(answer["entries"]):
        fields = " ".join(f"{name}={value}" for name, value in one["fields"].items())
        said = (one["at"], one["level"], one["sourceName"], one["code"], fields, one["text"])
        click.echo("  ".join(part for part in said if part))


@logbook.command("export")
@shared
@_filter
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def export(folder: Path, organization: str | None, as_json: bool, out: Path, **given: Any) -> None:
    """Save entries as a file, one JSON object a line."""
    answer = perform(folder, "logbook.search", organization, export=True, **_asked(**given))
    write_private(out, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in answer["entries"]))
    _said(as_json, {"file": str(out), "entries": len(answer["entries"])}, "saved")


@logbook.command("package")
@shared
@_filter
def package(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Make a package and print it line by line; it goes nowhere by itself."""
    answer = perform(folder, "logbook.package", organization, **_asked(**given))
    if as_json:
        print_json(answer)
        return
    for line in answer["lines"]:
        click.echo(line)
    click.echo(say(_PACKAGE, "logbook.cli.made", id=answer["id"], sha256=answer["sha256"]), err=True)


@logbook.command("send")
@shared
@click.argument("id_", metavar="ID")
@click.option("--sha256", required=True, help="Of what was shown.")
@click.option("--to", help="An e-mail address; the service partner if left out.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def send(
    folder: Path, organization: str | None, as_json: bool, id_: str, sha256: str, to: str | None, yes: bool
) -> None:
    """Send a package as it was shown."""
    if not yes:
        click.confirm(say(_PACKAGE, "logbook.cli.sure"), abort=True, err=True)
    answer = perform(folder, "logbook.send", organization, id=id_, sha256=sha256, to=to, lang=language())
    _said(as_json, answer, f"state_{answer['state']}")
    if answer["state"] != "sent":
        click.get_current_context().exit(1)


@logbook.command("orders")
@shared
@click.option("--until", help="Give an order: until then (RFC 3339), a year at most.")
@click.option("--to", help="To this e-mail address; the service partner if left out.")
@click.option("--level", "levels", multiple=True, type=click.Choice(_LEVELS), help="Of this level.")
@click.option("--withdraw", metavar="ID", help="Withdraw an order.")
def orders(
    folder: Path,
    organization: str | None,
    as_json: bool,
    until: str | None,
    to: str | None,
    levels: tuple[str, ...],
    withdraw: str | None,
) -> None:
    """List standing orders, give one, or withdraw one."""
    answer = perform(
        folder,
        "logbook.orders",
        organization,
        until=until,
        to=to,
        levels=list(levels) or None,
        withdraw=withdraw,
    )
    if as_json:
        print_json(answer)
        return
    if not answer["orders"]:
        click.echo(say(_PACKAGE, "logbook.cli.no_orders"))
    for one in answer["orders"]:
        click.echo(f"{one['id']}  {one['to']}  {','.join(one['levels'])}  {one['until']}  {one['state']}")


@logbook.command("statistics")
@shared
def statistics(folder: Path, organization: str | None, as_json: bool) -> None:
    """Say how full the logbook is."""
    answer = perform(folder, "logbook.statistics", organization)
    if as_json:
        print_json(answer)
        return
    told = {name: answer[name] for name in ("error", "warning", "info", "debug")}
    said = say(
        _PACKAGE, "logbook.cli.statistics", used=answer["usedBytes"], limit=answer["limitBytes"], **told
    )
    click.echo(said)


def _said(as_json: bool, answer: dict[str, Any], key: str) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, f"logbook.cli.{key}", **answer))


commands = (logbook,)
