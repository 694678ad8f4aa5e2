"""Commands `praxisd relay …`: thin, each names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, reporting, say, shared

_PACKAGE = "praxisd.services.relay"


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"relay.cli.{key}", **params)


@click.group()
def relay() -> None:
    """Reachable from outside through a relay server that cannot read what it carries."""


@relay.command("enrol")
@reporting
@click.argument("invitation")
@click.option(
    "--replace", is_flag=True, help="In place of the enrolment that exists: its name leads here no more."
)
def enrol(folder: Path, as_json: bool, invitation: str, replace: bool) -> None:
    """Enrol with the invitation of a relay's operator, and use the relay from now on."""
    answer = perform(
        folder, "relay.enrol", None, invitation=invitation, replace=replace or None, lang=language()
    )
    _told(answer, as_json)


@relay.command("status")
@reporting
def status(folder: Path, as_json: bool) -> None:
    """Say whether we are connected and reachable from outside, and under which name."""
    _judged(perform(folder, "relay.status", None, lang=language()), as_json)


@relay.command("probe")
@reporting
def probe(folder: Path, as_json: bool) -> None:
    """Call ourselves from outside now."""
    _judged(perform(folder, "relay.probe", None, lang=language()), as_json)


@relay.command("rotate")
@reporting
def rotate(folder: Path, as_json: bool) -> None:
    """Change the key that proves us to the hub; the host name changes with it."""
    _told(perform(folder, "relay.rotate", None, lang=language()), as_json)


@relay.command("revoke")
@reporting
@click.option("--yes", is_flag=True, help="Do not ask: the name is lost for good.")
def revoke(folder: Path, as_json: bool, yes: bool) -> None:
    """Give up the name and forget the key."""
    if not yes:
        click.confirm(_say("revoke_sure"), abort=True, err=True)
    _told(perform(folder, "relay.revoke", None, lang=language()), as_json)


@relay.command("certificate")
@reporting
@click.option("--renew", is_flag=True, help="Have it fetched anew from the authority now.")
@click.option("--pem", is_flag=True, help="Print it alone, as a file for portals that shall trust it.")
def certificate(folder: Path, as_json: bool, renew: bool, pem: bool) -> None:
    """Show the certificate that portals meet; ends with 1 if something is wrong with it."""
    answer = perform(folder, "relay.certificate", None, renew=renew or None, lang=language())
    if as_json:
        print_json(answer)
    elif pem:
        click.echo(answer["chain"], nl=False)
    else:
        told = {**answer, "names": ", ".join(answer["names"])}
        for key in ("source", "names", "notAfter", "renewAt", "retryAt"):
            if told[key]:
                click.echo(_say(f"certificate.{key}", value=told[key]))
        for pin in answer["pins"]:
            click.echo(_say("pin", pin=pin))
        if answer["code"]:
            lines = (answer["title"], answer["cause"], answer["solution"], f"({answer['code']})")
            click.echo("\n".join(lines), err=True)
    if answer["code"]:
        click.get_current_context().exit(1)


@relay.command("log")
@shared
@click.option("--key", metavar="NAME", help="Only access data with this in their name.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most."
)
def log(folder: Path, organization: str | None, as_json: bool, key: str | None, limit: int) -> None:
    """List what came in through the relay, newest first."""
    answer = perform(folder, "relay.log", organization, key=key, limit=limit, lang=language())
    if as_json:
        print_json(answer)
        return
    for one in answer["accesses"]:
        sent, where = one["sent"], one["address"] or "-"
        click.echo(
            f"{one['at']}  {one['status']}  {one['ms']:>5} ms  {sent:>8}  {where:<15}  {one['key']}: {one['operation']}"
        )
    if not answer["accesses"]:
        click.echo(_say("no_accesses"), err=True)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    phase = answer["phase"] if answer["atWork"] or answer["phase"] != "starting" else "later"
    click.echo(_say(f"phase.{phase}", hub=answer["hub"] or "–"))
    if answer["url"]:
        click.echo(_say("address", url=answer["url"]))
    for pin in answer["pins"]:
        click.echo(_say("pin", pin=pin))
    if answer["connected"]:
        word = {True: "reachable", False: "unreachable", None: "unseen"}[answer["reachable"]]
        click.echo(_say(word))
    if answer["code"]:
        lines = (answer["title"], answer["cause"], answer["solution"], f"({answer['code']})")
        click.echo("\n".join(lines), err=True)


def _judged(answer: dict[str, Any], as_json: bool) -> None:
    """Print, and end with 1 unless we are reachable from outside."""
    _told(answer, as_json)
    if answer["reachable"] is not True:
        click.get_current_context().exit(1)


commands = (relay,)
