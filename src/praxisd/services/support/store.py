"""Tables of the support: support packages as they were shown, and each time something left for the partner."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.ids import new_id
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
    sa.Column("click", sa.Text, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("detail", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "click", name="support_handover_click"),
    sa.Index("support_handover_bundle", "organization", "bundle"),
)
"""Something left: a package, or a letter (`bundle` is empty then). `way` is mail or file, `target` the partner's address (empty
for a file). `click` is an id its sender made, so that the same click leaves once; `outcome` is sending, sent, unsure or
failed, `code` and `detail` say why.
"""
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
_LEAVE = insert(HANDOVER, ignore=True)
_THIS = prepared(sa.select(HANDOVER).where(mine(HANDOVER), _H.click == sa.bindparam("click")))
_SETTLE = prepared(
    sa.update(HANDOVER)
    .where(mine(HANDOVER), _H.click == sa.bindparam("its_click"), _H.outcome == "sending")
    .values(
        outcome=sa.bindparam("its_outcome"), code=sa.bindparam("its_code"), detail=sa.bindparam("its_detail")
    )
)
_TAKE_BACK = prepared(
    sa.delete(HANDOVER).where(mine(HANDOVER), _H.click == sa.bindparam("click"), _H.outcome == "sending")
)
_LEFT = prepared(
    sa.select(HANDOVER).where(mine(HANDOVER), _H.bundle == sa.bindparam("bundle")).order_by(_H.id.desc())
)
_ALL_LEFT = prepared(sa.select(HANDOVER).where(mine(HANDOVER), _H.bundle != "").order_by(_H.id.desc()))


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


def leave(tx: Tx, *, code: str | None = None, detail: str = "", **row: Any) -> bool:
    """Note that something leaves; False if the same click has left (or is leaving) already."""
    return tx.run(_LEAVE, id=new_id(), code=code, detail=detail, **row) == 1


def handover(tx: Tx, click: str) -> Any | None:
    """What left by this click, or None."""
    return tx.first(_THIS, click=click)


def settle(tx: Tx, click: str, outcome: str, code: str | None, detail: str) -> None:
    """What became of a mail that was leaving."""
    tx.run(_SETTLE, its_click=click, its_outcome=outcome, its_code=code, its_detail=detail)


def take_back(tx: Tx, click: str) -> None:
    """It was not even tried."""
    tx.run(_TAKE_BACK, click=click)


def left(tx: Tx, bundle: str) -> list[Any]:
    """When a package left, to whom, the newest first."""
    return tx.all(_LEFT, bundle=bundle)


def all_left(tx: Tx) -> list[Any]:
    """The same of all packages."""
    return tx.all(_ALL_LEFT)
