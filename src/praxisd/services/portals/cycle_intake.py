"""What a cycle takes in: bookings, unknown times, busy times entered at the portal, and when it offers times."""

from dataclasses import replace
from functools import partial

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, OnlineCalendar
from praxisd.services.portals import cycle_store, desk_take, engine_blockers, engine_store
from praxisd.services.portals.cycle import STOPS, Cycle, Result
from praxisd.services.portals.portal import Blocker, Booking, Fetched, Period

STUCK = "portals.booking_stuck"


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
    link = next((each for each in one.calendars if each.name == booking.calendar), None)
    actor = replace(one.actor, portal=one.portal.name)
    try:
        word = one.write(lambda tx: desk_take.take_in(one.house, tx, one.portal, link, booking), actor)
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
        over, differ = engine_blockers.differing(tx, one.portal.id, link, period, zone(one.zone), got)
    for remote in over:
        one.write(partial(_forget, one, link, period, remote))
    for each, span in differ:
        try:
            one.write(
                lambda tx, e=each, s=span: engine_blockers.settle(one.house, tx, one.portal, link, e, s)  # type: ignore[misc]
            )
        except Problem as problem:  # the others are taken all the same
            _beside(one, link, problem)


def _forget(one: Cycle, link: OnlineCalendar, period: Period, remote: str, tx: Tx) -> None:
    """One that was taken back there; what lies behind us stays in the calendar as it was."""
    row = cycle_store.blockers(tx, one.portal.id, link.id).get(remote)
    if row is not None and row.end > period.start:
        engine_blockers.give_up(one.house, tx, link.schedule, row)
    cycle_store.drop_blocker(tx, one.portal.id, link.id, remote)


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
