"""A large database as pieces of 32 KiB: what an engine adds after a day is then what changed, not what lies around it.

Measured (`python -m bench backups`, ADR 0011): restic cuts a file by its content into parts of about 1 MiB; a practice day
touches a page here and a page there, and each takes its part along. Files of 32 KiB are kept as they are. Where SQLite has laid
nothing but the insides of large values (letters, pictures), which are written once, up to 256 KiB go together: each file costs
an engine a quarter of a millisecond.

Pieces of an earlier copy that are still there are compared byte by byte: one that would be the same stays the file it was, and an
engine that knows it again by its number and its times does not read it.

The pieces lie in `<file>.pieces/<nnnnnn>/<nnnnnnnnn>`, numbered by the 32 KiB with which they begin; joined in the order of their
names they are the file again, with `cat` or PowerShell and without praxisd, as the printed instructions say.
"""

import os
import shutil
from io import FileIO
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.live import MAGIC

SIZE = 1 << 15
"""Bytes of a piece; the last may be shorter."""
TOGETHER = 8
"""So many pieces in a row are one file at most, where all of it is the inside of large values."""
SMALLEST = 64 << 20
"""What is smaller stays one file: what a day adds to it is little in any case, and it is easier to give back by hand. Bytes."""
END = ".pieces"
_IN_FOLDER = 256
_OLD = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def folder_of(file: Path) -> Path:
    """Where the pieces of a file lie."""
    return file.with_name(file.name + END)


def split(file: Path, stop: Stop) -> Path:
    """Make pieces of a file that is only ours; it is gone afterwards. From its end on, so that no more room is needed than for
    one folder of pieces. What lies where they belong is ours too: it is used where it is the same, else taken away.

    OSError; SourceFault STOPPED.
    """
    into = folder_of(file)
    strange = set(_there(into))
    block = memoryview(bytearray(_IN_FOLDER * SIZE))
    with file.open("r+b", buffering=0) as whole:
        page = _page(whole.read(18))
        number = -(-os.fstat(whole.fileno()).st_size // SIZE)
        while number:
            places.stopped(stop)
            first = (number - 1) // _IN_FOLDER * _IN_FOLDER
            whole.seek(first * SIZE)
            _folder(into, first, block[: _filled(whole, block[: (number - first) * SIZE])], page)
            strange.discard(_place(into, first).parent.name)
            whole.truncate(first * SIZE)
            number = first
    file.unlink()
    for name in strange:
        away(into / name)
    return into


def join(into: Path, file: Path, stop: Stop) -> None:
    """Make the file again; the pieces are gone afterwards. SourceFault NOT_WHOLE if one is missing; OSError; STOPPED."""
    with file.open("xb", buffering=0) as whole:
        os.chmod(file, 0o600)
        number, taken, last = 0, 0, False
        while (piece := _place(into, number)).is_file():
            data = piece.read_bytes()
            if last or not 0 < len(data) <= SIZE * TOGETHER:
                raise SourceFault(source.NOT_WHOLE, f"piece {number}")
            last = len(data) % SIZE > 0
            whole.write(data)
            number += -(-len(data) // SIZE)
            taken += 1
            places.stopped(stop)
        found = sum(1 for one in into.rglob("*") if one.is_file() and not one.is_symlink())
        if found != taken or not taken:
            raise SourceFault(source.NOT_WHOLE, f"{found} pieces, {taken} in a row")
        os.fsync(whole.fileno())
    shutil.rmtree(into)


def whole(file: Path, stop: Stop) -> Path:
    """The file, joined from its pieces if they are what a restore brought. SourceFault, OSError."""
    into = folder_of(file)
    if not os.path.lexists(file) and into.is_dir() and not into.is_symlink():
        half = file.with_name(file.name + ".joining")
        half.unlink(missing_ok=True)
        join(into, half, stop)
        half.replace(file)
    return file


def _place(into: Path, number: int) -> Path:
    return into / f"{number // _IN_FOLDER:06d}" / f"{number:09d}"


def _folder(into: Path, first: int, block: memoryview, page: int) -> None:
    """All pieces of one folder. Plain calls of the system: there are thousands of them."""
    folder = _place(into, first).parent
    there = _there(folder)
    at = 0
    while at < len(block):
        data = block[at : at + SIZE * _together(block, at, page)]
        name = f"{first + at // SIZE:09d}"
        path = f"{folder}{os.sep}{name}"
        size = there.pop(name, None)
        if size != len(data) or not _same(path, data):
            if size is not None:
                away(Path(path))
            _write(path, data)
        at += len(data)
    for name in there:
        away(folder / name)


def _there(folder: Path) -> dict[str, int]:
    """Sizes of the files that lie in it, by their names; -1 for what is no file."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_symlink() or not folder.is_dir():
            away(folder)
            folder.mkdir(mode=0o700)
    with os.scandir(folder) as found:
        return {
            one.name: one.stat(follow_symlinks=False).st_size if one.is_file(follow_symlinks=False) else -1
            for one in found
        }


def _same(path: str, data: memoryview) -> bool:
    piece = os.open(path, _OLD)
    try:
        return os.read(piece, len(data) + 1) == bytes(data)
    finally:
        os.close(piece)


def _write(path: str, data: memoryview) -> None:
    piece = os.open(path, _NEW, 0o600)
    try:
        left = data
        while left:
            left = left[os.write(piece, left) :]
    finally:
        os.close(piece)


def away(path: Path) -> None:
    """A file or folder of ours that belongs to no piece any more; a link is not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _page(head: bytes) -> int:
    """The page size of an SQLite file by its first bytes (its file format, 1.3.2); 0 if it is none."""
    if not head.startswith(MAGIC) or len(head) < 18:
        return 0
    said = int.from_bytes(head[16:18], "big")
    return 1 << 16 if said == 1 else said


def _together(block: memoryview, at: int, page: int) -> int:
    """How many of the pieces from here on are one file.

    Overflow pages begin with the number of the next one, whose first byte is 0 up to 16 million pages; those of tables and
    indexes begin with 2, 5, 10 or 13 (SQLite's file format, 1.6). One of these in eight among them would already cost a
    quarter more bytes a day (ADR 0011).
    """
    number = 0
    while page and number < TOGETHER:
        inside = block[at + number * SIZE : at + (number + 1) * SIZE]
        if len(inside) < SIZE or any(inside[::page]):
            break
        number += 1
    return max(1, number)


def _filled(file: FileIO, into: memoryview) -> int:
    """Bytes read into it: as many as there are; a single read may give less."""
    done = 0
    while done < len(into) and (more := file.readinto(into[done:])):
        done += more
    return done
