"""Commands `praxisd keys` and `praxisd users`: thin, they name an operation and print what it answers."""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import perform, print_json, print_table, say, shared

_PACKAGE = "praxisd.services.accounts"

_OPTIONS = {"name": "--name", "scopes": "--scope", "networks": "--network", "expiresAt": "--expires"}
"""Field of a refused key → the option it came from."""


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"accounts.cli.{key}", **params)


@click.group()
def keys() -> None:
    """Access data of portals and other programs."""


@keys.command("create")
@shared
@click.option("--portal", metavar="NAME", help="For a booking portal of this name.")
@click.option("--role", type=click.Choice(["pvs", "desk", "owner", "partner"]), help="For another program.")
@click.option("--name", metavar="NAME", help="What the key is for (with --role).")
@click.option("--scope", "scopes", multiple=True, metavar="PERMISSION", help="Only this; may be repeated.")
@click.option("--expires", "expires_days", type=click.IntRange(1, 3660), metavar="DAYS")
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="Only from here; may be repeated.")
@click.option("--replace", is_flag=True, help="End the keys the portal has now.")
@click.option("--overlap", "overlap_hours", type=click.IntRange(0, 720), default=0, metavar="HOURS")
def create(
    folder: Path,
    organization: str | None,
    as_json: bool,
    portal: str | None,
    role: str | None,
    name: str | None,
    scopes: tuple[str, ...],
    replace: bool,
    **rest: Any,
) -> None:
    """Make a key. Its secret is shown once."""
    if (portal is None) == (role is None):
        raise click.UsageError("give either --portal NAME or --role ROLE")
    if portal is not None and name is not None:
        raise click.UsageError("--name goes with --role; the name of a portal's key is the portal's")
    for option, given in (("--portal", portal), ("--name", name)):
        if given is not None and not given.strip():
            raise click.BadParameter(_say("empty"), param_hint=option)
    args = {"name": portal or name or role, "role": role or "portal", "scopes": list(scopes) or None, **rest}
    args["networks"] = list(rest["networks"])
    try:
        answer = perform(folder, "accounts.keys_create", organization, replace=replace, **args)
    except Problem as problem:
        if problem.code == "accounts.invalid" and portal is not None:
            raise _about_option(problem, {**_OPTIONS, "name": "--portal"}) from None
        if problem.code == "accounts.invalid":
            raise _about_option(problem, _OPTIONS) from None
        if problem.code != "accounts.portal_has_key" or as_json or not sys.stdin.isatty():
            raise
        if not click.confirm(_say("replace", portal=str(portal))):
            raise
        answer = perform(folder, "accounts.keys_create", organization, replace=True, **args)
    _show_secret(answer, as_json)


def _about_option(problem: Problem, options: Mapping[str, str]) -> Problem:
    """The refusal of a field under the name of the option that it came from."""
    field = str(problem.params.get("field"))
    params: dict[str, Any] = {**problem.params, "field": options.get(field, field)}
    return Problem(problem.code, problem.status, detail=problem.detail, **params)


@keys.command("list")
@shared
def list_keys(folder: Path, organization: str | None, as_json: bool) -> None:
    """All keys, ended ones too."""
    answer = perform(folder, "accounts.keys_list", organization)
    if as_json:
        print_json(answer)
    else:
        print_table(answer["keys"], ("id", "name", "role", "state", "prefix", "expiresAt", "lastUsedAt"))


@keys.command("rotate")
@shared
@click.argument("id_", metavar="ID")
@click.option("--expires", "expires_days", type=click.IntRange(1, 3660), metavar="DAYS")
@click.option("--overlap", "overlap_hours", type=click.IntRange(0, 720), default=0, metavar="HOURS")
def rotate(folder: Path, organization: str | None, as_json: bool, id_: str, **rest: Any) -> None:
    """A new secret for the holder of a key; the old one ends."""
    _show_secret(perform(folder, "accounts.keys_rotate", organization, id=id_, **rest), as_json)


@keys.command("revoke")
@shared
@click.argument("id_", metavar="ID")
def revoke(folder: Path, organization: str | None, as_json: bool, id_: str) -> None:
    """End a key at once."""
    answer = perform(folder, "accounts.keys_revoke", organization, id=id_)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("revoked", name=answer["name"]))


def _show_secret(answer: dict[str, Any], as_json: bool) -> None:
    """The secret alone on standard output, so that a script can take it; what to do with it beside."""
    if as_json:
        print_json(answer)
        return
    click.echo(_say("secret", name=answer["name"]), err=True)
    click.echo(answer["secret"])


@click.group()
def users() -> None:
    """People who sign in."""


_PASSWORD = click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from standard input.")
_GENERATE = click.option("--generate", is_flag=True, help="Make a password and show it once.")


def _password(from_stdin: bool, generate: bool) -> str:
    """Never from an argument: those can be seen by everyone on the computer."""
    if generate:
        return secrets.token_urlsafe(15)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt(_say("password"), hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _show_user(answer: dict[str, Any], as_json: bool, password: str | None) -> None:
    if as_json:
        print_json(answer if password is None else {**answer, "password": password})
        return
    click.echo(_say("user", login=answer["login"], role=answer["role"]), err=password is not None)
    if password is not None:
        click.echo(password)


@users.command("create")
@shared
@click.argument("login")
@click.option("--name", metavar="NAME", help="As shown to others; the login if left out.")
@click.option("--role", type=click.Choice(["owner", "desk", "partner"]), required=True)
@_PASSWORD
@_GENERATE
def create_user(
    folder: Path,
    organization: str | None,
    as_json: bool,
    login: str,
    name: str | None,
    role: str,
    from_stdin: bool,
    generate: bool,
) -> None:
    """Make a user."""
    password = _password(from_stdin, generate)
    args = {"login": login, "name": name or login, "role": role, "password": password}
    answer = perform(folder, "accounts.users_create", organization, **args)
    _show_user(answer, as_json, password if generate else None)


@users.command("list")
@shared
def list_users(folder: Path, organization: str | None, as_json: bool) -> None:
    """All users, those switched off too."""
    answer = perform(folder, "accounts.users_list", organization)
    if as_json:
        print_json(answer)
    else:
        print_table(answer["users"], ("login", "name", "role", "active", "passwordChangedAt"))


@users.command("password")
@shared
@click.argument("login")
@_PASSWORD
@_GENERATE
def change_password(
    folder: Path, organization: str | None, as_json: bool, login: str, from_stdin: bool, generate: bool
) -> None:
    """Give a user a new password."""
    password = _password(from_stdin, generate)
    answer = perform(folder, "accounts.users_password", organization, login=login, password=password)
    _show_user(answer, as_json, password if generate else None)


@users.command("deactivate")
@shared
@click.argument("login")
def deactivate(folder: Path, organization: str | None, as_json: bool, login: str) -> None:
    """Switch a user off."""
    answer = perform(folder, "accounts.users_deactivate", organization, login=login)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("deactivated", login=answer["login"]))


@users.command("sessions")
@shared
@click.argument("login")
def list_sessions(folder: Path, organization: str | None, as_json: bool, login: str) -> None:
    """Where a user is signed in."""
    answer = perform(folder, "accounts.users_sessions", organization, login=login)
    if as_json:
        print_json(answer)
    else:
        columns = ("id", "device", "address", "createdAt", "lastSeenAt", "expiresAt")
        print_table(answer["sessions"], columns)


@users.command("sign-out")
@shared
@click.argument("login")
def sign_out(folder: Path, organization: str | None, as_json: bool, login: str) -> None:
    """End all sessions of a user."""
    answer = perform(folder, "accounts.users_sign_out", organization, login=login)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("signed_out", login=answer["login"], count=answer["ended"]))


@users.command("reset-second-factor")
@shared
@click.argument("login")
def reset_second_factor(folder: Path, organization: str | None, as_json: bool, login: str) -> None:
    """Take away the second factor of who lost phone and codes."""
    answer = perform(folder, "accounts.users_reset_second_factor", organization, login=login)
    if as_json:
        print_json(answer)
    else:
        key = "factor_reset" if answer["reset"] else "factor_absent"
        click.echo(_say(key, login=answer["login"]))


commands: tuple[click.Command, ...] = (keys, users)
