"""Migrations on both engines: applied once, guards re-created and missed, newer and older schemas refused."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from praxisd.kernel import checks, engines, migrations
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Service, Severity
from praxisd.kernel.store import Store
from praxisd.testing.houses import START, Houses, registry_of

ACTOR = system("test")
KERNEL = freeze((SERVICE,))


def triggers(dialect: str) -> Sequence[str]:
    """A guard of the trial: no lease may be called `forbidden`."""
    if dialect == "sqlite":
        return (
            "DROP TRIGGER IF EXISTS trial_guard",
            "CREATE TRIGGER trial_guard BEFORE INSERT ON kernel_lease WHEN new.key = 'forbidden'"
            " BEGIN SELECT raise(abort, 'trial_guard'); END",
        )
    return (
        "ALTER TABLE kernel_lease DROP CONSTRAINT IF EXISTS trial_guard",
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "ALTER TABLE kernel_lease ADD CONSTRAINT trial_guard EXCLUDE USING gist (fence WITH =)"
        " WHERE (key = 'forbidden')",
    )


def guarded() -> Registry:
    return Registry((replace(SERVICE, triggers=triggers, guards=("trial_guard",)),), KERNEL.texts)


def drop_guard(house: House) -> None:
    with house.store.write(ACTOR) as tx:
        if house.store.engine.name == "sqlite":
            tx.raw("DROP TRIGGER trial_guard")
        else:
            tx.raw("ALTER TABLE kernel_lease DROP CONSTRAINT trial_guard")


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    assert caught.value.status == 503
    return caught.value.code


def set_revision(house: House, revision: str) -> None:
    with house.store.write(ACTOR) as tx:
        tx.raw(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_the_database_is_at_the_head_and_nothing_is_pending(houses: Houses) -> None:
    house = houses.open(KERNEL)
    assert migrations.applied(house.store) == set(migrations.heads(KERNEL).values())
    assert migrations.pending(house.store, KERNEL) == []
    assert migrations.upgrade(house.store, KERNEL) == []
    migrations.require_current(house.store, KERNEL)


def test_a_newer_schema_is_refused_before_anything_is_touched(houses: Houses) -> None:
    house = houses.open(KERNEL)
    set_revision(house, "kernel_9999")
    assert code_of(lambda: migrations.require_current(house.store, KERNEL)) == "store.newer_schema"
    assert code_of(lambda: migrations.upgrade(house.store, KERNEL)) == "store.newer_schema"
    assert migrations.applied(house.store) == {"kernel_9999"}


def test_tables_of_a_removed_plug_in_do_not_keep_the_house_shut(houses: Houses) -> None:
    house = houses.open(KERNEL)
    with house.store.write(ACTOR) as tx:
        tx.raw("INSERT INTO alembic_version VALUES ('rooms_0003')")
        tx.raw("INSERT INTO alembic_version VALUES ('follow_up_0001')")
    migrations.require_current(house.store, KERNEL)
    assert migrations.upgrade(house.store, KERNEL) == []
    found = list(checks.services_present(house))
    assert [(f.code, f.subject, f.severity) for f in found] == [
        ("store.service_missing", "follow_up", Severity.WARNING),
        ("store.service_missing", "rooms", Severity.WARNING),
    ]
    installed = Registry(
        (SERVICE, Service("rooms", "praxisd.kernel"), Service("follow_up", "praxisd.kernel")), KERNEL.texts
    )
    assert migrations.absent_services(house.store, installed) == []
    assert code_of(lambda: migrations.require_current(house.store, installed)) == "store.newer_schema"


@pytest.mark.parametrize("odd", ["something", "rooms_12", "kernel_0099"])
def test_a_revision_of_no_removed_plug_in_is_still_refused(houses: Houses, odd: str) -> None:
    house = houses.open(KERNEL)
    set_revision(house, odd)
    assert code_of(lambda: migrations.require_current(house.store, KERNEL)) == "store.newer_schema"
    assert list(checks.services_present(house)) == []


def test_the_others_are_migrated_beside_the_tables_of_a_removed_plug_in(houses: Houses) -> None:
    house = houses.open(KERNEL)
    with house.store.engine.writer.begin() as connection:  # SQLite's only writer must be free for Alembic
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('rooms_0003')")
    both = registry_of(None)
    assert migrations.heads(both)["calendar"] in migrations.upgrade(house.store, both)
    assert migrations.applied(house.store) == {"rooms_0003", *migrations.heads(both).values()}
    migrations.require_current(house.store, both)


def test_an_empty_database_asks_for_its_migration(sqlite_houses: Houses, tmp_path: Path) -> None:
    store = Store(engines.Sqlite(tmp_path / "empty.db"), FrozenClock(START))
    assert migrations.applied(store) == set()
    assert code_of(lambda: migrations.require_current(store, KERNEL)) == "store.migrate_first"
    assert migrations.upgrade(store, KERNEL) == sorted(migrations.heads(KERNEL).values())
    migrations.require_current(store, KERNEL)
    store.close()


def test_a_lost_guard_is_noticed_at_start_and_restored(houses: Houses) -> None:
    house = houses.open(guarded())
    assert migrations.missing_guards(house.store, guarded()) == []
    migrations.restore_guards(house.store, guarded())  # idempotent
    drop_guard(house)
    assert migrations.missing_guards(house.store, guarded()) == ["trial_guard"]
    assert code_of(lambda: migrations.require_current(house.store, guarded())) == "store.guard_missing"
    assert migrations.upgrade(house.store, guarded()) == []
    migrations.require_current(house.store, guarded())


def test_a_guard_that_rows_already_break_cannot_come_back(postgres_houses: Houses) -> None:
    house = postgres_houses.open(guarded())
    drop_guard(house)
    with house.store.write(ACTOR) as tx:
        for holder in ("a", "b"):
            tx.raw(
                "INSERT INTO kernel_lease (organization, key, holder, fence, acquired_at, expires_at, detail)"
                f" VALUES ('{holder}', 'forbidden', '{holder}', 1, 0, 0, '')"
            )
    assert code_of(lambda: migrations.upgrade(house.store, guarded())) == "store.guard_missing"


def test_guards_of_the_other_engine_are_not_missed(houses: Houses) -> None:
    other = "postgresql" if houses.engine == "sqlite" else "sqlite"
    registry = Registry((replace(SERVICE, guards=(f"{other}:elsewhere",)),), KERNEL.texts)
    assert migrations.missing_guards(houses.open(KERNEL).store, registry) == []


def test_two_nodes_that_start_at_once_migrate_once(postgres_houses: Houses, postgres_url: str) -> None:
    stores = [Store(engines.Postgres(postgres_url), FrozenClock(START)) for _ in range(3)]
    faults: list[Exception] = []

    def start(store: Store) -> None:
        try:
            migrations.upgrade(store, KERNEL)
            migrations.require_current(store, KERNEL)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=start, args=(s,)) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for store in stores:
        store.close()
    assert faults == []
