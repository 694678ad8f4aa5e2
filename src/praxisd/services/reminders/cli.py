"""Command `praxisd reminders`: thin, it names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.reminders"
_WIDTH = 60
"""Characters of a text that are shown."""


@click.group()
def reminders() -> None:
    """Appointment reminders and birthday greetings."""


@reminders.command("preview")
@shared
@click.option(
    "--kind", type=click.Choice(["reminder", "birthday"]), default="reminder", show_default=True,
    help="What is to be prepared.",
)  # fmt: skip
@click.option("--day", metavar="YYYY-MM-DD", help="The day on which the job would run; left out: today, now.")
@click.option(
    "--only", type=click.Choice(["will", "not"]), help="Only those who get a message, or who get none."
)
def preview(
    folder: Path, as_json: bool, organization: str | None, kind: str, day: str | None, only: str | None
) -> None:
    """Show who would get what, who not, and why. Nothing is written or sent."""
    found = perform(
        folder, "reminders.preview", organization, kind=kind, day=day, filter=only, lang=language()
    )
    if as_json:
        print_json(found)
        return
    if not found["switchedOn"]:
        click.echo(say(_PACKAGE, "reminders.cli.preview.off"), err=True)
    rows: list[dict[str, Any]] = [
        *({**one, "text": _beginning(one["text"]), "reason": None} for one in found["candidates"]),
        *({**one, "channel": None, "text": None, "reason": one["title"]} for one in found["refusals"]),
    ]
    when = "start" if kind == "reminder" else "birthDate"
    rows.sort(key=lambda one: str(one[when]))
    print_table(rows, (when, "patientName", "channel", "text", "reason"))
    counts = found["counts"]
    click.echo(say(_PACKAGE, "reminders.cli.preview.line", **counts))


def _beginning(text: str) -> str:
    """The text in one line, as far as a table has room for it."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


commands = (reminders,)
