"""Commands `praxisd backup keys …`: thin, each names an operation. A password never stands in a command line."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.backups"


@click.group()
def keys() -> None:
    """Passwords of the backups by number, which medium each opens, and the recovery sheet."""


@keys.command("list")
@shared
def list_(folder: Path, organization: str | None, as_json: bool) -> None:
    """List the passwords by number and what opens each medium; never a password itself."""
    answer = perform(folder, "backups.keys", organization, lang=language())
    if as_json:
        print_json(answer)
        return
    _shown(answer)


@keys.command("change")
@shared
@click.option("--recovery", is_flag=True, help="A new recovery key instead of a new password.")
@click.option("--own", is_flag=True, help="Ask for a password of your own; else praxisd makes one.")
def change(folder: Path, organization: str | None, as_json: bool, recovery: bool, own: bool) -> None:
    """Make a new password or recovery key, and bring it to the media that are there."""
    if own and recovery:
        raise click.UsageError("--own, --recovery")
    chosen = click.prompt(_say("ask"), hide_input=True, confirmation_prompt=True, err=True) if own else None
    what = "recovery" if recovery else "password"
    answer = perform(folder, "backups.keys_change", organization, what=what, chosen=chosen, lang=language())
    if as_json:
        print_json(answer)
        return
    if recovery:
        click.echo(_say("renewed", no=answer["keys"]["recovery"]["no"]))
    else:
        click.echo(_say("changed", no=answer["keys"]["current"]))
    reached = [{"medium": one["label"], "code": one["code"]} for one in answer["reached"]]
    print_table(reached, ("medium", "code"))


@keys.command("open")
@shared
@click.argument("medium")
def open_(folder: Path, organization: str | None, as_json: bool, medium: str) -> None:
    """Open a medium (its label or id) by the recovery key or a password, which is asked for; it gets the password of now."""
    secret = click.prompt(_say("secret"), hide_input=True, err=True)
    answer = perform(folder, "backups.keys_open", organization, medium=medium, secret=secret, lang=language())
    if as_json:
        print_json(answer)
        return
    _shown(answer)


@keys.command("sheet")
@shared
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the PDF; a file that is there is not replaced.",
)
def sheet(folder: Path, organization: str | None, as_json: bool, out: Path) -> None:
    """Write the recovery sheet: whoever has it can open every backup."""
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Problem("control.bad_arguments", 400, detail=f"--out: {error.strerror}") from None
    kept = False
    try:
        with os.fdopen(handle, "wb") as file:
            answer = perform(folder, "backups.keys_sheet", organization, lang=language())
            file.write(base64.b64decode(answer["pdf"]))
        kept = True
    finally:
        if not kept:
            out.unlink(missing_ok=True)
    if as_json:
        print_json({"file": os.path.abspath(out)})
        return
    click.echo(_say("printed", file=os.path.abspath(out)))


def _shown(answer: dict[str, Any]) -> None:
    labels = {one["id"]: one["label"] for one in answer["media"]}
    rows = [
        {
            "password_no": one["no"],
            "valid_since": one["since"],
            "until": one["until"],
            "origin": _say(one["origin"]),
            "opens": ", ".join(labels[id_] for id_ in one["media"]),
        }
        for one in answer["passwords"]
    ]
    print_table(rows, ("password_no", "valid_since", "until", "origin", "opens"))
    media = [
        {
            "medium": one["label"],
            "opened_by": _numbers(one["passwords"]),
            "sheet_no": _numbers(one["recovery"]),
            "behind": one["behind"],
        }
        for one in answer["media"]
    ]
    print_table(media, ("medium", "opened_by", "sheet_no", "behind"))
    recovery = answer["recovery"]
    if recovery is not None and recovery["printed"] and recovery["complete"]:
        click.echo(_say("sheet", at=recovery["printed"]))
    elif recovery is not None:
        click.echo(_say("no_sheet"))


def _numbers(found: Sequence[int]) -> str:
    return ", ".join(map(str, found))


def _say(key: str, **words: object) -> str:
    return say(_PACKAGE, f"backups.keys_cli.{key}", **words)


COMMANDS: tuple[click.Command, ...] = (keys,)
