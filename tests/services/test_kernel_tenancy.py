"""The tenancy watch bites: a statement that forgets the organization fails, in every form a query can
take.
"""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.house import SERVICE
from praxisd.kernel.issues import ISSUE
from praxisd.kernel.leases import LEASE
from praxisd.kernel.settings import SETTING
from praxisd.kernel.store import Prepared, mine, prepared, upsert
from praxisd.testing.tenancy import TenancyFault, watch

L, S, ISS = LEASE.c, SETTING.c, ISSUE.c
TWIN = LEASE.alias()
ORG = sa.bindparam("organization")
NAMELESS = sa.bindparam("who")
UPSERT_BY_KEY = (
    sqlite.insert(LEASE)
    .values({c.name: sa.bindparam(c.name) for c in LEASE.columns})
    .on_conflict_do_update(index_elements=["key"], set_={"holder": "x"})
)
FORGETFUL = {
    "plain": sa.select(LEASE),
    "other condition": sa.select(LEASE).where(L.key == "a"),
    "inside an or": sa.select(LEASE).where(sa.or_(mine(LEASE), L.key == "a")),
    "not equal": sa.select(LEASE).where(L.organization != ORG),
    "another value": sa.select(LEASE).where(L.organization == NAMELESS),
    "second table": sa.select(LEASE.c.key, S.key).where(mine(LEASE), S.key == L.key),
    "join by id only": sa.select(L.key).join(SETTING, S.key == L.key).where(mine(LEASE)),
    "alias": sa.select(LEASE.c.key).where(mine(LEASE), TWIN.c.key == L.key),
    "equal to an unbound table": sa.select(L.key).where(S.organization == L.organization),
    "exists": sa.select(L.key).where(mine(LEASE), sa.exists(sa.select(S.key).where(S.key == L.key))),
    "scalar subquery": sa.select(sa.select(sa.func.max(S.version)).scalar_subquery()),
    "from a subquery": sa.select(sa.select(LEASE).subquery().c.key),
    "union": sa.union_all(sa.select(L.key).where(mine(LEASE)), sa.select(S.key)),
    "cte": sa.select(sa.select(LEASE).cte("all_of_them").c.key),
    "count": sa.select(sa.func.count()).select_from(LEASE),
    "update": sa.update(LEASE).where(L.key == "a").values(holder="x"),
    "update without where": sa.update(LEASE).values(holder="x"),
    "delete": sa.delete(LEASE).where(L.key == "a"),
    "delete by a subquery": sa.delete(LEASE).where(mine(LEASE), L.key.in_(sa.select(S.key))),
    "insert": sa.insert(LEASE).values(key="a", holder="b"),
    "upsert by a key of others": UPSERT_BY_KEY,
}
GOOD = {
    "bound": sa.select(LEASE).where(mine(LEASE)),
    "bound the other way round": sa.select(LEASE).where(L.organization == ORG, L.key == "a"),
    "joined through the organization": sa.select(L.key)
    .join(SETTING, sa.and_(S.organization == L.organization, S.key == L.key))
    .where(mine(LEASE)),
    "chain": sa.select(L.key)
    .join(SETTING, S.organization == L.organization)
    .join(ISSUE, ISS.organization == S.organization)
    .where(mine(ISSUE)),
    "exists, correlated": sa.select(L.key).where(
        mine(LEASE), sa.exists(sa.select(S.key).where(S.organization == L.organization, S.key == L.key))
    ),
    "subquery answers for itself": sa.select(sa.select(LEASE).where(mine(LEASE)).subquery().c.key),
    "update": sa.update(LEASE).where(mine(LEASE)).values(holder="x"),
    "delete by a subquery": sa.delete(LEASE).where(
        mine(LEASE), L.key.in_(sa.select(S.key).where(mine(SETTING)))
    ),
    "insert": sa.insert(LEASE).values(organization=ORG, key="a", holder="b"),
    "on purpose": sa.select(LEASE).execution_options(across=True),
    "a table of the installation": sa.select(sa.table("alembic_version", sa.column("version_num"))),
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_a_forgetful_statement_is_caught(name: str) -> None:
    with pytest.raises(TenancyFault):
        watch(FORGETFUL[name], None)


@pytest.mark.parametrize("name", GOOD)
def test_a_careful_statement_passes(name: str) -> None:
    watch(GOOD[name], None)


@pytest.mark.parametrize("name", ["left", "full"])
def test_the_condition_of_an_outer_join_binds_only_its_optional_side(name: str) -> None:
    on: Any = sa.and_(S.organization == L.organization, mine(LEASE))
    joined = sa.outerjoin(LEASE, SETTING, on, full=name == "full")
    with pytest.raises(TenancyFault):
        watch(sa.select(L.key).select_from(joined), None)


def test_it_watches_every_test(make_house: Callable[..., House]) -> None:
    house = make_house((SERVICE,))
    with house.store.read(system("test")) as tx:
        for statement in (sa.select(LEASE), prepared(sa.select(LEASE))):
            with pytest.raises(TenancyFault):
                tx.all(statement)
        known: Prepared = prepared(sa.select(LEASE))
        known.across = True
        assert tx.all(known) == []


def test_the_houses_own_ways_to_write_are_careful(make_house: Callable[..., House]) -> None:
    house = make_house((SERVICE,))
    one = upsert(SETTING, ("organization", "owner", "key"))
    values = {"owner": "", "key": "k", "value": "1", "version": 1, "actor": "a", "updated_at": 0}
    with house.store.write(system("test", "a")) as tx:
        tx.run(one, **values)
    with house.store.write(system("test", "b")) as tx:
        tx.run(one, **{**values, "value": "2"})
    with house.store.read(system("test", "a")) as tx:
        assert tx.value(sa.select(S.value).where(mine(SETTING))) == "1"
