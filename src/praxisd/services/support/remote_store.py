"""Table and queries of remote support. Of a code only a slow hash is kept, of a session's token only its SHA-256."""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

REMOTE = table(
    "support_remote",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("granted_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("entered_at", sa.BigInteger),
    sa.Column("entered_from", sa.Text),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_by", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
)
TABLES = (REMOTE.name,)

_R = REMOTE.c
_ADD = insert(REMOTE)
_GET = prepared(sa.select(REMOTE).where(mine(REMOTE), _R.id == sa.bindparam("id")))
_OPEN = prepared(sa.select(REMOTE).where(mine(REMOTE), _R.ended_at.is_(None)).order_by(_R.id))
_EVERYWHERE = prepared(sa.select(REMOTE).where(_R.ended_at.is_(None)).order_by(_R.organization, _R.id))
_EVERYWHERE.across = True
_LATEST = prepared(
    sa.select(REMOTE).where(mine(REMOTE)).order_by(_R.id.desc()).limit(sa.bindparam("at_most"))
)
_NAMES = prepared(sa.select(_R.id, _R.name).where(mine(REMOTE)))
_CODE = prepared(
    sa.update(REMOTE)
    .where(mine(REMOTE), _R.id == sa.bindparam("one"), _R.ended_at.is_(None))
    .values(code=sa.bindparam("fresh"))
)
_ENTER = prepared(
    sa.update(REMOTE)
    .where(
        mine(REMOTE),
        _R.id == sa.bindparam("one"),
        _R.ended_at.is_(None),
        _R.code == sa.bindparam("spent"),
        _R.until > sa.bindparam("at"),
    )
    .values(
        code="",
        session=sa.bindparam("digest"),
        entered_at=sa.bindparam("at"),
        entered_from=sa.bindparam("address"),
    )
)
_LEAVE = prepared(
    sa.update(REMOTE)
    .where(mine(REMOTE), _R.id == sa.bindparam("one"), _R.session == sa.bindparam("digest"))
    .values(session="")
)
_END = prepared(
    sa.update(REMOTE)
    .where(mine(REMOTE), _R.id == sa.bindparam("one"), _R.ended_at.is_(None))
    .values(code="", session="", ended_at=sa.bindparam("at"), ended_by=sa.bindparam("who"))
)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Leave for one person to look at the console until `until`. Times are epoch seconds; `granted_by` and `ended_by`
    are labels of actors.

    `code` is empty once it was used, `session` while nobody is signed in with it. `ended_by` is `time` where it ran out.
    """

    organization: str
    id: str
    name: str
    purpose: str
    granted_by: str
    granted_at: int
    until: int
    code: str
    session: str
    entered_at: int | None
    entered_from: str | None
    ended_at: int | None
    ended_by: str | None


def add(tx: Tx, one: Grant) -> None:
    """Keep a new grant in the transaction's organization."""
    row = msgspec.structs.asdict(one)
    del row["organization"]
    tx.run(_ADD, **row)


def get(tx: Tx, id_: str) -> Grant | None:
    """A grant of this organization, or None."""
    row = tx.first(_GET, id=id_)
    return None if row is None else Grant(**row._asdict())


def not_ended(tx: Tx) -> list[Grant]:
    """Grants of this organization that nobody has ended; the time of some may have run out."""
    return [Grant(**r._asdict()) for r in tx.all(_OPEN)]


def not_ended_anywhere(tx: Tx) -> list[Grant]:
    """The same of all organizations: who comes with a code or a token names none."""
    return [Grant(**r._asdict()) for r in tx.all(_EVERYWHERE)]


def latest(tx: Tx, limit: int) -> list[Grant]:
    """The newest grants first."""
    return [Grant(**r._asdict()) for r in tx.all(_LATEST, at_most=limit)]


def names(tx: Tx) -> dict[str, str]:
    """Who was let in, by grant."""
    return {row.id: row.name for row in tx.all(_NAMES)}


def put_code(tx: Tx, id_: str, code: str) -> bool:
    """Put another code in place of the one before; False if the grant has ended."""
    return tx.run(_CODE, one=id_, fresh=code) == 1


def enter(tx: Tx, id_: str, spent: str, digest: str, address: str | None) -> bool:
    """Spend the code for a session; False if somebody was quicker, or the grant is over."""
    return tx.run(_ENTER, one=id_, spent=spent, digest=digest, at=tx.now, address=address) == 1


def leave(tx: Tx, id_: str, digest: str) -> bool:
    """End the session, not the grant; False if there is none such."""
    return tx.run(_LEAVE, one=id_, digest=digest) == 1


def end(tx: Tx, id_: str, at: int, who: str) -> bool:
    """End a grant; False if it has ended."""
    return tx.run(_END, one=id_, at=at, who=who) == 1
