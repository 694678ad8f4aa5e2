"""Which practice software has praxisd itself as its provider. Rows belong to the installation."""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, table, upsert

PAIR = table(
    "serviceprovider_pair",
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "software"),
)
TABLES = (PAIR.name,)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The pair of files praxisd keeps for a practice software: under which identifier, and where the other file lies."""

    software: str
    guid: str
    pvs_file: str


_DECODER = msgspec.json.Decoder(Pair)
_ALL = prepared(sa.select(PAIR.c.doc).where(mine(PAIR)).order_by(PAIR.c.software))
_PUT = upsert(PAIR, ("organization", "software"))


def pairs(tx: Tx) -> dict[str, Pair]:
    """All pairs, by the id of the software."""
    rows = [_DECODER.decode(doc) for (doc,) in tx.tuples(_ALL, organization=INSTALLATION)]
    return {one.software: one for one in rows}


def put(tx: Tx, pair: Pair) -> None:
    """Keep a pair, in place of an earlier one of this software."""
    doc = msgspec.json.encode(pair).decode()
    tx.run(_PUT, organization=INSTALLATION, software=pair.software, doc=doc, updated_at=tx.now)
