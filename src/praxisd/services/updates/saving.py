"""A copy of the database before an update, whole as of one moment, made while all others go on working.

Nothing is ever set back from it by itself (SPEC 6.3): it is for people, should a new version have done harm.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.engines import Postgres, sqlite_file
from praxisd.kernel.errors import Problem
from praxisd.services.updates import places

if TYPE_CHECKING:
    from praxisd.kernel.app import House

RESERVE = 64_000_000
"""So many bytes stay free beside the copy."""
_PAGES = 2_000
"""Pages copied at a time; other connections are let in between."""
KEPT_DAYS = 30
"""A copy is deleted after so long: it holds what has been erased from the database since."""
_DAY_S = 86_400
_MADE = re.compile(r"-(\d{8}T\d{6}Z)")
DUMP_S = 1_800.0
"""So long a dump of PostgreSQL may take. Seconds."""


def _failed(reason: str) -> Problem:
    return Problem("updates.no_copy", 409, reason=reason)


def save(house: "House", version: str) -> Path:
    """Copy the database to `DIR/updates/saved/before-<version>-<time>…` and check the copy; Problem `updates.no_copy` (409)."""
    moment = datetime.fromtimestamp(house.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = places.folder(house, "saved")
    file = sqlite_file(house.config.database_url, house.folder)
    name = f"before-{version}-{moment}.{'sqlite' if file is not None else 'dump'}"
    into = places.free_name(folder, name) if file is not None else folder / name
    try:
        if file is not None:
            _sqlite(file, into)
        else:
            _postgres(house, into)
        into.chmod(0o600)
        places.sync(into)
        places.sync(folder)
    except BaseException as error:
        into.unlink(missing_ok=True)
        if isinstance(error, OSError | sqlite3.Error):
            raise _failed(type(error).__name__) from None
        raise
    return into


def drop_old(house: "House") -> None:
    """Delete copies older than KEPT_DAYS. One that cannot be deleted is tried again the next time."""
    before = house.clock.now() - KEPT_DAYS * _DAY_S
    folder = house.folder / "updates" / "saved"
    for file in folder.iterdir() if folder.is_dir() else ():
        try:
            if file.is_file() and _made(file) < before:
                file.unlink()
        except OSError as error:
            house.log.error("updates_copy_stays", error=error)


def _made(file: Path) -> float:
    """When a copy was made: its name says so, else its last change does. Epoch seconds."""
    found = _MADE.search(file.name)
    if found is not None:
        try:
            return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:  # no moment after all
            pass
    return file.stat().st_mtime


def _sqlite(file: Path, into: Path) -> None:
    """SQLite's online backup, inside one read transaction: writers neither wait nor make it begin anew."""
    if shutil.disk_usage(into.parent).free < file.stat().st_size + RESERVE:
        raise _failed("no_space")
    os.close(os.open(into, os.O_CREAT | os.O_WRONLY, 0o600))
    source = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        target = sqlite3.connect(into, isolation_level=None)
        try:
            source.backup(target, pages=_PAGES, sleep=0.001)
            target.execute("PRAGMA journal_mode=DELETE")
            if target.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise _failed("quick_check")
        finally:
            target.close()
    finally:
        source.close()


def _postgres(house: "House", into: Path) -> None:
    """`pg_dump`, if it is on this computer; who it connects as goes by the environment, where no list of processes shows it."""
    program = shutil.which("pg_dump")
    if program is None:
        raise _failed("pg_dump")
    engine = house.store.engine
    if not isinstance(engine, Postgres):
        raise _failed("pg_dump")
    url = engine.url
    asked = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": None if url.port is None else str(url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        **{f"PG{key.upper()}": url.query.get(key) for key in ("sslmode", "sslrootcert")},
    }
    given = {name: str(value) for name, value in asked.items() if value}
    os.close(os.open(into, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        ran = subprocess.run(  # noqa: S603
            [program, "--format=custom", "--no-password", f"--file={into}"],
            env={**os.environ, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DUMP_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed("timeout") from None
    if ran.returncode != 0 or into.stat().st_size == 0:
        raise _failed(f"pg_dump {ran.returncode}")
