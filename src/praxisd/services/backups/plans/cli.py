"""Commands `praxisd backup plan|drives|sources|media`: thin, each names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click
import msgspec

from praxisd.kernel.schedule import WEEKDAYS
from praxisd.kernel.terminal import language, perform, print_json, print_table, reporting, say

_PACKAGE = "praxisd.services.backups"
_VARIANTS = ("variant1", "variant2", "variant3", "external")


def _answer(answer: dict[str, Any], as_json: bool, key: str, **params: object) -> None:
    """The whole answer as JSON, or one sentence."""
    if as_json:
        print_json(answer)
    else:
        click.echo(say(_PACKAGE, f"backups.cli.{key}", **params))


@click.group()
def plan() -> None:
    """The backup plan and its calendar of media."""


@plan.command("show")
@reporting
def show_plan(folder: Path, as_json: bool) -> None:
    """Show the plan in force."""
    answer = perform(folder, "backups.plan", None, lang=language())
    found = answer["plan"]
    if as_json or found is None:
        _answer(answer, as_json, "no_plan")
        return
    click.echo(found["title"])
    jobs = [{**one, "job": one["label"], "days": _days(one["days"])} for one in found["jobs"]]
    print_table(jobs, ("job", "days", "time"))
    click.echo()
    print_table([{**one, "medium": one["mediumLabel"]} for one in found["slots"]], ("id", "label", "medium"))


def _days(days: list[str]) -> str:
    return " ".join(say(_PACKAGE, f"backups.weekday.{one}")[:2] for one in days)


@plan.command("set")
@reporting
@click.argument("variant", type=click.Choice(_VARIANTS))
@click.option("--under", type=click.Choice(_VARIANTS[:2]), help="What variant 3 adds its remote copy to.")
@click.option("--days", help="Working days: mon,tue,wed,thu,fri.")
@click.option("--evening", metavar="HH:MM", help="When the evening's backup is due.")
@click.option("--evening-start", type=click.Choice(("desk", "time")), help="Begun at the desk, or by itself.")
@click.option("--night", metavar="HH:MM", help="When the night's backup, or the copy, begins.")
@click.option("--remote", metavar="HH:MM", help="When the remote copy begins.")
@click.option(
    "--images/--no-images",
    default=None,
    help="Remind of an image backup every four weeks, on two more media; or not any more.",
)
def set_plan(
    folder: Path, as_json: bool, variant: str, under: str | None, days: str | None, evening: str | None,
    evening_start: str | None, night: str | None, remote: str | None, images: bool | None,
) -> None:  # fmt: skip
    """Put a plan in force: variant1, variant2, variant3, external (your own backup software).

    What is left out stays as it is in the plan before.
    """
    named = None if days is None else [one.strip() for one in days.split(",") if one.strip()]
    if not set(named or ()) <= set(WEEKDAYS):
        raise click.BadParameter(", ".join(WEEKDAYS), param_hint="--days")
    given: dict[str, Any] = {
        "variant": variant, "under": under, "days": named, "evening": evening, "eveningStart": evening_start,
        "night": night, "remote": remote, "image": {} if images else None,
    }  # fmt: skip
    said = {
        name: value
        for name, value in given.items()
        if value is not None or (name, images) == ("image", False)
    }
    answer = perform(folder, "backups.plan_set", None, plan=said, lang=language())
    _answer(answer, as_json, "plan_set", title=answer["plan"]["title"], media=len(answer["plan"]["unfilled"]))


@plan.command("calendar")
@reporting
@click.option("--from", "first", metavar="DATE", help="First day; left out: today.")
@click.option("--to", "last", metavar="DATE", help="Last day; left out: four weeks on.")
def calendar(folder: Path, as_json: bool, first: str | None, last: str | None) -> None:
    """Which medium when."""
    answer = perform(folder, "backups.calendar", None, **{"from": first, "to": last, "lang": language()})
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            "day": f"{_days([one['weekday']])} {one['day']}",
            "media": [f"{run['label']} {run['time']}" for run in one["runs"]],
            "take": [slot["label"] for slot in one["take"]],
        }
        for one in answer["days"]
    ]
    print_table(rows, ("day", "media", "take"))


@click.group()
def drives() -> None:
    """Drives and targets of the backups."""


@drives.command("list")
@reporting
def list_drives(folder: Path, as_json: bool) -> None:
    """List them, with what lies in each now."""
    answer = perform(folder, "backups.drives", None)
    if as_json:
        print_json(answer)
        return
    rows = [
        {
            **one,
            "medium": one["mediumLabel"],
            "kind": say(_PACKAGE, f"backups.drive_kind.{one['kind']}"),
            "shows": _shows(one["shows"]),
        }
        for one in answer["drives"]
    ]
    print_table(rows, ("id", "label", "kind", "path", "shows", "medium"))


def _shows(word: str) -> str:
    return say(_PACKAGE, f"backups.shows.{word}")


@drives.command("add")
@reporting
@click.argument("kind", type=click.Choice(("removable", "nas", "remote", "folder")))
@click.argument("path")
@click.option("--label", required=True, help="What you call it.")
@click.option("--eject", is_flag=True, help="The medium may be taken out by software after a run.")
@click.option("--raid", help="RAID level of a network drive.")
@click.option("--fire-compartment", type=click.Choice(("own", "other")), help="Where a network drive stands.")
@click.option("--country", help="Country of a data centre: DE, AT, CH …")
def add_drive(
    folder: Path, as_json: bool, kind: str, path: str, label: str, eject: bool, raid: str | None,
    fire_compartment: str | None, country: str | None,
) -> None:  # fmt: skip
    """Enter one: a folder of this computer, or the address of a data centre."""
    said = {
        "kind": kind, "path": path, "label": label, "eject": eject, "raid": raid,
        "fireCompartment": fire_compartment, "country": country,
    }  # fmt: skip
    answer = perform(folder, "backups.drive_add", None, drive=said)
    _answer(answer, as_json, "drive_added", label=answer["label"], shows=_shows(answer["shows"]))


@drives.command("remove")
@reporting
@click.argument("id_", metavar="ID")
def remove_drive(folder: Path, as_json: bool, id_: str) -> None:
    """Take one off the list (its id or name); nothing on any medium is touched."""
    _answer(perform(folder, "backups.drive_remove", None, id=id_), as_json, "drive_removed")


@click.group()
def sources() -> None:
    """What is copied, and what is left out on purpose."""


@sources.command("list")
@reporting
def list_sources(folder: Path, as_json: bool) -> None:
    """List them."""
    answer = perform(folder, "backups.sources", None, lang=language())
    if as_json:
        print_json(answer)
    else:
        rows = [
            {**one, "kind": say(_PACKAGE, f"console.backups.source_kind.{one['kind']}")}
            for one in answer["sources"]
        ]
        print_table(rows, ("name", "kind", "spec", "reason"))


@sources.command("add")
@reporting
@click.argument("name")
@click.argument("kind", type=click.Choice(("folders", "sqlite", "postgres", "command")))
@click.argument("spec", metavar="JSON")
@click.option(
    "--secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds a password."
)
def add_source(
    folder: Path, as_json: bool, name: str, kind: str, spec: str, secret_file: Path | None
) -> None:
    """Copy this too: NAME folders '{"path": "D:\\\\Images"}'; the fields of each kind stand in the manual."""
    try:
        said = msgspec.json.decode(spec)
    except msgspec.DecodeError as error:
        raise click.BadParameter(str(error), param_hint="JSON") from None
    try:
        secret = secret_file.read_text(encoding="utf-8").rstrip("\r\n") if secret_file else ""
    except (OSError, ValueError) as error:
        raise click.BadParameter(type(error).__name__, param_hint="--secret-file") from None
    given = {"kind": kind, "spec": said, "secret": secret}
    answer = perform(folder, "backups.source_set", None, name=name, source=given, lang=language())
    _answer(answer, as_json, "source_added", name=name)


@sources.command("exclude")
@reporting
@click.argument("name")
@click.option("--reason", required=True, help="Why this need not be copied; it goes into the protocol.")
@click.option("--path", default="", help="Where it is.")
def exclude_source(folder: Path, as_json: bool, name: str, reason: str, path: str) -> None:
    """Leave this out on purpose."""
    given = {"kind": "excluded", "reason": reason, "spec": {"path": path} if path else {}}
    answer = perform(folder, "backups.source_set", None, name=name, source=given, lang=language())
    _answer(answer, as_json, "source_excluded", name=name)


@sources.command("remove")
@reporting
@click.argument("name")
def remove_source(folder: Path, as_json: bool, name: str) -> None:
    """Copy this no more, or leave it out no more."""
    _answer(perform(folder, "backups.source_remove", None, name=name), as_json, "source_removed", name=name)


@sources.command("test")
@reporting
@click.argument("name")
@click.pass_context
def test_source(context: click.Context, folder: Path, as_json: bool, name: str) -> None:
    """Can it be copied as it is set up? Exit code 1 if not."""
    answer = perform(folder, "backups.source_test", None, name=name, lang=language())
    if as_json:
        print_json(answer)
    elif answer["good"]:
        click.echo(say(_PACKAGE, "backups.cli.source_good", name=name))
    else:
        parts = [answer[one] for one in ("title", "detail", "solution") if answer[one]]
        click.echo("\n".join([*parts, f"({answer['code']})"]))
    context.exit(0 if answer["good"] else 1)


@click.group()
def media() -> None:
    """The media: set up, whereabouts, keep back, retire."""


@media.command("list")
@reporting
def list_media(folder: Path, as_json: bool) -> None:
    """List them, with where each is."""
    answer = perform(folder, "backups.media", None, lang=language())
    if as_json:
        print_json(answer)
        return
    rows = [{**one, "slot": one["slotLabel"], "place": _place(one["place"])} for one in answer["media"]]
    print_table(rows, ("id", "label", "slot", "place", "person", "written", "held", "retired"))


def _place(place: str | None) -> str | None:
    return None if place is None else say(_PACKAGE, f"backups.place.{place}")


@media.command("set-up")
@reporting
@click.argument("drive")
@click.option("--slot", default="", help="Its place in the plan (`backup plan show`); left out: a spare one.")
@click.option("--label", default="", help="What it is called; left out: as its slot.")
def set_up(folder: Path, as_json: bool, drive: str, slot: str, label: str) -> None:
    """Set up the medium that is in DRIVE (its id or name)."""
    answer = perform(
        folder, "backups.medium_set_up", None, drive=drive, slot=slot, label=label, lang=language()
    )
    _answer(answer, as_json, "medium_added", label=answer["medium"]["label"])


@media.command("change")
@reporting
@click.argument("medium")
@click.option("--slot", default="", help="Its place in the plan from now on; left out: a spare one.")
@click.option("--label", default="", help="What it is called from now on; left out: as before.")
def change(folder: Path, as_json: bool, medium: str, slot: str, label: str) -> None:
    """Give a medium another place in the plan, or another name."""
    answer = perform(
        folder,
        "backups.medium_change",
        None,
        id=medium,
        verb="change",
        slot=slot,
        label=label,
        lang=language(),
    )
    found = answer["medium"]
    _answer(answer, as_json, "medium_change", label=found["label"], slot=found["slotLabel"])


@media.command("moved")
@reporting
@click.argument("medium")
@click.argument("place", type=click.Choice(("drive", "safe", "outside")))
@click.option("--person", required=True, help="Who says so.")
@click.option("--at", metavar="TIME", help="Since when, as 2026-11-23T18:30:00+01:00; left out: now.")
def moved(folder: Path, as_json: bool, medium: str, place: str, person: str, at: str | None) -> None:
    """Say where a medium is."""
    answer = perform(
        folder, "backups.medium_change", None, id=medium, verb="moved", place=place, person=person, at=at,
        lang=language(),
    )  # fmt: skip
    _answer(answer, as_json, "medium_moved", label=answer["medium"]["label"], place=_place(place))


def _verb(name: str, words: str) -> click.Command:
    @click.command(name, help=words)
    @reporting
    @click.argument("medium")
    def command(folder: Path, as_json: bool, medium: str) -> None:
        answer = perform(folder, "backups.medium_change", None, id=medium, verb=name, lang=language())
        _answer(answer, as_json, f"medium_{name}", label=answer["medium"]["label"])

    return command


for _name, _words in (
    ("hold", "Keep a medium back: nothing is written on it."),
    ("release", "Release a medium that was kept back."),
    ("retire", "Retire a medium: it is never written again."),
    ("image", "Confirm that an image backup was made on it now."),
):
    media.add_command(_verb(_name, _words))
COMMANDS: tuple[click.Command, ...] = (plan, drives, sources, media)
