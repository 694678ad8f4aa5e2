"""What the adapter of each kind of source takes, as it is kept and as the door speaks it. Secrets are never among it."""

from typing import Annotated

import msgspec

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]*$")]
_Word = Annotated[str, msgspec.Meta(max_length=4000, pattern=r"^[^\x00]*$")]
_Args = Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1, max_length=100)]
_Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[^\s/@?#\x00]+$")]


class _Spec(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """What all have in common as JSON."""


class WindowSpec(_Spec, frozen=True, kw_only=True):
    """A quiet window: `begin` stops what works with the folder, `end` starts it again; lists of arguments, no shell.

    `read`: where the folder is seen meanwhile, of a volume snapshot that `begin` makes.
    """

    begin: _Args
    end: _Args
    read: _Text | None = None


class FoldersSpec(_Spec, frozen=True, kw_only=True):
    """A folder with all below it but what matches `without` (patterns of names, or of paths with `/`)."""

    path: _Text
    without: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=200)] = ()
    window: WindowSpec | None = None


class SqliteSpec(_Spec, frozen=True, kw_only=True):
    """One SQLite database file."""

    path: _Text


class PostgresSpec(_Spec, frozen=True, kw_only=True):
    """One PostgreSQL database. `prove`: the restore proof may make a database on the same server, and drops it again."""

    host: _Host
    database: _Text
    user: _Text
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 5432
    prove: bool = False


class CommandSpec(_Spec, frozen=True, kw_only=True):
    """A program that leaves files: `args` is run without a shell, `{folder}` in it is the folder for its files; `files` are
    what it must leave there; `check` has to end well after it. Its environment is the secret.
    """

    args: _Args
    files: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1, max_length=100)]
    check: Annotated[tuple[_Word, ...], msgspec.Meta(max_length=100)] = ()
    limit_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 240


class ExcludedSpec(_Spec, frozen=True, kw_only=True):
    """What is left out: where it is, if it is a place."""

    path: Annotated[str, msgspec.Meta(max_length=1000)] = ""


SPECS: dict[str, type[_Spec]] = {
    "folders": FoldersSpec,
    "sqlite": SqliteSpec,
    "postgres": PostgresSpec,
    "command": CommandSpec,
    "excluded": ExcludedSpec,
}
"""By kind."""
