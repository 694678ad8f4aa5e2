"""The kernel's own checks: database, disk, clock, rights of the data folder, handlers and jobs."""

import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel import clock, events, job_plan, jobs, migrations, vault_known
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Fix, Scope, Severity

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SQLITE_FIXED = (3, 51, 3)
"""First SQLite release without the WAL-reset bug (notes/libs.md § 2)."""
BACK_S = 120
"""How far the clock may go back without notice (time servers correct by less). Seconds."""
STUCK = 3
"""A handler that failed this often in a row, or a job whose last runs all did, is an issue."""
HIGHEST = "clock:highest"
READABLE, BROKEN = "vault.key_readable", "vault.key_broken"


def sqlite_version(house: "House") -> Iterator[Finding]:
    """SQLite before 3.51.3 can damage a database that two connections write; the single-writer rule avoids
    that.

    So it is worth knowing (Debian 12 brings 3.40.1) and no more.
    """
    if house.store.engine.name == "sqlite" and sqlite3.sqlite_version_info < SQLITE_FIXED:
        facts = {"version": sqlite3.sqlite_version, "fixed": ".".join(map(str, SQLITE_FIXED))}
        yield Finding("store.sqlite_old", "", Severity.INFO, facts)


def disk_space(house: "House") -> Iterator[Finding]:
    """Free space where the data folder lies, against two settings in megabytes."""
    free = shutil.disk_usage(house.folder).free // 1_000_000
    with house.store.read(system("checks")) as tx:
        warn = house.settings.get(tx, "kernel.disk_warn_mb")
        stop = house.settings.get(tx, "kernel.disk_error_mb")
    if free < max(warn, stop):
        severity = Severity.ERROR if free < stop else Severity.WARNING
        # Rounded, so that a slowly filling disk is not a new fact every minute.
        yield Finding("store.disk_low", "", severity, {"free": free // 100 * 100, "limit": max(warn, stop)})


def clock_state(house: "House") -> Iterator[Finding]:
    """The clock against the highest time ever seen, and the time zones that are set against those known
    here.
    """
    with house.store.read(system("checks")) as tx:
        highest = events.cursor(tx, HIGHEST, INSTALLATION)
        now = tx.now
        zones = {INSTALLATION: job_plan.zone_name(house, tx)}
        for one in job_plan.organizations(house, tx):
            tx.organization = one
            zones[one] = job_plan.zone_name(house, tx)
    if now < highest - BACK_S:
        yield Finding("clock.jumped", "", Severity.ERROR, {"minutes": (highest - now) // 60})
    elif now > highest:
        house.store.run(system("checks"), lambda tx: events.set_cursor(tx, HIGHEST, now, INSTALLATION))
    for organization, name in zones.items():
        try:
            clock.zone(name)
        except Problem:
            yield Finding(
                "clock.zone_unknown", name, Severity.ERROR, {"zone": name}, organization=organization
            )


def folder_rights(house: "House") -> Iterator[Finding]:
    """The data folder must be closed to other users of the computer (Windows keeps rights elsewhere)."""
    if os.name == "posix" and _open_to_others(house.folder):
        yield Finding("store.folder_open", "", Severity.ERROR, {"folder": str(house.folder)})


def guards_present(house: "House") -> Iterator[Finding]:
    """The guards in the database that refuse double bookings."""
    for name in migrations.missing_guards(house.store, house.registry):
        yield Finding("store.guard_missing", name, Severity.ERROR, {"guards": name})


def services_present(house: "House") -> Iterator[Finding]:
    """Services whose tables are in the database and whose program is not installed."""
    for name in migrations.absent_services(house.store, house.registry):
        yield Finding("store.service_missing", name, Severity.WARNING, {"service": name})


def vault_file(house: "House") -> Iterator[Finding]:
    """The vault's key file: there, readable by the server alone, and with each key that the installation has had."""
    path = house.vault.path
    subject = vault_known.place(house)  # each node has a file of its own
    try:
        there = house.vault.look()
    except Problem as problem:
        yield Finding(READABLE if problem.code == READABLE else BROKEN, subject, Severity.ERROR)
        return
    with house.store.read(system("checks")) as tx:
        known = vault_known.known(tx)
    gone = [one for one in known if one not in there]
    if gone or not there:
        facts = {"key": ", ".join(gone or house.vault.key_ids) or "–", "file": str(path)}
        yield Finding(vault_known.MISSING, subject, Severity.ERROR, facts)


def handlers_work(house: "House") -> Iterator[Finding]:
    """Handlers that fail again and again; what follows a booking waits for them."""
    dispatcher = house.shared.get("dispatcher")
    for name, count in sorted(dispatcher.failing.items()) if dispatcher is not None else ():
        if count >= STUCK:
            yield Finding("events.handler_stuck", name, Severity.ERROR, {"handler": name})


def jobs_work(house: "House") -> Iterator[Finding]:
    """Jobs whose last runs all failed."""
    with house.store.read(system("checks")) as tx:
        practices = job_plan.organizations(house, tx)
        for name, declared in sorted(house.registry.jobs.items()):
            for one in [INSTALLATION] if declared.per is Scope.INSTALLATION else practices:
                tx.organization = one
                code = jobs.failing(tx, name, STUCK)
                if code is not None:
                    facts = {"job": name, "code": code, "times": STUCK}
                    yield Finding("jobs.failing", name, Severity.WARNING, facts, organization=one)


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


CHECKS = (
    Check("kernel.sqlite", ("store.sqlite_old",), sqlite_version, grave=Severity.INFO),
    Check(
        "kernel.disk",
        ("store.disk_low",),
        disk_space,
        grave=Varies("store.disk_low.grave", (Severity.ERROR, Severity.WARNING)),
    ),
    Check("kernel.clock", ("clock.jumped", "clock.zone_unknown"), clock_state, grave=Severity.ERROR),
    Check("kernel.folder", ("store.folder_open",), folder_rights, grave=Severity.ERROR),
    Check("kernel.guards", ("store.guard_missing",), guards_present, grave=Severity.ERROR),
    Check("kernel.services", ("store.service_missing",), services_present, grave=Severity.WARNING),
    Check(
        "kernel.vault",
        (READABLE, BROKEN, vault_known.MISSING),
        vault_file,
        place=socket.gethostname,
        grave=Severity.ERROR,
    ),
    Check("kernel.handlers", ("events.handler_stuck",), handlers_work, offline=False, grave=Severity.ERROR),
    Check("kernel.jobs", ("jobs.failing",), jobs_work, grave=Severity.WARNING),
)
FIXES = (Fix(vault_known.MISSING, vault_known.heal, "kernel.settings.write", asks=True),)
