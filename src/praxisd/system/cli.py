"""Command `praxisd service`: install praxisd as a service of the operating system, take it away, say how it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import print_json, reporting, say
from praxisd.system import installing, plan, standing, unit, windows
from praxisd.system.machine import Machine
from praxisd.system.plan import Plan

_PACKAGE = "praxisd.system"
C = TypeVar("C", bound=Callable[..., Any])


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"system.cli.{key}", **params)


def _service(command: C) -> C:
    """`--name`, `--home`, and the usual ones; a service's data lies elsewhere than a command's."""
    command = click.option("--name", default=plan.NAME, show_default=True, help="The service's name.")(
        command
    )
    command = click.option(
        "--home",
        default=plan.HOME,
        show_default=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the program and its versions.",
    )(command)
    return reporting(command)


@click.group()
def service() -> None:
    """praxisd as a service of the operating system: install it, take it away, see how it is."""


@service.command("install")
@_service
@click.option("--user", default=plan.USER, show_default=True, help="The user it runs as; made if missing.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option(
    "--config", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Configuration file."
)
@click.option(
    "--root",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Trusted root of the updates (root.json); without it no update can be installed.",
)
@click.option("--dry-run", is_flag=True, help="Print the definition and change nothing.")
def install(
    folder: Path,
    as_json: bool,
    name: str,
    home: Path,
    user: str,
    host: str,
    port: int,
    config: Path | None,
    root: Path | None,
    dry_run: bool,
) -> None:
    """Install and start it."""
    machine = Machine()
    wanted = Plan(
        name, user, home.absolute(), folder.absolute(), host, port, sys.executable,
        None if config is None else config.absolute(),
    )  # fmt: skip
    if machine.windows:
        _for_windows(wanted, as_json, dry_run)
    elif dry_run:
        text = unit.unit(wanted)
        if as_json:
            print_json({"file": str(machine.unit(name)), "unit": text})
        else:
            click.echo(text, nl=False)
    else:
        version = installing.install(wanted, machine, None if root is None else root.read_bytes())
        facts = {"name": name, "version": version, "home": str(wanted.home), "data": str(wanted.data)}
        if as_json:
            print_json(facts | {"unit": str(machine.unit(name)), "root": root is not None})
        else:
            click.echo(_say("installed", **facts))
            if root is None:
                click.echo(_say("no_root"))


def _for_windows(wanted: Plan, as_json: bool, dry_run: bool) -> None:
    """Write the file WinSW reads, and say what to do with it: nothing of this was ever run by us."""
    text, file = windows.xml(wanted), wanted.home / windows.FILE.format(name=wanted.name)
    if not dry_run:
        wanted.home.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if as_json:
        print_json({"file": str(file), "xml": text})
    elif dry_run:
        click.echo(text, nl=False)
    else:
        click.echo(_say("windows", file=file))


@service.command("uninstall")
@_service
def uninstall(folder: Path, as_json: bool, name: str, home: Path) -> None:
    """Stop it and take it away; program and data stay where they are."""
    machine = Machine()
    if machine.windows:
        raise Problem("system.by_hand", 409, name=name)
    home, folder = installing.uninstall(name, machine)
    if as_json:
        print_json({"name": name, "home": str(home), "data": str(folder)})
    else:
        click.echo(_say("uninstalled", name=name, home=home, data=folder))


@service.command("status")
@_service
def status(folder: Path, as_json: bool, name: str, home: Path) -> None:
    """Say how it is: 0 running, 1 needs a person (safe mode), 3 stopped, 4 not installed."""
    facts = standing.standing(name, home.absolute(), folder.absolute(), Machine())
    if as_json:
        print_json(facts)
    else:
        for key in (
            "name",
            "state",
            "instance",
            "version",
            "host",
            "addresses",
            "port",
            "home",
            "data",
            "plugins",
        ):
            click.echo(_say(f"status.{key}", value=_shown(key, facts[key])))
    click.get_current_context().exit(standing.CODES.get(facts["state"], 0))


def _shown(key: str, value: Any) -> str:
    if key == "state":
        return _say(f"state.{value}")
    if key == "plugins":
        words = [f"{one['name']} {one['version'] or ''}{'' if one['on'] else ' –'}".strip() for one in value]
        return ", ".join(words) or "–"
    if isinstance(value, list):
        return ", ".join(value) or "–"
    return "–" if value is None else str(value)


def _own_default(command: click.Command) -> click.Command:
    """A service's data lies where services keep theirs."""
    for one in command.params:
        if one.name == "folder":
            one.default = plan.DATA
    return command


for _command in (install, uninstall, status):
    _own_default(_command)
commands: tuple[click.Command, ...] = (service,)
