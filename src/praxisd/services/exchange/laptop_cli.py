"""Command `praxisd laptop`: thin, it names operations, reads and writes the sealed files, and prints what is answered."""

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.control import write_private
from praxisd.kernel.database_at import FILE
from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import (
    data,
    language,
    perform,
    print_json,
    print_table,
    reporting,
    say,
    shared,
    when,
)
from praxisd.kernel.texts import Texts

_PACKAGE = "praxisd.services.exchange"
_FILE = click.Path(dir_okay=False, path_type=Path)
_STDIN = click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read passphrase (and then password) from standard input, a line each.",
)


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"exchange.laptop.cli.{key}", **params)


def _secret(key: str, from_stdin: bool, *, confirm: bool = False) -> str:
    """Never from an argument: those can be seen by everyone on the computer."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt(_say(key), hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def _read(file: Path) -> bytes:
    """The file, if it is one of ours at all."""
    from praxisd.services.exchange.laptop_sealing import FILE_MOST

    try:
        if file.stat().st_size > FILE_MOST + 1_048_576:
            raise Problem("exchange.file_foreign", 422)
        return file.read_bytes()
    except OSError as error:
        raise click.FileError(str(file), error.strerror or "") from None


def _write(file: Path, answer: dict[str, Any]) -> None:
    """The sealed file of an answer, for its owner alone; the rest of the answer stays."""
    from praxisd_guard.durable import put

    try:
        put(file, base64.b64decode(answer.pop("file")))
    except OSError as error:
        raise click.FileError(str(file), error.strerror or "") from None
    answer["file"] = str(file)


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """A folder with an empty database, which the operation fills; where it is refused nothing of it is left.

    Problem `exchange.folder_used` (409) for one in which anything lies.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Problem("exchange.folder_used", 409)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / FILE).touch(0o600)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@click.group()
def laptop() -> None:
    """Take patients along on a laptop, and bring back what was changed there."""


@laptop.command("out")
@shared
@click.option("--patients", required=True, metavar="ID,ID", help="Who goes along.")
@click.option("--to", "file", required=True, type=_FILE, help="The file to take along.")
@click.option("--label", default="Laptop", show_default=True, help="Which laptop, or who takes it.")
@click.option("--until", metavar="YYYY-MM-DD", help="Its last day; two weeks from today if left out.")
@click.option(
    "--recipient", metavar="age1…", help="Seal it for this key of the laptop, in place of a passphrase."
)
@click.option("--generate", is_flag=True, help="Make a passphrase and show it once.")
@_STDIN
def out(
    folder: Path,
    organization: str | None,
    as_json: bool,
    patients: str,
    file: Path,
    label: str,
    until: str | None,
    recipient: str | None,
    generate: bool,
    from_stdin: bool,
) -> None:
    """Lend patients: one sealed file, which only the passphrase or the key opens."""
    from praxisd.services.exchange.laptop_sealing import propose

    passphrase = None
    if recipient is None:
        passphrase = propose() if generate else _secret("passphrase", from_stdin, confirm=True)
    chosen = [one.strip() for one in patients.split(",") if one.strip()]
    args = {
        "patients": chosen,
        "label": label,
        "until": until,
        "passphrase": passphrase,
        "recipient": recipient,
    }
    answer = perform(folder, "exchange.laptop_out", organization, **args)
    _write(file, answer)
    if generate and passphrase:
        answer["passphrase"] = passphrase
    if as_json:
        print_json(answer)
        return
    shown = {name: answer[name] for name in ("patients", "loan", "file")}
    click.echo(_say("out", until=_last_day(answer["until"]), **shown), err=True)
    if generate and passphrase:
        click.echo(_say("generated"), err=True)
        click.echo(passphrase)


@laptop.command("list")
@shared
def list_(folder: Path, organization: str | None, as_json: bool) -> None:
    """Loans, the newest first."""
    answer = perform(folder, "exchange.laptop_list", organization, lang=language())
    if as_json:
        print_json(answer)
    else:
        rows = [
            {
                **one,
                "name": one["label"],
                "outAt": when(one["outAt"]),
                "until": _last_day(one["until"]),
                "stand": say(_PACKAGE, f"console.exchange.laptop.state.{one['state']}"),
            }
            for one in answer["loans"]
        ]
        print_table(rows, ("id", "name", "stand", "outAt", "until", "patients", "number", "conflicts"))


@laptop.command("revoke")
@shared
@click.argument("loan")
def revoke(folder: Path, organization: str | None, as_json: bool, loan: str) -> None:
    """A laptop is lost: nothing that comes from it is taken any more."""
    answer = perform(folder, "exchange.laptop_revoke", organization, loan=loan, lang=language())
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("revoked"))


@laptop.command("key")
@data
@click.option("--to", "file", required=True, type=_FILE, help="Where the secret key is kept on the laptop.")
def key(folder: Path, file: Path) -> None:
    """On the laptop: make a key, for a file without a passphrase. Prints the part that the practice needs."""
    from praxisd.services.exchange.laptop_sealing import new_key

    del folder
    made = new_key()
    if file.exists():
        raise click.FileError(str(file), "exists")
    write_private(file, made.identity + "\n")
    click.echo(_say("key", file=file), err=True)
    click.echo(made.recipient)


@laptop.command("open")
@reporting
@click.argument("file", type=_FILE)
@click.option("--user", "login", required=True, metavar="LOGIN", help="Who works on the laptop.")
@click.option("--name", metavar="NAME", help="As shown; the login if left out.")
@click.option("--key", "identity", type=_FILE, help="The key that opens the file, in place of a passphrase.")
@_STDIN
def open_(
    folder: Path,
    as_json: bool,
    file: Path,
    login: str,
    name: str | None,
    identity: Path | None,
    from_stdin: bool,
) -> None:
    """On the laptop: make an empty folder the practice with the patients on loan."""
    from praxisd.services.exchange import laptop_file, laptop_sealing

    sealed = _read(file)
    wanted = laptop_sealing.wants_passphrase(sealed)
    if not wanted and identity is None:
        raise Problem("exchange.key_wrong", 422)
    if wanted:
        content = laptop_sealing.open_with_passphrase(sealed, _secret("passphrase", from_stdin))
    else:
        content = laptop_sealing.open_with_keys(
            sealed, [_read(identity or file).decode("ascii", "replace").strip()]
        )
    laptop_file.read(content, "out")  # what is refused leaves no folder behind
    password = _secret("password", from_stdin, confirm=True)
    args = {"login": login, "name": name or login, "password": password}
    with _new_folder(folder):
        answer = perform(
            folder, "exchange.laptop_open", None, content=base64.b64encode(content).decode(), **args
        )
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("opened", folder=folder, **{n: answer[n] for n in ("patients", "practice", "login")}))


@laptop.command("status")
@shared
def status(folder: Path, organization: str | None, as_json: bool) -> None:
    """Is this a laptop, of which practice, and until when?"""
    answer = perform(folder, "exchange.laptop_status", organization)
    if as_json:
        print_json(answer)
    elif not answer["laptop"]:
        click.echo(_say("is_none"))
    else:
        shown = {name: answer[name] for name in ("label", "practice", "packed")}
        click.echo(_say("is_one", until=_last_day(answer["until"]), **shown))


@laptop.command("pack")
@shared
@click.option("--to", "file", required=True, type=_FILE, help="The file for the practice.")
@click.option("--last", is_flag=True, help="From now on this laptop can only be read.")
@click.option(
    "--passphrase", "ask", is_flag=True, help="Seal it with a passphrase, in place of the practice's key."
)
@_STDIN
def pack(
    folder: Path, organization: str | None, as_json: bool, file: Path, last: bool, ask: bool, from_stdin: bool
) -> None:
    """On the laptop: write what changed into a sealed file for the practice."""
    passphrase = _secret("passphrase", from_stdin, confirm=True) if ask else None
    answer = perform(folder, "exchange.laptop_pack", organization, last=last, passphrase=passphrase)
    _write(file, answer)
    if as_json:
        print_json(answer)
    else:
        click.echo(_say("packed", **answer))


@laptop.command("back")
@shared
@click.argument("file", type=_FILE)
@_STDIN
def back(folder: Path, organization: str | None, as_json: bool, file: Path, from_stdin: bool) -> None:
    """In the practice: merge what a laptop brings back."""
    from praxisd.services.exchange.laptop_sealing import wants_passphrase

    sealed = _read(file)
    passphrase = _secret("passphrase", from_stdin) if wants_passphrase(sealed) else None
    answer = perform(
        folder,
        "exchange.laptop_back",
        organization,
        file=base64.b64encode(sealed).decode(),
        passphrase=passphrase,
    )
    if as_json:
        print_json(answer)
        return
    if answer["again"]:
        click.echo(_say("again"))
        return
    click.echo(_say("back", **{n: answer[n] for n in ("changed", "fields", "added", "removed", "unchanged")}))
    for name in ("proposed", "conflicts"):
        if answer[name]:
            click.echo(_say(name, count=answer[name]))


@laptop.command("conflicts")
@shared
def conflicts(folder: Path, organization: str | None, as_json: bool) -> None:
    """What was changed on both sides in different ways, side by side."""
    answer = perform(folder, "exchange.laptop_conflicts", organization, lang=language())
    if as_json:
        print_json(answer)
    elif not answer["conflicts"]:
        click.echo(_say("none"))
    else:
        rows = [
            {
                **one,
                "kind": say(_PACKAGE, f"console.exchange.kind.{one['kind']}"),
                "path": _field(one["path"]),
                **{side: _side(one.get(side)) for side in ("ours", "theirs")},
            }
            for one in answer["conflicts"]
        ]
        print_table(rows, ("id", "kind", "patientName", "path", "ours", "theirs", "reason"))


def _last_day(until: str) -> str:
    """The last day of a loan, which ends with it."""
    end = datetime.fromisoformat(until) - timedelta(seconds=1)
    return when(end.date().isoformat())


def _field(path: str) -> str:
    """What people call a field; the path itself where nobody has a word."""
    name, key = path.partition("/")[0], "console.exchange.field."
    texts = Texts([_PACKAGE])
    if path == "*":
        return texts.get("console.exchange.conflict.record", language())
    return texts.get(key + name, language()) if texts.has(key + name) else path


def _side(value: Any) -> str:
    """What stands on one side, as far as it fits a line."""
    if value is None or value == "":
        return "-"
    return when(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@laptop.command("decide")
@shared
@click.argument("conflict")
@click.argument("choice", type=click.Choice(["ours", "theirs", "own"]))
@click.option("--value", metavar="JSON", help="With `own`: what is right, as JSON.")
def decide(
    folder: Path, organization: str | None, as_json: bool, conflict: str, choice: str, value: str | None
) -> None:
    """Decide a conflict: what stands in the practice, what the laptop brought, or a value of your own."""
    args: dict[str, Any] = {"conflict": conflict, "choice": choice, "lang": language()}
    if value is not None:
        try:
            args["value"] = json.loads(value)
        except ValueError:
            raise click.BadParameter("JSON", param_hint="--value") from None
    answer = perform(folder, "exchange.laptop_decide", organization, **args)
    if as_json:
        print_json(answer)
    elif not answer["conflicts"]:
        click.echo(_say("none"))
    else:
        click.echo(_say("conflicts", count=len(answer["conflicts"])))


commands = (laptop,)
