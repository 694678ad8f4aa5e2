"""Kinds of records that go out with a laptop and come back: read, brought in, amended and removed through their services.

Refusals are those of working by hand (a taken time, a lock of somebody else, a closed record): nothing is forced.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, Treatment
from praxisd.model.scheduling import Appointment
from praxisd.model.statement import Risk, Statement
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange.merge_rules import FORMS, Doc, Form
from praxisd.services.medication import api as medication

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_PLACE = ("start", "end", "service", "schedules", "buffer_before", "buffer_after", "slots")


class Lent(NamedTuple):
    """One kind. `of(tx, patients)` reads; `one(tx, id)` is None for nobody's id. The writing functions take the open
    transaction; `bring` returns what was stored, `amend` changes what differs between the record here and another one."""

    name: str
    struct: type[Any]
    form: Form
    of: Callable[[Tx, Sequence[str]], Sequence[Any]]
    one: Callable[[Tx, str], Any]
    bring: "Callable[[House, Tx, Any], Any]"
    amend: "Callable[[House, Tx, Any, Any], None]"
    remove: "Callable[[House, Tx, Any], None]"


def doc_of(record: Any) -> Doc | None:
    """A record as a document, in the form in which it is kept."""
    if record is None:
        return None
    doc: Doc = msgspec.json.decode(msgspec.json.encode(record))
    return doc


def record_of(kind: Lent, doc: Doc) -> Any:
    """The record of a document. Problem `exchange.record_invalid` (422) for one that is none of the kind."""
    try:
        return msgspec.convert(doc, kind.struct)
    except (msgspec.ValidationError, ValueError):
        raise Problem("exchange.record_invalid", 422) from None


def patient_of(kind: str, doc: Doc | None, id_: str) -> str:
    """Whose record it is; "" for an appointment without anybody."""
    if kind == "Patient":
        return id_
    return str((doc or {}).get("patient") or "")


def _changed(before: Any, after: Any) -> dict[str, Any]:
    """Fields in which they differ, by the names of the struct."""
    return {
        name: getattr(after, name)
        for name in before.__struct_fields__
        if name not in ("id", "version") and getattr(before, name) != getattr(after, name)
    }


def _patients(tx: Tx, ids: Sequence[str]) -> list[Patient]:
    return [one for one in (directory.one_patient(tx, id_) for id_ in ids) if one is not None]


def _bring_patient(_house: "House", tx: Tx, one: Patient) -> Patient:
    return directory.bring_patient(tx, one)


def _amend_patient(_house: "House", tx: Tx, before: Patient, after: Patient) -> None:
    directory.amend_patient(tx, before.id, _changed(before, after), before.version)


def _never(_house: "House", _tx: Tx, _one: Any) -> None:
    raise Problem("exchange.not_removable", 422)


def _bring_treatment(_house: "House", tx: Tx, one: Treatment) -> Treatment:
    return directory.bring_treatment(tx, one)


def _amend_treatment(_house: "House", tx: Tx, before: Treatment, after: Treatment) -> None:
    directory.amend_treatment(tx, before.id, _changed(before, after), before.version)


def _remove_treatment(_house: "House", tx: Tx, one: Treatment) -> None:
    directory.remove_treatment(tx, one.id, one.version)


def _bring_appointment(house: "House", tx: Tx, one: Appointment) -> Appointment:
    """Where its time is taken it is kept as proposed, with a conflict of the calendar: never two at one time."""
    known = {column.id for column in calendar.columns(tx)}
    if not set(one.schedules) <= known:
        raise Problem("calendar.schedule_unknown", 422)
    if one.end <= one.start:
        raise Problem("exchange.record_invalid", 422)
    patient = None if one.patient is None else directory.known(tx, one.patient).id
    made = msgspec.structs.replace(one, version=1, patient=patient, portal=None)
    return calendar.import_appointment(house, tx, made)[0]


def _amend_appointment(house: "House", tx: Tx, before: Appointment, after: Appointment) -> None:
    """Its time first (refused where that is taken), then the rest."""
    changed = _changed(before, after)
    changed.pop("updated", None)
    if "patient" in changed and changed["patient"] is not None:
        changed["patient"] = directory.known(tx, changed["patient"]).id
    placed = [name for name in _PLACE if changed.pop(name, before) is not before]
    if placed:
        wish = calendar.Wish(
            service=after.service,
            start=after.start,
            end=after.end,
            schedules=after.schedules,
            outside_hours=True,
            slots=after.slots,
        )
        before = calendar.move(house, tx, before.id, wish, before.version)
        if changed.get("status") == before.status:
            del changed["status"]
    if changed:
        calendar.change(house, tx, before.id, before.version, **changed)


def _bring_medication(_house: "House", tx: Tx, one: Any) -> Any:
    return medication.bring(tx, one)


def _amend_medication(_house: "House", tx: Tx, before: Any, after: Any) -> None:
    medication.amend(tx, msgspec.structs.replace(after, version=before.version), before.version)


def _remove_statement(_house: "House", tx: Tx, one: Statement) -> None:
    medication.remove(tx, "MedicationStatement", one.id, one.version)


def _remove_risk(_house: "House", tx: Tx, one: Risk) -> None:
    medication.remove(tx, "Risk", one.id, one.version)


KINDS: Mapping[str, Lent] = {
    one.name: one
    for one in (
        Lent(
            "Patient", Patient, FORMS["Patient"], _patients, directory.one_patient,
            _bring_patient, _amend_patient, _never,
        ),
        Lent(
            "Treatment", Treatment, FORMS["Treatment"], directory.treatments_of, directory.one_treatment,
            _bring_treatment, _amend_treatment, _remove_treatment,
        ),
        Lent(
            "MedicationStatement", Statement, FORMS["MedicationStatement"], medication.statements,
            medication.statement, _bring_medication, _amend_medication, _remove_statement,
        ),
        Lent(
            "Risk", Risk, FORMS["Risk"], medication.risks, medication.risk,
            _bring_medication, _amend_medication, _remove_risk,
        ),
        Lent(
            "Appointment", Appointment, FORMS["Appointment"], calendar.appointments_of, calendar.one_appointment,
            _bring_appointment, _amend_appointment, _never,
        ),
    )
}  # fmt: skip
"""In the order in which they need one another."""
