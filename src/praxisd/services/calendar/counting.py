"""How much is booked on each day: numbers for the console's plot, without anything of the appointments themselves."""

from datetime import timedelta

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.services.calendar import view_shapes, view_store
from praxisd.services.calendar.days import day
from praxisd.services.calendar.drawing import VIEW_DAYS
from praxisd.services.calendar.view import views

_YEARS = range(1900, 2200)


def count(call: Call) -> view_shapes.Counts:
    """How many appointments begin on each day

    Without cancelled and missed ones; `portals` of them were booked from outside. At most 42 days.
    """
    body: view_shapes.CountsIn = call.body
    for name, on in (("first", body.first), ("last", body.last)):
        if on.year not in _YEARS:
            raise Problem("clock.bad_time", 400, field=name)
    if body.last < body.first:
        raise Problem("calendar.range_reversed", 400)
    days = [body.first + timedelta(days=n) for n in range((body.last - body.first).days + 1)]
    if len(days) > VIEW_DAYS:
        raise Problem("calendar.range_too_long", 400, days=VIEW_DAYS)
    found = []
    with call.read() as tx:
        zone = views(call.house).calendar(tx).almanac.zone
        for on in days:
            since, until = day(on, zone).start, day(on + timedelta(days=1), zone).start
            total, outside = view_store.counted(tx, since, until)
            found.append(view_shapes.DayCount(date=on, appointments=total, portals=outside))
    return view_shapes.Counts(days=found)
