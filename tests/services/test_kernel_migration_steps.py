"""Expand and contract on both engines: the program before works on what was only added, and refuses what was taken away."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.kernel import migration_steps, migrations
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Service
from praxisd.testing.houses import Houses

KERNEL = freeze((SERVICE,))
STEPS = (
    ("", "op.create_table('rooms_room', sa.Column('id', sa.Text()), sa.Column('old', sa.Text()))"),
    ("", "op.add_column('rooms_room', sa.Column('new', sa.Text()))"),
    ('step = "contract"\n', "op.drop_column('rooms_room', 'old')"),
    ("", "op.add_column('rooms_room', sa.Column('newest', sa.Text()))"),
)
Release = Callable[[int], Registry]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    """`release(n)`: a program whose service `rooms` brings the first n steps."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(count: int) -> Registry:
        name = f"rooms_of_release_{count}"
        place = tmp_path / name / "migrations"
        if name not in made:
            place.mkdir(parents=True)
            (place.parent / "__init__.py").write_text("")
            made.append(name)
            for number, (kind, do) in enumerate(STEPS[:count], 1):
                before = f'"rooms_{number - 1:04}"' if number > 1 else None
                (place / f"{number:04}_step.py").write_text(
                    f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "rooms_{number:04}"\n'
                    f"down_revision = {before}\nbranch_labels = None\ndepends_on = None\n{kind}\n\n"
                    f"def upgrade() -> None:\n    {do}\n"
                )
        return Registry((SERVICE, Service("rooms", name, tables=("rooms_room",))), KERNEL.texts)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def at(house: House) -> str:
    return next(r for r in migrations.applied(house.store) if r.startswith("rooms"))


def test_the_program_before_works_on_what_was_only_added(houses: Houses, release: Release) -> None:
    old, new = release(1), release(2)
    house = houses.open(KERNEL)
    migrations.upgrade(house.store, old)
    assert migrations.upgrade(house.store, new, expand=True) == ["rooms_0002"]
    assert migrations.pending(house.store, old) == []
    migrations.require_current(house.store, old)
    assert migrations.upgrade(house.store, old) == [] and at(house) == "rooms_0002"
    migrations.require_current(house.store, new)


def test_what_takes_something_away_waits_until_it_is_asked_for(houses: Houses, release: Release) -> None:
    old, new = release(2), release(4)
    house = houses.open(KERNEL)
    migrations.upgrade(house.store, release(1))
    assert migrations.upgrade(house.store, new, expand=True) == ["rooms_0002"]
    migrations.require_current(house.store, new, expand=True)
    assert refused(lambda: migrations.require_current(house.store, new)) == "store.migrate_first"
    migrations.require_current(house.store, old)
    assert migrations.upgrade(house.store, new) == ["rooms_0004"]
    migrations.require_current(house.store, new)
    assert refused(lambda: migrations.require_current(house.store, old)) == "store.newer_schema"
    assert refused(lambda: migrations.upgrade(house.store, old)) == "store.newer_schema"
    assert at(house) == "rooms_0004"


def test_a_newer_step_that_nobody_wrote_down_is_refused(houses: Houses, release: Release) -> None:
    house = houses.open(KERNEL)
    migrations.upgrade(house.store, release(2))
    with house.store.engine.writer.begin() as connection:
        connection.exec_driver_sql("DELETE FROM kernel_step")
    assert refused(lambda: migrations.require_current(house.store, release(1))) == "store.newer_schema"


def test_a_word_that_is_no_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_odd.py").write_text('step = "both"\n')
    with pytest.raises(ValueError, match=r"0001_odd\.py"):
        migration_steps.kinds("rooms", tmp_path)
