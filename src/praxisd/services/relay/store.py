"""Tables of the relay, and statements about identity and state. All rows but those of the access log belong to the
installation: one host name serves all its practices.
"""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

CURRENT, NEXT = "current", "next"
"""Slots of an identity: the one in force, and one the hub has not said yes to as far as we know."""

IDENTITY = table(
    "relay_identity",
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("key_sealed", sa.Text, nullable=False),
    sa.Column("hubs", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "slot"),
)
CERTIFICATE = table(
    "relay_certificate",
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("key_sealed", sa.Text, nullable=False),
    sa.Column("next_sealed", sa.Text, nullable=False),
    sa.Column("account_sealed", sa.Text, nullable=False),
    sa.Column("names", sa.Text, nullable=False),
    sa.Column("not_after", sa.BigInteger),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "source"),
)
STATE = table(
    "relay_state",
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "slot"),
)
ACCESS = table(
    "relay_access",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("ms", sa.Integer, nullable=False),
    sa.Column("sent", sa.BigInteger, nullable=False),
    sa.Column("address", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("relay_access_at", "organization", "at"),
    sa.Index("relay_access_key", "organization", "key", "at"),
)
TABLES = (IDENTITY.name, CERTIFICATE.name, STATE.name, ACCESS.name)

_I, _C, _S = IDENTITY.c, CERTIFICATE.c, STATE.c
_GET_IDENTITY = prepared(sa.select(IDENTITY).where(mine(IDENTITY), _I.slot == sa.bindparam("which")))
_PUT_IDENTITY = upsert(IDENTITY, ("organization", "slot"))
_DROP_IDENTITY = prepared(sa.delete(IDENTITY).where(mine(IDENTITY), _I.slot == sa.bindparam("which")))
_SET_STATE = prepared(
    sa.update(IDENTITY)
    .where(mine(IDENTITY), _I.slot == CURRENT, _I.id == sa.bindparam("one"))
    .values(state=sa.bindparam("new_state"))
)
_SET_HOST = prepared(
    sa.update(IDENTITY)
    .where(mine(IDENTITY), _I.slot == CURRENT, _I.id == sa.bindparam("one"))
    .values(host=sa.bindparam("new_host"), port=sa.bindparam("new_port"))
)
_GET_CERTIFICATE = prepared(
    sa.select(CERTIFICATE).where(mine(CERTIFICATE), _C.source == sa.bindparam("which"))
)
_PUT_CERTIFICATE = upsert(CERTIFICATE, ("organization", "source"))
_SEED_CERTIFICATE = insert(CERTIFICATE, ignore=True)
_LOCK_CERTIFICATE = prepared(
    sa.update(CERTIFICATE)
    .where(mine(CERTIFICATE), _C.source == sa.bindparam("which"))
    .values(source=_C.source)
)
_GET_STATE = prepared(sa.select(STATE).where(mine(STATE)))
_PUT_STATE = upsert(STATE, ("organization", "slot"))


def identity(tx: Tx, slot: str = CURRENT) -> Any | None:
    """The row of a slot, or None."""
    return tx.first(_GET_IDENTITY, which=slot, organization=INSTALLATION)


def put_identity(tx: Tx, **row: Any) -> None:
    """Write a slot; all columns."""
    tx.run(_PUT_IDENTITY, organization=INSTALLATION, **row)


def drop_identity(tx: Tx, slot: str) -> bool:
    """Forget what a slot holds; False if it holds nothing."""
    return tx.run(_DROP_IDENTITY, which=slot, organization=INSTALLATION) == 1


def set_identity_state(tx: Tx, id_: str, state: str) -> None:
    """What the hub says of the identity in force, if it still is this one."""
    tx.run(_SET_STATE, one=id_, new_state=state, organization=INSTALLATION)


def set_identity_host(tx: Tx, id_: str, host: str, port: int) -> None:
    """By which name and port the identity in force is reached, if it still is this one.

    A name that is not of this id was said before a change of key, and is not taken for the new one's.
    """
    if host.partition(".")[0] == id_:
        tx.run(_SET_HOST, one=id_, new_host=host, new_port=port, organization=INSTALLATION)


def certificate(tx: Tx, source: str) -> Any | None:
    """The row of a source (own, files, acme), or None."""
    return tx.first(_GET_CERTIFICATE, which=source, organization=INSTALLATION)


def put_certificate(tx: Tx, **row: Any) -> None:
    """Write the row of a source; all columns but `updated_at`."""
    tx.run(_PUT_CERTIFICATE, organization=INSTALLATION, updated_at=tx.now, **row)


def lock_certificate(tx: Tx, source: str) -> None:
    """Nobody else changes the row of a source until the transaction ends; what is read now is the newest."""
    tx.run(_LOCK_CERTIFICATE, which=source, organization=INSTALLATION)


def seed_certificate(tx: Tx, **row: Any) -> bool:
    """Write the row of a source unless it has one already (two nodes at once): False then."""
    return tx.run(_SEED_CERTIFICATE, organization=INSTALLATION, updated_at=tx.now, **row) == 1


def state(tx: Tx) -> Any | None:
    """What the node that holds the link wrote last: node, state (JSON), seen_at."""
    return tx.first(_GET_STATE, organization=INSTALLATION)


def put_state(tx: Tx, node: str, text: str) -> None:
    """Write what this node knows of its link, by the clock of leases."""
    tx.run(_PUT_STATE, slot="link", node=node, state=text, seen_at=tx.lease_now(), organization=INSTALLATION)
