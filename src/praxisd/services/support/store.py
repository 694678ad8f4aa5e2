"""Tables of the support: support packages as they were shown, and each time one left the practice."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

BUNDLE = table(
    "support_bundle",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
)
"""A package: `content` are its lines of JSON, each ended by a line feed; `digest` is their SHA-256 in hexadecimal."""
HANDOVER = table(
    "support_handover",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("support_handover_bundle", "organization", "bundle"),
)
"""A package left: `way` is mail or file, `target` the partner's address (empty for a file), `outcome` as in `contact`."""
TABLES = (BUNDLE.name, HANDOVER.name)

_B, _H = BUNDLE.c, HANDOVER.c
_FACTS = (_B.id, _B.created_at, _B.created_by, _B.lines, _B.bytes, _B.digest)
_ADD = insert(BUNDLE)
_GET = prepared(sa.select(BUNDLE).where(mine(BUNDLE), _B.id == sa.bindparam("id")))
_ALL = prepared(sa.select(*_FACTS).where(mine(BUNDLE)).order_by(_B.id.desc()))
_GONE = prepared(
    sa.delete(BUNDLE).where(
        mine(BUNDLE),
        _B.created_at < sa.bindparam("before"),
        ~sa.exists(sa.select(_H.id).where(mine(HANDOVER), _H.bundle == _B.id)),
    )
)
_LEAVE = insert(HANDOVER)
_LEFT = prepared(
    sa.select(HANDOVER).where(mine(HANDOVER), _H.bundle == sa.bindparam("bundle")).order_by(_H.id.desc())
)
_ALL_LEFT = prepared(sa.select(HANDOVER).where(mine(HANDOVER)).order_by(_H.id.desc()))


def add(tx: Tx, **row: Any) -> None:
    """Keep a new package."""
    tx.run(_ADD, **row)


def get(tx: Tx, id_: str) -> Any | None:
    """A package with its content, or None."""
    return tx.first(_GET, id=id_)


def every(tx: Tx) -> list[Any]:
    """What is known of every package but its content, the newest first."""
    return tx.all(_ALL)


def forget(tx: Tx, before: int) -> int:
    """Delete packages made before (epoch seconds) that never left; how many."""
    return tx.run(_GONE, before=before)


def leave(tx: Tx, **row: Any) -> None:
    """Note that a package left."""
    tx.run(_LEAVE, **row)


def left(tx: Tx, bundle: str) -> list[Any]:
    """When a package left, to whom, the newest first."""
    return tx.all(_LEFT, bundle=bundle)


def all_left(tx: Tx) -> list[Any]:
    """The same of all packages."""
    return tx.all(_ALL_LEFT)
