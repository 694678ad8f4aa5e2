"""Where media show up, and the targets that are always there: what a person said of them."""

import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Drive
from praxisd.services.backups import store
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupDrive"
PATH, OWN, TAKEN, FIXED, USED, PASSWORD = (
    "backups.drive_path",
    "backups.drive_own_folder",
    "backups.drive_taken",
    "backups.drive_slot",
    "backups.drive_used",
    "backups.drive_password",
)
ADDRESS, IN_SOURCE = "backups.drive_address", "backups.drive_in_source"
CODES = (PATH, OWN, TAKEN, FIXED, USED, PASSWORD, ADDRESS, IN_SOURCE)
ADDED, CHANGED, REMOVED = "backup_drive.added", "backup_drive.changed", "backup_drive.removed"
ALWAYS = {"nas": "nas", "remote": "remote", "folder": "folder"}
"""The slot of what is always there, by its kind."""
_REMOTE = ("sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PASSWORD = re.compile(r"//[^/@\s]*:[^/@\s]+@")
"""A password in an address, as in `rest:https://practice:secret@example.com/`."""
_URL = re.compile(r"(?:[a-z]+:)?//")
_NAME = re.compile(r"[^-\s][^\s]*")
"""Accounts and servers in an address: none begins with „-“, which ssh and rclone would take for an option of theirs."""


def drives(tx: Tx) -> list[Drive]:
    """All of them, the first entered first."""
    return sorted(store.DRIVE.all(tx), key=lambda one: one.id)


def here(house: "House", tx: Tx) -> list[Drive]:
    """Those that this computer can look at."""
    return [one for one in drives(tx) if is_here(house, one)]


def is_here(house: "House", drive: Drive) -> bool:
    """Of several computers on one database: is it at this one?"""
    return house.store.alone or not drive.host or drive.host == diagnosis.own_host()


def get(tx: Tx, id_: str) -> Drive | None:
    """The drive of this id."""
    return store.DRIVE.get(tx, id_) if id_ else None


def seen_mounted(tx: Tx, drive: Drive) -> None:
    """A file system of its own was seen in it: while there is none, nothing is in it."""
    if not drive.mounted:
        store.DRIVE.put(tx, drive.id, msgspec.structs.replace(drive, mounted=True), at=tx.now)


def need(tx: Tx, id_: str) -> Drive:
    """The drive, or Problem `http.not_found`."""
    found = get(tx, id_)
    if found is None:
        raise not_found(SUBJECT)
    return found


def is_address(path: str) -> bool:
    """True for an address that only the engine understands."""
    return path.startswith(_REMOTE)


def add(house: "House", tx: Tx, said: dict[str, Any]) -> Drive:
    """One more, `placed` before. Problems (422) of `CODES`."""
    drive = checked(house, tx, Drive(id=new_id(), host=diagnosis.own_host(), **said))
    store.DRIVE.put(tx, drive.id, drive, at=tx.now)
    events.note(tx, ADDED, SUBJECT, drive.id, kind=drive.kind)
    return drive


def change(house: "House", tx: Tx, id_: str, said: dict[str, Any]) -> Drive:
    """What a person says of it now, `placed` before. Problems `http.not_found` and (422) of `CODES`."""
    before = need(tx, id_)
    after = msgspec.structs.replace(before, **said)
    if after.path != before.path:
        after = msgspec.structs.replace(after, host=diagnosis.own_host(), mounted=False)
    after = checked(house, tx, after)
    fields = tuple(one for one in after.__struct_fields__ if getattr(after, one) != getattr(before, one))
    if fields:
        store.DRIVE.put(tx, id_, after, at=tx.now)
        events.note(tx, CHANGED, SUBJECT, id_, fields=fields, kind=after.kind)
    return after


def remove(tx: Tx, id_: str) -> None:
    """Take it off the list; nothing on any medium is touched. Problem `http.not_found`; `backups.drive_used` (409) while
    the copies of a target that is always there are known by it.
    """
    drive = need(tx, id_)
    mine = [one for one in store.MEDIUM.all(tx) if one.drive == id_ and not one.medium.retired]
    if any(one.medium.kind != "removable" for one in mine):
        raise Problem(USED, 409, label=drive.label)
    store.DRIVE.remove(tx, id_)
    events.note(tx, REMOVED, SUBJECT, id_, kind=drive.kind)


def placed(house: "House", path: str) -> None:
    """Problem OWN (422) for a folder in the data folder, or around it. Asks the disk: never inside a transaction."""
    whole = path.strip()
    if not is_address(whole) and _absolute(whole) and _inside(house.folder, whole):
        raise Problem(OWN, 422)


def checked(house: "House", tx: Tx, drive: Drive) -> Drive:
    """The drive if it can be used. Its slot follows from its kind. Problems (422) of `CODES`."""
    path = drive.path.strip()
    drive = msgspec.structs.replace(
        drive, path=path, label=" ".join(drive.label.split()), slot=ALWAYS.get(drive.kind, "")
    )
    if is_address(path):
        if drive.kind != "remote":
            raise Problem(FIXED, 422)
        if not _whole(path):
            raise Problem(ADDRESS, 422)
        if _PASSWORD.search(path):
            raise Problem(PASSWORD, 422)
    elif not _absolute(path):
        raise Problem(PATH, 422)
    for other in drives(tx):
        if other.id == drive.id or (other.host != drive.host and not house.store.alone):
            continue
        same_slot = bool(drive.slot) and other.slot == drive.slot
        if same_slot or _same(other.path, path) or other.label.casefold() == drive.label.casefold():
            raise Problem(TAKEN, 422, label=other.label)
    return drive


def _whole(address: str) -> bool:
    """Does it name a server, and in such a way that no program takes a part of it for an option?"""
    rest = address.partition(":")[2]
    url = _URL.match(rest)
    names = rest[url.end() :].partition("/")[0] if url else re.split("[:/]", rest)[0]
    return not _CONTROL.search(address) and all(_NAME.fullmatch(one) for one in names.split("@"))


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def _inside(folder: Path, path: str) -> bool:
    """Is it in the data folder, or is the data folder in it?"""
    ours, theirs = os.path.realpath(folder), os.path.realpath(path)
    try:
        return os.path.commonpath([ours, theirs]) in (ours, theirs)
    except ValueError:  # on another drive of Windows
        return False


def _same(one: str, other: str) -> bool:
    if is_address(one) or is_address(other):
        return one.rstrip("/") == other.rstrip("/")
    return os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))
