"""Commands `praxisd machine …` and `praxisd requirements`. `measure` and `send` need no data folder: they run on any seat."""

from pathlib import Path
from typing import Any

import click
import msgspec

from praxisd.kernel.terminal import language, perform, print_json, reporting, say
from praxisd.kernel.texts import Texts

_PACKAGE = "praxisd.services.diagnosis"
_ROLES = click.Choice(["server", "main", "workstation", "terminal"])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def machine() -> None:
    """Computers of the practice: measure this one, send it to the server, list them."""


@machine.command("measure")
@reporting
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the facts into this file."
)
def measure(folder: Path, as_json: bool, out: Path | None) -> None:
    """Measure this computer; nothing leaves it."""
    from praxisd.services.diagnosis import machine_words, measuring

    facts = measuring.measure()
    if out is not None:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(facts)))
        click.echo(str(out), err=True)
    if as_json:
        print_json(msgspec.to_builtins(facts))
    elif out is None:
        words = machine_words.Words(Texts([_PACKAGE]), language())
        for row in machine_words.rows(facts, words):
            click.echo(f"{row.label}: {row.value if row.value is not None else f'? {row.reason}'}")


@machine.command("send")
@reporting
@click.option("--to", "url", required=True, metavar="URL", help="Address of the server, as for its console.")
@click.option("--key-file", required=True, type=_FILE, help="File that holds an access key of the role pvs.")
@click.option("--role", type=_ROLES, help="What this computer is in the practice.")
@click.option(
    "--from", "file", type=_FILE, help="Facts that `measure --out` wrote, in place of this computer."
)
@click.option("--trust", type=_FILE, help="Certificate (PEM) by which the server is known.")
def send(
    folder: Path,
    as_json: bool,
    url: str,
    key_file: Path,
    role: str | None,
    file: Path | None,
    trust: Path | None,
) -> None:
    """Measure this computer and send its facts to the server, nowhere else."""
    from praxisd.services.diagnosis import machine_sending, measuring

    key = machine_sending.key_of(key_file)
    facts = measuring.measure() if file is None else machine_sending.facts_in(file)
    machine_sending.send(url, key, facts, role, trust)
    if as_json:
        print_json({"host": facts.host, "role": role})
    else:
        click.echo(say(_PACKAGE, "diagnosis.cli.sent", host=facts.host, url=url))


@machine.command("list")
@reporting
def list_(folder: Path, as_json: bool) -> None:
    """List the computers that are known, this one first."""
    answer = perform(folder, "diagnosis.machines", None)
    if as_json:
        print_json(answer)
        return
    for one in answer["machines"]:
        mark = "*" if one["here"] else ("!" if one["stale"] or one["nameFaults"] else " ")
        click.echo(f"{mark} {one['host']:<16} {one['role'] or '-':<12} {one['at']}  {one['os']}".rstrip())


@machine.command("forget")
@reporting
@click.argument("host")
def forget(folder: Path, as_json: bool, host: str) -> None:
    """Take a computer off the list."""
    answer = perform(folder, "diagnosis.machine_forget", None, host=host)
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, "diagnosis.cli.forgotten", host=answer["host"]))


@click.command()
@reporting
@click.option("--software", metavar="ID", help="Only of this software: its id, name or product.")
@click.option("--host", metavar="NAME", help="Of this computer; this one if left out.")
@click.option("--role", type=_ROLES, help="As if the computer were this in the practice.")
def requirements(folder: Path, as_json: bool, **asked: Any) -> None:
    """What the practice software needs of a computer; ends with 1 if a minimum is not met."""
    answer = perform(folder, "diagnosis.requirements", None, lang=language(), **asked)
    missed = [
        line
        for one in answer["requirements"]
        for line in one["lines"]
        if line["level"] == "must" and line["state"] == "not_fulfilled"
    ]
    if as_json:
        print_json(answer)
    else:
        _tell(answer["requirements"])
    if missed:
        click.get_current_context().exit(1)


def _tell(found: list[dict[str, Any]]) -> None:
    marks = {"fulfilled": "+", "not_fulfilled": "-", "undetermined": "?"}
    for one in found:
        stand = one["source"]["stand"]
        click.echo(f"{one['productName']} · {one['host']} · {one['role'] or '?'} · {stand}")
        for line in one["lines"]:
            told = line["measured"] if line["code"] == "" else line["why"]
            click.echo(f"  {marks[line['state']]} {' '.join(line['text'].split())} → {told}  [{line['id']}]")
        if one["role"] is None:
            click.echo("  " + say(_PACKAGE, "diagnosis.cli.no_role"), err=True)
    if not found:
        click.echo(say(_PACKAGE, "diagnosis.cli.no_software"), err=True)


COMMANDS = (machine, requirements)
