"""What a practice said of the items of the directive, and how large it is. Rows belong to the practice."""

from collections.abc import Mapping
from datetime import date

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.model.directive import Note, Practice
from praxisd.services.diagnosis.store import DIRECTIVE

SIZE = "size"
"""The row that says how large the practice is."""
_WAITING = "updates_waiting"
"""The installation's row: since when updates wait, by computer."""
_ALL = prepared(sa.select(DIRECTIVE.c.item, DIRECTIVE.c.doc).where(mine(DIRECTIVE)))
_ONE = prepared(sa.select(DIRECTIVE.c.doc).where(mine(DIRECTIVE), DIRECTIVE.c.item == sa.bindparam("item")))
_PUT = upsert(DIRECTIVE, ("organization", "item"))


def read(tx: Tx) -> tuple[Practice | None, dict[str, Note]]:
    """How large the transaction's practice is (None: nobody said), and what was said of each item."""
    rows: dict[str, str] = {row.item: row.doc for row in tx.all(_ALL)}
    size = rows.pop(SIZE, None)
    rows.pop(_WAITING, None)
    practice = None if size is None else msgspec.json.decode(size, type=Practice)
    return practice, {item: msgspec.json.decode(doc, type=Note) for item, doc in rows.items()}


def put(tx: Tx, item: str, what: Note | Practice) -> None:
    """Keep it in place of what was there."""
    tx.run(_PUT, item=item, doc=msgspec.json.encode(what).decode(), updated_at=tx.now)


def waiting(tx: Tx) -> dict[str, date]:
    """Since which day updates wait, by computer, as the installation keeps it."""
    doc = tx.value(_ONE, item=_WAITING, organization=INSTALLATION)
    return {} if doc is None else msgspec.json.decode(doc, type=dict[str, date])


def put_waiting(tx: Tx, since: Mapping[str, date]) -> None:
    """Keep since when updates wait."""
    doc = msgspec.json.encode(since).decode()
    tx.run(_PUT, item=_WAITING, doc=doc, updated_at=tx.now, organization=INSTALLATION)
