"""`praxisd import`: FHIR Bundles at once, as ever; files of other programs after a look (`takeover_cli`)."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, shared
from praxisd.services.exchange import formats, takeover_cli
from praxisd.services.exchange.format import HEAD


@click.command("import")
@shared
@click.option("--release", is_flag=True, help="FHIR Bundles: let booking portals see what comes in.")
@click.option("--format", "format_", help="csv, xdt, fhir-bundle, fhir-ndjson; found out if left out.")
@click.option(
    "--what", help="Of a table: what its rows are (patient, medication, risk, treatment, appointment)."
)
@click.option(
    "--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Columns of a table."
)
@click.option("--origin", help="A short word for the program the files are from.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would become of it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
def import_files(
    folder: Path,
    organization: str | None,
    as_json: bool,
    release: bool,
    dry: bool,
    files: tuple[Any, ...],
    **how: Any,
) -> None:
    """Take in files: FHIR Bundles at once, data of other programs after a look."""
    bundles = [one for one in files if not dry and _is_bundle(one, how["format_"])]
    answer: dict[str, Any] = {}
    if bundles:
        args = {"files": [_text(one) for one in bundles], "release": release, "lang": language()}
        answer = perform(folder, "calendar.import_bundle", organization, **args)
        if not as_json:
            click.echo("\n".join(answer["lines"]))
    rest = [one for one in files if one not in bundles]
    done = [_take_in(folder, organization, one, how, dry, as_json) for one in rest]
    if as_json:
        print_json({**answer, **({"takeovers": done} if rest else {})})
    if answer.get("errors") or any(one["state"] == "failed" for one in done):
        click.get_current_context().exit(1)


def _is_bundle(file: Any, format_: str | None) -> bool:
    """True for what `praxisd import` has always taken in at once: a Bundle or resource, JSON or XML."""
    if format_ is not None:
        return format_ in ("fhir", "fhir-bundle")
    if not file.seekable():
        return True  # a pipe can be read once only
    head = file.read(HEAD)
    file.seek(0)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return True
    found = formats.guess(head)
    return not found or found[0][0] == "fhir-bundle"  # what is nothing at all is named by the FHIR reader


def _take_in(
    folder: Path, organization: str | None, file: Any, how: dict[str, Any], dry: bool, as_json: bool
) -> dict[str, Any]:
    path = Path(file.name)
    if not path.is_file():
        raise click.BadParameter(f"{file.name} is no file", param_hint="FILES")
    look = takeover_cli.wanted(how["mapping"], how["what"], how["origin"])
    return takeover_cli.take_in(
        folder, organization, path, look, format_=how["format_"], dry=dry, yes=how["yes"], as_json=as_json
    )


def _text(file: Any) -> str:
    """The text of a file; FHIR is UTF-8 everywhere, some programs write a byte order mark before it."""
    try:
        found: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} is not UTF-8", param_hint="FILES") from None
    return found


commands: tuple[click.Command, ...] = (import_files,)
