"""Conflicts: a booking or a blocker from outside, and what stands here at its time (SPEC 3.9).

One row per side from outside: all that stands in its way is in `others`. At most one of them is open.
"""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from praxisd.kernel.engines import Conflict
from praxisd.kernel.store import Tx, insert, mine, prepared, table

_BIG = sa.BigInteger
CONFLICT = table(
    "calendar_conflict",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("appointment", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("found_at", _BIG, nullable=False),
    sa.Column("settled_at", _BIG),
    sa.Column("others", sa.Text, nullable=False),
    sa.Column("portal", sa.Text),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("how", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("calendar_conflict_listed", "organization", "settled_at", "found_at"),
    sa.Index("calendar_conflict_appointment", "organization", "appointment"),
    sa.Index("calendar_conflict_side", "organization", "side", "found_at"),
)
_OPEN = sa.text("settled_at IS NULL")
sa.Index(
    "calendar_conflict_once",
    CONFLICT.c.organization,
    CONFLICT.c.side,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
"""`appointment`: the one from outside, empty for a blocker. `others`: owners in its way, JSON. `side`: the side from outside
in one word. `start`, `end`: its time. `how`: how it was settled.
"""
TABLES = (CONFLICT.name,)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `appointment` None: a blocker of a portal. `others`: owners as in `calendar_busy`, and `Absence/<id>`."""

    id: str
    version: int
    appointment: str | None
    code: str
    found_at: int
    settled_at: int | None
    how: str | None
    others: tuple[str, ...]
    portal: str | None
    schedule: str
    start: int
    end: int
    side: str


_C = CONFLICT.c
_ADD = insert(CONFLICT)
_GET = prepared(sa.select(CONFLICT).where(mine(CONFLICT), _C.id == sa.bindparam("id")))
_LOCKED = prepared(sa.select(CONFLICT).where(mine(CONFLICT), _C.id == sa.bindparam("id")).with_for_update())
_OPEN_ONES = prepared(
    sa.select(CONFLICT).where(mine(CONFLICT), _C.settled_at.is_(None)).order_by(_C.found_at, _C.id)
)
_OF_SIDE = prepared(
    sa.select(CONFLICT)
    .where(mine(CONFLICT), _C.side == sa.bindparam("side"))
    .order_by(_C.found_at.desc(), _C.id.desc())
)
_SAVE = prepared(
    sa.update(CONFLICT)
    .where(mine(CONFLICT), _C.id == sa.bindparam("id"), _C.version == sa.bindparam("expected"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("others", "settled_at", "how", "version", "start", "end", "schedule")
        }
    )
)


def _found(row: object) -> Found:
    fields = row._asdict()  # type: ignore[attr-defined]
    del fields["organization"]
    others = msgspec.json.decode(fields.pop("others"), type=tuple[str, ...])
    return Found(**fields | {"appointment": fields["appointment"] or None, "others": others})


def add(tx: Tx, one: Found) -> None:
    """Store a new one."""
    tx.run(
        _ADD,
        **msgspec.structs.asdict(one) | {"appointment": one.appointment or "", "others": _others(one.others)},
    )


def save(tx: Tx, new: Found) -> Found:
    """Store what changed, with the next version. Raises the engine's Conflict where another transaction was faster."""
    saved = msgspec.structs.replace(new, version=new.version + 1)
    done = tx.run(
        _SAVE,
        id=new.id,
        expected=new.version,
        version=saved.version,
        others=_others(new.others),
        settled_at=new.settled_at,
        how=new.how,
        start=new.start,
        end=new.end,
        schedule=new.schedule,
    )
    if done != 1:
        raise Conflict("the conflict was changed meanwhile")
    return saved


def get(tx: Tx, id_: str, lock: bool = False) -> Found | None:
    """One of them. `lock`: it is about to be changed, others wait."""
    row = tx.first(_LOCKED if lock and not tx.store.alone else _GET, id=id_)
    return None if row is None else _found(row)


def unsettled(tx: Tx) -> list[Found]:
    """All open ones, oldest first. They are few: each waits for a person."""
    return [_found(row) for row in tx.all(_OPEN_ONES)]


def of_side(tx: Tx, side: str) -> list[Found]:
    """All of one side from outside, latest first."""
    return [_found(row) for row in tx.all(_OF_SIDE, side=side)]


def _others(owners: Sequence[str]) -> str:
    return msgspec.json.encode(list(owners)).decode()


def page(tx: Tx, state: str | None, after: str | None, limit: int) -> tuple[list[Found], str | None]:
    """Latest found first, from below the id `after` on; the cursor of the next page. `state`: open, settled or None."""
    query = sa.select(CONFLICT).where(mine(CONFLICT)).order_by(_C.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(_C.settled_at.is_(None) if state == "open" else _C.settled_at.is_not(None))
    if after is not None:
        query = query.where(_C.id < after)
    rows = [_found(row) for row in tx.all(query)]
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None
