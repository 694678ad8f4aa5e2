"""Commands of the room „restoring“ below `praxisd backup`."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import perform, print_json, print_table, reporting, say

_PACKAGE = "praxisd.services.backups"
_POLL_S = 1.0
_ENDED = ("good", "warning", "failed", "interrupted")
_LOCKED = ("backups.password_needed", "backups.password_later", "backups.password_wrong")
_FROM = click.option(
    "--from",
    "medium_place",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the medium lies, without asking praxisd: its password or the recovery key is asked for.",
)
_PASSWORD = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file with the password or the recovery key in its first line; else it is asked for where it is needed.",
)


@click.command("snapshots")
@reporting
@click.option("--medium", metavar="LABEL", help="Only those of this medium.")
@_FROM
@_PASSWORD
def snapshots(
    folder: Path, as_json: bool, medium: str | None, medium_place: Path | None, password_file: Path | None
) -> None:
    """States that can be given back, newest first."""
    if medium_place is not None:
        from praxisd.services.backups.restoring import bare

        found = bare.medium(folder, medium_place, _password(password_file))
        rows = [{"id": one.id, "at": format_rfc3339(one.at)} for one in reversed(found.states)]
        answer: dict[str, Any] = {"snapshots": rows}
    else:
        answer = perform(folder, "backups.snapshots", None, medium=medium)
    if as_json:
        print_json(answer)
        return
    columns = (
        ("id", "at") if medium_place else ("id", "label", "at", "good", "verified", "files", "bytes", "held")
    )
    print_table(answer["snapshots"], columns)


@click.command("files")
@reporting
@click.argument("snapshot")
@click.argument("below", required=False, default="", metavar="[FOLDER]")
@_PASSWORD
def files(folder: Path, as_json: bool, snapshot: str, below: str, password_file: Path | None) -> None:
    """Names in a state: what was backed up, or what lies in a folder of it."""
    answer = _asking(
        password_file,
        lambda word: perform(folder, "backups.files", None, snapshot=snapshot, below=below, password=word),
    )
    if as_json:
        print_json(answer)
        return
    rows = answer["entries"] or [
        {**path, "name": root["name"]} for root in answer["roots"] for path in root["paths"]
    ]
    print_table(rows, ("kind", "size", "at", "path") if answer["entries"] else ("name", "path"))


@click.command("restore")
@reporting
@click.argument("snapshot", required=False, default="")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), metavar="DIR", help="A folder that is new or empty."
)
@click.option("--in-place", is_flag=True, help="To where it was; what is replaced is saved first.")
@click.option(
    "--only", multiple=True, metavar="PATH", help="This file or folder; may be given more than once."
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME",
    help="All of this source; may be given more than once.",
)
@click.option("--own", is_flag=True, help="praxisd's own data: database, vault key, licences, product files.")
@click.option("--hold", is_flag=True, help="Keep the medium back until a person releases it.")
@click.option(
    "--undo",
    "undo",
    is_flag=True,
    help="Undo the last exchange of praxisd's own data, or with --run a restore in place.",
)
@click.option("--run", metavar="ID", help="With --undo: the restore whose files are to be put back.")
@_FROM
@_PASSWORD
def restore(
    folder: Path,
    as_json: bool,
    snapshot: str,
    target: Path | None,
    in_place: bool,
    only: tuple[str, ...],
    sources: tuple[str, ...],
    own: bool,
    hold: bool,
    undo: bool,
    run: str | None,
    medium_place: Path | None,
    password_file: Path | None,
) -> None:
    """Give back a file, a folder or everything, from SNAPSHOT (the newest good state if none is named).

    Exit 1 if anything did not come back as it was.
    """
    if run is not None and not undo:
        raise click.UsageError("--run: --undo")
    if medium_place is not None and (sources or hold):
        raise click.UsageError("--from DIR: --only PATH")
    if undo:
        _told(_undone(folder, run), as_json)
        return
    if own and not target:
        in_place = True
    if (target is None) == (not in_place):
        raise click.UsageError("--to DIR, --in-place or --own")
    if medium_place is not None:
        word = _password(password_file)
        _ends(_bare(folder, medium_place, word, snapshot, target, list(only), own), as_json)
        return
    chosen = snapshot or _newest(folder)
    wanted = {
        "snapshot": chosen,
        "only": list(only),
        "sources": [*sources, *(("praxisd database", "praxisd") if own else ())],
        "target": {"kind": "place"}
        if in_place
        else {"kind": "folder", "path": os.path.abspath(target or "")},
        "hold": hold,
    }
    answer = _asking(password_file, lambda word: _done(folder, {**wanted, "password": word}))
    _ends(answer, as_json)


@click.command("exchange")
@reporting
@click.argument("do", type=click.Choice(["show", "now", "cancel", "seen"]), default="show")
def exchange(folder: Path, as_json: bool, do: str) -> None:
    """The exchange of praxisd's own data: show it, restart praxisd for it now, take it back, or say that it was looked at."""
    _told(perform(folder, "backups.exchange", None, do=do), as_json)


def _ends(answer: dict[str, Any], as_json: bool) -> None:
    """Tell how it went. Raises where it did not work; exit 1 where something is not as it was."""
    _told(answer, as_json)
    if answer.get("state") in ("failed", "interrupted"):
        raise _ended(answer)
    if answer.get("state") == "warning":
        click.get_current_context().exit(1)


def _done(folder: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Begin, and wait for the end; a failure for want of a password is raised."""
    answer = perform(folder, "backups.restore", None, **wanted)
    while answer["state"] not in _ENDED:
        time.sleep(_POLL_S)
        answer = perform(folder, "backups.restored", None, run=answer["run"])
    if answer["code"] in _LOCKED:
        raise _ended(answer)
    return answer


def _ended(answer: dict[str, Any]) -> Problem:
    """Why it did not end well, with what its texts are about: the label of the medium, the number of the password."""
    code = answer["code"] or "backups.interrupted"
    return Problem(code, 409, detail=answer["detail"] or None, **answer["params"])


def _asking(password_file: Path | None, work: Any) -> dict[str, Any]:
    """Without a password first; one that is needed is asked for where somebody can type."""
    word = _first_line(password_file) if password_file else ""
    try:
        found: dict[str, Any] = work(word)
    except Problem as problem:
        if word or problem.code not in _LOCKED or not sys.stdin.isatty():
            raise
        number = problem.params.get("number", "")
        words = "password" if number else "any_password"
        found = work(
            click.prompt(
                say(_PACKAGE, f"backups.restore_cli.{words}", number=number), hide_input=True, err=True
            )
        )
    return found


def _password(password_file: Path | None) -> str:
    if password_file is not None:
        return _first_line(password_file)
    return str(click.prompt(say(_PACKAGE, "backups.restore_cli.any_password"), hide_input=True, err=True))


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, ValueError) as error:
        raise click.BadParameter(type(error).__name__, param_hint="--password-file") from None


def _newest(folder: Path) -> str:
    found = perform(folder, "backups.snapshots", None)["snapshots"]
    good = [one for one in found if one["good"]] or found
    if not good:
        raise Problem("backups.restore_state_gone", 409)
    return str(good[0]["id"])


def _bare(
    folder: Path, place: Path, password: str, snapshot: str, target: Path | None, only: list[str], own: bool
) -> dict[str, Any]:
    from praxisd.services.backups.restoring import bare

    found = bare.medium(folder, place, password)
    state = found.state(snapshot)
    if target is not None:
        back = bare.to_folder(found, state, target, only, folder)
        named = [(one.path.encode("utf-8", "backslashreplace").decode(), one.code) for one in back.named]
        return {"state": "warning" if named else "good", "code": "", "files": back.files, "bytes": back.bytes,
                "namedCount": len(named), "named": named, "target": str(target)}  # fmt: skip
    if only or not own:
        raise click.UsageError("--from DIR: --to DIR or --own")
    ended = bare.own_data(folder, found, state, int(time.time()))
    return {
        "phase": ended.phase,
        "kind": ended.kind,
        "taken": format_rfc3339(ended.taken),
        "before": ended.before,
    }


def _undone(folder: Path, run: str | None) -> dict[str, Any]:
    from praxisd.services.backups.restoring import bare

    if run is not None:
        return perform(folder, "backups.restored", None, run=run, undo=True)
    if bare.serves(folder):
        return perform(folder, "backups.exchange", None, do="undo")
    ended = bare.undo(folder, int(time.time()))
    return {
        "phase": ended.phase,
        "kind": ended.kind,
        "taken": format_rfc3339(ended.taken),
        "before": ended.before,
    }


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if "phase" in answer:
        key = f"backups.exchange_cli.{answer['phase']}"
        click.echo(say(_PACKAGE, key, taken=answer.get("taken") or "-", before=answer.get("before") or "-"))
        return
    nothing = answer["state"] == "warning" and not answer["files"] and not answer.get("leftOut")
    key = f"backups.restore_cli.{'waits' if answer.get('exchange') else 'nothing' if nothing else answer['state']}"
    megabytes = answer["bytes"] // 1_000_000
    click.echo(
        say(
            _PACKAGE,
            key,
            files=answer["files"],
            megabytes=megabytes,
            named=answer["namedCount"],
            run=answer.get("run", "-"),
        )
    )
    if answer.get("leftOut"):
        click.echo(say(_PACKAGE, "backups.restore_cli.left_out", names=", ".join(answer["leftOut"])))
    print_named = [
        {"path": path, "code": say(_PACKAGE, f"console.backups.named.{code}")}
        for path, code in answer["named"]
    ]
    if print_named:
        print_table(print_named, ("code", "path"))


COMMANDS = (snapshots, files, restore, exchange)
