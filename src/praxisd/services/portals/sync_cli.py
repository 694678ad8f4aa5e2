"""Commands `praxisd sync …`, and the DURIA words `tmex`, `tmex +J`, `tmex -J`, `tmex P`: thin, each names an operation."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.portals"
_WORDS = ("+J", "-J", "P")


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"portals.cli.{key}", **params)


@click.group(invoke_without_command=True)
@shared
@click.option("--full", is_flag=True, help="Compare everything anew, with what comes from the portals.")
@click.pass_context
def sync(context: click.Context, folder: Path, organization: str | None, as_json: bool, full: bool) -> None:
    """Compare with the online calendars."""
    if context.invoked_subcommand is None:
        _once(folder, organization, as_json, full)
    else:  # `sync --data DIR start` means the same as `sync start --data DIR`
        given = {"folder": str(folder), "organization": organization, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}


@sync.command("start")
@shared
def start(folder: Path, organization: str | None, as_json: bool) -> None:
    """Compare in the background from now on, also after a restart."""
    _switch(folder, organization, as_json, True)


@sync.command("stop")
@shared
def stop(folder: Path, organization: str | None, as_json: bool) -> None:
    """Stop comparing in the background, also after a restart."""
    _switch(folder, organization, as_json, False)


@sync.command("status")
@shared
def status(folder: Path, organization: str | None, as_json: bool) -> None:
    """Say whether the comparison runs, and how each calendar stands."""
    _status(perform(folder, "portals.sync_status", organization, lang=language()), as_json)


@sync.command("settings")
@shared
@click.option("--interval", type=int, metavar="SECONDS", help="How often the portals are asked, 60 or more.")
@click.option("--early/--not-early", default=None, help="Send a change at once, as far as the portal allows.")
@click.option("--portal", "portals", multiple=True, metavar="NAME", help="Only this portal; repeatable.")
def settings(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Show how the portals are asked, or change it."""
    _settings(folder, organization, as_json, **given)


@click.command(context_settings={"ignore_unknown_options": True})
@shared
@click.argument("word", required=False, type=click.UNPROCESSED, metavar="[+J|-J|P]")
def tmex(folder: Path, organization: str | None, as_json: bool, word: str | None) -> None:
    """Compare with the online calendars, as in DURIA: tmex, tmex +J, tmex -J, tmex P."""
    wanted = None if word is None else word.upper()
    if wanted is None:
        _once(folder, organization, as_json, False)
    elif wanted in ("+J", "-J"):
        _switch(folder, organization, as_json, wanted == "+J")
    elif wanted == "P":
        _settings(folder, organization, as_json)
    else:
        raise click.UsageError(f"{word!r} is none of {', '.join(_WORDS)}")


def _once(folder: Path, organization: str | None, as_json: bool, full: bool) -> None:
    answer = perform(folder, "portals.sync", organization, full=full or None, lang=language())
    if as_json:
        print_json(answer)
    else:
        _told(answer)
    if not answer["ok"]:
        click.get_current_context().exit(1)


def _told(answer: dict[str, Any]) -> None:
    """How many times went out, and each failure with what can be done about it."""
    if answer["ok"] or answer["uploaded"]:
        key = "one" if answer["uploaded"] == 1 else "many"
        click.echo(_say(f"uploaded_{key}", count=answer["uploaded"]))
    if answer["bookings"]:
        click.echo(_say("bookings", count=answer["bookings"]))
    faults = [one for one in answer["calendars"] if one["code"]]
    if answer["problem"] is not None:
        _fault(answer["problem"], answer["problem"]["title"])
        faults = [one for one in faults if one["code"] != answer["problem"]["code"]]
    for one in faults:
        _fault(one, f"{one['portal']}, {one['name']}: {one['title']}")


def _fault(said: dict[str, Any], head: str) -> None:
    lines = [head, said["cause"], said["solution"], f"({said['code']})"]
    click.echo("\n".join(line for line in lines if line), err=True)


def _switch(folder: Path, organization: str | None, as_json: bool, on: bool) -> None:
    answer = perform(folder, "portals.sync_switch", organization, enabled=on, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("on" if answer["background"] else "off"))


def _status(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    click.echo(_say("on" if answer["background"] else "off"))
    if answer["calendars"]:
        columns = ("portal", "calendar", "schedule", "uploaded", "goodAt", "nextAt", "lagS", "reason")
        print_table([{**one, "reason": one["title"]} for one in answer["calendars"]], columns)
    else:
        click.echo(_say("no_calendars"), err=True)


def _settings(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    answer = perform(folder, "portals.sync_settings", organization, lang=language(), **wanted)
    if as_json:
        print_json(answer)
        return
    click.echo(_say("on" if answer["background"] else "off"))
    if answer["portals"]:
        print_table(answer["portals"], ("name", "adapter", "active", "interval", "early", "calendars"))
    else:
        click.echo(_say("no_portals"), err=True)


commands = (sync, tmex)
