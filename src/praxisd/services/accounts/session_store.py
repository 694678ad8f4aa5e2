"""Tables and queries of sessions and second factors. Of a cookie's token only the SHA-256 is kept; the secret of a
second factor is sealed by the vault, since it must be readable again; recovery codes are kept as SHA-256.
"""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert
from praxisd.services.accounts.records import Factor, Session, User
from praxisd.services.accounts.store import PASSWORD, USER, USERS, locked

SESSION = table(
    "accounts_session",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("digest", name="accounts_session_digest"),
    sa.Index("accounts_session_user", "organization", "user"),
)
FACTOR = table(
    "accounts_second_factor",
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("confirmed_at", sa.BigInteger),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "user"),
)
RECOVERY = table(
    "accounts_recovery_code",
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "user", "digest"),
)
TABLES = (SESSION, FACTOR, RECOVERY)

_S, _F, _R = SESSION.c, FACTOR.c, RECOVERY.c
_SHOWN = [c for c in SESSION.columns if c.name != "digest"]
_ADD = insert(SESSION)
_BY_DIGEST = prepared(sa.select(*_SHOWN).where(_S.digest == sa.bindparam("digest")))
_BY_DIGEST.across = True
_WHOLE = prepared(
    sa.select(*_SHOWN, USER.c.doc, _F.confirmed_at)
    .join(USER, sa.and_(USER.c.organization == _S.organization, USER.c.id == _S.user))
    .outerjoin(FACTOR, sa.and_(_F.organization == _S.organization, _F.user == _S.user))
    .where(_S.digest == sa.bindparam("digest"), USER.c.active == 1)
)
_WHOLE.across = True
_OF_USER = prepared(sa.select(*_SHOWN).where(mine(SESSION), _S.user == sa.bindparam("whose")).order_by(_S.id))
_ONE = prepared(sa.select(*_SHOWN).where(mine(SESSION), _S.id == sa.bindparam("session")))
_DROP = prepared(sa.delete(SESSION).where(mine(SESSION), _S.id == sa.bindparam("session")))
_DROP_STALE = prepared(
    sa.delete(SESSION).where(
        mine(SESSION), _S.id == sa.bindparam("session"), _S.last_seen_at == sa.bindparam("seen")
    )
)
_QUIET = prepared(
    sa.select(*_SHOWN)
    .where(sa.or_(_S.ends_at <= sa.bindparam("now"), _S.last_seen_at <= sa.bindparam("since")))
    .order_by(_S.organization, _S.id)
)
_QUIET.across = True
_SEEN = prepared(
    sa.update(SESSION)
    .where(mine(SESSION), _S.id == sa.bindparam("session"), _S.last_seen_at < sa.bindparam("at"))
    .values(last_seen_at=sa.bindparam("at"), address=sa.bindparam("where_from"))
)
_HOLD_USER = locked(sa.select(USER.c.doc).where(mine(USER), USER.c.id == sa.bindparam("id")))
_HASH = prepared(sa.select(PASSWORD.c.hash).where(mine(PASSWORD), PASSWORD.c.user == sa.bindparam("whose")))


def _session(row: Any) -> Session:
    values = row._asdict()
    for beside in ("doc", "confirmed_at"):
        values.pop(beside, None)
    return Session(**values)


def add_session(tx: Tx, session: Session, digest: str) -> None:
    """Store a new session; `digest` is the hexadecimal SHA-256 of its token."""
    tx.run(
        _ADD,
        digest=digest,
        id=session.id,
        user=session.user,
        device=session.device,
        address=session.address,
        created_at=session.created_at,
        ends_at=session.ends_at,
        last_seen_at=session.last_seen_at,
    )


def session_by_digest(tx: Tx, digest: str) -> Session | None:
    """The session with this digest in any organization."""
    row = tx.first(_BY_DIGEST, digest=digest)
    return None if row is None else _session(row)


def whole_session(tx: Tx, digest: str) -> tuple[Session, User, bool] | None:
    """A session in any organization with its user, if that one is active, and whether a second factor is set up."""
    row = tx.first(_WHOLE, digest=digest)
    return None if row is None else (_session(row), USERS.decode(row.doc), row.confirmed_at is not None)


def sessions_of(tx: Tx, user: str) -> list[Session]:
    """All sessions of a user, oldest first; some may have ended by time."""
    return [_session(r) for r in tx.all(_OF_USER, whose=user)]


def session(tx: Tx, id_: str) -> Session | None:
    """A session of this organization, or None."""
    row = tx.first(_ONE, session=id_)
    return None if row is None else _session(row)


def drop_session(tx: Tx, id_: str) -> bool:
    """Remove a session; False if it was gone."""
    return tx.run(_DROP, session=id_) == 1


def drop_stale(tx: Tx, one: Session) -> bool:
    """Remove a session in its organization, unless it was used since `one` was read."""
    return tx.run(_DROP_STALE, organization=one.organization, session=one.id, seen=one.last_seen_at) == 1


def quiet_sessions(tx: Tx, now: int, since: int) -> list[Session]:
    """Sessions of all organizations that have reached their end, or were not seen after `since`."""
    return [_session(r) for r in tx.all(_QUIET, now=now, since=since)]


def mark_session(tx: Tx, organization: str, id_: str, at: int, address: str | None) -> None:
    """Note when and from where a session was last used; an older time than the stored one changes nothing."""
    tx.run(_SEEN, organization=organization, session=id_, at=at, where_from=address)


def hold_user(tx: Tx, id_: str) -> tuple[User, str] | None:
    """A user and the hash of the password, held until the end of the transaction: no change comes between."""
    doc = tx.value(_HOLD_USER, id=id_)
    hashed = tx.value(_HASH, whose=id_)
    return None if doc is None or hashed is None else (USERS.decode(doc), hashed)


# Second factors

_PUT_FACTOR = upsert(FACTOR, ("organization", "user"))
_FACTOR = prepared(sa.select(FACTOR).where(mine(FACTOR), _F.user == sa.bindparam("whose")))
_FACTORS = prepared(sa.select(_F.user).where(mine(FACTOR), _F.confirmed_at.is_not(None)))
_DROP_FACTOR = prepared(sa.delete(FACTOR).where(mine(FACTOR), _F.user == sa.bindparam("whose")))
_STEP = prepared(
    sa.update(FACTOR)
    .where(mine(FACTOR), _F.user == sa.bindparam("whose"), _F.last_step < sa.bindparam("step"))
    .values(last_step=sa.bindparam("step"))
)
_CONFIRM = prepared(
    sa.update(FACTOR)
    .where(mine(FACTOR), _F.user == sa.bindparam("whose"), _F.confirmed_at.is_(None))
    .values(confirmed_at=sa.bindparam("at"))
)
_ADD_CODE = insert(RECOVERY)
_DROP_CODES = prepared(sa.delete(RECOVERY).where(mine(RECOVERY), _R.user == sa.bindparam("whose")))
_SPEND_CODE = prepared(
    sa.delete(RECOVERY).where(
        mine(RECOVERY), _R.user == sa.bindparam("whose"), _R.digest == sa.bindparam("digest")
    )
)
_CODES_LEFT = prepared(
    sa.select(sa.func.count()).select_from(RECOVERY).where(mine(RECOVERY), _R.user == sa.bindparam("whose"))
)


def put_factor(tx: Tx, factor: Factor) -> None:
    """Keep a user's second factor in place of any older one."""
    tx.run(
        _PUT_FACTOR,
        user=factor.user,
        secret=factor.secret,
        created_at=factor.created_at,
        confirmed_at=factor.confirmed_at,
        last_step=factor.last_step,
    )


def factor(tx: Tx, user: str) -> Factor | None:
    """A user's second factor, confirmed or not."""
    row = tx.first(_FACTOR, whose=user)
    return None if row is None else Factor(*row[1:])


def users_with_factor(tx: Tx) -> set[str]:
    """Ids of the users whose second factor is confirmed."""
    return {row[0] for row in tx.tuples(_FACTORS)}


def confirm_factor(tx: Tx, user: str) -> bool:
    """From now on it counts; False if it did already or is gone."""
    return tx.run(_CONFIRM, whose=user, at=tx.now) == 1


def drop_factor(tx: Tx, user: str) -> bool:
    """Remove a second factor and its recovery codes; False if there was none."""
    tx.run(_DROP_CODES, whose=user)
    return tx.run(_DROP_FACTOR, whose=user) == 1


def spend_step(tx: Tx, user: str, step: int) -> bool:
    """Note that the code of this time step was used; False if it, or a later one, was used before."""
    return tx.run(_STEP, whose=user, step=step) == 1


def put_codes(tx: Tx, user: str, digests: list[str]) -> None:
    """Keep these recovery codes in place of all older ones."""
    tx.run(_DROP_CODES, whose=user)
    for digest in digests:
        tx.run(_ADD_CODE, user=user, digest=digest)


def spend_code(tx: Tx, user: str, digest: str) -> bool:
    """Use up a recovery code; False if there is none such any more."""
    return tx.run(_SPEND_CODE, whose=user, digest=digest) == 1


def codes_left(tx: Tx, user: str) -> int:
    """How many recovery codes are unused."""
    return int(tx.value(_CODES_LEFT, whose=user))
