"""The command line. Thin: services bring their own commands, imported only when one is called.

`praxisd --help` must not wait for a web framework or a database, so the names of the built-in commands stand
here with one line of help each; a test holds them against what the commands say themselves.
"""

import faulthandler
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from praxisd import __version__
from praxisd.kernel import control, terminal
from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import data, print_json, reporting, say

BUILT_IN = {
    "serve": ("praxisd.cli", "Run the server."),
    "demo": ("praxisd.cli", "Run a sample practice."),
    "doctor": ("praxisd.kernel.cli", "Run all checks; ends with 1 if something is wrong."),
    "migrate": ("praxisd.cli", "Bring the database to the state of this program."),
    "setup": ("praxisd.services.setup.cli", "The first start: its one-time code, and how far it is."),
    "practice": ("praxisd.services.directory.cli", "Set up a practice, and list those of this installation."),
    "keys": ("praxisd.services.accounts.cli", "Access data of portals and other programs."),
    "users": ("praxisd.services.accounts.cli", "People who sign in."),
    "import": (
        "praxisd.services.exchange.import_cli",
        "Take in files: FHIR Bundles at once, data of other programs after a look.",
    ),
    "jobs": ("praxisd.kernel.cli", "What runs by itself, when, and how it went."),
    "messages": (
        "praxisd.services.messaging.cli",
        "Messages to patients: what went out, what did not, and why.",
    ),
    "reminders": ("praxisd.services.reminders.cli", "Appointment reminders and birthday greetings."),
    "sync": ("praxisd.services.portals.cli", "Compare with the online calendars."),
    "tmex": (
        "praxisd.services.portals.cli",
        "Compare with the online calendars, as in DURIA: tmex, tmex +J, tmex -J, tmex P.",
    ),
    "webhooks": (
        "praxisd.services.portals.cli",
        "Programs elsewhere that are called when something happens: who, for what, and what became of each call.",
    ),
    "relay": (
        "praxisd.services.relay.cli",
        "Reachable from outside through a relay server that cannot read what it carries.",
    ),
    "activity": ("praxisd.kernel.cli", "What happened, and what went wrong."),
    "settings": ("praxisd.kernel.cli", "What can be set, what is in force, and where it comes from."),
    "support": (
        "praxisd.services.support.cli",
        "Help by the service partner: a package of facts, and remote support for a while.",
    ),
    "directive": (
        "praxisd.services.diagnosis.cli",
        "The checklist of the security directive (§ 390 SGB V): measured where that is possible, else with a date.",
    ),
    "relay-hub": (
        "praxisd_relay.cli",
        "The hub through which practices are reachable from outside, and which cannot read what it carries.",
    ),
    "sandbox": (
        "praxisd.sandbox.cli",
        "Play the outside world: SMS gateway, mail server, portal, relay hub, certificate authority, updates, ServiceProvider.",
    ),
    "updates": (
        "praxisd.services.updates.cli",
        "Newer versions of praxisd, of plug-ins and data sets: fetched by themselves, installed by a person.",
    ),
    "publish": (
        "praxisd.services.updates.publish_cli",
        "Make and sign a repository of updates, as its publisher.",
    ),
    "tuf-client": (
        "praxisd.services.updates.tuf_client",
        "Look into a TUF repository as the download service does, by the conformance suite's command line.",
    ),
    "products": (
        "praxisd.services.diagnosis.cli",
        "Products of practice software that praxisd knows, as files: what they need, ports, exclusions.",
    ),
    "software": ("praxisd.services.diagnosis.cli", "Which practice software is used here."),
    "service": (
        "praxisd.system.cli",
        "praxisd as a service of the operating system: install it, take it away, see how it is.",
    ),
    "plugins": (
        "praxisd.kernel.plugin_cli",
        "Plug-ins that were installed as updates: which there are, and which are loaded.",
    ),
    "ports": (
        "praxisd.services.diagnosis.cli",
        "The port list: what must be open, whether it is, and rules for a firewall.",
    ),
    "machine": (
        "praxisd.services.diagnosis.cli",
        "Computers of the practice: measure this one, send it to the server, list them.",
    ),
    "serviceprovider": (
        "praxisd.services.serviceprovider.cli",
        "The ServiceProvider of medatixx' products: how it is, its two INI files, and what is wrong with them.",
    ),
    "requirements": (
        "praxisd.services.diagnosis.cli",
        "What the practice software needs of a computer; ends with 1 if a minimum is not met.",
    ),
    "backup": (
        "praxisd.services.backups.cli",
        "Backups: copies that prove themselves, and the copy for a backup software of your own.",
    ),
    "move": (
        "praxisd.services.backups.moving.cli",
        "Move the server to another computer: out of the old one, into the new one.",
    ),
    "care": (
        "praxisd.services.care.cli",
        "Care of the database: check it, compact it, move it to another place.",
    ),
    "seats": (
        "praxisd.services.seats.cli",
        "Seats of the practice: who works where, and who edits which record.",
    ),
    "logbook": (
        "praxisd.services.logbook.cli",
        "Logs of all seats: search, save, and send them, which only a person does.",
    ),
    "medication": (
        "praxisd.services.medication.cli",
        "Medication: the data sets, the search in them, and what patients take.",
    ),
    "takeover": (
        "praxisd.services.exchange.takeover_cli",
        "Take over data of another program: look first, then take in, in pieces; undo it as a whole.",
    ),
    "export": (
        "praxisd.services.exchange.takeover_cli",
        "Give data out: CSV, FHIR, xDT, or all about one patient.",
    ),
    "devices": (
        "praxisd.services.exchange.devices_cli",
        "Folders through which devices and other programs exchange xDT files.",
    ),
    "laptop": (
        "praxisd.services.exchange.laptop_cli",
        "Take patients along on a laptop, and bring back what was changed there.",
    ),
    "maintenance": (
        "praxisd.kernel.cli",
        "Close all doors for a while: every request is answered 503 with Retry-After.",
    ),
}
"""Name → (module that has it in its `commands`, its help)."""


class Root(click.Group):
    """Finds commands when they are called, and turns Problems into words and exit codes."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Built-in commands in the order of use, then those of plug-ins."""
        return [*BUILT_IN, *sorted({c.name for c in _plugin_commands() if c.name} - set(BUILT_IN))]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        where = BUILT_IN.get(cmd_name)
        found = import_module(where[0]).commands if where else _plugin_commands()
        return next((c for c in found if c.name == cmd_name), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing the built-in ones."""
        rows = []
        for name in self.list_commands(ctx):
            command = None if name in BUILT_IN else self.get_command(ctx, name)
            rows.append((name, command.get_short_help_str(limit=90) if command else BUILT_IN[name][1]))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a Problem is explained in the person's language and ends with its exit code."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            terminal.print_problem(problem, _packages(problem.code))
            ctx.exit(terminal.exit_code(problem))


def _plugin_commands() -> Iterator[click.Command]:
    from praxisd.kernel import registry

    for one in registry.plugins():
        if one.commands is not None:
            module, _, name = one.commands.partition(":")
            yield from getattr(import_module(module), name)


def _packages(code: str) -> list[str]:
    """The packages whose texts may know a code: the kernel always, and the one it is named after."""
    word = code.partition(".")[0]
    return [one for one in (f"praxisd.services.{word}", f"praxisd.{word}") if find_spec(one) is not None]


FOUNDING = frozenset({"directory.practice_create"})
"""Operations that may begin a new data folder. All others write nothing where there is no praxisd yet."""
MOVING = frozenset(f"backups.move_{one}" for one in ("out", "undo", "arrive", "status"))
"""Operations that work on a folder whose server has moved away, or is moving in."""
ARRIVING = frozenset({"backups.move_arrive"})
"""Those that first bring a database to the state of this program: it may come from an older one."""


def perform(folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
    """Perform an operation in the running server, else here if it is declared `offline`.

    Problems: those of `control.run`, and `control.unknown_name` (404) for a name, id or practice that the
    person gave and that does not exist; a door's "not found" speaks of addresses.
    """
    try:
        return control.run(
            folder,
            operation,
            args,
            lambda: _open(folder, migrate=operation in ARRIVING),
            _offline,
            lambda: operation in FOUNDING or _founded(folder),
            moving=operation in MOVING,
        )
    except Problem as problem:
        if problem.code != "http.not_found":
            raise
        words = (
            ("organization",)
            if problem.params.get("kind") == "Organization"
            else ("id", "login", "run", "area", "name", "medium", "drive", "snapshot", "question", "day")
        )
        named = next((str(args[word]) for word in words if args.get(word)), "-")
        raise Problem("control.unknown_name", 404, name=named) from None


def _offline(operation: str) -> bool:
    from praxisd import main

    declared = {o.name: o.offline for one in main.services() for o in one.operations}
    if operation not in declared:
        raise Problem("control.unknown_operation", 404, operation=operation)
    return declared[operation]


def _config(folder: Path) -> Any:
    """The configuration that the folder's server would have."""
    from praxisd import serving
    from praxisd.kernel.config import load

    named = os.environ.get("PRAXISD_CONFIG")
    return load(Path(named) if named else serving.known_config(folder), folder)


def _founded(folder: Path) -> bool:
    """True where a database lies, or a configuration names one that does not lie in a file."""
    from praxisd.kernel import database_at
    from praxisd.kernel.engines import sqlite_file

    if not folder.is_dir():
        return False
    file = sqlite_file(_config(folder).database_url, folder)
    return file is None or file.exists() or database_at.pointer(folder) is not None or _between(folder)


def _between(folder: Path) -> bool:
    """True where a start was cut off while it exchanged the database for one of a backup."""
    from praxisd.services.backups.restoring import exchange

    found = exchange.known(folder)
    return found is not None and found.phase in exchange.UNDERWAY


def _open(folder: Path, config: Path | None = None, *, migrate: bool = False, expand: bool = False) -> Any:
    """The house of a folder without a server."""
    from praxisd import main
    from praxisd.kernel.config import load

    chosen = load(config, folder) if config is not None else _config(folder)
    main.finish_moves(folder, chosen, begin=False)
    return main.open_practice(folder, chosen, migrate=migrate, expand=expand)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="praxisd")
@click.pass_context
def root(ctx: click.Context) -> None:
    """The always-on server of a medical or dental practice."""
    ctx.obj = perform


_CONFIG = click.option(
    "--config",
    envvar="PRAXISD_CONFIG",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file; praxisd.toml in the data folder if left out.",
)
_PORT = click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: a free one."
)
_HOST = click.option("--host", default="127.0.0.1", show_default=True)


@click.command()
@data
@_HOST
@_PORT
@_CONFIG
@click.option("--fd", "handle", type=click.IntRange(0), help="A socket that listens already (the guard's).")
@click.option("--safe", is_flag=True, help="Safe mode: only console, diagnosis, log, backup and updates.")
def serve(folder: Path, host: str, port: int, config: Path | None, handle: int | None, safe: bool) -> None:
    """Run the server."""
    gc.disable()  # a tenth of the start went into looking for garbage among imports; on again when ready
    from praxisd import serving

    sys.exit(serving.serve(folder, config, host, port, handle=handle, safe=safe))


@click.command()
@data
@_HOST
@_PORT
@_CONFIG
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day the appointments lie around.")
@click.option("--plain", is_flag=True, help="Without the guard that keeps and updates the server.")
def demo(folder: Path, host: str, port: int, config: Path | None, today: Any, plain: bool) -> None:
    """Run a sample practice."""
    from praxisd.demo.running import run

    day = None if today is None else today.date()
    sys.exit(run(folder, config, host, port, day, terminal.language(), plain))


@click.command()
@reporting
@_CONFIG
@click.option("--expand", is_flag=True, help="Only steps with which the version before can still work.")
def migrate(folder: Path, as_json: bool, config: Path | None, expand: bool) -> None:
    """Bring the database to the state of this program."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    answer = control.run(
        folder,
        "kernel.migrate",
        {"expand": expand},
        lambda: _open(folder, config, migrate=True, expand=expand),
    )
    if as_json:
        print_json(answer)
    else:
        click.echo(say("praxisd.kernel", "cli.migrate.done"))


commands: tuple[click.Command, ...] = (serve, demo, migrate)


def main() -> None:
    """Entry point of the console script `praxisd`.

    Should the interpreter itself fall, it says on standard error where every thread was: files and lines, no data.
    """
    with suppress(ValueError, OSError, AttributeError):  # standard error may be closed, or no file
        faulthandler.enable()
    root(prog_name="praxisd")
