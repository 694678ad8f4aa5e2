"""Statements about the software of the practice."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.diagnosis.store import SOFTWARE

_DECODER = msgspec.json.Decoder(Software)
_ENCODER = msgspec.json.Encoder()
_ALL = prepared(sa.select(SOFTWARE.c.doc).where(mine(SOFTWARE)).order_by(SOFTWARE.c.id))
_ONE = prepared(sa.select(SOFTWARE.c.doc).where(mine(SOFTWARE), SOFTWARE.c.id == sa.bindparam("id")))
_PUT = upsert(SOFTWARE, ("organization", "id"))
_DROP = prepared(sa.delete(SOFTWARE).where(mine(SOFTWARE), SOFTWARE.c.id == sa.bindparam("id")))


def software(tx: Tx) -> tuple[Software, ...]:
    """The practice software of this installation, by product and name."""
    rows: Iterable[tuple[str]] = tx.tuples(_ALL, organization=INSTALLATION)
    found = (_DECODER.decode(doc) for (doc,) in rows)
    return tuple(sorted(found, key=lambda one: (one.product, one.name.casefold(), one.id)))


def one(tx: Tx, id_: str) -> Software | None:
    """One of them, or None."""
    doc = tx.value(_ONE, id=id_, organization=INSTALLATION)
    return None if doc is None else _DECODER.decode(doc)


def put(tx: Tx, what: Software) -> None:
    """Add it, or put it in place of the one with its id."""
    doc = _ENCODER.encode(what).decode()
    tx.run(
        _PUT, organization=INSTALLATION, id=what.id, product=what.product, doc=doc, updated_at=tx.now
    )  # fmt: skip


def drop(tx: Tx, id_: str) -> bool:
    """Take it away; False if there was none."""
    return tx.run(_DROP, id=id_, organization=INSTALLATION) == 1


def moved(tx: Tx, old: str, new: str) -> None:
    """The server has moved to another computer: what "this computer" meant there is meant here from now on."""
    for one in software(tx):
        if one.node == old:
            put(tx, msgspec.structs.replace(one, node=new))
