"""What a rule of RFC 5545 (RRULE) says, as far as it names days: strictly read, and refused by name of its part. Pure.

Times of day stand elsewhere (opening hours, whole days): parts that speak of hours, minutes or seconds are refused, and so
is what RFC 5545 § 3.3.10 forbids, or leaves open so that programs read it differently.
"""

import re
from datetime import date
from typing import Literal, NamedTuple

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
LONGEST_TEXT = 300
"""Characters of a rule."""
MOST = 1_000
"""Highest INTERVAL and COUNT."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TIMES = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_KNOWN = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYSETPOS"}
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}")
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


class RuleRefused(ValueError):
    """A rule that is not taken. `part` is the part of it that is why; `unsupported`: RFC 5545 knows it, we do not."""

    def __init__(self, part: str, unsupported: bool = False) -> None:
        super().__init__(f"rule: {part} is {'not supported' if unsupported else 'not possible so'}")
        self.part = part
        self.unsupported = unsupported


class Parts(NamedTuple):
    """What a rule says. `by_day` holds (which one, weekday from 0 for Monday), 0 for every one; empty where nothing is said."""

    freq: Frequency
    interval: int = 1
    times: int | None = None
    until: date | None = None
    week_start: int = 0
    by_month: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_position: tuple[int, ...] = ()


def read(text: str) -> Parts:
    """The parts of a rule such as `FREQ=MONTHLY;BYDAY=1SA`. Raises RuleRefused, naming the part that cannot be taken."""
    if len(text) > LONGEST_TEXT:
        raise RuleRefused("RRULE")
    told: dict[str, str] = {}
    # Some calendars end the list with a semicolon.
    for piece in text.strip().upper().removeprefix("RRULE:").removesuffix(";").split(";"):
        name, is_, value = piece.partition("=")
        if name in _TIMES or name in ("RSCALE", "SKIP") or name.startswith("X-"):
            raise RuleRefused(name, unsupported=True)
        if not is_ or name not in _KNOWN or name in told:
            raise RuleRefused(name[:20] or "RRULE")
        told[name] = value
    freq = told.get("FREQ", "")
    if freq in ("HOURLY", "MINUTELY", "SECONDLY"):
        raise RuleRefused("FREQ", unsupported=True)
    if freq not in _FREQUENCIES:
        raise RuleRefused("FREQ")
    if told.get("WKST", "MO") not in WEEKDAYS:
        raise RuleRefused("WKST")
    parts = Parts(
        freq=freq,  # type: ignore[arg-type]
        interval=_one(told, "INTERVAL") or 1,
        times=_one(told, "COUNT"),
        until=_until(told.get("UNTIL")),
        week_start=WEEKDAYS.index(told.get("WKST", "MO")),
        by_month=_numbers(told, "BYMONTH", 12, negative=False),
        by_week=_numbers(told, "BYWEEKNO", 53),
        by_year_day=_numbers(told, "BYYEARDAY", 366),
        by_month_day=_numbers(told, "BYMONTHDAY", 31),
        by_day=_days(told.get("BYDAY")),
        by_position=_numbers(told, "BYSETPOS", 366),
    )
    _check(parts)
    return parts


def _one(told: dict[str, str], name: str) -> int | None:
    value = told.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 4 or not 1 <= int(value) <= MOST:
        raise RuleRefused(name)
    return int(value)


def _until(value: str | None) -> date | None:
    """The last day. A moment (`…T…Z`) would need a time of day to be compared with, which whole days do not have."""
    if value is None:
        return None
    found = _UNTIL.fullmatch(value)
    if found is None:
        raise RuleRefused("UNTIL", unsupported=re.fullmatch(r"[0-9]{8}T[0-9]{6}Z?", value) is not None)
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise RuleRefused("UNTIL") from None


def _numbers(told: dict[str, str], name: str, high: int, *, negative: bool = True) -> tuple[int, ...]:
    if name not in told:
        return ()
    found = []
    for text in told[name].split(","):
        number = int(text) if _NUMBER.fullmatch(text) else 0
        if not 1 <= abs(number) <= high or (number < 0 and not negative):
            raise RuleRefused(name)
        found.append(number)
    return tuple(dict.fromkeys(found))


def _days(value: str | None) -> tuple[tuple[int, int], ...]:
    if value is None:
        return ()
    found = []
    for text in value.split(","):
        match = _DAY.fullmatch(text)
        which = int(match[1] or 0) if match else 0
        if match is None or not -53 <= which <= 53 or (match[1] and which == 0):
            raise RuleRefused("BYDAY")
        found.append((which, WEEKDAYS.index(match[2])))
    return tuple(dict.fromkeys(found))


def _check(parts: Parts) -> None:
    """What RFC 5545 § 3.3.10 does not allow together, and what it leaves open, so that programs read it differently."""
    counted = any(which for which, _ in parts.by_day)
    for part, wrong in (
        ("COUNT", parts.times is not None and parts.until is not None),
        ("BYWEEKNO", bool(parts.by_week) and parts.freq != "YEARLY"),
        ("BYYEARDAY", bool(parts.by_year_day) and parts.freq != "YEARLY"),
        ("BYMONTHDAY", bool(parts.by_month_day) and parts.freq == "WEEKLY"),
        ("BYDAY", counted and (parts.freq in ("DAILY", "WEEKLY") or bool(parts.by_week))),
        ("BYSETPOS", bool(parts.by_position) and not any(parts[5:10])),
    ):
        if wrong:
            raise RuleRefused(part)
    for part, open_ in (
        # Expand or limit? There are programs of either opinion.
        ("BYWEEKNO", bool(parts.by_week) and bool(parts.by_month_day or parts.by_year_day)),
        # In every month, or in that of the first day?
        ("BYMONTHDAY", parts.freq == "YEARLY" and bool(parts.by_month_day) and not parts.by_month),
        # Counted from the year of the first day, or from the year that its week belongs to?
        ("INTERVAL", bool(parts.by_week) and parts.interval > 1),
    ):
        if open_:
            raise RuleRefused(part, unsupported=True)
