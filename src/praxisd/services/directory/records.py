"""Creating and changing what the directory keeps: practice, mandators, practitioners, places, patients.

Every function works in the open write transaction, checks the record, stores it and notes the event; the event names
fields, never values.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from praxisd.kernel import events
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import Records, changed_fields
from praxisd.kernel.store import Tx
from praxisd.model.people import Mandator, Patient, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.services.directory import person_store, places, rules, store
from praxisd.services.directory.claims import organization
from praxisd.services.directory.fhir_shapes import without_narrative

R = TypeVar("R", Organization, Mandator, Practitioner, Location)
_EVENTS = {
    "Organization": "organization.changed",
    "Mandator": "mandator.changed",
    "Practitioner": "practitioner.changed",
    "Location": "location.changed",
}


def create(tx: Tx, kind: Records[R], record: R) -> R:
    """Store a new record; it gets an id unless it brings one."""
    _check(tx, record)
    made: R = kind.insert(tx, record if record.id else msgspec.structs.replace(record, id=new_id()))
    _only_default(tx, made)
    events.note(tx, _EVENTS[kind.kind], kind.kind, made.id, version=1)
    return made


def change(
    tx: Tx, kind: Records[R], id_: str, fields: dict[str, Any], expected: int | None, fence: int | None
) -> R:
    """Change the given fields of a record; returns it. Nothing given changes nothing, not even the version."""
    before = kind.need(tx, id_)
    after: R = msgspec.structs.replace(before, **fields)
    changed = changed_fields(before, after)
    if not changed:
        if expected not in (None, before.version):
            raise Problem("resource.stale", 412, kind=kind.kind)
        return before
    _check(tx, after)
    if not isinstance(after, Mandator):
        after = without_narrative(after)
    saved: R = kind.save(tx, after, expected, fence)
    _only_default(tx, saved)
    events.note(tx, _EVENTS[kind.kind], kind.kind, id_, version=saved.version, fields=changed)
    return saved


def change_patient(
    tx: Tx, id_: str, fields: dict[str, Any], expected: int | None = None, fence: int | None = None
) -> Patient:
    """Change the given fields of a patient. A merged record is closed: `directory.patient_merged` (409)."""
    before = store.patients.need(tx, id_)
    if before.merged_into is not None:
        raise Problem("directory.patient_merged", 409)
    after = msgspec.structs.replace(before, **fields)
    changed = changed_fields(before, after)
    if not changed:
        if expected not in (None, before.version):
            raise Problem("resource.stale", 412, kind="Patient")
        return before
    practice = organization(tx)
    rules.check_patient(after, local_date(tx.now, zone(practice.zone)), whole=False)
    saved = store.patients.save(tx, without_narrative(after), expected, fence)
    if "telecom" in changed:
        person_store.put_contacts(tx, id_, id_, rules.contact_keys(saved.telecom, practice.country))
    events.note(tx, "patient.changed", "Patient", id_, version=saved.version, fields=changed)
    return saved


def _check(tx: Tx, record: Organization | Mandator | Practitioner | Location) -> None:
    rules.check_texts(record)
    if not isinstance(record, Mandator):
        rules.check_codes(record)
    name = record.family if isinstance(record, Practitioner) else record.name
    if not name.strip():
        raise Problem("directory.name_missing", 422)
    if isinstance(record, Organization):
        places.check_organization(record)
    elif isinstance(record, Location):
        _check_place(tx, record)
    elif _reversed(record):
        raise Problem("directory.licence_reversed", 422)


def _reversed(record: Any) -> bool:
    """True for a mandator whose licence ends before it begins."""
    first, last = getattr(record, "licence_from", None), getattr(record, "licence_to", None)
    return first is not None and last is not None and last < first


def _check_place(tx: Tx, place: Location) -> None:
    """The place it lies in must exist, and must not lie in it."""
    seen, above = {place.id}, place.part_of
    while above is not None:
        if above in seen:
            raise Problem("directory.location_loop", 422)
        seen.add(above)
        found = store.locations.get(tx, above)
        if found is None:
            if above == place.part_of:
                raise Problem("directory.location_unknown", 422)
            return  # an imported place may lie in one that never came
        above = found.part_of


def _only_default(tx: Tx, record: Any) -> None:
    """One mandator at most is the default: making one so unmakes the other."""
    if not isinstance(record, Mandator) or not record.default:
        return
    for other in store.standard_mandators(tx):
        if other.id != record.id:
            saved = store.mandators.save(tx, msgspec.structs.replace(other, default=False))
            events.note(
                tx, "mandator.changed", "Mandator", saved.id, version=saved.version, fields=("default",)
            )


def outward(tx: Tx, record: Any) -> Any:
    """The record for a portal: what our fields say, not what else a system knew, and no place it may not see."""
    if tx.actor.portal is None:
        return record
    given: dict[str, Any] = {"extra": UNSET}
    if isinstance(record, Location) and record.part_of is not None:
        above = store.locations.get(tx, record.part_of)
        if above is None or not (above.released and above.active):
            given["part_of"] = None
    return msgspec.structs.replace(record, **given)


def bare(record: Any) -> Any:
    """The record without what only FHIR can say."""
    return record if isinstance(record, Mandator) else msgspec.structs.replace(record, extra=UNSET)
