"""Imported columns and appointment types: Schedule and HealthcareService.

An imported type has no duration of its own (FHIR tells none) and serves the imported columns that name it or share its
coding; types that the practice made are never touched.
"""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.store import Tx
from praxisd.model.fhir_search_values import Ref
from praxisd.model.scheduling import HealthcareService, Schedule
from praxisd.services.calendar import columns, fhir_codes, store
from praxisd.services.calendar.fhir_shapes import SCHEDULE_NAME, keep, kept
from praxisd.services.calendar.importing_ids import UNRESOLVED, Stored, known_actor, place, ref_of, same

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]


def put_schedule(house: "House", tx: Tx, resource: Dict, release: bool) -> Stored:
    before, id_, resource, replaced = place(tx, store.SCHEDULES, resource)
    if before is not None and same(before, resource):
        return Stored(id_, "unchanged")
    actors = resource.get("actor", [])
    practitioner, lost = known_actor(tx, "Practitioner", actors)
    location, lost_too = known_actor(tx, "Location", actors)
    fields: Dict = {
        "name": _schedule_name(resource),
        "active": resource.get("active", True),
        "practitioner": practitioner,
        "location": location,
        "service_type": fhir_codes.codes_of(resource.get("serviceType")),
        "specialty": fhir_codes.codes_of(resource.get("specialty")),
        "extra": keep(resource),
    }
    if before is not None:
        one = columns.edit_schedule(house, tx, id_, None, **fields)
    else:
        one = columns.add_schedule(house, tx, id=id_, released=release, **fields)
    named = {ref.id for a in actors if (ref := ref_of(a)) is not None and ref.type == "HealthcareService"}
    for service in store.SERVICES.all(tx):
        if "fhir" in service.extra and (service.id in named or _share(service, one)):
            members = {name for group in service.groups for name in group}
            if one.id not in members:
                group = (*(service.groups[0] if service.groups else ()), one.id)
                columns.edit_service(house, tx, service.id, None, groups=(group,))
    missing = [ref.id for ref in map(ref_of, actors) if ref is not None and ref.type == "HealthcareService"]
    gone = any(store.SERVICES.get(tx, service or "") is None for service in missing)
    warnings = (UNRESOLVED,) if lost or lost_too or gone else ()
    return Stored(id_, "created" if before is None else "updated", replaced, warnings)


def _schedule_name(resource: Dict) -> str:
    named = [e.get("valueString") for e in resource.get("extension", ()) if e.get("url") == SCHEDULE_NAME]
    shown = [a.get("display") for a in resource.get("actor", ())]
    coded = [c.display for c in fhir_codes.codes_of(resource.get("serviceType"))]
    return str(next((text for text in (*named, *shown, *coded) if text), resource["id"]))[:200]


def _share(service: HealthcareService, schedule: Schedule) -> bool:
    return any(fhir_codes.same(a, b) for a in service.service_type for b in schedule.service_type)


def put_service(house: "House", tx: Tx, resource: Dict, release: bool) -> Stored:
    before, id_, resource, replaced = place(tx, store.SERVICES, resource)
    if before is not None and same(before, resource):
        return Stored(id_, "unchanged")
    codes = fhir_codes.codes_of(resource.get("type"))
    fields: Dict = {
        "name": (resource.get("name") or next((c.display for c in codes if c.display), None) or id_)[:200],
        "active": resource.get("active", True),
        "service_type": codes,
        "specialty": fhir_codes.codes_of(resource.get("specialty")),
        "comment": resource.get("comment"),
        "extra": keep(resource),
    }
    if before is not None:
        columns.edit_service(house, tx, id_, None, **fields)
        return Stored(id_, "updated", replaced)
    serving = tuple(
        s.id
        for s in store.SCHEDULES.all(tx)
        if "fhir" in s.extra
        and (
            any(fhir_codes.same(a, b) for a in codes for b in s.service_type)
            or any(ref_of(a) == Ref("HealthcareService", id_, None) for a in kept(s.extra).get("actor", ()))
        )
    )
    groups = (serving,) if serving else ()
    # FHIR tells no duration: the booking says how long, and the imported slots say how far ahead.
    columns.add_service(
        house, tx, id=id_, released=release, duration=None, max_ahead=None, groups=groups, **fields
    )
    return Stored(id_, "created", replaced)
