"""Repeating events of others, followed with a bounded effort: whoever can write into the file must not stop the comparison.

dateutil follows a rule until the year 9999, also one that names no day at all (`BYMONTH=2;BYMONTHDAY=30`), and asks of each
day whether its month is named: there it is counted, and ended. RFC 5545 §§ 3.3.10, 3.6.5.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from praxisd.services.portals.portal import Period

MOST_EFFORT = 6_000_000
"""For one file; about as many microseconds."""
_OF_ONE = 500_000
"""For one rule: so much suffices for each day of fifty years."""
_OF_ZONE = 200 * 366
"""For one rule of a time zone: so many days. Real ones begin at 1900 at the earliest and name two days a year."""
_LONGEST = 2_000
"""Letters of a rule: each day is compared with all that it lists."""
_TURN = 15
"""One start that a rule names, worked out."""
_DAY = {"YEARLY": 1, "MONTHLY": 1, "WEEKLY": 2}
"""One day looked at, by how often the rule repeats; `_FINE` for the others."""
_FINE = 10
_STEPS = {"WEEKLY": 604_800, "DAILY": 86_400, "HOURLY": 3_600, "MINUTELY": 60, "SECONDLY": 1}
_LISTS = ("BYHOUR", "BYMINUTE", "BYSECOND")
_RULE = re.compile(r"^RRULE[^:\r\n]*:([^\r\n]*)", re.M | re.I)
_TZID = re.compile(r"^TZID(?:;[^:\r\n]*)?:([^\r\n]*?)\r?$", re.M | re.I)
_LAST = datetime(2100, 1, 1)


class Effort:
    """How much work may still be done, of its own and of the whole. ValueError once it is used up."""

    def __init__(self, left: int = MOST_EFFORT, whole: "Effort | None" = None) -> None:
        self.left = left
        self._whole = whole

    def spend(self, units: int) -> None:
        """So much of it was done."""
        self.left -= units
        if self._whole is not None:
            self._whole.spend(units)
        if self.left < 0:
            raise ValueError("too much work")


class _Counted(tuple[int, ...]):
    """The months that a rule names, if any. It is asked for them once for each day that is looked at."""

    effort: Effort
    price: int

    def __bool__(self) -> bool:
        self.effort.spend(self.price)
        return len(self) > 0


def named(
    rule: Any, first: date, zone: tzinfo, period: Period, length: int, effort: Effort
) -> Iterator[date]:
    """Starts as the rule (RRULE of icalendar) says, on the wall clock of the event, until the period ends; those long before
    it may be left out. `length`: of one turn, seconds. ValueError for what cannot be read or takes too much work.
    """
    own = first.tzinfo if isinstance(first, datetime) and first.tzinfo is not None else zone
    at = first.replace(tzinfo=None) if isinstance(first, datetime) else datetime.combine(first, time())
    parts = [one for one in rule.to_ical().decode().split(";") if one]
    text = ";".join(_until(one, own) for one in parts)
    last = datetime.fromtimestamp(period.end, own).replace(tzinfo=None) + timedelta(days=1)
    since = datetime.fromtimestamp(period.start, own).replace(tzinfo=None) - timedelta(days=2, seconds=length)
    for start in _followed(text, _later(text, at, since), Effort(_OF_ONE, effort)):
        if start > last:
            return
        yield start.replace(tzinfo=own) if isinstance(first, datetime) else start.date()


def _followed(text: str, begin: datetime, effort: Effort) -> Iterator[datetime]:
    """All that the rule names, one by one, each paid for."""
    from dateutil.rrule import rrule, rrulestr

    if len(text) > _LONGEST:
        raise ValueError("too long")
    words = _words(text)
    count = 1
    for name in _LISTS:
        count *= words.get(name, "").count(",") + 1
    effort.spend(count)
    rule = rrulestr(text, dtstart=begin)
    if not isinstance(rule, rrule):
        raise TypeError("not one rule")
    months = _Counted(rule._bymonth or ())  # type: ignore[attr-defined]
    months.effort, months.price = effort, _DAY.get(words.get("FREQ", ""), _FINE)
    rule._bymonth = months  # type: ignore[attr-defined]
    for start in rule:
        effort.spend(_TURN)
        yield start


def _words(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in text.upper().split(";"))}


def _later(text: str, begin: datetime, since: datetime) -> datetime:
    """From where a rule may be followed with the same outcome after `since`: whole steps later, where steps are all alike."""
    words = _words(text)
    step = _STEPS.get(words.get("FREQ", ""))
    if step is None or "COUNT" in words or since <= begin:
        return begin
    step *= max(1, int(words.get("INTERVAL", "1")))
    steps = int((since - begin).total_seconds()) // step
    return begin + timedelta(seconds=steps * step)


def _until(part: str, own: tzinfo) -> str:
    """`UNTIL` on the wall clock of the event: there it is compared with its starts."""
    name, _, value = part.partition("=")
    if name.upper() != "UNTIL":
        return part
    if value.upper().endswith("Z"):
        at = datetime.strptime(value.upper(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(own)
        return f"UNTIL={at:%Y%m%dT%H%M%S}"
    return f"UNTIL={value}T235959" if "T" not in value.upper() else part


def zones(components: Iterable[str], effort: Effort) -> tuple[list[str], set[str]]:
    """The time zones that may be read, as they are written, and the names (TZID) of those that may not."""
    good: list[str] = []
    bad: set[str] = set()
    for raw in components:
        text = re.sub(r"\r?\n[ \t]", "", raw)
        if all(_is_of_zone(rule, effort) for rule in _RULE.findall(text)):
            good.append(raw)
        else:
            bad.update(_TZID.findall(text))
    return good, bad


def _is_of_zone(rule: str, effort: Effort) -> bool:
    """True for a rule as time zones have them: some days of each year."""
    if _words(rule).get("FREQ") != "YEARLY":
        return False
    try:
        bare = ";".join(part for part in rule.split(";") if not part.upper().startswith("UNTIL="))
        for start in _followed(bare, datetime(1970, 1, 1), Effort(_OF_ZONE, effort)):
            if start > _LAST:
                break
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return False
    return True


__all__ = ("MOST_EFFORT", "Effort", "named", "zones")
