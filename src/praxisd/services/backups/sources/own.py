"""praxisd's own data: its database, and beside it what a new computer needs to go on with it.

Configuration, vault key, licence files, the practice's own product files, INI pairs of the ServiceProvider, trust in updates,
and a list of versions and plug-ins (which come back as updates, SPEC 6). Everything in the data folder counts that is not
named in `_NOT`: what a later version keeps there is not forgotten.
"""

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd import __version__
from praxisd.kernel import database_at, installation, migrations
from praxisd.kernel.engines import Postgres as PostgresEngine
from praxisd.kernel.engines import Sqlite as SqliteEngine
from praxisd.kernel.errors import Problem
from praxisd.kernel.vault import Vault
from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.source import Source, SourceFault, Staged
from praxisd.services.backups.sources import hashing, places
from praxisd.services.backups.sources.reading import Moved, read
from praxisd.services.backups.sources.sqlite import Sqlite
from praxisd.services.backups.sources.walking import walk

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_NOT = ("run", "log", "logs", "backups", "sandbox", "care", database_at.POINTER)
"""What of the data folder is of the moment, of this computer alone, or holds copies itself."""
_FETCHED = ("plugins", "updates")
"""Here lie programs that can be fetched again: only what is known about them is kept."""
_COPIED_ONLINE = ("log.db",)
"""Databases in use that lie beside praxisd's own (the logbook): copied as SQLite copies, not as files."""
_BESIDE = ("-wal", "-shm")
_TRIES = 3
VAULT, INSTALLATION = "vault.key", "installation.json"
COPIED = "copied.json"
"""Lies in the copied data folder: `{"at": epoch second}`. Whoever makes a data folder of it by hand takes it along, and the first
start knows that its data are old (`restoring.after`). Every other way back leaves it out.
"""


def own_sources(house: "House", *, pieces_from: int | None = None) -> tuple[Source, ...]:
    """The database of this house, and what belongs to it. Names „praxisd database“ and „praxisd“.

    `pieces_from`: from so many bytes on, SQLite is handed on as pieces (`sources.pieces`). None: always whole.
    """
    engine = house.store.engine
    database: Source
    if isinstance(engine, PostgresEngine):
        from praxisd.services.backups.sources.postgres import (
            Postgres,
        )  # a start on SQLite need not wait for it

        database = Postgres("praxisd database", engine.url.render_as_string(hide_password=False))
    else:
        database = Sqlite("praxisd database", engine.path, pieces_from=pieces_from)
    return database, own(house)


def own(house: "House") -> "Own":
    """What belongs to this house beside its database."""
    elsewhere = {}
    with contextlib.suppress(OSError):
        elsewhere["praxisd.toml"] = Path((house.folder / "run" / "config").read_text(encoding="utf-8"))
    if house.config.vault_key:
        elsewhere[VAULT] = Path(house.config.vault_key)
    if house.config.updates_root:
        elsewhere["updates_root.json"] = Path(house.config.updates_root)
    engine = house.store.engine
    database = engine.path if isinstance(engine, SqliteEngine) else None
    return Own("praxisd", house.folder, facts(house), elsewhere=elsewhere, database=database)


def facts(house: "House") -> dict[str, Any]:
    """Versions, schema, plug-ins: what a restore must find again, or fetch."""
    found = installation.facts(house)
    return {
        "instance": found.instance,
        "praxisd": __version__,
        "python": platform.python_version(),
        "engine": house.store.engine.name,
        "schema": sorted(migrations.applied(house.store)),
        "plugins": [msgspec.to_builtins(one) for one in found.plugins],
    }


class Own:
    """`elsewhere` are files outside of the data folder by the name they get; `database` is left to its own source."""

    kind = "own"

    def __init__(
        self,
        name: str,
        folder: Path,
        facts: Mapping[str, Any],
        *,
        elsewhere: Mapping[str, Path] | None = None,
        database: Path | None = None,
    ) -> None:
        self.name = name
        self._folder = folder.absolute()
        self._facts = dict(facts)
        self._elsewhere = dict(elsewhere or {})
        self._database = None if database is None else database.absolute()

    def refuse(self) -> SourceFault | None:
        """NOT_THERE without the data folder or the vault's key: without it nothing sealed can be opened again."""
        key = self._elsewhere.get(VAULT, self._folder / VAULT)
        return None if key.is_file() else SourceFault(source.NOT_THERE, VAULT)

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """Below `folder`: `data/` as it lies in the data folder, `elsewhere/`, `installation.json`."""
        fault = self.refuse()
        if fault is not None:
            raise fault
        top = folder.absolute()
        hashes: dict[str, str] = {}
        try:
            wanted = dict(self._wanted(top, stop))
            whole, done = sum(one.lstat().st_size for one in wanted.values()), 0
            places.room(folder, whole)
            for there, one in wanted.items():
                there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if one.name in _COPIED_ONLINE and there.parent == top / "data":
                    hashes[str(there)] = _copied_online(one, there, stop)
                else:
                    hashes[str(there)] = _copied(one, there, stop)
                done += there.stat().st_size
                progress(min(done, whole), whole)
            marked = top / "data" / COPIED
            marked.parent.mkdir(mode=0o700, exist_ok=True)
            marked.write_text(json.dumps({"at": int(time.time())}), "utf-8")
            places.private(marked)
            hashes[str(marked)] = hashing.digest(marked, stop)
            told = top / INSTALLATION
            told.write_text(json.dumps(self._facts, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
            places.private(told)
            hashes[str(told)] = hashing.digest(told, stop)
        except OSError as error:
            raise places.fault(error) from None
        found = {"praxisd": str(self._facts.get("praxisd", "")), "files": str(len(wanted))}
        return Staged(tuple(sorted(top.iterdir())), {"files": len(hashes)}, hashes, found)

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """Nothing: it is a copy of ours."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """Each file to the byte, their number, and whether the vault's key can be read."""
        found = places.changed(folder, staged.hashes)
        if any(one.endswith(": outside") for one in found):
            return found
        there = [places.restored(folder, one) for one in staged.hashes]
        found += places.compared(staged.counts, {"files": sum(one.is_file() for one in there)})
        for key in there:
            if key.name == VAULT and key.is_file():
                try:
                    Vault(key, create=False)
                except (Problem, OSError):
                    found.append(f"{VAULT}: cannot be read")
        return found

    def _wanted(self, top: Path, stop: Stop) -> Iterator[tuple[Path, Path]]:
        """Where each goes, and where it is."""
        for path in sorted(_files(self._folder, stop)):
            below = path.relative_to(self._folder)
            if not self._left_out(below):
                yield top / "data" / below, path.resolve()
        for name, one in self._elsewhere.items():
            if not one.absolute().is_relative_to(self._folder):
                yield top / "elsewhere" / name, one.resolve()

    def _left_out(self, below: Path) -> bool:
        first, deep = below.parts[0], len(below.parts)
        if first in _FETCHED:
            return deep > 3 or below.suffix != ".json"
        is_database = deep == 1 and first.startswith(
            database_at.FILE
        )  # also one that was moved away, and is kept
        if self._database is not None:
            here = (self._folder / below).resolve()
            real = self._database.resolve()
            is_database |= here.parent == real.parent and here.name.startswith(real.name)
        is_beside = deep == 1 and any(first == f"{name}{end}" for name in _COPIED_ONLINE for end in _BESIDE)
        return first in _NOT or is_database or is_beside or below == Path(COPIED)


def _files(folder: Path, stop: Stop) -> Iterator[Path]:
    """All files in it, also those of folders that a link leads to: what lies on another disk belongs to it all the same.

    Each real folder is looked through once, so that links in a circle end.
    """
    seen = {os.path.realpath(folder)}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        found = walk(here, (), stop, unseen=_NOT if here == folder else ())
        yield from map(Path, found.files)
        seen.update(os.path.realpath(one) for one in found.folders)
        for one in sorted(found.links):
            if os.path.isfile(one):
                yield Path(one)
            elif os.path.isdir(one) and (real := os.path.realpath(one)) not in seen:
                seen.add(real)
                waiting.append(Path(one))


def _copied_online(one: Path, there: Path, stop: Stop) -> str:
    """A database in use as of one moment, its write-ahead log taken in, and the digest of the copy. SourceFault."""
    Sqlite(one.name, one).stage(there.parent, progress=lambda _done, _whole: None, stop=stop)
    return hashing.digest(there, stop)


def _copied(one: Path, there: Path, stop: Stop) -> str:
    """Copied and its digest; what is written meanwhile is read again. SourceFault NOT_WHOLE, REFUSED."""
    for _ in range(_TRIES):
        try:
            return read(str(one), os.stat(one), str(there), stop)
        except Moved as moved:
            if moved.code == "unreadable":
                raise SourceFault(source.REFUSED, places.printable(one.name)) from None
    raise SourceFault(source.NOT_WHOLE, places.printable(one.name), retry=True)
