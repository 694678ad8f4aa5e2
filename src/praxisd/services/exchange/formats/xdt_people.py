"""Persons, what they always take and their risks, out of records of xDT.

Who a person is stands in master records (6100, 63xx); a second one within a record (its 8000 was lost) is a person of its
own. In GDT 3 only what stands in the patient's object counts, never what is said of a doctor or a relative.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from praxisd.model.exchange import TakenMedication, TakenPatient, TakenRisk
from praxisd.model.people import Address, Contact, Gender, Identifier
from praxisd.services.exchange.formats import xdt_dates
from praxisd.services.exchange.formats.xdt_records import Record
from praxisd.services.exchange.formats.xdt_words import OBJECT_END, OBJECT_START, Line, Notice

KVID = "http://fhir.de/sid/gkv/kvid-10"
INSURED = "urn:praxisd:xdt:3105"
"""Insurance numbers of the time before the lifelong ones."""
NUMBER, FAMILY, GIVEN, BORN = "3000", "3101", "3102", "3103"
ONCE = frozenset((
    "3100", "3101", "3102", "3103", "3104", "3105", "3106", "3107", "3109", "3110", "3112", "3113", "3114", "3119", "3120",
    "3628",
))  # fmt: skip
PHONES = ("3618", "3619", "3626")
TAKES, RISKS = "3652", ("3654", "3656")
WANTED = frozenset((NUMBER, *ONCE, *PHONES, TAKES, *RISKS, *OBJECT_START, *OBJECT_END))
GENDERS: dict[str, Gender] = {
    "1": "male", "M": "male", "2": "female", "W": "female", "F": "female", "D": "other", "U": "unknown", "X": "unknown",
    "0": "unknown", "3": "unknown",
}  # fmt: skip
LANGUAGES = {"de": "deutsch", "en": "englisch", "fr": "französisch", "it": "italienisch"}
COUNTRIES = {
    "D": "DE",
    "A": "AT",
    "CH": "CH",
    "F": "FR",
    "I": "IT",
    "PL": "PL",
    "NL": "NL",
    "B": "BE",
    "L": "LU",
    "TR": "TR",
}
_TOWN = re.compile(r"(?:(?P<land>[A-Z]{1,3})-)?(?P<plz>\d{4,5})(?:\s+(?P<town>\S.*))?")
_KVID = re.compile(r"[A-Z]\d{9}")
_OTHERS = re.compile(r"patient", re.IGNORECASE)
_PATIENT_OBJECTS = ("Obj_0045", "Obj_Patient", "Patient")

Text = Callable[[Line], str]


class Said(NamedTuple):
    """What a record says at a line of a person, a medication or a risk."""

    line: int
    claim: TakenPatient | TakenMedication | TakenRisk


def people(record: Record, text: Text, *, unnamed: bool = False) -> Iterator[Said | Notice]:
    """Everybody in a master record; `text` decodes a line. `unnamed`: also who is told of by a day of birth alone."""
    at = record.line
    for group in _groups(record):
        if isinstance(group, Notice):
            at = group.line
            yield group
        elif group:
            yield from _person(group, at, text, unnamed)


def _groups(record: Record) -> Iterator[list[Line] | Notice]:
    """Lines by person: another number, or another whole name, begins the next one."""
    group: list[Line] = []
    seen: dict[str, bytes] = {}
    for one in of_patient(record.lines):
        other = one.field in seen and seen[one.field] != one.content.strip()
        if (one.field == NUMBER and other) or (
            one.field == FAMILY and other and GIVEN in seen and BORN in seen
        ):
            yield group
            group, seen = [], {}
            yield Notice(one.no, "person_again", {"field": one.field})
        seen.setdefault(one.field, one.content.strip())
        group.append(one)
    yield group


def of_patient(lines: list[Line]) -> Iterator[Line]:
    """Lines outside of objects, and those in objects of the patient."""
    opened: list[bool] = []
    for one in lines:
        if one.field in OBJECT_START:
            name = one.content.decode("ascii", "replace").strip()
            within = bool(opened) and opened[-1]
            opened.append(within or name in _PATIENT_OBJECTS or bool(_OTHERS.search(name)))
        elif one.field in OBJECT_END:
            if opened:
                opened.pop()
        elif not opened or opened[-1]:
            yield one


def _person(group: list[Line], line: int, text: Text, unnamed: bool) -> Iterator[Said | Notice]:
    said: dict[str, tuple[int, str]] = {}
    many: list[tuple[str, int, str]] = []
    for one in group:
        value = (
            " ".join(text(one).split())
            if one.field not in (TAKES, *RISKS)
            else text(one).strip().replace("\r\n", "\n")
        )
        if not value:
            continue
        if one.field in ONCE or one.field == NUMBER:
            if one.field in said and said[one.field][1] != value:
                yield Notice(one.no, "field_again", {"field": one.field})
            said.setdefault(one.field, (one.no, value))
        else:
            many.append((one.field, one.no, value))
    number = said[NUMBER][1] if NUMBER in said else None
    named = any(field in said for field in (FAMILY, GIVEN))
    rest = [field for field in said if field != NUMBER]
    if named or rest or any(field in PHONES for field, _, _ in many):
        if FAMILY not in said:
            yield Notice(line, "no_name", {})
        claim, notices = _patient(number, said, many)
        yield from notices
        if named or (unnamed and BORN in said):
            yield Said(line, claim)
    for field, no, value in many:
        if field in PHONES:
            continue
        if number is None:
            yield Notice(no, "no_number", {"field": field})
        elif field == TAKES:
            yield Said(no, TakenMedication(patient=number, text=value))
        else:
            yield Said(no, TakenRisk(patient=number, text=value))


def _patient(
    number: str | None, said: dict[str, tuple[int, str]], many: list[tuple[str, int, str]]
) -> tuple[TakenPatient, list[Notice]]:
    notices: list[Notice] = []

    def of(field: str) -> str:
        return said[field][1] if field in said else ""

    born, odd = xdt_dates.read(of(BORN))
    if odd:
        notices.append(Notice(said[BORN][0], odd, {"field": BORN}))
    gender = GENDERS.get(of("3110").upper())
    if of("3110") and gender is None:
        notices.append(Notice(said["3110"][0], "value", {"field": "3110"}))
    language = next((code for code, word in LANGUAGES.items() if of("3628").casefold() in (code, word)), None)
    if of("3628") and language is None:
        notices.append(Notice(said["3628"][0], "value", {"field": "3628"}))
    insured = [
        Identifier(system=KVID if _KVID.fullmatch(of(field)) else INSURED, value=of(field))
        for field in ("3119", "3105")
        if of(field)
    ]
    if len(insured) == 2 and insured[0] == insured[1]:
        insured.pop()
    claim = TakenPatient(
        source_id=number,
        family=" ".join(part for part in (of("3100"), of("3120"), of(FAMILY)) if part),
        given=of(GIVEN),
        prefix=of("3104") or None,
        birth_date=born,
        gender=gender,
        telecom=tuple(_contact(field, value) for field, _, value in many if field in PHONES),
        address=_address(of),
        identifiers=tuple(insured),
        language=language,
    )
    return claim, notices


def _contact(field: str, value: str) -> Contact:
    if field == "3619":
        return Contact(system="email", value=value.replace("§", "@"))  # what 7 bit made of it
    return Contact(system="phone", value=value, use="mobile" if field == "3618" else None)


def _address(of: Callable[[str], str]) -> tuple[Address, ...]:
    plz, town, land = of("3112") or None, of("3113") or None, of("3114") or None
    old = of("3106")
    if old and not (plz and town):
        found = _TOWN.fullmatch(old)
        if found is None:
            town = town or old
        else:
            plz, town, land = plz or found["plz"], town or found["town"], land or found["land"]
    street = " ".join(part for part in (of("3107"), of("3109")) if part)
    if not (plz or town or street):
        return ()
    country = COUNTRIES.get(land.upper(), land) if land else None
    line = (street,) if street else ()
    return (Address(line=line, postal_code=plz, city=town, country=country),)
