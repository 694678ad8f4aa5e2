"""Commands `praxisd software …`: which practice software is used here, and what this machine is for it."""

from pathlib import Path

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, reporting, say
from praxisd.model.requirement import ROLES

_PACKAGE = "praxisd.services.diagnosis"


@click.group()
def software() -> None:
    """Which practice software is used here."""


@software.command("list")
@reporting
def list_software(folder: Path, as_json: bool) -> None:
    """List it."""
    answer = perform(folder, "diagnosis.software", None)
    if as_json:
        print_json(answer)
        return
    rows = [{**one, "name": one["name"] or one["productName"]} for one in answer["software"]]
    print_table(rows, ("id", "product", "name", "role", "dataFolder"))


@software.command("add")
@reporting
@click.argument("product")
@click.option("--name", default="", help="What you call it.")
@click.option("--role", type=click.Choice(ROLES), help="What this computer is for it; left out: nothing.")
@click.option("--folder", "data_folder", default="", help="Its top folder, such as C:\\DConcept.")
@click.option(
    "--programs", "program_folder", default="", help="Where its ServiceProvider is installed, if elsewhere."
)
@click.option("--host", default="", help="The computer its data lies on; left out: this one.")
@click.option("--devices", type=click.IntRange(0, 10_000), default=0, help="How many computers use it.")
@click.option("--customer-number", default="", help="Where it is not that of the practice.")
@click.option("--note", default="", help="What else is to be known.")
def add(
    folder: Path, as_json: bool, product: str, name: str, role: str | None, data_folder: str, program_folder: str,
    host: str, devices: int, customer_number: str, note: str,
) -> None:  # fmt: skip
    """Add one, by the id of its product (`praxisd products list`)."""
    given = {
        "product": product, "name": name, "role": role, "dataFolder": data_folder, "programFolder": program_folder,
        "host": host, "devices": devices, "customerNumber": customer_number, "note": note,
    }  # fmt: skip
    answer = perform(folder, "diagnosis.software_add", None, software=given, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "diagnosis.cli.software_added", name=answer["productName"], id=answer["id"]))


@software.command("remove")
@reporting
@click.argument("id_", metavar="ID")
def remove(folder: Path, as_json: bool, id_: str) -> None:
    """Take one off the list; the software itself is not touched."""
    answer = perform(folder, "diagnosis.software_remove", None, id=id_)
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "diagnosis.cli.software_removed", id=id_))


COMMANDS = (software,)
