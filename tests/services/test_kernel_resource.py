"""Resources on both engines: versions, stale saves, record locks, ids of the whole installation, pages."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from praxisd.kernel import leases
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.resource import Records, changed_fields, check_version
from praxisd.kernel.store import METADATA

ACTOR = system("test", "praxis")


class Chair(msgspec.Struct, frozen=True):
    """A record of the trial."""

    id: str
    name: str
    version: int = 0


# In a METADATA of its own, so that the declared schema of the house stays what it is.
TABLE = sa.Table(
    "trial_chair",
    sa.MetaData(),
    sa.Column("organization", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("id", name="trial_chair_id"),
)
CHAIRS = Records("Chair", TABLE, Chair, lambda c: {"name": c.name})
FREE = Records("Chair", TABLE, Chair, lambda c: {"name": c.name}, lockable=False)


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    assert TABLE.name not in METADATA.tables
    house = make_house((SERVICE,))
    TABLE.metadata.create_all(house.store.engine.writer)
    return house


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def test_each_save_names_the_version_it_was_made_from(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        one = CHAIRS.insert(tx, Chair("a", "left"))
        assert one.version == 1
        two = CHAIRS.save(tx, Chair("a", "right", 1))
        assert (two.version, CHAIRS.get(tx, "a")) == (2, Chair("a", "right", 2))
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "late", 1))) == "resource.stale"
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "late", 2), expected=1)) == "resource.stale"
        assert CHAIRS.save(tx, Chair("a", "door", 0), expected=2).version == 3
        assert code_of(lambda: CHAIRS.save(tx, Chair("b", "none", 1))) == "http.not_found"
        assert code_of(lambda: CHAIRS.delete(tx, "a", 1)) == "resource.stale"
        CHAIRS.delete(tx, "a", 3)
        assert CHAIRS.get(tx, "a") is None
        assert code_of(lambda: CHAIRS.delete(tx, "a", 3)) == "http.not_found"
        assert code_of(lambda: CHAIRS.need(tx, "a")) == "http.not_found"


def test_a_record_locked_by_another_seat_is_not_saved(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        CHAIRS.insert(tx, Chair("a", "left"))
        lease = leases.acquire(tx, "record:Chair/a", "seat", 60)
        assert lease is not None
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "x", 1))) == "seats.locked"
        assert code_of(lambda: CHAIRS.delete(tx, "a", 1)) == "seats.locked"
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "x", 1), fence=lease.fence + 1)) == "seats.locked"
        assert CHAIRS.save(tx, Chair("a", "x", 1), fence=lease.fence).version == 2
        assert FREE.save(tx, Chair("a", "calendar records are never locked", 2)).version == 3
        leases.release(tx, lease)
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "x", 3), fence=lease.fence)) == "seats.lock_lost"


def test_other_practices_see_and_change_nothing_and_ids_are_shared(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        CHAIRS.insert(tx, Chair("a", "left"))
    with kernel.store.write(system("test", "other")) as tx:
        assert CHAIRS.get(tx, "a") is None
        assert code_of(lambda: CHAIRS.save(tx, Chair("a", "stolen", 1))) == "http.not_found"
        assert CHAIRS.id_taken(tx, "a")
        assert not CHAIRS.id_taken(tx, "b")
    with pytest.raises(Violation), kernel.store.write(system("test", "other")) as tx:
        CHAIRS.insert(tx, Chair("a", "twin"))


def test_pages_go_through_all_in_order_of_ids(kernel: House) -> None:
    with kernel.store.write(ACTOR) as tx:
        for n in range(7):
            CHAIRS.insert(tx, Chair(f"c{n}", "odd" if n % 2 else "even"))
        seen: list[str] = []
        after: str | None = None
        while True:
            page, after = CHAIRS.page(tx, after=after, limit=3)
            seen += [c.id for c in page]
            if after is None:
                break
        assert seen == [f"c{n}" for n in range(7)]
        assert CHAIRS.page(tx, limit=7)[1] is None
        odd = TABLE.c.name == "odd"
        assert [c.id for c in CHAIRS.all(tx, odd)] == ["c1", "c3", "c5"]
        assert CHAIRS.count(tx, odd) == 3


def test_changed_fields_are_names_without_values() -> None:
    assert changed_fields(Chair("a", "left", 1), Chair("a", "right", 2)) == ("name",)
    assert changed_fields(Chair("a", "left", 1), Chair("a", "left", 2)) == ()


def test_check_version_takes_none_for_no_wish() -> None:
    check_version(None, 3, "Chair")
    check_version(3, 3, "Chair")
    assert code_of(lambda: check_version(2, 3, "Chair")) == "resource.stale"
