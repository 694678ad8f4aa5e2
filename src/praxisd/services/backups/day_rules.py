"""Backup days: a night job belongs to the day before. Pure.

The day begins at the wall time `day_begins` (BackupAssist: 06:00), in the practice's zone.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.schedule import WEEKDAYS, Weekday

PLAN_TIME, DAY_BEGINS = "backups.plan_time", "backups.day_begins_range"
CODES = (PLAN_TIME, DAY_BEGINS)
EARLIEST, LATEST = time(4), time(12)
"""Between these a day begins. Clocks are changed before: so no run is pushed across the border by it."""


def border(text: str) -> time:
    """When a day begins, `HH:MM` between 04:00 and 12:00; Problems `backups.plan_time`, `backups.day_begins_range` (422)."""
    begins = clock(text)
    if not EARLIEST <= begins <= LATEST:
        raise Problem(DAY_BEGINS, 422)
    return begins


def clock(text: str) -> time:
    """A wall time `HH:MM`; Problem `backups.plan_time`."""
    try:
        if len(text) != 5 or text[2] != ":" or not (text[:2] + text[3:]).isascii():
            raise ValueError
        return time(int(text[:2]), int(text[3:]))
    except ValueError:
        raise Problem(PLAN_TIME, 422) from None


def weekday(day: date) -> Weekday:
    """`mon` to `sun`."""
    return WEEKDAYS[day.weekday()]


def backup_day(at: int, zone: tzinfo, day_begins: str) -> date:
    """The day a run at this instant belongs to: before the border it is the day before."""
    local = datetime.fromtimestamp(at, zone)
    return local.date() - timedelta(days=local.time() < clock(day_begins))


def instant(day: date, at: str, zone: tzinfo, day_begins: str) -> int:
    """When wall time `at` of a backup day is. Twice in autumn: the first; not at all in spring: an hour later."""
    moment = clock(at)
    real = day + timedelta(days=moment < clock(day_begins))
    return int(datetime.combine(real, moment, zone).timestamp())


def told(day: date) -> dict[str, Any]:
    """A day as a param of a text: „Montag, 30.11.2026“ in whichever language it is read (`kernel.issues_words`)."""
    year, month, number = day.isoformat().split("-")
    name = {"text": f"backups.weekday.{weekday(day)}"}
    return {
        "text": "backups.on_day",
        "values": {"weekday": name, "day": number, "month": month, "year": year},
    }
