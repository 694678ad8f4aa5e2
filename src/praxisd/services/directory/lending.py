"""Records that go out with a laptop and come back: read whole, brought in under their own ids, amended field by field.

A person new on the laptop is compared with everybody here: who may be known is a question for a person, never joined.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, Treatment
from praxisd.services.directory import (
    claims,
    person_store,
    records,
    rules,
    store,
    treatment_store,
    treatments,
)


def one_patient(tx: Tx, id_: str) -> Patient | None:
    """The record of this id, merged or not."""
    return store.patients.get(tx, id_)


def treatments_of(tx: Tx, patients: Sequence[str]) -> list[Treatment]:
    """All treatments of these patients, in the order in which they were entered."""
    found = store.treatments.all(tx, treatment_store.of_patients(patients))
    return sorted(found, key=lambda one: one.entered)


def one_treatment(tx: Tx, id_: str) -> Treatment | None:
    """The treatment of this id."""
    return store.treatments.get(tx, id_)


def bring_patient(tx: Tx, patient: Patient) -> Patient:
    """A person made elsewhere, under its own id. Who may be known here already is kept apart until somebody decides."""
    rules.check_texts(patient)
    person_store.hold_birthday(tx, patient.birth_date)
    keys = rules.contact_keys(patient.telecom, claims.organization(tx).country)
    found = claims.look_up(tx, patient, keys)
    doubts = found.possible
    if found.certain is not None:
        doubts = ((found.certain, "laptop"), *(one for one in doubts if one[0] != found.certain))
    made = msgspec.structs.replace(patient, version=1, merged_into=None, unconfirmed=bool(doubts))
    claims.add(tx, made, keys, doubts)
    return made


def amend_patient(tx: Tx, id_: str, fields: Mapping[str, Any], expected: int) -> Patient:
    """Change these fields. Refused as by hand: a lock of somebody else (423), a merged record (409), what is no name (422)."""
    return records.change_patient(tx, id_, dict(fields), expected)


def bring_treatment(tx: Tx, one: Treatment) -> Treatment:
    """A treatment made elsewhere, under its own id; refusals as `treatments.enter`."""
    return treatments.enter(tx, one)


def amend_treatment(tx: Tx, id_: str, fields: Mapping[str, Any], expected: int) -> Treatment:
    """Change these fields; refusals as `treatments.change`."""
    return treatments.change(tx, id_, dict(fields), expected)


def remove_treatment(tx: Tx, id_: str, expected: int) -> None:
    """Take a treatment away that was taken away elsewhere."""
    treatments.delete(tx, id_, expected)
