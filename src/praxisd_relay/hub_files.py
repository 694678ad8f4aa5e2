"""Files of a hub's folder: written whole or not at all, and owned by whoever owns the folder.

An operator runs commands as root, the hub runs as a user of its own: what a command makes must be readable for the hub.
"""

import os
from pathlib import Path


def write(file: Path, content: bytes, mode: int = 0o600) -> None:
    """The whole content under the file's name, or the file as it was. Raises OSError."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    like_folder(part)
    part.replace(file)


def create(file: Path) -> None:
    """An empty file (0600) if there is none. Raises OSError."""
    if not file.exists():
        file.touch(mode=0o600)
        like_folder(file)


def like_folder(file: Path) -> None:
    """As root, give the file to the owner of its folder. Raises OSError."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
