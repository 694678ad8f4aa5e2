"""The ZIP file of a push, read in the order in which it earns trust: names, then metadata and lists, then what is announced.

Nothing of a package is written to the disk before its bytes, read inside the archive, have the signed hash.
"""

import errno
import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd_guard import resume
from praxisd_guard.faults import ENDLESS, NO_SPACE, TAMPERED, TrustFault

if TYPE_CHECKING:
    from praxisd_guard.trust_offers import Offer

ENTRIES_MOST = 5_000
INSIDE = ("metadata/", "targets/")
MOST_BYTES = 4_000_000_000
"""What a pushed file may hold unpacked. Bytes."""
FIRST_MOST_BYTES = 100_000_000
"""What its metadata and lists may hold unpacked: they are read before anybody knows who signed them. Bytes."""
_CHUNK = 1 << 20


def malformed() -> Problem:
    """What was sent is no such file."""
    return Problem("updates.push_malformed", 422)


@contextmanager
def reading() -> Iterator[None]:
    """What a bad archive brings about, in words: `updates.push_malformed`; TrustFault `no_space` for a full disk."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError, KeyError):
        raise malformed() from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TrustFault(NO_SPACE) from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG):
            raise malformed() from None  # a file as a folder, a name too long for the disk
        raise


class Pushed:
    """An open archive, and the folder where what is needed of it is put: a repository as far as it has been unpacked."""

    def __init__(self, archive: zipfile.ZipFile, room: Path) -> None:
        """Only plain files below `metadata/` and `targets/`, each once, so many and so long at most; else Problem."""
        self.archive, self.room = archive, room
        entries = [one for one in archive.infolist() if not one.is_dir()]
        self._entries = {one.filename: one for one in entries}
        too_much = len(entries) > ENTRIES_MOST or sum(one.file_size for one in entries) > MOST_BYTES
        if too_much or len(self._entries) != len(entries) or not all(_plain(one) for one in entries):
            raise malformed()

    def unpack_first(self) -> None:
        """Metadata and lists: what is needed to learn what is announced. Problem, TrustFault `no_space`."""
        first = [one for name, one in self._entries.items() if _is_first(name)]
        needed = sum(one.file_size for one in first)
        if needed > FIRST_MOST_BYTES:
            raise malformed()
        resume.room(self.room, needed)
        for one in first:
            self._unpack(one)

    def brought(self, offer: "Offer") -> bool:
        """Did the file of an announced version come along?"""
        return self._of(offer) is not None

    def verify(self, offer: "Offer") -> None:
        """Raise TrustFault unless the file of a version, as it lies in the archive, is the signed one. Nothing is written."""
        one = self._entry(offer)
        if one.file_size > offer.length:
            raise TrustFault(ENDLESS, file=offer.target, length=offer.length)
        found = hashlib.sha256()
        for piece in self._pieces(one):
            found.update(piece)
        if found.hexdigest() != offer.sha256:
            raise TrustFault(TAMPERED, file=offer.target)

    @contextmanager
    def unpacked(self, offer: "Offer") -> Iterator[None]:
        """The file of a version, and patches that lead to it, in the folder; gone afterwards. TrustFault `no_space`."""
        found = [self._entry(offer), *self._patches(offer)]
        # Beside what is unpacked here the package itself must find room, packed and as it is used.
        own = offer.length + (offer.plain_size if offer.unpacked_sha256 else 0)
        resume.room(self.room, sum(one.file_size for one in found) + own)
        try:
            for one in found:
                self._unpack(one)
            yield
        finally:
            for one in found:
                self.room.joinpath(one.filename).unlink(missing_ok=True)

    def _entry(self, offer: "Offer") -> zipfile.ZipInfo:
        found = self._of(offer)
        if found is None:
            raise malformed()
        return found

    def _of(self, offer: "Offer") -> zipfile.ZipInfo | None:
        folder, _, name = f"targets/{offer.target}".rpartition("/")
        exact = self._entries.get(f"{folder}/{offer.sha256}.{name}")
        return exact if exact is not None else next(iter(self._named(offer.target)), None)

    def _patches(self, offer: "Offer") -> list[zipfile.ZipInfo]:
        """Its patches, as far as they came along; one longer than the file itself would be of no use."""
        named = (self._named(one.target) for one in offer.patches)
        return [found[0] for found in named if len(found) == 1 and found[0].file_size <= offer.plain_size]

    def _named(self, target: str) -> list[zipfile.ZipInfo]:
        """Entries `targets/<folder>/<hash>.<name>` of a target."""
        folder, _, name = f"targets/{target}".rpartition("/")
        split = ((path.rpartition("/"), one) for path, one in self._entries.items())
        return [one for (place, _, file), one in split if place == folder and file.partition(".")[2] == name]

    def _unpack(self, one: zipfile.ZipInfo) -> None:
        into = self.room.joinpath(*one.filename.split("/"))
        with reading():
            into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with into.open("xb") as plain:
                for piece in self._pieces(one):
                    plain.write(piece)

    def _pieces(self, one: zipfile.ZipInfo) -> Iterator[bytes]:
        """Its bytes, never more than its announced length."""
        left = one.file_size
        with reading(), self.archive.open(one) as packed:
            while piece := packed.read(_CHUNK):
                left -= len(piece)
                if left < 0:
                    raise malformed()
                yield piece


def _is_first(name: str) -> bool:
    return name.startswith("metadata/") or name.endswith(("catalog.json", "index.json"))


def _plain(one: zipfile.ZipInfo) -> bool:
    name, kind = one.filename, stat.S_IFMT(one.external_attr >> 16)
    usual = kind in (0, stat.S_IFREG) and "\\" not in name and ":" not in name and name.isprintable()
    return usual and name.startswith(INSIDE) and not any(part in ("", ".", "..") for part in name.split("/"))
