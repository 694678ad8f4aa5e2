"""Ground to measure on that is the same each time: a file system of its own, made anew, in an image.

Two things made one call of restic on the same files differ by half. An ext4 without a journal looks at each inode that was freed
within the last minutes before it takes another (thousands of files are deleted at the end of a round, thousands of pieces are
made at the beginning of a run); and a virtual machine that gives free memory back to its host pays for each gigabyte that it
takes again, so that whoever has to pays for the others. A fresh image has no freed inodes, and `touched` takes free memory back
before the clock starts. Only root may mount an image; without, a plain folder is used, and the figures say so.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_TOUCHED = 5_000_000_000
"""Bytes: more than a run of any size has in hand besides what it reads."""
_MADE = ("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0")


def own() -> bool:
    """May we have file systems of our own?"""
    return (
        os.name == "posix"
        and os.geteuid() == 0
        and bool(shutil.which("mkfs.ext4"))
        and Path("/dev/loop-control").exists()
    )


def touched() -> None:
    """Free memory is ours again, also what a host had taken back, and free for whoever runs next.

    At most three quarters of what is free: nothing that is kept of the files to be read is driven out.
    """
    held = b"\1" * min(_TOUCHED, psutil.virtual_memory().free * 3 // 4)
    del held


class Ground:
    """One place of so many bytes; nothing of it is left after `away`."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._image = folder.with_name(folder.name + ".image") if own() else None
        self._size = size

    def fresh(self) -> None:
        """Empty. The image has its blocks from the beginning, so that no room is looked for on the disk below."""
        self.away(image=False)
        self.folder.mkdir(parents=True)
        if self._image is not None:
            with self._image.open("ab") as image:
                os.posix_fallocate(image.fileno(), 0, self._size)
            subprocess.run([*_MADE, self._image], check=True)

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """The folder, until it is left; afterwards no memory holds any of it."""
        if self._image is None:
            yield self.folder
            return
        line = [
            "losetup",
            "--find",
            "--show",
            "--direct-io=on",
            str(self._image),
        ]  # else all of it is in memory twice
        device = subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()
        try:
            subprocess.run(["mount", device, self.folder], check=True)
            try:
                yield self.folder
            finally:
                subprocess.run(["umount", self.folder], check=True)
        finally:
            subprocess.run(["losetup", "--detach", device], check=True)

    def away(self, *, image: bool = True) -> None:
        """Take all of it away."""
        if os.path.ismount(self.folder):  # somebody was still in it
            subprocess.run(["umount", "--lazy", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if image and self._image is not None:
            self._image.unlink(missing_ok=True)
