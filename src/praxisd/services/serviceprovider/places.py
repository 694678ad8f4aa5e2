r"""Where the files of a ServiceProvider lie, and what they are: folders found as Windows would, versions of programs.

Names are compared without upper and lower case, and `\` separates as `/` does, so that a folder of a Windows computer is
found too where it is mounted on another system.
"""

import errno
import mmap
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

from praxisd.services.serviceprovider import ini
from praxisd.services.serviceprovider.seen import File, Side

VENDOR = "medatixx GmbH & Co. KG"
DEFAULTS = (rf"C:\Program Files (x86)\{VENDOR}", rf"C:\Program Files\{VENDOR}", rf"C:\ProgramData\{VENDOR}")
"""Where the vendor installs (seed 003); the last is the other half."""
PREFIX = "ServiceProvider_"
NAME = "ServiceProvider.ini"
NAMES = (NAME, "service-provider.ini")
MOST_BYTES = 100_000
"""A file of this kind has some hundred bytes."""
MOST_FOLDERS = 200
_PE_MOST = 300_000_000
_versions: dict[tuple[str, int, int], str] = {}


def parts(path: str) -> list[str]:
    """The names of a path, whichever way it is written."""
    return [one for one in re.split(r"[\\/]", path) if one]


def inside(folder: Path, relative: str) -> Path:
    """A path below a folder, with the names as they are written there; as given from where nothing of that name is."""
    found = folder
    for name in parts(relative):
        found = _entry(found, name) or found / name
    return found


def _entry(folder: Path, name: str) -> Path | None:
    exact = folder / name
    with suppress(OSError):
        if exact.exists():
            return exact
        folded = name.casefold()
        return next((one for one in folder.iterdir() if one.name.casefold() == folded), None)
    return None


def local(path: str) -> Path | None:
    r"""A path of this computer; None for what cannot be one here (`C:\…` on another system than Windows)."""
    if os.name != "nt" and (PureWindowsPath(path).drive or "\\" in path):
        return None
    return Path(path) if path else None


def top_folder(data_folder: str, data_path: str) -> str:
    r"""The top folder of a practice software, where the data folder below it (`DeData`) was given instead."""
    below, tail = parts(data_folder), parts(data_path)
    if not tail or [one.casefold() for one in below[-len(tail) :]] != [one.casefold() for one in tail]:
        return data_folder
    found = data_folder.rstrip("\\/")
    for name in reversed(tail):
        found = found[: -len(name)].rstrip("\\/")
    return found


def joined(folder: str, relative: str) -> str:
    """A path below a folder, written as the folder is."""
    sign = "\\" if "\\" in folder or PureWindowsPath(folder).drive else "/"
    return sign.join([folder.rstrip("\\/"), *parts(relative)]) if relative else folder


def read_file(side: Side, path: Path) -> File:
    """One of the two files. A file without the section that counts is not readable, unless nothing is in it."""
    shown = str(path)
    try:
        if path.is_symlink():
            return File(side, shown, "unreadable", why="link")
        data = content(path)
        if len(data) > MOST_BYTES:
            return File(side, shown, "unreadable", why="too_large")
    except FileNotFoundError:
        return File(side, shown, "missing")
    except PermissionError:
        return File(side, shown, "unreadable", why="denied")
    except OSError:
        return File(side, shown, "unreadable", why="failed")
    found = ini.read(data)
    if found.head() is None and any(one.kind != "blank" for one in found.lines):
        return File(side, shown, "unreadable", found, "no_section")
    return File(side, shown, "read", found)


def content(path: Path) -> bytes:
    """The first MOST_BYTES + 1 bytes of a file; OSError for what is none."""
    with opened(path) as file:
        return file.read(MOST_BYTES + 1)


def opened(path: Path) -> BinaryIO:
    """A regular file, open to be read. OSError for all else: a pipe waits for ever, a link may lead anywhere."""
    _regular(path.lstat())
    flags = sum(
        getattr(os, name, 0) for name in ("O_RDONLY", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
    )
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _regular(os.fstat(file.fileno()))  # it may have been put in the other's place meanwhile
    except OSError:
        file.close()
        raise
    return file


def _regular(known: os.stat_result) -> None:
    if not stat.S_ISREG(known.st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def ini_in(folder: Path) -> Path:
    """The INI file of a folder; under its usual name where there is none."""
    for name in NAMES:
        found = _entry(folder, name)
        if found is not None:
            return found
    return folder / NAME


def roots(program_folder: str) -> list[Path]:
    """The folders that hold installations: those named (and the ProgramData beside them), else the vendor's usual ones.

    `program_folder` may also be one installation itself.
    """
    named = [program_folder] if program_folder else list(DEFAULTS)
    found = [one for one in map(local, named) if one is not None]
    if program_folder and found:
        if found[0].name.casefold().startswith(PREFIX.casefold()):
            found = [found[0].parent]
        beside = _beside(found[0])
        found += [beside] if beside is not None else []
    return found


def _beside(root: Path) -> Path | None:
    if not root.parent.name.casefold().startswith("program files"):
        return None
    found = inside(root.parent.parent, f"ProgramData/{root.name}")
    return found if found.is_dir() else None


def is_program_data(root: Path) -> bool:
    """True for the other half of an installation."""
    return "programdata" in [one.casefold() for one in root.parts]


def installed(root: Path) -> Iterator[tuple[Path, str]]:
    """The installations in a folder: each with the second part of its name, the identifier."""
    try:
        entries = sorted(root.iterdir())[:MOST_FOLDERS]
    except OSError:
        return
    for one in entries:
        if one.name.casefold().startswith(PREFIX.casefold()) and one.is_dir():
            yield one, one.name[len(PREFIX) :]


def program_version(folder: Path, named: str = "") -> str:
    """The version of the provider's program in a folder: of the one the service names, else of the newest; "" unknown."""
    chosen = [folder / parts(named)[-1]] if named and (folder / parts(named)[-1]).is_file() else []
    if not chosen:
        with suppress(OSError):
            chosen = [
                one
                for one in folder.iterdir()
                if one.suffix.casefold() == ".exe"
                and "serviceprovider" in one.stem.casefold().replace("-", "")
            ]
    told = [version for version in map(file_version, chosen) if version]
    return max(told, key=lambda one: [int(n) for n in one.split(".")], default="")


def file_version(path: Path) -> str:
    """FileVersion of a Windows program, `a.b.c.d`; "" if it has none or cannot be read."""
    try:
        known = path.lstat()
    except OSError:
        return ""
    if not stat.S_ISREG(known.st_mode) or known.st_size > _PE_MOST:
        return ""
    mark = (str(path), known.st_mtime_ns, known.st_size)
    if mark not in _versions:
        if len(_versions) > MOST_FOLDERS:
            _versions.clear()
        _versions[mark] = _file_version(path)
    return _versions[mark]


def _file_version(path: Path) -> str:
    import pefile  # type: ignore[import-untyped]

    try:
        # Mapped by us: a file that pefile opens itself costs a collection of all garbage when it is closed.
        with opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            program = pefile.PE(data=data, fast_load=True)
            program.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]])
            fixed = getattr(program, "VS_FIXEDFILEINFO", [])
            if not fixed:
                return ""
            high, low = fixed[0].FileVersionMS, fixed[0].FileVersionLS
            return ".".join(str(one) for one in (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF))
    except (pefile.PEFormatError, OSError, ValueError, AttributeError, BufferError):
        return ""
