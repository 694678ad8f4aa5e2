"""FHIR R4 shapes of the directory's records: pure functions between structs and plain FHIR dicts.

An element group says which FHIR elements belong to which fields. What the fields cannot say of a resource that came
from outside stays in `extra`, as it was, and goes out again as long as it still says the same as the fields.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.people import Patient, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.services.directory import fhir_elements as elements
from praxisd.services.directory.fhir_elements import Dict, Values

PATIENT_NUMBER = "https://praxisd.org/fhir/sid/patient"
"""Naming system of the patient number that every Patient carries (ISiKPatient asks for one): our id."""
IMPORTED_ID = "https://praxisd.org/fhir/sid/imported-id"
"""Naming system of the id a record had where it came from, if it could not be kept."""
EXTERNAL = {"system": "http://fhir.de/CodeSystem/common-meta-tag-de", "code": "external"}
_NUMBER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_OURS = frozenset({"resourceType", "id", "meta"})


class Group(NamedTuple):
    """FHIR elements that belong together, the fields they fill, and the way there and back.

    `write(values, kept)` gets the elements as they once came (or None) when only part of them changes.
    """

    elements: tuple[str, ...]
    fields: tuple[str, ...]
    read: Callable[[Dict], Values]
    write: Callable[[Values, Dict | None], Dict]


_NAME = Group(("name",), ("family", "given", "prefix"), elements.read_name, elements.write_name)
_TELECOM = Group(("telecom",), ("telecom",), elements.read_telecom, elements.write_telecom)
_IDENTIFIER = Group(("identifier",), ("identifiers",), elements.read_identifiers, elements.write_identifiers)
_ACTIVE = Group(("active", "_active"), ("active",), elements.read_active, elements.write_active)
_ADDRESS = Group(("address",), ("address",), elements.read_address, elements.write_address)
_TITLE = Group(("name", "_name"), ("name",), elements.read_title, elements.write_title)

PATIENT_GROUPS = (
    _IDENTIFIER,
    _ACTIVE,
    _NAME,
    _TELECOM,
    Group(("gender", "_gender"), ("gender",), elements.read_gender, elements.write_gender),
    Group(("birthDate", "_birthDate"), ("birth_date",), elements.read_birth_date, elements.write_birth_date),
    Group(
        ("deceasedBoolean", "_deceasedBoolean", "deceasedDateTime", "_deceasedDateTime"),
        ("deceased", "deceased_undated"),
        elements.read_deceased,
        elements.write_deceased,
    ),
    _ADDRESS,
    Group(("communication",), ("language",), elements.read_language, elements.write_language),
)
PRACTITIONER_GROUPS = (
    _IDENTIFIER,
    _ACTIVE,
    _NAME,
    _TELECOM,
    Group(("qualification",), ("specialties",), elements.read_specialties, elements.write_specialties),
)
LOCATION_GROUPS = (
    Group(("status", "_status"), ("active",), elements.read_status, elements.write_status),
    _TITLE,
    _TELECOM,
    Group(("physicalType",), ("kind",), elements.read_kind, elements.write_kind),
    Group(("partOf",), ("part_of",), elements.read_part_of, elements.write_part_of),
)
ORGANIZATION_GROUPS = (_IDENTIFIER, _ACTIVE, _TITLE, _TELECOM, _ADDRESS)


def _fields(groups: tuple[Group, ...], resource: Dict) -> Values:
    """Field values of a resource; `extra` holds what they do not say."""
    values: Values = {}
    extra: Dict = {}
    known = set(_OURS)
    for group in groups:
        known.update(group.elements)
        part = {name: resource[name] for name in group.elements if name in resource}
        got = group.read(part)
        values.update(got)
        if part and group.write(got, None) != part:
            extra.update(part)
    extra.update((name, value) for name, value in resource.items() if name not in known)
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    if meta:
        extra["meta"] = meta
    values["extra"] = dump_json(extra).decode() if extra else UNSET
    return values


def _resource(type_: str, groups: tuple[Group, ...], record: Any) -> Dict:
    """The record as FHIR dict."""
    extra: Dict = load_json(record.extra) if record.extra is not UNSET else {}
    meta = {"versionId": str(record.version), **extra.pop("meta", {})}
    out: Dict = {"resourceType": type_, "id": record.id, "meta": meta}
    for group in groups:
        values = {name: getattr(record, name) for name in group.fields}
        kept = {name: extra.pop(name) for name in group.elements if name in extra}
        out.update(kept if kept and group.read(kept) == values else group.write(values, kept or None))
    return {**out, **extra}


def without_narrative(record: Any) -> Any:
    """The record without its prose (`text`), which a changed field would make a lie."""
    if record.extra is UNSET:
        return record
    extra = load_json(record.extra)
    extra.pop("text", None)
    return msgspec.structs.replace(record, extra=dump_json(extra).decode() if extra else UNSET)


def patient_from_fhir(resource: Dict) -> Patient:
    """A Patient resource (already validated) as record; its id is kept for the caller to judge."""
    values = _fields(PATIENT_GROUPS, resource)
    number = resource.get("id")
    values["identifiers"] = tuple(
        one for one in values["identifiers"] if not (one.system == PATIENT_NUMBER and one.value == number)
    )
    return Patient(id=number or "", **values)


def patient_to_fhir(patient: Patient) -> Dict:
    """The patient as ISiKPatient-compatible resource: patient number, official name, gender and date of birth or its absence."""
    out = _resource("Patient", PATIENT_GROUPS, patient)
    numbers = out.get("identifier", [])
    if not any(_is_number(one) for one in numbers):
        kind = {"coding": [{"system": _NUMBER_TYPES, "code": "MR"}]}
        number = {"type": kind, "system": PATIENT_NUMBER, "value": patient.id}
        out["identifier"] = [*numbers, number]
    if patient.portal is not None and EXTERNAL not in out["meta"].get("tag", []):
        out["meta"]["tag"] = [*out["meta"].get("tag", []), EXTERNAL]
    if patient.merged_into is not None:
        link = {"other": {"reference": f"Patient/{patient.merged_into}"}, "type": "replaced-by"}
        out["link"] = [*out.get("link", []), link]
    return out


def all_names(patient: Patient) -> list[str]:
    """Every word by which the patient is called, maiden and former names included, for the search index."""
    extra = load_json(patient.extra) if patient.extra is not UNSET else {}
    found = [patient.family, patient.given, patient.prefix or ""]
    for one in extra.get("name", []):
        for part in ("text", "family", "given", "prefix", "suffix"):
            told = one.get(part, [])
            found += [word for word in ([told] if isinstance(told, str) else told) if word]
    return found


def _is_number(identifier: Dict) -> bool:
    codings = identifier.get("type", {}).get("coding", [])
    return any(c.get("system") == _NUMBER_TYPES and c.get("code") == "MR" for c in codings)


def practitioner_from_fhir(resource: Dict) -> Practitioner:
    """A Practitioner resource as record, not released."""
    return Practitioner(id=resource.get("id", ""), **_fields(PRACTITIONER_GROUPS, resource))


def practitioner_to_fhir(practitioner: Practitioner) -> Dict:
    """The practitioner as resource."""
    return _resource("Practitioner", PRACTITIONER_GROUPS, practitioner)


def location_from_fhir(resource: Dict) -> Location:
    """A Location resource as record, not released. `part_of` is the id in its reference, known or not."""
    return Location(id=resource.get("id", ""), **_fields(LOCATION_GROUPS, resource))


def location_to_fhir(location: Location, organization: str) -> Dict:
    """The place as resource; `organization` is the practice it belongs to, named where it names none itself."""
    out = _resource("Location", LOCATION_GROUPS, location)
    out.setdefault("managingOrganization", {"reference": f"Organization/{organization}"})
    return out


def organization_from_fhir(resource: Dict) -> Organization:
    """An Organization resource as record; time zone, region and language are not in FHIR and take their defaults."""
    return Organization(id=resource.get("id", ""), **_fields(ORGANIZATION_GROUPS, resource))


def organization_to_fhir(organization: Organization) -> Dict:
    """The organization as resource."""
    return _resource("Organization", ORGANIZATION_GROUPS, organization)
