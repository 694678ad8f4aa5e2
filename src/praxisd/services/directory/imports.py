"""Records from outside that keep their ids: FHIR resources of an import, and the rows of the sample practice.

An id is kept if it is free in the whole installation, else replaced, with the original as identifier (HOUSE „Ids").
Warnings are stable codes; the caller words them and knows the resource they belong to.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id, valid_id
from praxisd.kernel.resource import Records
from praxisd.kernel.store import Tx
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.people import Identifier, Patient, Practitioner
from praxisd.model.places import Location
from praxisd.services.directory import claims, fhir_shapes, person_store, rules, store
from praxisd.services.directory.fhir_shapes import IMPORTED_ID

Imported = tuple[str, tuple[str, ...]]
"""The id the record has now, and warnings."""

REPLACED = "directory.id_replaced"
KNOWN = "directory.already_known"
MAYBE_KNOWN = "directory.maybe_known"
UNRESOLVED = "directory.reference_unresolved"
NAMELESS = "directory.name_missing"
WARNINGS = (REPLACED, KNOWN, MAYBE_KNOWN, UNRESOLVED, NAMELESS)
_RESERVED = frozenset({"matches", "search", "merges"})
"""Words that stand at the place of a patient's id in addresses."""


def put_patient(tx: Tx, patient: Patient) -> str:
    """Store a patient as given (no matching), under its own id if that is free; returns the id it has."""
    made, _ = with_id(tx, patient)
    rules.check_texts(made)
    return claims.add(tx, made, _keys(tx, made))


def put_practitioner(tx: Tx, practitioner: Practitioner) -> str:
    """Store a practitioner as given, under its own id if that is free; returns the id it has."""
    return _put(tx, store.practitioners, practitioner)[0]


def put_location(tx: Tx, location: Location) -> str:
    """Store a place as given, under its own id if that is free; returns the id it has."""
    return _put(tx, store.locations, location)[0]


def import_patient(tx: Tx, resource: dict[str, Any]) -> Imported:
    """Store a Patient resource (already validated). The same resource again, or a patient certainly known, is not
    stored twice: the answer is the known one's id and `directory.already_known`, and what is known stays as it is.
    """
    person = fhir_shapes.patient_from_fhir(resource)
    rules.check_texts(person)
    person_store.hold_birthday(tx, person.birth_date)
    before = _same(tx, store.patients, person)
    if before is not None:
        return before, (KNOWN,)
    keys = _keys(tx, person)
    found = claims.look_up(tx, msgspec.structs.replace(person, id=""), keys)
    if found.certain is not None:
        return found.certain, (KNOWN,)
    made, replaced = with_id(tx, msgspec.structs.replace(person, unconfirmed=bool(found.possible)))
    nameless = () if made.family else (NAMELESS,)
    doubtful = (MAYBE_KNOWN,) if found.possible else ()
    return claims.add(tx, made, keys, found.possible), (*replaced, *nameless, *doubtful)


def import_practitioner(tx: Tx, resource: dict[str, Any], *, released: bool = False) -> Imported:
    """Store a Practitioner resource (already validated)."""
    read = fhir_shapes.practitioner_from_fhir(resource)
    return _import(tx, store.practitioners, msgspec.structs.replace(read, released=released))


def import_location(tx: Tx, resource: dict[str, Any], *, released: bool = False) -> Imported:
    """Store a Location resource (already validated). A place above it that is not here (yet) is kept with a warning."""
    place = msgspec.structs.replace(fhir_shapes.location_from_fhir(resource), released=released)
    id_, warnings = _import(tx, store.locations, place)
    known = place.part_of is None or store.locations.get(tx, place.part_of) is not None
    return id_, warnings if known else (*warnings, UNRESOLVED)


def import_organization(tx: Tx, resource: dict[str, Any]) -> Imported:
    """Store an Organization resource as one the practice knows of. The practice itself is never overwritten: a resource
    with its id is only `directory.already_known`."""
    other = fhir_shapes.organization_from_fhir(resource)
    if other.id == tx.organization:
        return other.id, (KNOWN,)
    return _import(tx, store.organizations, other)


def _import(tx: Tx, kind: Records[Any], record: Any) -> Imported:
    rules.check_texts(record)
    before = _same(tx, kind, record)
    if before is not None:
        return before, (KNOWN,)
    stored = _put(tx, kind, record)
    name = record.family if isinstance(record, Practitioner) else record.name
    return stored if name else (stored[0], (*stored[1], NAMELESS))


def _put(tx: Tx, kind: Records[Any], record: Any) -> Imported:
    kept = bool(record.id) and valid_id(record.id) and not kind.id_taken(tx, record.id)
    warnings: tuple[str, ...] = () if kept or not record.id else (REPLACED,)
    made = record if kept else msgspec.structs.replace(_noting(record), id=new_id())
    stored = kind.insert(tx, made)
    events.note(tx, f"{kind.kind.lower()}.changed", kind.kind, stored.id, version=1)
    return stored.id, warnings


def with_id(tx: Tx, patient: Patient) -> tuple[Patient, tuple[str, ...]]:
    """The patient under its own id if it is legal and free, else under a new one that notes the old."""
    if not patient.id:
        return msgspec.structs.replace(patient, id=new_id()), ()
    free = not store.patients.id_taken(tx, patient.id) and not person_store.alias_taken(tx, patient.id)
    if free and valid_id(patient.id) and patient.id not in _RESERVED:
        return patient, ()
    return msgspec.structs.replace(_noting(patient), id=new_id()), (REPLACED,)


def _noting(record: Any) -> Any:
    """The record with its present id as an identifier; places have none in their fields and keep it in `extra`."""
    if not record.id:
        return record
    if not isinstance(record, Location):
        number = Identifier(system=IMPORTED_ID, value=record.id)
        return msgspec.structs.replace(record, identifiers=(*record.identifiers, number))
    extra = load_json(record.extra) if record.extra is not UNSET else {}
    extra["identifier"] = [*extra.get("identifier", []), {"system": IMPORTED_ID, "value": record.id}]
    return msgspec.structs.replace(record, extra=dump_json(extra).decode())


def _same(tx: Tx, kind: Records[Any], record: Any) -> str | None:
    """Id of the record that the very same resource made before (by its id in this practice), or None."""
    if not record.id or not valid_id(record.id):
        return None
    before = kind.get(tx, record.id)
    if before is None:
        return None
    ours = {
        name: getattr(before, name)
        for name in ("version", "released", "unconfirmed")
        if hasattr(before, name)
    }
    return record.id if msgspec.structs.replace(record, **ours) == before else None


def _keys(tx: Tx, patient: Patient) -> frozenset[tuple[str, str]]:
    practice = store.organizations.get(tx, tx.organization)
    if practice is None:
        raise Problem("directory.organization_missing", 409)
    return rules.contact_keys(patient.telecom, practice.country)
