"""How much is booked on each day: numbers for the console's plot, without anything of the appointments themselves."""

from datetime import timedelta

import sqlalchemy as sa

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.kernel.store import mine, prepared
from praxisd.services.calendar import store, view_shapes
from praxisd.services.calendar.days import day
from praxisd.services.calendar.drawing import VIEW_DAYS
from praxisd.services.calendar.view import views

_YEARS = range(1900, 2200)
_A = store.APPOINTMENT.c
_COUNTED = prepared(
    sa.select(sa.func.count(), sa.func.count(_A.portal)).where(
        mine(store.APPOINTMENT),
        _A.start >= sa.bindparam("since"),
        _A.start < sa.bindparam("until"),
        _A.status.not_in(("cancelled", "noshow")),
    )
)


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
            total, outside = tx.tuples(_COUNTED, since=since, until=until)[0]
            found.append(view_shapes.DayCount(date=on, appointments=total, portals=outside))
    return view_shapes.Counts(days=found)
