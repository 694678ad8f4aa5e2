"""Commands `praxisd products …`: which products are known, all that is known of one, and checking a file of one's own."""

import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.terminal import language, perform, print_json, print_table, reporting
from praxisd.kernel.texts import Texts

_PACKAGE = "praxisd.services.diagnosis"


@cache
def _texts() -> Texts:
    return Texts([_PACKAGE])


def _say(key: str, **params: object) -> str:
    return _texts().get(f"diagnosis.cli.{key}", language(), **params)


@click.group()
def products() -> None:
    """Products of practice software that praxisd knows, as files: what they need, ports, exclusions."""


@products.command("list")
@reporting
def list_products(folder: Path, as_json: bool) -> None:
    """List the products; names files with faults, which were left out."""
    answer = perform(folder, "diagnosis.products", None, lang=language())
    if as_json:
        print_json(answer)
        return
    rows = [
        {**one, "stand": one["source"]["stand"], "origin": _say(f"origin.{one['origin']}")}
        for one in answer["products"]
    ]
    print_table(rows, ("id", "name", "stand", "origin"))
    for fault in answer["faults"]:
        click.echo(_line(fault), err=True)


@products.command("show")
@reporting
@click.argument("product")
def show(folder: Path, as_json: bool, product: str) -> None:
    """Show all that is known of a product."""
    answer = perform(folder, "diagnosis.product", None, product=product, lang=language())
    if as_json:
        print_json(answer)
        return
    source = answer["source"]
    click.echo(f"{answer['name']} ({answer['vendor']})")
    click.echo(_say("source", title=source["title"], version=source["version"], stand=source["stand"]))
    for key in ("requirements", "ports", "backups", "exclusions", "services", "questions"):
        if answer[key]:
            click.echo(f"\n{_say(f'part.{key}')}")
        for one in answer[key]:
            click.echo(f"  {_row(key, one)}")


def _row(key: str, one: dict[str, Any]) -> str:
    if key == "requirements":
        roles = ", ".join(_say(f"role.{role}") for role in one["roles"])
        return f"[{roles}] {one['text']}"
    if key == "ports":
        ways = " ".join(way for way in ("in", "out") if one[way])
        ports = one["portsText"] or ", ".join(one["ports"])
        target = one["targetText"] or ", ".join(one["targets"])
        return f"{one['service']}  {one['protocol'].upper()} {ports}  {ways}  {target}"
    if key == "backups":
        return str(one["path"] or one["database"])
    if key == "exclusions":
        return f"{one['path']}  {one['files']}".rstrip()
    if key == "services":
        return f"{one['name']}  {one['program']}"
    return f"{one['about']}: {one['text']}" if one["about"] else str(one["text"])


@products.command("check")
@reporting
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(folder: Path, as_json: bool, file: Path) -> None:
    """Check a product file before it is used; names line and column of each fault, and ends with 1 if there is one."""
    from praxisd.services.diagnosis import product_view as view
    from praxisd.services.diagnosis.product_file import MOST_BYTES
    from praxisd.services.diagnosis.product_reading import check as read

    del folder  # nothing of this installation is needed
    with file.open("rb") as opened:
        product, faults = read(str(file), opened.read(MOST_BYTES + 1))
    told = [view.fault(one, _texts(), language()) for one in faults]
    lines = [{"file": one.file, "line": one.line, "column": one.column, "text": one.text} for one in told]
    if as_json:
        print_json({"product": None if product is None else product.id, "faults": lines})
    elif product is not None:
        counts = {"requirements": len(product.requirements), "ports": len(product.ports)}
        click.echo(_say("good", product=product.name, **counts))
    else:
        click.echo("\n".join(map(_line, lines)), err=True)
    if product is None:
        click.get_current_context().exit(1)


@products.command("pack")
@reporting
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The data set.")
def pack(folder: Path, as_json: bool, source: Path, out: Path) -> None:
    """Make the data set `products` of a folder of product files, for publishing it as an update."""
    from praxisd.services.diagnosis import product_pack
    from praxisd.services.diagnosis import product_view as view

    del folder
    try:
        count, faults = product_pack.pack(product_pack.read_folder(source), out)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from None
    told = [view.fault(one, _texts(), language()) for one in faults]
    lines = [{"file": one.file, "line": one.line, "column": one.column, "text": one.text} for one in told]
    if as_json:
        print_json({"products": count, "faults": lines})
    elif lines:
        click.echo("\n".join(map(_line, lines)), err=True)
    else:
        click.echo(_say("packed", count=count, out=out))
    if lines:
        click.get_current_context().exit(1)


def _line(fault: dict[str, Any]) -> str:
    """As compilers write it, so that editors find the place."""
    return f"{fault['file']}:{fault['line']}:{fault['column']}: {fault['text']}"


COMMANDS = (products,)
