"""All rows that name a patient, whichever service keeps them (`Service.patient_refs`), for the export of one person."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import METADATA, Tx, mine

Row = dict[str, Any]
RECORDS = ("directory_patient", "id")
MERGED = ("directory_patient", "merged_into")


def rows(tx: Tx, table: str, column: str, ids: Sequence[str]) -> list[Row]:
    """Rows of a table in which a column holds one of these ids, by its key. Documents are unfolded, bytes are base64."""
    one = METADATA.tables[table]
    query = sa.select(one).where(mine(one), one.c[column].in_(list(ids)))
    found = tx.all(query.order_by(*one.primary_key.columns))
    names = [c.name for c in one.columns if c.name != "organization"]
    return [
        {name: _plain(name, value) for name, value in zip(names, _values(one, row), strict=True)}
        for row in found
    ]


def _values(one: sa.Table, row: Any) -> list[Any]:
    return [value for c, value in zip(one.columns, row, strict=True) if c.name != "organization"]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if name == "doc" and isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def whole(tx: Tx, refs: Sequence[tuple[str, str]], patient: str) -> tuple[list[str], dict[str, list[Row]]]:
    """(the person's ids, rows by table): the record, those that were merged into it, and all that names any of them."""
    ids, wanted = [patient], [patient]
    while wanted:  # a merged record may have had others merged into it
        found = [str(row["id"]) for row in rows(tx, *MERGED, wanted)]
        wanted = [one for one in found if one not in ids]
        ids += wanted
    kept: dict[str, list[Row]] = {}
    for table, column in (RECORDS, *refs):
        known = kept.setdefault(table, [])
        known += [row for row in rows(tx, table, column, ids) if row not in known]
    return ids, kept
