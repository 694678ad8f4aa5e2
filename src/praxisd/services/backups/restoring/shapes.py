"""What the doors of restoring take and give."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Most = Annotated[int, Meta(ge=1, le=200)]
SnapshotId = Annotated[str, Meta(min_length=1, max_length=200)]
PathKey = Annotated[str, Meta(max_length=16_000)]
"""A path as `EntryOut.key`, or plain (begins with `/`)."""
Password = Annotated[str, Meta(max_length=500)]


class _In(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What is taken."""


class _Out(msgspec.Struct, frozen=True, rename="camel"):
    """What is given."""


class SnapshotQuery(_In, frozen=True, kw_only=True):
    """`medium` "": of all. `gone`: those too that retention has dropped."""

    medium: Annotated[str, Meta(max_length=100)] = ""
    gone: bool = False
    limit: Most = 50
    cursor: Annotated[str, Meta(max_length=20, pattern=r"^[0-9]*$")] = ""


class PasswordOut(_Out, frozen=True):
    """A password that opened the medium when the state was written, by number; since when it was in use."""

    no: int
    since: str | None


class SnapshotOut(_Out, frozen=True):
    """A state on a medium. `proven`: when a restore of it was compared and all was there."""

    id: str
    medium: str
    label: str
    at: str
    day: date
    no: int
    good: bool
    verified: str
    verified_at: str | None
    proven: str | None
    held: bool
    passwords: tuple[PasswordOut, ...]
    bytes: int
    files: int
    gone: str | None


class Snapshots(_Out, frozen=True):
    """Newest first."""

    snapshots: tuple[SnapshotOut, ...]
    next: str | None = None


class EntriesIn(_In, frozen=True, kw_only=True):
    """Which folder of which state; `below` "": what was backed up, by source. `password`: only if ours does not open it."""

    snapshot: SnapshotId
    below: PathKey = ""
    password: Password = ""
    limit: Most = 200
    cursor: Annotated[str, Meta(max_length=12, pattern=r"^[0-9]*$")] = ""


class EntryOut(_Out, frozen=True):
    """A file or folder. `path` can be shown (bytes that are no text as escapes), `key` is what is asked for."""

    path: str
    key: str
    kind: Literal["file", "folder", "link", "other"]
    size: int
    at: str | None


class RootOut(_Out, frozen=True):
    """What a source brought: its name, kind and paths."""

    name: str
    kind: str
    paths: tuple[EntryOut, ...]


class Entries(_Out, frozen=True):
    """`below` None: `roots` are given, else `entries`."""

    snapshot: str
    below: str | None
    roots: tuple[RootOut, ...]
    entries: tuple[EntryOut, ...]
    next: str | None = None


class TargetIn(_In, frozen=True, kw_only=True):
    """`folder`: an empty or new folder at `path`; `place`: where it was."""

    kind: Literal["folder", "place"]
    path: Annotated[str, Meta(max_length=4000)] = ""


class RestoreIn(_In, frozen=True, kw_only=True):
    """What is given back: the paths `only`, or all of the named `sources`, or everything. `hold`: keep the medium back."""

    snapshot: SnapshotId
    target: TargetIn
    only: Annotated[tuple[PathKey, ...], Meta(max_length=1000)] = ()
    sources: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=200)] = ()
    hold: bool = False
    password: Password = ""


class RestoreAsked(_Out, frozen=True):
    """The run; `GET /backups/runs/{id}` says how far it is."""

    run: str


class RestoreOut(_Out, frozen=True):
    """How a restore went, for who may see names. `named` are [path, code]; `before`: folder with what was replaced.

    `title`, `solution`: `code` in words; `params`: what these are about (a label, the number of a password).
    """

    run: str
    state: str
    step: str
    done: int
    whole: int
    code: str
    detail: str
    target: str
    files: int
    bytes: int
    before: str | None
    exchange: bool
    left_out: tuple[str, ...]
    named_count: int
    named: tuple[tuple[str, str], ...]
    title: str = ""
    solution: str = ""
    params: dict[str, str] = {}


class ExchangeOut(_Out, frozen=True):
    """The exchange of praxisd's own data: ready for the next start, done, failed (all as before), or none.

    `taken`: of when the data are. `before`: the folder with the data that were moved aside. `undoable`: one command leads back.
    `guarded`: praxisd can restart by itself.
    """

    phase: Literal["none", "ready", "underway", "done", "failed"]
    kind: Literal["restore", "undo"] | None = None
    taken: str | None = None
    at: str | None = None
    ended: str | None = None
    before: str | None = None
    code: str = ""
    detail: str = ""
    seen: bool = False
    undoable: bool = False
    guarded: bool = False


class RestartOut(_Out, frozen=True):
    """`ordered`: praxisd restarts now; else a person has to restart it."""

    ordered: bool
