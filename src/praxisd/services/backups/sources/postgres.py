"""PostgreSQL, praxisd's own or another program's: `pg_dump -Fc -Z0`, which a deduplicating store keeps small (notes § A2).

The dump and the rows it is compared with are of one moment: both read the snapshot of one transaction. Address and password
go to the programs by their environment. The dump is read through before it is handed on.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources import hashing, places, running
from praxisd.services.backups.sources.postgres_programs import (
    alien,
    environment,
    fitting,
    libpq,
    program,
    version,
)

CONNECT_S = 10
LIMIT_S = 6 * 3600.0
LOCK_WAIT_S = 120
"""So long the dump waits for a table that somebody is changing the shape of; it then gives up instead of standing in a queue."""
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
"""
_LISTED = re.compile(r"^\d+; \d+ \d+ TABLE DATA (.+)$", re.MULTILINE)
_LIST = 64 << 20
"""Longest list of contents. Bytes."""


class Postgres:
    """One database. `url` as SQLAlchemy or libpq has it; `expected` is the size of the last dump, for the progress.

    `scratch`: an address of a server on which a database may be made for the proof and dropped again.
    """

    kind = "postgres"

    def __init__(
        self, name: str, url: str, *, scratch: str | None = None, expected: int = 0, limit_s: float = LIMIT_S
    ) -> None:
        self.name = name
        self._url = url
        self._proof = scratch
        self._expected = expected
        self._limit_s = limit_s

    @property
    def _conninfo(self) -> str:
        """Where the database is. SourceFault REFUSED."""
        return libpq(self._url)

    @property
    def _scratch(self) -> str | None:
        """Where a proof may make one, likewise."""
        return None if self._proof is None else libpq(self._proof)

    def __repr__(self) -> str:
        return f"Postgres({self.name!r})"

    def refuse(self) -> SourceFault | None:
        """REFUSED for an address that is none; PROGRAM without pg_dump. The server is not asked."""
        try:
            environment(self._conninfo)
            fitting(0)
        except SourceFault as fault:
            return fault
        return None

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """A dump as of one moment, and the rows of that moment."""
        dump = folder.absolute() / f"{places.file_name(self.name)}.dump"
        try:
            with closing(_connected(self._conninfo)) as db:
                major = db.info.server_version // 10_000
                programs = fitting(major)
                db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                db.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                db.execute("SET LOCAL statement_timeout = 0")
                moment = str(_one(db, "SELECT pg_export_snapshot()"))
                tables = [(str(a), str(b)) for a, b in db.execute(_TABLES)]
                size = int(_one(db, "SELECT pg_database_size(current_database())"))
                places.room(folder, self._expected or size)
                with _Rows(db, tables) as rows:
                    self._dumped(programs, dump, moment, progress, stop)
                    counts = rows.counts(stop)
                facts = {
                    "server": str(_one(db, "SHOW server_version")),
                    "pg_dump": ".".join(map(str, version(program(programs, "pg_dump")))),
                    "encoding": str(_one(db, "SHOW server_encoding")),
                }
            places.private(dump)
            self._read_through(programs, dump, stop)
            missing = _missing(_names(tables), programs, dump)
            if missing:
                raise SourceFault(source.NOT_WHOLE, f"{len(missing)} tables are not in the dump")
            whole = dump.stat().st_size
            progress(whole, whole)
            return Staged((dump,), counts, {str(dump): hashing.digest(dump, stop)}, facts)
        except psycopg.Error as error:
            raise fault(error) from None
        except OSError as error:
            raise places.fault(error) from None

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """Nothing: it is a copy of ours."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """The file to the byte, its list of contents, and where a scratch server is allowed the rows after a real restore."""
        found = places.changed(folder, staged.hashes)
        for path in staged.paths:
            try:
                back = places.inside(folder, path)
            except places.Outside:
                found.append(f"{places.printable(str(path))}: outside")
                continue
            if not back.is_file():
                continue
            try:
                programs = fitting(int(staged.facts.get("pg_dump", "0").partition(".")[0] or 0))
                missing = _missing(staged.counts, programs, back)
                found.extend(f"{places.printable(one)}: missing" for one in missing)
                if self._scratch is not None and not found:
                    found.extend(places.compared(staged.counts, self._restored(programs, back)))
            except SourceFault as fault:
                found.append(f"{back.name}: {fault.code} {fault.detail}".rstrip())
            except psycopg.Error as error:
                found.append(f"{back.name}: {error.sqlstate or type(error).__name__}")
        return found

    def _dumped(self, programs: Path, dump: Path, moment: str, progress: Progress, stop: Stop) -> None:
        def look() -> None:
            done = dump.stat().st_size if dump.exists() else 0
            progress(done, max(self._expected, done) if self._expected else 0)

        ended = running.run(
            [
                str(program(programs, "pg_dump")), "--format=custom", "--compress=0", "--no-password",
                f"--snapshot={moment}", f"--lock-wait-timeout={LOCK_WAIT_S}s", f"--file={dump}",
            ],
            limit_s=self._limit_s, stop=stop, env=_env(self._conninfo), beat=look, gentle=True,
        )  # fmt: skip
        if ended.code:
            raise _complaint(ended.said, f"pg_dump ended with {ended.code}")

    @staticmethod
    def _read_through(programs: Path, dump: Path, stop: Stop) -> None:
        """Every byte of it, as a restore would."""
        ended = running.run(
            [str(program(programs, "pg_restore")), f"--file={os.devnull}", str(dump)],
            limit_s=LIMIT_S, stop=stop, env=alien(), gentle=True,
        )  # fmt: skip
        if ended.code:
            raise SourceFault(source.NOT_WHOLE, f"pg_restore ended with {ended.code}")

    def _restored(self, programs: Path, dump: Path) -> dict[str, int]:
        """Rows by table in a database made of the dump; it is gone afterwards."""
        from praxisd.services.backups.sources import postgres_scratch

        with postgres_scratch.empty(self._proof or "") as name:
            _restore(programs, dump, self._scratch or "", f"--dbname={name}")
            with closing(_connected(self._scratch or "", dbname=name)) as db:
                return rows(db)


class _Rows:
    """Counts the rows while the dump is made, in the same moment. `counts` waits for it."""

    def __init__(self, db: psycopg.Connection[Any], tables: list[tuple[str, str]]) -> None:
        self._db = db
        self._tables = tables
        self._found: dict[str, int] = {}
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._count, name="praxisd-source-rows", daemon=True)
        self._thread.start()

    def _count(self) -> None:
        try:
            for (schema, table), name in zip(self._tables, _names(self._tables), strict=True):
                asked = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
                self._found[name] = int(_one(self._db, asked))
        except Exception as error:  # handed on to whoever waits
            self._error = error

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._thread.is_alive():
            with suppress(psycopg.Error):
                self._db.cancel()
            self._thread.join(CONNECT_S)

    def counts(self, stop: Stop) -> dict[str, int]:
        while self._thread.is_alive():
            places.stopped(stop)
            self._thread.join(0.1)
        if self._error is not None:
            raise self._error
        return self._found


@contextmanager
def opened(url: str) -> Iterator[psycopg.Connection[Any]]:
    """The database at this address, as SQLAlchemy or libpq has it. SourceFault for what it refuses."""
    try:
        with closing(_connected(libpq(url))) as db:
            yield db
    except psycopg.Error as error:
        raise fault(error) from None


def rows(db: psycopg.Connection[Any]) -> dict[str, int]:
    """Rows by table, named as in `Staged.counts`."""
    tables = [(str(a), str(b)) for a, b in db.execute(_TABLES)]
    return _Rows(db, tables).counts(lambda: False)


def restore(dump: Path, url: str, facts: Mapping[str, str]) -> None:
    """Bring a dump into an empty database: all of it, or nothing. `facts`: those of its manifest. SourceFault."""
    conninfo = libpq(url)
    programs = fitting(int(facts.get("pg_dump", "0").partition(".")[0] or 0))
    name = environment(conninfo).get("PGDATABASE")
    if name is None:
        raise SourceFault(source.REFUSED, "address")
    _restore(programs, dump, conninfo, "--single-transaction", f"--dbname={name}")


def _restore(programs: Path, dump: Path, conninfo: str, *more: str) -> None:
    ended = running.run(
        [
            str(program(programs, "pg_restore")), "--no-owner", "--no-privileges", "--exit-on-error",
            "--no-password", *more, str(dump),
        ],
        limit_s=LIMIT_S, stop=lambda: False, env=_env(conninfo), gentle=True,
    )  # fmt: skip
    if ended.code:
        raise _complaint(ended.said, f"pg_restore ended with {ended.code}")


def _connected(conninfo: str, **more: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo, connect_timeout=CONNECT_S, application_name="praxisd-backup", **more)


def _one(db: psycopg.Connection[Any], asked: Any) -> Any:
    row = db.execute(asked).fetchone()
    return None if row is None else row[0]


def _names(tables: list[tuple[str, str]]) -> list[str]:
    return [f"{schema} {table}" for schema, table in tables]


def _missing(names: Iterable[str], programs: Path, dump: Path) -> list[str]:
    """Tables whose rows are not in a dump. Its list names schema, table and owner, line ends in them as blanks."""
    ended = running.run(
        [str(program(programs, "pg_restore")), "--list", str(dump)],
        limit_s=600.0, stop=lambda: False, env=alien(), kept=_LIST,
    )  # fmt: skip
    if ended.code:
        raise SourceFault(source.NOT_WHOLE, f"pg_restore --list ended with {ended.code}")
    listed = _LISTED.findall(ended.said)
    exact = {one.rpartition(" ")[0] for one in listed}
    wanted = {name: re.sub(r"[\r\n]", " ", name) for name in names}
    return [
        name
        for name, shown in wanted.items()
        if shown not in exact and not any(one.startswith(shown + " ") for one in listed)
    ]


def _env(conninfo: str) -> dict[str, str | None]:
    """English, so that what it complains of can be told apart; nothing of another server's."""
    return {**alien(), **environment(conninfo), "LC_ALL": "C", "PGCONNECT_TIMEOUT": str(CONNECT_S)}


def fault(error: psycopg.Error) -> SourceFault:
    """What it means, by the class of its state; what the server says may hold data."""
    state = error.sqlstate or ""
    if state.startswith("28") or state in ("42501", "3D000"):
        return SourceFault(source.REFUSED, state)
    if not state and isinstance(error, psycopg.OperationalError):
        return _complaint(str(error), type(error).__name__)
    return SourceFault(source.NOT_WHOLE, state or type(error).__name__, retry=True)


def _complaint(said: str, detail: str) -> SourceFault:
    """What a program says, which is none of the things that could be told on: only which kind it is."""
    if "server version mismatch" in said:
        return SourceFault(source.PROGRAM, detail)
    if "No space left" in said:
        return SourceFault(source.NO_SPACE, detail)
    if re.search(r"FATAL|permission denied|keine Berechtigung|password|fe_sendauth|does not exist", said):
        return SourceFault(source.REFUSED, detail, retry=True)
    if re.search(r"connection|Verbindung|timeout|could not translate|resolve", said):
        return SourceFault(source.NOT_THERE, detail, retry=True)
    return SourceFault(source.NOT_WHOLE, detail, retry=True)
