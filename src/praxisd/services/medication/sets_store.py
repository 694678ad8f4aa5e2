"""Which sources of data sets this practice's owner has confirmed."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, table, upsert

CONFIRMED = table(
    "medication_confirmed",
    sa.Column("element", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sample", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "element", "source", "sample"),
)
"""An owner has confirmed what a set is, with the version they saw. Another source, or sample instead of real, asks again."""
TABLES = (CONFIRMED.name,)
_C = CONFIRMED.c
_B = sa.bindparam
_ONE = prepared(
    sa.select(CONFIRMED).where(
        mine(CONFIRMED), _C.element == _B("what"), _C.source == _B("whose"), _C.sample == _B("is_sample")
    )
)
_PUT = upsert(CONFIRMED, ("organization", "element", "source", "sample"))


def confirmation(tx: Tx, element: str, source: str, sample: bool) -> Any | None:
    """Row (`version`, `confirmed_by`, `confirmed_at`) of the confirmation of this source, or None."""
    return tx.first(_ONE, what=element, whose=source, is_sample=int(sample))


def confirm(tx: Tx, element: str, source: str, sample: bool, version: str) -> None:
    """Note that the transaction's actor has confirmed it."""
    tx.run(
        _PUT, element=element, source=source, sample=int(sample), version=version,
        confirmed_by=tx.actor.label, confirmed_at=tx.now
    )  # fmt: skip
