"""Reading and searching on the FHIR door: columns, appointment types, appointments, code systems."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Call, FhirPage
from praxisd.model.fhir_matching import matches
from praxisd.model.fhir_search import SearchParam, SearchQuery, window
from praxisd.model.fhir_search_values import DateRange, Ref, Token
from praxisd.model.scheduling import Appointment, Code
from praxisd.services.calendar import booking, fhir_codes, fhir_store, rules, store
from praxisd.services.calendar.fhir_shapes import Sight
from praxisd.services.calendar.fhir_slots import follower
from praxisd.services.directory import api as directory

Dict = dict[str, Any]
_CHUNK = 200
_CONTEXT = "https://gematik.de/fhir/isik/CodeSystem/ContextType"
_TYPES = "http://hl7.org/fhir/resource-types"


def sight_of(call: Call, tx: Any) -> Sight:
    """What the caller sees in a transaction."""
    return Sight(call.house, tx, call.base_url)


def read_schedule(call: Call, id_: str) -> Dict:
    """One column; 404 for one that is not released, to a portal."""
    with call.read() as tx:
        sight = sight_of(call, tx)
        one = sight.schedules.get(id_)
        if one is None:
            raise not_found("Schedule")
        return sight.schedule(one)


def search_schedules(call: Call, query: SearchQuery) -> FhirPage:
    """Columns, in id order."""
    return _few(call, query, lambda sight: map(sight.schedule, sight.schedules.values()))


def read_service(call: Call, id_: str) -> Dict:
    """One appointment type; 404 for one that is not released, to a portal."""
    with call.read() as tx:
        sight = sight_of(call, tx)
        one = sight.services.get(id_)
        if one is None:
            raise not_found("HealthcareService")
        return sight.service(one)


def search_services(call: Call, query: SearchQuery) -> FhirPage:
    """Appointment types, in id order."""
    return _few(call, query, lambda sight: map(sight.service, sight.services.values()))


def read_code_system(call: Call, id_: str) -> Dict:
    """One code system in use."""
    with call.read() as tx:
        found = next((one for one in code_systems(sight_of(call, tx)) if one["id"] == id_), None)
    if found is None:
        raise not_found("CodeSystem")
    return found


def search_code_systems(call: Call, query: SearchQuery) -> FhirPage:
    """All code systems used by the columns and types the caller may see."""
    return _few(call, query, code_systems)


def code_systems(sight: Sight) -> list[Dict]:
    """Built from the stored codings; foreign systems are fragments, our own is complete."""
    used: dict[str, dict[str, Code]] = {}
    where: dict[str, set[str]] = {}

    def note(kind: str, codes: Iterable[Code]) -> None:
        for code in codes:
            if code.system:
                used.setdefault(code.system, {}).setdefault(code.code, code)
                where.setdefault(code.system, set()).add(kind)

    for service in sight.services.values():
        note("HealthcareService", fhir_codes.service_types(service))
        note("HealthcareService", fhir_codes.specialties(service, (), sight.specialty))
    for one in sight.schedules.values():
        note("Schedule", fhir_codes.schedule_types(one, sight.services))
        note("Schedule", fhir_codes.specialties(None, (one,), sight.specialty))
    return [_code_system(url, used[url], sorted(where[url])) for url in sorted(used)]


def _code_system(url: str, codes: Mapping[str, Code], kinds: list[str]) -> Dict:
    own = url == fhir_codes.OWN_TYPES
    return {
        "resourceType": "CodeSystem",
        "id": hashlib.blake2b(url.encode(), digest_size=12).hexdigest(),
        "url": url,
        "name": "AppointmentTypes" if own else "CodesInUse",
        "status": "active",
        "useContext": [
            {
                "code": {"system": _CONTEXT, "code": "ResourceUsage"},
                "valueCodeableConcept": {"coding": [{"system": _TYPES, "code": kind}]},
            }
            for kind in kinds
        ],
        "caseSensitive": True,
        "content": "complete" if own else "fragment",
        "count": len(codes),
        "concept": [
            {"code": c.code, **({"display": c.display} if c.display else {})}
            for c in sorted(codes.values(), key=lambda c: c.code)
        ],
    }


def _few(call: Call, query: SearchQuery, make: Callable[[Sight], Iterable[Dict]]) -> FhirPage:
    """A page of a kind that is few by nature: built whole, compared in memory."""
    with call.read() as tx:
        sight = sight_of(call, tx)
        zone, known = sight.zone, sorted(make(sight), key=lambda r: str(r["id"]))
    follow = follower(call)
    hits = [r for r in known if matches(r, query, zone, base=call.base_url, follow=follow)]
    rest = [r for r in hits if query.cursor is None or r["id"] > query.cursor]
    count = query.count or 0
    more = len(rest) > count > 0
    return FhirPage(rest[:count], len(hits), rest[count - 1]["id"] if more else None)


def read_appointment(call: Call, id_: str) -> Dict:
    """One appointment; for a portal only its own."""
    with call.read() as tx:
        one = booking.get(tx, id_)
        return sight_of(call, tx).appointment(one)


def search_appointments(call: Call, query: SearchQuery) -> FhirPage:
    """Appointments in id order; a portal finds only its own."""
    count = query.count or 0
    with call.read() as tx:
        sight = sight_of(call, tx)
        frame, exact = _frame(sight, query)
        conditions, behind = fhir_store.appointments(tx, after=query.cursor, **frame)
        follow = follower(call)
        hits: list[tuple[str, Dict]] = []
        seen, after = 0, None
        counting = not exact and (query.total == "accurate" or not count)
        while True:
            chunk, after = store.APPOINTMENTS.page(tx, *conditions, *behind, after=after, limit=_CHUNK)
            names = directory.name(tx, [one.patient for one in chunk if one.patient])
            for one in chunk:
                shown = sight.appointment(one, names)
                if exact or matches(shown, query, sight.zone, base=call.base_url, follow=follow):
                    seen += 1
                    if len(hits) <= count:
                        hits.append((one.id, shown))
            if after is None or (len(hits) > count and not counting):
                break
        total: int | None = None
        if exact:
            total = store.APPOINTMENTS.count(tx, *conditions)
        elif after is None and query.cursor is None:
            total = seen
    more = len(hits) > count > 0
    return FhirPage([shown for _, shown in hits[:count]], total, hits[count - 1][0] if more else None)


def _frame(sight: Sight, query: SearchQuery) -> tuple[dict[str, Any], bool]:
    """Bounds for the database, and whether they say all that was asked."""
    exact = True
    names = ("ids", "statuses", "patients", "services", "slots", "since", "until")
    frame: dict[str, Any] = dict.fromkeys(names)
    for param in query.params:
        plain = param.modifier is None and param.missing is None and param.chain is None
        if param.name == "date" and plain and _single(param):
            continue
        if param.name in ("_id", "status") and plain:
            codes = {v.code for v in param.values if isinstance(v, Token) and v.code}
            systems = {v.system for v in param.values if isinstance(v, Token)}
            key = "ids" if param.name == "_id" else "statuses"
            frame[key] = codes if frame[key] is None else frame[key] & codes
            exact = exact and systems <= {None}
        elif (
            param.name in ("patient", "actor")
            and plain
            and sight.tx.actor.portal is None
            and _references(param, "Patient")
        ):
            ids = {v.id for v in param.values if isinstance(v, Ref) and v.id}
            frame["patients"] = ids if frame["patients"] is None else frame["patients"] & ids
            exact = False  # patients that could not be resolved stand in the kept resource only
        elif param.name == "actor" and plain and _references(param, "HealthcareService"):
            wanted = {v.id for v in param.values if isinstance(v, Ref) and v.id}
            if wanted <= sight.calendar.services.keys():
                frame["services"] = wanted
            exact = False
        elif param.name == "slot" and plain and _references(param, "Slot"):
            named = [v.id for v in param.values if isinstance(v, Ref) and v.id]
            parsed = {id_: rules.read_slot_id(id_) for id_ in named}
            others = [id_ for id_, read in parsed.items() if read is None]
            frame["slots"] = ([read[2] for read in parsed.values() if read is not None], others)
            exact = False
        else:
            exact = False
    frame["since"], frame["until"] = window(query, "date")
    return frame, exact


def _single(param: SearchParam) -> bool:
    return (
        len(param.values) == 1 and isinstance(param.values[0], DateRange) and param.values[0].prefix != "ne"
    )


def _references(param: SearchParam, type_: str) -> bool:
    return all(isinstance(v, Ref) and v.type == type_ and v.id for v in param.values)


def shown(call: Call, tx: Any, one: Appointment) -> Dict:
    """An appointment just written, as its caller sees it."""
    return sight_of(call, tx).appointment(one)
