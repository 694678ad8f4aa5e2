"""Where plug-ins that came as signed elements lie, apart from the program and its libraries (SPEC 6.4).

    DIR/plugins/<name>/<version>/   an unpacked wheel
    DIR/plugins/<name>/current.json {"version", "previous", "at"}
    DIR/plugins/<name>/off.json     {"version", "reason", "detail", "by": "praxisd" | "person", "at"}: it is not loaded
    DIR/plugins/loading.json        {"name", "version", "tries"}: it is being imported at this moment

Nothing here imports a plug-in (that is `plugin_loading`), so this works whatever is wrong with one.
"""

import re
import shutil
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from praxisd_guard.durable import discard, move, put_json, read_json, sync_tree

GROUP = "praxisd.services"
"""The entry point group whose objects are Services, of installed packages and of these."""
PERSON, PROGRAM = "person", "praxisd"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,62}")
MOST_BYTES, MOST_ENTRIES = 1 << 30, 50_000
"""Of an unpacked wheel."""
_DETAIL = 300


@dataclass(frozen=True)
class Off:
    """Why a plug-in is not loaded. `reason`: import, declaration, start, ended, person, missing; `at` epoch seconds."""

    version: str
    reason: str
    detail: str
    by: str
    at: int


@dataclass(frozen=True)
class Place:
    """One plug-in: its version in use, that before it (None if there is none), and why it is off (None: it is on)."""

    name: str
    version: str
    previous: str | None
    folder: Path
    off: Off | None


def root(data: Path) -> Path:
    """The folder of all plug-ins."""
    return data / "plugins"


def put(data: Path, name: str, version: str, wheel: Path) -> None:
    """Unpack a verified wheel and make it the version that the next start loads; a plug-in that was off is on again.

    The version before it stays, older ones go. ValueError for names that may not be folders and for what is no wheel with
    a service of praxisd (zipfile.BadZipFile is one too); OSError. What was in use before stays so then.
    """
    if not _NAME.fullmatch(name) or not _good(version):
        raise ValueError(f"not a plug-in's name and version: {name!r} {version!r}")
    mine = root(data) / name
    mine.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = mine / f".new-{version}"
    discard(fresh)
    try:
        _unpack(wheel, fresh)
        if not any(_offers(one) for one in fresh.glob("*.dist-info/entry_points.txt")):
            raise ValueError(f"{wheel.name} brings no entry point of {GROUP}")
        sync_tree(fresh)
    except BaseException:
        discard(fresh)
        raise
    before = read_json(mine / "current.json") or {}
    discard(mine / version)
    move(fresh, mine / version)
    previous = before.get("previous") if before.get("version") == version else before.get("version")
    put_json(mine / "current.json", {"version": version, "previous": previous, "at": int(time.time())})
    (mine / "off.json").unlink(missing_ok=True)
    for old in mine.iterdir():
        if old.is_dir() and old.name not in (version, previous):
            discard(old)


def _good(version: str) -> bool:
    return (
        _VERSION.fullmatch(version) is not None
        and ".." not in version
        and not version.endswith((".", ".json"))
    )


def _offers(file: Path) -> bool:
    return f"[{GROUP}]" in [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]


def _unpack(wheel: Path, into: Path) -> None:
    """Files only, below `into` only."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = archive.infolist()
            if len(found) > MOST_ENTRIES or sum(one.file_size for one in found) > MOST_BYTES:
                raise ValueError("too large")
            for one in found:
                path = PurePosixPath(one.filename)
                link = (one.external_attr >> 16) & 0o170000 == 0o120000
                if path.is_absolute() or ".." in path.parts or "\\" in one.filename or link:
                    raise ValueError(f"not a path of a wheel: {one.filename!r}")
                if one.is_dir():
                    continue
                target = into / path
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with archive.open(one) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, RuntimeError, EOFError) as error:
        raise ValueError(f"not a wheel: {type(error).__name__}") from None


def places(data: Path) -> list[Place]:
    """All plug-ins that were put here, by name."""
    try:
        names = sorted(one.name for one in root(data).iterdir() if one.is_dir() and _NAME.fullmatch(one.name))
    except FileNotFoundError:
        return []
    return [found for found in (place(data, name) for name in names) if found is not None]


def place(data: Path, name: str) -> Place | None:
    """One of them; None where there is none of this name."""
    if not _NAME.fullmatch(name):
        return None
    mine = root(data) / name
    said = read_json(mine / "current.json")
    version = said.get("version") if said else None
    if said is None or not isinstance(version, str) or not _good(version):
        return None
    off = _off(mine / "off.json", version)
    folder = mine / version
    if off is None and not folder.is_dir():
        off = Off(version, "missing", "", PROGRAM, int(said.get("at") or 0))
    previous = said.get("previous")
    return Place(name, version, previous if isinstance(previous, str) else None, folder, off)


def _off(file: Path, version: str) -> Off | None:
    """A file that cannot be read (written by root, for a server that is not) says what it says by being there."""
    if not file.exists():
        return None
    said: dict[str, Any] = read_json(file) or {"version": version, "reason": PERSON, "by": PERSON}
    version, reason, detail, by = (str(said.get(one, "")) for one in ("version", "reason", "detail", "by"))
    at = said.get("at")
    return Off(version, reason, detail, by, at if isinstance(at, int) else 0)


def switch_off(data: Path, one: Place, reason: str, detail: str = "", by: str = PROGRAM) -> Off:
    """It is not loaded any more, from the next start on. On a disk that takes no more it stays on."""
    off = Off(one.version, reason, " ".join(detail.split())[:_DETAIL], by, int(time.time()))
    file = root(data) / one.name / "off.json"
    try:
        put_json(file, vars(off))
    except OSError:
        return off
    return off


def switch_on(data: Path, one: Place) -> None:
    """The next start loads it."""
    (root(data) / one.name / "off.json").unlink(missing_ok=True)


def remove(data: Path, one: Place) -> None:
    """Its files go; what it keeps in the database stays."""
    discard(root(data) / one.name)


class Loading:
    """The note that one is being imported: what is found of it at the next start tells of a plug-in that ended the program.

    Twice in a row, not once: the computer may have been switched off at that very moment.
    """

    TRIES = 2

    def __init__(self, data: Path) -> None:
        self._file = root(data) / "loading.json"
        self._left = read_json(self._file) or {}

    def ended_by(self, one: Place) -> bool:
        """True if the program ended in its import the last times."""
        return self._same(one) and self._tries >= self.TRIES

    def begin(self, one: Place) -> None:
        """It is imported now."""
        tries = self._tries + 1 if self._same(one) else 1
        try:
            put_json(self._file, {"name": one.name, "version": one.version, "tries": tries})
        except OSError:
            return  # a full disk: the guard counts all the same, and safe mode loads none

    def done(self) -> None:
        """It is imported, or has failed in order."""
        self._file.unlink(missing_ok=True)

    def _same(self, one: Place) -> bool:
        return (self._left.get("name"), self._left.get("version")) == (one.name, one.version)

    @property
    def _tries(self) -> int:
        tries = self._left.get("tries")
        return tries if isinstance(tries, int) else 0
