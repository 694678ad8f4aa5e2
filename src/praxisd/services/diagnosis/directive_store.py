"""What a practice said of the items of the directive, and how large it is. Rows belong to the practice."""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.model.directive import Note, Practice
from praxisd.services.diagnosis.store import DIRECTIVE

SIZE = "size"
"""The row that says how large the practice is."""
_ALL = prepared(sa.select(DIRECTIVE.c.item, DIRECTIVE.c.doc).where(mine(DIRECTIVE)))
_PUT = upsert(DIRECTIVE, ("organization", "item"))


def read(tx: Tx) -> tuple[Practice | None, dict[str, Note]]:
    """How large the transaction's practice is (None: nobody said), and what was said of each item."""
    rows: dict[str, str] = {row.item: row.doc for row in tx.all(_ALL)}
    size = rows.pop(SIZE, None)
    practice = None if size is None else msgspec.json.decode(size, type=Practice)
    return practice, {item: msgspec.json.decode(doc, type=Note) for item, doc in rows.items()}


def put(tx: Tx, item: str, what: Note | Practice) -> None:
    """Keep it in place of what was there."""
    tx.run(_PUT, item=item, doc=msgspec.json.encode(what).decode(), updated_at=tx.now)
