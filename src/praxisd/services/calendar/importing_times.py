"""Imported times: Slot and Appointment.

A busy Slot occupies its time like a reservation, except where an appointment stands in it, for then that appointment is
what it was busy with. References that lead nowhere are kept with a warning; booking refuses them.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.fhir_times import parse_instant
from praxisd.model.scheduling import OCCUPYING, Appointment, ImportedSlot
from praxisd.services.calendar import booking, fhir_codes, fhir_store, rules, store
from praxisd.services.calendar.fhir_shapes import REPLACES, keep
from praxisd.services.calendar.importing_ids import UNRESOLVED, Stored, place, ref_of, same
from praxisd.services.calendar.view import touch
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]
_STATUS = {"checked-in": "arrived", "waitlist": "proposed"}
_LONGEST_SLOT_DAYS = 31


def put_slot(house: "House", tx: Tx, resource: Dict, _release: bool) -> Stored:
    before, id_, resource, replaced = place(tx, store.IMPORTED_SLOTS, resource)
    if before is not None and same(before, resource):
        return Stored(id_, "unchanged")
    start, end = _times(resource, _LONGEST_SLOT_DAYS)
    ref = ref_of(resource["schedule"], "Schedule")
    schedule = ref.id if ref is not None and ref.type == "Schedule" else None
    known = schedule is not None and store.SCHEDULES.get(tx, schedule) is not None
    one = ImportedSlot(
        id=id_,
        schedule=schedule or "",
        start=start,
        end=end,
        status=resource["status"],
        extra=keep(resource),
    )
    if before is None:
        one = store.IMPORTED_SLOTS.insert(tx, one)
    else:
        if (before.start, before.end, before.schedule) != (start, end, one.schedule) and fhir_store.naming(
            tx, id_
        ):
            raise Problem("calendar.import_differs", 409)
        one = store.IMPORTED_SLOTS.save(tx, msgspec.structs.replace(one, version=before.version))
        touch(house, tx, [before.schedule])
        store.vacate(tx, f"Slot/{id_}")
    fill(house, tx, one)
    events.note(tx, "slot.imported", "Slot", id_, version=one.version)
    warnings = () if known else (UNRESOLVED,)
    return Stored(id_, "created" if before is None else "updated", replaced, warnings, opens=True)


def fill(house: "House", tx: Tx, slot: ImportedSlot) -> None:
    """Occupy what a busy slot takes beside the appointments and holds that stand in it."""
    if slot.status in ("free", "entered-in-error") or not slot.schedule:
        return
    touch(house, tx, [slot.schedule])
    at = slot.start
    rows = store.busy_rows(tx, slot.start, slot.end, [slot.schedule])
    standing = sorted((r[1], r[2]) for r in rows if r[3].startswith(("Appointment/", "Hold/", "Offer/")))
    for low, high in [*standing, (slot.end, slot.end)]:
        if low > at:
            store.occupy(tx, [slot.schedule], at, min(low, slot.end), "import", f"Slot/{slot.id}")
        at = max(at, high)


def _times(resource: Dict, days: int) -> tuple[int, int]:
    kind = resource["resourceType"]
    for name in ("start", "end"):
        if name not in resource:
            raise Problem("calendar.book_incomplete", 422, element=f"{kind}.{name}")
    start, end = (parse_instant(resource[name], f"{kind}.{name}") for name in ("start", "end"))
    if end <= start:
        raise Problem("calendar.range_reversed", 422)
    if end - start > days * 86_400:
        raise Problem("calendar.range_too_long", 422, days=days)
    return start, end


# --- appointments ----------------------------------------------------------------------------------------------------


def put_appointment(house: "House", tx: Tx, resource: Dict, _release: bool) -> Stored:
    before, id_, resource, replaced = place(tx, store.APPOINTMENTS, resource)
    if before is not None:
        if same(before, resource):
            return Stored(id_, "unchanged")
        raise Problem("calendar.import_differs", 409)
    start, end = _times(resource, 1)
    status = _STATUS.get(resource["status"], resource["status"])
    if status not in (*OCCUPYING, "proposed", "cancelled", "noshow"):
        raise Problem("calendar.status_unknown", 422)
    warnings: list[str] = []
    slots, imported = _slots(tx, resource, warnings)
    schedules, computed = _columns(tx, resource, slots, imported)
    service = _type(tx, resource, schedules) or computed
    if not schedules and status in OCCUPYING:
        warnings.append("calendar.import_no_column")
    created = resource.get("created", "")
    one = Appointment(
        id=id_,
        status=status,  # type: ignore[arg-type]
        start=start,
        end=end,
        service=service,
        schedules=schedules,
        patient=_patient(tx, resource, warnings),
        note=resource.get("comment"),
        cancel_reason=fhir_codes.reason_of(resource.get("cancelationReason")),
        replaces=_replaces(resource),
        slots=slots,
        created=parse_instant(created) if "T" in created else tx.now,
        updated=tx.now,
        extra=keep(resource),
    )
    busy = [slot for slot in imported if slot.status != "free"]
    if status in OCCUPYING:
        for slot in busy:
            touch(house, tx, [slot.schedule])
            store.vacate(tx, f"Slot/{slot.id}")
    _, conflict = booking.import_appointment(house, tx, one)
    if status in OCCUPYING:
        for slot in busy:
            fill(house, tx, slot)
    if conflict is not None:
        warnings.append("calendar.import_conflict")
    return Stored(id_, "created", replaced, tuple(dict.fromkeys(warnings)))


def _slots(tx: Tx, resource: Dict, warnings: list[str]) -> tuple[tuple[str, ...], list[ImportedSlot]]:
    ids, imported = [], []
    for reference in resource.get("slot", ()):
        ref = ref_of(reference, "Slot")
        if ref is None or ref.id is None or ref.type != "Slot":
            warnings.append(UNRESOLVED)
            continue
        ids.append(ref.id)
        slot = store.IMPORTED_SLOTS.get(tx, ref.id)
        if slot is not None:
            imported.append(slot)
        elif rules.read_slot_id(ref.id) is None:
            warnings.append(UNRESOLVED)
    return tuple(ids), imported


def _columns(
    tx: Tx, resource: Dict, slots: tuple[str, ...], imported: list[ImportedSlot]
) -> tuple[tuple[str, ...], str | None]:
    """(columns of the slots, else the one column of each practitioner and place that takes part; type of the slots)."""
    schedules, services = store.SCHEDULES.all(tx), store.SERVICES.all(tx)
    known = {one.id for one in schedules}
    found = [slot.schedule for slot in imported if slot.schedule in known]
    computed = None
    for id_ in slots:
        parsed = rules.read_slot_id(id_)
        if parsed is not None:
            found += [one.id for one in schedules if one.no == parsed[0]]
            computed = next((one.id for one in services if one.no == parsed[1]), computed)
    if not found:
        actors = [ref for p in resource["participant"] if (ref := ref_of(p.get("actor", {}))) is not None]
        for ref in actors:
            name = {"Practitioner": "practitioner", "Location": "location"}.get(ref.type or "")
            own = [one.id for one in schedules if name and getattr(one, name) == ref.id]
            found += own if len(own) == 1 else []
    return tuple(dict.fromkeys(found)), computed


def _type(tx: Tx, resource: Dict, schedules: tuple[str, ...]) -> str | None:
    """The one appointment type that its coding or a participant names; None where that is not certain."""
    wanted = fhir_codes.codes_of(resource.get("serviceType"))
    named = {
        ref.id
        for p in resource["participant"]
        if (ref := ref_of(p.get("actor", {}))) and ref.type == "HealthcareService"
    }
    able = [
        one
        for one in store.SERVICES.all(tx)
        if one.id in named
        or any(fhir_codes.same(a, b) for a in wanted for b in fhir_codes.service_types(one))
    ]
    fitting = [one for one in able if all(any(s in group for group in one.groups) for s in schedules)]
    return fitting[0].id if len(fitting) == 1 else None


def _patient(tx: Tx, resource: Dict, warnings: list[str]) -> str | None:
    refs = [
        ref for p in resource["participant"] if (ref := ref_of(p.get("actor", {}))) and ref.type == "Patient"
    ]
    if len(refs) != 1 or refs[0].id is None:
        return None
    try:
        return directory.resolve(tx, refs[0].id)
    except Problem as problem:
        if problem.code == "directory.patient_inactive":
            return directory.patient(tx, refs[0].id).id
    warnings.append(UNRESOLVED)
    return None


def _replaces(resource: Dict) -> str | None:
    for one in resource.get("extension", ()):
        if one.get("url") == REPLACES:
            ref = ref_of(one.get("valueReference"), "Appointment")
            return ref.id if ref is not None else None
    return None
