"""What a support package tells of praxisd itself: versions, settings, issues, jobs, tables, events."""

import os
import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version

from praxisd import __version__
from praxisd.kernel import event_search, installation, issues, jobs, migrations
from praxisd.kernel.access import INSTALLATION
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.support.bundle_known import Look
from praxisd.services.support.bundle_store import counts
from praxisd.services.support.bundle_values import (
    HIDDEN,
    Row,
    Value,
    customer,
    host,
    number,
    subject,
    time,
    version,
    word,
    words,
)

PACKAGES = (
    "litestar",
    "msgspec",
    "uvicorn",
    "SQLAlchemy",
    "alembic",
    "psycopg",
    "aiohttp",
    "cryptography",
    "tuf",
)
"""Libraries whose versions a service partner asks for."""
RUNS = 40
"""How many of the runs that did not go well are told."""
_DONE = ("success", "missed", "cancelled")
EVENTS_S = 7 * 86_400
"""Over how long events are counted."""
_STATES = frozenset({"starting", "running", "safe", "stopping", "draining"})


def installed(look: Look) -> Iterator[Row]:
    """The installation: where it runs and in which state; its plug-ins."""
    found = installation.facts(look.house)
    instance: Value = word(found.instance, {"praxisd"})
    yield Row(
        "installation",
        {
            "instance": instance,
            "customer": customer(diagnosis.customer_number(look.house, look.tx)),
            "state": word(found.state, _STATES),
            "host": host(found.host),
            "addresses": [str(one) for one in map(host, found.addresses) if isinstance(one, str)],
            "port": number(found.port),
            "service": word(found.service, {"praxisd", "praxisd.service"}),
            "guarded": number(found.guarded),
            "root": number(os.geteuid() == 0) if hasattr(os, "geteuid") else None,
            "demo": number(look.house.config.demo),
        },
    )
    for one in found.plugins:
        yield Row("plugin", {"name": HIDDEN, "version": version(one.version), "on": number(one.on)})


def versions(look: Look) -> Iterator[Row]:
    """The program, what it is written in, the database, the libraries."""
    engine = look.house.store.engine.name
    yield Row(
        "versions",
        {
            "praxisd": version(__version__),
            "python": version(platform.python_version()),
            "engine": word(engine, look.known),
            "sqlite": version(sqlite3.sqlite_version) if engine == "sqlite" else None,
            "system": word(platform.system(), look.known),
            "release": version(platform.release()),
            "machine": word(platform.machine(), look.known | {"AMD64", "aarch64", "arm64"}),
        },
    )
    for name in PACKAGES:
        try:
            yield Row("library", {"name": name, "version": version(package_version(name))})
        except PackageNotFoundError:
            continue  # what an installation does not use


def settings(look: Look) -> Iterator[Row]:
    """Settings that somebody changed: numbers, yes or no, and choices. What a person typed as text is only named."""
    for known in look.house.settings.all(look.tx):
        if known.source == "default":
            continue
        declared = look.house.settings.declared(known.key)
        value: Value
        if isinstance(declared.kind, tuple):
            value = word(known.value, declared.kind)
        elif declared.kind is str:
            value = word(known.value, look.zones)
        else:
            value = number(known.value)
        yield Row("setting", {"key": known.key, "value": value, "source": word(known.source, look.known)})


def problems(look: Look) -> Iterator[Row]:
    """Open issues of the practice and of the installation; what they are about only where it is words of the program."""
    parts = look.known | diagnosis.subject_words(look.house) | {diagnosis.own_host()}
    practice = look.tx.organization
    for organization in (practice, INSTALLATION):
        look.tx.organization = organization
        try:
            found = issues.list_open(look.tx)
        finally:
            look.tx.organization = practice
        for one in found:
            yield Row(
                "issue",
                {
                    "code": word(one.code, look.known),
                    "severity": one.severity.value,
                    "subject": subject(one.subject, parts),
                    "since": time(one.first_at),
                    "seen": time(one.last_at),
                    "ignored": number(one.ignored_by is not None),
                },
            )


def work(look: Look) -> Iterator[Row]:
    """The jobs as they are set, the latest run of each, and the latest that did not go well."""
    house, tx = look.house, look.tx
    for job in jobs.list_jobs(house, tx):
        yield Row("job", {"name": job.name, "enabled": number(job.enabled), "next": time(job.next_at)})
        for run in jobs.runs(house, tx, job.name, states=_DONE, limit=1):
            yield _run(look, run)
    for run in jobs.all_runs(house, tx, states=("failed", "interrupted", "running"), limit=RUNS)[0]:
        yield _run(look, run)


def _run(look: Look, run: jobs.Run) -> Row:
    return Row(
        "run",
        {
            "job": word(run.job, look.known),
            "state": word(run.state, look.known),
            "due": time(run.due_at),
            "started": time(run.started_at),
            "ended": time(run.ended_at),
            "attempt": number(run.attempt),
            "counted": number(sum(run.counts.values())),
            "code": word(run.code, look.known),
        },
    )


def tables(look: Look) -> Iterator[Row]:
    """At which state the database's tables are, and how many rows of the practice and of the installation each has."""
    heads = frozenset(migrations.heads(look.house.registry).values())
    applied = migrations.applied(look.house.store)
    yield Row("schema", {"applied": words(sorted(applied), heads), "current": number(heads <= applied)})
    practice = look.tx.organization
    shared = dict(counts(look.tx, INSTALLATION)) if practice != INSTALLATION else {}
    for name, rows in counts(look.tx, practice):
        yield Row("table", {"name": name, "rows": rows, "installation": shared.get(name) or None})


def noted(look: Look) -> Iterator[Row]:
    """How many events of each type the last seven days brought."""
    wanted = event_search.Wanted(since=look.tx.now - EVENTS_S)
    found = event_search.count_by_type(look.tx, look.house.registry, wanted)
    for type_, count in sorted(found.items()):
        yield Row("events", {"type": word(type_, look.known), "count": number(count)})
