"""What a take-over reads from another program, in praxisd's own words, whatever the format was.

People know one another by `source_id`: the number the old program gave, kept exactly as it was written (leading zeros
and all). Dates of birth may be partial ("1980", "1980-05"). Appointments are wall-clock times of the practice.
"""

from datetime import date
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from praxisd.model.people import Address, Contact, Gender, Identifier

Kind = Literal["patient", "treatment", "medication", "risk", "appointment"]
KINDS: tuple[Kind, ...] = ("patient", "treatment", "medication", "risk", "appointment")
"""In the order in which they need one another."""


class TakenPatient(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A person as another program tells about one. `extra`: further FHIR elements as JSON text (see `model.people`).

    An insurance number is one of the `identifiers`; what else the old program knew of the insurance has no place here.
    """

    source_id: str | None = None
    family: str = ""
    given: str = ""
    prefix: str | None = None
    birth_date: str | None = None
    gender: Gender | None = None
    telecom: tuple[Contact, ...] = ()
    address: tuple[Address, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    language: str | None = None
    note: str | None = None
    active: bool = True
    deceased: date | None = None
    deceased_undated: bool = False
    extra: str | UnsetType = UNSET


class TakenTreatment(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A treatment: who, in whose name (name or licence number of a mandator; None: the default one), from when to when."""

    source_id: str | None = None
    patient: str
    mandator: str | None = None
    opened: date
    closed: date | None = None
    note: str | None = None


class TakenMedication(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What somebody takes, in the old program's words; `since` and `until` may be partial. `status` is FHIR's word."""

    source_id: str | None = None
    patient: str
    text: str
    pzn: str | None = None
    atc: str | None = None
    dosage: str | None = None
    since: str | None = None
    until: str | None = None
    status: str = "unknown"
    note: str | None = None


class TakenRisk(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A condition or allergy that matters for what may be given, in the old program's words."""

    source_id: str | None = None
    patient: str
    text: str
    since: str | None = None
    note: str | None = None


class TakenAppointment(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An appointment: `start` is the practice's wall clock, `2026-11-28T09:30`; `schedule` and `service` are names."""

    source_id: str | None = None
    patient: str
    start: str
    minutes: int | None = None
    schedule: str | None = None
    service: str | None = None
    note: str | None = None
    status: str = "booked"


Taken = TakenPatient | TakenTreatment | TakenMedication | TakenRisk | TakenAppointment
KIND_OF: dict[type, Kind] = {
    TakenPatient: "patient",
    TakenTreatment: "treatment",
    TakenMedication: "medication",
    TakenRisk: "risk",
    TakenAppointment: "appointment",
}


def patient_of(taken: Taken) -> str | None:
    """The old program's number of the person a record is about."""
    return taken.source_id if isinstance(taken, TakenPatient) else taken.patient
