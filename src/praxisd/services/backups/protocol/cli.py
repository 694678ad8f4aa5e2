"""Commands of the room „protocol“ below `praxisd backup`: thin, each names an operation and prints what it answers."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.backups"
_DAY = click.DateTime(("%Y-%m-%d",))
_person = click.option("--person", metavar="NAME", help="Who says so.")


@click.command("log")
@shared
@click.argument("day", required=False, type=_DAY)
@click.option("--check", is_flag=True, help="Note that somebody has looked at it (needs --person).")
@click.option(
    "--earlier", is_flag=True, help="With --check: also at those before it that nobody has looked at."
)
@click.option("--remark", metavar="TEXT", help="With --check: what was found.")
@_person
def log(
    folder: Path,
    organization: str | None,
    as_json: bool,
    day: datetime | None,
    check: bool,
    earlier: bool,
    remark: str | None,
    person: str | None,
) -> None:
    """Show the log of the newest backup days or of DAY, and note that it was looked at; exit 1 while a look is due."""
    given: dict[str, Any] = {"day": None if day is None else day.date().isoformat(), "lang": language()}
    if check:
        answer = perform(
            folder,
            "backups.log_look",
            organization,
            **given,
            earlier=earlier,
            remark=remark,
            person=person,
        )
    else:
        answer = perform(folder, "backups.log", None, **given)
    if as_json:
        print_json(answer)
    elif "days" in answer:
        print_table([_day_row(one) for one in answer["days"]], ("backupDay", "state", "looked", "remark"))
    else:
        print_table([_day_row(answer)], ("backupDay", "state", "looked", "remark"))
        click.echo()
        print_table(
            [_line_row(one) for one in answer["lines"]], ("label", "state", "startedAt", "endedAt", "message")
        )
    if answer["late"]:
        click.get_current_context().exit(1)


def _day_row(one: dict[str, Any]) -> dict[str, Any]:
    check = one["check"]
    return {
        "backupDay": one["day"],
        "state": say(_PACKAGE, f"backups.log_state.{one['state']}"),
        "looked": None if check is None else f"{check['by']}, {check['at']}",
        "remark": check["remark"] or None if check else None,
    }


def _line_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": one["label"],
        "state": say(_PACKAGE, f"backups.log_line.{one['state']}"),
        "startedAt": one["began"],
        "endedAt": one["ended"],
        "message": one["title"] or None,
    }


@click.command("answers")
@shared
def answers(folder: Path, organization: str | None, as_json: bool) -> None:
    """List what the form „Sicherungsprotokoll“ asks, and what was answered."""
    _shown(perform(folder, "backups.answers", None, lang=language()), as_json)


@click.command("answer")
@shared
@click.argument("question")
@click.argument("value")
@_person
def answer(
    folder: Path, organization: str | None, as_json: bool, question: str, value: str, person: str | None
) -> None:
    """Answer a QUESTION of the form with VALUE; an empty one takes the answer back."""
    made = perform(
        folder,
        "backups.answer",
        organization,
        question=question,
        value=value,
        person=person,
        lang=language(),
    )
    _shown(made, as_json)


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        {"id": one["question"], "label": one["title"], "value": one["value"].replace("\n", " | ") or None}
        for one in found["answers"]
    ]
    print_table(rows, ("id", "label", "value"))


@click.command("coverage")
@shared
@click.option("--include", metavar="ID", help="Take this into the backup.")
@click.option("--exclude", metavar="ID", help="Leave this out on purpose (needs --reason).")
@click.option("--source", metavar="NAME", help="With --include: the source that covers it already.")
@click.option("--reason", metavar="TEXT", help="Why.")
@_person
def coverage(
    folder: Path,
    organization: str | None,
    as_json: bool,
    include: str | None,
    exclude: str | None,
    source: str | None,
    reason: str | None,
    person: str | None,
) -> None:
    """List what should be backed up and what is, or decide of one thing; exit 1 while something is neither in nor left out."""
    found = perform(
        folder,
        "backups.coverage",
        organization,
        include=include,
        exclude=exclude,
        source=source,
        reason=reason,
        person=person,
        lang=language(),
    )
    if as_json:
        print_json(found)
    else:
        rows = [
            {
                "id": one["id"],
                "state": say(_PACKAGE, f"backups.thing_state.{one['state']}"),
                "label": one["title"],
                "source": one["source"] or one["reason"] or None,
            }
            for one in found["things"]
        ]
        print_table(rows, ("id", "state", "label", "source"))
    if found["open"]:
        click.get_current_context().exit(1)


@click.command("protocol")
@shared
@click.option(
    "--out",
    "target",
    default="sicherungsprotokoll.pdf",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the PDF is written.",
)
def protocol(folder: Path, organization: str | None, as_json: bool, target: Path) -> None:
    """Print the form „Sicherungsprotokoll“ as PDF, filled from what is known."""
    made = perform(folder, "backups.protocol", organization, lang=language())
    try:
        target.write_bytes(base64.b64decode(made["pdf"]))
    except OSError as error:
        raise Problem("control.bad_arguments", 400, detail=f"--out: {error.strerror}") from None
    if as_json:
        print_json({"file": str(target), "bytes": made["bytes"], "open": made["open"]})
        return
    click.echo(say(_PACKAGE, "backups.protocol_cli.written", file=target))
    if made["open"]:
        click.echo(say(_PACKAGE, "backups.protocol_cli.open", n=made["open"]), err=True)


COMMANDS: tuple[click.Command, ...] = (log, answers, answer, coverage, protocol)
