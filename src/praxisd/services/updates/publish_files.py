"""Files of a publisher: written beside, flushed and renamed, so that nothing is ever half there."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from praxisd.kernel.control import try_lock
from praxisd.kernel.errors import Problem


def write(path: Path, data: bytes | Iterable[bytes], mode: int = 0o644) -> None:
    """Put a whole file in place, or none. Problem `updates.publish_unwritable` where that cannot be done."""
    parts = (data,) if isinstance(data, bytes) else data
    beside: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with open(handle, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, mode)
        os.replace(beside, path)
        beside = None
        _keep_folder(path.parent)
    except OSError as error:
        raise Problem("updates.publish_unwritable", 500, path=str(path), why=error.strerror or "-") from None
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                os.unlink(beside)


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Keep other publishers of this computer away from a folder. Problem `updates.publish_busy` where one is at work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+b")
    except OSError as error:
        raise Problem(
            "updates.publish_unwritable", 500, path=str(folder), why=error.strerror or "-"
        ) from None
    with file:
        if not try_lock(file):
            raise Problem("updates.publish_busy", 409, retry=True, path=str(folder))
        yield


def _keep_folder(folder: Path) -> None:
    """Flush the folder's list of names, where the system knows how (Windows does not)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def blocks(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """The bytes of a file, piece by piece. Problem `updates.publish_unreadable`."""
    try:
        with path.open("rb") as file:
            while block := file.read(size):
                yield block
    except OSError as error:
        raise Problem("updates.publish_unreadable", 400, path=str(path), why=error.strerror or "-") from None


def read(path: Path) -> bytes:
    """All bytes of a file. Problem `updates.publish_unreadable`."""
    return b"".join(blocks(path))
