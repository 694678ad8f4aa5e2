"""The proof of a database on PostgreSQL: restored into one that is made for it, where the server lets us make one."""

from typing import TYPE_CHECKING

from praxisd.kernel.engines import Postgres as PostgresEngine
from praxisd.services.backups.plans.sources import OWN_NAMES
from praxisd.services.backups.source import Source

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DATABASE = OWN_NAMES[0]


def provable(house: "House", one: Source) -> Source:
    """Our own database with a place for its proof; every other source as it is."""
    engine = house.store.engine
    if one.name != DATABASE or not isinstance(engine, PostgresEngine):
        return one
    from praxisd.services.backups.sources import postgres, postgres_scratch

    url = engine.url.render_as_string(hide_password=False)
    return postgres.Postgres(one.name, url, scratch=url) if postgres_scratch.allowed(url) else one
