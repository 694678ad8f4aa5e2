"""Files that survive a power cut: replaced at once, written through to the disk, their folder too.

A reader sees the old content or the new one, never a part of either.
"""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PRIVATE = 0o600


def put(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Replace the file `path`; when this returns, the new content is on the disk. OSError as the disk says.

    It is written beside its place as a file that is made here: what lies there under that name, a link of the folder's
    owner to a file of root perhaps, is removed and never followed.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def put_json(path: Path, content: dict[str, Any], mode: int = PRIVATE) -> None:
    """`put` one JSON object."""
    put(path, json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n", mode)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`, or None where there is no such file or it holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def sync_file(path: Path) -> None:
    """Write what a file holds through to the disk."""
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Write a folder's own entries (new, renamed, removed files) through to the disk; Windows does so by itself."""
    if os.name != "nt":
        sync_file(folder)


def sync_tree(top: Path) -> None:
    """Write all files and folders below `top`, and itself, through to the disk; several at a time, which a journalling
    file system brings home together.
    """
    paths = [top, *top.rglob("*")]
    with ThreadPoolExecutor(8, "praxisd-guard-sync") as pool:
        for _ in pool.map(lambda path: sync_folder(path) if path.is_dir() else sync_file(path), paths):
            pass  # raises what one of them raised


def move(old: Path, new: Path) -> None:
    """Rename within one file system, for good."""
    os.rename(old, new)
    sync_folder(new.parent)


def discard(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none.

    A folder is first renamed out of its place, so that half of it is never taken for the whole.
    """
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    elif path.is_dir():
        if path.name.startswith("."):
            gone = path
        else:
            gone = path.with_name(f".gone-{path.name}")
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)
