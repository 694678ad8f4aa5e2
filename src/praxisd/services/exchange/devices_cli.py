"""Commands `praxisd devices …`: thin, each names an operation."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared, when

_PACKAGE = "praxisd.services.exchange"


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"exchange.devices_cli.{key}", **params)


@click.group()
def devices() -> None:
    """Folders through which devices and other programs exchange xDT files."""


@devices.command("list")
@shared
def list_(folder: Path, organization: str | None, as_json: bool) -> None:
    """List the devices with how reading goes."""
    answer = perform(folder, "exchange.devices", organization, lang=language())
    if as_json:
        print_json(answer)
    elif answer["devices"]:
        rows = [{**one, **one["state"], "goodAt": when(one["state"]["goodAt"])} for one in answer["devices"]]
        print_table(rows, ("name", "active", "folderIn", "folderOut", "goodAt", "taken", "waiting"))
    else:
        click.echo(_say("none"), err=True)


@devices.command("add")
@shared
@click.argument("name")
@click.option("--in", "folder_in", default="", metavar="DIR", help="Where the device puts its results.")
@click.option("--out", "folder_out", default="", metavar="DIR", help="Where the device looks for requests.")
@click.option(
    "--receiver", required=True, metavar="WORD", help="The device's short name, at most 8 characters."
)
@click.option(
    "--sender", default="PRAXISD", show_default=True, metavar="WORD", help="The short name of praxisd."
)
@click.option(
    "--charset",
    default="auto",
    show_default=True,
    help="auto, 7bit, cp437, cp850, cp1252, iso8859-15, utf-8.",
)
@click.option("--numbers", metavar="SYSTEM", help="System of the patient numbers the device knows.")
def add(folder: Path, organization: str | None, as_json: bool, name: str, **given: Any) -> None:
    """Set up a device."""
    device = {
        "name": name, "folderIn": given["folder_in"], "folderOut": given["folder_out"], "receiver": given["receiver"],
        "sender": given["sender"], "charset": given["charset"], "numbers": given["numbers"],
    }  # fmt: skip
    answer = perform(folder, "exchange.devices_add", organization, device=device, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("added", name=answer["name"]))


@devices.command("look")
@shared
@click.argument("device", required=False)
def look(folder: Path, organization: str | None, as_json: bool, device: str | None) -> None:
    """Look into the folders now, of one DEVICE (name or id) or of all."""
    answer = perform(folder, "exchange.devices_look", organization, device=device, lang=language())
    if as_json:
        print_json(answer)
    elif answer["looked"]:
        print_table(answer["looked"], ("device", "taken", "doubts", "known", "aside", "waiting", "code"))
    else:
        click.echo(_say("none"), err=True)
    if not answer["ok"]:
        click.get_current_context().exit(1)


@devices.command("request")
@shared
@click.argument("device")
@click.argument("patient")
@click.option("--test", metavar="WORD", help="What is to be examined (8402).")
def request(
    folder: Path, organization: str | None, as_json: bool, device: str, patient: str, test: str | None
) -> None:
    """Send a PATIENT (id) to a DEVICE."""
    answer = perform(
        folder,
        "exchange.devices_request",
        organization,
        device=device,
        patient=patient,
        test=test,
        lang=language(),
    )
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("asked", file=answer["file"]))


@devices.command("results")
@shared
@click.option("--doubts", is_flag=True, help="Only those a person has to decide.")
@click.option("--patient", metavar="ID", help="Only those of this patient.")
def results(folder: Path, organization: str | None, as_json: bool, doubts: bool, patient: str | None) -> None:
    """List what devices sent, the newest first."""
    answer = perform(
        folder, "exchange.devices_results", organization, doubts=doubts, patient=patient, lang=language()
    )
    if as_json:
        print_json(answer)
    elif answer["results"]:
        rows = [
            {
                **one,
                "receivedAt": when(one["receivedAt"]),
                "stand": _say(f"state_{one['state']}"),
            }
            for one in answer["results"]
        ]
        print_table(rows, ("receivedAt", "deviceName", "kind", "stand", "patientName", "reason", "id"))
    else:
        click.echo(_say("no_results"), err=True)


commands = (devices,)
