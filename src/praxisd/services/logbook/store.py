"""Tables of the logbook in the main store: packages as they were shown and sent, standing orders, the switch „Diagnose".

Entries are elsewhere (`sqlite_store`, `postgres_store`): what was sent, and by whose wish, belongs to the practice's own data.
"""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

PACKAGE = table(
    "logbook_package",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("sources", sa.Text, nullable=False),
    sa.Column("levels", sa.Text, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("dropped", sa.Integer, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("sent_at", sa.BigInteger),
    sa.Column("sent_by", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("detail", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
)
"""`content`: lines of JSON, each ended by a line feed; `digest` their SHA-256; `first`/`last` the period, epoch ms.

`state`: draft, sending, sent, unsure, failed. `order_id` is empty for what a person made. One that left is kept for ever.
"""
ORDER = table(
    "logbook_order",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("sources", sa.Text, nullable=False),
    sa.Column("levels", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("last_no", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
)
"""A standing order: what (JSON lists, empty for all), to whom, until when (epoch seconds). `last_no`: what came up to there is
in a package already. `why` it ended: withdrawn, over, person.
"""
DIAGNOSE = table(
    "logbook_diagnose",
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization"),
)
"""Until when (epoch seconds) patient values are kept in the book; no row, or a past time: not."""
TABLES = (PACKAGE.name, ORDER.name, DIAGNOSE.name)

_P, _O, _D = PACKAGE.c, ORDER.c, DIAGNOSE.c
_FACTS = [one for one in PACKAGE.c if one.name not in ("organization", "content")]
_ADD = insert(PACKAGE)
_GET = prepared(sa.select(PACKAGE).where(mine(PACKAGE), _P.id == sa.bindparam("id")))
_DRAFT = prepared(
    sa.update(PACKAGE)
    .where(
        mine(PACKAGE), _P.id == sa.bindparam("its_id"), _P.state == "draft", _P.digest == sa.bindparam("was")
    )
    .values(
        content=sa.bindparam("its_content"),
        digest=sa.bindparam("its_digest"),
        lines=sa.bindparam("its_lines"),
        bytes=sa.bindparam("its_bytes"),
        dropped=sa.bindparam("its_dropped"),
    )
)
_CLAIM = prepared(
    sa.update(PACKAGE)
    .where(
        mine(PACKAGE),
        _P.id == sa.bindparam("its_id"),
        _P.digest == sa.bindparam("its_digest"),
        _P.state.in_(("draft", "failed")),
    )
    .values(
        state="sending", target=sa.bindparam("to"), sent_at=sa.bindparam("moment"), sent_by=sa.bindparam("who"), code=None,
        detail="",
    )
)  # fmt: skip
_SETTLE = prepared(
    sa.update(PACKAGE)
    .where(mine(PACKAGE), _P.id == sa.bindparam("its_id"), _P.state == "sending")
    .values(state=sa.bindparam("its_state"), code=sa.bindparam("its_code"), detail=sa.bindparam("its_detail"))
)
_DELETE = prepared(sa.delete(PACKAGE).where(mine(PACKAGE), _P.id == sa.bindparam("id"), _P.state == "draft"))
_FORGET = prepared(
    sa.delete(PACKAGE).where(
        mine(PACKAGE), _P.created_at < sa.bindparam("before"), _P.state == "draft", _P.order_id == ""
    )
)
_OPEN = prepared(
    sa.select(*_FACTS)
    .where(
        mine(PACKAGE),
        _P.order_id == sa.bindparam("order"),
        _P.state.in_(("draft", "failed")),
        _P.created_at >= sa.bindparam("since"),
    )
    .order_by(_P.id)
)
_LAST_OF = prepared(
    sa.select(*_FACTS)
    .where(mine(PACKAGE), _P.order_id == sa.bindparam("order"))
    .order_by(_P.id.desc())
    .limit(1)
)
_ADD_ORDER = insert(ORDER)
_ORDER = prepared(sa.select(ORDER).where(mine(ORDER), _O.id == sa.bindparam("id")))
_ORDERS = prepared(sa.select(ORDER).where(mine(ORDER)).order_by(_O.id.desc()))
_LIVE = prepared(sa.select(ORDER).where(mine(ORDER), _O.ended_at.is_(None)).order_by(_O.id))
_END = prepared(
    sa.update(ORDER)
    .where(mine(ORDER), _O.id == sa.bindparam("its_id"), _O.ended_at.is_(None))
    .values(ended_at=sa.bindparam("moment"), ended_by=sa.bindparam("who"), why=sa.bindparam("its_why"))
)
_REACHED = prepared(
    sa.update(ORDER)
    .where(
        mine(ORDER),
        _O.id == sa.bindparam("its_id"),
        _O.ended_at.is_(None),
        _O.last_no == sa.bindparam("was"),
    )
    .values(last_no=sa.bindparam("no"))
)
_PUT_DIAGNOSE = upsert(DIAGNOSE, ("organization",))
_GET_DIAGNOSE = prepared(sa.select(DIAGNOSE).where(mine(DIAGNOSE)))


def add(tx: Tx, **row: Any) -> None:
    """A new package, as a draft."""
    tx.run(_ADD, state="draft", target="", sent_at=None, sent_by="", code=None, detail="", dropped=0, **row)


def get(tx: Tx, id_: str) -> Any | None:
    """A package with its content, or None."""
    return tx.first(_GET, id=id_)


def page(tx: Tx, before: str | None, limit: int, order: str | None = None) -> list[Any]:
    """What is known of packages but their content, the newest first; one more than `limit` where there are more."""
    conditions = [mine(PACKAGE)]
    if before is not None:
        conditions.append(_P.id < before)
    if order is not None:
        conditions.append(_P.order_id == order)
    return tx.all(sa.select(*_FACTS).where(*conditions).order_by(_P.id.desc()).limit(limit + 1))


def rewrite(
    tx: Tx, id_: str, was: str, *, content: str, digest: str, lines: int, bytes_: int, dropped: int
) -> bool:
    """Other content for a draft that still has the digest `was`."""
    return (
        tx.run(
            _DRAFT, its_id=id_, was=was, its_content=content, its_digest=digest, its_lines=lines, its_bytes=bytes_,
            its_dropped=dropped,
        )
        == 1
    )  # fmt: skip


def claim(tx: Tx, id_: str, digest: str, to: str, who: str) -> bool:
    """It leaves now; False if it is no draft, is leaving already, or is not what was shown."""
    return tx.run(_CLAIM, its_id=id_, its_digest=digest, to=to, who=who, moment=tx.now) == 1


def settle(tx: Tx, id_: str, state: str, code: str | None, detail: str) -> None:
    """What became of one that was leaving."""
    tx.run(_SETTLE, its_id=id_, its_state=state, its_code=code, its_detail=detail)


def delete(tx: Tx, id_: str) -> bool:
    """Delete a draft."""
    return tx.run(_DELETE, id=id_) == 1


def forget(tx: Tx, before: int) -> int:
    """Delete drafts of people made before (epoch seconds)."""
    return tx.run(_FORGET, before=before)


def open_of(tx: Tx, order: str, since: int) -> list[Any]:
    """Packages of an order that have not left, made since (epoch seconds), the oldest first."""
    return tx.all(_OPEN, order=order, since=since)


def last_of(tx: Tx, order: str) -> Any | None:
    """The newest package of an order."""
    return tx.first(_LAST_OF, order=order)


def add_order(tx: Tx, **row: Any) -> None:
    """A new standing order."""
    tx.run(_ADD_ORDER, ended_at=None, ended_by="", why="", **row)


def order(tx: Tx, id_: str) -> Any | None:
    """A standing order, or None."""
    return tx.first(_ORDER, id=id_)


def orders(tx: Tx) -> list[Any]:
    """All there ever were, the newest first."""
    return tx.all(_ORDERS)


def live_orders(tx: Tx) -> list[Any]:
    """Those that nobody has ended; they may be past their time."""
    return tx.all(_LIVE)


def end_order(tx: Tx, id_: str, who: str, why: str) -> bool:
    """It ends; False if it has ended before."""
    return tx.run(_END, its_id=id_, who=who, its_why=why, moment=tx.now) == 1


def reached(tx: Tx, id_: str, was: int, no: int) -> bool:
    """What came up to `no` is in a package; False if somebody else was quicker, or the order has ended."""
    return tx.run(_REACHED, its_id=id_, was=was, no=no) == 1


def put_diagnose(tx: Tx, until: int, who: str) -> None:
    """Until when patient values are kept."""
    tx.run(_PUT_DIAGNOSE, until=until, changed_at=tx.now, changed_by=who)


def diagnose(tx: Tx) -> Any | None:
    """The switch, or None if it was never touched."""
    return tx.first(_GET_DIAGNOSE)
