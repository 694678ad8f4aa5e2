"""Commands `praxisd takeover …` and `praxisd export …`, and what `praxisd import` does with files that are no FHIR Bundles."""

import base64
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, say, shared, when

_PACKAGE = "praxisd.services.exchange"
_WORKING = ("looking", "running", "undoing")
_KINDS = ("patient", "treatment", "medication", "risk")
Args = dict[str, Any]


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"exchange.cli.{key}", **params)


def finish(folder: Path, organization: str | None, found: Args) -> Args:
    """Wait for the end of the work, showing how far it is. Ending the command harms nothing: the work can be taken up."""
    last = -1
    while found["state"] in _WORKING:
        found = perform(folder, "exchange.work", organization, id=found["id"], lang=language())
        progress = found["progress"]
        percent = 100 * progress["done"] // max(1, progress["total"])
        if percent != last:
            last = percent
            click.echo(_say("progress", percent=min(100, percent)), err=True)
    return found


def report(found: Args) -> None:
    """What becomes of the records, in lines."""
    counts = found["counts"]
    click.echo(
        _say("report", **{name: counts[name] for name in ("new", "merged", "same", "doubt", "refused")})
    )
    for group in ("reasons", "flaws", "warnings"):
        for one in counts[group]:
            click.echo(_say("reason", **one))
    for one in counts["leftOut"]:
        click.echo(_say("left", **one))
    if found["waiting"]:
        click.echo(_say("waiting", count=found["waiting"]))
    if found["problem"]:
        click.echo(f"{found['problem']} ({found['code']})")


def take_in(
    folder: Path, organization: str | None, path: Path, look: Args, *, format_: str | None, dry: bool, yes: bool, as_json: bool
) -> Args:  # fmt: skip
    """A file from bringing to the end: looked at, shown, taken over once somebody says yes."""
    given: Args = {"path": str(path.absolute()), "lang": language()}
    found = perform(folder, "exchange.bring", organization, format=format_, **given)
    found = perform(folder, "exchange.look", organization, id=found["id"], look=look, lang=language())
    found = finish(folder, organization, found)
    if not as_json:
        report(found)
    if dry or found["state"] != "looked":
        if dry and not as_json:
            click.echo(_say("dry", id=found["id"]), err=True)
        return found
    if not yes:
        click.confirm(_say("sure"), abort=True, err=True)
    found = perform(folder, "exchange.apply", organization, id=found["id"], lang=language())
    found = finish(folder, organization, found)
    if not as_json:
        report(found)
    return found


def mapping_of(file: Path | None) -> Args:
    """What `--mapping FILE` says (TOML or JSON): `[columns]` heading = field, and the options beside it."""
    if file is None:
        return {}
    text = file.read_text(encoding="utf-8")
    try:
        told: Args = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except ValueError:
        raise click.BadParameter(f"{file} is neither TOML nor JSON", param_hint="--mapping") from None
    columns = told.pop("columns", None)
    return {**told, **({"mapping": columns} if columns is not None else {})}


@click.group()
def takeover() -> None:
    """Take over data of another program: look first, then take in, in pieces; undo it as a whole."""


@takeover.command("list")
@shared
def list_takeovers(folder: Path, organization: str | None, as_json: bool) -> None:
    """Show all take-overs, the newest first."""
    answer = perform(folder, "exchange.takeovers", organization, lang=language())
    if as_json:
        print_json(answer)
        return
    for one in answer["takeovers"]:
        word = say(_PACKAGE, f"console.word.takeover_state.{one['state']}")
        format_ = say(_PACKAGE, f"console.exchange.format.{one['format']}")
        click.echo("  ".join((one["id"], when(one["createdAt"]), format_, word, one["name"])))
    if not answer["takeovers"]:
        click.echo(_say("none"))


@takeover.command("show")
@shared
@click.argument("id_", metavar="ID")
def show(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Show a take-over: counts, reasons, and the lines that need a look."""
    found = perform(folder, "exchange.takeover", organization, id=id_, lang=language())
    if as_json:
        print_json(found)
        return
    _state(found)
    report(found)
    for line, kind, number, becomes, code, why, fields in found["report"]:
        where = _say("line", line=line) if line else ""
        who = " ".join(part for part in (kind, number) if part)
        said = f"{why} ({fields})" if fields else why
        click.echo("  ".join(part for part in (where, who, becomes, f"{said} ({code})") if part))


@takeover.command("look")
@shared
@click.option("--format", "format_", help="csv, fhir-bundle, fhir-ndjson, xdt; found out if left out.")
@click.option(
    "--what",
    type=click.Choice(_KINDS),
    default="patient",
    show_default=True,
    help="Of a table: what its rows are.",
)
@click.option(
    "--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML or JSON file."
)
@click.option("--origin", help="A short word for the program the file is from.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def look(
    folder: Path, organization: str | None, as_json: bool, format_: str | None, what: str, mapping: Path | None,
    origin: str | None, file: Path,
) -> None:  # fmt: skip
    """Look at a file: what would become of each record. Nothing is written."""
    asked = wanted(mapping, what, origin)
    found = take_in(folder, organization, file, asked, format_=format_, dry=True, yes=False, as_json=as_json)
    _end(found, as_json)


def wanted(mapping: Path | None, what: str | None, origin: str | None) -> Args:
    """How to look, from the options of a command."""
    told = mapping_of(mapping)
    leads, kept = told.pop("leads", []), told.pop("origin", "")
    options = {**told, **({"what": what} if what is not None and "what" not in told else {})}
    return {"options": options, "leads": leads, "origin": origin or kept}


def _end(found: Args, as_json: bool) -> None:
    if as_json:
        print_json(found)
    if found["state"] == "failed":
        click.get_current_context().exit(1)


def _state(found: Args) -> None:
    word = say(_PACKAGE, f"console.word.takeover_state.{found['state']}")
    click.echo(_say("state", id=found["id"], state=word))


def _do(folder: Path, organization: str | None, as_json: bool, operation: str, **args: Any) -> None:
    found = perform(folder, f"exchange.{operation}", organization, lang=language(), **args)
    found = finish(folder, organization, found)
    if not as_json:
        _state(found)
        report(found)
    _end(found, as_json)


@takeover.command("apply")
@shared
@click.argument("id_", metavar="ID")
def apply(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Take over what was looked at, or go on after a stop."""
    _do(folder, organization, as_json, "apply", id=id_)


@takeover.command("stop")
@shared
@click.argument("id_", metavar="ID")
def stop(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Stop a take-over at work."""
    _do(folder, organization, as_json, "stop", id=id_)


@takeover.command("undo")
@shared
@click.option("--changed", type=click.Choice(["keep", "take"]), help="What becomes of records changed since.")
@click.argument("id_", metavar="ID")
def undo(folder: Path, organization: str | None, as_json: bool, changed: str | None, id_: str) -> None:
    """Take a whole take-over back."""
    _do(folder, organization, as_json, "undo", id=id_, changed=changed)


@takeover.command("delete")
@shared
@click.argument("id_", metavar="ID")
def delete(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """Forget a take-over and throw its file away; what it brought stays."""
    answer = perform(folder, "exchange.delete", organization, id=id_)
    if as_json:
        print_json(answer)


@click.group()
def export() -> None:
    """Give data out: CSV, FHIR, xDT, or all about one patient."""


def _export(name: str, what: str, text: str) -> None:
    @export.command(name, help=text)
    @shared
    @click.option(
        "--format", "format_", default="csv", show_default=True, help="csv, fhir-bundle, fhir-ndjson, bdt."
    )
    @click.option("--encoding", help="utf-8 if left out.")
    @click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
    def command(
        folder: Path, organization: str | None, as_json: bool, format_: str, encoding: str | None, out: Path
    ) -> None:
        path = str(out.absolute())
        args: Args = {"what": what, "format": format_, "encoding": encoding, "path": path}
        answer = perform(folder, "exchange.export", organization, **args)
        if as_json:
            print_json(answer)
            return
        click.echo(_say("exported", **{name: answer[name] for name in ("records", "file")}))
        for key, count in answer["left"].items():
            click.echo(_say("lost", name=key, count=count))


_export("patients", "patients", "Patients (and their treatments, where the format can say them).")
_export("appointments", "appointments", "Appointments.")
_export("medication", "medication", "Medication and risks.")


@export.command("patient")
@shared
@click.argument("patient", metavar="ID")
@click.option("--to", "out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def export_patient(folder: Path, organization: str | None, as_json: bool, patient: str, out: Path) -> None:
    """All that is kept about one patient, as a ZIP of PDF and FHIR."""
    answer = perform(folder, "exchange.patient_export", organization, patient=patient, lang=language())
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64decode(answer.pop("file")))
    answer["file"] = str(out)
    if as_json:
        print_json(answer)
    else:
        click.echo(str(out))


commands: tuple[click.Command, ...] = (takeover, export)
