"""Tables and statements: the only file with SQL. `table` gives each table its `organization`, `mine` asks for one's own rows."""

import sqlalchemy as sa

from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx, insert, mine, prepared, table

READING = table(
    "fridge_reading",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("tenths", sa.Integer, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("fridge_reading_at", "organization", "at"),
)
TABLES = (READING.name,)

_c = READING.c
_ADD = insert(READING)
_NEWEST = prepared(
    sa.select(READING).where(mine(READING)).order_by(_c.at.desc(), _c.id.desc()).limit(sa.bindparam("most"))
)
_OLD = (
    sa.select(_c.id)
    .where(mine(READING), _c.at < sa.bindparam("before"))
    .limit(sa.bindparam("most"))
    .scalar_subquery()
)
_FORGET = prepared(sa.delete(READING).where(mine(READING), _c.id.in_(_OLD)))


def add(tx: Tx, tenths: int, person: str) -> str:
    """Keep a reading of now; its id."""
    id_ = new_id()
    tx.run(_ADD, id=id_, at=tx.now, tenths=tenths, person=person)
    return id_


def newest(tx: Tx, most: int) -> list:
    """The newest readings first."""
    return tx.all(_NEWEST, most=most)


def forget(tx: Tx, before: int, most: int = 500) -> int:
    """Delete readings older than `before` (epoch seconds), at most so many at once; how many went."""
    return tx.run(_FORGET, before=before, most=most)
