"""Command `praxisd plugins`: what lies in the data folder, whatever is wrong with it. No plug-in is imported here.

It works on files alone, so it helps where a plug-in keeps the server from starting; the next start heeds it.
"""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel import plugin_places
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.plugin_places import PERSON, Place
from praxisd.kernel.terminal import print_json, print_table, reporting, say

_KERNEL = "praxisd.kernel"


@click.group()
def plugins() -> None:
    """Plug-ins that were installed as updates: which there are, and which are loaded."""


@plugins.command("list")
@reporting
def list_plugins(folder: Path, as_json: bool) -> None:
    """All of them, and why one is not loaded."""
    found = [_facts(one) for one in plugin_places.places(folder)]
    if as_json:
        print_json({"plugins": found})
    elif not found:
        click.echo(say(_KERNEL, "cli.plugins.none"))
    else:
        print_table([_line(one) for one in found], ("name", "version", "state", "reason", "detail", "at"))


@plugins.command("on")
@reporting
@click.argument("name")
def switch_on(folder: Path, as_json: bool, name: str) -> None:
    """Load it again, from the next start on."""
    plugin_places.switch_on(folder, _known(folder, name))
    _tell(folder, as_json, name, "on")


@plugins.command("off")
@reporting
@click.argument("name")
def switch_off(folder: Path, as_json: bool, name: str) -> None:
    """Do not load it, from the next start on."""
    plugin_places.switch_off(folder, _known(folder, name), "person", by=PERSON)
    _tell(folder, as_json, name, "off")


@plugins.command("remove")
@reporting
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(folder: Path, as_json: bool, name: str, yes: bool) -> None:
    """Remove its files; what it has in the database stays."""
    one = _known(folder, name)
    if not yes:
        click.confirm(say(_KERNEL, "cli.plugins.sure", name=name), abort=True, err=True)
    plugin_places.remove(folder, one)
    _tell(folder, as_json, name, "removed")


def _known(folder: Path, name: str) -> Place:
    found = plugin_places.place(folder, name)
    if found is None:
        raise Problem("plugins.unknown", 404, name=name)
    return found


def _tell(folder: Path, as_json: bool, name: str, word: str) -> None:
    if as_json:
        now = plugin_places.place(folder, name)
        print_json({"name": name, "removed": True} if now is None else _facts(now))
    else:
        click.echo(say(_KERNEL, f"cli.plugins.{word}", name=name))


def _facts(one: Place) -> dict[str, Any]:
    off = one.off
    return {
        "name": one.name,
        "version": one.version,
        "previous": one.previous,
        "on": off is None,
        "reason": None if off is None else off.reason,
        "detail": None if off is None else off.detail,
        "by": None if off is None else off.by,
        "at": None if off is None or not off.at else format_rfc3339(off.at),
    }


def _line(facts: dict[str, Any]) -> dict[str, Any]:
    reason = facts["reason"]
    known = reason in ("import", "declaration", "start", "ended", "missing", "person")
    return {
        **facts,
        "state": say(_KERNEL, f"cli.plugins.state.{'on' if facts['on'] else 'off'}"),
        "reason": say(_KERNEL, f"cli.plugins.reason.{reason}") if known else reason,
    }


commands: tuple[click.Command, ...] = (plugins,)
