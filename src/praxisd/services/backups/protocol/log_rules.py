"""The daily look at the log: what a backup day amounts to, and from when on somebody should have looked. Pure.

Seed 003, „Einweisung in die Datensicherung“: „Das Sicherungsprotokoll muss täglich geprüft werden“. A backup day ends the
next morning (the night job belongs to it), so its log is looked at on the next day on which somebody works.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from praxisd.kernel.schedule import Weekday
from praxisd.model.backup import DueRun, Job
from praxisd.model.backup_kept import LogCheck, RunKept
from praxisd.services.backups import done_rules
from praxisd.services.backups.day_rules import weekday

DayState = Literal["green", "not_green", "no_run", "open", "nothing"]
"""All was made and found good; something is named; nothing was made; not over yet; nothing was planned and nothing ran."""
LineState = Literal["waiting", "running", "good", "warning", "failed", "interrupted", "missed", "coming"]
Said = Literal["green", "not_green", "no_run"]
LOOK_FROM = time(10)
"""From this wall time on the look at the day before is late."""
LOOK_BACK_DAYS = 31
"""Who has not looked for longer is not asked about older days any more."""
_AHEAD = 62
_COUNT = ("backup", "verify", "prove")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a day's log: a planned run with what became of it, or what ran besides. `last`: of several tries the last;
    only that one counts. `due`: when a planned one was to begin (epoch seconds).
    """

    state: LineState
    run: RunKept | None = None
    job: Job | None = None
    slot: str = ""
    due: int | None = None
    last: bool = True


def lines(planned: Sequence[DueRun], runs: Sequence[RunKept], over: bool) -> tuple[Line, ...]:
    """The log of one backup day: its runs by the time they were asked for, then what was planned and did not run.

    `over`: the day has ended. Until then what has not run may still come: the desk begins the evening's when it closes.
    What a person began long before its time is a line of its own, and does not stand for the planned one.
    """
    ordered = sorted(runs, key=lambda one: (one.asked, one.id))
    newest = {_same(one): one.id for one in ordered}
    due = {run.id: one for one in planned for run in ordered if done_rules.stands_in(run, one, run.asked)}
    found = [
        Line(one.state, one, one.job, one.slot, due[one.id].at if one.id in due else None, newest[_same(one)] == one.id)
        for one in ordered
    ]  # fmt: skip
    ran = {one.run.job for one in due.values()}
    for one in planned:
        if one.run.job not in ran:
            found.append(Line("missed" if over else "coming", None, one.run.job, one.run.slot, one.at))
    return tuple(found)


def _same(run: RunKept) -> tuple[str, ...]:
    """What a later try of the same stands in for: a backup of the same job, or onto the same medium or place."""
    return (run.kind, run.job or "", "" if run.job else run.slot or run.medium)


def state(found: Sequence[Line]) -> DayState:
    """What the day amounts to. Restores are told in the log, and do not count."""
    counted = [
        one for one in found if one.last and (one.run is None or one.run.kind in _COUNT)
    ]  # fmt: skip
    backups = [one for one in counted if one.run is None or one.run.kind == "backup"]
    if not counted:
        return "nothing"
    if any(one.state in ("waiting", "running", "coming") for one in counted):
        return "open"
    if backups and all(one.state in ("missed", "interrupted") for one in backups):
        return "no_run"
    return "green" if all(one.state == "good" for one in counted) else "not_green"


def said(day_state: DayState) -> Said:
    """What is kept with a look: a day that is over and still open is not green."""
    return day_state if day_state in ("green", "no_run") else "not_green"


def working(day: date, days: Sequence[Weekday], closed: Set[date]) -> bool:
    """Is anybody there on this day?"""
    return weekday(day) in days and day not in closed


def late_from(day: date, days: Sequence[Weekday], closed: Set[date], zone: tzinfo) -> int | None:
    """From which instant on the log of a backup day should have been looked at: 10:00 of the next working day.

    None if none comes within two months.
    """
    for ahead in range(1, _AHEAD):
        after = day + timedelta(days=ahead)
        if working(after, days, closed):
            return int(datetime.combine(after, LOOK_FROM, zone).timestamp())
    return None


def unlooked(
    states: Mapping[date, DayState],
    checks: Mapping[date, LogCheck],
    now: int,
    days: Sequence[Weekday],
    closed: Set[date],
    zone: tzinfo,
) -> tuple[date, ...]:
    """The days whose log somebody should have looked at by now, oldest first; none on days on which nobody works."""
    if not working(datetime.fromtimestamp(now, zone).date(), days, closed):
        return ()
    found = []
    for day in sorted(states):
        at = late_from(day, days, closed, zone)
        if states[day] != "nothing" and day not in checks and at is not None and at <= now:
            found.append(day)
    return tuple(found)
