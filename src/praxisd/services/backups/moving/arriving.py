"""Into the new computer: a copy with a ticket becomes a data folder that can be served.

Until all of it is there the folder is marked ARRIVING and refuses to start; whoever runs it again begins anew in the same
folder. The copy itself is only read, but for the line on its ticket that says who moves in.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from praxisd import __version__
from praxisd.kernel import control, moved
from praxisd.kernel.config import load
from praxisd.kernel.errors import Problem
from praxisd.services.backups import snapshot
from praxisd.services.backups.moving import arriving_database, config_rules, tickets
from praxisd.services.backups.sources import places
from praxisd_guard.durable import put, read_json, sync_tree

NOT_EMPTY, SPACE, NEWER, CONFIG, FAILED = (
    "backups.move_not_empty",
    "backups.move_space",
    "backups.move_newer",
    "backups.move_config",
    "backups.move_failed",
)
_LEFT_ALONE = ("run", moved.MARK)
_OWN = "own"
_CONFIG = "praxisd.toml"


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was brought: id of the move, number of files, bytes; `noted` False where the ticket could not be written on."""

    id: str
    copy: Path
    files: int
    bytes: int
    noted: bool


def arrive(
    place: Path,
    folder: Path,
    url: str | None,
    *,
    again: bool,
    progress: Callable[[int, int], None] = lambda _done, _whole: None,
) -> Arrived:
    """Fill `folder` from the copy in `place`; afterwards `backups.move_arrive` makes it ready.

    `again`: a person says that nothing works with what another computer made of this copy.

    Problems: those of `tickets`, `tickets.NO_TICKET` (409), NEWER (409), NOT_EMPTY (409), SPACE (507), CONFIG (409), FAILED
    (409) with the system's word, those of `arriving_database`, `control.folder_in_use` (409).
    """
    copy = tickets.copy_in(place)
    folder = Path(os.path.abspath(folder))
    try:
        ticket = tickets.read(copy)
        if ticket is None:
            raise Problem(tickets.NO_TICKET, 409, folder=str(copy))
        manifest = _manifest(copy)
        database, own = manifest["sources"][0], manifest["sources"][1]
        arriving_database.check(database, url)
        host = socket.gethostname()
        if not again:
            tickets.refuse_taken(ticket, host, folder)
        with control.owning(folder):
            _prepare(folder, copy, ticket, manifest)
            noted = tickets.claim(copy, ticket, host, folder, int(time.time()))
            files = dict(_files(copy, own))
            whole = sum(one.stat().st_size for one in files)
            done = 0
            for source, below in files.items():
                _copied(source, folder / below)
                done += source.stat().st_size
                progress(done, whole)
            _configure(copy, folder, url)
            arriving_database.bring(copy, database, folder, url, str(ticket["id"]))
            sync_tree(folder)
    except OSError as error:
        raise Problem(FAILED, 409, detail=places.fault(error).detail) from None
    size = sum((copy / one).stat().st_size for part in (database, own) for one in part["hashes"])
    return Arrived(str(ticket["id"]), copy, len(database["hashes"]) + len(own["hashes"]), size, noted)


def _manifest(copy: Path) -> dict[str, Any]:
    """The list of contents, and all of it looked through. Problems DAMAGED, NEWER (409)."""
    manifest = read_json(copy / snapshot.MANIFEST) or {}
    if _number(str(manifest.get("version", "0"))) > _number(__version__):
        raise Problem(NEWER, 409, theirs=str(manifest.get("version")), ours=__version__)
    wrong = snapshot.proven(copy)
    if wrong:
        raise Problem(tickets.DAMAGED, 409, what=wrong[0], more=len(wrong) - 1)
    for one in manifest["sources"]:
        for name in one["hashes"]:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise Problem(tickets.DAMAGED, 409, what=snapshot.MANIFEST, more=0)
    return manifest


def _number(version: str) -> tuple[int, ...]:
    """`1.4.0` as numbers; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("+")[0].split("."))


def _prepare(folder: Path, copy: Path, ticket: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Empty, or of this same move and emptied; marked, and with room for all of it."""
    found = moved.mark(folder)
    mine = found is not None and (found["state"], found.get("id")) == (moved.ARRIVING, ticket["id"])
    for torn in folder.glob(f".{moved.MARK}.*"):  # killed while it wrote its very first mark
        torn.unlink()
    there = [one for one in folder.iterdir() if one.name not in _LEFT_ALONE]
    if (there and not mine) or (found is not None and not mine):
        raise Problem(NOT_EMPTY, 409, folder=str(folder))
    facts = {"id": ticket["id"], "at": int(time.time()), "to": str(copy), "manifest": ticket["manifest"]}
    moved.put_mark(folder, moved.ARRIVING, **facts)
    for one in there:
        shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
    wanted = sum((copy / name).stat().st_size for one in manifest["sources"] for name in one["hashes"])
    free = shutil.disk_usage(folder).free
    if free < wanted + places.SPARE:
        raise Problem(SPACE, 507, wanted=wanted // 1_000_000 + 1, free=free // 1_000_000)


def _files(copy: Path, own: dict[str, Any]) -> Iterator[tuple[Path, Path]]:
    """Where each lies in the copy, and where it belongs below the data folder. What lay outside of it comes inside."""
    for name in own["hashes"]:
        parts = PurePosixPath(name).parts
        if parts[:2] == (_OWN, "data") and parts[2:] != (moved.MARK,):
            yield copy / name, Path(*parts[2:])
    for name in own["hashes"]:
        parts = PurePosixPath(name).parts
        if parts[:2] == (_OWN, "elsewhere"):
            yield copy / name, Path(*parts[2:])


def _copied(source: Path, there: Path) -> None:
    there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(source, there)
    places.private(there)


def _configure(copy: Path, folder: Path, url: str | None) -> None:
    """The configuration without the places of the old computer; the database's address if one was named. Problem CONFIG."""
    path = folder / _CONFIG
    fresh = {"database_url": url} if url else {}
    if (copy / _OWN / "elsewhere" / "updates_root.json").is_file():
        fresh["updates_root"] = str(folder / "updates_root.json")
    if not path.exists() and not fresh:
        return
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        put(path, config_rules.fitted(text, fresh).encode())
        load(path, folder)
    except (ValueError, Problem):
        raise Problem(CONFIG, 409, file=str(path)) from None


def facts(copy: Path) -> dict[str, Any]:
    """What the old server said of itself: versions and plug-ins."""
    return read_json(copy / _OWN / "installation.json") or {}
