"""Table and queries of one-time tickets: the SHA-256 of the ticket, the key sealed by the vault. Epoch seconds."""

from typing import NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

TICKET = table(
    "accounts_ticket",
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "digest"),
    sa.UniqueConstraint("digest", name="accounts_ticket_digest"),
)
TABLES = (TICKET,)

_T = TICKET.c
_ADD = insert(TICKET)
_FIND = prepared(sa.select(TICKET).where(_T.digest == sa.bindparam("digest")))
_FIND.across = True
_TAKE = prepared(sa.delete(TICKET).where(mine(TICKET), _T.digest == sa.bindparam("digest")))
_HOMES = prepared(sa.select(_T.organization).where(_T.ends_at <= sa.bindparam("now")).distinct())
_HOMES.across = True
_DROP_ENDED = prepared(sa.delete(TICKET).where(mine(TICKET), _T.ends_at <= sa.bindparam("now")))


class Kept(NamedTuple):
    """A ticket as it is kept: `key` is the id of the key in `sealed`."""

    organization: str
    digest: str
    key: str
    sealed: str
    ends_at: int


def add(tx: Tx, digest: str, key: str, sealed: str, ends_at: int) -> None:
    """Keep a ticket of this organization."""
    tx.run(_ADD, digest=digest, key=key, sealed=sealed, ends_at=ends_at)


def find(tx: Tx, digest: str) -> Kept | None:
    """The ticket with this digest in any organization; it may have ended."""
    row = tx.first(_FIND, digest=digest)
    return None if row is None else Kept(row.organization, row.digest, row.key, row.sealed, row.ends_at)


def take(tx: Tx, digest: str) -> bool:
    """Take a ticket away; False if somebody else was quicker."""
    return tx.run(_TAKE, digest=digest) == 1


def homes_of_ended(tx: Tx, now: int) -> list[str]:
    """Organizations that have tickets whose time has run out."""
    return [str(row[0]) for row in tx.tuples(_HOMES, now=now)]


def drop_ended(tx: Tx, now: int) -> int:
    """Remove this organization's tickets whose time has run out; returns how many."""
    return tx.run(_DROP_ENDED, now=now)
