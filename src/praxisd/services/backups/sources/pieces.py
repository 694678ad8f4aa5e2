"""A large database as pieces of 32 KiB: what an engine adds after a day is then what changed, not what lies around it.

Measured (`python -m bench backups`, ADR 0011): restic cuts a file by its content into parts of about 1 MiB; a practice day
touches a page here and a page there, and each takes its part along. Files of 32 KiB are kept as they are. The pieces lie in
`<file>.pieces/<nnnnnn>/<nnnnnnnnn>`, numbered from 0; joined in the order of their names they are the file again, with
`cat` or PowerShell and without praxisd, as the printed instructions say.
"""

import os
import shutil
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import places

SIZE = 1 << 15
"""Bytes of a piece; the last may be shorter."""
SMALLEST = 64 << 20
"""What is smaller stays one file: what a day adds to it is little in any case, and it is easier to give back by hand. Bytes."""
END = ".pieces"
_IN_FOLDER = 256
_AT_ONCE = 64


def folder_of(file: Path) -> Path:
    """Where the pieces of a file lie."""
    return file.with_name(file.name + END)


def split(file: Path, stop: Stop) -> Path:
    """Make pieces of a file that is only ours; it is gone afterwards. From its end on, so that no more room is needed.

    OSError; SourceFault STOPPED.
    """
    into = folder_of(file)
    into.mkdir(mode=0o700)
    with file.open("r+b", buffering=0) as whole:
        number = -(-os.fstat(whole.fileno()).st_size // SIZE)
        while number:
            first = max(0, number - _AT_ONCE)
            whole.seek(first * SIZE)
            block = _read(whole.fileno(), (number - first) * SIZE)
            for one in range(first, number):
                _write(into, one, block[(one - first) * SIZE : (one - first + 1) * SIZE])
            whole.truncate(first * SIZE)
            number = first
            places.stopped(stop)
    file.unlink()
    return into


def join(into: Path, file: Path, stop: Stop) -> None:
    """Make the file again; the pieces are gone afterwards. SourceFault NOT_WHOLE if one is missing; OSError; STOPPED."""
    with file.open("xb", buffering=0) as whole:
        os.chmod(file, 0o600)
        number, last = 0, False
        while (piece := _place(into, number)).is_file():
            data = piece.read_bytes()
            if last or not 0 < len(data) <= SIZE:
                raise SourceFault(source.NOT_WHOLE, f"piece {number}")
            last = len(data) < SIZE
            whole.write(data)
            number += 1
            if number % _AT_ONCE == 0:
                places.stopped(stop)
        found = sum(1 for one in into.rglob("*") if one.is_file() and not one.is_symlink())
        if found != number or not number:
            raise SourceFault(source.NOT_WHOLE, f"{found} pieces, {number} in a row")
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


def _write(into: Path, number: int, data: bytes) -> None:
    place = _place(into, number)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    with place.open("xb", buffering=0) as piece:
        piece.write(data)


def _read(descriptor: int, wanted: int) -> bytes:
    """All of it: a single read may give less."""
    found = bytearray()
    while len(found) < wanted and (data := os.read(descriptor, wanted - len(found))):
        found += data
    return bytes(found)
