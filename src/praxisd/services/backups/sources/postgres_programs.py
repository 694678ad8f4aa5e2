"""The programs of PostgreSQL: which pg_dump fits a server, and how it gets to know where to go without an argument."""

import os
import re
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.conninfo import make_conninfo

from praxisd.services.backups import source
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import running

_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_ALIEN = re.compile(r"PG[A-Z0-9]+")
_ASK_S = 20.0
_TAIL = ".exe" if os.name == "nt" else ""


def libpq(url: str) -> str:
    """An address as SQLAlchemy has it, or as libpq has it (also `host=… dbname=…`), as libpq has it."""
    if "://" not in url:
        return url
    try:
        found = sa.make_url(url)
        more = {k: v if isinstance(v, str) else ",".join(v) for k, v in found.query.items()}
        own = {
            "host": found.host, "port": found.port, "user": found.username,
            "password": found.password, "dbname": found.database,
        }  # fmt: skip
        return make_conninfo("", **{k: v for k, v in own.items() if v is not None}, **more)
    except (sa.exc.ArgumentError, psycopg.Error, ValueError, TypeError):
        raise SourceFault(source.REFUSED, "address") from None


def environment(conninfo: str) -> dict[str, str]:
    """All of an address as libpq's environment variables: nothing of it stands in an argument. SourceFault REFUSED."""
    found: dict[str, str] = {}
    try:
        parts = pq.Conninfo.parse(conninfo.encode())
    except Exception:  # what it complains of may hold the password
        raise SourceFault(source.REFUSED, "address") from None
    for one in parts:
        if one.val is None:
            continue
        if not one.envvar:
            raise SourceFault(source.REFUSED, f"address: {one.keyword.decode()}")
        found[one.envvar.decode()] = one.val.decode()
    return found


def alien() -> Mapping[str, str | None]:
    """PG… variables of our own environment, to be taken away: they speak of another server."""
    return {name: None for name in os.environ if _ALIEN.fullmatch(name) and name != "PGSYSCONFDIR"}


def program(folder: Path, name: str) -> Path:
    """A program in such a folder."""
    return folder / f"{name}{_TAIL}"


def fitting(major: int) -> Path:
    """The folder of the oldest pg_dump that is not older than this server. SourceFault PROGRAM."""
    found = {version[0]: folder for folder, version in _all() if version[0] >= major}
    if not found:
        there = ", ".join(sorted({str(version[0]) for _, version in _all()})) or "none"
        raise SourceFault(source.PROGRAM, f"pg_dump {major} wanted, there: {there}")
    return found[min(found)]


def version(one: Path) -> tuple[int, int]:
    """What a program says it is; SourceFault PROGRAM."""
    facts = one.stat()
    return _version(one, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=64)
def _version(one: Path, _changed: int, _size: int) -> tuple[int, int]:
    ended = running.run([str(one), "--version"], limit_s=_ASK_S, stop=lambda: False)
    said = _VERSION.search(ended.said)
    if ended.code or said is None:
        raise SourceFault(source.PROGRAM, f"{one.name}: no version")
    return int(said[1]), int(said[2] or 0)


def _all() -> list[tuple[Path, tuple[int, int]]]:
    """Folders with pg_dump and pg_restore, and their versions; PATH's own last."""
    folders = [
        folder for one in _FOLDERS for folder in sorted(Path(Path(one).anchor or "/").glob(_below(one)))
    ]
    on_path = shutil.which("pg_dump")
    if on_path:
        folders.insert(0, Path(on_path).parent)
    found = []
    for folder in folders:
        dump = program(folder, "pg_dump")
        if dump.is_file() and program(folder, "pg_restore").is_file():
            try:
                found.append((folder, version(dump)))
            except (SourceFault, OSError):
                continue
    return found


def _below(pattern: str) -> str:
    return pattern.partition("/")[2]
