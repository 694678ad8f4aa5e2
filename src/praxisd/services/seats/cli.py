"""Commands `praxisd seats …`: thin, each names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import perform, print_json, print_table, say, shared
from praxisd.services.seats.rules import MINUTES_MOST, SETUP_HOURS

_PACKAGE = "praxisd.services.seats"
_REASONS = click.Choice(["absent", "crashed", "urgent", "other"])
_OCCASIONS = click.Choice(["update", "backup", "move", "other"])


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"seats.cli.{key}", **params)


@click.group()
def seats() -> None:
    """Seats of the practice: who works where, and who edits which record."""


@seats.command("list")
@shared
def list_seats(folder: Path, organization: str | None, as_json: bool) -> None:
    """Seats, and how they are."""
    answer = perform(folder, "seats.list", organization)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "sessions": sum(s["state"] != "gone" for s in one["sessions"]),
            "locks": sum(s["locks"] for s in one["sessions"]),
        }
        for one in answer["seats"]
    ]
    print_table(rows, ("id", "name", "kind", "state", "code", "viewer", "sessions", "locks", "seenAt"))


@seats.command("locks")
@shared
def list_locks(folder: Path, organization: str | None, as_json: bool) -> None:
    """Locks that hold."""
    answer = perform(folder, "seats.locks", organization)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "seat": one["holder"]["seatName"],
            "person": one["holder"].get("person", ""),
            "waiting": len(one["waiting"]),
        }
        for one in answer["locks"]
    ]
    print_table(rows, ("record", "seat", "person", "fence", "since", "until", "waiting"))


@seats.command("release")
@shared
@click.argument("record", metavar="RECORD")
@click.option("--reason", type=_REASONS, required=True, help="Why it is taken away.")
def release(folder: Path, organization: str | None, as_json: bool, record: str, reason: str) -> None:
    """Take the lock of RECORD (such as Patient/<id>) away from its holder, who is told."""
    answer = perform(folder, "seats.release", organization, record=record, reason=reason)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("passed_on" if answer["granted"] else "released", record=record))


@seats.command("mode")
@shared
@click.argument("mode", type=click.Choice(["operation", "setup"]), required=False)
@click.option("--hours", type=click.IntRange(1, SETUP_HOURS), help="Set-up ends by itself after so many.")
def set_mode(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Say the mode, or switch it; set-up suspends the watch over vanished seats and nothing else."""
    answer = perform(folder, "seats.mode", organization, **given)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say(answer["mode"], until=answer["modeUntil"]))


@seats.command("approve")
@shared
@click.argument("id", metavar="ID")
@click.option("--code", required=True, help="The six digits that the seat shows.")
def approve(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Let a program in."""
    _one(perform(folder, "seats.approve", organization, **given), as_json, "approved")


@seats.command("refuse")
@shared
@click.argument("id", metavar="ID")
def refuse(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Do not let a program in."""
    _one(perform(folder, "seats.refuse", organization, **given), as_json, "refused")


@seats.command("revoke")
@shared
@click.argument("id", metavar="ID")
def revoke(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Remove a seat; its sessions end at once, and its locks are free."""
    _one(perform(folder, "seats.revoke", organization, **given), as_json, "revoked")


@seats.command("announce")
@shared
@click.argument("at", metavar="[TIME]", required=False)
@click.option("--minutes", type=click.IntRange(1, MINUTES_MOST), default=30, show_default=True)
@click.option("--reason", type=_OCCASIONS, default="other", show_default=True)
@click.option("--begin", is_flag=True, help="Close the doors by itself at that time.")
@click.option("--off", is_flag=True, help="Call it off, or end it.")
def announce(folder: Path, organization: str | None, as_json: bool, **given: Any) -> None:
    """Announce maintenance to all seats at TIME (2026-12-01T18:00:00+01:00); without it, say what is announced."""
    answer = perform(folder, "seats.announce", organization, **given)
    if as_json:
        print_json(answer)
    elif answer["announcement"] is not None:
        click.echo(_say("announced", **answer["announcement"]))
    else:
        click.echo(_say("called_off" if given["off"] else "nothing"))


def _one(answer: dict[str, Any], as_json: bool, key: str) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(_say(key, name=answer["name"]))


commands = (seats,)
