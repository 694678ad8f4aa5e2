"""Which times would be free, and what do booking portals see? Worked out beside the calendar; nothing is saved.

A preview has an almanac and bitmaps of its own: what a column or type might become must not be remembered as what it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import HealthcareService, Schedule
from praxisd.services.calendar import columns, finding, rules, shapes, store, view_shapes
from praxisd.services.calendar.view import Calendar, almanac_of, views
from praxisd.services.directory import api as directory


def column(call: Call) -> shapes.Slots:
    """Free times in a column if it were changed so. Problems: those of changing it and of asking for slots."""
    body: view_shapes.ColumnPreviewIn = call.body
    begin, end = finding.period(body)
    names = ("hours", "exceptions", "observes_holidays")
    fields = {name: value for name, value in columns.as_fields(body).items() if name in names}
    with call.read() as tx:
        calendar = views(call.house).calendar(tx)
        changed = columns.replaced(store.SCHEDULES.need(tx, call.path["id"]), fields)
        service = calendar.services.get(body.service)
        if service is None:
            raise Problem("calendar.service_unknown", 422)
        schedules = {**calendar.schedules, changed.id: changed}
        return _free(call, tx, calendar, service, schedules, begin, end, (changed.id,))


def service(call: Call) -> shapes.Slots:
    """Free times of an appointment type if it were like this. Problems: those of saving it and of asking for slots."""
    body: view_shapes.TypePreviewIn = call.body
    begin, end = finding.period(body)
    fields = columns.as_fields(body.service)
    with call.read() as tx:
        calendar = views(call.house).calendar(tx)
        if body.id is not None and body.id not in calendar.services:
            raise Problem("calendar.service_unknown", 422)
        columns.check_groups(tx, fields)
        thought = columns.checked(HealthcareService, {"id": body.id or "", "no": 0, **fields})
        return _free(call, tx, calendar, thought, calendar.schedules, begin, end, ())


def _free(
    call: Call,
    tx: Tx,
    calendar: Calendar,
    kind: HealthcareService,
    schedules: Mapping[str, Schedule],
    begin: int,
    end: int,
    must: tuple[str, ...],
) -> shapes.Slots:
    zone = calendar.almanac.zone
    used = sorted({name for group in kind.groups for name in group if name in schedules})
    over = rules.span_of(begin, end, zone)
    occupied = views(call.house).occupied(tx, used, over, store.revisions(tx))
    known = rules.Known(
        {name: one.bits for name, one in occupied.items()},
        tuple(row for one in occupied.values() for row in one.held),
        {},
        {},
    )
    almanac = almanac_of(tx, zone, directory.organization(tx).region)
    found = rules.free_slots(
        kind, schedules, almanac, known, begin, end, tx.now, limit=call.body.limit, must=must
    )
    rows = [
        shapes.SlotOut(
            start=shapes.at(one.start, zone),
            end=shapes.at(one.end, zone),
            schedules=one.schedules,
            service=one.service,
        )
        for one in found.slots
    ]
    return shapes.Slots(slots=rows, next=str(found.slots[-1].start + 1) if found.more else None)


def released(call: Call) -> view_shapes.Released:
    """Columns, types, places and practitioners exactly as every booking portal reads them."""
    actor = call.actor
    # Not who asks decides what is shown, but what a portal may see; it has no bookings and no patients of its own.
    portal = replace(actor, permissions=call.house.registry.role("portal"), portal="", everything=False)
    with call.house.store.read(portal) as tx:
        practitioners, locations = directory.released(tx)

        def outward(records: Any) -> list[Any]:
            known = columns.released_of(records.all(tx))
            return [columns.outward(call.house, tx, one) for one in known]

        return view_shapes.Released(
            schedules=outward(store.SCHEDULES),
            healthcare_services=outward(store.SERVICES),
            locations=locations,
            practitioners=practitioners,
        )
