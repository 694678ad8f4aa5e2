"""Numbers and addresses as people wrote them: is it a mobile, a landline, or must somebody be asked? Pure.

Nothing is guessed (notes of the seeds: a text to a stranger's number is worse than none). A number counts only if it is
one number and nothing else, written from its country code or with the zero of its country, and if the numbering plan
(libphonenumber) knows the range. `+49 (0) 171 …` and `+49 0171 …` are plain slips of the pen and read as meant.
"""

import re
import unicodedata
from functools import cache
from typing import Any, Literal, NamedTuple

from praxisd.kernel.mail_address import ADDRESS_MOST, address

COUNTRIES = ("DE", "AT", "CH")
"""Where practices are. Numbers without a country code belong to the practice's own."""
NEIGHBOURS = frozenset(
    (
        *COUNTRIES, "LI", "LU", "FR", "IT", "NL", "BE", "DK", "PL", "CZ", "SI", "SK", "HU", "HR", "ES", "PT", "SE",
        "NO", "FI", "IE", "GB", "EE", "LV", "LT", "RO", "BG", "GR", "CY", "MT", "IS",
    )
)  # fmt: skip
"""Countries whose mobile numbers are taken if the country code is written. Others cost much and are asked about."""
LENGTH_MOST = 100
"""Characters of a field that are looked at; a longer one holds more than a number."""

Why = Literal[
    "empty", "several", "letters", "remark", "no_prefix", "no_country", "too_short", "too_long", "unknown_range",
    "service_number", "no_sms", "unclear", "foreign", "landline_as_mobile", "malformed",
]  # fmt: skip
"""Why somebody has to be asked; the words are texts `console.word.number_doubt.<why>`."""
WHYS: tuple[Why, ...] = Why.__args__  # type: ignore[attr-defined]


class Mobile(NamedTuple):
    """A number that takes an SMS, as `+491713920012`."""

    e164: str


class Landline(NamedTuple):
    """A number that takes calls only, as `+493023125100`."""

    e164: str


class Doubtful(NamedTuple):
    """Somebody has to be asked; nothing is sent to it."""

    why: Why


class Mail(NamedTuple):
    """An e-mail address that can be written to; its domain is in ASCII (IDNA)."""

    address: str


Number = Mobile | Landline | Doubtful

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_KEPT = re.compile(r"[0-9+()/.\-\s]+")
_SPLIT = re.compile(r"[;,|\n\r]|\s(?:oder|und|or|and|ou|et|od\.|u\.)\s|(?<=[0-9)])\s*\+", re.IGNORECASE)
_ZERO = re.compile(r"\(\s*0\s*\)")
_DROPPED = re.compile(r"[()/.\-\s]+")
_AREA_MOST = 6
"""Digits of an area code without its zero: more before a slash is a number of its own."""
_USUAL = re.compile(r"[+0][0-9]{2,6}[ /-]?[0-9 ]{5,13}")
"""How most numbers are written; they take no longer look."""


def number(value: str, use: str | None, country: str) -> Number:
    """What the field of a contact holds. `use` is FHIR's, `country` the practice's (ISO 3166, empty: not known).

    A landline that was told to be a mobile is doubtful: one of the two is wrong. A mobile is a mobile, whatever it was
    told to be.
    """
    usual = _USUAL.fullmatch(value)
    plain = _DROPPED.sub("", value) if usual else _plain(value)
    if isinstance(plain, Doubtful):
        return plain
    quick = _quick(plain, country)
    found = quick if quick is not None else _thorough(plain, country)
    if isinstance(found, Landline) and use == "mobile":
        return Doubtful("landline_as_mobile")
    return found


def _plain(value: str) -> str | Doubtful:
    """The digits with `+` in front where it was written, or why they are not one number."""
    text = "".join(
        char
        for char in unicodedata.normalize("NFKC", value[: LENGTH_MOST + 1])
        if unicodedata.category(char) != "Cf"
    )
    text = text.translate(_DASHES).strip()
    text = text[4:].strip() if text[:4].lower() == "tel:" else text
    if not text:
        return Doubtful("empty")
    if _several(text):
        return Doubtful("several")
    if not _KEPT.fullmatch(text):
        return Doubtful(_wrong(text))
    text = _ZERO.sub("", text) if text.startswith(("+", "00")) else text
    first, *more = text.split("/")
    if more and (len(more) > 1 or _area_digits(first) > _AREA_MOST):
        return Doubtful("several")
    digits = _DROPPED.sub("", text)
    if "+" in digits[1:]:
        return Doubtful("several" if len(digits) > 12 else "malformed")
    return digits if len(digits) > 1 else Doubtful("too_short")


def _several(text: str) -> bool:
    """True if the text is cut into two parts that could each be a number."""
    parts = [part for part in _SPLIT.split(text) if sum(map(str.isdigit, part)) >= _AREA_MOST]
    words = [
        word for word in text.split() if word[0] in "+0" and sum(map(str.isdigit, word)) > _AREA_MOST + 2
    ]
    return len(parts) > 1 or len(words) > 1


def _wrong(text: str) -> Why:
    """What stands in a field beside digits: a word, letters among the digits, or signs."""
    if not any(char.isdigit() for char in text):
        return "remark" if any(char.isalpha() for char in text) else "malformed"
    if re.search(r"[^\W\d_]{3}|\([^\W\d_]", text):
        return "remark"
    return "letters" if any(char.isalpha() for char in text) else "malformed"


def _area_digits(text: str) -> int:
    digits = _DROPPED.sub("", text)
    if digits.startswith(("+", "00")):
        return len(digits.removeprefix("+").removeprefix("00")) - 2
    return len(digits.removeprefix("0"))


def _quick(plain: str, country: str) -> Mobile | None:
    """A mobile of one of our countries, by the same numbering plan; None if it takes a longer look."""
    if plain.startswith("+"):
        country, national = _CODES.get(plain[1:3], ""), plain[3:].removeprefix("0")
    elif plain.startswith("00"):
        country, national = _CODES.get(plain[2:4], ""), plain[4:].removeprefix("0")
    elif plain.startswith("0"):
        national = plain[1:]
    else:
        return None
    if country not in COUNTRIES:
        return None
    code, pattern, lengths = _plan(country)
    if len(national) in lengths and pattern.fullmatch(national):
        return Mobile(f"+{code}{national}")
    return None


_CODES = {"49": "DE", "43": "AT", "41": "CH"}


@cache
def _plan(country: str) -> tuple[int, re.Pattern[str], frozenset[int]]:
    """Country code, pattern and lengths of mobile numbers."""
    import phonenumbers  # 43 ms, which a start to ready should not pay

    found: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    return (
        int(found.country_code),
        re.compile(found.mobile.national_number_pattern),
        frozenset(found.mobile.possible_length),
    )


def _thorough(plain: str, country: str) -> Number:
    import phonenumbers

    if not plain.startswith(("+", "00")):
        if country not in phonenumbers.SUPPORTED_REGIONS:
            return Doubtful("no_country")
        plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
        zero = plan.national_prefix
        if zero and not plain.startswith(zero):
            return Doubtful("no_prefix" if len(plain) > 3 else "too_short")
    elif plain.startswith("00"):
        plain = "+" + plain[2:]
    try:
        found = phonenumbers.parse(plain, country or None)
    except phonenumbers.NumberParseException as error:
        unreadable: dict[int, Why] = {
            0: "no_country",
            1: "malformed",
            2: "too_short",
            3: "too_short",
            4: "too_long",
        }
        return Doubtful(unreadable[error.error_type])
    if not phonenumbers.is_valid_number(found):
        length = phonenumbers.is_possible_number_with_reason(found)
        too: dict[int, Why] = {1: "no_country", 2: "too_short", 3: "too_long", 4: "no_prefix"}
        return Doubtful(too.get(length) or _nearly(found))
    written = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    kinds, kind = phonenumbers.PhoneNumberType, phonenumbers.number_type(found)
    if kind in (kinds.TOLL_FREE, kinds.PREMIUM_RATE, kinds.SHARED_COST, kinds.UAN):
        return Doubtful("service_number")
    if kind in (kinds.VOIP, kinds.PERSONAL_NUMBER, kinds.PAGER, kinds.VOICEMAIL):
        return Doubtful("no_sms")
    if kind == kinds.FIXED_LINE:
        return Landline(written)
    if phonenumbers.region_code_for_number(found) not in NEIGHBOURS:
        return Doubtful("foreign")
    return Mobile(written) if kind == kinds.MOBILE else Doubtful("unclear")


def _nearly(found: Any) -> Why:
    """Why a number of right length is none: a mobile that lacks digits or has too many, or a range nobody was given."""
    country = _CODES.get(str(found.country_code))
    if country is not None:
        _, pattern, _ = _plan(country)
        digits = str(found.national_number)
        if any(pattern.fullmatch(digits + "0" * n) for n in range(1, 9)):
            return "too_short"
        if any(pattern.fullmatch(digits[:-n]) for n in range(1, 5)):
            return "too_long"
    return "unknown_range"


def mail(value: str) -> Mail | Doubtful:
    """The one e-mail address a field holds, or why somebody has to be asked. In ASCII before the @."""
    text = "".join(c for c in unicodedata.normalize("NFKC", value) if unicodedata.category(c) != "Cf").strip()
    text = text[7:] if text[:7].lower() == "mailto:" else text
    if not text:
        return Doubtful("empty")
    if text.count("@") > 1 or re.search(r"[;,]", text):
        return Doubtful("several")
    if re.search(r"[\s<>()\"]", text):
        return Doubtful("remark")
    try:
        good = address(text)
    except ValueError:
        return Doubtful("too_long" if len(text) > ADDRESS_MOST else "malformed")
    last = good.rpartition(".")[2]
    if not good.rpartition("@")[0].isascii():
        return Doubtful("letters")  # few servers take it, and nearly always it is a slip of the pen
    return Mail(good) if len(last) > 1 and last[0].isalpha() else Doubtful("malformed")
