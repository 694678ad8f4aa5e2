"""Statements as FHIR MedicationStatement and back. What our fields cannot say of a resource that came stays in `extra`, as it
was, and goes out again as long as it still says the same as the fields.

A line without a known product says so by the extension `unchecked`: of it a check looks at a package number or a code at most.
"""

from datetime import tzinfo
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from praxisd.kernel.clock import local_date
from praxisd.kernel.errors import Problem
from praxisd.model import pzn as pzn_rules
from praxisd.model.fhir_search_values import parse_reference
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_times import format_instant, is_date, is_instant, parse_instant
from praxisd.model.statement import Statement, StatementSource, StatementStatus

PZN = "http://fhir.de/CodeSystem/ifa/pzn"
ATC = "http://fhir.de/CodeSystem/bfarm/atc"
_ATC_TOO = (ATC, "http://www.whocc.no/atc")
PRODUCT = "https://praxisd.org/fhir/sid/medication-product"
"""Naming system of the ids of products in our data sets; the coding's `version` is the edition."""
UNCHECKED = "https://praxisd.org/fhir/StructureDefinition/unchecked"
"""Extension (valueCode `free-text`): no product of a data set was meant for certain when this line was entered: its name is
not checked.
"""
_OURS = frozenset({"resourceType", "id", "meta"})
Dict = dict[str, Any]


class Told(NamedTuple):
    """What a MedicationStatement says, in our fields; `product` only where the resource names our own id."""

    patient: str
    text: str
    product: str | None
    pzn: str | None
    atc: str | None
    status: StatementStatus
    dosage: str | None
    since: str | None
    until: str | None
    as_needed: bool
    source: StatementSource
    note: str | None
    extra: str | UnsetType


class _Medicine(NamedTuple):
    text: str
    product: str | None
    pzn: str | None
    atc: str | None


def read(resource: Dict, here: tzinfo, base: str = "") -> Told:
    """The fields of a checked resource; `here` is the practice's zone, `base` the address of our FHIR door.

    Raises (422) `directory.patient_unknown` where the subject is no patient of this server, `medication.subject_unnamed`
    where the medicine has no name.
    """
    subject = _patient(resource.get("subject"), base)
    if subject is None:
        raise Problem("directory.patient_unknown", 422)
    medicine = _medicine(resource)
    if not medicine.text.strip():
        raise Problem("medication.subject_unnamed", 422)
    since, until = _days(resource, here)
    dosage, as_needed = _dosage(resource.get("dosage", ()))
    informer = _patient(resource.get("informationSource"), base)
    extra = {k: v for k, v in resource.items() if k not in _OURS and k != "status"}
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    if meta:
        extra["meta"] = meta
    extensions = [one for one in extra.pop("extension", ()) if one.get("url") != UNCHECKED]
    if extensions:
        extra["extension"] = extensions
    concept = extra.get("medicationCodeableConcept")
    if concept is not None:
        extra["medicationCodeableConcept"] = _without_product(concept)
    if extra["subject"] == _reference(subject):
        del extra["subject"]
    return Told(
        patient=subject,
        text=medicine.text.strip(),
        product=medicine.product,
        pzn=medicine.pzn,
        atc=medicine.atc,
        status=resource["status"],
        dosage=dosage,
        since=since,
        until=until,
        as_needed=as_needed,
        source="patient" if informer is not None else "practice",
        note=_note(resource.get("note", ())),
        extra=dump_json(extra).decode() if extra else UNSET,
    )


def shown(one: Statement, here: tzinfo) -> Dict:
    """The statement as resource."""
    kept: Dict = load_json(one.extra) if one.extra is not UNSET else {}
    meta = {"versionId": str(one.version), **kept.pop("meta", {})}
    out: Dict = {"resourceType": "MedicationStatement", "id": one.id, "meta": meta, **kept}
    if one.product is None:
        unchecked = {"url": UNCHECKED, "valueCode": "free-text"}
        out["extension"] = [*kept.get("extension", ()), unchecked]
    out["status"] = one.status
    if not _says(kept, one):
        out.pop("medicationReference", None)
        out["medicationCodeableConcept"] = _concept(one)
    concept = out.get("medicationCodeableConcept")
    if one.product is not None and concept is not None:
        out["medicationCodeableConcept"] = {
            **concept,
            "coding": [*concept.get("coding", ()), _product(one)],
        }
    if _patient(kept.get("subject"), "") != one.patient:
        out["subject"] = _reference(one.patient)
    if _days(kept, here) != (one.since, one.until):
        out.pop("effectiveDateTime", None)
        out.pop("effectivePeriod", None)
        period = {"start": one.since, "end": one.until}
        if one.since or one.until:
            out["effectivePeriod"] = {name: day for name, day in period.items() if day}
    out.setdefault("dateAsserted", format_instant(one.recorded_at, here))
    if _dosage(kept.get("dosage", ())) != (one.dosage, one.as_needed):
        out.pop("dosage", None)
        said = {"text": one.dosage} if one.dosage else {}
        if one.dosage or one.as_needed:
            out["dosage"] = [said | ({"asNeededBoolean": True} if one.as_needed else {})]
    if _note(kept.get("note", ())) != one.note:
        out.pop("note", None)
        if one.note:
            out["note"] = [{"text": one.note}]
    return out


def slim(one: Statement, here: tzinfo) -> Statement:
    """The statement without what its fields say by themselves in `extra`: what we wrote and got back is no change."""
    if one.extra is UNSET:
        return one
    bare = shown(msgspec.structs.replace(one, extra=UNSET), here)
    if "medicationCodeableConcept" in bare:
        bare["medicationCodeableConcept"] = _without_product(bare["medicationCodeableConcept"])
    extra = {name: value for name, value in load_json(one.extra).items() if bare.get(name) != value}
    return msgspec.structs.replace(one, extra=dump_json(extra).decode() if extra else UNSET)


def same_medicine(one: Statement, told: Told) -> bool:
    """Whether a resource that does not name our id still means what the statement said: then its product stays."""
    return (one.text, one.pzn) == (told.text, told.pzn) and told.atc in (None, one.atc)


def _says(kept: Dict, one: Statement) -> bool:
    if "medicationCodeableConcept" not in kept and "medicationReference" not in kept:
        return False
    medicine = _medicine(kept)
    return (medicine.text.strip(), medicine.pzn) == (one.text, one.pzn) and medicine.atc in (None, one.atc)


def _concept(one: Statement) -> Dict:
    coding = []
    if one.pzn is not None:
        coding.append({"system": PZN, "code": one.pzn})
    if one.atc is not None:
        coding.append({"system": ATC, "code": one.atc})
    return ({"coding": coding} if coding else {}) | {"text": one.text}


def _product(one: Statement) -> Dict:
    edition = {} if one.from_set is None else {"version": one.from_set.version}
    return {"system": PRODUCT, **edition, "code": one.product}


def _without_product(concept: Dict) -> Dict:
    coding = [one for one in concept.get("coding", ()) if one.get("system") != PRODUCT]
    rest = {name: value for name, value in concept.items() if name != "coding"}
    return {**rest, "coding": coding} if coding else rest


def _medicine(resource: Dict) -> _Medicine:
    """Name and numbers of the medicine; the first of each kind counts, a package number that is none is left in `extra`."""
    concept = resource.get("medicationCodeableConcept")
    display = ""
    if concept is None:
        reference = resource.get("medicationReference", {})
        display = str(reference.get("display", ""))
        concept = _contained(resource, str(reference.get("reference", ""))) or {}
    codings = [one for one in concept.get("coding", ()) if isinstance(one, dict)]

    def first(*systems: str) -> str | None:
        return next(
            (one["code"] for one in codings if one.get("system") in systems and one.get("code")), None
        )

    number = pzn_rules.read(first(PZN) or "")
    displays = [str(one["display"]) for one in codings if one.get("display")]
    codes = [f"PZN {number}"] if number else [str(one["code"]) for one in codings if one.get("code")]
    text = next((name for name in (str(concept.get("text", "")), display, *displays, *codes) if name), "")
    return _Medicine(
        text,
        first(PRODUCT),
        number if number is not None and pzn_rules.valid(number) else None,
        first(*_ATC_TOO),
    )


def _contained(resource: Dict, reference: str) -> Dict | None:
    """The code of an enclosed Medication (its shape is not checked by us)."""
    for one in resource.get("contained", ()):
        if isinstance(one, dict) and reference == f"#{one.get('id')}" and isinstance(one.get("code"), dict):
            code = one["code"]
            listed = code.get("coding", [])
            return {**code, "coding": listed if isinstance(listed, list) else []}
    return None


def _days(resource: Dict, here: tzinfo) -> tuple[str | None, str | None]:
    """Beginning and end as (partial) days in the practice's zone; a single moment is a beginning."""
    period = resource.get("effectivePeriod", {})
    start = resource.get("effectiveDateTime", period.get("start"))
    return _day(start, here), _day(period.get("end"), here)


def _day(text: str | None, here: tzinfo) -> str | None:
    if text is None:
        return None
    if is_instant(text):
        return local_date(parse_instant(text), here).isoformat()
    return text if is_date(text) else None


def _dosage(given: Any) -> tuple[str | None, bool]:
    texts = [one["text"] for one in given if one.get("text")]
    return ("; ".join(texts) or None, any(one.get("asNeededBoolean") for one in given))


def _note(given: Any) -> str | None:
    return "\n".join(one["text"] for one in given if one.get("text")) or None


def _patient(element: Dict | None, base: str) -> str | None:
    ref = parse_reference(str((element or {}).get("reference", "")), base, ("Patient",))
    return ref.id if ref is not None and ref.type == "Patient" else None


def _reference(patient: str) -> Dict:
    return {"reference": f"Patient/{patient}"}
