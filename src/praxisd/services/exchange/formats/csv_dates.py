"""Dates of tables: read in the order that was found or said, never guessed. Pure."""

import re
from datetime import date

_SHORT = re.compile(r"([0-9]{1,2})\.([0-9]{4})|([0-9]{4})(?:-([0-9]{2}))?")
_PARTS = re.compile(r"([0-9]{1,4})[./ -]([0-9]{1,2})[./ -]([0-9]{1,4})(?:[ T][0-9:.]*)?")
_EIGHT = re.compile(r"[0-9]{8}")

AMBIGUOUS, INVALID, SHORT = (
    "exchange.csv_date_ambiguous",
    "exchange.csv_date_invalid",
    "exchange.csv_year_short",
)


def read(text: str, order: str | None, century: int | None, today: date) -> tuple[str | None, str]:
    """(`YYYY-MM-DD`, `YYYY-MM` or `YYYY`, "") or (None, code of what is wrong with it). Blank and all zeros are no date.

    Two digits of a year beyond the present one are of the past century; others need `century` (the last two digits up to
    which they mean this century).
    """
    told = text.strip()
    if not told or not told.strip("0.-/ "):
        return None, ""
    short = _SHORT.fullmatch(told)
    if short is not None:
        month, year, year2, month2 = short.groups()
        return _partial(year or year2, month or month2)
    if _EIGHT.fullmatch(told):
        iso = told[:2] in ("18", "19", "20") and order != "dmy"
        return _whole(*((told[:4], told[4:6], told[6:]) if iso else (told[4:], told[2:4], told[:2])))
    found = _PARTS.fullmatch(told)
    if found is None:
        return None, INVALID
    first, middle, last = found.groups()
    if len(first) == 4:
        return _whole(first, middle, last)
    chosen = order or ("dmy" if "." in told else None)
    if chosen is None:
        if first == middle and len(last) == 4:
            return _whole(last, middle, first)
        return None, AMBIGUOUS
    day, month, year = {
        "dmy": (first, middle, last),
        "mdy": (middle, first, last),
        "ymd": (last, middle, first),
    }[chosen]
    if len(year) <= 2:
        number = int(year)
        if number > today.year % 100:
            year = str(today.year // 100 * 100 - 100 + number)
        elif century is None:
            return None, SHORT
        else:
            year = str(today.year // 100 * 100 - (100 if number > century else 0) + number)
    return _whole(year, month, day)


def _partial(year: str, month: str | None) -> tuple[str | None, str]:
    if month is None:
        return year, ""
    return (f"{year}-{int(month):02}", "") if 1 <= int(month) <= 12 else (None, INVALID)


def _whole(year: str, month: str, day: str) -> tuple[str | None, str]:
    if len(year) == 4 and int(day) == 0:
        return _partial(year, None if int(month) == 0 else month)  # a day nobody knew
    try:
        return date(int(year), int(month), int(day)).isoformat() if len(year) == 4 else None, "" if len(
            year
        ) == 4 else INVALID
    except ValueError:
        return None, INVALID
