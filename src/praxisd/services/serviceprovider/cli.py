"""Commands `praxisd serviceprovider …`: thin, each names an operation and prints what it answers."""

from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, reporting, say

_PACKAGE = "praxisd.services.serviceprovider"


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"serviceprovider.cli.{key}", **params)


@click.group()
def serviceprovider() -> None:
    """The ServiceProvider of medatixx' products: how it is, its two INI files, and what is wrong with them."""


@serviceprovider.command("status")
@reporting
def status(folder: Path, as_json: bool) -> None:
    """Look at them now; ends with 1 if something is wrong."""
    answer = perform(folder, "serviceprovider.status", None, lang=language())
    providers: list[dict[str, Any]] = answer["providers"]
    if as_json:
        print_json(answer)
    else:
        for one in providers:
            _print(one)
        if not providers:
            click.echo(_say("none"), err=True)
    if any(one["faults"] for one in providers):
        click.get_current_context().exit(1)


def _print(one: dict[str, Any]) -> None:
    words = {name: one[name] or "–" for name in ("product", "software", "version")}
    where = f"{one['host'] or '–'}:{one['port']}"
    click.echo(_say("line", state=one["stateText"], where=where, **words))
    for file in (one["pvs"], one["install"]):
        if file is not None:
            click.echo(_say(f"file_{file['side']}", path=file["path"] or "–"))
    for fault in one["faults"]:
        click.echo(f"\n{fault['title']}\n{fault['cause']}\n{fault['solution']}\n({fault['code']})\n")
        if fault["mendable"]:
            click.echo(_say("mendable", software=one["software"], code=fault["code"]))


@serviceprovider.command("repair")
@reporting
@click.argument("software")
@click.argument("code")
@click.option("--yes", is_flag=True, help="Do not ask.")
def repair(folder: Path, as_json: bool, software: str, code: str, yes: bool) -> None:
    """Mend what a code names in the INI files of a practice software; what was there is kept beside them."""
    if not yes:
        click.confirm(_say("repair_sure"), abort=True, err=True)
    answer = perform(folder, "serviceprovider.repair", None, software=software, code=code)
    _written(answer, as_json)
    if not as_json and answer["restart"]:
        click.echo(_say("restart"))


@serviceprovider.command("install")
@reporting
@click.argument("software")
@click.argument("data_folder", metavar="DATAFOLDER")
@click.option("--replace", is_flag=True, help="Also where the data folder names another provider.")
def install(folder: Path, as_json: bool, software: str, data_folder: str, replace: bool) -> None:
    """Make praxisd itself the provider of a practice software whose data lie in DATAFOLDER."""
    answer = perform(
        folder, "serviceprovider.install", None, software=software, dataFolder=data_folder, replace=replace or None
    )  # fmt: skip
    _written(answer, as_json)


def _written(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for one in answer["files"]:
        click.echo(
            _say("written" if one["copy"] else "written_new", file=one["file"], copy=one["copy"] or "")
        )


commands = (serviceprovider,)
