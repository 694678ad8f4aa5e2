"""Days and times as people and programs write them, German and English. Pure. What may mean two things means nothing.

A date needs all four digits of its year (an appointment's may have two, in the German form). `3/12/2026` is refused: it is
another day in London than in New York. A weekday that contradicts its date spoils it. Wall times that a change of the
clocks skips or repeats are none.
"""

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januar jänner january jan", "februar feber february feb", "märz maerz march mar mär", "april apr",
            "mai may", "juni june jun", "juli july jul", "august aug", "september sep sept",
            "oktober october okt oct", "november nov", "dezember december dez dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "montag mo monday mon", "dienstag di tuesday tue tues", "mittwoch mi wednesday wed",
            "donnerstag do thursday thu thur thurs", "freitag fr friday fri", "samstag sonnabend sa saturday sat",
            "sonntag so sunday sun",
        )
    )
    for name in names.split()
}  # fmt: skip
_LONGEST = 80
"""Letters of a value that can be a day or a time at all."""
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_WORDED = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s+([a-zäöü]{3,9})\.?,?\s+(\d{4})")
_AMERICAN = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_WEEKDAY = re.compile(r"([a-zä]{2,10})\.?,?\s+(?:den\s+|the\s+)?(?=\S)")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:[:.]00)?\s*(uhr|h|am|pm|a\.m\.|p\.m\.)?")
_DASH = re.compile(r"\s*(?:-|–|—|bis|to|until)\s*")
_MINUTES = re.compile(r"(\d{1,3})\s*(?:min|min\.|minuten|minutes|minute|')?")
_HOURS = re.compile(r"(\d)\s*(?:h|std|std\.|stunde|stunden|hour|hours)")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:z|[+-]\d{2}:\d{2})?")


def _tidy(text: str) -> str:
    return " ".join(text[: _LONGEST + 1].casefold().split())


def day(text: str, *, short_years: bool = False) -> date | None:
    """The day that the whole text names, or None."""
    words = _tidy(text)
    if len(words) > _LONGEST:
        return None
    named = _WEEKDAY.match(words)
    weekday = _WEEKDAYS.get(named[1]) if named else None
    if weekday is not None and named is not None:
        words = words[named.end() :]
    found = _bare_day(words, short_years)
    if found is None or (weekday is not None and found.weekday() != weekday):
        return None
    return found


def _bare_day(words: str, short_years: bool) -> date | None:
    if match := _ISO.fullmatch(words):
        return _made(match[1], match[2], match[3])
    if match := _DOTTED.fullmatch(words):
        if len(match[3]) == 2:
            return _made(f"20{match[3]}", match[2], match[1]) if short_years else None
        return _made(match[3], match[2], match[1])
    if match := _SLASHED.fullmatch(words):
        first, second = int(match[1]), int(match[2])
        if first > 12 or first == second:
            return _made(match[3], match[2], match[1])
        return _made(match[3], match[1], match[2]) if second > 12 else None
    if match := _WORDED.fullmatch(words):
        return _made(match[3], _MONTHS.get(match[2], 0), match[1])
    if match := _AMERICAN.fullmatch(words):
        return _made(match[3], _MONTHS.get(match[1], 0), match[2])
    return None


def _made(year: str, month: str | int, number: str) -> date | None:
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        return None


def birth_date(text: str) -> str:
    """YYYY-MM-DD of a day of birth with all of its year, or an empty text."""
    found = day(text)
    return found.isoformat() if found is not None and 1880 <= found.year < 2200 else ""


def clock(text: str) -> int | None:
    """Minutes since midnight of the time that the whole text names, or None. A bare number is no time."""
    words = _tidy(text).removeprefix("um ").removeprefix("ab ").removeprefix("at ")
    match = _CLOCK.fullmatch(words)
    if match is None or (match[2] is None and match[3] is None):
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    half = (match[3] or "").replace(".", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def hours(text: str) -> tuple[int, int | None] | None:
    """(first, last) in minutes since midnight of `10:30` or `10:30 – 11:00 Uhr`; None for anything else."""
    words = _tidy(text)
    parts = _DASH.split(words, maxsplit=2)
    if len(parts) == 1:
        first = clock(words)
        return None if first is None else (first, None)
    if len(parts) != 2:
        return None
    unit = re.search(r"(uhr|h)$", parts[1])
    first, last = (
        clock(parts[0] if not unit or parts[0].endswith(unit[1]) else f"{parts[0]} {unit[1]}"),
        clock(parts[1]),
    )
    return (first, last) if first is not None and last is not None and last > first else None


def moment(text: str) -> tuple[date, int, int | None] | None:
    """(day, first minute, last minute or None) of `Do, 03.12.2026, 10:30 Uhr`, `2026-12-03 10:30` and the like."""
    words = _tidy(text)
    if len(words) > _LONGEST:
        return None
    found: set[tuple[date, int, int | None]] = set()
    for cut in re.finditer(r",?\s+(?:um\s+|at\s+|von\s+|from\s+)?|t(?=\d)", words):
        when, span = (
            day(words[: cut.start()].rstrip(","), short_years=True),
            hours(words[cut.end() :].lstrip("-– ")),
        )
        if when is not None and span is not None:
            found.add((when, *span))
    return found.pop() if len(found) == 1 else None


def minutes(text: str) -> int | None:
    """A length of 5 to 720 minutes, or None."""
    words = _tidy(text)
    if match := _HOURS.fullmatch(words):
        return int(match[1]) * 60 if 1 <= int(match[1]) <= 12 else None
    match = _MINUTES.fullmatch(words)
    return int(match[1]) if match and 5 <= int(match[1]) <= 720 else None


def instant(when: date, minute: int, zone: ZoneInfo) -> int | None:
    """Epoch seconds of a wall time; None where the clocks skip or repeat it."""
    wall = datetime.combine(when, time(minute // 60, minute % 60), zone)
    try:
        first, second = wall.timestamp(), wall.replace(fold=1).timestamp()
    except (OverflowError, ValueError):
        return None
    return int(first) if first == second else None


def iso_instant(text: str, zone: ZoneInfo) -> int | None:
    """Epoch seconds of an RFC 3339 time; without an offset it is the practice's wall time."""
    words = text.strip().casefold()
    if not _RFC3339.fullmatch(words):
        return None
    try:
        found = datetime.fromisoformat(words.upper().replace(" ", "T"))
        if found.tzinfo is not None:
            return int(found.timestamp())
    except (OverflowError, ValueError):
        return None
    return instant(found.date(), found.hour * 60 + found.minute, zone)
