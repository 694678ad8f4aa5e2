"""A move that ended, or was cut off, brought into order: under the lock of the data folder, and before the database is opened.

The pointer says which database is valid. What the move made is removed where the old one stayed valid; where the new one is,
the old one is renamed, and a stone is left in its place.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from praxisd.kernel import database_at
from praxisd.kernel.errors import Problem
from praxisd.services.care import journal
from praxisd.services.care.journal import Move, Old
from praxisd_guard.durable import put, sync_folder

CUT = "care.move_cut"
_COMPANIONS = ("-wal", "-shm", "-journal")


def settle(folder: Path, now: int | None = None) -> Move | None:
    """Bring to its end what was cut off, whichever way it went; the move, or None where there was nothing to do.

    Problem `store.place_unreadable` where the pointer cannot be read: then nothing is touched.
    """
    last = journal.known(folder)
    if last is None or (last.phase not in journal.UNDERWAY and not last.left and not waits(last)):
        return None
    moment = round(time.time()) if now is None else now
    if last.phase == "done":
        return finished(folder, last, moment) if points(folder, last) else None
    database_at.pointer(folder)
    if points(folder, last):
        return finished(folder, msgspec.structs.replace(last, cut=True), moment)
    if last.left:
        return undone(folder, last, last.ended or moment, last.code, cut=last.cut)
    return undone(folder, last, moment, CUT, cut=True)


def points(folder: Path, work: Move) -> bool:
    """Is the database that this move brought the one the pointer names? A pointer that cannot be read: yes, touch nothing."""
    try:
        found = database_at.pointer(folder)
    except Problem:
        return True
    return found is not None and found.id == work.id


def waits(last: Move) -> bool:
    """Done, but the old file could not be renamed yet, since somebody had it open."""
    return last.phase == "done" and not last.kept


def listed(folder: Path, last: Move, now: int) -> Move:
    """Before another move is written down in its place: an old file that could not be renamed is not forgotten."""
    if waits(last) and all(one.id != last.id for one in journal.old_ones(folder)):
        journal.note_old(folder, Old(id=last.id, path=last.old, at=now, bytes=last.bytes))
    return last


def undone(folder: Path, work: Move, now: int, code: str, *, cut: bool = False) -> Move:
    """The old one is valid: remove what the move made, and nothing else. RuntimeError where the pointer says otherwise."""
    if points(folder, work):
        raise RuntimeError("the database in force is never removed")
    left = not _removed(work) if work.kind == "folder" else False
    return journal.keep(
        folder, msgspec.structs.replace(work, phase="failed", ended=now, code=code, cut=cut, left=left)
    )


def _removed(work: Move) -> bool:
    """True once nothing of the file is there. One that is not ours by its identity stays; a person is told where we had made
    one: after a start a disk may have another number.
    """
    path = Path(work.new)
    try:
        if not path.parent.is_dir():
            return work.made is None
        there = journal.identity(path)
        ours = there is not None and (there == work.made if work.made else path.stat().st_size == 0)
        if ours:
            for end in _COMPANIONS:
                path.with_name(path.name + end).unlink(missing_ok=True)
            path.unlink()
            sync_folder(path.parent)
        elif there is not None and work.made is not None:
            return False
    except OSError:
        return False
    return True


def finished(folder: Path, work: Move, now: int, *, rename: bool = True) -> Move:
    """The new one is valid: the old one is kept under another name, with a stone in its place."""
    kept = work.kept
    if rename and not kept:
        try:
            kept = _kept(folder, work, now)
        except OSError:
            kept = ""
    return journal.keep(
        folder,
        msgspec.structs.replace(work, phase="done", ended=work.ended or now, kept=kept, code="", left=False),
    )


def _kept(folder: Path, work: Move, now: int) -> str:
    """The name under which the old file lies now; it was noted in the list before, so that it is never forgotten."""
    old = Path(work.old)
    to = old.with_name(f"{old.name}.before-{datetime.fromtimestamp(work.at, UTC):%Y%m%dT%H%M%SZ}")
    if not os.path.lexists(to) and not database_at.is_stone(old):
        size = old.stat().st_size
        journal.note_old(folder, Old(id=work.id, path=str(to), at=now, bytes=size))
        for end in _COMPANIONS:  # the log first: alone it is nothing, and the file without it is complete
            beside = old.with_name(old.name + end)
            if os.path.lexists(beside):
                os.rename(beside, to.with_name(to.name + end))
        os.rename(old, to)
        sync_folder(old.parent)
    if not os.path.lexists(old):
        put(old, stone(work))
    return str(to)


def stone(work: Move) -> bytes:
    """What a person, and an older program, finds in the old place."""
    where = work.new if work.kind == "folder" else "PostgreSQL"
    return database_at.STONE + f" to {where}\nDie Datenbank wurde dorthin umgezogen.\n".encode()
