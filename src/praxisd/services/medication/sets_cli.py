"""Commands of the data sets: how they stand, confirming; and, beside any server, making and showing files."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import data, language, perform, print_json, reporting, say, shared, when
from praxisd.services.medication import sets_making
from praxisd.services.medication.sets_schema import ELEMENTS

_PACKAGE = "praxisd.services.medication"
_FILE = click.Path(dir_okay=False, path_type=Path)


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"medication.sets_cli.{key}", **params)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for one in answer["sets"]:
        now = one["standing"]
        click.echo(f"{now['element']}: {_say('state_' + now['state'])}")
        if now["version"] is None:
            continue
        words = {
            "until": when(now["validUntil"]),
            "grace": when(now["graceUntil"]),
            "days": now["ageDays"],
        }
        click.echo("  " + _say("stands", version=now["version"], released=when(now["released"]), **words))
        click.echo("  " + _say("from", source=now["source"], licence=now["licence"]))
        if now["sample"]:
            click.echo("  " + _say("sample"))
        if now["previous"]:
            click.echo("  " + _say("previous", version=now["previous"]))
        if one["confirmedBy"]:
            click.echo("  " + _say("confirmed", who=one["confirmedBy"], at=when(one["confirmedAt"])))


@click.command("sets")
@shared
def sets(folder: Path, organization: str | None, as_json: bool) -> None:
    """Show which data sets are in use, how old they are, and where they come from."""
    _told(perform(folder, "medication.sets", organization, lang=language()), as_json)


@click.command("confirm")
@shared
@click.argument("element", type=click.Choice(ELEMENTS), default=ELEMENTS[0])
@click.option("--yes", is_flag=True, help="You have read where the data come from, and what they cannot do.")
def confirm(folder: Path, organization: str | None, as_json: bool, element: str, yes: bool) -> None:
    """Confirm what a data set is: interactions are looked up only after that."""
    answer = perform(folder, "medication.sets", organization, lang=language())
    now = next(one["standing"] for one in answer["sets"] if one["standing"]["element"] == element)
    click.echo(_say("limits"), err=True)
    for text in (now["source"], now["licence"], _say("sample") if now["sample"] else ""):
        if text:
            click.echo(f"  {text}", err=True)
    if not yes:
        click.confirm(_say("ask"), abort=True, err=True)
    version = now["version"] or "-"
    answer = perform(
        folder, "medication.confirm", organization, element=element, version=version, lang=language()
    )
    _told(answer, as_json)


@click.command("use")
@shared
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", metavar="VERSION", help="Its name; else the day of its release.")
def use(folder: Path, organization: str | None, as_json: bool, file: Path, version: str | None) -> None:
    """Have a data set in use that you have built yourself; the one before stays for switching back."""
    answer = perform(
        folder, "medication.use", organization, file=str(file.resolve()), version=version, lang=language()
    )
    _told(answer, as_json)


@click.command("build")
@data
@click.option(
    "--from-bfarm", type=_FILE, metavar="ZIP", help="BfArM's reference database, as you were given it."
)
@click.option("--csv", "table", type=_FILE, metavar="FILE", help="Any table of products.")
@click.option("--mapping", type=_FILE, metavar="FILE", help="What the columns of the table mean (TOML).")
@click.option(
    "--sample", type=click.IntRange(1, 2), metavar="EDITION", help="The sample that comes with praxisd."
)
@click.option(
    "--element", type=click.Choice(ELEMENTS), default=ELEMENTS[0], show_default=True, help="Of the sample."
)
@click.option("--out", type=_FILE, required=True, metavar="FILE", help="Where to write the set.")
@click.option(
    "--released", metavar="YYYY-MM-DD", help="Day of release; else the one in the names of the files."
)
@click.option("--valid-days", type=click.IntRange(1, 3_660), default=60, show_default=True)
@click.option("--grace-days", type=click.IntRange(0, 3_660), default=30, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def build(folder: Path, out: Path, as_json: bool, **given: Any) -> None:
    """Make a data set from a source. The same input gives the same bytes."""
    answer = sets_making.make(out, **given)
    if as_json:
        print_json(answer)
        return
    for one in answer["warnings"]:
        words = say(_PACKAGE, f"medication.build.warning.{one['code']}", value=one["value"])
        click.echo(f"{one['file']}:{one['line']}: {words}", err=True)
    for code, count in answer["warned"].items():
        click.echo(f"{count} × {say(_PACKAGE, f'medication.build.warning.{code}', value='…')}", err=True)
    rows = ", ".join(f"{name} {count}" for name, count in answer["counts"].items() if count)
    click.echo(_say("built", file=out, rows=rows, sha256=answer["sha256"]))


@click.command("show")
@reporting
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(folder: Path, as_json: bool, file: Path) -> None:
    """Look at a file of a data set, every row of it."""
    answer = sets_making.show(file)
    if as_json:
        print_json(answer)
        return
    for key, value in answer["meta"].items():
        click.echo(f"{key:<12} {value}")
    for name, count in answer["counts"].items():
        click.echo(f"{name:<18} {count}")


COMMANDS: tuple[click.Command, ...] = (sets, confirm, build, use, show)
