"""What the figures of a database mean: whether compacting is worth it, what it costs, and where a database may lie.

Figures measured for SPEC 9.4 (notes/systems.md § F): VACUUM of a WAL database writes the result twice, once into a temporary
file and once into the log, and nobody writes meanwhile. It reads and writes about 270 MB a second there; half is promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GAIN_PERCENT = 20
"""Compacting is proposed from so much gain on."""
LEAST_GAIN = 20_000_000
"""And only where at least so many bytes come free: a small database with holes in it harms nobody."""
SPACE_TIMES = 2
"""So many times the database must be free on its disk."""
USUAL_UNUSED = 0.08
"""So much of its pages is unused in a database that was just compacted."""
VACUUM_SPEED = 130_000_000
COMPARE_SPEED = 400_000_000
"""Bytes a second that are compared while writers wait, at the end of a move."""
CLOSED_FROM_S = 5.0
"""What takes longer closes the doors (maintenance), so that nobody waits without a word. Seconds."""
FULL_EVERY_S = 6 * 86_400
"""The nightly check is a full one, where the last is older. Seconds."""
OLD_AFTER_S = 7 * 86_400
"""An old database is mentioned from then on: it holds patients' data, and somebody should release it. Seconds."""
LATE_S = 14 * 86_400
"""So long nothing is said of a database that was not checked. Seconds."""
NETWORK = frozenset(
    (
        "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre",
        "gfs", "gfs2", "ocfs2", "afpfs", "webdav", "davfs", "fuse.sshfs", "fuse.davfs", "fuse.davfs2", "fuse.rclone",
        "fuse.glusterfs", "fuse.s3fs", "fuse.curlftpfs", "fuse.smbnetfs", "fuse.gcsfuse", "virtiofs", "vboxsf", "vmhgfs",
        "fuse.vmhgfs-fuse", "prl_fs", "drvfs",
    )
)  # fmt: skip
"""File systems on which locks or shared memory of SQLite do not hold, by Linux' names (sqlite.org/howtocorrupt.html § 2.1)."""
FLEETING = frozenset(("tmpfs", "ramfs", "devtmpfs"))
"""They are empty after the next start."""
CLOUD = (
    "dropbox", "onedrive", "google drive", "googledrive", "my drive", "icloud drive", "icloudrive", "mobile documents",
    "nextcloud", "owncloud", "magentacloud", "hidrive", "seafile", "syncthing", "box sync", "pcloud", "tresorit", "megasync",
)  # fmt: skip
"""Words of folders that another program copies into the cloud while we write: half a database, and patients' data outside."""
MARKS = (".dropbox", ".owncloudsync.log", ".sync_log.db", ".stfolder", "desktop.ini.onedrive")
"""Files by which such programs know their folder."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What compacting would bring and cost. Bytes and seconds; `reason` says why it is not proposed: small, no_space, empty."""

    gain: int
    gain_percent: int
    after: int
    extra: int
    stall_s: float
    proposed: bool
    reason: str = ""


def estimate(size: int, free: int, unused: int, disk_free: int) -> Estimate:
    """From the bytes of the database, of its free pages, of what is unused in the others, and of the disk."""
    used = max(0, size - free)
    loose = max(0, unused - int(used * USUAL_UNUSED))
    gain = min(size, free + loose)
    after = size - gain
    percent = gain * 100 // size if size else 0
    reason = ""
    if percent <= GAIN_PERCENT or gain < LEAST_GAIN:
        reason = "small"
    elif disk_free < SPACE_TIMES * size:
        reason = "no_space"
    return Estimate(gain, percent, after, 2 * after, round(after / VACUUM_SPEED, 1), not reason, reason)


def move_stall_s(size: int) -> float:
    """So long writers wait at the end of a move, roughly. Seconds."""
    return round(0.1 + size / COMPARE_SPEED, 1)


def mounted(mounts: str, path: str) -> tuple[str, str]:
    """Kind of the file system and its place, for an absolute path without links, by the text of `/proc/mounts` (proc(5)).

    ("", "") where the table does not say. The last line of the longest place counts: it lies on top.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = _plain(fields[1])
        if is_below(path, place) and len(place) >= len(best):
            best, kind = place, fields[2]
    return kind, best


def _plain(text: str) -> str:
    for code, letter in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(code, letter)
    return text


def is_below(path: str, folder: str) -> bool:
    """Is it this folder, or does it lie in it? Absolute paths as on Linux."""
    top = folder.rstrip("/")
    return path == top or path.startswith(top + "/")


def is_share(path: str) -> bool:
    """A share by its name: `\\\\server\\share` (UNC), also in the long form; `//server/share` on Windows is the same."""
    text = path.replace("/", "\\")
    if text.upper().startswith("\\\\?\\UNC\\"):
        return True
    return text.startswith("\\\\") and not text.startswith(("\\\\?\\", "\\\\.\\"))


def cloud(path: str) -> str | None:
    """The folder's name in this path that belongs to a program that copies into the cloud; None if none does."""
    for part in path.replace("\\", "/").split("/"):
        low = part.casefold()
        if any(low == word or low.startswith((word + " ", word + "-", word + "(")) for word in CLOUD):
            return part
    return None


def differing(ours: Mapping[str, tuple[int, str]], theirs: Mapping[str, tuple[int, str]]) -> list[str]:
    """Tables whose count of rows or digest is not the same on both sides, by name."""
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
