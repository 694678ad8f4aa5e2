"""Files back in their own places: what is there now is saved first, each file is exchanged in one step (SPEC 8.5).

What the state does not hold stays. Nothing is written through a link: below the folder that was backed up every step down is
opened as a folder or not at all, so that a link laid there meanwhile leads nowhere. What was there goes into `saved` under
its whole path; `placed.log` beside it says what was done, in order, and `put_back` undoes it.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.sources import places
from praxisd_guard.durable import put

LOG, FILES, BASE, UNDONE = "placed.log", "files", "base", "undone"
_BLOCK = 1 << 20
_AHEAD = 256
"""So many lines of the log may be lost with the power, not more."""
_BY_HANDLE = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


@dataclass
class Placed:
    """What became of it: written, the same already, and what could not be placed."""

    files: int = 0
    bytes: int = 0
    same: int = 0
    named: list[Named] = field(default_factory=list)


class _Folder:
    """A folder that is open: on systems that can, by its handle, so that it stays the one it is."""

    def __init__(self, path: str, handle: int | None) -> None:
        self.path = path
        self._handle = handle

    def at(self, name: str) -> tuple[str, dict[str, Any]]:
        """What the system's functions take for a name in it."""
        if self._handle is None:
            return os.path.join(self.path, name), {}
        return name, {"dir_fd": self._handle}

    def look(self, name: str) -> os.stat_result | None:
        where, how = self.at(name)
        try:
            return os.stat(where, follow_symlinks=False, **how)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def inner(self, name: str) -> Iterator["_Folder"]:
        """A folder in it; OSError if that is a link, or none."""
        with opened(os.path.join(self.path, name), self, name) as found:
            yield found


@contextlib.contextmanager
def opened(path: str, above: _Folder | None = None, name: str = "") -> Iterator[_Folder]:
    """Open a folder: the first as its path says, those below it never through a link."""
    where, how = above.at(name) if above is not None else (os.path.realpath(path), {})
    if not _BY_HANDLE:
        if not stat.S_ISDIR(os.lstat(where).st_mode):
            raise NotADirectoryError(where)
        yield _Folder(path, None)
        return
    handle = os.open(where, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, **how)
    try:
        yield _Folder(path, handle)
    finally:
        os.close(handle)


class Placing:
    """One restore in place. `base` is the folder that was backed up, `saved` is ours and new."""

    def __init__(self, base: str, saved: Path, *, progress: Progress, stop: Stop, whole: int = 0) -> None:
        self._base = base.rstrip("/\\") or "/"
        self._saved = saved
        self._progress = progress
        self._stop = stop
        self._whole = whole
        self._lines = 0
        self.result = Placed()

    def place(self, back: Path, path: str) -> Placed:
        """`back` (a file or a folder that was restored beside) becomes `path`, which lies at or below the base.

        What cannot be placed is named. SourceFault STOPPED; OSError if nothing can be saved at all.
        """
        (self._saved / FILES).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self._saved / BASE).exists():
            put(self._saved / BASE, os.fsencode(self._base))
        parts = [one for one in os.path.relpath(path, self._base).split(os.sep) if one not in ("", ".")]
        if ".." in parts or (not parts and os.path.islink(back)):
            self._name(path, "outside")
            return self.result
        with (self._saved / LOG).open("ab") as log, contextlib.ExitStack() as way:
            try:
                if not parts:
                    os.makedirs(self._base, exist_ok=True)
                    self._below(log, back, way.enter_context(opened(self._base)))
                    return self.result
                os.makedirs(self._base, exist_ok=True)
                folder = way.enter_context(opened(self._base))
                for name in parts[:-1]:
                    if folder.look(name) is None:
                        self._new_folder(log, folder, name)
                    folder = way.enter_context(folder.inner(name))
            except OSError:
                self._name(path, "not_restored")
                return self.result
            self._one(log, back, folder, parts[-1])
        return self.result

    def _below(self, log: IO[bytes], back: Path, folder: _Folder) -> None:
        with os.scandir(back) as found:
            names = sorted(one.name for one in found)
        for name in names:
            self._one(log, back / name, folder, name)

    def _one(self, log: IO[bytes], back: Path, folder: _Folder, name: str) -> None:
        places.stopped(self._stop)
        path = os.path.join(folder.path, name)
        try:
            new, there = os.lstat(back), folder.look(name)
            if stat.S_ISDIR(new.st_mode):
                self._folder(log, back, new, folder, name, there)
            elif there is not None and stat.S_ISDIR(there.st_mode):
                self._name(
                    path, "not_restored"
                )  # a folder is there now where a file was: nobody's files are taken away
            elif there is not None and _same(back, new, folder, name, there):
                self.result.same += 1
                self._moved_on(new)
            else:
                if there is not None:
                    self._save(folder, name, there)
                self._note(log, "replaced" if there is not None else "made", path)
                _put(back, new, folder, name)
                self.result.files += 1
                self._moved_on(new)
        except OSError:
            self._name(path, "not_restored")

    def _folder(
        self,
        log: IO[bytes],
        back: Path,
        new: os.stat_result,
        folder: _Folder,
        name: str,
        there: os.stat_result | None,
    ) -> None:
        made = there is None
        if there is not None and not stat.S_ISDIR(there.st_mode):
            self._save(folder, name, there)
            self._note(log, "replaced", os.path.join(folder.path, name))
            where, how = folder.at(name)
            os.unlink(where, **how)
            made = True
        if made:
            self._new_folder(log, folder, name)
        with folder.inner(name) as inner:
            self._below(log, back, inner)
        if made:
            where, how = folder.at(name)
            if how:
                os.chmod(where, stat.S_IMODE(new.st_mode), **how)
                os.utime(where, ns=(new.st_atime_ns, new.st_mtime_ns), **how)

    def _new_folder(self, log: IO[bytes], folder: _Folder, name: str) -> None:
        self._note(log, "folder", os.path.join(folder.path, name))
        where, how = folder.at(name)
        os.mkdir(where, 0o700, **how)

    def _save(self, folder: _Folder, name: str, there: os.stat_result) -> None:
        """A second name for it in `saved`, or a copy where that is another file system. OSError: then it is not replaced."""
        saved = _kept(self._saved, os.path.join(folder.path, name))
        saved.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        where, how = folder.at(name)
        source = {"src_dir_fd": how["dir_fd"]} if how else {}
        saved.unlink(missing_ok=True)
        if os.link in os.supports_follow_symlinks or not stat.S_ISLNK(there.st_mode):
            with contextlib.suppress(OSError):
                os.link(where, saved, follow_symlinks=os.link not in os.supports_follow_symlinks, **source)
                return
        if stat.S_ISLNK(there.st_mode):
            os.symlink(os.readlink(where, **how), saved)
        elif stat.S_ISREG(there.st_mode):
            handle = os.open(
                where, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), **how
            )
            with os.fdopen(handle, "rb") as file, saved.open("xb") as kept:
                _copied(file, kept)
            os.chmod(saved, stat.S_IMODE(there.st_mode))
            os.utime(saved, ns=(there.st_atime_ns, there.st_mtime_ns))
        else:
            raise OSError("a special file is there")

    def _note(self, log: IO[bytes], word: str, path: str) -> None:
        log.write(
            word.encode() + b" " + os.fsencode(path).replace(b"\\", b"\\\\").replace(b"\n", b"\\n") + b"\n"
        )
        self._lines += 1
        log.flush()
        if self._lines % _AHEAD == 1:
            os.fsync(log.fileno())

    def _name(self, path: str, code: Any) -> None:
        self.result.named.append(Named(path, code))

    def _moved_on(self, new: os.stat_result) -> None:
        self.result.bytes += new.st_size if stat.S_ISREG(new.st_mode) else 0
        self._progress(self.result.bytes, max(self._whole, self.result.bytes))


def put_back(saved: Path) -> Placed:
    """Undo a restore in place: what was replaced comes back, what was made new goes (into `saved`, never lost).

    Once: a second time does nothing. One that was cut off, or could not put back everything, goes on with what is left.
    """
    result = Placed()
    if undone(saved):
        return result
    base = os.fsdecode((saved / BASE).read_bytes())
    lines = (saved / LOG).read_bytes().split(b"\n")
    for line in reversed([one for one in lines if one]):
        word, _, told = line.partition(b" ")
        path = os.fsdecode(_told(told))
        kept, after = _kept(saved, path), _kept(saved, path, "after")
        try:
            with contextlib.ExitStack() as way:
                folder = way.enter_context(opened(base))
                *above, name = os.path.relpath(path, base).split(os.sep)
                for part in above:
                    folder = way.enter_context(folder.inner(part))
                where, how = folder.at(name)
                there = folder.look(name)
                if word == b"folder":
                    with contextlib.suppress(OSError):
                        os.rmdir(where, **how)
                    continue
                if os.path.lexists(kept) if word == b"replaced" else not os.path.lexists(after):
                    if there is not None and not stat.S_ISDIR(there.st_mode):
                        _out(where, how, _free(saved, path), there)
                    if word == b"replaced":
                        _put(kept, os.lstat(kept), folder, name)
                        kept.unlink(missing_ok=True)
                        result.files += 1
        except OSError:
            result.named.append(Named(path, "not_restored"))
    if not result.named:
        put(saved / UNDONE, b"")
    return result


def parts(before: Path) -> list[Path]:
    """The restores in place that have saved something below this folder and begun to write."""
    if not before.is_dir():
        return []
    return sorted(one for one in before.iterdir() if (one / LOG).is_file() and (one / LOG).stat().st_size)


def undone(saved: Path) -> bool:
    """Has it been undone already?"""
    return (saved / UNDONE).is_file()


def _free(saved: Path, path: str) -> Path:
    """Where what goes is laid: nothing is there yet."""
    found, number = _kept(saved, path, "after"), 1
    while os.path.lexists(found):
        number += 1
        found = _kept(saved, path, f"after-{number}")
    found.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def _out(where: str, how: dict[str, Any], after: Path, there: os.stat_result) -> None:
    source = {"src_dir_fd": how["dir_fd"]} if how else {}
    with contextlib.suppress(OSError):
        os.rename(where, after, **source)
        return
    if stat.S_ISREG(there.st_mode):
        half = after.with_name(f"{after.name[:100]}.{os.urandom(6).hex()}")
        handle = os.open(where, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0), **how)
        with os.fdopen(handle, "rb") as file, half.open("xb") as kept:
            _copied(file, kept)
        half.rename(after)
    elif stat.S_ISLNK(there.st_mode):
        after.symlink_to(os.readlink(where, **how))
    os.unlink(where, **how)


def _kept(saved: Path, path: str, below: str = FILES) -> Path:
    return places.restored(saved / below, path)


def _told(line: bytes) -> bytes:
    return line.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\0", b"\\")


def _same(back: Path, new: os.stat_result, folder: _Folder, name: str, there: os.stat_result) -> bool:
    where, how = folder.at(name)
    if stat.S_IFMT(new.st_mode) != stat.S_IFMT(there.st_mode):
        return False
    if stat.S_ISLNK(new.st_mode):
        return os.readlink(back) == os.readlink(where, **how)
    if not stat.S_ISREG(new.st_mode):
        return True
    if new.st_size != there.st_size:
        return False
    handle = os.open(where, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), **how)
    with os.fdopen(handle, "rb") as one, back.open("rb") as other:
        while piece := one.read(_BLOCK):
            if piece != other.read(_BLOCK):
                return False
    return True


def _put(back: Path, new: os.stat_result, folder: _Folder, name: str) -> None:
    """In one step: a rename, or a copy beside and then a rename. The place is never empty and never half."""
    where, how = folder.at(name)
    goal = {"dst_dir_fd": how["dir_fd"]} if how else {}
    with contextlib.suppress(OSError):
        os.replace(back, where, **goal)
        return
    beside, _ = folder.at(f".praxisd-{os.getpid()}-{os.urandom(6).hex()}")
    inner = {"src_dir_fd": how["dir_fd"], "dst_dir_fd": how["dir_fd"]} if how else {}
    try:
        _written(back, new, beside, how)
        os.replace(beside, where, **inner)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside, **how)
        raise


def _written(back: Path, new: os.stat_result, beside: str, how: dict[str, Any]) -> None:
    if stat.S_ISLNK(new.st_mode):
        os.symlink(os.readlink(back), beside, **how)
        return
    if stat.S_ISFIFO(new.st_mode):
        os.mkfifo(beside, stat.S_IMODE(new.st_mode), **how)
        return
    if not stat.S_ISREG(new.st_mode):
        raise OSError("a special file")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(beside, flags, 0o600, **how)
    with os.fdopen(handle, "wb") as file:
        with back.open("rb") as source:
            _copied(source, file)
        if hasattr(os, "fchown"):
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), new.st_uid, new.st_gid)
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(new.st_mode))
    os.utime(beside, ns=(new.st_atime_ns, new.st_mtime_ns), **how)


def _copied(source: IO[bytes], to: IO[bytes]) -> None:
    """Byte by byte, holes as holes, onto the disk."""
    while piece := source.read(_BLOCK):
        if piece.count(0) == len(piece):
            to.seek(len(piece), os.SEEK_CUR)
        else:
            to.write(piece)
    to.truncate()
    to.flush()
    os.fsync(to.fileno())
