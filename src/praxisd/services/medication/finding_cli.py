"""Commands of the search of products."""

from pathlib import Path

import click

from praxisd.kernel.terminal import language, perform, print_json, say, shared, when

_PACKAGE = "praxisd.services.medication"


@click.command("search")
@shared
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--version", metavar="VERSION", help="Of the data set, where two are here.")
def search(
    folder: Path,
    organization: str | None,
    as_json: bool,
    words: tuple[str, ...],
    limit: int,
    version: str | None,
) -> None:
    """Search products by name, substance, PZN or ATC code; typing errors are forgiven."""
    answer = perform(
        folder,
        "medication.search",
        organization,
        text=" ".join(words)[:200],
        limit=limit,
        version=version,
        lang=language(),
    )
    if as_json:
        print_json(answer)
        return
    standing = answer["standing"]
    if answer["preparing"]:
        click.echo(say(_PACKAGE, "console.medication.search.preparing"), err=True)
    if not answer["results"]:
        click.echo(say(_PACKAGE, "medication.cli.nothing", released=when(standing["released"])))
    for one in answer["results"]:
        substances = ", ".join(part["name"] for part in one["substances"])
        how = say(_PACKAGE, "medication.cli.similar") if one["how"] == "similar" else ""
        packages = " ".join(part["pzn"] for part in one["packages"])
        click.echo("  ".join(part for part in (one["name"], substances, packages, how) if part))
    key = "sample_of" if standing["sample"] else "set_of"
    click.echo(
        say(
            _PACKAGE,
            f"medication.cli.{key}",
            version=standing["version"],
            released=when(standing["released"]),
        ),
        err=True,
    )


COMMANDS: tuple[click.Command, ...] = (search,)
