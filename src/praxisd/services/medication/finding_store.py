"""How often this practice has entered a product: no patient, no day of a patient, only a number."""

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, table

MOST = 500
"""So many products, those used most often, are read for ranking."""
USE = table(
    "medication_use",
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "product"),
    sa.Index("medication_use_often", "organization", "times"),
)
"""`last`: epoch seconds of the last time."""
TABLES = (USE.name,)
_U = USE.c
_B = sa.bindparam
_OFTEN = prepared(
    sa.select(_U.product, _U.times).where(mine(USE)).order_by(_U.times.desc(), _U.product).limit(MOST)
)


def _count(dialect: str) -> sa.Insert:
    from sqlalchemy.dialects import postgresql, sqlite

    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = insert(USE).values(
        organization=_B("organization"), product=_B("product"), times=1, last=_B("last")
    )
    again = {"times": _U.times + 1, "last": first.excluded.last}
    return first.on_conflict_do_update(index_elements=["organization", "product"], set_=again)


_COUNT = prepared(_count)
_TOTAL = prepared(sa.select(sa.func.coalesce(sa.func.sum(_U.times), 0)).where(mine(USE)))


def used(tx: Tx, product: str) -> None:
    """Count that the product was entered."""
    tx.run(_COUNT, product=product, last=tx.now)


def often(tx: Tx) -> dict[str, int]:
    """Product → how often, the most frequent ones."""
    return {row.product: row.times for row in tx.all(_OFTEN)}


def total(tx: Tx) -> int:
    """How often all products together: whoever remembers `often` looks whether it grew."""
    return int(tx.value(_TOTAL))
