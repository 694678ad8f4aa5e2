"""`guard.health`: what the guard asks a server that it has started, and what speaks against cutting it off now.

An operation on the control port, not a door: it tells more than the outside may know, and answers during maintenance.
"""

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from praxisd import __version__
from praxisd.kernel import leases, migrations
from praxisd.kernel.access import system
from praxisd.kernel.app import State
from praxisd.kernel.job_store import RUNNING
from praxisd.kernel.service import Operation

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

CHECK_S = 8.0
"""A look through the whole SQLite file is stopped after so long; what was seen until then was good. Seconds."""


def health(house: "House", args: dict[str, Any]) -> dict[str, Any]:
    """Version, state, whether all is well (`ok`, and codes in `why`), the schema, the services, what must not be cut.

    With `thorough` false the database is not looked through: for questions that come every second.
    """
    why: list[str] = []
    expand = house.safe or (house.guard is not None and house.guard.on_trial)
    try:
        migrations.require_current(house.store, house.registry, expand=expand)
        if args.get("thorough", True) and not sound(house):
            why.append("store.damaged")
    except Exception as error:
        why.append(getattr(error, "code", "store.unreachable"))
    if house.state not in (State.RUNNING, State.SAFE):
        why.append(f"state.{house.state.value}")
    alive = {thread.name for thread in threading.enumerate()}
    why += [f"thread.{name}" for name in sorted(house.work - alive)]
    return {
        "version": __version__,
        "state": house.state.value,
        "ok": not why,
        "why": why,
        "schema": sorted(migrations.heads(house.registry).values()),
        "services": [one.name for one in house.registry.services],
        "busy": [] if why else busy(house),
    }


def sound(house: "House") -> bool:
    """False if SQLite finds its file damaged. PostgreSQL checks its own pages."""
    if house.store.engine.name != "sqlite":
        return True
    stop = threading.Event()
    timer = threading.Timer(CHECK_S, stop.set)
    timer.start()
    try:
        with house.store.read(system("guard")) as tx:
            link: sqlite3.Connection | None = getattr(tx.raw("SELECT 1"), "connection", None)
            if link is not None:
                link.set_progress_handler(lambda: int(stop.is_set()), 100_000)
            try:
                return [row[0] for row in tx.raw("PRAGMA quick_check(1)").fetchall()] == ["ok"]
            except sqlite3.OperationalError:
                if not stop.is_set():
                    raise
                return True
            finally:
                if link is not None:
                    link.set_progress_handler(None, 0)
    finally:
        timer.cancel()


def busy(house: "House") -> list[str]:
    """Names of the running jobs that must not be cut off."""
    with house.store.read(system("guard")) as tx:
        return uncut(house, tx)


def uncut(house: "House", tx: "Tx") -> list[str]:
    """Names of what runs and must not be cut off, of all nodes: jobs (`JobType.uncut`), and who holds such a lease."""
    names = {job.name for one in house.registry.services for job in one.jobs if job.uncut}
    now = tx.lease_now()
    runs = {row.job for row in tx.all(RUNNING) if row.job in names and row.lease_until > now}
    return sorted({*runs, *leases.uncut(tx)})


OPERATIONS = (Operation("guard.health", health),)
