"""Which files are a database in use, by their names: such a file is never copied while it lives (SPEC 8.1)."""

import re
from collections.abc import Collection
from typing import Literal

Life = Literal["server", "open", ""]
"""Of a database server, whose own backup is the only one; of a database that somebody has open now; neither."""
MAGIC = b"SQLite format 3\0"
_SERVER = re.compile(
    r".+\.(?:mdf|ndf|ldf|fdb|gdb|ibd|edb)|ibdata\d+|ib_logfile\d+|PG_VERSION|postmaster\.pid|WiredTiger(?:\.wt|\.lock)",
    re.IGNORECASE,
)
"""SQL Server, Firebird and InterBase, MySQL and MariaDB, Exchange's engine, PostgreSQL, MongoDB."""
_BESIDE = {
    "-wal": ("",),
    "-shm": ("",),
    "-journal": ("",),
    ".ldb": (".mdb", ".mde"),
    ".laccdb": (".accdb", ".accde"),
}
"""Files that lie beside a database while it is open, and what the database beside it is called instead: SQLite, Access."""


def life(name: str, beside: Collection[str] = ()) -> Life:
    """What a file's name says. `beside` are the names in its folder."""
    if _SERVER.fullmatch(name):
        return "server"
    for end, instead in _BESIDE.items():
        stem = name[: -len(end)]
        if stem and name.lower().endswith(end) and any(stem + one in beside for one in instead):
            return "open"
    return ""
