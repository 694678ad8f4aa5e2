"""A mailbox that is a folder: a Maildir (`new`, `cur`, `tmp`), or a folder of `.eml` files.

Filed away within it: a Maildir gets the subfolders `.praxisd` and `.praxisd-unreadable`, which mail programs show as
folders; beside `.eml` files the folders `done` and `unreadable` are made. Whoever writes an `.eml` file should write it
under another name first and then rename it; one that has grown since is looked at again.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd.services.messaging.bounces_parts import READ_MOST
from praxisd.services.messaging.channels.mailbox import AT_ONCE, Letter, Seen

_MAILDIR = ("new", "cur")
_DONE, _ASIDE = "done", "unreadable"


class Folder:
    """Reads one folder. `seen` outlives it."""

    def __init__(self, path: str, seen: Seen) -> None:
        self._path = Path(path)
        self._seen = seen

    def letters(self) -> Iterator[Letter]:
        """Mails that were not looked at yet; see `Mailbox`."""
        if not self._path.is_dir():
            raise Problem("messaging.mailbox_missing", 503, retry=True)  # a share may come back
        try:
            found = self._files()
        except OSError:
            raise Problem("messaging.mailbox_unreachable", 503, retry=True) from None
        for name, file in found[:AT_ONCE]:
            try:
                with file.open("rb") as opened:
                    data = opened.read(READ_MOST)
            except OSError:  # taken away by another, or not ours to read
                self._seen.add(name)
                continue
            yield Letter(
                data,
                done=partial(self._file, file, _DONE),
                aside=partial(self._file, file, _ASIDE),
                leave=partial(self._seen.add, name),
            )

    @property
    def _maildir(self) -> bool:
        return all((self._path / one).is_dir() for one in _MAILDIR)

    def _files(self) -> list[tuple[str, Path]]:
        """(name with size and time, path) of the mails, oldest first."""
        places = [self._path / one for one in _MAILDIR] if self._maildir else [self._path]
        found = []
        for place in places:
            with os.scandir(place) as entries:
                for entry in entries:
                    if not self._maildir and not entry.name.lower().endswith(".eml"):
                        continue
                    with suppress(OSError):
                        facts = entry.stat(follow_symlinks=False)
                        name = f"{entry.path}\0{facts.st_size}\0{facts.st_mtime_ns}"
                        if stat.S_ISREG(facts.st_mode) and name not in self._seen:
                            found.append((facts.st_mtime_ns, entry.name, name, Path(entry.path)))
        return [(name, path) for _, _, name, path in sorted(found)]

    def _file(self, file: Path, where: str) -> None:
        """Move a mail; OSError only if it is there and cannot be moved."""
        target = self._place(where)
        name = file.name
        if self._maildir and where == _DONE:
            name = f"{name.partition(':')[0]}:2,S"
        for number in range(1000):
            goal = target / (f"{number}-{name}" if number else name)
            try:
                os.link(file, goal)  # unlike a rename, this never puts one mail in the place of another
            except FileExistsError:
                if goal.exists() and file.exists() and os.path.samefile(goal, file):
                    break  # linked before a crash
                continue
            except FileNotFoundError:
                return
            except OSError:  # a file system without links
                if not goal.exists():
                    with suppress(FileNotFoundError):
                        file.rename(goal)
                    return
                continue
            break
        file.unlink(missing_ok=True)

    def _place(self, where: str) -> Path:
        if not self._maildir:
            place = self._path / where
            place.mkdir(mode=0o700, exist_ok=True)
            return place
        folder = self._path / (".praxisd" if where == _DONE else ".praxisd-unreadable")
        for one in ("cur", "new", "tmp"):
            (folder / one).mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / "cur"
