"""The steps of a cycle: each calendar's busy times, then what is told and taken in beside them; and how it ends."""

from functools import partial
from typing import Any

from praxisd.kernel import events, leases
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, OnlineCalendar
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import (
    cycle_answers,
    cycle_intake,
    cycle_start,
    digest,
    engine_marks,
    engine_rules,
)
from praxisd.services.portals import engine_store as rows
from praxisd.services.portals.cycle import CRASHED, STOPS, Cycle, Result
from praxisd.services.portals.portal import ANSWER_UNREADABLE, CODES, Period

LONGEST_PERIOD_S = 3 * 366 * 86_400
NO_COLUMN = "portals.calendar_without_column"
KNOWN = frozenset({*CODES, CRASHED, NO_COLUMN})
"""What a failure may be called: each is an Issue with a text of its own. Anything else is `portals.crashed`."""


def uploads(one: Cycle) -> None:
    """Each calendar in turn. What is wrong with one of them does not keep the others."""
    for link in one.calendars:
        state = one.states[link.id]
        if not (one.by_hand or one.full) and _rests(one, state):
            one.report.results.append(Result(link.id, link.name, code=state.code))
            continue
        try:
            one.report.results.append(_calendar(one, link))
        except Problem as problem:
            if problem.code in STOPS:
                raise
            problem = _named(one, problem)
            one.write(partial(_calendar_failed, one, link, problem))
            one.report.results.append(Result(link.id, link.name, code=problem.code))


def _rests(one: Cycle, state: Any) -> bool:
    """After a failure of its own a calendar is left alone for longer than the portal's interval."""
    if not state.failures or state.tried_at is None:
        return False
    pause = engine_rules.wait_after(one.portal.interval, state.failures, bool(state.retry))
    return bool(one.house.clock.now() < state.tried_at + pause)


def _calendar(one: Cycle, link: OnlineCalendar) -> Result:
    period = one.call(lambda wire: wire.period(link.name))
    if not 0 < period.end - period.start <= LONGEST_PERIOD_S:
        raise Problem(ANSWER_UNREADABLE, 502)
    one.periods[link.id] = period
    here = zone(one.zone)
    with one.house.store.read(one.actor) as tx:
        number = events.head(tx)
        state = rows.state(tx, link.id)
        if _untouched(one, state, number, period):
            one.unchanged[link.id] = number
            return Result(link.id, link.name)
        if link.schedule not in calendar.views(one.house).calendar(tx).schedules:
            raise Problem(NO_COLUMN, 409)
        own = cycle_start.own_blockers(tx, one.portal.id, link.id, link.schedule)
        busy = calendar.busy(one.house, tx, link.schedule, digest.since(period, here), period.end, own)
    if state is None:  # unlinked meanwhile
        return Result(link.id, link.name)
    told = digest.digest(period, busy, here)
    if (
        not (one.full or state.force)
        and state.digest == told
        and not (one.by_hand and not _just_now(one, state))
    ):
        one.unchanged[link.id] = number
        return Result(link.id, link.name, uploaded=state.uploaded if one.by_hand else None)
    times = digest.within(period, busy)
    owed = one.write(partial(_begun, one, link))
    one.begun.add(link.id)
    count = one.call(lambda wire: wire.upload(link.name, period, times, one.before))
    one.write(partial(_uploaded, link, number, told, period, count, owed))
    one.begun.discard(link.id)
    return Result(link.id, link.name, uploaded=count)


def _untouched(one: Cycle, state: Any, number: int, period: Period) -> bool:
    """True if nothing at all has happened since this calendar was found in step for the same period: nothing is read then."""
    if state is None or state.digest is None or state.force or one.full or one.by_hand:
        return False
    return bool(state.seq == number and (state.first, state.last) == (period.start, period.end))


def _just_now(one: Cycle, state: Any) -> bool:
    """True if the last upload is so fresh that a person who asks for one is told of it: no portal is asked more often."""
    if state.failures or state.uploaded_at is None:
        return False
    return bool(0 <= one.house.clock.now() - state.uploaded_at < INTERVAL_LOW_S)


def _begun(one: Cycle, link: OnlineCalendar, tx: Tx) -> int:
    """An upload is about to be made: say so before. How many uploads are owed after this one.

    If one before it never ended, its request may still be under way and come after ours: ours is made once more.
    """
    state = rows.state(tx, link.id)
    rows.change_state(tx, link.id, force=rows.UNDER_WAY, digest=None, tried_at=tx.now)
    cycle_start.contact(one, tx)
    return rows.OWED if state is not None and state.force == rows.UNDER_WAY else rows.CLEAN


def _uploaded(
    link: OnlineCalendar, number: int, told: str, period: Period, count: int, owed: int, tx: Tx
) -> None:
    before = rows.state(tx, link.id)
    if before is None:
        return
    rows.finish_force(tx, link.id, owed)
    rows.change_state(
        tx, link.id, digest=told, seq=number, dirty_at=engine_marks.dirty_since(tx, number), uploaded=count,
        uploaded_at=tx.now, good_at=tx.now, tried_at=tx.now, failures=0, code=None, retry=None,
        first=period.start, last=period.end,
    )  # fmt: skip
    rows.add_upload(
        tx, link.id, link.portal, at=tx.now, seq=number, first=period.start, last=period.end, count=count
    )
    events.note(tx, "sync.uploaded", "OnlineCalendar", link.id, calendar=link.id, count=count)
    if before.failures:
        events.note(tx, "sync.recovered", "OnlineCalendar", link.id, code=before.code)


def _calendar_failed(one: Cycle, link: OnlineCalendar, problem: Problem, tx: Tx) -> None:
    """What went wrong with this one calendar."""
    if _note_failure(one, tx, link.id, problem):
        events.note(tx, "sync.failed", "OnlineCalendar", link.id, code=problem.code)


def _note_failure(one: Cycle, tx: Tx, link: str, problem: Problem) -> bool:
    """True if it is the first one in a row. Whether a failed upload has arrived all the same is not known: it is owed, as is
    the one that a night's comparison would have made.
    """
    before = rows.state(tx, link)
    if before is None:
        return False
    owed = {"force": rows.OWED} if link in one.begun or one.full else {}
    one.begun.discard(link)
    rows.change_state(
        tx,
        link,
        failures=before.failures + 1,
        code=problem.code,
        retry=int(problem.retry),
        tried_at=tx.now,
        **owed,
    )
    if before.failures:
        return False
    rows.add_upload(tx, link, one.portal.id, at=tx.now, code=problem.code)
    return True


def _named(one: Cycle, problem: Problem) -> Problem:
    """The failure by a name that has a text and is an Issue."""
    if problem.code in KNOWN:
        return problem
    one.house.log.error("portal_failed", where=one.portal.id, code=problem.code)
    return Problem(CRASHED, 502, retry=True)


def failed(one: Cycle, problem: Problem) -> None:
    """The portal as a whole does not work: all calendars wait, the next contact comes later and later."""
    problem = _named(one, problem)
    one.write(partial(_failed, one, problem))
    one.report.state, one.report.code = "failed", problem.code
    done = {result.calendar for result in one.report.results}
    one.report.results += [
        Result(link.id, link.name, code=problem.code) for link in one.calendars if link.id not in done
    ]


def _failed(one: Cycle, problem: Problem, tx: Tx) -> None:
    row = rows.cycle(tx, one.portal.id)
    if row is None:
        return
    done = {result.calendar for result in one.report.results}
    for link in one.calendars:
        if link.id not in done:
            _note_failure(one, tx, link.id, problem)
    for link_id, number in one.unchanged.items():
        rows.seen(tx, link_id, number, engine_marks.dirty_since(tx, number), tx.now)
    now, failures = tx.lease_now(), row.failures + 1
    wait = engine_rules.wait_after(one.portal.interval, failures, problem.retry)
    rows.change_cycle(
        tx, one.portal.id, contacted_at=now, due_at=now + _patience(problem, wait), failures=failures,
        code=problem.code, retry=int(problem.retry), mark=one.mark, fetched_at=one.fetched_at,
    )  # fmt: skip
    if not row.failures:
        events.note(tx, "sync.failed", "Portal", one.portal.id, code=problem.code)
    leases.release(tx, one.lease)


def _patience(problem: Problem, wait: int) -> int:
    """As long as the portal itself asks for, if that is longer, at most an hour."""
    asked = problem.headers.get("Retry-After", "")
    return max(wait, min(int(asked), engine_rules.LONGEST_WAIT_S)) if asked.isdigit() else wait


def end(one: Cycle) -> None:
    """All is done: keep what was learnt, say when the next contact is due, give the lease back."""
    one.write(partial(_end, one))
    if one.trouble is not None:
        one.report.code = one.trouble.code


def _end(one: Cycle, tx: Tx) -> None:
    row = rows.cycle(tx, one.portal.id)
    if row is None:
        return
    for link_id, number in one.unchanged.items():
        before = one.states[link_id]
        rows.seen(tx, link_id, number, engine_marks.dirty_since(tx, number), tx.now)
        if before.failures:
            events.note(tx, "sync.recovered", "OnlineCalendar", link_id, code=before.code)
    faults = [result for result in one.report.results if result.code is not None]
    now = tx.lease_now()
    due = now + one.portal.interval
    dirty = [
        state.dirty_at
        for state in rows.states(tx, one.portal.id).values()
        if state.dirty_at and not state.failures
    ]
    if one.portal.early and dirty:
        due = engine_rules.early(due, now, min(dirty))
    values: dict[str, Any] = {"mark": one.mark, "fetched_at": one.fetched_at}
    if not faults:
        values["good_at"] = now
    if one.full:
        values["reconciled_on"] = engine_rules.night_of(now, zone(one.zone))
    trouble = one.trouble
    values |= {
        "code": None if trouble is None else trouble.code,
        "retry": None if trouble is None else int(trouble.retry),
    }
    rows.change_cycle(tx, one.portal.id, contacted_at=now, due_at=due, failures=0, **values)
    if trouble is not None and row.code is None:
        events.note(tx, "sync.failed", "Portal", one.portal.id, code=trouble.code)
    if trouble is None and row.code is not None:
        events.note(tx, "sync.recovered", "Portal", one.portal.id, code=row.code)
    leases.release(tx, one.lease)


STEPS = (
    uploads,
    cycle_answers.answers,
    cycle_answers.choices,
    cycle_intake.fetch,
    cycle_intake.blockers,
    cycle_intake.hours,
)
"""What a cycle does after it has begun, in this order."""
