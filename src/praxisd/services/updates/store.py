"""Tables of updates, and their statements. All rows belong to the installation: one program serves all its practices.

Whoever calls these functions has bound the transaction to the installation (`installation(tx)`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

ELEMENT = table(
    "updates_element",
    sa.Column("element", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title_de", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("subscribed", sa.Integer, nullable=False),
    sa.Column("subscribed_by", sa.Text),
    sa.Column("subscribed_at", sa.BigInteger),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "element"),
)
"""What the repository offers, and whether it is subscribed. `kind`: software, plugin, data."""
PACKAGE = table(
    "updates_package",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("element", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("custom", sa.Text, nullable=False),
    sa.Column("released", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("log", sa.Text),
    sa.Column("actor", sa.Text),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("downloaded_at", sa.BigInteger),
    sa.Column("installed_at", sa.BigInteger),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "element", "version"),
    sa.Index("updates_package_seen", "organization", "seen_at"),
)
"""One version of an element. `custom`: what its signed entry says, JSON; `path` is set while its file lies here; `params`
fill the words of `reason`, JSON.
"""
ORDER = table(
    "updates_order",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("packages", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("log", sa.Text),
    sa.Column("home", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("guard_order", sa.Text),
    sa.Column("saved", sa.Text),
    sa.Column("without_copy", sa.Integer, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("updates_order_at", "organization", "at"),
)
"""What a person (or a standing order) had installed. `home`: see `guarding.place`."""
NOTICE = table(
    "updates_notice",
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "actor", "package"),
)
"""Which user has seen the notice of which download."""
FACT = table(
    "updates_fact",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "name"),
)
"""Looks at the repository: `looked` (the last), `good` (the last that went well), `failed` (code, if the last did not),
`begun` (the first). `ordering` is only written so that two who order meet.
"""
TABLES = (ELEMENT.name, PACKAGE.name, ORDER.name, NOTICE.name, FACT.name)

_E, _P, _O, _N, _F = ELEMENT.c, PACKAGE.c, ORDER.c, NOTICE.c, FACT.c
_B = sa.bindparam
OPEN_ORDERS = ("checking", "saving", "ordered", "running")
_OPEN = tuple(sa.literal(one) for one in OPEN_ORDERS)

_ELEMENTS = prepared(sa.select(ELEMENT).where(mine(ELEMENT)).order_by(_E.kind, _E.element))
_ELEMENT = prepared(sa.select(ELEMENT).where(mine(ELEMENT), _E.element == _B("one")))
_PUT_ELEMENT = upsert(ELEMENT, ("organization", "element"))
_PACKAGES = prepared(sa.select(PACKAGE).where(mine(PACKAGE)).order_by(_P.element, _P.seen_at, _P.id))
_PACKAGE = prepared(sa.select(PACKAGE).where(mine(PACKAGE), _P.id == _B("one")))
_VERSION = prepared(
    sa.select(PACKAGE).where(mine(PACKAGE), _P.element == _B("one"), _P.version == _B("which"))
)
_PUT_PACKAGE = upsert(PACKAGE, ("organization", "id"))
_ORDER = prepared(sa.select(ORDER).where(mine(ORDER), _O.id == _B("one")))
_ORDERS_OPEN = prepared(sa.select(ORDER).where(mine(ORDER), _O.state.in_(_OPEN)).order_by(_O.at, _O.id))
_LAST_ORDER = prepared(sa.select(ORDER).where(mine(ORDER)).order_by(_O.at.desc(), _O.id.desc()).limit(1))
_PUT_ORDER = upsert(ORDER, ("organization", "id"))
_SEE = insert(NOTICE, ignore=True)
_SEEN = prepared(sa.select(_N.package).where(mine(NOTICE), _N.actor == _B("who")))
_PUT_FACT = upsert(FACT, ("organization", "name"))
_FACTS = prepared(sa.select(FACT).where(mine(FACT)))
_DROP_FACT = prepared(sa.delete(FACT).where(mine(FACT), _F.name == _B("one")))


@contextmanager
def installation(tx: Tx) -> Iterator[None]:
    """Bind a person's transaction to the installation for as long as the block lasts."""
    before, tx.organization = tx.organization, INSTALLATION
    try:
        yield
    finally:
        tx.organization = before


def elements(tx: Tx) -> list[Any]:
    """All elements that are known, by kind and name."""
    return tx.all(_ELEMENTS)


def element(tx: Tx, name: str) -> Any | None:
    """One element, or None."""
    return tx.first(_ELEMENT, one=name)


def put_element(tx: Tx, **row: Any) -> None:
    """Write a whole row of an element."""
    tx.run(_PUT_ELEMENT, **row)


def packages(tx: Tx) -> list[Any]:
    """All packages that are known, by element, the oldest first."""
    return tx.all(_PACKAGES)


def package(tx: Tx, id_: str) -> Any | None:
    """One package, or None."""
    return tx.first(_PACKAGE, one=id_)


def package_of(tx: Tx, name: str, version: str) -> Any | None:
    """The package of one version of an element, or None."""
    return tx.first(_VERSION, one=name, which=version)


def put_package(tx: Tx, **row: Any) -> None:
    """Write a whole row of a package."""
    tx.run(_PUT_PACKAGE, **row)


def change_package(tx: Tx, row: Any, **changes: Any) -> None:
    """Change columns of a package; `changed_at` becomes now."""
    put_package(tx, **{**row._asdict(), "changed_at": tx.now, **changes})


def order(tx: Tx, id_: str) -> Any | None:
    """One order, or None."""
    return tx.first(_ORDER, one=id_)


def open_orders(tx: Tx) -> list[Any]:
    """Orders whose outcome is not known yet, the oldest first."""
    return tx.all(_ORDERS_OPEN)


def last_order(tx: Tx) -> Any | None:
    """The newest order, or None."""
    return tx.first(_LAST_ORDER)


def put_order(tx: Tx, **row: Any) -> None:
    """Write a whole row of an order."""
    tx.run(_PUT_ORDER, **row)


def change_order(tx: Tx, row: Any, **changes: Any) -> None:
    """Change columns of an order."""
    put_order(tx, **{**row._asdict(), **changes})


def see(tx: Tx, who: str, ids: Sequence[str]) -> None:
    """Note that a user has seen the notice of these packages."""
    for one in ids:
        tx.run(_SEE, actor=who, package=one, at=tx.now)


def seen(tx: Tx, who: str) -> set[str]:
    """The packages whose notice a user has seen."""
    return {row[0] for row in tx.tuples(_SEEN, who=who)}


def put_fact(tx: Tx, name: str, value: str) -> None:
    """Remember a fact of the last look."""
    tx.run(_PUT_FACT, name=name, value=value, at=tx.now)


def drop_fact(tx: Tx, name: str) -> None:
    """Forget it."""
    tx.run(_DROP_FACT, one=name)


def facts(tx: Tx) -> dict[str, tuple[str, int]]:
    """Value and time (epoch seconds) of each fact."""
    return {row.name: (row.value, row.at) for row in tx.all(_FACTS)}
