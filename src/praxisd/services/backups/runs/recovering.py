"""After a crash: runs at which nobody works any more are interrupted, and what they left in our folders is taken away.

Only for who holds the lease of the backups. The folders are the staging folder and that of the restore proof. Beside them
the pieces of a large database are kept from run to run (`pieces`): what did not change is neither written nor read again.
"""

import contextlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import engine, store
from praxisd.services.backups.restoring import exchange
from praxisd.services.backups.restoring.exchange import Exchange
from praxisd.services.backups.runs import asking, recording
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.pieces import END

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

KEPT_ROOM = 4 << 30
"""So much must be free on the disk of the data folder, else pieces are not kept for the next run. Bytes."""
_OF_OURS = places.file_name("praxisd database")
"""The folder of praxisd's own database in the staging folder."""


def staging(house: "House") -> Path:
    """Where sources bring their copies."""
    return house.folder / "backups" / "staging"


def pieces(house: "House") -> Path:
    """Where the pieces of the last copy of praxisd's own database wait for the next run (`sources.pieces`)."""
    return house.folder / "backups" / "pieces"


def scratch(house: "House") -> Path:
    """Where the restore proof restores to."""
    return house.folder / "backups" / "scratch"


def fresh(folder: Path) -> Path:
    """This folder, ours alone and empty."""
    clear(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    return folder


def clear(folder: Path) -> None:
    """Away with it, as far as it goes; a link is taken away and not followed."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink(missing_ok=True)
        return
    if not folder.exists():
        return
    for here, _, _ in os.walk(folder):  # folders that came back without the right to be emptied
        if not os.path.islink(here):
            os.chmod(here, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def begin(house: "House") -> Path:
    """The staging folder, empty but for the pieces of the last copy, where they belong."""
    top = fresh(staging(house))
    if pieces(house).is_dir():
        there = top / _OF_OURS
        there.mkdir(mode=0o700)
        _moved(pieces(house), there)
    return top


def _keep(house: "House") -> None:
    """The pieces of this copy stay for the next one, where there is room enough. What they hold need not be whole or right:
    each is compared before it is used again.
    """
    there = staging(house) / _OF_OURS
    if any(there.glob(f"*{END}")):
        kept = fresh(pieces(house))
        if shutil.disk_usage(kept).free > KEPT_ROOM:
            _moved(there, kept)
        else:
            clear(kept)


def _moved(here: Path, there: Path) -> None:
    """All pieces in one folder into another. What cannot be moved is made anew by the next run."""
    for one in here.glob(f"*{END}"):
        if one.is_dir() and not one.is_symlink():
            with contextlib.suppress(OSError):
                one.rename(there / one.name)


def empty(house: "House") -> None:
    """Nothing stays in both folders."""
    _keep(house)
    for one in (staging(house), scratch(house)):
        clear(one)


def recover(house: "House") -> int:
    """Runs that say „running“ and are not: interrupted, and asked for once more. How many."""
    empty(house)
    back = exchange.known(house.folder)
    with house.store.read(recording.SYSTEM) as tx:
        left = store.RUN.by(tx, "state", "running")
    return sum(house.store.run(recording.SYSTEM, partial(_interrupt, house, one.id, back)) for one in left)


def _interrupt(house: "House", id: str, back: Exchange | None, tx: "Tx") -> int:
    run = store.RUN.get(tx, id)
    if run is None or run.state != "running":
        return 0
    stopped = asking.stopped(tx, id)
    code = recording.STOPPED if stopped else engine.INTERRUPTED
    ended = recording.close(tx, run, "interrupted", code)
    if not stopped and not _came_back(back, run):
        asking.again(house, tx, ended)
    return 1


def _came_back(last: Exchange | None, run: RunKept) -> bool:
    """Is this a row of a database that was given back since? The state was taken while that run was at work; whoever has
    just restored it does not want its medium written now.
    """
    return last is not None and last.ended is not None and last.ended >= max(run.heard, run.began or 0)


def left_over(house: "House") -> bool:
    """Is there anything of a run that is gone, or one that waits?"""
    marks = house.folder / "backups" / "quiet"
    there = [one for one in (staging(house), scratch(house), marks) if one.is_dir() and any(one.iterdir())]
    if there:
        return True
    with house.store.read(recording.SYSTEM) as tx:
        return any(store.RUN.by(tx, "state", one, most=1) for one in ("running", "waiting"))
