"""Idempotency-Key: the first answer of a write is kept with the write and given again to its twins (SPEC
1.4).

The scope of a key is credential, method and path. The row is saved in the transaction of the write itself, so
either both are there or neither. Two twins at once: the second waits for the row's key and then finds it
taken
(`Violation`); the door answers 409 `http.idempotency_running` and the client's next try gets the kept answer.
"""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

KEEP_S = 24 * 3600
"""How long an answer is kept (SPEC 1.4), in seconds."""

IDEMPOTENCY = table(
    "kernel_idempotency",
    sa.Column("credential", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "credential", "method", "path", "key"),
    sa.Index("kernel_idempotency_age", "created_at"),
)
_I = IDEMPOTENCY.c
_SAME = sa.and_(
    mine(IDEMPOTENCY),
    _I.credential == sa.bindparam("credential"),
    _I.method == sa.bindparam("method"),
    _I.path == sa.bindparam("path"),
    _I.key == sa.bindparam("key"),
)
_GET = prepared(sa.select(IDEMPOTENCY).where(_SAME))
_SAVE = insert(IDEMPOTENCY)
_DROP = prepared(sa.delete(IDEMPOTENCY).where(_SAME, _I.created_at <= sa.bindparam("before")))
_OLD = prepared(
    sa.select(_I.organization, _I.credential, _I.method, _I.path, _I.key)
    .where(_I.created_at <= sa.bindparam("before"))
    .limit(sa.bindparam("at_most"))
)
_OLD.across = True


class Kept(msgspec.Struct, frozen=True):
    """A kept answer. `body_hash` is what the request's body hashed to; `headers` are those of the answer."""

    body_hash: str
    status: int
    headers: dict[str, str]
    body: bytes


def lookup(tx: Tx, credential: str, method: str, path: str, key: str) -> Kept | None:
    """The answer kept for this key, or None. One older than 24 hours no longer counts."""
    row = tx.first(_GET, credential=credential, method=method, path=path, key=key)
    if row is None or row.created_at <= tx.now - KEEP_S:
        return None
    headers = msgspec.json.decode(row.headers, type=dict[str, str])
    return Kept(row.body_hash, row.status, headers, bytes(row.body))


def save(tx: Tx, credential: str, method: str, path: str, key: str, answer: Kept) -> None:
    """Keep an answer with the write it belongs to; `Violation` when a twin was quicker. 429 and 5xx are
    refused.
    """
    if answer.status == 429 or answer.status >= 500:
        raise ValueError("an answer that asks to try again is not kept")
    scope = {"credential": credential, "method": method, "path": path, "key": key}
    tx.run(_DROP, before=tx.now - KEEP_S, **scope)
    tx.run(
        _SAVE,
        **scope,
        body_hash=answer.body_hash,
        status=answer.status,
        headers=msgspec.json.encode(answer.headers).decode(),
        body=answer.body,
        created_at=tx.now,
    )


def purge(tx: Tx, limit: int = 500) -> int:
    """Delete at most `limit` answers that are too old, of all organizations; returns how many."""
    before = tx.now - KEEP_S
    rows = tx.all(_OLD, before=before, at_most=limit)
    for row in rows:
        tx.run(_DROP, before=before, **row._asdict())
    return len(rows)
