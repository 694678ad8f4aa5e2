"""Rules of the directory: what is a legal name, number or date, and how two spellings are compared. Pure."""

import re
import unicodedata
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.fhir_times import is_date
from praxisd.model.people import Contact, Patient, PatientClaim, plain

TEXT_LIMIT = 1000
"""Characters of any one text of a record but a note."""
NOTE_LIMIT = 20_000
FIRST_BIRTH = 1850
"""No living or lately dead patient was born before this year; an earlier one is a slip."""

_WHOLE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRITTEN_DAY = re.compile(r"(?:([0-9]{1,2})\.)?([0-9]{1,2})\.([0-9]{4})")
_NUMBER = re.compile(r"\+?[0-9()/ .-]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_URI = re.compile(r"\S{1,500}")
_CODE = re.compile(r"\S+(?: \S+)*")
# Letters that Unicode does not take apart, and the German way to write umlauts without the key for them.
_SPELT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "æ": "ae",
        "œ": "oe",
        "ø": "oe",
        "þ": "th",
        "ð": "d",
        "đ": "d",
        "ł": "l",
        "ı": "i",
    }
)
_BARE = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "þ": "th", "ð": "d", "đ": "d", "ł": "l", "ı": "i"})


def name_tokens(text: str, *, bare: bool = False) -> list[str]:
    """The words of a name in comparable form: Müller, MUELLER and Mu¨ller are one, hyphens divide as spaces do.

    NFKC and case folding, ß as ss, umlauts as ae, oe, ue, all other accents taken off. With `bare` umlauts lose their
    dots too (Muller), which is how people search and foreign systems write.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = folded.translate(_BARE if bare else _SPELT)
    parts = []
    for char in unicodedata.normalize("NFKD", folded):
        kind = unicodedata.category(char)
        if kind[0] in "LN":
            parts.append(char)
        elif kind == "Mn" or char in "'’`´":
            continue  # accents, and O'Neill beside ONeill
        else:
            parts.append(char if kind == "Mc" else " ")
    return "".join(parts).split()


def name_key(text: str) -> str:
    """A name in comparable form. A name without any letter (a lone symbol) is compared as it stands."""
    return " ".join(name_tokens(text)) or unicodedata.normalize("NFKC", text).casefold().strip()


def given_key(text: str) -> str:
    """Given names in comparable form; their order does not count, for no two forms ask for them in the same one."""
    return " ".join(sorted(name_tokens(text))) or name_key(text)


class Asked(NamedTuple):
    """What somebody typed to find a patient: words of names, a day of birth (perhaps partial), a number, an address."""

    words: str = ""
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None


def understand(text: str) -> Asked:
    """Take apart what was typed into one field: `Müller 17.5.1980`, `1980-05`, `030 23125-100`, `eva@example.org`."""
    if _NUMBER.fullmatch(text.strip()) and sum(map(str.isdigit, text)) >= 6 and _born(text.strip()) is None:
        return Asked(phone=text.strip())
    words, born, email = [], None, None
    for word in text.split():
        day = _born(word)
        if day is not None and born is None:
            born = day
        elif "@" in word and email is None:
            email = word
        else:
            words.append(word)
    return Asked(" ".join(words), born, None, email)


def _born(word: str) -> str | None:
    """A day, month or year as people write it, in the form in which it is kept; None for any other word."""
    found = _WRITTEN_DAY.fullmatch(word)
    if found is not None:
        day, month, year = found.groups()
        return f"{year}-{int(month):02}-{int(day):02}" if day else f"{year}-{int(month):02}"
    good = is_date(word) and FIRST_BIRTH <= int(word[:4]) <= FIRST_BIRTH + 300
    return word if good else None


def search_words(*names: str) -> str:
    """All words of the names in both spellings, each after a space: `LIKE '% muell%'` finds a beginning."""
    words = {w for name in names for bare in (False, True) for w in name_tokens(name, bare=bare)}
    return "".join(f" {w}" for w in sorted(words))


def phone_key(text: str | None, country: str) -> str | None:
    """The number as E.164 (`+49301234567`), or None if it is no number. `country` is where it is dialled from."""
    if not text or len(text) > 100:
        return None
    import phonenumbers  # 43 ms, which a start to ready should not pay

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email_key(text: str | None) -> str | None:
    """The address in comparable form, or None if it is none. Upper and lower case are one, as all large providers have it."""
    folded = unicodedata.normalize("NFKC", text or "").strip().casefold()
    local, at, domain = folded.rpartition("@")
    good = bool(at and local and domain) and not re.search(r"\s", folded) and len(folded) <= 254
    return folded if good else None


def contact_keys(telecom: tuple[Contact, ...], country: str) -> frozenset[tuple[str, str]]:
    """Comparable (kind, key) pairs of all numbers and addresses; `old` ones and unreadable ones do not count."""
    found = set()
    for one in telecom:
        if one.use == "old":
            continue
        if one.system in ("phone", "sms"):
            found.add(("phone", phone_key(one.value, country)))
        elif one.system == "email":
            found.add(("email", email_key(one.value)))
    return frozenset((kind, key) for kind, key in found if key is not None)


def is_whole(birth_date: str | None) -> bool:
    """True for a date with year, month and day."""
    return birth_date is not None and _WHOLE_DATE.fullmatch(birth_date) is not None


def check_birth_date(text: str | None, today: date) -> None:
    """Refuse (`directory.birth_date_invalid`, 422) what is no date, lies in the future, or before 1850.

    Tomorrow is still let pass: the one who tells may live east of us.
    """
    if text is None:
        return
    latest = (today + timedelta(days=1)).isoformat()
    if not is_date(text) or text > latest[: len(text)] or int(text[:4]) < FIRST_BIRTH:
        raise Problem("directory.birth_date_invalid", 422)


def check_texts(record: Any) -> None:
    """Refuse (`directory.text_invalid`, 422, naming the field) characters that FHIR and XML cannot carry, and endless texts.

    Lone surrogates count among them, and NUL, which PostgreSQL cannot store.
    """
    for path, text in _strings(record, ""):
        limit = NOTE_LIMIT if path == "note" else TEXT_LIMIT
        if path != "extra" and (len(text) > limit or FORBIDDEN_CHARACTERS.search(text)):
            raise Problem("directory.text_invalid", 422, field=path, limit=limit)


def _strings(value: Any, path: str) -> list[tuple[str, str]]:
    if value is None or value == ():
        return []
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, dict):
        return [found for k, v in value.items() for found in _strings(v, f"{path}.{k}" if path else str(k))]
    fields = getattr(value, "__struct_fields__", ())
    if fields:
        return _strings({_camel(name): getattr(value, name) for name in fields}, path)
    if isinstance(value, list | tuple):
        return [found for one in value for found in _strings(one, path)]
    return []


@lru_cache(maxsize=256)
def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def check_codes(record: Any) -> None:
    """Refuse (`directory.code_invalid`, 422) languages, systems and codes that are none: FHIR could not carry them."""
    language = getattr(record, "language", None)
    if isinstance(language, str) and not _LANGUAGE.fullmatch(language):
        raise Problem("directory.code_invalid", 422, field="language")
    numbers = getattr(record, "identifiers", ())
    coded = [*(one.type for one in numbers if one.type is not None), *getattr(record, "specialties", ())]
    for one in [*numbers, *coded]:
        if one.system is not None and not _URI.fullmatch(one.system):
            raise Problem("directory.code_invalid", 422, field="system")
    if any(not _CODE.fullmatch(one.code) for one in coded):
        raise Problem("directory.code_invalid", 422, field="code")


def from_claim(claim: PatientClaim) -> Patient:
    """The claim as a record without id; blank fields are absent ones. `phone` becomes a mobile or a plain number."""
    telecom: list[Contact] = list(plain(claim.telecom))
    told = {one.value for one in telecom}
    if _given(claim.phone) and claim.phone not in told:
        telecom.insert(0, Contact(system="phone", value=claim.phone or ""))
    if _given(claim.email) and claim.email not in told:
        telecom.append(Contact(system="email", value=claim.email or ""))
    return Patient(
        family=claim.family,
        given=claim.given,
        prefix=claim.prefix if _given(claim.prefix) else None,
        birth_date=claim.birth_date if _given(claim.birth_date) else None,
        gender=claim.gender,
        telecom=tuple(one for one in telecom if one.value.strip()),
        address=plain(claim.address),
        language=claim.language if _given(claim.language) else None,
        identifiers=plain(claim.identifiers),
        note=claim.note if _given(claim.note) else None,
    )


def _given(text: str | None) -> bool:
    return bool(text and text.strip())


def check_patient(patient: Patient, today: date, *, whole: bool) -> None:
    """Refuse what cannot be kept. `whole` (portals): given name and full date of birth are needed, for without them nobody
    could be told apart (`directory.patient_incomplete`, 422); else a family name is enough."""
    check_texts(patient)
    check_codes(patient)
    check_birth_date(patient.birth_date, today)
    missing = [] if patient.family.strip() else ["family"]
    if whole:
        missing += [] if patient.given.strip() else ["given"]
        missing += [] if is_whole(patient.birth_date) else ["birthDate"]
    if missing:
        raise Problem("directory.patient_incomplete", 422, fields=", ".join(missing))


def with_contact(telecom: tuple[Contact, ...], system: str, value: str | None) -> tuple[Contact, ...]:
    """The contacts with the one that is shown for `system` (phone or email) changed, added, or (None, blank) taken out."""
    person = Patient(family="", telecom=telecom)
    shown = person.phone if system == "phone" else person.email
    kinds = ("phone", "sms") if system == "phone" else ("email",)
    place = next(
        (n for n, c in enumerate(telecom) if c.system in kinds and c.value == shown and c.use != "old"), None
    )
    if not _given(value):
        return telecom if place is None else telecom[:place] + telecom[place + 1 :]
    if place is None:
        return (*telecom, Contact(system="phone" if system == "phone" else "email", value=value or ""))
    changed = Contact(system=telecom[place].system, use=telecom[place].use, value=value or "")
    return (*telecom[:place], changed, *telecom[place + 1 :])
