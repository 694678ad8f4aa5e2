"""Where the bytes of a repository come from: the protocol, and a folder (a USB stick, a copy) that speaks it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from praxisd_guard.faults import Missing, OffsetRefused, Unreachable

CHUNK = 256 * 1024
"""Bytes read at a time."""


class Source(Protocol):
    """A repository as files: `metadata/…` and `targets/…`, relative, with `/` on every system."""

    def open(self, path: str, offset: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """The file's bytes from `offset` on, in pieces.

        Raises `Missing`, `Unreachable` (also from the iterator, when the connection ends early) and, where `offset`
        is not 0 and cannot be served, `OffsetRefused`: an HTTP source asks with `Range: bytes=<offset>-` and takes
        206 only with a Content-Range that begins there.
        """
        ...


class FolderSource:
    """A folder with `metadata` and `targets` in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """The file of this name in the folder; names that lead out of it are missing."""
        try:
            root = self.path.resolve(strict=True)
        except OSError as fault:
            raise Unreachable(str(self.path)) from fault
        found = (root / path).resolve()
        if not found.is_relative_to(root) or not found.is_file():
            raise Missing(path)
        try:
            file = found.open("rb")
        except OSError as fault:
            raise Unreachable(path) from fault
        with file:
            if offset > os.fstat(file.fileno()).st_size:
                raise OffsetRefused(path)
            file.seek(offset)
            yield _pieces(file, path)


def _pieces(file: BinaryIO, path: str) -> Iterator[bytes]:
    try:
        while piece := file.read(CHUNK):
            yield piece
    except OSError as fault:  # the stick was pulled
        raise Unreachable(path) from fault


def is_repository(path: Path) -> bool:
    """True where a folder looks like a repository: it has a timestamp."""
    return (path / "metadata" / "timestamp.json").is_file()
