"""Commands of `praxisd publish` about what is offered: element, build, add, patch, withdraw."""

import json
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import print_json, reporting, say
from praxisd.services.updates.publish_options import keyring, place, repository_of, tell, with_keys

_PACKAGE = "praxisd.services.updates"


@click.command()
@place
@with_keys
@click.argument("name")
@click.option("--kind", type=click.Choice(["software", "plugin", "data"]), required=True)
@click.option("--de", required=True, help="Its German title.")
@click.option("--en", required=True, help="Its English title.")
@click.option("--vendor", help="Of a plug-in: whose it is.")
@click.option("--threshold", type=click.IntRange(1, 9), help="How many must sign, where its role is new.")
def element(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    name: str,
    kind: str,
    de: str,
    en: str,
    vendor: str | None,
    threshold: int | None,
) -> None:
    """Offer something new: the program, a plug-in, a data set. A role that it needs is made with the keys here."""
    from praxisd.services.updates import publish_elements, publish_roles

    repository = repository_of(folder, repo)
    made = publish_elements.planned(repository, name, kind, {"de": de, "en": en}, vendor)
    if made.role not in repository.roles():
        publish_roles.add(repository, keyring(folder, key_folders, passphrase_file), made.role, threshold)
    publish_elements.add_element(repository, made)
    tell(repository, as_json, element=made.json())


@click.command()
@reporting
@click.option("--version", required=True, help="Which version it shall be.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--released", type=click.DateTime(["%Y-%m-%d"]), help="Today if left out.")
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with all its libraries as wheels, for computers that do not have them.",
)
def build(folder: Path, as_json: bool, version: str, out: Path, released: Any, wheels: Path | None) -> None:
    """Pack this program as a version."""
    from praxisd.services.updates import publish_build

    digest = publish_build.build(version, out, _date(released), wheels)
    if as_json:
        print_json({"package": str(out), "version": version, "sha256": digest})
    else:
        click.echo(say(_PACKAGE, "updates.publish.built", path=str(out), version=version))


@click.command()
@place
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", help="Read from the package if left out; a data set needs it.")
@click.option("--released", type=click.DateTime(["%Y-%m-%d"]), help="Today if left out.")
@click.option("--de", default="", help="What is new, in German.")
@click.option("--en", default="", help="What is new, in English.")
@click.option("--requires", metavar="RULE", help="The praxisd it needs, such as >=0.2.")
@click.option("--schema", type=click.IntRange(1), help="Of a data set: the number of its layout.")
@click.option("--no-patches", is_flag=True, help="Make no patches from versions before.")
def add(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    name: str,
    file: Path,
    version: str | None,
    released: Any,
    de: str,
    en: str,
    requires: str | None,
    schema: int | None,
    no_patches: bool,
) -> None:
    """Offer a version of an element: a package of `build`, a plug-in package, or the SQLite file of a data set."""
    from praxisd.services.updates import publish_elements

    repository = repository_of(folder, repo)
    one = publish_elements.element(repository, name)
    inside = None if one.kind == "data" else _version_inside(file, one.kind)
    if inside is not None and version not in (None, inside):
        raise Problem("updates.publish_version_differs", 400, version=version, inside=inside)
    chosen = version or inside
    if chosen is None:
        raise click.BadParameter("--version", param_hint="--version")
    needs = {"praxisd": requires} if requires else {}
    release = publish_elements.Release(chosen, _date(released), {"de": de, "en": en}, needs, schema)
    entry = publish_elements.add_version(repository, name, file, release, patches=not no_patches)
    tell(repository, as_json, added=entry)


@click.command()
@place
@click.argument("name")
@click.argument("old")
@click.argument("new")
def patch(folder: Path, repo: Path | None, as_json: bool, name: str, old: str, new: str) -> None:
    """Offer a patch of an element from version OLD to version NEW."""
    from praxisd.services.updates import publish_elements

    repository = repository_of(folder, repo)
    tell(repository, as_json, added=publish_elements.add_patch(repository, name, old, new))


@click.command()
@place
@click.argument("name")
@click.argument("version")
def withdraw(folder: Path, repo: Path | None, as_json: bool, name: str, version: str) -> None:
    """Offer a version no more. Who has it keeps it."""
    from praxisd.services.updates import publish_elements

    repository = repository_of(folder, repo)
    publish_elements.withdraw(repository, name, version)
    tell(repository, as_json)


def _date(given: Any) -> str:
    """The date as it stands in the repository; today (UTC) if none was given."""
    from praxisd.services.updates.publish_elements import today

    if given is None:
        return today(time.time())
    found: date = given.date()
    return found.isoformat()


def _version_inside(file: Path, kind: str) -> str:
    """What a package says of itself. Problem `updates.publish_not_package`."""
    name = "package.json" if kind == "software" else "plugin.json"
    try:
        with zipfile.ZipFile(file) as archive:
            return str(json.loads(archive.read(name))["version"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError):
        raise Problem("updates.publish_not_package", 400, path=str(file), name=name) from None


commands = (element, build, add, patch, withdraw)
