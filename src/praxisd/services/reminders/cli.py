"""Command `praxisd reminders`: thin, it names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.reminders"


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
        {**one, "reason": None} for one in found["candidates"]
    ] + [{**one, "reason": one["title"], "channel": None, "text": None} for one in found["refusals"]]  # fmt: skip
    when = "start" if kind == "reminder" else "birthDate"
    rows.sort(key=lambda one: str(one[when]))
    print_table(rows, (when, "patientName", "channel", "text", "reason"))
    counts = found["counts"]
    click.echo(say(_PACKAGE, "reminders.cli.preview.line", **counts))


commands = (reminders,)
