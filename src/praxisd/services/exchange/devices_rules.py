"""Whose result it is. Nobody is guessed: the number decides, and name and day of birth may only speak against it. Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from praxisd.model.exchange import TakenPatient
from praxisd.model.people import Patient

MISSING, UNKNOWN, DIFFERS = (
    "exchange.device_patient_missing",
    "exchange.device_patient_unknown",
    "exchange.device_patient_differs",
)
TWICE, GONE, MASTER = (
    "exchange.device_patient_twice",
    "exchange.device_patient_gone",
    "exchange.device_master_differs",
)
UNANSWERABLE = "exchange.device_answer"
"""The patient is known, but what the device asked for cannot be written for it."""
WHY = (MISSING, UNKNOWN, DIFFERS, TWICE, GONE, MASTER, UNANSWERABLE)
Words = Callable[[str], list[str]]


class Judged(NamedTuple):
    """The patient if it is certain; else why not."""

    patient: str | None
    why: str | None
    differs: tuple[str, ...] = ()


def judge(
    told: Sequence[TakenPatient], numbers: Sequence[str], known: Patient | None, words: Words
) -> Judged:
    """`told`: who a record is about, as far as it says a name; `numbers`: the numbers in it; `known`: whom they lead to."""
    if len(told) > 1 or len(set(numbers)) > 1:
        return Judged(None, TWICE)
    if not numbers:
        return Judged(None, MISSING)
    if known is None:
        return Judged(None, UNKNOWN)
    if told and (against := contradicts(told[0], known, words)):
        return Judged(None, DIFFERS, against)
    if not known.active or known.merged_into is not None:
        return Judged(None, GONE)
    return Judged(known.id, None)


def contradicts(told: TakenPatient, known: Patient, words: Words) -> tuple[str, ...]:
    """Fields that speak against this person. A name may be shortened or lack a part (von, a second given name)."""
    found: list[str] = []
    for field in ("family", "given"):
        said, has = set(words(getattr(told, field))), set(words(getattr(known, field)))
        if said and has and not (said <= has or has <= said):
            found.append(field)
    born, day = told.birth_date, known.birth_date
    if born and day and not (born.startswith(day) or day.startswith(born)):
        found.append("birthDate")
    return tuple(found)


def master_differs(told: TakenPatient, known: Patient, words: Words) -> tuple[str, ...]:
    """Fields in which master data that were sent are more, or something else, than what is known. Nothing is changed by it."""
    found = [
        field for field in ("family", "given", "prefix")
        if getattr(told, field) and words(getattr(told, field)) != words(getattr(known, field) or "")
    ]  # fmt: skip
    if told.birth_date and told.birth_date != known.birth_date:
        found.append("birthDate")
    if told.gender and told.gender != known.gender:
        found.append("gender")
    if told.address and not any(_same_place(told, one.postal_code, one.city, words) for one in known.address):
        found.append("address")
    mine = {_digits(one.value) for one in known.telecom}
    if any(_digits(one.value) not in mine for one in told.telecom):
        found.append("telecom")
    return tuple(found)


def _same_place(told: TakenPatient, code: str | None, city: str | None, words: Words) -> bool:
    here = told.address[0]
    return (here.postal_code or code) == code and (not here.city or words(here.city) == words(city or ""))


def _digits(text: str) -> str:
    return text.casefold() if "@" in text else "".join(filter(str.isdigit, text))
