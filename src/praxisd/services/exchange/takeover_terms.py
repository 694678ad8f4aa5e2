"""Rules of take-overs (pure): states, what a damaged number looks like, how the old program's words become ours."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import TakenPatient
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.people import Identifier, Patient
from praxisd.services.exchange.format import ReadOptions

State = Literal[
    "uploaded", "looking", "looked", "running", "stopped", "done", "undoing", "undone", "undecided", "failed"
]
"""`undecided`: taken back but for records that somebody has changed since, which wait for a decision."""
DELETING = "deleting"
"""Forgotten already for whoever asks: what is left of it is taken away in pieces."""
AT_WORK = frozenset({"looking", "running", "undoing"})
AFTER: dict[str, frozenset[str]] = {
    "look": frozenset({"uploaded", "looked", "failed"}),
    "apply": frozenset({"looked", "stopped", "failed"}),
    "stop": AT_WORK,
    "undo": frozenset({"done", "stopped", "failed", "undecided"}),
    "delete": frozenset({"uploaded", "looked", "undone", "failed", "done"}),
}
"""What may be asked for in which state."""
SOURCE = "https://praxisd.org/fhir/sid/source"
"""Naming system of numbers that another program gave; with an origin its word follows after a slash."""
LONGEST = 200
"""Characters of another program's number."""
REST = 1_000_000_000
"""Cursors of the second pass begin here: people come first, then what is about them, whatever order the file has."""

SCIENTIFIC = "exchange.id_scientific"
SPREADSHEET = "exchange.id_spreadsheet"
DECIMAL = "exchange.id_decimal"
COLLISION = "exchange.id_collision"
ZEROS = "exchange.id_zeros"
STRANGE = "exchange.id_strange"
FLAWS = (SCIENTIFIC, SPREADSHEET, DECIMAL, COLLISION, ZEROS, STRANGE)

DOUBT_PERSON = "exchange.doubt_person"
DOUBT_VALUES = "exchange.doubt_values"
PATIENT_AMBIGUOUS = "exchange.patient_ambiguous"
PATIENT_UNKNOWN = "exchange.patient_unknown"
PATIENT_ZEROS = "exchange.patient_zeros"
CHANGED_SINCE = "exchange.changed_since"
USED_SINCE = "exchange.used_since"
SWITCHED_OFF = "exchange.switched_off"
NO_PLACE = "exchange.no_place"
REASONS = (
    DOUBT_PERSON, DOUBT_VALUES, PATIENT_AMBIGUOUS, PATIENT_UNKNOWN, PATIENT_ZEROS, CHANGED_SINCE, USED_SINCE, NO_PLACE,
    SWITCHED_OFF,
)  # fmt: skip

_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}")
_DECIMAL = re.compile(r"[0-9]+[.,]0+")
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How a file is taken over: how it is read, fields in which it leads, and a short word for the program it comes from
    (`origin`): the numbers of two programs are never mixed up."""

    options: ReadOptions = ReadOptions()
    leads: tuple[Annotated[str, Meta(max_length=40)], ...] = ()
    origin: Annotated[str, Meta(max_length=40)] = ""

    def check(self, fields: tuple[str, ...]) -> None:
        """Refuse (`exchange.settings_invalid`, 422) an origin that is no short word, and fields that cannot lead."""
        if self.origin and not _ORIGIN.fullmatch(self.origin):
            raise Problem("exchange.settings_invalid", 422, field="origin")
        if not set(self.leads) <= set(fields):
            raise Problem("exchange.settings_invalid", 422, field="leads")


def flaw(number: str) -> str:
    """How a number was damaged on its way (by a spreadsheet, mostly), or "": `1,23E+07` stands for ten thousand people."""
    if _SCIENTIFIC.fullmatch(number):
        return SCIENTIFIC
    if number.startswith("#"):
        return SPREADSHEET
    return DECIMAL if _DECIMAL.fullmatch(number) else ""


def check_number(number: str | None) -> None:
    """Refuse (`directory.text_invalid`, 422) a number that no database could keep, or find again."""
    if number is not None and (len(number) > LONGEST or FORBIDDEN_CHARACTERS.search(number)):
        raise Problem("directory.text_invalid", 422, field="sourceId", limit=LONGEST)


def bare(number: str) -> str:
    """A number without the zeros a spreadsheet takes off."""
    return number.lstrip("0") if number.isdigit() else number


def system(origin: str) -> str:
    """The naming system of an origin's numbers."""
    return f"{SOURCE}/{origin}" if origin else SOURCE


def person(told: TakenPatient, origin: str, *, keep_id: bool = False) -> Patient:
    """A person as our record, with the old program's number among its identifiers. `keep_id`: it is the record's id, to be
    kept where it is free (HOUSE „Ids")."""
    numbers = tuple(one for one in told.identifiers if one.value.strip())
    if told.source_id is not None and not keep_id:
        numbers = (*numbers, Identifier(system=system(origin), value=told.source_id))
    return Patient(
        id=told.source_id or "" if keep_id else "",
        family=told.family.strip(),
        given=told.given.strip(),
        prefix=told.prefix or None,
        birth_date=told.birth_date or None,
        gender=told.gender,
        telecom=tuple(one for one in told.telecom if one.value.strip()),
        address=told.address,
        identifiers=tuple(dict.fromkeys(numbers)),
        language=told.language or None,
        note=told.note or None,
        active=told.active,
        deceased=told.deceased,
        deceased_undated=told.deceased_undated,
        extra=told.extra,
    )


def told(patient: Patient) -> TakenPatient:
    """Our record as the neutral one, under its own id."""
    return TakenPatient(
        source_id=patient.id,
        family=patient.family,
        given=patient.given,
        prefix=patient.prefix,
        birth_date=patient.birth_date,
        gender=patient.gender,
        telecom=patient.telecom,
        address=patient.address,
        identifiers=patient.identifiers,
        language=patient.language,
        note=patient.note,
        active=patient.active,
        deceased=patient.deceased,
        deceased_undated=patient.deceased_undated,
        extra=UNSET if patient.extra is UNSET else patient.extra,
    )
