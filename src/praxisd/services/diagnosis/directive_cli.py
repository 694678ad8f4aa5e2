"""Commands `praxisd directive …`: thin; each names an operation."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.diagnosis"


@click.group()
def directive() -> None:
    """The checklist of the security directive (§ 390 SGB V): measured where that is possible, else with a date."""


@directive.command("list")
@shared
def list_(folder: Path, organization: str | None, as_json: bool) -> None:
    """List the items that hold for this practice, and how each stands."""
    _shown(perform(folder, "diagnosis.directive_list", organization, lang=language()), as_json)


@directive.command("size")
@shared
@click.argument("size", type=click.Choice(("small", "medium", "large")))
@click.option("--large-devices", is_flag=True, help="There are large devices, such as CT or MRI.")
def size_(folder: Path, organization: str | None, as_json: bool, size: str, large_devices: bool) -> None:
    """Say how large the practice is: up to 5 persons who process data, 6 to 20, or more."""
    answer = perform(
        folder,
        "diagnosis.directive_size",
        organization,
        size=size,
        large_devices=large_devices,
        lang=language(),
    )
    _shown(answer, as_json)


@directive.command("set")
@shared
@click.argument("item")
@click.argument("state", type=click.Choice(("done", "not_applicable", "open")))
@click.option("--person", metavar="NAME", help="Who takes care; needed for done.")
@click.option("--note", metavar="TEXT", help="What was done.")
@click.option("--due", type=click.DateTime(("%Y-%m-%d",)), help="When it is to be looked at again.")
def set_(
    folder: Path,
    organization: str | None,
    as_json: bool,
    item: str,
    state: str,
    person: str | None,
    note: str | None,
    due: datetime | None,
) -> None:
    """Say that an item is done, does not apply, or is open again."""
    until = None if due is None else due.date().isoformat()
    given = {"item": item, "state": state, "person": person, "note": note, "due": until}
    answer = perform(folder, "diagnosis.directive_set", organization, lang=language(), **given)
    _shown(answer, as_json)


def _shown(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if answer.get("size", "") is None:
        click.echo(say(_PACKAGE, "diagnosis.directive_cli.no_size"))
        return
    states = {
        one: say(_PACKAGE, f"diagnosis.directive_state.{one}")
        for one in ("good", "bad", "done", "due", "open", "not_applicable")
    }
    annexes = {"more": say(_PACKAGE, "diagnosis.directive_cli.more")}
    rows = [
        {
            **one,
            "annex": annexes.get(one["annex"], one["annex"]),
            "state": states[one["state"]],
            "requirement": one["title"],
        }
        for one in answer["items"]
    ]
    print_table(rows, ("id", "annex", "number", "state", "person", "due", "requirement"))


COMMANDS: tuple[click.Command, ...] = (directive,)
