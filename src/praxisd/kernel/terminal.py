"""What all commands share: their options, the person's language, how answers and problems are printed.

Answers go to standard output, everything said about them to standard error. Exit codes (SPEC 14.3): 0 good,
1 a problem was found, 2 wrong use, 3 server not reachable.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import FIRST, Texts

Perform = Callable[[Path, str, dict[str, Any]], dict[str, Any]]
"""How an operation is performed; the program's root puts it into the click context as `ctx.obj`."""
C = TypeVar("C", bound=Callable[..., Any])

DATA_VARIABLE = "PRAXISD_DATA"
DATA_DEFAULT = "praxisd-data"
_LANG, _JSON = "praxisd.lang", "praxisd.json"
_LANGUAGES = ("de", "en")
_WRONG_USE = (
    "config.",
    "control.folder_in_use",
    "control.folder_not_empty",
    "control.bad_arguments",
    "issues.no_fix",
)


def _keep(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value:
            context.meta[key] = value
        return value

    return callback


def data(command: C) -> C:
    """`--data DIR` and `--lang`, which every command takes; the first arrives as `folder`."""
    command = click.option(
        "--lang",
        type=click.Choice(_LANGUAGES),
        envvar="PRAXISD_LANG",
        expose_value=False,
        callback=_keep(_LANG),
        help="Language of messages.",
    )(command)
    return click.option(
        "--data",
        "folder",
        envvar=DATA_VARIABLE,
        default=DATA_DEFAULT,
        show_default=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="The data folder.",
    )(command)


def reporting(command: C) -> C:
    """`data`, and `--json` (as `as_json`) of commands that list or report."""
    option = click.option("--json", "as_json", is_flag=True, callback=_keep(_JSON), help="Print JSON.")
    return data(option(command))


def shared(command: C) -> C:
    """`reporting`, and `--organization` of commands about one practice."""
    option = click.option("--organization", metavar="ID", help="The practice, where there are several.")
    return reporting(option(command))


def perform(folder: Path, operation: str, organization: str | None, **args: Any) -> dict[str, Any]:
    """Have the operation performed; arguments that are None are left out."""
    call: Perform = click.get_current_context().obj
    given = {name: value for name, value in args.items() if value is not None}
    if organization is not None:
        given["organization"] = organization
    return call(folder, operation, given)


def language() -> str:
    """`--lang`, else the language of the terminal, else German."""
    context = click.get_current_context(silent=True)
    chosen = None if context is None else context.meta.get(_LANG)
    if chosen is None:
        names = ("LC_ALL", "LC_MESSAGES", "LANG")
        chosen = next(filter(None, (os.environ.get(name) for name in names)), FIRST)[:2].lower()
    return chosen if chosen in _LANGUAGES else FIRST


def say(package: str, key: str, /, **params: object) -> str:
    """A text of a package in the person's language."""
    return Texts([package]).get(key, language(), **params)


def when(text: str | None) -> str:
    """A moment or day of an answer (RFC 3339, perhaps only a year or a month) as people write it; `-` for none."""
    if not text:
        return "-"
    german = language() == "de"
    with suppress(ValueError):
        if "T" in text:
            return f"{datetime.fromisoformat(text):{'%d.%m.%Y %H:%M' if german else '%Y-%m-%d %H:%M'}}"
        if german and len(text) == 10:
            return f"{date.fromisoformat(text):%d.%m.%Y}"
    return text


def print_json(answer: object) -> None:
    """An answer as indented JSON on standard output."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as aligned columns; each head is the word that people have for the JSON field."""
    cells = [[_cell(row.get(c)) for c in columns] for row in rows]
    texts, lang = Texts(["praxisd.kernel"]), language()
    heads = [texts.get(f"cli.column.{c}", lang).upper() for c in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "+" if value else "-"
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def exit_code(problem: Problem) -> int:
    """3 if no server could be reached (and none lies there), 2 for wrong use, else 1."""
    if problem.code in ("control.no_server", "control.no_practice", "control.busy"):
        return 3
    return 2 if problem.code.startswith(_WRONG_USE) else 1


def words(problem: Problem, packages: Sequence[str] = ()) -> dict[str, str]:
    """Title, cause and solution in the person's language, as far as the texts of the packages know them."""
    texts, lang = Texts(packages), language()
    keys = {part: f"{problem.code}.{part}" for part in ("title", "cause", "solution")}
    return {part: texts.get(key, lang, **problem.params) for part, key in keys.items() if texts.has(key)}


def print_problem(problem: Problem, packages: Sequence[str]) -> None:
    """Title, cause and solution on standard error; with `--json` also as `{"problem": {…}}` on standard output.

    `packages` are those whose texts may know the code.
    """
    parts = words(problem, packages)
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_JSON):
        print_json({"problem": {"code": problem.code, **parts, "detail": problem.detail}})
    lines = [parts.get("title", problem.code), parts.get("cause"), problem.detail, parts.get("solution")]
    click.echo("\n".join([line for line in lines if line] + [f"({problem.code})"]), err=True)
