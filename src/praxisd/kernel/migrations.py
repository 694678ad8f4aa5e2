"""Schema migrations: one linear Alembic branch per service, brought up together.

Released files are never edited. Guards (overlap triggers, exclusion constraints) are re-created after every
upgrade, because Alembic's batch mode drops triggers silently (notes/libs.md § 2), and checked at start.
Alembic is imported only when something is to be done: it would cost a third of the start. `migration_steps` tells
expand from contract: an older program works on a newer schema as long as nothing was taken away.
"""

import re
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from praxisd.kernel import migration_steps
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.migration_steps import EXPAND, number
from praxisd.kernel.service import Service

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry
    from praxisd.kernel.store import Store

_REVISION = re.compile(r"([a-z][a-z0-9_]*)_[0-9]{4}")
"""The id of a revision: the name of its service, then its number."""
_FORGET = sa.text("DELETE FROM alembic_version WHERE version_num = :revision")
_REMEMBER = sa.text("INSERT INTO alembic_version (version_num) VALUES (:revision)")


def folder(service: Service) -> Path | None:
    """Where the service keeps its migrations; None if it has no tables."""
    found = _beside(import_module(service.package))
    return found if service.tables and found.is_dir() else None


@lru_cache(maxsize=256)
def _beside(package: ModuleType) -> Path:
    return Path(str(files(package))) / "migrations"


def heads(registry: "Registry") -> dict[str, str]:
    """The newest revision of each service: files are `NNNN_words.py`, revision ids `<service>_NNNN`."""
    result = {}
    for one in registry.services:
        place = folder(one)
        if place is not None:
            steps = migration_steps.kinds(one.name, place)
            if steps:
                result[one.name] = next(reversed(steps))
    return result


def applied(store: "Store") -> set[str]:
    """The revisions the database is at; empty for a new database."""
    with store.read(system("migrate")) as tx:
        there = _there(store, tx, "alembic_version")
        return (
            {r[0] for r in tx.raw("SELECT version_num FROM alembic_version").fetchall()} if there else set()
        )


def _there(store: "Store", tx: Any, name: str) -> bool:
    """True if the database has a table of this name."""
    if store.engine.name == "sqlite":
        return tx.raw("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None
    return tx.raw("SELECT to_regclass(%s)", (name,)).fetchone()[0] is not None


def pending(store: "Store", registry: "Registry", *, expand: bool = False) -> list[str]:
    """Revisions that `upgrade` would bring (the newest of each service); with `expand` only what takes nothing away."""
    there = {r.rpartition("_")[0]: number(r) for r in applied(store)}
    found = []
    for one in registry.services:
        place = folder(one)
        if place is not None:
            steps, at = migration_steps.kinds(one.name, place), there.get(one.name, 0)
            goal = migration_steps.until_contract(steps, at) if expand else next(reversed(steps), None)
            if goal is not None and number(goal) > at:
                found.append(goal)
    return sorted(found)


def upgrade(store: "Store", registry: "Registry", *, expand: bool = False) -> list[str]:
    """Bring every service's branch to its head, re-create all guards; returns the heads that were new.

    With `expand` each branch stops before its first step that takes something away. Where nothing is to be done, guards
    that got lost come back all the same. Problem `store.newer_schema` (503) where a newer program took something away.
    """
    unknown = _unknown(store, registry)
    _require_expanded(store, registry, unknown)
    todo = pending(store, registry, expand=expand)
    if not todo:
        if not unknown and missing_guards(store, registry):
            restore_guards(store, registry)
        return []
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    places = [str(p) for p in map(folder, registry.services) if p is not None]
    config.set_main_option("version_path_separator", "newline")
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(places))
    before = {r.rpartition("_")[0]: number(r) for r in applied(store)}
    absent = sorted({*unknown, *(r for r in applied(store) if _is_absent(r, registry))})
    engine = store.engine
    with engine.writer.connect() as connection:
        if engine.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # It may think long between two steps.
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7239)")
        config.attributes["connection"] = connection
        # Alembic stops at a revision it has no file for; those of absent services are put back as they were.
        aside = [r for r in absent if connection.execute(_FORGET, {"revision": r}).rowcount]
        for goal in todo if expand or unknown else ["heads"]:
            command.upgrade(config, goal)
        for revision in aside:
            connection.execute(_REMEMBER, {"revision": revision})
        if any(one.name == "kernel" for one in registry.services):
            migration_steps.remember(connection, _taken(registry, before, todo))
        for sql in guards(registry, engine.name):
            connection.exec_driver_sql(sql)
        if engine.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
        connection.commit()
    return todo


def finish(store: "Store", registry: "Registry") -> list[str]:
    """Take the steps of this program that waited for the end of its trial; what was done.

    Before the next version is tried: it adds its own steps after these, and stops before the first it may not take.
    """
    return upgrade(store, registry)


def _taken(registry: "Registry", before: dict[str, int], goals: list[str]) -> list[tuple[str, str]]:
    """All steps between what there was and the goals, with their kinds."""
    until = {g.rpartition("_")[0]: number(g) for g in goals}
    found = []
    for one in registry.services:
        place = folder(one)
        if place is not None and one.name in until:
            steps = migration_steps.kinds(one.name, place).items()
            found += [s for s in steps if before.get(one.name, 0) < number(s[0]) <= until[one.name]]
    return found


def _require_expanded(store: "Store", registry: "Registry", unknown: list[str]) -> None:
    """Raise `store.newer_schema` unless all that a newer program did to these services only added something."""
    if not unknown:
        return
    here = {name: number(head) for name, head in heads(registry).items()}
    with store.read(system("migrate")) as tx:
        steps = migration_steps.recorded(tx, _there(store, tx, "kernel_step"))
    newer = {r: k for r, k in steps.items() if number(r) > here.get(r.rpartition("_")[0], number(r))}
    if not set(unknown) <= set(newer) or set(newer.values()) != {EXPAND}:
        raise Problem("store.newer_schema", 503, revisions=", ".join(unknown))


def guards(registry: "Registry", dialect: str) -> list[str]:
    """DDL that (re-)creates every guard of every service, in order; idempotent."""
    return [sql for one in registry.services if one.triggers for sql in one.triggers(dialect)]


def missing_guards(store: "Store", registry: "Registry") -> list[str]:
    """Names of guards that should be in the database and are not."""
    with store.read(system("migrate")) as tx:
        there = store.engine.guards(tx.raw("SELECT 1"))
    wanted = [n for one in registry.services for n in one.guards]
    return sorted(n for n in _names(wanted, store.engine.name) if n not in there)


def _names(wanted: list[str], dialect: str) -> list[str]:
    return [n.removeprefix(dialect + ":") for n in wanted if ":" not in n or n.startswith(dialect + ":")]


def absent_services(store: "Store", registry: "Registry") -> list[str]:
    """Services that once made tables here and are not installed now, such as a plug-in that was removed.

    Their tables stay as they are and harm nobody, so the house opens without them.
    """
    return sorted({r.rpartition("_")[0] for r in applied(store) if _is_absent(r, registry)})


def _is_absent(revision: str, registry: "Registry") -> bool:
    match = _REVISION.fullmatch(revision)
    return match is not None and match[1] not in {one.name for one in registry.services}


def _unknown(store: "Store", registry: "Registry") -> list[str]:
    """Applied revisions of installed services this program has no file for: a newer program was here."""
    known: set[str] = set()
    for one in registry.services:
        place = folder(one)
        if place is not None:
            known.update(migration_steps.kinds(one.name, place))
    return sorted(r for r in applied(store) - known if not _is_absent(r, registry))


def require_current(store: "Store", registry: "Registry", *, expand: bool = False) -> None:
    """Refuse to work on a schema that is not this program's (`store.newer_schema`, `store.migrate_first`) or lost its
    guards. What a newer program only added is no hindrance; with `expand` neither is a step that may wait.
    """
    _require_expanded(store, registry, _unknown(store, registry))
    todo = pending(store, registry, expand=expand)
    if todo:
        raise Problem("store.migrate_first", 503, revisions=", ".join(todo))
    lost = missing_guards(store, registry)
    if lost:
        raise Problem("store.guard_missing", 503, guards=", ".join(lost))


def restore_guards(store: "Store", registry: "Registry") -> None:
    """Re-create all guards (the remedy of `store.guard_missing`, which stays true where rows already break
    one).
    """
    try:
        with store.write(system("migrate")) as tx:
            for sql in guards(registry, store.engine.name):
                tx.raw(sql)
    except store.engine.integrity as error:
        name = store.engine.violated(error)
        raise Problem("store.guard_missing", 503, guards=name) from None


def differences(connection: sa.Connection, metadata: sa.MetaData) -> list[Any]:
    """What the declared tables and the migrated database differ in (for the house test)."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return list(compare_metadata(MigrationContext.configure(connection), metadata))
