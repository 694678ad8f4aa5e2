"""What a cycle takes in: bookings, unknown times, busy times entered at the portal, and when it offers times."""

from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, OnlineCalendar
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import cycle_store, engine_store, links
from praxisd.services.portals.cycle import STOPS, Cycle, Result
from praxisd.services.portals.portal import Blocker, Booking, Fetched, Period

STUCK = "portals.booking_stuck"
OVERLAPS = "calendar.reservation_overlaps"
BLOCKED = "portals.blocker_conflict"


def _due(one: Cycle) -> bool:
    """Is it time to read from the portal again?"""
    if one.wire is None:
        return False
    last, least = one.row.fetched_at, one.wire.abilities.fetch_s
    if one.by_hand and least <= INTERVAL_LOW_S:
        return True  # a person who waits for a booking may look at once
    return last is None or one.house.clock.now() - last >= least


def fetch(one: Cycle) -> None:
    """Bookings and unknown times. The mark moves on once everything is kept; what is known already stays as it is."""
    if one.wire is None or not _due(one):
        return
    able = one.wire.abilities
    if not (able.bookings or able.offers):
        return
    whole = one.mark is None
    try:
        got = one.call(lambda wire: wire.fetch(one.mark))
    except Problem as problem:
        if problem.code in STOPS:
            raise
        one.trouble = problem  # uploads go on at their pace
        return
    kept = [_take(one, booking) for booking in got.bookings]
    if all(kept):
        one.mark = got.mark or one.mark
    else:  # it is fetched again until it can be kept
        one.trouble = Problem(STUCK, 500)
    one.fetched_at = one.house.clock.now()
    if got.bookings or got.unknown or whole:  # else the end of the cycle keeps the mark
        one.write(partial(_fetched, one, got, whole))


def _take(one: Cycle, booking: Booking) -> bool:
    """Hand a booking to the desk, in a transaction of its own; False if it could not be kept."""
    from praxisd.services.portals.desk_take import take_in

    link = next((each for each in one.calendars if each.name == booking.calendar), None)
    actor = replace(one.actor, portal=one.portal.name)
    try:
        word = one.write(lambda tx: take_in(one.house, tx, one.portal, link, booking), actor)
    except (Problem, ValueError, LookupError) as error:
        one.house.log.error("booking_stuck", where=one.portal.id, error=error)
        return False
    one.report.bookings += word == "new"
    return True


def _fetched(one: Cycle, got: Fetched, whole: bool, tx: Tx) -> None:
    engine_store.change_cycle(tx, one.portal.id, mark=one.mark, fetched_at=one.fetched_at)
    for each in got.unknown:
        cycle_store.keep_unknown(tx, one.portal.id, each, each.version)
    if whole:
        cycle_store.drop_unknown(tx, one.portal.id, [each.id for each in got.unknown])
    if one.report.bookings:
        events.note(tx, "booking.fetched", "Portal", one.portal.id, count=one.report.bookings)


def blockers(one: Cycle) -> None:
    """Busy times entered at the portal become reservations here; where an appointment stands already, a conflict."""
    if one.wire is None or not one.wire.abilities.blockers or not _due(one):
        return
    for link in one.calendars:
        period = one.periods.get(link.id)
        if period is None:
            continue
        try:
            got = one.call(lambda wire, c=link.name, p=period: wire.blockers(c, p))  # type: ignore[misc]
        except Problem as problem:
            _beside(one, link, problem)
            continue
        _match(one, link, period, {each.id: each for each in got})
    if not (one.wire.abilities.bookings or one.wire.abilities.offers):  # what fetching would say
        one.fetched_at = one.house.clock.now()


def _match(one: Cycle, link: OnlineCalendar, period: Period, got: dict[str, Blocker]) -> None:
    with one.house.store.read(one.actor) as tx:
        known = cycle_store.blockers(tx, one.portal.id, link.id)
    for remote, row in known.items():
        there = got.get(remote)
        gone = there is None and row.end > period.start and row.start < period.end
        if gone or (there is not None and (there.start, there.end) != (row.start, row.end)):
            one.write(partial(_unblock, one, link, row))
    for remote, each in got.items():
        row = known.get(remote)
        same = row is not None and (row.start, row.end) == (each.start, each.end)
        if each.start < each.end and not (same and row is not None and row.reservation is not None):
            _block(one, link, each)


def _unblock(one: Cycle, link: OnlineCalendar, row: Any, tx: Tx) -> None:
    links.drop_reservation(one.house, tx, row.reservation)
    links.end_conflict(one.house, tx, row.conflict)
    cycle_store.drop_blocker(tx, one.portal.id, link.id, row.remote)


def _block(one: Cycle, link: OnlineCalendar, each: Blocker) -> None:
    try:
        one.write(partial(_reserve, one, link, each))
    except Problem as problem:
        if problem.code != OVERLAPS:
            raise
        named = str(problem.params.get("appointments") or "")
        others = [f"Appointment/{id_}" for id_ in named.split(",") if id_]
        if others:  # a hold alone ends by itself
            one.write(partial(_conflict, one, link, each, others))


def _reserve(one: Cycle, link: OnlineCalendar, each: Blocker, tx: Tx) -> None:
    language = directory.organization(tx).language
    made = calendar.add_reservation(
        one.house, tx, schedules=(link.schedule,), start=each.start, end=each.end,
        title=one.house.texts.get("portals.blocker.title", language, portal=one.portal.name),
    )  # fmt: skip
    cycle_store.put_blocker(
        tx,
        one.portal.id,
        link.id,
        each.id,
        start=each.start,
        end=each.end,
        reservation=made.id,
        conflict=None,
    )


def _conflict(one: Cycle, link: OnlineCalendar, each: Blocker, others: list[str], tx: Tx) -> None:
    """Name both sides, once."""
    known = cycle_store.blockers(tx, one.portal.id, link.id).get(each.id)
    found = calendar.note_conflict(
        tx, appointment=None, others=others, code=BLOCKED, portal=one.portal.name, start=each.start, end=each.end,
        schedule=link.schedule,
    )  # fmt: skip
    kept = None if known is None else known.conflict
    cycle_store.put_blocker(
        tx,
        one.portal.id,
        link.id,
        each.id,
        start=each.start,
        end=each.end,
        reservation=None,
        conflict=found or kept,
    )


def hours(one: Cycle) -> None:
    """When the portal offers times: read each night, when a person asks, and for calendars of which it is not known."""
    if one.wire is None or not one.wire.abilities.hours:
        return
    for link in one.calendars:
        period = one.periods.get(link.id)
        if period is None or not (one.full or one.by_hand or one.states[link.id].hours is None):
            continue
        try:
            got = one.call(lambda wire, c=link.name, p=period: wire.hours(c, p))  # type: ignore[misc]
        except Problem as problem:
            _beside(one, link, problem)
            continue
        told = None if got is None else [(each.start, each.end) for each in got]
        text = msgspec.json.encode(told).decode()
        if text != one.states[link.id].hours:
            one.write(partial(_keep_hours, link.id, text))


def _keep_hours(link: str, text: str, tx: Tx) -> None:
    engine_store.change_state(tx, link, hours=text)


def _beside(one: Cycle, link: OnlineCalendar, problem: Problem) -> None:
    """Something beside the upload failed: said in the report of a person's comparison, and tried again with the next."""
    if problem.code in STOPS:
        raise problem
    one.house.log.warning("portal_refused", where=link.id, code=problem.code)
    one.report.results = [
        Result(each.calendar, each.name, each.uploaded, problem.code)
        if each.calendar == link.id and each.code is None
        else each
        for each in one.report.results
    ]
