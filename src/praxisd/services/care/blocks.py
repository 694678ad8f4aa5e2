"""Two files made the same, block by block: only what differs is written, and every block was compared in the end."""

import os
import time
from collections.abc import Callable
from typing import BinaryIO

READ, WRITE = 4 << 20, 64 << 10
"""Bytes read at a time, and the smallest piece that is written."""


class TooSlow(Exception):
    """It would take longer than it may."""


def sync(source: BinaryIO, target: BinaryIO, *, most_s: float | None = None, stop: Callable[[], bool]) -> int:
    """Write to the target what differs, cut it to the length, and through to the disk; how many bytes were written.

    Nothing may write to the source meanwhile if the result is to be the same; the target is nobody else's. Unbuffered files.
    TooSlow after `most_s` seconds, or once `stop()`. OSError.
    """
    began = time.monotonic()
    written = at = 0
    while True:
        if stop() or (most_s is not None and time.monotonic() - began > most_s):
            raise TooSlow
        source.seek(at)
        wanted = _read(source, READ)
        if not wanted:
            break
        target.seek(at)
        there = _read(target, len(wanted))
        if wanted != there:
            written += _pieces(target, at, wanted, there)
        at += len(wanted)
    target.truncate(at)
    os.fsync(target.fileno())
    return written


def _pieces(target: BinaryIO, at: int, wanted: bytes, there: bytes) -> int:
    written = 0
    for begin in range(0, len(wanted), WRITE):
        piece = wanted[begin : begin + WRITE]
        if piece == there[begin : begin + WRITE]:
            continue
        target.seek(at + begin)
        done = 0
        while done < len(piece):
            done += target.write(piece[done:])
        target.seek(at + begin)
        if _read(target, len(piece)) != piece:
            raise OSError(5, "what was written does not read back")
        written += len(piece)
    return written


def _read(file: BinaryIO, most: int) -> bytes:
    found = file.read(most)
    while len(found) < most:
        more = file.read(most - len(found))
        if not more:
            break
        found += more
    return found
