"""What a day or week calendar draws, put together as one caller may see it, and the search in it.

All of a period comes from one snapshot, by a handful of statements however full it is: a day with 3,000 appointments
in 20 columns is the measure (bench/console_view.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Closing, Reservation, Schedule
from praxisd.services.calendar import repeating, rules, shapes, view_shapes, view_store
from praxisd.services.calendar.busy import OFFER
from praxisd.services.calendar.view import Calendar, closing_rows, views
from praxisd.services.calendar.view_store import Drawn
from praxisd.services.directory import api as directory

VIEW_DAYS = 42
"""Six weeks: what a month takes on a wall calendar."""
_HIDDEN = view_shapes.Who(id=None, name=None)


def draw(call: Call) -> view_shapes.View:
    """Everything of the period. Problems: those of a period (400), calendar.schedule_unknown (422)."""
    body: view_shapes.ViewIn = call.body
    begin, end = shapes.instant(body.from_, "from"), shapes.instant(body.to, "to")
    rules.check_range(begin, end, VIEW_DAYS)
    with call.read() as tx:
        calendar = views(call.house).calendar(tx)
        wanted = _wanted(calendar, body.schedules)
        zone = calendar.almanac.zone
        at = partial(shapes.at, zone=zone)
        first, last = rules.local_date(begin, zone), rules.local_date(end - 1, zone)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        found = view_store.appointments(tx, begin, end)
        kept = [
            one
            for one in found
            if (body.cancelled or one.status != "cancelled") and _among(one.schedules, wanted)
        ]
        reserved = view_store.reservations(tx, begin, end)
        busy = view_store.other_busy(tx, begin, end, [one.id for one in wanted.values()])
        return view_shapes.View(
            zone=zone.key,
            now=shapes.moment(tx.now, zone),
            revision=str(events.head(tx)),
            schedules=[_column(one) for one in _ordered(calendar.schedules.values())],
            services=[
                view_shapes.TypeDrawn(
                    id=one.id, name=one.name, color=one.color, duration=one.duration, active=one.active
                )
                for one in sorted(calendar.services.values(), key=lambda one: one.no)
            ],
            open=[
                view_shapes.OpenDrawn(schedule=one.id, start=at(low), end=at(high))
                for one in _ordered(wanted.values())
                if one.active
                for on in days
                for low, high in calendar.almanac.periods(one, on)
                if low < end and begin < high
            ],
            appointments=appointments(tx, calendar, kept),
            reservations=[
                _reservation(tx, calendar, one) for one in reserved if _among(one.schedules, wanted)
            ],
            busy=[
                view_shapes.BusyDrawn(
                    schedule=one,
                    start=at(low),
                    end=at(high),
                    until=None if expires is None else shapes.moment(expires, zone),
                    round=owner.removeprefix(OFFER) if owner.startswith(OFFER) else None,
                )
                for one, low, high, expires, owner in busy
            ],
            absences=[
                view_shapes.AbsenceDrawn(
                    id=one.id,
                    version=one.version,
                    schedule=one.schedule,
                    first=low_day,
                    last=high_day,
                    reason=None if tx.actor.masked else one.reason,
                )
                for one in view_store.absences(tx, first.isoformat(), last.isoformat())
                if one.schedule is None or one.schedule in wanted
                for low_day, high_day in repeating.periods(one, first, last)
            ],
            closed=_closed(tx, days, call.lang),
        )


def _wanted(calendar: Calendar, schedules: Sequence[str] | None) -> Mapping[str, Schedule]:
    if schedules is None:
        return calendar.schedules
    if any(one not in calendar.schedules for one in schedules):
        raise Problem("calendar.schedule_unknown", 422)
    return {one: calendar.schedules[one] for one in schedules}


def _among(schedules: Sequence[str], wanted: Mapping[str, Schedule]) -> bool:
    # What stands in no column (imported) is drawn as well: nobody must miss it because it has no place.
    return not schedules or any(one in wanted for one in schedules)


def _ordered(schedules: Iterable[Schedule]) -> list[Schedule]:
    return sorted(schedules, key=lambda one: (one.order, one.no))


def _column(one: Schedule) -> view_shapes.ColumnDrawn:
    return view_shapes.ColumnDrawn(
        id=one.id,
        name=one.name,
        color=one.color,
        order=one.order,
        active=one.active,
        practitioner=one.practitioner,
        location=one.location,
    )


def _reservation(tx: Tx, calendar: Calendar, one: Reservation) -> view_shapes.ReservationDrawn:
    zone = calendar.almanac.zone
    return view_shapes.ReservationDrawn(
        id=one.id,
        version=one.version,
        title=None if tx.actor.masked else one.title,
        schedules=one.schedules,
        start=shapes.at(one.start, zone),
        end=shapes.at(one.end, zone),
        note=None if tx.actor.masked else one.note,
    )


def appointments(tx: Tx, calendar: Calendar, found: Sequence[Drawn]) -> list[view_shapes.AppointmentDrawn]:
    """As this caller may see them, the names of all their patients by one question."""
    masked, zone = tx.actor.masked, calendar.almanac.zone
    patients = {one.patient for one in found if one.patient is not None}
    names = {} if masked else directory.name(tx, sorted(patients))
    people = {id_: _HIDDEN if masked else view_shapes.Who(id=id_, name=names.get(id_)) for id_ in patients}
    return [
        view_shapes.AppointmentDrawn(
            id=one.id,
            version=one.version,
            status=one.status,
            start=shapes.at(one.start, zone),
            end=shapes.at(one.end, zone),
            service=one.service,
            schedules=one.schedules,
            patient=None if one.patient is None else people[one.patient],
            note=None if masked else one.note,
            portal=one.portal,
            cancel_reason=None if masked else one.cancel_reason,
            buffer_before=one.buffer_before,
            buffer_after=one.buffer_after,
        )
        for one in found
    ]


def _closed(tx: Tx, days: Sequence[date], lang: str) -> list[view_shapes.ClosedDrawn]:
    own = [Closing(date=on, closed=bool(closed), name=name) for on, closed, name in closing_rows(tx)]
    years = {on.year for on in days}
    known = rules.closed_days(directory.organization(tx).region, years, own, lang)
    return [view_shapes.ClosedDrawn(date=on, name=known[on]) for on in days if on in known]


def search(call: Call) -> view_shapes.AppointmentsDrawn:
    """Appointments whose patient or type is called like this; Problem directory.search_masked (403) for masked actors."""
    body: view_shapes.SearchWordsIn = call.body
    with call.read() as tx:
        calendar = views(call.house).calendar(tx)
        since = tx.now if body.from_ is None else shapes.instant(body.from_, "from")
        found = _find(tx, calendar, body.text, since, body.limit)
        return view_shapes.AppointmentsDrawn(appointments=appointments(tx, calendar, found))


def _find(tx: Tx, calendar: Calendar, text: str, since: int, limit: int) -> list[Drawn]:
    """By a patient, by a type, or by both together: `Müller Kontrolle` is a patient and a type."""
    words = directory.words(text)
    patients = directory.find(tx, text)
    if not words:
        return []
    kinds = {one.id: " ".join(directory.words(one.name)) for one in calendar.services.values()}
    fitting = {word: {id_ for id_, name in kinds.items() if word in name} for word in words}
    services = set.intersection(*fitting.values())
    found: dict[str, Drawn] = {}
    ways: list[tuple[list[str] | None, set[str] | None]] = [(patients, None), (None, services)]
    rest = [word for word in words if not fitting[word]]
    if rest and len(rest) < len(words):
        both = set.intersection(*(fitting[word] for word in words if fitting[word]))
        ways.append((directory.find(tx, " ".join(rest)), both))
    for people, types in ways:
        if people == [] or types == set():
            continue
        found |= {one.id: one for one in view_store.among(tx, people, types, since, limit)}
    coming = sorted(
        (one for one in found.values() if one.start >= since), key=lambda one: (one.start, one.id)
    )
    before = sorted(
        (one for one in found.values() if one.start < since),
        key=lambda one: (one.start, one.id),
        reverse=True,
    )
    return [*coming, *before][:limit]
