"""What a snapshot holds, line by line as restic lists it, with exact names; and what differs from a folder.

`restic ls` shows a byte that is no UTF-8 as U+FFFD. Where one is met, the folder is read as it is stored, where names are
quoted byte by byte. Paths are absolute, with `/`, and carry bytes that are no UTF-8 as surrogate escapes.
"""

import contextlib
import json
import os
import stat
import tempfile
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Literal

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups.engine import Named
from praxisd.services.backups.engines import restic_words

NAMED_MOST = 1000
"""So many files are named at most; that there are more changes nothing in what must be done."""
_SLACK_NS = 20_000_000
"""How far the clock of a local file system may be behind (it ticks with the kernel's timer)."""
_FAR_NS = 86_400 * 1_000_000_000
"""How far the clock of a server that lends a drive may be from ours."""
_LOCAL = {
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fat32", "hfs", "jfs", "msdos", "ntfs",
    "ntfs3", "overlay", "ramfs", "refs", "rootfs", "squashfs", "tmpfs", "ufs", "vfat", "xfs", "zfs",
}  # fmt: skip
_KINDS: dict[str, Literal["file", "folder", "link"]] = {"file": "file", "dir": "folder", "symlink": "link"}


@dataclass(frozen=True, slots=True)
class Node:
    """One line of a listing; times in nanoseconds since 1970, `kind` as restic says it (`file`, `dir`, `socket` …)."""

    path: str
    type: str
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def kind(self) -> Literal["file", "folder", "link", "other"]:
        """The word of the contract."""
        return _KINDS.get(self.type, "other")


Blob = Callable[[str], bytes]
"""A stored folder by its id, as JSON."""
_REMEMBERED = 64
_SMALL = 1000


class Trees:
    """Stored folders by their id: what is called how, and the ids of the folders in it. Remembers the last small ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, list[tuple[str, str]]] = OrderedDict()

    def inside(self, tree: str, blob: Blob) -> list[tuple[str, str]]:
        """(exact name, id if it is a folder) in the order of a listing. An id stands for its content, whatever repository."""
        found = self._known.get(tree)
        if found is None:
            nodes = json.loads(blob(tree)).get("nodes") or []
            found = [
                (restic_words.unquoted(str(one["name"])), str(one.get("subtree") or "")) for one in nodes
            ]
            if len(found) <= _SMALL:
                self._known[tree] = found
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return found


@dataclass
class _Folder:
    """A folder on the way down: as it is listed, as it is called, and what of its stored names is still to come."""

    listed: str
    exact: str
    names: deque[str] | None = field(default=None)


class Names:
    """Exact names for listed ones. `below` is the folder at which the listing starts."""

    def __init__(self, blob: Blob, trees: Trees, tree: str, below: str) -> None:
        self._blob = blob
        self._trees = trees
        self._tree = tree
        self._way = [_Folder("/", "/")]
        if below != "/":
            for at in [i for i, char in enumerate(below) if char == "/" and i] + [len(below)]:
                self._way.append(_Folder(restic_words.lossy(below[:at]), below[:at]))

    def exact(self, listed: str, folder: bool) -> str:
        """The path of the next line; to be asked for each line in turn."""
        above, _, name = listed.rpartition("/")
        above = above or "/"
        while len(self._way) > 1 and self._way[-1].listed != above:
            if self._way[-1].listed == listed and folder and "\ufffd" not in name:
                return self._way[-1].exact
            self._way.pop()
        parent = self._way[-1]
        path = _joined(parent.exact, self._stored(parent, name) if "\ufffd" in name else name)
        if folder:
            self._way.append(_Folder(listed, path))
        return path

    def _stored(self, parent: _Folder, name: str) -> str:
        if parent.names is None:
            parent.names = deque(self._inside(parent.exact))
        while parent.names:
            stored = parent.names.popleft()
            if restic_words.lossy(stored) == name:
                return stored
        return name

    def _inside(self, folder: str) -> list[str]:
        tree = self._tree
        for part in [one for one in folder.split("/") if one]:
            tree = dict(self._trees.inside(tree, self._blob)).get(part, "")
            if not tree:
                return []
        return [name for name, _ in self._trees.inside(tree, self._blob)]


def nodes(lines: Iterable[bytes], blob: Blob, trees: Trees, below: str = "/") -> Iterator[Node]:
    """The lines of `restic ls --json` as nodes at and below a path."""
    names: Names | None = None
    for line in lines:
        told = restic_words.message(line)
        if told.get("struct_type") == "snapshot" or told.get("message_type") == "snapshot":
            names = Names(blob, trees, str(told["tree"]), below)
        elif "path" in told and names is not None:
            kind = str(told.get("type", ""))
            path = names.exact(str(told["path"]), kind == "dir")
            if within(path, below):
                yield Node(
                    path, kind, int(told.get("size", 0)),
                    restic_words.nanoseconds(str(told.get("mtime", ""))),
                    restic_words.nanoseconds(str(told.get("ctime", ""))),
                )  # fmt: skip


class Spool:
    """Nodes put aside in a file in a folder of ours, to be read more than once without listing again."""

    def __init__(self, folder: Path, found: Iterable[Node]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self.bytes = 0
        for node in found:
            self.bytes += node.size
            self._file.write(json.dumps(astuple(node)).encode() + b"\n")

    def __iter__(self) -> Iterator[Node]:
        self._file.seek(0)
        for line in self._file:
            yield Node(*json.loads(line))

    def close(self) -> None:
        """Throw it away."""
        self._file.close()


def within(path: str, below: str) -> bool:
    """True at and below a folder."""
    return below == "/" or path == below or path.startswith(below + "/")


def look_over(paths: Sequence[Path], since_ns: int) -> tuple[list[Named], bool]:
    """(what no copy can hold, whether any file may have changed since). Links are not followed; errors are restic's."""
    special: list[Named] = []
    doubtful = False
    for top in paths:
        limit = since_ns - (_SLACK_NS if _near(top) else _FAR_NS)
        for path, facts in _walk(top):
            if stat.S_ISREG(facts.st_mode):
                doubtful = doubtful or max(facts.st_mtime_ns, facts.st_ctime_ns) >= limit
            elif stat.S_ISSOCK(facts.st_mode) and len(special) < NAMED_MOST:
                special.append(Named(path, "special"))
    return special, doubtful


def changed(kept: Iterable[Node]) -> Iterator[Named]:
    """Files that are not any more as they were when restic opened them for reading."""
    for node in kept:
        if node.kind != "file":
            continue
        path = native(node.path)
        with contextlib.suppress(OSError, ValueError):
            now = os.lstat(path)
            moved = os.name == "posix" and now.st_ctime_ns != node.changed_ns
            if now.st_size != node.size or now.st_mtime_ns != node.modified_ns or moved:
                yield Named(path, "changed")


def native(path: str) -> str:
    """A listed path as this system writes it (Windows: `/C/x` is `C:/x`)."""
    if os.name == "nt" and len(path) > 1 and path[1].isalpha() and path[2:3] in ("", "/"):
        return f"{path[1]}:{path[2:] or '/'}"
    return path


def listed(path: Path) -> str:
    """A path of this system as it is listed."""
    text = path.as_posix()
    return f"/{text[0]}{text[2:]}" if os.name == "nt" and text[1:2] == ":" else text


def asked(path: str, only: Sequence[str]) -> bool:
    """True if this node was to be restored."""
    return not only or any(within(path, one) for one in only)


def not_back(node: Node, into: Path, blamed: set[str]) -> Named | None:
    """Why a node is not below `into` as it should be; None if it is."""
    parts = node.path.split("/")[1:]
    if ".." in parts or "\0" in node.path:
        return Named(node.path, "outside")
    if node.type == "socket":
        return Named(node.path, "special")
    try:
        there = os.lstat(os.path.join(into, *parts))
    except (OSError, ValueError):
        return Named(node.path, "not_restored")
    short = node.kind == "file" and (not stat.S_ISREG(there.st_mode) or there.st_size != node.size)
    told = restic_words.lossy(node.path)
    if short or told in blamed or told.split("\n")[0] + "\n" in blamed:
        return Named(node.path, "not_restored")
    return None


def _joined(folder: str, name: str) -> str:
    return f"/{name}" if folder == "/" else f"{folder}/{name}"


def _walk(top: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and special file at and below `top` with what the system says of it."""
    with contextlib.suppress(OSError):
        facts = top.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            yield str(top), facts
            return
    waiting = [str(top)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as found:
            for one in found:
                with contextlib.suppress(OSError):
                    if one.is_dir(follow_symlinks=False):
                        waiting.append(one.path)
                    elif not one.is_symlink():
                        yield one.path, one.stat(follow_symlinks=False)


def _near(top: Path) -> bool:
    """True if all that lies at and below it is on drives of this computer, whose clock is ours."""
    mounts = {one.mountpoint.rstrip("/\\"): one.fstype.lower() for one in psutil.disk_partitions(all=True)}
    text = str(top).rstrip("/\\")
    above = [one for one in mounts if text == one or text.startswith((one + "/", one + "\\")) or not one]
    below = [one for one in mounts if one.startswith((text + "/", text + "\\"))]
    mine = [max(above, key=len)] if above else []
    return bool(mine) and all(mounts[one] in _LOCAL for one in mine + below)
