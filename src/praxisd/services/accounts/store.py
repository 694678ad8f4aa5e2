"""Tables and queries of users and keys; those of sessions are in `session_store`. Secrets are kept as hashes: argon2id of
passwords, SHA-256 of keys.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert
from praxisd.services.accounts.records import ApiKey, Portal, User
from praxisd.services.accounts.rules import login_key

USER = resource_table(
    "accounts_user",
    sa.Column("login_key", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.UniqueConstraint("organization", "login_key", name="accounts_user_login"),
    sa.Index("accounts_user_sign_in", "login_key"),
)
PASSWORD = table(
    "accounts_password",
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "user"),
)
PORTAL = table(
    "accounts_portal",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "name_key", name="accounts_portal_name"),
)
KEY = table(
    "accounts_key",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("portal", sa.Text),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text),
    sa.Column("networks", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("overlap_until", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("replaced_by", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("digest", name="accounts_key_digest"),
    sa.Index("accounts_key_portal", "organization", "portal"),
)
TABLES = (USER, PASSWORD, PORTAL, KEY)

USERS: Records[User] = Records(
    "User",
    USER,
    User,
    lambda u: {"login_key": login_key(u.login), "role": u.role, "active": int(u.active)},
    lockable=False,
)


def locked(query: Any) -> Any:
    """Rows read to be changed: PostgreSQL holds them until the end, SQLite has one writer anyway."""
    return prepared(lambda dialect: query.with_for_update() if dialect == "postgresql" else query)


# Users

_PUT_PASSWORD = upsert(PASSWORD, ("organization", "user"))
_SWAP_PASSWORD = prepared(
    sa.update(PASSWORD)
    .where(mine(PASSWORD), PASSWORD.c.user == sa.bindparam("whose"), PASSWORD.c.hash == sa.bindparam("old"))
    .values(hash=sa.bindparam("new"))
)
_TAKEN = prepared(sa.select(USER.c.id).where(mine(USER), USER.c.login_key == sa.bindparam("login_key")))
_SIGN_IN = prepared(
    sa.select(USER.c.organization, USER.c.doc, PASSWORD.c.hash)
    .join(PASSWORD, sa.and_(PASSWORD.c.organization == USER.c.organization, PASSWORD.c.user == USER.c.id))
    .where(USER.c.login_key == sa.bindparam("login_key"), USER.c.active == 1)
    .limit(2)
)
_SIGN_IN.across = True
_SIGN_IN_HERE = prepared(
    sa.select(USER.c.organization, USER.c.doc, PASSWORD.c.hash)
    .join(PASSWORD, sa.and_(mine(PASSWORD), PASSWORD.c.user == USER.c.id))
    .where(mine(USER), USER.c.login_key == sa.bindparam("login_key"), USER.c.active == 1)
)
_OWNERS = locked(
    sa.select(USER.c.id).where(mine(USER), USER.c.role == "owner", USER.c.active == 1).order_by(USER.c.id)
)
_OWNERLESS = prepared(
    sa.select(USER.c.organization)
    .group_by(USER.c.organization)
    .having(sa.func.sum(sa.case((sa.and_(USER.c.role == "owner", USER.c.active == 1), 1), else_=0)) == 0)
    .order_by(USER.c.organization)
)
_OWNERLESS.across = True


def put_password(tx: Tx, user: str, hashed: str) -> None:
    """Keep a user's hash, in place of any older one."""
    tx.run(_PUT_PASSWORD, user=user, hash=hashed)


def swap_password(tx: Tx, organization: str, user: str, old: str, new: str) -> bool:
    """Put a fresh hash of the same password in place of `old`; False if the password has changed since."""
    return tx.run(_SWAP_PASSWORD, organization=organization, whose=user, old=old, new=new) == 1


def login_taken(tx: Tx, login: str) -> bool:
    """True if a user of this organization, active or not, has the login."""
    return tx.value(_TAKEN, login_key=login_key(login)) is not None


def sign_in_rows(tx: Tx, login: str, organization: str | None) -> list[tuple[str, User, str]]:
    """(organization, user, hash) of the active users with this login: one at most inside an organization."""
    if organization is None:
        rows = tx.all(_SIGN_IN, login_key=login_key(login))
    else:
        rows = tx.all(_SIGN_IN_HERE, login_key=login_key(login), organization=organization)
    return [(r.organization, USERS.decode(r.doc), r.hash) for r in rows]


def lock_owners(tx: Tx) -> list[str]:
    """Ids of the active owners, held until the end of the transaction so that two cannot leave at once."""
    return [r[0] for r in tx.tuples(_OWNERS)]


def ownerless(tx: Tx) -> list[str]:
    """Organizations that have users but no active owner."""
    return [r[0] for r in tx.tuples(_OWNERLESS)]


def user_names(tx: Tx, ids: list[str]) -> dict[str, str]:
    """Display names of users by id."""
    return {user.id: user.name for user in USERS.all(tx, USER.c.id.in_(ids))}


def key_names(tx: Tx, ids: list[str]) -> dict[str, str]:
    """Names of keys by id."""
    return dict(tx.tuples(sa.select(_K.id, _K.name).where(mine(KEY), _K.id.in_(ids))))


# Portals and keys

_K = KEY.c
_ADD_PORTAL = insert(PORTAL, ignore=True)
_PORTAL_LOCKED = locked(sa.select(PORTAL).where(mine(PORTAL), PORTAL.c.name_key == sa.bindparam("name_key")))
_PORTAL_ID_LOCKED = locked(sa.select(PORTAL.c.id).where(mine(PORTAL), PORTAL.c.id == sa.bindparam("id")))
_PORTAL = prepared(sa.select(PORTAL).where(mine(PORTAL), PORTAL.c.id == sa.bindparam("id")))
_SHOWN = [c for c in KEY.columns if c.name != "digest"]
_ADD_KEY = insert(KEY)
_KEY = prepared(sa.select(*_SHOWN).where(mine(KEY), _K.id == sa.bindparam("id")))
_KEY_LOCKED = locked(sa.select(*_SHOWN).where(mine(KEY), _K.id == sa.bindparam("id")))
_OF_PORTAL = locked(sa.select(*_SHOWN).where(mine(KEY), _K.portal == sa.bindparam("portal")).order_by(_K.id))
_SEEN_OF_PORTAL = prepared(
    sa.select(*_SHOWN).where(mine(KEY), _K.portal == sa.bindparam("portal"), _K.revoked_at.is_(None))
)
_BY_DIGEST = prepared(sa.select(KEY).where(_K.digest == sa.bindparam("digest")))
_BY_DIGEST.across = True
_OPEN = prepared(
    sa.select(*_SHOWN)
    .where(_K.revoked_at.is_(None), _K.replaced_by.is_(None), _K.expires_at <= sa.bindparam("until"))
    .order_by(_K.organization, _K.id)
)
_OPEN.across = True
_END = prepared(
    sa.update(KEY)
    .where(mine(KEY), _K.id == sa.bindparam("key"))
    .values(
        revoked_at=sa.bindparam("revoked_at"),
        overlap_until=sa.bindparam("overlap_until"),
        replaced_by=sa.bindparam("replaced_by"),
    )
)
_SEEN = prepared(
    sa.update(KEY)
    .where(
        mine(KEY),
        _K.id == sa.bindparam("key"),
        sa.or_(_K.last_used_at.is_(None), _K.last_used_at < sa.bindparam("at")),
    )
    .values(last_used_at=sa.bindparam("at"))
)


def _key(row: Any) -> ApiKey:
    """A row as the record; `digest` stays behind."""
    values = row._asdict()
    values.pop("digest", None)
    scopes = values.pop("scopes")
    return ApiKey(
        scopes=None if scopes is None else msgspec.json.decode(scopes, type=tuple[str, ...]),
        networks=msgspec.json.decode(values.pop("networks"), type=tuple[str, ...]),
        **values,
    )


def lock_portal(tx: Tx, id_: str, name: str) -> Portal:
    """The portal of this name, made under `id_` if it is new, held until the end of the transaction."""
    name_key = login_key(name)
    tx.run(_ADD_PORTAL, id=id_, name=name, name_key=name_key, created_at=tx.now)
    row = tx.first(_PORTAL_LOCKED, name_key=name_key)
    if row is None:
        raise RuntimeError("portals are never deleted")
    return Portal(id=row.id, name=row.name)


def hold_portal(tx: Tx, id_: str) -> None:
    """Hold a known portal until the end of the transaction, so that its keys change one after the other."""
    tx.first(_PORTAL_ID_LOCKED, id=id_)


def portal(tx: Tx, id_: str) -> Portal | None:
    """A portal by its id, or None."""
    row = tx.first(_PORTAL, id=id_)
    return None if row is None else Portal(id=row.id, name=row.name)


def add_key(tx: Tx, key: ApiKey, digest: str) -> None:
    """Store a new key of this organization; `digest` is the hexadecimal SHA-256 of its whole secret."""
    values = msgspec.structs.asdict(key)
    values["scopes"] = None if key.scopes is None else msgspec.json.encode(key.scopes).decode()
    values["networks"] = msgspec.json.encode(key.networks).decode()
    tx.run(_ADD_KEY, digest=digest, **values)


def key(tx: Tx, id_: str, *, lock: bool = False) -> ApiKey | None:
    """A key of this organization, or None; with `lock` held until the end of the transaction."""
    row = tx.first(_KEY_LOCKED if lock else _KEY, id=id_)
    return None if row is None else _key(row)


def keys_of(tx: Tx, portal_id: str) -> list[ApiKey]:
    """All keys a portal ever had, oldest first, held until the end of the transaction."""
    return [_key(r) for r in tx.all(_OF_PORTAL, portal=portal_id)]


def unrevoked_of(tx: Tx, portal_id: str) -> list[ApiKey]:
    """Keys of a portal that nobody has revoked; some may have run out."""
    return [_key(r) for r in tx.all(_SEEN_OF_PORTAL, portal=portal_id)]


def page(tx: Tx, after: str | None, limit: int) -> tuple[list[ApiKey], str | None]:
    """Keys in order of their making after the id `after`, and the id to go on from (None at the end)."""
    query = sa.select(*_SHOWN).where(mine(KEY)).order_by(_K.id).limit(limit + 1)
    if after is not None:
        query = query.where(_K.id > after)
    rows = tx.all(query)
    return [_key(r) for r in rows[:limit]], (rows[limit - 1].id if len(rows) > limit else None)


def by_digest(tx: Tx, digest: str) -> tuple[ApiKey, str] | None:
    """The key with this digest in any organization, and the digest as stored."""
    row = tx.first(_BY_DIGEST, digest=digest)
    return None if row is None else (_key(row), str(row.digest))


def ending(tx: Tx, until: int) -> list[ApiKey]:
    """Keys of all organizations, neither revoked nor replaced, whose expiry lies at or before `until`."""
    return [_key(r) for r in tx.all(_OPEN, until=until)]


def end_key(tx: Tx, key_: ApiKey) -> None:
    """Write the three fields that end a key."""
    tx.run(
        _END,
        key=key_.id,
        revoked_at=key_.revoked_at,
        overlap_until=key_.overlap_until,
        replaced_by=key_.replaced_by,
    )


def mark_seen(tx: Tx, organization: str, id_: str, at: int) -> None:
    """Note when a key was last used; an older time than the stored one changes nothing."""
    tx.run(_SEEN, organization=organization, key=id_, at=at)
