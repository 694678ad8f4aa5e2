"""What is copied besides praxisd's own data, and what a person left out, each with its reason.

Passwords and the environment of commands are sealed in the vault before they are kept.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.plans import drives, planning
from praxisd.services.backups.plans.source_specs import (
    SPECS,
    CommandSpec,
    FoldersSpec,
    PostgresSpec,
    SqliteSpec,
)
from praxisd.services.backups.source import Source, SourceFault, Staged
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.live import MAGIC

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupSource"
OWN_NAMES = ("praxisd database", "praxisd")
PURPOSE = "backups.source"
INCLUDED, LEFT_OUT, REMOVED = "backup_source.included", "backup_source.excluded", "backup_source.removed"
NAME, BAD, LOOP = "backups.source_name", "backups.source_bad", "backups.source_loop"
REASON, OTHER_KIND = "backups.reason_missing", "backups.source_kind"
CODES = (NAME, BAD, LOOP, REASON, OTHER_KIND)
LONGEST = 80


def sources(house: "House") -> list[Source]:
    """All that a run copies: praxisd's own two first, then the others in the order in which they were entered.

    Made anew for each run. One that cannot be made is there too, and refuses: it does not keep the others from being copied.
    Asks the disk: never inside a transaction.
    """
    with house.store.read(planning.SYSTEM) as tx:
        every = kept(tx)
    return [*own(house), *(_made(house, one) for one in every if one.kind != "excluded")]


def own(house: "House") -> tuple[Source, ...]:
    """praxisd's own: its database, and all that belongs to it."""
    from praxisd.services.backups.sources import pieces
    from praxisd.services.backups.sources.own import own_sources

    return own_sources(house, pieces_from=pieces.SMALLEST)


def get(tx: Tx, name: str) -> SourceKept | None:
    """What was said of it."""
    return store.SOURCE.get(tx, name)


def kept(tx: Tx) -> list[SourceKept]:
    """What persons have said, the first first: what is copied too, and what is left out."""
    return store.SOURCE.all(tx)


def excluded(tx: Tx) -> list[SourceKept]:
    """What is left out on purpose."""
    return [one for one in kept(tx) if one.kind == "excluded"]


def include(house: "House", tx: Tx, said: SourceKept) -> SourceKept:
    """Copy this too, from the next run on; in place of what bears its name. `spec` as `source_specs` has it; a new `secret`
    in it is sealed, without one the sealed one before stays. `placed` before. Problems (422) of `CODES`.
    """
    before = store.SOURCE.get(tx, said.name)
    one = checked(tx, sealed(house, said, before))
    store.SOURCE.put(tx, one.name, one, at=_place(tx, before))
    events.note(tx, INCLUDED, SUBJECT, _ref(one.name), kind=one.kind)
    return one


def exclude(tx: Tx, name: str, reason: str, by: str, spec: Mapping[str, Any] | None = None) -> SourceKept:
    """Leave this out on purpose: no plan covers it, and a person says why. Problems (422) of `CODES`."""
    why = " ".join(reason.split())
    if not why:
        raise Problem(REASON, 422)
    before = store.SOURCE.get(tx, name)
    one = checked(tx, SourceKept(name, "excluded", dict(spec or {}), why[:500], by, tx.now))
    store.SOURCE.put(tx, name, one, at=_place(tx, before))
    events.note(tx, LEFT_OUT, SUBJECT, _ref(name))
    return one


def remove(tx: Tx, name: str) -> None:
    """Forget what was said of it: it is copied no more, or left out no more. Problem `http.not_found`."""
    if store.SOURCE.get(tx, name) is None:
        raise not_found(SUBJECT)
    store.SOURCE.remove(tx, name)
    events.note(tx, REMOVED, SUBJECT, _ref(name))


def need(tx: Tx, name: str) -> SourceKept:
    """What was said of it, or Problem `http.not_found`."""
    found = get(tx, name)
    if found is None:
        raise not_found(SUBJECT)
    return found


def checked(tx: Tx, one: SourceKept) -> SourceKept:
    """The same if it can be kept: a name of its own, and a spec that is whole."""
    name = one.name
    plain = " ".join(name.split()) == name and name.isprintable() and "/" not in name and "\\" not in name
    if not plain or not 1 <= len(name) <= LONGEST:
        raise Problem(NAME, 422)
    others = [*OWN_NAMES, *(other.name for other in kept(tx) if other.name != name)]
    if _folded(name) in map(_folded, others):
        raise Problem(NAME, 422)
    if one.kind == "excluded":
        return one
    found = spec(one)
    if isinstance(found, FoldersSpec | SqliteSpec) and not os.path.isabs(found.path):
        raise Problem(BAD, 422, detail="path")
    return one


def placed(house: "House", one: SourceKept) -> None:
    """Problem LOOP (422) where it would copy the copies, or praxisd's own. Asks the disk: never inside a transaction."""
    found = spec(one)
    if not isinstance(found, FoldersSpec | SqliteSpec):
        return
    with house.store.read(planning.SYSTEM) as tx:
        targets = [drive.path for drive in drives.drives(tx) if not drives.is_address(drive.path)]
    for there in map(os.path.realpath, (str(house.folder), *targets)):
        if _holds(there, found.path) or (isinstance(found, FoldersSpec) and _holds(found.path, there)):
            raise Problem(LOOP, 422)


def clear_of(house: "House", path: str) -> None:
    """Problem `backups.drive_in_source` (422) {name} for a drive in a folder that is copied, or around what is copied: the
    other way round than `placed`. Asks the disk: never inside a transaction.
    """
    if drives.is_address(path.strip()):
        return
    with house.store.read(planning.SYSTEM) as tx:
        every = kept(tx)
    for one in every:
        there = str(one.spec.get("path", "")) if one.kind in ("folders", "sqlite") else ""
        if there and (_holds(path.strip(), there) or (one.kind == "folders" and _holds(there, path.strip()))):
            raise Problem(drives.IN_SOURCE, 422, name=one.name)


def spec(one: SourceKept) -> Any:
    """What its adapter takes, as a struct. Problem `backups.source_bad` (422); its detail names the field."""
    try:
        return msgspec.convert({k: v for k, v in one.spec.items() if k != "sealed"}, SPECS[one.kind])
    except msgspec.ValidationError as error:
        raise Problem(BAD, 422, detail=str(error)) from None


def sealed(house: "House", said: SourceKept, before: SourceKept | None) -> SourceKept:
    """With its secret sealed; without one, that of the same kind before it is kept."""
    given = dict(said.spec)
    secret = given.pop("secret", None)
    given.pop("sealed", None)
    if secret:
        text = secret if isinstance(secret, str) else msgspec.json.encode(secret).decode()
        given["sealed"] = house.vault.seal(PURPOSE, INSTALLATION, text.encode())
    elif before is not None and before.kind == said.kind and "sealed" in before.spec:
        given["sealed"] = before.spec["sealed"]
    return msgspec.structs.replace(said, spec=given)


def has_secret(one: SourceKept) -> bool:
    """Is a password or an environment kept with it?"""
    return "sealed" in one.spec


class Unmade:
    """A source that was entered and for which there is no adapter now, with why."""

    kind = "unmade"

    def __init__(self, name: str, fault: SourceFault) -> None:
        self.name = name
        self._fault = fault

    def refuse(self) -> SourceFault | None:
        """Why there is none."""
        return self._fault

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """Brings nothing: SourceFault."""
        raise self._fault

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """Nothing was brought."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """To the byte, as for one that is no longer in the plan."""
        return places.changed(folder, staged.hashes)


def _made(house: "House", one: SourceKept) -> Source:
    try:
        return made(house, one)
    except SourceFault as fault:
        return Unmade(one.name, fault)


def made(house: "House", one: SourceKept) -> Source:
    """The adapter of what was said. SourceFault if the vault cannot open what is sealed, or the spec is not valid any more."""
    try:
        return _adapter(house, one, spec(one), _secret(house, one))
    except Problem as problem:
        raise SourceFault(problem.code, str(problem.detail or "")) from None


def _adapter(house: "House", one: SourceKept, found: Any, secret: str) -> Source:
    if isinstance(found, FoldersSpec):
        return _folders(house, one.name, found)
    if isinstance(found, SqliteSpec):
        from praxisd.services.backups.sources.sqlite import Sqlite

        return Sqlite(one.name, Path(found.path))
    if isinstance(found, PostgresSpec):
        from praxisd.services.backups.sources.postgres import Postgres

        return Postgres(one.name, _url(found, found.database, secret), scratch=_scratch(found, secret))
    if isinstance(found, CommandSpec):
        from praxisd.services.backups.sources.command import Command

        env = msgspec.json.decode(secret, type=dict[str, str]) if secret else {}
        return Command(
            one.name, found.args, found.files, check=found.check, env=env, limit_s=found.limit_minutes * 60.0
        )
    raise Problem(BAD, 422, detail=one.kind)


def refused(house: "House", one: SourceKept) -> SourceFault | None:
    """Why it cannot be copied as it is set up, or None. Looks at the disk: outside of any transaction."""
    try:
        adapter = made(house, one)
        return SourceFault(OTHER_KIND) if _is_other(spec(one)) else adapter.refuse()
    except SourceFault as fault:
        return fault


def _is_other(found: Any) -> bool:
    """A file where a folder should be, or what is no SQLite database where one should be."""
    if isinstance(found, FoldersSpec):
        return os.path.isfile(found.path)
    if not isinstance(found, SqliteSpec):
        return False
    try:
        with open(found.path, "rb") as file:
            head = file.read(len(MAGIC))
    except IsADirectoryError:
        return True
    except OSError:
        return False
    return head not in (MAGIC, b"")


def _folders(house: "House", name: str, found: FoldersSpec) -> Source:
    from praxisd.services.backups.sources.folders import Folders
    from praxisd.services.backups.sources.quiet import Window

    top, window = house.folder / "backups", None
    if found.window is not None:
        read = Path(found.window.read) if found.window.read else None
        window = Window(found.window.begin, found.window.end, read=read, marks=top / "quiet")
    memory = top / "digests" / f"{places.file_name(name)}.db"
    return Folders(name, _itself(found.path), without=found.without, window=window, memory=memory)


def _itself(path: str) -> Path:
    """The folder that a link leads to: of the link, the engine would keep the link alone and no file."""
    plain = os.path.abspath(path)
    try:
        seen = os.lstat(plain)
    except OSError:
        return Path(plain)
    junction = getattr(seen, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
    return Path(os.path.realpath(plain) if junction or stat.S_ISLNK(seen.st_mode) else plain)


def _secret(house: "House", one: SourceKept) -> str:
    text = one.spec.get("sealed")
    return house.vault.open(PURPOSE, INSTALLATION, text).decode() if isinstance(text, str) else ""


def _url(found: PostgresSpec, database: str, secret: str) -> str:
    who = quote(found.user, safe="") + (f":{quote(secret, safe='')}" if secret else "")
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"postgresql://{who}@{host}:{found.port}/{quote(database, safe='')}"


def _scratch(found: PostgresSpec, secret: str) -> str | None:
    return _url(found, "postgres", secret) if found.prove else None


def _place(tx: Tx, before: SourceKept | None) -> int:
    """One that is changed stays where it stands in the list."""
    return tx.now if before is None else before.at


def _ref(name: str) -> str:
    """How events name it: names are words of people."""
    return places.file_name(name)


def _folded(name: str) -> str:
    return places.file_name(name).casefold()


def _holds(top: str, path: str) -> bool:
    """Does `path` lie in `top`, or is it that?"""
    real, inner = os.path.realpath(top), os.path.realpath(path)
    try:
        return os.path.commonpath([real, inner]) == real
    except ValueError:
        return False
