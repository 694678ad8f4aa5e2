"""Checks of the online calendars: what a portal said, what is out of step, what is bookable outside the hours."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import cycle_store, engine_store, engine_views, portals
from praxisd.services.portals.cycle import CRASHED
from praxisd.services.portals.cycle_intake import STUCK
from praxisd.services.portals.cycle_start import ANSWERS_BACK_S
from praxisd.services.portals.cycle_steps import NO_COLUMN
from praxisd.services.portals.portal import (
    ANSWER_LOST,
    ANSWER_UNREADABLE,
    CODES,
    FAILING,
    REFUSED,
    TIMEOUT,
    TOO_OFTEN,
    UNKNOWN_HOST,
    UNREACHABLE,
)
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STALE, OUTSIDE = "portals.stale", "portals.outside_hours"
BACKGROUND_OFF, UNKNOWN_TIMES = "portals.background_off", "portals.unknown_times"
ANSWER_FAILED, UNREAD = "portals.answer_failed", "portals.blockers_unread"
_WHO = "portals.checks"
PATIENCE = 3
"""A failure that may heal by itself is an Issue once it came so often in a row; at once where nothing ever worked."""
GRACE_S = 600
"""So much longer than three intervals a calendar may be without a good comparison. Seconds."""
FAULTS = (*CODES, CRASHED, STUCK)
_PASSING = (UNKNOWN_HOST, UNREACHABLE, TIMEOUT, ANSWER_LOST, TOO_OFTEN, FAILING, CRASHED)
"""What praxisd tries again by itself, always; of the others some never, and two now so, now so."""
_GRAVE: dict[str, Severity | Varies] = {
    **dict.fromkeys((*FAULTS, ANSWER_FAILED), Severity.ERROR),
    **dict.fromkeys(_PASSING, Severity.WARNING),
    **dict.fromkeys(
        (ANSWER_UNREADABLE, REFUSED), Varies("portals.grave.again", (Severity.ERROR, Severity.WARNING))
    ),
}


def _practices(house: "House") -> list[str]:
    with house.store.read(system(_WHO)) as tx:
        return directory.organization_ids(tx)


def speaking(house: "House") -> Iterator[Finding]:
    """What a portal said the last time, as a whole or to one calendar; decisions it would not hear."""
    for practice in _practices(house):
        with house.store.read(system(_WHO, practice)) as tx:
            failed = engine_store.failed_answers(tx, tx.now - ANSWERS_BACK_S)
            found = list(_said(tx, practice))
            named = {one.id: one.name for one in PORTALS.all(tx)}
        yield from found
        for portal, count in failed.items():
            params = {"portal": named.get(portal, ""), "count": count}
            yield Finding(ANSWER_FAILED, f"Portal/{portal}", Severity.ERROR, params, practice)


def _said(tx: Tx, practice: str) -> Iterator[Finding]:
    cycles, states = engine_store.cycles(tx), engine_store.states(tx)
    for one in _active(tx):
        row, links = cycles.get(one.id), engine_store.calendars(tx, one.id)
        names = ", ".join(sorted(link.name for link in links)) or "–"
        params = {"portal": one.name, "calendar": names, "names": "–"}
        told = ""
        if row is not None and row.code in FAULTS:
            if _worth(row) and not (row.failures == 0 and _fresh(row, one, tx.now)):
                yield Finding(row.code, f"Portal/{one.id}", _grave(row), params, practice)
                told = row.code  # said once for the portal, not once more for each calendar
            if row.failures:
                continue
        for link in links:
            state = states.get(link.id)
            if state is not None and state.code in FAULTS and state.code != told and _worth(state):
                params = {"portal": one.name, "calendar": link.name, "names": "–"}
                yield Finding(state.code, f"OnlineCalendar/{link.id}", _grave(state), params, practice)


def _active(tx: Tx) -> list[OnlinePortal]:
    known = portals.forms()
    return [one for one in PORTALS.all(tx) if one.active and one.adapter in known]


def _worth(row: Any) -> bool:
    return not row.retry or row.failures >= PATIENCE or row.failures == 0 or row.good_at is None


def _fresh(row: Any, one: OnlinePortal, now: int) -> bool:
    """Only fetching bookings failed, for a passing reason, and it worked a short while ago."""
    return (
        bool(row.retry) and row.fetched_at is not None and now - row.fetched_at <= 3 * one.interval + GRACE_S
    )


def _grave(row: Any) -> Severity:
    return Severity.WARNING if row.retry else Severity.ERROR


def in_step(house: "House") -> Iterator[Finding]:
    """Calendars without a good comparison for too long, and portals that are set up while nothing runs."""
    for practice in _practices(house):
        with house.store.read(system(_WHO, practice)) as tx:
            active = _active(tx)
            linked = [(one, engine_store.calendars(tx, one.id)) for one in active]
            on = engine_views.background(house, tx)
            states, now, created = engine_store.states(tx), tx.now, _made(tx)
        used = [one.name for one, links in linked if links]
        if used and not on:
            yield Finding(
                BACKGROUND_OFF, "", Severity.WARNING, {"portals": ", ".join(sorted(used))}, practice
            )
        for one, links in linked if on else ():
            for link in links:
                state = states.get(link.id)
                last = created.get(link.id, 0) if state is None or state.good_at is None else state.good_at
                limit = 3 * one.interval + GRACE_S
                known = (
                    now - limit <= last <= now + GRACE_S
                )  # a time to come was noted by a clock that was ahead
                if not known:
                    # In quarters of an hour, so that it is not a new fact every minute.
                    minutes = max(now - last, limit) // 900 * 15
                    params: dict[str, object] = {
                        "portal": one.name,
                        "calendar": link.name,
                        "minutes": minutes,
                    }
                    yield Finding(STALE, f"OnlineCalendar/{link.id}", Severity.ERROR, params, practice)


def _made(tx: Tx) -> dict[str, int]:
    """When each calendar was last saved."""
    return {link.id: engine_store.saved_at(tx, link.id) for link in engine_store.calendars(tx)}


def columns(house: "House") -> Iterator[Finding]:
    """What is bookable online outside the column's hours, calendars whose column is gone, times nobody knows or can read."""
    for practice in _practices(house):
        with house.store.read(system(_WHO, practice)) as tx:
            found = [each for one in _active(tx) for each in _of_portal(house, tx, practice, one)]
        yield from found


def _of_portal(house: "House", tx: Tx, practice: str, one: OnlinePortal) -> Iterator[Finding]:
    where = engine_views.here(tx)
    schedules = calendar.views(house).calendar(tx).schedules
    unread = cycle_store.unread(tx, one.id)
    for link in engine_store.calendars(tx, one.id):
        column = schedules.get(link.schedule)
        params: dict[str, object] = {"portal": one.name, "calendar": link.name}
        if link.id in unread:
            yield _finding(UNREAD, link, Severity.WARNING, {**params, "count": unread[link.id]}, practice)
        if column is None or not column.active:
            yield _finding(NO_COLUMN, link, Severity.ERROR, params, practice)
            continue
        spans = engine_views.outside(house, tx, link)
        if spans:
            first = format_rfc3339(spans[0][0], where)[:16].replace("T", " ")
            params |= {"schedule": column.name, "first": first, "count": len(spans)}
            yield _finding(OUTSIDE, link, Severity.WARNING, params, practice)
    waiting = [row for row in cycle_store.unknowns(tx, one.id) if row.choice is None]
    if waiting:
        params = {"portal": one.name, "count": len(waiting)}
        yield Finding(UNKNOWN_TIMES, f"Portal/{one.id}", Severity.WARNING, params, practice)


def _finding(
    code: str, link: OnlineCalendar, severity: Severity, params: dict[str, object], practice: str
) -> Finding:
    return Finding(code, f"OnlineCalendar/{link.id}", severity, params, practice)


CHECKS = (
    Check("portals.speaking", (*FAULTS, ANSWER_FAILED), speaking, grave=_GRAVE),
    Check(
        "portals.in_step",
        (STALE, BACKGROUND_OFF),
        in_step,
        grave={STALE: Severity.ERROR, BACKGROUND_OFF: Severity.WARNING},
    ),
    Check(
        "portals.columns",
        (OUTSIDE, NO_COLUMN, UNKNOWN_TIMES, UNREAD),
        columns,
        grave={
            OUTSIDE: Severity.WARNING,
            NO_COLUMN: Severity.ERROR,
            UNKNOWN_TIMES: Severity.WARNING,
            UNREAD: Severity.WARNING,
        },
    ),
)
