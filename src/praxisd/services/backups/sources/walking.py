"""What lies in a folder, whatever it is called: files, links, folders, what is none of these; what of it must not be copied."""

import fnmatch
import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from praxisd.services.backups.engine import Named, Stop
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.live import Life, life

Print = tuple[int, int, int, int]
"""Size, time of change of content and of the entry in nanoseconds, number: a file with the same is the same."""


def mark(found: os.stat_result) -> Print:
    """By which a file is known again."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


@dataclass(slots=True)
class Walk:
    """A look at a folder. Names that are no UTF-8 have surrogate escapes (PEP 383). `live` by path."""

    top: str
    files: dict[str, os.stat_result] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    live: dict[str, Life] = field(default_factory=dict)
    named: list[Named] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    _inside: dict[str, list[str]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(one.st_size for one in self.files.values())

    def counts(self) -> dict[str, int]:
        """What a restore can be compared with."""
        return {
            "files": len(self.files),
            "folders": len(self.folders),
            "links": len(self.links),
            "bytes": self.bytes,
        }

    def cover(self) -> tuple[Path, ...]:
        """The fewest paths that hold all of it but what is left out."""
        broken = {self.top} if self.left_out else set()
        for one in self.left_out:
            while one != self.top:
                one = os.path.dirname(one)
                broken.add(one)
        if not broken:
            return (Path(self.top),)
        return tuple(
            Path(one)
            for folder in sorted(broken)
            for one in self._inside.get(folder, ())
            if one not in broken and one not in self.left_out
        )


def walk(top: Path, without: Sequence[str], stop: Stop, *, unseen: Collection[str] = ()) -> Walk:
    """Look through it; links are not followed. `without`: patterns of names, or of paths below it with `/`. `unseen`: names
    directly in it that are passed over as if they were not there.

    OSError if `top` itself cannot be read.
    """
    found = Walk(str(top))
    waiting = [found.top]
    while waiting:
        places.stopped(stop)
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda one: one.name)
        except OSError as error:
            if folder == found.top:
                raise
            gone = isinstance(error, FileNotFoundError)
            found.named.append(Named(folder, "vanished" if gone else "unreadable"))
            continue
        found.folders.append(folder)
        found._inside[folder] = [one.path for one in inside]
        if folder == found.top and unseen:
            inside = [one for one in inside if one.name not in unseen]
        names = {one.name for one in inside}
        for one in inside:
            if without and _unwanted(one, found.top, without):
                found.left_out.add(one.path)
                continue
            _sort(found, one, names, waiting)
    return found


def _unwanted(one: "os.DirEntry[str]", top: str, without: Sequence[str]) -> bool:
    below = os.path.relpath(one.path, top).replace(os.sep, "/")
    return any(fnmatch.fnmatch(below if "/" in each else one.name, each) for each in without)


def _sort(found: Walk, one: "os.DirEntry[str]", names: set[str], waiting: list[str]) -> None:
    try:
        seen = one.stat(follow_symlinks=False)
    except FileNotFoundError:
        found.named.append(Named(one.path, "vanished"))
        return
    except OSError:
        found.named.append(Named(one.path, "unreadable"))
        return
    if stat.S_ISLNK(seen.st_mode):
        found.links.append(one.path)
    elif stat.S_ISDIR(seen.st_mode):
        waiting.append(one.path)
    elif stat.S_ISREG(seen.st_mode):
        # Windows tells an entry's number only to those who ask for the file itself.
        found.files[one.path] = seen if os.name == "posix" else os.lstat(one.path)
        alive = life(one.name, names)
        if alive:
            found.live[one.path] = alive
    else:
        found.named.append(Named(one.path, "special"))
