"""Reading a package that comes from outside: looked at as a whole before the first byte of it is written anywhere."""

import re
import stat
import zipfile
import zlib
from pathlib import Path

from praxisd_guard.durable import sync_folder, sync_tree
from praxisd_guard.package import Facts, Unreadable, decoded

MOST_BYTES = 1024 * 1024 * 1024
MOST_ENTRIES = 50_000
_FACTS_BYTES = 64 * 1024
_TOPS = ("program/", "wheels/")
_FILES = ("package.json", "requirements.txt")
_PART = re.compile(r"[^\\:*?\"<>|\x00-\x1f/]{1,200}")
"""One step of a path that every operating system takes as a plain name."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_CHUNK = 1024 * 1024


def read(file: Path) -> Facts:
    """The facts of a package whose list of contents is in order; Unreadable, OSError."""
    with _opened(file) as archive:
        _looked_at(archive)
        return _facts(archive)


def size(file: Path) -> int:
    """How many bytes it says it has when unpacked; Unreadable."""
    with _opened(file) as archive:
        return sum(entry.file_size for entry in _looked_at(archive))


def has_wheels(file: Path) -> bool:
    """True where it brings its own libraries; Unreadable."""
    with _opened(file) as archive:
        names = [entry.filename for entry in _looked_at(archive)]
        return "requirements.txt" in names and any(name.startswith("wheels/") for name in names)


def unpack(file: Path, into: Path) -> Facts:
    """Unpack into a folder that does not exist yet; when this returns, all of it is on the disk.

    Unreadable for absolute paths, `..`, links, names another system would read differently, more than 1 GiB or
    50,000 entries, and content that is not what the list says. OSError, as with a full disk. What was written
    until then stays for the caller to remove.
    """
    with _opened(file) as archive:
        entries = _looked_at(archive)
        facts = _facts(archive)
        into.mkdir(mode=0o700, parents=True)
        for entry in entries:
            target = into.joinpath(*entry.filename.split("/"))
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(archive, entry, target)
        sync_tree(into)
    sync_folder(into.parent)
    return facts


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    left = entry.file_size
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise Unreadable(f"longer than it says: {entry.filename}")
                file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise Unreadable(f"{entry.filename}: {error}") from None
    if left:
        raise Unreadable(f"shorter than it says: {entry.filename}")


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, RuntimeError) as error:
        raise Unreadable(str(error) or "not a zip") from None


def _looked_at(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Unreadable(f"more than {MOST_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise Unreadable(f"more than {MOST_BYTES} bytes")
    seen: set[str] = set()
    for entry in entries:
        _judge(entry)
        key = entry.filename.casefold()
        if key in seen:
            raise Unreadable(f"twice: {entry.filename}")
        seen.add(key)
    if "package.json" not in seen or "program/praxisd/__main__.py" not in seen:
        raise Unreadable("no package.json or no program")
    return entries


def _judge(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.is_dir():
        raise Unreadable(f"not a file: {name}")
    if entry.flag_bits & 1:
        raise Unreadable(f"encrypted: {name}")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(f"packed in an unknown way: {name}")
    parts = name.split("/")
    if entry.orig_filename != name or not all(_plain(part) for part in parts) or len(name) > 400:
        raise Unreadable(f"a path that leads elsewhere: {name[:200]!r}")
    if name not in _FILES and not name.startswith(_TOPS):
        raise Unreadable(f"does not belong into a package: {name}")


def _plain(part: str) -> bool:
    return (
        _PART.fullmatch(part) is not None
        and part not in (".", "..")
        and not part.endswith((".", " "))
        and _RESERVED.fullmatch(part) is None
    )


def _facts(archive: zipfile.ZipFile) -> Facts:
    entry = archive.getinfo("package.json")
    if entry.file_size > _FACTS_BYTES:
        raise Unreadable("package.json is too long")
    try:
        return decoded(archive.read(entry))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Unreadable(str(error)) from None
