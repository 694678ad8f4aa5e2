"""Dates of xDT: TTMMJJJJ, and the ways in which programs get them wrong. Nothing is guessed: two digits of a year are no year."""

import re
from datetime import date

_FORMS = (
    re.compile(r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    re.compile(r"(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
)
FIRST, LAST = 1850, 2150
"""Years in which a person can have been born. With them no eight digits can be meant in two ways."""


def read(text: str) -> tuple[str | None, str]:
    """(FHIR date, possibly partial; None if it says none) and the code of what is odd, or "".

    Day or month 00 mean unknown (KVDT): `00051972` is May 1972.
    """
    text = text.strip()
    if not text.strip("0"):
        return None, ""
    for number, form in enumerate(_FORMS):
        found = form.fullmatch(text)
        if found is None:
            continue
        year, month, day = int(found["y"]), int(found["m"]), int(found["d"])
        said = _date(year, month, day)
        if said:
            return said, "date_form" if number else ""
    return None, "date_short" if re.fullmatch(r"\d{6}|\d{1,2}\.\d{1,2}\.\d{2}", text) else "date"


def _date(year: int, month: int, day: int) -> str:
    if not FIRST <= year <= LAST:
        return ""
    if month == 0:
        return f"{year:04d}" if day == 0 else ""
    if day == 0:
        return f"{year:04d}-{month:02d}" if month <= 12 else ""
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def write(text: str) -> str:
    """A FHIR date, possibly partial, as TTMMJJJJ."""
    parts = [*text.split("-"), "00", "00"]
    return f"{parts[2]}{parts[1]}{parts[0]}"
