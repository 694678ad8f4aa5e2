"""The migrated schema is the declared one, on both engines; released steps have the right names."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from praxisd.kernel import migrations
from praxisd.kernel.app import House
from praxisd.kernel.store import METADATA
from praxisd.testing.houses import Houses, default_services, registry_of

WORDS = re.compile(r"[0-9]{4}_[a-z0-9_]+\.py")


def _declared() -> sa.MetaData:
    """The tables of the built-in services; tests of this session may have declared others beside them."""
    wanted = {name for one in default_services() for name in one.tables}
    found = sa.MetaData()
    for name in wanted:
        METADATA.tables[name].to_metadata(found)
    return found


def test_the_migrated_database_is_what_the_tables_say(make_house: Callable[..., House]) -> None:
    house = make_house()
    with house.store.engine.writer.connect() as connection:
        found = migrations.differences(connection, _declared())
    faults = [d for d in found if "alembic_version" not in repr(d)]
    assert faults == []


def test_every_declared_table_has_a_service_and_an_organization() -> None:
    for one in default_services():
        for name in one.tables:
            table = METADATA.tables[name]
            assert "organization" in table.c, name
            assert not table.c.organization.nullable, name
            for key in table.foreign_keys:
                assert key.target_fullname.startswith(one.name + "_"), (
                    f"{name}: foreign keys stay inside a service"
                )


@pytest.mark.parametrize("service", default_services(), ids=lambda s: s.name)
def test_steps_are_numbered_without_gaps_and_named_after_their_service(service: object) -> None:
    place = migrations.folder(service)  # type: ignore[arg-type]
    if place is None:
        pytest.fail(f"{service} has tables and no migrations") if service.tables else None  # type: ignore[attr-defined]
        return
    files = sorted(p.name for p in place.glob("*.py") if p.name != "__init__.py")
    assert all(WORDS.fullmatch(name) for name in files), files
    assert [name[:4] for name in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    for name in files:
        text = (place / name).read_text(encoding="utf-8")
        assert f'revision = "{service.name}_{name[:4]}"' in text  # type: ignore[attr-defined]


def test_guards_are_there_and_come_back(houses: Houses) -> None:
    house = houses.open()
    registry = registry_of(None)
    names = [n for one in registry.services for n in one.guards]
    assert names, "no service declares a guard"
    assert migrations.missing_guards(house.store, registry) == []
    if houses.engine == "sqlite":
        with house.store.engine.writer.connect() as connection:
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type='trigger'"
            ).all():
                connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        assert migrations.missing_guards(house.store, registry) != []
        migrations.restore_guards(house.store, registry)
        assert migrations.missing_guards(house.store, registry) == []
