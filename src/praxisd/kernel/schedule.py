"""When a job is due: pure arithmetic over plans that people set (SPEC 4.1, 4.2). No clock, no database.

Plans speak the practice's wall clock; answers are epoch seconds. The rules of the two clock-change nights, so
that no run is lost or doubled:

- A wall time that exists twice (autumn) means the first one; one that does not exist (spring) is read with
  the offset before the change: 02:30 becomes 03:30. So daily 02:30 runs exactly once in either night.
- In a window, steps below an hour count elapsed time from the opening instant to the closing instant: in
  autumn the repeated hour has its runs too, in spring none is owed for the hour that is not there.
- Steps of an hour or more follow the clock face: each time shown in the window runs once a day.
- A window's opening always runs. A window lies within one day: one across midnight is refused with the reason,
  since its times would belong to a day that people did not choose.
- Expert cron follows Debian's cron as cronsim does it: fixed times run once (one in the gap at its end,
  03:00), times with `*` in minute or hour follow elapsed time.

Sources: the seed's dialogue "Häufigkeit / Häufigkeit pro Tag" (VIT).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, get_args

import msgspec
from cronsim import CronSim, CronSimError

from praxisd.kernel.errors import Problem

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""Days as FHIR writes them (value set days-of-week); a week starts on Monday (ISO 8601)."""
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
UNANCHORED = date(2001, 1, 1)
"""A Monday: where "every N" is counted from when a plan names no anchor."""
LAST_YEAR = 2200

_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_JOB = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="type"):
    """What all parts of a plan share as JSON: a `type`, camelCase names, nothing unknown."""


class At(_Shape, tag="at", frozen=True):
    """Once a day, at wall time `time` (`HH:MM`)."""

    time: str


class Repeat(_Shape, tag="repeat", frozen=True):
    """Every `minutes` (1 to 1440) from wall time `start` to `end` of the same day, both included."""

    minutes: int
    start: str
    end: str


Within = At | Repeat


class Daily(_Shape, tag="daily", frozen=True):
    """Every `every` days (1 to 366), counted from the day `anchor`; never before it."""

    within: Within
    every: int = 1
    anchor: date | None = None


class Weekly(_Shape, tag="weekly", frozen=True):
    """On `days`, in every `every`th week (1 to 52) counted from the week of `anchor`; never before it."""

    within: Within
    days: tuple[Weekday, ...]
    every: int = 1
    anchor: date | None = None


class Monthly(_Shape, tag="monthly", frozen=True):
    """On `day` (1 to 31) of every `every`th month (1 to 60) counted from the month of `anchor`; never before
    it.

    A day that a month does not have is its last day: 31 always means the end of the month.
    """

    within: Within
    day: int
    every: int = 1
    anchor: date | None = None


class Once(_Shape, tag="once", frozen=True):
    """One single time: epoch seconds."""

    at: int


class After(_Shape, tag="after", frozen=True):
    """When a run of `job` has ended. Never due by itself: the end of the other run is what starts it."""

    job: str


class Cron(_Shape, tag="cron", frozen=True):
    """Expert: five cron fields (minute, hour, day of month, month, day of week)."""

    expression: str


Plan = Daily | Weekly | Monthly | Once | After | Cron
_DECODER: msgspec.json.Decoder[Plan] = msgspec.json.Decoder(Plan)


def to_json(plan: Plan) -> str:
    """The plan as it is stored and shown: one JSON object with its `type`."""
    return msgspec.json.encode(plan).decode()


def from_json(data: str | bytes) -> Plan:
    """A checked plan from JSON. Problem `schedule.malformed` (400) if the shape is wrong; else as `check`."""
    try:
        plan = _DECODER.decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        # Of the decoder's words only the path is ours to repeat; the rest may quote what was sent.
        path = re.search(r"`(\$[\w.\[\]]*)`", str(error))
        raise Problem("schedule.malformed", 400, detail=path[1] if path else None) from None
    return check(plan)


def check(plan: Plan) -> Plan:
    """The same plan if it can be kept. Problems, all 400:

    `schedule.bad_step` (with `low`, `high`), `schedule.bad_time`, `schedule.bad_window` (opens when it
    closes), `schedule.window_across_midnight`, `schedule.no_weekday`, `schedule.bad_day`, `schedule.bad_job`,
    `schedule.bad_cron`, `schedule.bad_instant`.
    """
    match plan:
        case Daily():
            _step(plan.every, 366)
        case Weekly():
            _step(plan.every, 52)
            if not plan.days:
                raise Problem("schedule.no_weekday", 400)
        case Monthly():
            _step(plan.every, 60)
            if not 1 <= plan.day <= 31:
                raise Problem("schedule.bad_day", 400)
        case Once():
            if not 0 <= plan.at < datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp():
                raise Problem("schedule.bad_instant", 400)
        case After():
            if len(plan.job) > 64 or not _JOB.fullmatch(plan.job):
                raise Problem("schedule.bad_job", 400)
        case Cron():
            if next(_cron(plan.expression, datetime(2001, 1, 1, tzinfo=UTC)), None) is None:
                raise Problem("schedule.bad_cron", 400)
    if isinstance(plan, Daily | Weekly | Monthly):
        match plan.within:
            case At():
                _minute(plan.within.time)
            case Repeat():
                _step(plan.within.minutes, _DAY_MINUTES)
                start, end = _minute(plan.within.start), _minute(plan.within.end)
                if end == start:
                    raise Problem("schedule.bad_window", 400)
                if end < start:
                    raise Problem("schedule.window_across_midnight", 400)
    return plan


def check_chain(plans: Mapping[str, Plan]) -> None:
    """Plans by job name: every `After` must name a job among them (Problem `schedule.unknown_job`, 400), and
    must not come back to itself (Problem `schedule.chain_loop`, 400).
    """
    for name in plans:
        seen = {name}
        plan = plans[name]
        while isinstance(plan, After):
            if plan.job not in plans:
                raise Problem("schedule.unknown_job", 400, job=plan.job)
            if plan.job in seen:
                raise Problem("schedule.chain_loop", 400, job=plan.job)
            seen.add(plan.job)
            plan = plans[plan.job]


def next_due(plan: Plan, zone: tzinfo, after: int) -> int | None:
    """The first due time strictly after the instant `after` (epoch seconds); None if there is none until
    2200.
    """
    return next(_dues(plan, zone, after), None)


class Coming(msgspec.Struct, frozen=True):
    """Due times of some days, at most so many as asked for; `more` follow within these days, the last one at `until`.
    Epoch seconds.
    """

    times: list[int]
    more: int = 0
    until: int | None = None


def coming(plan: Plan, zone: tzinfo, start: int, days: int = 7, limit: int = 500) -> Coming:
    """Due times after `start` until the same wall time `days` days later (included)."""
    local = datetime.fromtimestamp(start, zone)
    end = _instant(local.date() + timedelta(days=days), local.hour * 60 + local.minute, zone) + local.second
    found, more, until = list[int](), 0, None
    for due in _dues(plan, zone, start):
        if due > end:
            break
        if len(found) < limit:
            found.append(due)
        else:
            more, until = more + 1, due
    return Coming(found, more, until)


def _dues(plan: Plan, zone: tzinfo, after: int) -> Iterator[int]:
    """All due times strictly after `after`, ascending."""
    match plan:
        case Once():
            if plan.at > after:
                yield plan.at
        case Cron():
            yield from _cron_dues(plan.expression, zone, after)
        case Daily() | Weekly() | Monthly():
            # From the day before: where a zone jumps over midnight or a whole day, its times fall on the next one.
            day = datetime.fromtimestamp(after, zone).date() - timedelta(days=1)
            for one in _days(plan, day):
                times = _times(plan.within, one, zone)
                for due in times[bisect_right(times, after) :]:
                    yield due
                    after = due


def _days(plan: Daily | Weekly | Monthly, start: date) -> Iterator[date]:
    """The days the plan chooses, from `start` on, by jumping and not by trying."""
    anchor = plan.anchor or UNANCHORED
    day = max(start, plan.anchor) if plan.anchor else start
    while day.year <= LAST_YEAR:
        match plan:
            case Daily():
                day += timedelta(days=-(day - anchor).days % plan.every)
                yield day
                day += timedelta(days=1)
            case Weekly():
                monday = anchor - timedelta(days=anchor.weekday())
                weeks = (day - monday).days // 7
                if weeks % plan.every:
                    day = monday + timedelta(weeks=weeks + -weeks % plan.every)
                if WEEKDAYS[day.weekday()] in plan.days:
                    yield day
                day += timedelta(days=1)
            case Monthly():
                first = anchor.year * 12 + anchor.month
                month = day.year * 12 + day.month
                month += -(month - first) % plan.every
                chosen = _day_of(month, plan.day)
                if chosen >= day and chosen.year <= LAST_YEAR:
                    yield chosen
                day = _day_of(month + 1, 1)


def _day_of(month: int, day: int) -> date:
    """The `day` of a month counted as year x 12 + month, or its last day if it is shorter."""
    year, index = divmod(month - 1, 12)
    following = date(year + (index == 11), (index + 1) % 12 + 1, 1)
    return date(year, index + 1, min(day, (following - timedelta(days=1)).day))


def _times(within: Within, day: date, zone: tzinfo) -> Sequence[int]:
    """The due times of the window that opens on `day`, ascending, at least one."""
    if isinstance(within, At):
        return (_instant(day, _minute(within.time), zone),)
    start, end = _minute(within.start), _minute(within.end)
    opening = _instant(day, start, zone)
    if within.minutes < 60:
        closing = max(opening, _instant(day, end, zone))
        return range(opening, closing + 1, within.minutes * 60)
    return sorted({_instant(day, minute, zone) for minute in range(start, end + 1, within.minutes)})


def _instant(day: date, minute: int, zone: tzinfo) -> int:
    """Epoch seconds of a wall time, `minute` counted from 00:00 of `day`.

    `fold=0` is the whole clock-change rule: the offset before the change decides (PEP 495).
    """
    return int(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).timestamp())


def _cron_dues(expression: str, zone: tzinfo, after: int) -> Iterator[int]:
    last = after
    for found in _cron(expression, datetime.fromtimestamp(after, zone)):
        due = int(found.timestamp())
        if found.year > LAST_YEAR:
            return
        if due > last:  # times in the spring gap all fall on its end
            yield due
            last = due


def _cron(expression: str, start: datetime) -> CronSim:
    try:
        if len(expression) > 200 or len(expression.split()) != 5 or not expression.isascii():
            raise ValueError
        return CronSim(expression, start)
    except (CronSimError, ValueError, AssertionError, TypeError):
        raise Problem("schedule.bad_cron", 400) from None


def _minute(text: str) -> int:
    """Minutes since 00:00 of `HH:MM`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Problem("schedule.bad_time", 400)
    return int(match[1]) * 60 + int(match[2])


def _step(value: int, high: int) -> None:
    if not 1 <= value <= high:
        raise Problem("schedule.bad_step", 400, low=1, high=high)
