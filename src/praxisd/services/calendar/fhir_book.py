"""`Appointment/$book` as gematik ISiK Terminplanung defines it (OperationDefinition AppointmentBook).

A bare Appointment or Parameters. A known id moves that appointment and keeps the id; `cancelled-appt-id` books anew
and cancels the old one, both or neither. 201 booked, 202 pending, 400 syntax, 422 whatever else is wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, FhirAnswer
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_search_values import Ref, parse_reference
from praxisd.model.fhir_times import parse_instant
from praxisd.model.scheduling import FROZEN, Appointment
from praxisd.services.calendar import booking, fhir_slots, fhir_way, placing, rules, store
from praxisd.services.calendar.booking import Wish
from praxisd.services.calendar.fhir_shapes import IMPORTED_ID, Sight, keep
from praxisd.services.calendar.fhir_way import Period
from praxisd.services.directory import api as directory

Dict = dict[str, Any]
MOST_KEPT = 200_000
"""Bytes of a resource that are kept with an appointment; a larger one belongs into a Communication."""
_BUSINESS = frozenset(
    f"calendar.{name}"
    for name in (
        "slot_taken",
        "frozen",
        "status_change",
        "hold_expired",
        "range_reversed",
        "reservation_overlaps",
    )
)


class Asked(NamedTuple):
    """The request taken apart."""

    resource: Dict
    schedule: str | None
    cancelled: str | None


@contextmanager
def as_fhir() -> Iterator[None]:
    """Refusals of the calendar with FHIR's status: what REST calls a conflict is a business rule here (422)."""
    try:
        yield
    except Problem as problem:
        if problem.code not in _BUSINESS:
            raise
        told = Problem(problem.code, 422, retry=problem.retry, detail=problem.detail)
        told.params = problem.params
        raise told from None


def book(call: Call, body: Dict) -> FhirAnswer:
    """The operation, in the caller's open transaction."""
    with as_fhir():
        asked = _asked(call, body)
        one = _book(call, asked)
        sight = Sight(call.house, call.writing, call.base_url)
        return FhirAnswer(202 if one.status == "pending" else 201, sight.appointment(one), one.version)


def _asked(call: Call, body: Dict) -> Asked:
    if body["resourceType"] == "Appointment":
        return Asked(body, None, None)
    found: Dict = {}
    for number, part in enumerate(body.get("parameter", ())):
        name = part["name"]
        value = part.get("resource") or part.get("valueReference") or part.get("valueUri")
        if name not in ("appt-resource", "cancelled-appt-id", "schedule") or name in found or value is None:
            raise FhirError(
                "fhir.invalid", f"Parameters.parameter[{number}]", "an unknown, double or empty parameter"
            )
        found[name] = value
    resource = found.get("appt-resource")
    if not isinstance(resource, dict) or resource.get("resourceType") != "Appointment":
        raise FhirError(
            "fhir.required", "Parameters.parameter", "appt-resource with an Appointment is missing"
        )
    schedule = cancelled = None
    if "schedule" in found:
        ref = _ref(call, found["schedule"], "Schedule") if isinstance(found["schedule"], dict) else None
        if ref is None or ref.id is None:
            raise Problem("calendar.schedule_unknown", 422)
        schedule = ref.id
    if "cancelled-appt-id" in found:
        text = found["cancelled-appt-id"]
        ref = parse_reference(text, call.base_url, ("Appointment",)) if isinstance(text, str) else None
        if ref is None or ref.id is None or ref.type != "Appointment":
            raise Problem("calendar.cancelled_unknown", 422)
        cancelled = ref.id
    return Asked(resource, schedule, cancelled)


def _ref(call: Call, reference: Dict, *types: str) -> Ref | None:
    text = reference.get("reference")
    return parse_reference(text, call.base_url, types) if isinstance(text, str) else None


def _book(call: Call, asked: Asked) -> Appointment:
    tx, house, resource = call.writing, call.house, _relative(asked.resource, call.base_url + "/")
    if resource["status"] != "proposed":
        raise Problem("calendar.book_status", 422, state=resource["status"])
    for name in ("start", "end"):
        if name not in resource:
            raise Problem("calendar.book_incomplete", 422, element=f"Appointment.{name}")
    start, end = (parse_instant(resource[name], f"Appointment.{name}") for name in ("start", "end"))
    if end <= start:
        raise Problem("calendar.range_reversed", 422)
    sight = Sight(house, tx, call.base_url)
    patient, alias = _patient(call, resource)
    before = store.locked_appointment(tx, resource["id"]) if "id" in resource else None
    if not booking.may_see(tx, before):
        before = None
    replaced = None if asked.cancelled in (None, before.id if before else None) else _replaced(call, asked)
    for old in (before, replaced):
        if old is not None and old.patient not in (None, patient):
            raise Problem("calendar.patient_differs", 422)
    periods = _periods(call, sight, resource, start, end)
    must = tuple(dict.fromkeys(p.schedule for p in periods)) or _schedule(sight, asked)
    named = others(call, sight, resource["participant"])
    service = fhir_way.service_of(sight, resource, periods, must, named, (end - start) // 60)
    if replaced is not None:
        store.line_up(tx, {*replaced.schedules, *placing.candidates(service, must)})
        booking.cancel(house, tx, replaced.id)
    wish = Wish(
        service=service.id if service else None,
        start=start,
        end=end,
        patient=patient,
        note=resource.get("comment"),
        slots=tuple(dict.fromkeys(_slot_ids(call, resource))),
        replaces=replaced.id if replaced else None,
        extra=_kept(resource, before, alias),
    )
    if before is not None:
        # Its own time must not stand in its way while columns are compared.
        store.line_up(tx, {*before.schedules, *placing.candidates(service, must)})
        store.vacate(tx, f"Appointment/{before.id}")
    wish = msgspec.structs.replace(
        wish, schedules=fhir_way.columns_of(call, sight, service, start, end, must, named)
    )
    if before is None:
        return booking.book(house, tx, wish)
    return booking.move(
        house, tx, before.id, wish, call.if_match, note=wish.note, extra=wish.extra, patient=patient
    )


def _relative(value: Any, base: str) -> Any:
    """The resource with references to this server written without its address, as they are kept."""
    if isinstance(value, dict):
        out = {name: _relative(one, base) for name, one in value.items()}
        reference = out.get("reference")
        if isinstance(reference, str) and reference.startswith(base):
            out["reference"] = reference[len(base) :]
        return out
    return [_relative(one, base) for one in value] if isinstance(value, list) else value


def _kept(resource: Dict, before: Appointment | None, alias: str | None) -> dict[str, object]:
    if before is None and "id" in resource:
        # The client's own id is not ours to give: it stays findable as an identifier.
        number = {"system": IMPORTED_ID, "value": resource["id"]}
        resource = {**resource, "identifier": [*resource.get("identifier", []), number]}
    # Moved by the practice, the booking keeps the name and id its portal knows the patient by.
    told = {k: v for k, v in before.extra.items() if k in ("alias", "display")} if before else {}
    if alias is not None:
        actors = [part.get("actor", {}) for part in resource["participant"]]
        display = next((a.get("display") for a in actors if a.get("reference") == f"Patient/{alias}"), None)
        told = {"alias": alias, **({"display": display} if display else {})}
    extra = keep(resource, **told)
    if len(str(extra["fhir"])) > MOST_KEPT:
        raise Problem("http.body_too_large", 413, limit=MOST_KEPT)
    return extra


def _patient(call: Call, resource: Dict) -> tuple[str, str | None]:
    """(patient, a portal's alias). Exactly one must take part, known and alive."""
    refs = []
    for part in resource["participant"]:
        ref = _ref(call, part.get("actor", {}), "Patient", "Practitioner")
        if ref is not None and ref.type == "Patient":
            refs.append(ref)
    if not refs:
        raise Problem("calendar.book_incomplete", 422, element="Appointment.participant:AkteurPatient")
    if len({ref.id for ref in refs}) > 1 or refs[0].id is None:
        raise Problem("calendar.patient_differs", 422)
    patient = directory.resolve(call.writing, refs[0].id)
    return patient, refs[0].id if call.actor.portal is not None else None


def _replaced(call: Call, asked: Asked) -> Appointment:
    found = store.locked_appointment(call.writing, asked.cancelled or "")
    if found is None or not booking.may_see(call.writing, found):
        raise Problem("calendar.cancelled_unknown", 422)
    if found.status in FROZEN:
        raise Problem("calendar.frozen", 422, state=found.status)
    return found


def _slot_ids(call: Call, resource: Dict) -> list[str]:
    ids = []
    for reference in resource.get("slot", ()):
        ref = _ref(call, reference, "Slot")
        if ref is None or ref.id is None or ref.type != "Slot":
            raise Problem("calendar.slot_unknown", 422)
        ids.append(ref.id)
    return ids


def _periods(call: Call, sight: Sight, resource: Dict, start: int, end: int) -> list[Period]:
    """The referenced slots. In each column they must follow one another and cover exactly the appointment; of imported
    ones the first and last may be used in part. Source: the guide, Appointment.start, .end and .slot.
    """
    found = [_period(sight, id_) for id_ in dict.fromkeys(_slot_ids(call, resource))]
    columns: dict[str, list[Period]] = {}
    for one in sorted(found, key=lambda p: p.start):
        columns.setdefault(one.schedule, []).append(one)
    for chain in columns.values():
        first, last = chain[0], chain[-1]
        joined = all(a.end == b.start for a, b in pairwise(chain))
        begins = first.start <= start < first.end if first.partly else first.start == start
        ends = last.start < end <= last.end if last.partly else last.end == end
        if not (joined and begins and ends):
            raise Problem("calendar.slot_mismatch", 422)
    if len({p.service.id for p in found if p.service}) > 1:
        raise Problem("calendar.slot_mismatch", 422)
    return found


def _period(sight: Sight, id_: str) -> Period:
    parsed = rules.read_slot_id(id_)
    if parsed is not None:
        both = fhir_slots.pair(sight, parsed[0], parsed[1])
        if both is not None:
            column, service = both
            return Period(column.id, parsed[2], parsed[2] + (service.duration or 0) * 60, False, service)
    one = store.IMPORTED_SLOTS.get(sight.tx, id_)
    if one is None or one.schedule not in sight.schedules:
        raise Problem("calendar.slot_unknown", 422)
    if one.status != "free":
        raise Problem("calendar.slot_taken", 422)
    return Period(one.schedule, one.start, one.end, True, None)


def _schedule(sight: Sight, asked: Asked) -> tuple[str, ...]:
    if asked.schedule is None:
        return ()
    if asked.schedule not in sight.schedules:
        raise Problem("calendar.schedule_unknown", 422)
    return (asked.schedule,)


def others(call: Call, sight: Sight, participants: list[Dict]) -> list[Ref]:
    """Participants besides the patient; each must be known (SPEC 1.7: booking refuses what it cannot resolve)."""
    known = {
        "Practitioner": sight.practitioners,
        "Location": sight.locations,
        "HealthcareService": sight.services,
    }
    found = []
    for part in participants:
        actor = part.get("actor", {})
        if "reference" not in actor:
            continue
        ref = _ref(call, actor, "Patient", "Practitioner")
        if ref is not None and ref.type == "Patient":
            continue
        if ref is None or ref.id is None or ref.id not in known.get(ref.type or "", ()):
            raise Problem("calendar.reference_unknown", 422, kind="Appointment.participant.actor")
        found.append(ref)
    return found
