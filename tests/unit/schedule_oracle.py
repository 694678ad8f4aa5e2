"""A slow, plain second opinion on `kernel.schedule`: day by day and minute by minute, it never jumps."""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from praxisd.kernel.schedule import At, Daily, Monthly, Plan, Repeat, Weekly

NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@lru_cache(maxsize=64)
def wall_minutes(day: date, zone: ZoneInfo) -> dict[tuple[date, str], int]:
    """First instant of every wall time really shown on `day` and the day after, minute by minute in UTC."""
    shown: dict[tuple[date, str], int] = {}
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    first = int((noon - timedelta(hours=30)).timestamp())
    for instant in range(first, int((noon + timedelta(hours=54)).timestamp()), 60):
        local = datetime.fromtimestamp(instant, zone)
        shown.setdefault((local.date(), f"{local.hour:02}:{local.minute:02}"), instant)
    return shown


def instant_of(shown: dict[tuple[date, str], int], day: date, text: str, zone: ZoneInfo) -> int:
    """The first time the clock shows it; if never, when a clock would that nobody has put forward."""
    if (day, text) in shown:
        return shown[day, text]
    before = day - timedelta(days=1)
    noon = datetime(before.year, before.month, before.day, 12, tzinfo=UTC)
    offset = datetime.fromtimestamp(noon.timestamp(), zone).utcoffset()
    assert offset is not None
    hour, minute = text.split(":")
    return int(
        (datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=UTC) - offset).timestamp()
    )


def chosen(plan: Daily | Weekly | Monthly, day: date) -> bool:
    """Whether the plan means this day, by counting up from the anchor."""
    anchor = plan.anchor or date(2001, 1, 1)
    if plan.anchor and day < anchor:
        return False
    if isinstance(plan, Daily):
        return (day - anchor).days % plan.every == 0
    if isinstance(plan, Weekly):
        first = anchor
        while first.weekday() != 0:
            first -= timedelta(days=1)
        return NAMES[day.weekday()] in plan.days and (day - first).days // 7 % plan.every == 0
    year, month, count = anchor.year, anchor.month, 0
    while (year, month) != (day.year, day.month):
        year, month, count = (year + 1, 1, count + 1) if month == 12 else (year, month + 1, count + 1)
    return count % plan.every == 0 and day.day == min(plan.day, calendar.monthrange(year, month)[1])


def on_day(within: At | Repeat, day: date, zone: ZoneInfo) -> set[int]:
    """All runs of the window that opens on `day`."""
    shown = wall_minutes(day, zone)
    if isinstance(within, At):
        return {instant_of(shown, day, within.time, zone)}
    runs: set[int] = set()
    if within.minutes < 60:
        instant = instant_of(shown, day, within.start, zone)
        runs.add(instant)
        closing = instant_of(shown, day, within.end, zone)
        while instant <= closing:
            runs.add(instant)
            instant += within.minutes * 60
        return runs
    hour, minute = (int(part) for part in within.start.split(":"))
    face = datetime(day.year, day.month, day.day, hour, minute)
    while face.strftime("%F %R") <= f"{day} {within.end}":
        runs.add(instant_of(shown, face.date(), face.strftime("%H:%M"), zone))
        face += timedelta(minutes=within.minutes)
    return runs


def dues(plan: Plan, zone: ZoneInfo, start: int, end: int) -> list[int]:
    """Every due time with start < due <= end."""
    assert isinstance(plan, Daily | Weekly | Monthly)
    day = datetime.fromtimestamp(start, zone).date() - timedelta(days=2)
    last = datetime.fromtimestamp(end, zone).date() + timedelta(days=1)
    found: set[int] = set()
    while day <= last:
        if chosen(plan, day):
            found |= on_day(plan.within, day, zone)
        day += timedelta(days=1)
    return sorted(one for one in found if start < one <= end)
