"""What was done for the database, and how it was found: one row a work, of the installation. The newest of a kind counts."""

from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

Kind = Literal["quick", "full", "compact"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["good", "bad", "failed"]
WORK = table(
    "care_work",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("ms", sa.BigInteger, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("care_work_kind", "organization", "kind", "at"),
)
TABLES = (WORK.name,)
KEPT = 50
"""So many of each kind are kept."""
_W = WORK.c
_INSERT = insert(WORK)
_LAST = prepared(
    sa.select(WORK)
    .where(mine(WORK), _W.kind == sa.bindparam("kind"))
    .order_by(_W.at.desc(), _W.id.desc())
    .limit(sa.bindparam("at_most"))
)
_DROP = prepared(
    sa.delete(WORK).where(mine(WORK), _W.kind == sa.bindparam("kind"), _W.at < sa.bindparam("before"))
)


class Work(msgspec.Struct, frozen=True):
    """One work that has ended. `at`: epoch seconds; `code` says what was found wrong; `figures` in bytes by name."""

    id: str
    kind: Kind
    at: int
    state: State
    code: str = ""
    detail: str = ""
    ms: int = 0
    figures: dict[str, Any] = {}
    actor: str = ""


def put(tx: Tx, work: Work) -> None:
    """Keep it; old ones of its kind go."""
    tx.run(
        _INSERT,
        id=work.id,
        kind=work.kind,
        at=work.at,
        state=work.state,
        code=work.code,
        detail=work.detail[:200],
        ms=work.ms,
        figures=msgspec.json.encode(work.figures).decode(),
        actor=work.actor,
    )
    found = tx.all(_LAST, kind=work.kind, at_most=KEPT + 1)
    if len(found) > KEPT:
        tx.run(_DROP, kind=work.kind, before=found[KEPT - 1].at)


def last(tx: Tx, kind: Kind, most: int = 1) -> list[Work]:
    """The newest of a kind, newest first. `tx` must be the installation's."""
    return [
        Work(
            row.id, row.kind, row.at, row.state, row.code, row.detail, row.ms,
            msgspec.json.decode(row.figures, type=dict[str, Any]), row.actor,
        )
        for row in tx.all(_LAST, kind=kind, at_most=most)
    ]  # fmt: skip
