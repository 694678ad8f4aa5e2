"""A package that a permitted program brings (SPEC 6.3): a small signed repository in a ZIP file, `metadata/` and `targets/`.

It is verified as if it were fetched from the source, by the same trust and the same rules, and waits like a download. What
is not signed, or not announced, leaves no trace.
"""

import errno
import shutil
import stat
import threading
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.updates import downloading, places, store, trusting, words
from praxisd_guard.faults import TrustFault
from praxisd_guard.sources import FolderSource, is_repository

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd_guard.trust import Trust
    from praxisd_guard.trust_offers import Offer

ENTRIES_MOST = 5_000
INSIDE = ("metadata/", "targets/")
MOST_BYTES = 4_000_000_000
"""What a pushed file may hold unpacked. Bytes."""
_CHUNK = 1 << 20
_one_at_a_time = threading.Lock()


def malformed() -> Problem:
    """What was sent is no such file."""
    return Problem("updates.push_malformed", 422)


def take(house: "House", actor: Actor, file: Path) -> list[str]:
    """Verify what is in a pushed file; ids of the packages that wait now. Problems: `updates.push_malformed`,
    `updates.push_empty`, `updates.no_root`, and those of the trust layer.
    """
    with _one_at_a_time:
        for left in places.folder(house, "incoming").iterdir():  # by a server that was killed
            shutil.rmtree(left, ignore_errors=True)
        room = places.folder(house, "incoming", new_id())
        try:
            _unpack(file, room)
            if not is_repository(room):
                raise malformed()
            return _verified(house, actor, room)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _verified(house: "House", actor: Actor, room: Path) -> list[str]:
    with trusting.looking(house, FolderSource(room)) as trust:
        trust.refresh()
        found = _inside(trust, room)
        if not found:
            raise Problem("updates.push_empty", 422)
        return [_one(house, actor, trust, offer) for offer in found]


def _inside(trust: "Trust", room: Path) -> list["Offer"]:
    """The announced versions whose files were brought along."""
    brought = {path.name.partition(".")[2] for path in (room / "targets").rglob("*") if path.is_file()}
    found = []
    for element in trust.elements():
        try:
            offers = trust.offers(element.name)
        except TrustFault as fault:
            if fault.code != "not_found":
                raise
            continue  # an element whose list was not brought along
        found += [one for one in offers if one.target.rpartition("/")[2] in brought]
    return found


def _one(house: "House", actor: Actor, trust: "Trust", offer: "Offer") -> str:
    elements = [one for one in trust.elements() if one.name == offer.element]

    def note(tx: object) -> str:
        trusting.note_elements(tx, elements)  # type: ignore[arg-type]
        before = store.package_of(tx, offer.element, offer.version)  # type: ignore[arg-type]
        return trusting.note_offer(tx, offer, before, "push")  # type: ignore[arg-type]

    id_ = house.store.run(actor, note)
    with house.store.read(actor) as tx:
        row = store.package(tx, id_)
    if row is not None and row.state not in ("waiting", "ordered", "installed", "rolled_back"):
        downloading.fetch(house, actor, trust, offer, id_, event="update.pushed")
    return id_


def _unpack(file: Path, room: Path) -> None:
    """Only plain files below `metadata/` and `targets/`, so many and so long at most."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MOST or sum(one.file_size for one in entries) > MOST_BYTES:
                raise malformed()
            for one in entries:
                if not one.is_dir():
                    _entry(archive, one, room)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError, KeyError):
        raise malformed() from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise words.problem("no_space", retry=True) from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG):
            raise malformed() from None  # the same name twice, or a file as a folder
        raise


def _entry(archive: zipfile.ZipFile, one: zipfile.ZipInfo, room: Path) -> None:
    name, kind = one.filename, stat.S_IFMT(one.external_attr >> 16)
    parts = name.split("/")
    plain = kind in (0, stat.S_IFREG) and "\\" not in name and ":" not in name and name.isprintable()
    if not plain or not name.startswith(INSIDE) or any(part in ("", ".", "..") for part in parts):
        raise malformed()
    into = room.joinpath(*parts)
    into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    left = one.file_size
    with archive.open(one) as packed, into.open("xb") as plain_file:
        while piece := packed.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                raise malformed()
            plain_file.write(piece)
