"""Commands `praxisd updates …`: thin, each names an operation and prints what it answers."""

import time
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import language, perform, print_json, reporting, say

_PACKAGE = "praxisd.services.updates"
_ASK_AGAIN_S = 1.0
_NO_SERVER = ("control.no_server", "control.busy")
"""While the guard exchanges the server, nobody answers commands."""


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, key, **params)


def _word(words: str, word: str) -> str:
    return _say(f"console.word.{words}.{word}")


@click.group()
def updates() -> None:
    """Newer versions of praxisd, of plug-ins and data sets: fetched by themselves, installed by a person."""


@updates.command("list")
@reporting
def list_(folder: Path, as_json: bool) -> None:
    """Show what runs, what is subscribed, and what waits to be installed."""
    _told(perform(folder, "updates.list", None, lang=language()), as_json)


def _look(folder: Path, as_json: bool) -> None:
    answer = perform(folder, "updates.look", None, lang=language())
    if not as_json:
        click.echo(_say("updates.cli.fetched", count=answer["fetched"]), err=True)
    _told(answer, as_json)


@updates.command("check")
@reporting
@click.option(
    "--trust-clock",
    is_flag=True,
    help="The clock ran ahead once and is right now: forget the time it showed then. Noted in the log.",
)
def check(folder: Path, as_json: bool, trust_clock: bool) -> None:
    """Look now whether there is anything new, and download what is subscribed."""
    if trust_clock:
        said = perform(folder, "updates.trust_clock", None)
        word = "clock_right" if said["seen"] is None else "clock_trusted"
        click.echo(_say(f"updates.cli.{word}", now=said["now"], seen=said["seen"] or ""), err=True)
    _look(folder, as_json)


@updates.command("download")
@reporting
def download(folder: Path, as_json: bool) -> None:
    """The same as `check`: look now, and download what is subscribed. Installs nothing."""
    _look(folder, as_json)


@updates.command("install")
@reporting
@click.argument("packages", nargs=-1, required=True, metavar='ELEMENT|"ELEMENT VERSION"|ID…')
@click.option("--without-copy", is_flag=True, help="Also where no copy of the database can be made before.")
@click.option(
    "--wait", "within", type=click.IntRange(0, 3_600), default=0, metavar="S", help="Wait for the outcome."
)
def install(folder: Path, as_json: bool, packages: tuple[str, ...], without_copy: bool, within: int) -> None:
    """Install what was downloaded; of an element that is named alone, the newest version that waits."""
    answer = perform(
        folder,
        "updates.install",
        None,
        packages=list(packages),
        without_copy=without_copy or None,
        lang=language(),
    )
    _ended(folder, _awaited(folder, answer, within), as_json)


@updates.command("switch-back")
@reporting
@click.argument("element")
@click.option(
    "--wait", "within", type=click.IntRange(0, 3_600), default=0, metavar="S", help="Wait for the outcome."
)
def switch_back(folder: Path, as_json: bool, element: str, within: int) -> None:
    """Go back to the version of an element that was in use before."""
    answer = perform(folder, "updates.switch_back", None, name=element, lang=language())
    _ended(folder, _awaited(folder, answer, within), as_json)


@updates.command("subscribe")
@reporting
@click.argument("element")
def subscribe(folder: Path, as_json: bool, element: str) -> None:
    """Have newer versions of an element downloaded by themselves."""
    _told(perform(folder, "updates.subscribe", None, name=element, subscribed=True, lang=language()), as_json)


@updates.command("unsubscribe")
@reporting
@click.argument("element")
def unsubscribe(folder: Path, as_json: bool, element: str) -> None:
    """Do so no more; what was downloaded stays."""
    _told(
        perform(folder, "updates.subscribe", None, name=element, subscribed=False, lang=language()), as_json
    )


@updates.command("history")
@reporting
@click.option("--element", help="Only this element.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many at most."
)
def history(folder: Path, as_json: bool, element: str | None, limit: int) -> None:
    """List all versions that were ever seen, and what became of them."""
    answer = perform(folder, "updates.history", None, element=element, limit=limit, lang=language())
    if as_json:
        print_json(answer)
        return
    for one in answer["packages"]:
        click.echo(
            f"{one['seenAt']}  {one['element']} {one['version']}  {_word('update_state', one['state'])}"
        )
    if not answer["packages"]:
        click.echo(_say("updates.cli.nothing"), err=True)


@updates.command("push")
@reporting
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def push(folder: Path, as_json: bool, file: Path) -> None:
    """Take in a ZIP file with `metadata` and `targets` of a signed repository; its packages wait like downloads."""
    answer = perform(folder, "updates.push", None, file=str(file.resolve()), lang=language())
    if as_json:
        print_json(answer)
        return
    for one in answer["packages"]:
        click.echo(f"{one['element']} {one['version']}  {_word('update_state', one['state'])}")


def _awaited(folder: Path, order: dict[str, Any], within: int) -> dict[str, Any]:
    """The order once it is final, or after so many seconds."""
    end = time.monotonic() + within
    while not order["final"] and time.monotonic() < end:
        time.sleep(_ASK_AGAIN_S)
        try:
            order = perform(folder, "updates.order", None, id=order["id"], lang=language())
        except Problem as problem:
            if problem.code not in _NO_SERVER:
                raise
    return order


def _ended(_folder: Path, order: dict[str, Any], as_json: bool) -> None:
    """Print an order; ends with 1 if it was refused or rolled back."""
    if as_json:
        print_json(order)
    else:
        click.echo(f"{order['version']}: {_word('update_step', order['step'])}")
        _faulty(order["fault"])
    if order["state"] in ("refused", "rolled_back"):
        click.get_current_context().exit(1)


def _faulty(fault: dict[str, Any] | None) -> None:
    if fault is not None:
        click.echo(
            "\n".join((fault["title"], fault["cause"], fault["solution"], f"({fault['code']})")), err=True
        )


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    click.echo(_say("updates.cli.running", version=answer["version"]))
    for one in answer["elements"]:
        mark = "*" if one["subscribed"] else " "
        used = one["installed"] or "–"
        line = f"{mark} {one['element']:<24} {used:<14}"
        if one["waiting"] is not None:
            line += f" → {one['waiting']['version']} ({_word('update_state', one['waiting']['state'])})"
        elif one["available"]:
            line += (
                f" → {one['available'][0]['version']} ({_word('update_state', one['available'][0]['state'])})"
            )
        click.echo(line.rstrip())
    if not answer["elements"]:
        click.echo(_say("updates.cli.nothing"), err=True)
    _faulty(answer["fault"])


commands = (updates,)
