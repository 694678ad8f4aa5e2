"""Columns of tables: which fields there are, and by which headings programs of practices call them.

The headings are those of exports that practices have (German and English); comparison is without case, accents and marks.
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from praxisd.model.exchange import Kind

FIELDS: dict[Kind, tuple[str, ...]] = {
    "patient": (
        "sourceId", "family", "given", "name", "prefix", "birthDate", "gender", "phone", "mobile", "fax", "email",
        "street", "postalCode", "city", "country", "insuranceNumber", "language", "note", "deceased", "active",
    ),
    "treatment": ("patient", "opened", "closed", "mandator", "note"),
    "medication": ("patient", "text", "pzn", "atc", "dosage", "since", "until", "note"),
    "risk": ("patient", "text", "since", "note"),
    "appointment": ("patient", "day", "time", "minutes", "schedule", "service", "note"),
}  # fmt: skip
"""Fields a column may be read as. `name` is „Nachname, Vorname" in one; `patient` is the number of the person."""
NEEDED: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "patient": (("family", "name"),),
    "treatment": (("patient",), ("opened",)),
    "medication": (("patient",), ("text", "pzn")),
    "risk": (("patient",), ("text",)),
    "appointment": (("patient",), ("day",), ("time",)),
}
"""Of each group one field at least must have a column."""
DATES = frozenset({"birthDate", "deceased", "opened", "closed", "since", "until", "day"})
IGNORED = "-"
"""What a column is mapped to that is left out on purpose."""

_NUMBER = (
    "patientennummer patientennr patnr patientnr patid patientid patientenid id nr nummer kartei karteinummer kundennummer"
    " patientno patientnumber number"
)
_WORDS: dict[str, str] = {
    "family": "nachname name1 familienname zuname lastname surname familyname nachnahme family",
    "given": "vorname vornamen firstname givenname rufname forename given",
    "name": "name patient patientenname fullname namevorname nachnamevorname patname",
    "prefix": "titel title anredetitel akadtitel namenszusatz prefix",
    "birthDate": "geburtsdatum gebdatum geburtstag gebdat geboren birthdate dateofbirth dob birthday gebam",
    "gender": "geschlecht gender sex",
    "phone": "telefon tel telefonprivat telefonnummer festnetz phone telephone telprivat telefon1 homephone telp",
    "mobile": "mobil handy mobiltelefon mobilnummer handynummer mobile cellphone cell telmobil mobilephone",
    "fax": "fax telefax faxnummer",
    "email": "email mail emailadresse mailadresse eadresse",
    "street": "strasse strassehausnummer strassenr anschrift adresse street address strhnr strasseundhausnummer strassehausnr",
    "postalCode": "plz postleitzahl zip zipcode postalcode postcode",
    "city": "ort stadt wohnort city town plzort",
    "country": "land staat country",
    "insuranceNumber": "versichertennummer kvnr versnr versichertennr krankenversichertennummer egknr insurancenumber kvnummer",
    "language": "sprache language",
    "note": "bemerkung bemerkungen notiz notizen kommentar hinweis note notes comment remark",
    "deceased": "verstorben verstorbenam todesdatum sterbedatum deceased dateofdeath",
    "active": "aktiv active",
    "opened": "beginn behandlungsbeginn von start opened begin startdate",
    "closed": "ende behandlungsende bis end closed enddate",
    "mandator": "mandant behandler betriebsstaette lizenznummer mandator",
    "text": "medikament arzneimittel praeparat handelsname bezeichnung risiko allergie cave text drug medication product allergy",
    "pzn": "pzn pharmazentralnummer",
    "atc": "atc atccode",
    "dosage": "dosierung dosis einnahme dosage dose",
    "since": "seit verordnetam beginn datum since start date",
    "until": "bis ende until end abgesetztam",
    "day": "datum tag termindatum date day",
    "time": "uhrzeit zeit beginn von time start terminzeit",
    "minutes": "dauer minuten dauermin duration minutes",
    "schedule": "spalte terminspalte behandler arzt zimmer stuhl schedule column doctor",
    "service": "terminart art behandlungsart service type",
}  # fmt: skip


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A heading as it is compared: `Straße / Nr.` is `strassenr`."""
    plain = (
        unicodedata.normalize("NFKC", text)
        .casefold()
        .replace("ä", "ae")
        .replace("ö", "oe")
        .replace("ü", "ue")
    )
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return "".join(c for c in plain if c.isalnum())


class Guess(NamedTuple):
    """What a column may be, and how sure that is (0 to 1)."""

    field: str
    confidence: float


def guess(heading: str, what: Kind) -> Guess | None:
    """The field a heading names, or None. Sure where it is one of the words, less where it only begins or ends so."""
    word = folded(heading)
    if not word:
        return None
    best: Guess | None = None
    for field in FIELDS[what]:
        number = field in ("sourceId", "patient")
        words = (_NUMBER if number else _WORDS[field]).split()
        score = (
            1.0
            if word in words or word == folded(field)
            else max((_part(word, one) for one in words), default=0.0)
        )
        if score > (best.confidence if best else 0.0):
            best = Guess(field, score)
    return best if best is not None and best.confidence >= 0.5 else None


def _part(word: str, known: str) -> float:
    """How far a heading is made of a known word."""
    if len(known) < 4 or not (word.startswith(known) or word.endswith(known)):
        return 0.0
    return 0.5 + 0.4 * len(known) / len(word)


def mapping(headings: list[str], what: Kind) -> dict[str, Guess]:
    """Heading → field, each field at most once: the surest column has it."""
    found = {heading: one for heading in headings if (one := guess(heading, what)) is not None}
    taken: dict[str, str] = {}
    for heading, one in sorted(found.items(), key=lambda item: -item[1].confidence):
        taken.setdefault(one.field, heading)
    return {heading: one for heading, one in found.items() if taken[one.field] == heading}
