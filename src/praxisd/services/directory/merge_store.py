"""Queries about possible and made merges: open decisions, merges with what they moved, turning references."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import METADATA, Tx, insert, mine, prepared
from praxisd.services.directory.store import MATCH, MERGE

_M = MATCH.c
_ADD_MATCH = insert(MATCH)
_MATCH = prepared(sa.select(MATCH).where(mine(MATCH), _M.id == sa.bindparam("id")))
_OPEN_OF = prepared(
    sa.select(MATCH).where(mine(MATCH), _M.patient == sa.bindparam("patient"), _M.outcome.is_(None))
)
_MATCHES_OF = prepared(
    sa.select(MATCH).where(mine(MATCH), _M.patient == sa.bindparam("patient")).order_by(_M.id)
)
_DECIDE = prepared(
    sa.update(MATCH)
    .where(mine(MATCH), _M.id == sa.bindparam("id"), _M.outcome.is_(None))
    .values(outcome=sa.bindparam("result"), decided_at=sa.bindparam("moment"), decided_by=sa.bindparam("who"))
)
_ADD_MERGE = insert(MERGE)
_MERGE = prepared(sa.select(MERGE).where(mine(MERGE), MERGE.c.id == sa.bindparam("id")))
_UNDONE = prepared(
    sa.update(MERGE)
    .where(mine(MERGE), MERGE.c.id == sa.bindparam("id"))
    .values(undone_at=sa.bindparam("moment"))
)
_DROP_MATCHES = prepared(sa.delete(MATCH).where(mine(MATCH), _M.patient == sa.bindparam("patient")))
_CANDIDATE = prepared(
    sa.select(_M.id)
    .where(mine(MATCH), _M.candidate == sa.bindparam("candidate"), _M.outcome.is_(None))
    .limit(1)
)

_GOES_ON = prepared(
    sa.select(MERGE.c.id)
    .where(mine(MERGE), MERGE.c.kept == sa.bindparam("kept"), MERGE.c.undone_at.is_(None))
    .limit(1)
)


def goes_on_for(tx: Tx, patient: str) -> bool:
    """True if a merged record goes on in this one."""
    return tx.value(_GOES_ON, kept=patient) is not None


def open_match(tx: Tx, id_: str, patient: str, candidate: str, reason: str) -> None:
    """Put a decision before a person."""
    tx.run(
        _ADD_MATCH,
        id=id_, patient=patient, candidate=candidate, reason=reason, created_at=tx.now,
        decided_at=None, decided_by=None, outcome=None,
    )  # fmt: skip


def match_row(tx: Tx, id_: str) -> Any:
    """One decision, made or not, or None."""
    return tx.first(_MATCH, id=id_)


def open_matches_of(tx: Tx, patient: str) -> list[Any]:
    """Decisions about a new patient that are not made yet."""
    return tx.all(_OPEN_OF, patient=patient)


def matches_of(tx: Tx, patient: str) -> list[Any]:
    """All decisions about a record, made or not, oldest first."""
    return tx.all(_MATCHES_OF, patient=patient)


def open_matches(tx: Tx, after: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Decisions not made yet, oldest first, and the cursor of the next page."""
    query = sa.select(MATCH).where(mine(MATCH), _M.outcome.is_(None)).order_by(_M.id).limit(limit + 1)
    if after is not None:
        query = query.where(_M.id > after)
    rows = tx.all(query)
    return rows[:limit], (rows[limit - 1].id if len(rows) > limit else None)


def decide(tx: Tx, id_: str, outcome: str) -> bool:
    """Close a decision; False when it was closed already."""
    return tx.run(_DECIDE, id=id_, result=outcome, moment=tx.now, who=tx.actor.label) == 1


def add_merge(tx: Tx, id_: str, kept: str, dropped: str, moved: str) -> None:
    """Note a merge with what it moved (JSON text)."""
    tx.run(
        _ADD_MERGE,
        id=id_, kept=kept, dropped=dropped, merged_at=tx.now, merged_by=tx.actor.label, undone_at=None, moved=moved,
    )  # fmt: skip


def merge_row(tx: Tx, id_: str) -> Any:
    """One merge, or None."""
    return tx.first(_MERGE, id=id_)


def merge_undone(tx: Tx, id_: str) -> None:
    """Note that a merge was taken back."""
    tx.run(_UNDONE, id=id_, moment=tx.now)


def drop_matches(tx: Tx, patient: str) -> None:
    """Forget the decisions about a record that is taken out."""
    tx.run(_DROP_MATCHES, patient=patient)


def is_candidate(tx: Tx, patient: str) -> bool:
    """True while an open question about another record names this one."""
    return tx.first(_CANDIDATE, candidate=patient) is not None


def names(tx: Tx, name: str, column: str, patient: str) -> bool:
    """True if any row of a service's table names this patient."""
    return tx.first(_naming_query(name, column), patient=patient) is not None


@lru_cache(maxsize=256)
def _naming_query(name: str, column: str) -> Any:
    one = METADATA.tables[name]
    return prepared(
        sa.select(one.c[column]).where(mine(one), one.c[column] == sa.bindparam("patient")).limit(1)
    )


def naming(tx: Tx, name: str, column: str, patient: str) -> list[str]:
    """Keys of the rows of any service's table that name this patient; of a key of several columns the last one."""
    one = METADATA.tables[name]
    key = [c for c in one.primary_key.columns if c.name != "organization"]
    return [str(row[0]) for row in tx.tuples(sa.select(key[-1]).where(mine(one), one.c[column] == patient))]


def point(
    tx: Tx, name: str, column: str, old: str, new: str, keys: Sequence[Sequence[Any]] | None
) -> list[list[Any]]:
    """Let rows of any service's table point to patient `new` in place of `old`; returns the keys of the rows changed.

    With `keys` only those rows. Where a row keeps its record as a document, the id in the document changes with it and
    the record gets its next version, so that a save made from the old one is refused.
    """
    one = METADATA.tables[name]
    key = [c for c in one.primary_key.columns if c.name != "organization"]
    wanted = None if keys is None else {tuple(k) for k in keys}
    known = [name for name in ("doc", "version") if name in one.c]
    read = [one.c[name] for name in known]
    # Locked: a save that another node commits between reading and writing the document must not be undone.
    rows = tx.tuples(sa.select(*key, *read).where(mine(one), one.c[column] == old).with_for_update())
    changed = []
    for row in rows:
        its = row[: len(key)]
        if wanted is not None and its not in wanted:
            continue
        values: dict[str, Any] = {column: new}
        there = dict(zip(known, row[len(key) :], strict=True))
        version = there["version"] + 1 if "version" in there else None
        if version is not None:
            values["version"] = version
        if "doc" in there:
            values["doc"] = _repoint(there["doc"], column, old, new, version)
        here = sa.and_(*(c == value for c, value in zip(key, its, strict=True)))
        tx.run(sa.update(one).where(mine(one), here).values(**values))
        changed.append(list(its))
    return changed


def _repoint(doc: str, column: str, old: str, new: str, version: int | None) -> str:
    """The document with the field of this column (camelCase) changed from `old` to `new`; all else byte for byte."""
    fields = msgspec.json.decode(doc, type=dict[str, msgspec.Raw])
    name = re.sub("_([a-z])", lambda m: m[1].upper(), column)
    if name in fields and bytes(fields[name]) == msgspec.json.encode(old):
        fields[name] = msgspec.Raw(msgspec.json.encode(new))
    if version is not None and "version" in fields:
        fields["version"] = msgspec.Raw(str(version).encode())
    return msgspec.json.encode(fields).decode()
