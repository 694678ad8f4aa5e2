"""Options and beginnings that the commands of `praxisd publish` share."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from praxisd.kernel.terminal import print_json, reporting, say

if TYPE_CHECKING:
    from praxisd.services.updates.publish_keys import Keyring
    from praxisd.services.updates.publish_repository import Repository

_PACKAGE = "praxisd.services.updates"
_PASSPHRASE = "PRAXISD_PUBLISH_PASSPHRASE"  # noqa: S105 - the name of a variable
C = TypeVar("C", bound=Callable[..., Any])


def place(command: C) -> C:
    """`--repo`, and what every command takes."""
    option = click.option(
        "--repo",
        type=click.Path(file_okay=False, path_type=Path),
        help="The repository; DIR/publish/repository if left out.",
    )
    return reporting(option(command))


def with_keys(command: C) -> C:
    """`--keys` and `--passphrase-file`."""
    command = click.option(
        "--passphrase-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Its first line opens keys that are locked; else {_PASSPHRASE}, else the terminal is asked.",
    )(command)
    return click.option(
        "--keys",
        "key_folders",
        multiple=True,
        type=click.Path(file_okay=False, path_type=Path),
        help="A folder with keys, may be given more than once; DIR/publish/keys if left out.",
    )(command)


def repository_of(
    folder: Path, repo: Path | None, *, there: bool = True, change: bool = True
) -> "Repository":
    """The repository meant; `there`: it must exist; `change`: nobody else may work on it until the command ends."""
    from praxisd.services.updates import publish_files
    from praxisd.services.updates.publish_repository import Repository

    found = Repository(repo or folder / "publish" / "repository")
    if there:
        found.require()
    if change:
        click.get_current_context().with_resource(publish_files.holding(found.folder))
    return found


def folders(folder: Path, given: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders with keys that were named, else the usual one."""
    return given or (folder / "publish" / "keys",)


def passphrase(file: Path | None, confirm: bool = False) -> Callable[[str], bytes | None]:
    """How the passphrase of a key comes: file, environment, or a person at the terminal."""

    def ask(name: str) -> bytes | None:
        if file is not None:
            return file.read_bytes().splitlines()[0] if file.stat().st_size else None
        if os.environ.get(_PASSPHRASE):
            return os.environ[_PASSPHRASE].encode()
        if not sys.stdin.isatty():
            return None
        words = say(_PACKAGE, "updates.publish.passphrase", name=name)
        return str(click.prompt(words, hide_input=True, err=True, confirmation_prompt=confirm)).encode()

    return ask


def keyring(folder: Path, given: tuple[Path, ...], file: Path | None) -> "Keyring":
    """All keys of these folders."""
    from praxisd.services.updates.publish_keys import Keyring

    return Keyring(folders(folder, given), passphrase(file))


def tell(repository: "Repository", as_json: bool, **more: Any) -> None:
    """After a change: what now waits for whom."""
    from praxisd.services.updates import publish_show, publish_words

    state = publish_show.overview(repository)
    if as_json:
        print_json({**more, **state})
        return
    for line in publish_words.waiting(state):
        click.echo(line)
