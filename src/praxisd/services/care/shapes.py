"""What the doors of the care of the database take and give."""

from typing import Annotated, Literal

import msgspec

Path_ = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class _In(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What all bodies share."""


class _Out(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What all answers share. Sizes in bytes, instants RFC 3339."""


class CheckIn(_In, frozen=True):
    """How thoroughly."""

    level: Literal["quick", "full"] = "quick"


class MoveIn(_In, frozen=True):
    """Into which folder: an absolute path on the server."""

    to: Path_


class PostgresIn(_In, frozen=True):
    """The address of an empty PostgreSQL, with user and password. It is never shown again."""

    url: Path_


class PlanOut(_Out, frozen=True, kw_only=True):
    """What a move to PostgreSQL would take along; `rows` of each table."""

    place: str
    size: int
    rows: dict[str, int]


class TargetOut(_Out, frozen=True, kw_only=True):
    """What a move into a folder would be: where the file would lie, on which file system, and for how long nobody could save."""

    path: str
    system: str
    size: int
    free: int
    stall_seconds: float


class MoveOut(_Out, frozen=True, kw_only=True):
    """The move under way, or the last one. `valid` is the database in force; `cut`: it was cut off, and a start settled it.

    `stallMs`: nobody could save for so long.
    """

    id: str
    kind: str
    phase: str
    old: str
    new: str
    valid: str
    at: str
    ended: str | None
    code: str
    title: str
    detail: str
    cut: bool
    stall_ms: int
    done: int
    total: int


class OldOut(_Out, frozen=True, kw_only=True):
    """An old database that is kept. `releasable`: the one in force was found good since the move."""

    id: str
    path: str
    at: str
    bytes: int
    released: str | None
    releasable: bool


class TableOut(_Out, frozen=True, kw_only=True):
    """A table with its indexes."""

    name: str
    bytes: int
    rows: int | None


class EstimateOut(_Out, frozen=True, kw_only=True):
    """What compacting would bring. `stallSeconds`: nobody can save for so long; `reason`: why it is not proposed."""

    gain: int
    gain_percent: int
    after: int
    extra: int
    stall_seconds: float
    proposed: bool
    reason: str


class WorkOut(_Out, frozen=True, kw_only=True):
    """A work that has ended; `code` with its `title` where something was wrong."""

    kind: str
    at: str
    state: str
    code: str
    title: str
    detail: str
    ms: int


class UnderOut(_Out, frozen=True, kw_only=True):
    """The work under way, or the last one that somebody began."""

    kind: str
    at: str
    done: int
    total: int
    ended: bool
    code: str
    title: str


class StateOut(_Out, frozen=True, kw_only=True):
    """The database as it is. `measuredAt`: when `unused`, `tables` and `estimate` were true; null: never yet."""

    engine: str
    place: str
    size: int
    free: int
    log: int
    disk_free: int | None
    measured_at: str | None
    unused: int | None
    fill_percent: int | None
    tables: list[TableOut]
    estimate: EstimateOut | None
    works: list[WorkOut]
    under: UnderOut | None
    move: MoveOut | None
    old: list[OldOut]
