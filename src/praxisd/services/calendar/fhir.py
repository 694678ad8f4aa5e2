"""The calendar on the FHIR door: Schedule, Slot, Appointment, HealthcareService and the code systems they use.

Names of parameters and includes are those of the guide's CapabilityStatement (gematik ISiK Terminplanung 4.0.0).
"""

from collections.abc import Callable
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, FhirAnswer, FhirOperation, FhirResource, SearchParam
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_times import parse_instant
from praxisd.model.fhir_validation import check
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import booking, fhir_book, fhir_codes, fhir_search, fhir_slots
from praxisd.services.calendar.fhir_shapes import PROFILE, Sight, keep

Dict = dict[str, Any]
Change = Callable[[Dict], tuple[Dict, frozenset[str]]]
BOOK = "https://gematik.de/fhir/isik/OperationDefinition/AppointmentBook"
_ENDED = ("cancelled", "noshow")


def patch(call: Call, id_: str, change: Change) -> FhirAnswer:
    """Change an appointment, but never its slot, start, end or patient: that is 400, and $book is the way.

    The guide's misspelt `canceled` is taken for `cancelled`. A portal may only cancel and add, as on REST.
    """
    tx = call.writing
    old = booking.get(tx, id_, lock=True)
    sight = Sight(call.house, tx, call.base_url)
    before = sight.appointment(old)
    after, _touched = change(before)
    if after.get("status") == "canceled":
        after["status"] = "cancelled"
    check(after, "Appointment")
    if _frozen(before) != _frozen(after):
        raise Problem("calendar.patch_frozen", 400)
    if after == before:
        return FhirAnswer(200, before, old.version)
    _admissible(call, sight, old, before, after)
    changes: Dict = {"extra": keep(after, **{k: v for k, v in old.extra.items() if k != "fhir"})}
    changes["note"] = after.get("comment")
    changes["cancel_reason"] = _reason(before, after)
    if after["status"] != before["status"]:
        if tx.actor.portal is not None and after["status"] != "cancelled":
            raise Problem("calendar.status_change", 422, old=old.status, new=after["status"])
        changes["status"] = after["status"]
    if tx.actor.masked:
        # What a masked caller saw is not the record: only the state may change.
        changes = {k: v for k, v in changes.items() if k == "status"}
    with fhir_book.as_fhir():
        new = booking.change(call.house, tx, id_, call.if_match, **changes)
    return FhirAnswer(200, sight.appointment(new), new.version)


def _frozen(resource: Dict) -> tuple[Any, ...]:
    """What a patch must not change, in comparable form."""
    patients = [
        part["actor"].get("reference")
        for part in resource.get("participant", ())
        if str(part.get("actor", {}).get("reference", "")).startswith("Patient/")
    ]
    slots = [one.get("reference") for one in resource.get("slot", ())]
    times = [parse_instant(resource[name]) if name in resource else None for name in ("start", "end")]
    return patients, slots, times


def _admissible(call: Call, sight: Sight, old: Appointment, before: Dict, after: Dict) -> None:
    """New participants must be known, and a new coding must still name what was booked: another type is another booking."""
    fhir_book.others(call, sight, [p for p in after["participant"] if p not in before["participant"]])
    service = sight.calendar.services.get(old.service or "")
    codes = {*(fhir_codes.service_types(service) if service else ())}
    for id_ in old.schedules:
        if id_ in sight.calendar.schedules:
            codes.update(sight.calendar.schedules[id_].service_type)
    known = {(c.system, c.code) for c in (*codes, *fhir_codes.codes_of(before.get("serviceType")))}
    for one in after.get("serviceType", ()):
        codings = fhir_codes.codes_of([one])
        if codings and not any((c.system, c.code) in known for c in codings):
            raise Problem("calendar.service_type_unknown", 422)


def _reason(before: Dict, after: Dict) -> str | None:
    found = after.get("cancelationReason")
    if found is not None and found != before.get("cancelationReason"):
        if after["status"] not in _ENDED:
            raise FhirError(
                "fhir.invalid", "Appointment.cancelationReason", "only a cancelled appointment has one", 422
            )
        codes = fhir_codes.codes_of([found])
        if not any(c.system == fhir_codes.REASONS and c.code in fhir_codes.REASON_CODES for c in codes):
            raise Problem("calendar.cancel_reason_unknown", 422)
    return fhir_codes.reason_of(found)


def _params(type_: str, *names: tuple[str, str]) -> tuple[SearchParam, ...]:
    place = "http://hl7.org/fhir/SearchParameter"
    own = (SearchParam(name, kind, f"{place}/{type_}-{name}") for name, kind in names)
    return (SearchParam("_id", "token", f"{place}/Resource-id"), *own)


_CODED = (("service-type", "token"), ("specialty", "token"))
FHIR = (
    FhirResource(
        type="Schedule",
        read=fhir_search.read_schedule,
        search=fhir_search.search_schedules,
        read_permission="calendar.schedule.read",
        params=_params("Schedule", ("active", "token"), *_CODED, ("actor", "reference")),
        includes=("Schedule:actor",),
        revincludes=("Slot:schedule",),
        profile=PROFILE + "ISiKKalender",
    ),
    FhirResource(
        type="Slot",
        read=fhir_slots.read,
        search=fhir_slots.search,
        read_permission="calendar.slot.read",
        params=_params("Slot", ("schedule", "reference"), ("status", "token"), ("start", "date"), *_CODED),
        includes=("Slot:schedule",),
        revincludes=("Appointment:slot",),
        profile=PROFILE + "ISiKTerminblock",
    ),
    FhirResource(
        type="Appointment",
        read=fhir_search.read_appointment,
        search=fhir_search.search_appointments,
        read_permission="calendar.appointment.read",
        params=_params(
            "Appointment",
            ("status", "token"),
            *_CODED,
            ("date", "date"),
            ("slot", "reference"),
            ("actor", "reference"),
            ("patient", "reference"),
        ),
        includes=("Appointment:slot", "Appointment:actor", "Appointment:patient"),
        profile=PROFILE + "ISiKTermin",
        patch=patch,
        patch_permission="calendar.appointment.change",
        operations=(
            FhirOperation("$book", BOOK, "calendar.appointment.book", fhir_book.book, respond_async=True),
        ),
    ),
    FhirResource(
        type="HealthcareService",
        read=fhir_search.read_service,
        search=fhir_search.search_services,
        read_permission="calendar.schedule.read",
        params=_params("HealthcareService", ("active", "token"), *_CODED, ("name", "string")),
        revincludes=("Schedule:actor", "Communication:recipient", "Appointment:actor"),
        profile=PROFILE + "ISiKMedizinischeBehandlungseinheit",
    ),
    FhirResource(
        type="CodeSystem",
        read=fhir_search.read_code_system,
        search=fhir_search.search_code_systems,
        read_permission="calendar.schedule.read",
        params=(
            *_params("CodeSystem", ("url", "uri"), ("status", "token")),
            SearchParam(
                "context-type-value",
                "composite",
                "http://hl7.org/fhir/SearchParameter/conformance-context-type-value",
            ),
        ),
    ),
)
PROBLEMS = tuple(
    f"calendar.{name}"
    for name in (
        "book_incomplete",
        "book_status",
        "cancel_reason_unknown",
        "cancelled_unknown",
        "patch_frozen",
        "patient_differs",
        "reference_unknown",
        "service_ambiguous",
        "service_type_unknown",
        "slot_mismatch",
        "slot_unknown",
    )
)
