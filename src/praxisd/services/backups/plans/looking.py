"""What a drive shows right now. Never longer than a moment: a network drive that does not answer shows nothing."""

import contextlib
import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.model.backup import Seen
from praxisd.model.backup_kept import Drive
from praxisd.services.backups import media_rules
from praxisd.services.backups.plans import drives
from praxisd.services.backups.plans.drives import is_address
from praxisd.services.backups.plans.planning import SYSTEM

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PATIENCE_S = 6.0
REPOSITORY = "restic"
ABSENT = Seen(present=False)
LOOKS = "backups.looks"
"""In `house.shared`: what each drive showed last, and when it was looked at."""
_OF_THE_SYSTEM = {
    "lost+found",
    "system volume information",
    "$recycle.bin",
    "recycler",
    "desktop.ini",
    "autorun.inf",
    ".trash-0",
    ".trash-1000",
    ".spotlight-v100",
    ".fseventsd",
    ".trashes",
    ".ds_store",
}
"""What systems put onto an empty medium by themselves."""
_hanging: set[str] = set()
_lock = threading.Lock()


def place(drive: Drive) -> str:
    """Where the repository of the medium in it lies: a folder, or the address itself."""
    return drive.path if is_address(drive.path) else os.path.join(drive.path, REPOSITORY)


def look(drive: Drive) -> Seen:
    """What it shows. An address is not looked at: whether it is there, the engine learns."""
    if is_address(drive.path):
        return Seen(present=True)
    return _bounded(drive.path, lambda: _look(drive)) or ABSENT


def glance(house: "House", drive: Drive) -> Seen:
    """`look`, and it is remembered for pages that must not wait."""
    seen = look(drive)
    house.shared.setdefault(LOOKS, {})[drive.id] = (seen, house.clock.now())
    return seen


def around(house: "House", *, remembered: bool = False) -> dict[str, Seen]:
    """What each drive of this computer shows now, by its id. Waits for the slow ones: never inside a transaction.

    `remembered`: what it showed last, where it was looked at already: a page must not wait for a network drive.
    """
    with house.store.read(SYSTEM) as tx:
        mine = drives.here(house, tx)
    return {one.id: (last(house, one.id) if remembered else None) or glance(house, one) for one in mine}


def last(house: "House", drive_id: str) -> Seen | None:
    """What it showed when it was looked at last; None if it was not yet."""
    found: tuple[Seen, int] | None = house.shared.get(LOOKS, {}).get(drive_id)
    return None if found is None else found[0]


def same_disk(house: "House", drive: Drive) -> bool:
    """Does it lie on the file system of the data folder?"""
    try:
        return os.stat(drive.path).st_dev == os.stat(house.folder).st_dev
    except OSError:
        return False


def is_mounted(path: str) -> bool:
    """Is a file system of its own seen at this path?"""
    real = os.path.realpath(path)
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return os.path.ismount(real)
    # Fields are parted by blanks; a blank in a path is \040 (proc(5)).
    points = (line.split(b" ")[4] for line in lines if line.count(b" ") > 4)
    return any(_plain(point) == os.fsencode(real) for point in points)


def is_listed(path: str) -> bool:
    """Does the computer's own list (fstab) say that a file system belongs there?"""
    real = os.path.realpath(path)
    with contextlib.suppress(OSError):
        for line in Path("/etc/fstab").read_bytes().splitlines():
            fields = line.split()
            if (
                len(fields) > 1
                and not line.lstrip().startswith(b"#")
                and _plain(fields[1]) == os.fsencode(real)
            ):
                return real != "/"
    return False


def _plain(path: bytes) -> bytes:
    for code, letter in ((rb"\040", b" "), (rb"\011", b"\t"), (rb"\012", b"\n"), (rb"\134", b"\\")):
        path = path.replace(code, letter)
    return path


def _look(drive: Drive) -> Seen:
    path = drive.path
    if not os.path.isdir(path) or ((drive.mounted or is_listed(path)) and not is_mounted(path)):
        return ABSENT
    try:
        names = os.listdir(path)
        identity = _read(os.path.join(path, media_rules.FILE))
        free = shutil.disk_usage(path).free
        empty = identity is None and all(_nothing(path, one) for one in names)
    except OSError:
        return ABSENT
    return Seen(True, identity, empty, _writable(path), free)


def _nothing(path: str, name: str) -> bool:
    """What does not make a medium a used one: files of the system, and an empty folder for the repository."""
    return of_the_system(name) or (
        name == REPOSITORY
        and os.path.isdir(os.path.join(path, name))
        and not os.listdir(os.path.join(path, name))
    )


def of_the_system(name: str) -> bool:
    """Does a system put this onto every medium by itself?"""
    return name.casefold() in _OF_THE_SYSTEM


def _read(path: str) -> bytes | None:
    """The identity file; what is longer than one is read so far that this is seen."""
    try:
        with open(path, "rb") as file:
            return file.read(media_rules.LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError:  # it is there, and cannot be read: not an empty medium
        return b""


def _writable(path: str) -> bool:
    """Tried, not asked: rights do not tell of a switch on the medium. What is full can be written for all that is known."""
    try:
        with tempfile.TemporaryFile(dir=path):
            return True
    except PermissionError:
        return False
    except OSError as error:
        return error.errno != errno.EROFS


def _bounded(key: str, call: Callable[[], Seen]) -> Seen | None:
    """The answer within `PATIENCE_S`; None if there is none, and while that one still hangs."""
    with _lock:
        if key in _hanging:
            return None
    answer: list[Seen] = []

    def ask() -> None:
        try:
            answer.append(call())
        finally:  # else a drive would be silent for ever
            with _lock:
                _hanging.discard(key)

    thread = threading.Thread(target=ask, name="praxisd-drive", daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    with _lock:
        if not answer and thread.is_alive():
            _hanging.add(key)
    return answer[0] if answer else None
