"""Cells of a table as a record, and a record as cells. Pure."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from praxisd.model.exchange import (
    KIND_OF,
    Kind,
    Taken,
    TakenAppointment,
    TakenMedication,
    TakenPatient,
    TakenRisk,
    TakenTreatment,
)
from praxisd.model.people import Address, Contact, Gender, Identifier
from praxisd.services.exchange.format import ReadOptions
from praxisd.services.exchange.formats import csv_dates, csv_words
from praxisd.services.exchange.takeover_terms import flaw

INSURED = "http://fhir.de/sid/gkv/kvid-10"
GENDER, NUMBER, ZIP, TIME, EMPTY = (
    "exchange.csv_gender", "exchange.csv_number_damaged", "exchange.csv_zip_short", "exchange.csv_time", "exchange.csv_row_empty"
)  # fmt: skip
CODES = (GENDER, NUMBER, ZIP, TIME, EMPTY, csv_dates.AMBIGUOUS, csv_dates.INVALID, csv_dates.SHORT)
COLUMNS: dict[Kind, tuple[str, ...]] = {
    **csv_words.FIELDS,
    "patient": tuple(one for one in csv_words.FIELDS["patient"] if one != "name"),
}
"""Columns of a file that is written; their names are the fields', so that it can be read again without a mapping."""
_GENDERS: dict[str, Gender] = {
    **dict.fromkeys(("m", "male", "maennlich", "mann", "herr"), "male"),
    **dict.fromkeys(("w", "f", "female", "weiblich", "frau", "fw"), "female"),
    **dict.fromkeys(("d", "divers", "other", "x"), "other"),
    **dict.fromkeys(("u", "unbekannt", "unknown"), "unknown"),
}  # fmt: skip
_YES = frozenset({"ja", "j", "yes", "y", "1", "wahr", "true", "x", "aktiv", "active"})
_NO = frozenset({"nein", "n", "no", "0", "falsch", "false", "inaktiv", "inactive"})
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])(?:[:.][0-5][0-9])?(?: Uhr)?")
_KVNR = re.compile(r"[A-Z][0-9]{9}")
_FORMULA = frozenset("=+-@'")
_DIAL = re.compile(r"\+[0-9 ()/.-]+")
Told = dict[str, str]
Warned = list[tuple[str, str]]


class Cells:
    """Makes records of rows."""

    def __init__(self, options: ReadOptions, today: date) -> None:
        self._options, self._today = options, today
        makers: dict[Kind, Callable[[Told, Warned], Taken | None]] = {
            "patient": self._patient,
            "treatment": self._treatment,
            "medication": self._medication,
            "risk": self._risk,
            "appointment": self._appointment,
        }
        self._make = makers[options.what]

    def record(self, told: Told) -> tuple[Taken | None, Warned]:
        """The record of a row (None: it says nothing), and (code, field) of what was left out of it."""
        warned: Warned = []
        made = self._make(told, warned)
        if made is None:
            warned.append((EMPTY, self._options.what))
        return made, warned

    def _date(self, told: Told, field: str, warned: Warned) -> str | None:
        found, code = csv_dates.read(
            told.get(field, ""), self._options.date_order, self._options.century, self._today
        )
        if code:
            warned.append((code, field))
        return found

    def _day(self, told: Told, field: str, warned: Warned) -> date | None:
        found = self._date(told, field, warned)
        if found is None or len(found) != 10:
            if found is not None:
                warned.append((csv_dates.INVALID, field))
            return None
        return date.fromisoformat(found)

    def _patient(self, told: Told, warned: Warned) -> TakenPatient | None:
        family, given = told.get("family", ""), told.get("given", "")
        if not family and "name" in told:
            family, _, first = told["name"].partition(",")
            given = given or first.strip()
        if not family.strip():
            return None
        dead = told.get("deceased", "")
        plain_dead = dead.casefold() in _YES | _NO
        return TakenPatient(
            source_id=told.get("sourceId"),
            family=family.strip(),
            given=given,
            prefix=told.get("prefix"),
            birth_date=self._date(told, "birthDate", warned),
            gender=_gender(told.get("gender"), warned),
            telecom=_telecom(told, warned),
            address=self._address(told, warned),
            identifiers=_insured(told, warned),
            language=told.get("language"),
            note=told.get("note"),
            active=told.get("active", "").casefold() not in _NO,
            deceased=None if plain_dead else self._day(told, "deceased", warned),
            deceased_undated=dead.casefold() in _YES,
        )

    def _address(self, told: Told, warned: Warned) -> tuple[Address, ...]:
        parts = {name: told.get(name) for name in ("street", "postalCode", "city", "country")}
        if not any(parts.values()):
            return ()
        zip_ = parts["postalCode"]
        if zip_ and self._options.country == "DE" and not parts["country"] and re.fullmatch("[0-9]{4}", zip_):
            warned.append((ZIP, "postalCode"))
        line = (parts["street"],) if parts["street"] else ()
        return (Address(line=line, postal_code=zip_, city=parts["city"], country=parts["country"]),)

    def _treatment(self, told: Told, warned: Warned) -> TakenTreatment | None:
        opened = self._day(told, "opened", warned)
        if opened is None or "patient" not in told:
            return None
        closed = self._day(told, "closed", warned)
        return TakenTreatment(
            patient=told["patient"],
            mandator=told.get("mandator"),
            opened=opened,
            closed=closed,
            note=told.get("note"),
        )

    def _medication(self, told: Told, warned: Warned) -> TakenMedication | None:
        text = told.get("text") or (f"PZN {told['pzn']}" if "pzn" in told else "")
        if not text or "patient" not in told:
            return None
        return TakenMedication(
            patient=told["patient"], text=text, pzn=told.get("pzn"), atc=told.get("atc"), dosage=told.get("dosage"),
            since=self._date(told, "since", warned), until=self._date(told, "until", warned), note=told.get("note"),
        )  # fmt: skip

    def _risk(self, told: Told, warned: Warned) -> TakenRisk | None:
        if "text" not in told or "patient" not in told:
            return None
        since = self._date(told, "since", warned)
        return TakenRisk(patient=told["patient"], text=told["text"], since=since, note=told.get("note"))

    def _appointment(self, told: Told, warned: Warned) -> TakenAppointment | None:
        day, clock = self._day(told, "day", warned), _TIME.fullmatch(told.get("time", ""))
        if day is None or clock is None or "patient" not in told:
            if clock is None:
                warned.append((TIME, "time"))
            return None
        minutes = told.get("minutes", "")
        return TakenAppointment(
            patient=told["patient"], start=f"{day.isoformat()}T{int(clock[1]):02}:{clock[2]}",
            minutes=int(minutes) if minutes.isdigit() and 0 < int(minutes) < 1440 else None,
            schedule=told.get("schedule"), service=told.get("service"), note=told.get("note"),
        )  # fmt: skip


def _gender(text: str | None, warned: Warned) -> Gender | None:
    if text is None:
        return None
    found = _GENDERS.get(csv_words.folded(text))
    if found is None:
        warned.append((GENDER, "gender"))
    return found


def _telecom(told: Told, warned: Warned) -> tuple[Contact, ...]:
    found = []
    for field in ("mobile", "phone", "fax", "email"):
        value = told.get(field)
        if value is None:
            continue
        if flaw(value):
            warned.append((NUMBER, field))
        elif field == "mobile":
            found.append(Contact(system="phone", use="mobile", value=value))
        else:
            found.append(Contact(system=field, value=value))  # type: ignore[arg-type]
    return tuple(found)


def _insured(told: Told, warned: Warned) -> tuple[Identifier, ...]:
    number = told.get("insuranceNumber")
    if number is None:
        return ()
    if flaw(number):
        warned.append((NUMBER, "insuranceNumber"))
        return ()
    return (Identifier(system=INSURED if _KVNR.fullmatch(number) else None, value=number),)


# --- writing ---------------------------------------------------------------------------------------------------------


def kind(one: Taken) -> Kind:
    """The kind of a record."""
    return KIND_OF[type(one)]


def row(one: Taken) -> tuple[list[str], list[str]]:
    """Cells in the order of COLUMNS, and names of what a table with these columns cannot say."""
    if isinstance(one, TakenPatient):
        return _patient_row(one)
    if isinstance(one, TakenAppointment):
        day, _, clock = one.start.partition("T")
        values: dict[str, Any] = {
            "patient": one.patient, "day": day, "time": clock[:5], "minutes": one.minutes, "schedule": one.schedule,
            "service": one.service, "note": one.note,
        }  # fmt: skip
        return [_cell(values[name]) for name in COLUMNS["appointment"]], []
    names = COLUMNS[kind(one)]
    lost = ["status"] if isinstance(one, TakenMedication) and one.status != "unknown" else []
    return [_cell(getattr(one, name)) for name in names], lost


def _patient_row(one: TakenPatient) -> tuple[list[str], list[str]]:
    lost: list[str] = []
    contacts: dict[str, str] = {}
    for contact in one.telecom:
        name = "mobile" if contact.system in ("phone", "sms") and contact.use == "mobile" else contact.system
        if name not in ("mobile", "phone", "fax", "email") or name in contacts:
            lost.append("telecom")
        else:
            contacts[name] = contact.value
    place = one.address[0] if one.address else Address()
    if len(one.address) > 1 or len(place.line) > 1:
        lost.append("address")
    insured = next((i.value for i in one.identifiers if i.system == INSURED), None)
    if len(one.identifiers) > (insured is not None):
        lost.append("identifiers")
    values: dict[str, Any] = {
        "sourceId": one.source_id, "family": one.family, "given": one.given, "prefix": one.prefix,
        "birthDate": one.birth_date, "gender": one.gender, **contacts,
        "street": ", ".join(place.line), "postalCode": place.postal_code, "city": place.city, "country": place.country,
        "insuranceNumber": insured, "language": one.language, "note": one.note,
        "deceased": one.deceased or ("ja" if one.deceased_undated else None), "active": None if one.active else "nein",
    }  # fmt: skip
    return [_cell(values.get(name)) for name in COLUMNS["patient"]], lost


def _cell(value: Any) -> str:
    """A cell as text. What a spreadsheet would take for a formula gets a `'` before it (OWASP, „CSV Injection"), which
    `plain` takes away again; numbers to dial stay as they are."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in _FORMULA and not _DIAL.fullmatch(text) else text


def plain(cell: str) -> str:
    """A cell as it was meant, without blanks around it and without the mark of `_cell`."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA and len(text) > 1 else text
