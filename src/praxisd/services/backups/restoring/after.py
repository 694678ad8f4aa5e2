"""After an exchange of praxisd's own data: it is noted, and what would be done twice waits for a person.

Messages that left after the state was taken stand in it as not sent. So whoever sends them is switched off at the first start
on such data, before any job runs, and on again when a person has looked (SPEC 8.5; "never twice", ARCHITECTURE).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, jobs, maintenance
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.finding import Check, Finding, Fix, Severity
from praxisd.kernel.job_plan import organizations, zone_name, zone_of
from praxisd.services.backups.restoring import exchange, opening, rights, working
from praxisd.services.backups.sources.own import COPIED
from praxisd_guard.durable import read_json

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READY, DONE, FAILED = "backups.exchange_waits", "backups.exchanged", "backups.exchange_failed"
BY_HAND = "backups.copied_by_hand"
PAUSED = ("messaging.send", "reminders.prepare", "reminders.birthdays")
"""What would write to patients a second time."""
WAITS_S = 600
"""So long an exchange may be ready before it is an Issue that nobody restarts praxisd. Seconds."""


def settled(house: "House") -> None:
    """The first start after an exchange, or on a folder that was copied back by hand, before any job runs: pause, note
    the event, and open the doors.
    """
    marked, last = read_json(house.folder / COPIED), exchange.known(house.folder)
    if marked is not None and (last is None or last.told):
        at = marked.get("at")
        exchange.by_hand(house.folder, at if isinstance(at, int) else 0, house.clock.now())
        last = exchange.known(house.folder)
    if last is None or last.told or last.phase not in ("done", "failed"):
        return
    if last.phase == "done":
        _pause(house, last.paused)
    (house.folder / COPIED).unlink(missing_ok=True)
    name = "backup_exchange.done" if last.phase == "done" else "backup_exchange.failed"
    with house.store.write(opening.SYSTEM) as tx:
        maintenance.end(tx, working.HOLDER)
        events.note(tx, name, "BackupExchange", last.id, kind=last.kind, code=last.code)
    exchange.mark(house.folder, told=True)  # last: a cut before it does all of it again


def seen(house: "House") -> None:
    """A person has looked: what was paused goes on, the Issue goes. Nothing happens where nothing is to be seen."""
    last = exchange.known(house.folder)
    if last is None or last.seen or last.phase not in ("done", "failed"):
        return
    for organization, name in last.paused:
        _switch(house, organization, name, on=True)
    exchange.mark(house.folder, seen=True, paused=())


def look(house: "House") -> Iterator[Finding]:
    """What there is to say of the last exchange."""
    last = exchange.known(house.folder)
    if last is None or last.seen:
        return
    facts = {"taken": moment(house, last.taken)}
    if last.phase == "ready" and house.clock.now() - last.at > WAITS_S:
        yield Finding(READY, "", Severity.WARNING, facts)
    elif last.phase == "done" and not last.before:
        yield Finding(BY_HAND, "", Severity.WARNING, facts)
    elif last.phase == "done":
        yield Finding(DONE, "", Severity.WARNING, {**facts, "before": last.before})
    elif last.phase == "failed":
        yield Finding(FAILED, "", Severity.ERROR, {"why": last.code, "detail": last.detail})


def moment(house: "House", at: int) -> str:
    """An instant as people of the practice write it."""
    with house.store.read(opening.SYSTEM) as tx:
        zone = zone_of(zone_name(house, tx))
    return f"{datetime.fromtimestamp(at, zone):%d.%m.%Y, %H:%M}"


def _fix(house: "House", _actor: Actor, _subject: str, _params: Mapping[str, Any]) -> None:
    seen(house)


def _pause(house: "House", waits: tuple[tuple[str, str], ...]) -> None:
    """Noted before anything is switched off: a cut in between forgets none. `waits`: what waits already."""
    found = _on(house)
    exchange.mark(house.folder, paused=tuple(dict.fromkeys((*waits, *found))))
    for organization, name in found:
        _switch(house, organization, name, on=False)


def _on(house: "House") -> tuple[tuple[str, str], ...]:
    """What would be done twice, and is switched on: (practice, name)."""
    with house.store.read(opening.SYSTEM) as tx:
        practices = organizations(house, tx)
    return tuple((one, name) for one in practices for name in PAUSED if _enabled(house, one, name))


def _enabled(house: "House", organization: str, name: str) -> bool:
    with house.store.read(system("backups", organization)) as tx:
        try:
            return jobs.get_job(house, tx, name).enabled
        except Problem:  # a house without that service, or a practice that is gone
            return False


def _switch(house: "House", organization: str, name: str, *, on: bool) -> None:
    with house.store.write(system("backups", organization)) as tx, suppress(Problem):  # as `_enabled`
        if jobs.get_job(house, tx, name).enabled != on:
            jobs.change(house, tx, name, enabled=on)


CHECKS = (
    Check(
        "backups.exchange",
        (READY, DONE, BY_HAND, FAILED),
        look,
        grave={
            READY: Severity.WARNING,
            DONE: Severity.WARNING,
            BY_HAND: Severity.WARNING,
            FAILED: Severity.ERROR,
        },
    ),
)
FIXES = (
    Fix(DONE, _fix, rights.RESTORE, asks=True),
    Fix(BY_HAND, _fix, rights.RESTORE, asks=True),
    Fix(FAILED, _fix, rights.RESTORE, asks=True),
)
EVENTS = (
    "backup_exchange.ready",
    "backup_exchange.cancelled",
    "backup_exchange.done",
    "backup_exchange.failed",
)
