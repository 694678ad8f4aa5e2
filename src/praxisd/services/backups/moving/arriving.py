"""Into the new computer: a copy with a ticket becomes a data folder that can be served.

Until all of it is there the folder is marked ARRIVING and refuses to start; whoever runs it again begins anew in the same
folder. The copy itself is only read, but for the line on its ticket that says who moves in.
"""

import os
import shutil
import socket
import tempfile
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
from praxisd.services.backups.moving import arriving_database, carrying, config_rules, tickets
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.own import COPIED
from praxisd_guard.durable import discard, put, read_json, sync_tree

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
_FETCHED = ".arriving"
"""In the new folder, for as long as it is being filled: what a backup medium gave back."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was brought: id of the move, number of files, bytes; `noted` False where the ticket could not be written on;
    `told` is what the old server said of itself.
    """

    id: str
    copy: Path
    files: int
    bytes: int
    noted: bool
    told: dict[str, Any]


def arrive(
    place: Path,
    folder: Path,
    url: str | None,
    *,
    again: bool,
    password: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _whole: None,
) -> Arrived:
    """Fill `folder` from the copy in `place`; afterwards `backups.move_arrive` makes it ready.

    `password` opens a backup medium. `again`: a person says that nothing works with what another computer made of this copy.

    Problems: those of `tickets`, `tickets.NO_TICKET` (409), NEWER (409), NOT_EMPTY (409), SPACE (507), CONFIG (409), FAILED
    (409) with the system's word, those of `arriving_database`, `control.folder_in_use` (409).
    """
    copy = tickets.copy_in(place)
    folder = Path(os.path.abspath(folder))
    with tempfile.TemporaryDirectory(prefix="praxisd-move-") as scratch:
        return _arrived(copy, folder, url, again, password, progress, Path(scratch))


def _arrived(
    copy: Path,
    folder: Path,
    url: str | None,
    again: bool,
    password: str | None,
    progress: Callable[[int, int], None],
    scratch: Path,
) -> Arrived:
    host = socket.gethostname()
    try:
        ticket = tickets.read(copy)
        if ticket is None:
            raise Problem(tickets.NO_TICKET, 409, folder=str(copy))
        if not again:
            tickets.refuse_taken(ticket, host, folder)
        told = {**ticket.get("told", {}), "host": ticket.get("host", "")}
        carried = carrying.opened(scratch, copy, password, told) if carrying.STATE in told else None
        listed = _manifest(copy, url)
        if carried is None:
            _looked_through(copy)
        with control.owning(folder):
            _prepare(folder, copy, ticket, listed, twice=carried is not None)
            noted = tickets.claim(copy, ticket, host, folder, int(time.time()))
            data = copy
            if carried is not None:
                data = carrying.fetch(carried, told, folder / _FETCHED, str(ticket["manifest"]))
                _looked_through(data)
            files, size = _filled(folder, data, listed, url, str(ticket["id"]), progress)
            told |= read_json(data / _OWN / "installation.json") or {}
            discard(folder / _FETCHED)
            sync_tree(folder)
    except OSError as error:
        raise Problem(FAILED, 409, detail=places.fault(error).detail) from None
    return Arrived(str(ticket["id"]), copy, files, size, noted, told)


def _filled(
    folder: Path,
    data: Path,
    listed: dict[str, Any],
    url: str | None,
    id: str,
    progress: Callable[[int, int], None],
) -> tuple[int, int]:
    """All of the copy in its place; number of files and bytes."""
    database, own = listed["sources"][0], listed["sources"][1]
    files = dict(_files(data, own))
    size = sum((data / one).stat().st_size for part in (database, own) for one in part["hashes"])
    done = 0
    for source, below in files.items():
        _copied(source, folder / below)
        done += source.stat().st_size
        progress(done, size)
    _configure(data, folder, url)
    arriving_database.bring(data, database, folder, url, id)
    return len(database["hashes"]) + len(own["hashes"]), size


def _looked_through(copy: Path) -> None:
    """Each file is as its list of contents says. Problem DAMAGED (409)."""
    wrong = snapshot.proven(copy)
    if wrong:
        raise Problem(tickets.DAMAGED, 409, what=wrong[0], more=len(wrong) - 1)


def _manifest(copy: Path, url: str | None) -> dict[str, Any]:
    """The list of contents. Problems NEWER, DAMAGED (409), those of `arriving_database.check`."""
    found = read_json(copy / snapshot.MANIFEST) or {}
    if _number(str(found.get("version", "0"))) > _number(__version__):
        raise Problem(NEWER, 409, theirs=str(found.get("version")), ours=__version__)
    for one in found["sources"]:
        for name in one["hashes"]:
            ours = Path(name)  # on Windows a \ leads somewhere too
            if (
                PurePosixPath(name).is_absolute()
                or ours.anchor
                or ".." in (*PurePosixPath(name).parts, *ours.parts)
            ):
                raise Problem(tickets.DAMAGED, 409, what=snapshot.MANIFEST, more=0)
    arriving_database.check(found["sources"][0], url)
    return found


def _number(version: str) -> tuple[int, ...]:
    """`1.4.0` as numbers; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("+")[0].split("."))


def _prepare(
    folder: Path, copy: Path, ticket: dict[str, Any], listed: dict[str, Any], *, twice: bool
) -> None:
    """Empty, or of this same move and emptied; marked, and with room for all of it (as far as its size is known)."""
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
    names = [] if twice else [name for one in listed["sources"] for name in one["hashes"]]
    wanted = sum((copy / name).stat().st_size for name in names)
    free = shutil.disk_usage(folder).free
    if free < wanted + places.SPARE:
        raise Problem(SPACE, 507, wanted=wanted // 1_000_000 + 1, free=free // 1_000_000)


def _files(copy: Path, own: dict[str, Any]) -> Iterator[tuple[Path, Path]]:
    """Where each lies in the copy, and where it belongs below the data folder. What lay outside of it comes inside."""
    for name in own["hashes"]:
        parts = PurePosixPath(name).parts
        if parts[:2] == (_OWN, "data") and parts[2:] not in ((moved.MARK,), (COPIED,)):
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
