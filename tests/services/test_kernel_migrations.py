"""Migrations on both engines: the schema equals the declarations, guards come back, newer schemas are
refused.
"""

from collections.abc import Callable

import pytest

from praxisd.kernel import migrations
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def test_the_database_is_at_the_head_and_nothing_is_pending(kernel: House) -> None:
    assert migrations.applied(kernel.store) == set(migrations.heads(kernel.registry).values())
    assert migrations.pending(kernel.store, kernel.registry) == []
    assert migrations.upgrade(kernel.store, kernel.registry) == []


def test_a_newer_schema_is_refused(kernel: House) -> None:
    with kernel.store.write(system("test")) as tx:
        tx.raw("UPDATE alembic_version SET version_num = 'kernel_9999'")
    with pytest.raises(Problem) as caught:
        migrations.require_current(kernel.store, kernel.registry)
    assert caught.value.code == "store.newer_schema"
