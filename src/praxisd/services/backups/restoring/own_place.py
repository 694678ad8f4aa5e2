"""praxisd's own data out of a state, laid beside, proven, and made ready for the exchange at the next start (SPEC 8.5).

Needs no house (see `exchange`). The configuration file stays the one of this computer: it says where the database lies and on
which address the server listens. The state's own can be given back into a folder.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel import database_at, moved
from praxisd.kernel.errors import Problem
from praxisd.services.backups.engine import Engine, Progress, Repo, Snapshot, Stop
from praxisd.services.backups.restoring import exchange, manifest
from praxisd.services.backups.restoring.exchange import Exchange
from praxisd.services.backups.restoring.manifest import Manifest, Part
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.own import COPIED, Own
from praxisd.services.backups.sources.sqlite import Sqlite
from praxisd_guard.durable import discard, sync_tree

DATABASE, BESIDE = "praxisd database", "praxisd"
"""Names of the two sources of praxisd's own data (`sources.own.own_sources`)."""
CONFIG, VAULT, INSTALLATION = "praxisd.toml", "vault.key", "installation.json"
ABSENT, OTHER_KIND, DIFFERS, NEWER = (
    "backups.restore_own_missing", "backups.restore_other_database", "backups.restore_differs", "backups.restore_newer",
)  # fmt: skip
CODES = (ABSENT, OTHER_KIND, DIFFERS, NEWER)
_LEFT = (
    "run",
    "log",
    "logs",
    "backups",
    "sandbox",
    CONFIG,
    VAULT,
    COPIED,
    moved.MARK,
    database_at.POINTER,
    "care",
)
_PIECEWISE = ("plugins", "updates")
"""Here a state holds only what is known of programs, not the programs: file by file, beside what is there."""


@dataclass(frozen=True)
class Here:
    """What is to be exchanged on this computer: the data folder, the database file (None: a PostgreSQL), the vault's key
    where the configuration names one, and how far this program's schema is: service → revision.
    """

    folder: Path
    database: Path | None
    vault: Path | None = None
    heads: Mapping[str, str] = field(default_factory=dict)


def ready(
    here: Here,
    engine: Engine,
    repo: Repo,
    snapshot: Snapshot,
    *,
    by: str,
    now: int,
    progress: Progress,
    stop: Stop,
) -> Exchange:
    """Bring praxisd's own data of this state beside, prove them, and note the exchange for the next start.

    Problems (409): `backups.exchange_pending`, those of `CODES`, `backups.restore_no_manifest`; EngineFault.
    """
    exchange.free(here.folder)
    told = manifest.read(engine, repo, snapshot, here.folder / "backups" / "scratch", stop)
    database, beside = _parts(here, told)
    new = exchange.room(here.folder) / exchange.NEW
    discard(new)
    new.mkdir(mode=0o700, parents=True)
    try:
        paths = [manifest.listed(one) for one in (*database.paths, *beside.paths)]
        back = engine.restore(repo, snapshot.id, new, only=paths, progress=progress, stop=stop)
        if back.named:
            raise Problem(DIFFERS, 409, count=len(back.named))
        differ = _strange(new, database, beside) or _differences(new, database, beside)
        if differ:
            raise Problem(DIFFERS, 409, count=len(differ))
        _not_newer(here, new, beside)
        sync_tree(new)
        aside = exchange.before(here.folder, now)
        dump = None if here.database else places.restored(new, _file(database))
        return exchange.prepare(
            here.folder,
            Exchange(
                id=snapshot.id[:16], kind="restore", phase="ready", by=by, at=now, taken=snapshot.at, before=aside,
                items=exchange.items_of(here.folder, aside, list(_pairs(here, new, database, beside))),
                dump=None if dump is None else str(dump.absolute().relative_to(here.folder.absolute())),
                saved=None if dump is None else f"backups/{aside}/database.dump",
            ),
        )  # fmt: skip
    except BaseException:
        last = exchange.known(here.folder)
        if last is None or last.phase not in ("ready", *exchange.UNDERWAY):
            discard(new)
        raise


def _parts(here: Here, told: Manifest) -> tuple[Part, Part]:
    database, beside = told.part(DATABASE), told.part(BESIDE)
    if database is None or beside is None or not (database.paths and database.hashes):
        raise Problem(ABSENT, 409)
    wanted = "postgres" if here.database is None else "sqlite"
    if database.kind != wanted:
        raise Problem(OTHER_KIND, 409, kind=database.kind)
    return database, beside


def _file(database: Part) -> str:
    """The database itself; it may lie in the state as pieces, which the proof joins (`sources.pieces`)."""
    return next(iter(database.hashes))


def _strange(new: Path, *parts: Part) -> list[str]:
    """What none of ours would hold: a link, anywhere, or a path that leads out. A state by others may hold them."""
    found = [str(one) for one in new.rglob("*") if one.is_symlink()]
    for path in (path for part in parts for path in (*part.paths, *part.hashes)):
        try:
            places.inside(new, path)
        except places.Outside:
            found.append(path)
    return found


def _differences(new: Path, database: Part, beside: Part) -> list[str]:
    """What is not as the manifest says: bytes, SQLite's own check, rows; of a dump its list of contents."""
    if database.kind == "sqlite":
        found = Sqlite(DATABASE, new).proven(new, database.staged())
    else:
        from praxisd.services.backups.sources.postgres import Postgres

        found = Postgres(DATABASE, "").proven(new, database.staged())
    return found + Own(BESIDE, new, {}).proven(new, beside.staged())


def _not_newer(here: Here, new: Path, beside: Part) -> None:
    """NEWER (409) for a database that this program cannot work with: it was made by a later one."""
    told = [one for one in beside.hashes if Path(one).name == INSTALLATION]
    facts: dict[str, Any] = {}
    for one in told:
        facts = msgspec.json.decode(places.restored(new, one).read_bytes(), type=dict[str, Any])
    # What belongs to a service that is not here stays as it is: only revisions of those that are count.
    for one in map(str, facts.get("schema", ())):
        service, _, number = one.rpartition("_")
        known = here.heads.get(service, "").rpartition("_")[2]
        if known.isdigit() and number.isdigit() and int(number) > int(known):
            raise Problem(NEWER, 409, version=str(facts.get("praxisd", "?")))


def _pairs(here: Here, new: Path, database: Part, beside: Part) -> Iterator[tuple[Path | None, Path]]:
    """What comes in which place; the companions of the database file first, which belong to the old one."""
    if here.database is not None:
        for end in ("-wal", "-shm", "-journal"):
            yield None, here.database.with_name(here.database.name + end)
        yield places.restored(new, _file(database)), here.database
    tops = [places.restored(new, one) for one in beside.paths]
    keys = [one / VAULT for one in tops if (one / VAULT).is_file()]
    yield from ((one, here.vault or here.folder / VAULT) for one in keys[:1])
    for top in (one for one in tops if one.name == "data" and one.is_dir()):
        for one in sorted(top.iterdir()):
            if one.name in _PIECEWISE and one.is_dir():
                files = sorted(path for path in one.rglob("*") if path.is_file())
                yield from ((path, here.folder / path.relative_to(top)) for path in files)
            elif one.name not in _LEFT:
                yield one, here.folder / one.name
