"""Commands `praxisd publish …`: what the maker of praxisd, of a plug-in or of a data set does. They need no server."""

from pathlib import Path

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import print_json, say
from praxisd.services.updates import publish_offer_cli
from praxisd.services.updates.publish_options import (
    folders,
    keyring,
    passphrase,
    place,
    repository_of,
    tell,
    with_keys,
)

_PACKAGE = "praxisd.services.updates"


@click.group()
def publish() -> None:
    """Make and sign a repository of updates, as its publisher."""


@publish.command()
@place
@with_keys
@click.argument("name", required=False)
@click.option(
    "--role",
    "roles",
    multiple=True,
    help="root, targets, software, snapshot, timestamp, plugins-VENDOR, data-NAME.",
)
@click.option("--locked", is_flag=True, help="Lock the private keys with a passphrase.")
def keys(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    name: str | None,
    roles: tuple[str, ...],
    locked: bool,
) -> None:
    """Make the keys of a person (NAME) for roles; without NAME: list the keys that are here."""
    from praxisd.services.updates import publish_keys

    places = folders(folder, key_folders)
    if name is not None:
        if not roles:
            raise click.BadParameter("--role", param_hint="--role")
        for role in roles:
            publish_keys.role_of(role)
        secret = passphrase(passphrase_file, confirm=True)(name) if locked else None
        if locked and not secret:
            raise Problem("updates.publish_passphrase_missing", 400, path=str(places[0]))
        publish_keys.make_all(places[0], roles, name, secret)
    ring = publish_keys.Keyring(places)
    rows = [
        {"role": one.role, "name": one.name, "keyid": keyid, "private": ring.has(keyid)}
        for keyid, one in sorted(ring.public.items(), key=lambda each: each[1].label)
    ]
    if as_json:
        print_json({"keys": rows})
        return
    for row in rows:
        word = "updates.publish.key_private" if row["private"] else "updates.publish.key_public"
        click.echo(f"{row['role']}  {row['name']}  {str(row['keyid'])[:12]}  {say(_PACKAGE, word)}")


@publish.command()
@place
@with_keys
@click.option("--threshold", "thresholds", multiple=True, metavar="ROLE=N", help="How many must sign.")
def init(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    thresholds: tuple[str, ...],
) -> None:
    """A new repository for all roles there are keys for; it then waits for signatures."""
    from praxisd.services.updates import publish_roles

    wishes: dict[str, int] = {}
    for one in thresholds:
        role, _, number = one.partition("=")
        if not number.isdigit():
            raise click.BadParameter(one, param_hint="--threshold")
        wishes[role] = int(number)
    repository = repository_of(folder, repo, there=False)
    publish_roles.create(repository, keyring(folder, key_folders, passphrase_file), wishes)
    tell(repository, as_json)


@publish.command()
@place
@with_keys
@click.argument("roles", nargs=-1)
@click.option("--hold", is_flag=True, help="Sign only; publish nothing yet.")
def sign(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    roles: tuple[str, ...],
    hold: bool,
) -> None:
    """Sign what waits with the keys that are here; what is complete is published where the online keys are."""
    from praxisd.services.updates import publish_show, publish_words

    repository = repository_of(folder, repo)
    ring = keyring(folder, key_folders, passphrase_file)
    if not as_json:
        for line in publish_words.changes(publish_show.overview(repository)["changes"]):
            click.echo(line)
    repository.sign(ring, roles or None)
    out = () if hold or not repository.has_online(ring) else repository.publish(ring).roles
    made = [{"role": role, "version": version} for role, version in out]
    if not as_json and made:
        click.echo(publish_words.published(made))
    tell(repository, as_json, published_now=made)


@publish.command()
@place
@with_keys
@click.argument("role")
@click.option(
    "--add",
    "new",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .pub.json file, may be given more than once.",
)
@click.option("--remove", "gone", multiple=True, metavar="NAME", help="Whose key goes.")
@click.option("--threshold", type=click.IntRange(1, 9), help="How many must sign from now on.")
def rotate(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    role: str,
    new: tuple[Path, ...],
    gone: tuple[str, ...],
    threshold: int | None,
) -> None:
    """Change the keys of a role. A new root needs signatures of the old and of the new keys."""
    from praxisd.services.updates import publish_keys, publish_roles

    repository = repository_of(folder, repo)
    public = [publish_keys.read_public(path) for path in new]
    for one in public:
        if one.role != role:
            raise Problem("updates.publish_key_other_role", 400, name=one.label, role=role)
    publish_roles.rotate(repository, role, public, gone, threshold)
    tell(repository, as_json)


@publish.command()
@place
@with_keys
@click.option("--renew", "roles", multiple=True, metavar="ROLE", help="Let an offline role be signed anew.")
def refresh(
    folder: Path,
    repo: Path | None,
    as_json: bool,
    key_folders: tuple[Path, ...],
    passphrase_file: Path | None,
    roles: tuple[str, ...],
) -> None:
    """Renew what the online keys sign, publish what is complete, and say what runs out soon. For every day."""
    from praxisd.services.updates import publish_roles, publish_words

    repository = repository_of(folder, repo)
    for role in roles:
        publish_roles.renew(repository, role)
    done = repository.publish(keyring(folder, key_folders, passphrase_file), anyway=True)
    made = [{"role": role, "version": version} for role, version in done.roles]
    if not as_json and made:
        click.echo(publish_words.published(made))
    tell(repository, as_json, published_now=made)


@publish.command()
@place
def show(folder: Path, repo: Path | None, as_json: bool) -> None:
    """What is published, what waits for whom, what runs out soon."""
    from praxisd.services.updates import publish_show, publish_words

    state = publish_show.overview(repository_of(folder, repo, change=False))
    if as_json:
        print_json(state)
    else:
        click.echo("\n".join(publish_words.whole(state)))


for _one in publish_offer_cli.commands:
    publish.add_command(_one)
commands = (publish,)
