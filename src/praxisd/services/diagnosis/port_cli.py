"""Commands `praxisd ports …`: thin; `knock` runs on a seat and needs no data folder."""

import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, reporting, say
from praxisd.services.diagnosis.port_making import FILES

_PACKAGE = "praxisd.services.diagnosis"
_SOURCE = click.option("--source", metavar="ID", help="Only the rows of this product, or of praxisd.")


@click.group()
def ports() -> None:
    """The port list: what must be open, whether it is, and rules for a firewall."""


@ports.command("list")
@reporting
@_SOURCE
def list_(folder: Path, as_json: bool, source: str | None) -> None:
    """List the rows with what is known of each."""
    _shown(perform(folder, "diagnosis.ports_list", None, source=source, lang=language()), as_json)


@ports.command("test")
@reporting
@_SOURCE
@click.option("--external", is_flag=True, help="Call the makers' servers in the Internet too.")
def test(folder: Path, as_json: bool, source: str | None, external: bool) -> None:
    """Try the connections now; ends with 1 if one is closed, filtered or answered wrongly."""
    answer = perform(
        folder, "diagnosis.ports_test", None, source=source, external=external or None, lang=language()
    )
    _shown(answer, as_json)
    bad = ("closed", "filtered", "wrong_answer", "not_listening", "taken")
    if any(row["state"] in bad for row in answer["rows"]):
        click.get_current_context().exit(1)


@ports.command("export")
@reporting
@click.argument("file", type=click.Choice(FILES))
@_SOURCE
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to; else standard output."
)
def export(folder: Path, as_json: bool, file: str, source: str | None, out: Path | None) -> None:
    """Write the list as a sheet, a table, or rules of a firewall."""
    answer = perform(folder, "diagnosis.ports_export", None, file=file, source=source, lang=language())
    if as_json:
        print_json(answer)
        return
    data = b64decode(answer["data"])
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    out.write_bytes(data)
    click.echo(str(out))


@ports.command("knock")
@reporting
@click.option(
    "--to", "url", required=True, metavar="URL", help="The address of the server, as people enter it."
)
@click.option(
    "--key-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with access data of the role pvs.",
)
@click.option("--seat", metavar="NAME", help="How this computer is called; its own name where left out.")
def knock(folder: Path, as_json: bool, url: str, key_file: Path, seat: str | None) -> None:
    """Try from this computer whether the server's ports can be reached, and tell the server."""
    from praxisd.services.diagnosis.machine import own_host
    from praxisd.services.diagnosis.machine_sending import key_of
    from praxisd.services.diagnosis.port_knocking import knock as knocked

    found = knocked(url, key_of(key_file), seat or own_host())
    if as_json:
        print_json({"results": found})
    else:
        for one in found:
            click.echo(f"{one['row']}  {one['port']}  {_state(one)}")
    if any(one["state"] in ("closed", "filtered", "wrong_answer") for one in found):
        click.get_current_context().exit(1)


def _state(one: dict[str, Any]) -> str:
    return say(_PACKAGE, f"diagnosis.port_state.{one['state']}")


def _shown(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    lines = [
        {
            "id": row["id"],
            "service": row["service"],
            "protocol": row["protocol"].upper(),
            "ports": ",".join(row["ports"]),
            "state": row["text"],
        }
        for row in answer["rows"]
    ]
    print_table(lines, ("id", "service", "protocol", "ports", "state"))


COMMANDS = (ports,)
