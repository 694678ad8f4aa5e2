"""Houses for tests: a real House on a temporary folder, on SQLite or PostgreSQL, migrated from a template.

Migrating once per set of services and copying is what makes a test with a real database cost milliseconds.
"""

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel import engines, migrations
from praxisd.kernel.app import House, open_house
from praxisd.kernel.clock import Clock, FrozenClock
from praxisd.kernel.config import Config
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Service
from praxisd.kernel.store import Store

START = 1_795_420_800
"""Where frozen clocks start: Monday, 23 November 2026, 08:00 UTC (09:00 in Berlin), in epoch seconds."""

_frozen: dict[tuple[int, ...], tuple[Sequence[Service], Registry]] = {}
_templates: dict[tuple[str, str], str] = {}
_heads: dict[int, tuple[Registry, str]] = {}


@cache
def default_services() -> Sequence[Service]:
    """All built-in services, as the composition root names them; the kernel alone where there is no root.

    Asked once: to look for plug-ins among all that is installed takes longer than a small test.
    """
    try:
        from praxisd import main
    except ModuleNotFoundError as missing:
        if missing.name != "praxisd.main":
            raise
        from praxisd.kernel.house import SERVICE

        return (SERVICE,)
    found: Any = main.services()
    return tuple(found.services if isinstance(found, Registry) else found)


def registry_of(services: Sequence[Service] | Registry | None) -> Registry:
    """The frozen registry of `services` (default: all built-in ones), frozen once per set."""
    if isinstance(services, Registry):
        return services
    chosen = tuple(default_services() if services is None else services)
    key = tuple(map(id, chosen))
    if key not in _frozen:
        _frozen[key] = (chosen, freeze(chosen))  # the services are kept, so that an id is not used again
    return _frozen[key][1]


def _heads_of(registry: Registry) -> str:
    """What tells its database from others: the newest migration of each service, and the guards. Looked up once."""
    found = _heads.get(id(registry))
    if found is None:
        guards = [name for one in registry.services for name in one.guards]
        heads = ",".join(sorted([*migrations.heads(registry).values(), *guards]))
        found = _heads[id(registry)] = (registry, heads)  # kept, so that its id is not used again
    return found[1]


class Houses:
    """Opens houses for one test and closes what is still open at its end. `engine` is sqlite or
    postgresql.
    """

    def __init__(
        self, engine: str, folder: Path, new_database: Callable[[str | None], str] | None = None
    ) -> None:
        self.engine = engine
        self._folder = folder
        self._new_database = new_database
        self._open: list[House] = []
        self._numbers = itertools.count()

    def open(
        self,
        services: Sequence[Service] | Registry | None = None,
        clock: Clock | None = None,
        **config: Any,
    ) -> House:
        """A house on a fresh, migrated database. `config` gives fields of `kernel.config.Config`."""
        registry = registry_of(services)
        folder = self._folder / f"house{next(self._numbers)}"
        folder.mkdir(mode=0o700)
        template = self._template(registry)
        if self.engine == "sqlite":
            shutil.copy(template, folder / "praxisd.db")
            chosen = Config(**config)
        else:
            chosen = Config(database_url=self._database(template), **config)
        return self._keep(open_house(folder, registry, chosen, clock or FrozenClock(START)))

    def twin(self, house: House, clock: Clock | None = None, **config: Any) -> House:
        """Another node on the same database and folder. On SQLite only one of them may be a server at a
        time.
        """
        chosen = msgspec.structs.replace(house.config, **config)
        return self._keep(open_house(house.folder, house.registry, chosen, clock or house.clock))

    def close(self) -> None:
        """Stop all houses that were opened, newest first."""
        while self._open:
            self._open.pop().stop()

    def _keep(self, house: House) -> House:
        if "directory" in {one.name for one in house.registry.services}:
            import_module("praxisd.main").wire(house)
        self._open.append(house)
        return house

    def _database(self, template: str | None) -> str:
        if self._new_database is None:
            raise RuntimeError("no PostgreSQL server was given to this factory")
        return self._new_database(template)

    def _template(self, registry: Registry) -> str:
        """Path (SQLite) or name (PostgreSQL) of a migrated, closed database to copy."""
        heads = _heads_of(registry)
        found = _templates.get((self.engine, heads))
        if found is None:
            if self.engine == "sqlite":
                folder = Path(tempfile.mkdtemp(prefix="praxisd-template-"))
                atexit.register(shutil.rmtree, folder, ignore_errors=True)
                found = str(folder / "praxisd.db")
                engine: engines.Engine = engines.Sqlite(Path(found))
            else:
                url = self._database(None)
                found = url.rsplit("/", 1)[1]
                engine = engines.Postgres(url)
            store = Store(engine, FrozenClock(START))
            migrations.upgrade(store, registry)
            store.close()
            _templates[(self.engine, heads)] = found
        return found
