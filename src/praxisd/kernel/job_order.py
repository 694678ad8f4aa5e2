"""Jobs that build on each other: does each have a start after what it needs, and does it start at all? Pure arithmetic.

A job declares in `JobType.follows` which jobs should have run before it. Fixed times keep working and are only warned
about (SPEC 4.1): the seed asks for this order and for 5 minutes between its jobs (VIT).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from praxisd.kernel.schedule import After, Plan, next_due

MINUTES_BETWEEN = 5
DAYS_AHEAD = 31
"""So many days are looked at: all weekdays, and each day of a month."""
Code = Literal["schedule.wrong_order", "schedule.too_close", "schedule.waits_for_off"]


class Warned(msgspec.Struct, frozen=True):
    """`later` should run after `earlier`, and does not (`schedule.wrong_order`), or does so too soon; or it waits for
    `earlier`, which is off (`schedule.waits_for_off`).
    """

    code: Code
    earlier: str
    later: str

    @property
    def params(self) -> dict[str, object]:
        """What the sentences of the code are filled with."""
        return {"earlier": self.earlier, "later": self.later, "minutes": MINUTES_BETWEEN}


def warnings(
    pairs: Iterable[tuple[str, str]], plans: Mapping[str, Plan], zone: tzinfo, start: int
) -> list[Warned]:
    """What is wrong with jobs that are on: those of the (earlier, later) pairs, and those that would never start.

    `plans` are those of the jobs that are on; a pair of which one is not there is passed over. On each local day from
    `start` on, each start of the earlier job needs one of the later job 5 minutes after it, or later. Where the last
    start has one, all have: so the last ones of the day are compared. A job that waits for another (`After`) has the
    times of the first one of its chain; within one chain only the order of its links counts.
    """
    lasts: dict[str, dict[date, int]] = {}

    def starts(name: str) -> dict[date, int]:
        if name not in lasts:
            lasts[name] = last_starts(plans[name], zone, start)
        return lasts[name]

    found = []
    for name in plans:
        off = stopped_by(name, plans)
        if off is not None:
            found.append(Warned("schedule.waits_for_off", off, name))
    for earlier, later in pairs:
        if earlier not in plans or later not in plans:
            continue
        before, after = _chain(earlier, plans), _chain(later, plans)
        if earlier in after:
            continue  # it starts when the other has ended, however long that takes
        if later in before:
            found.append(Warned("schedule.wrong_order", earlier, later))
        elif before[-1] == after[-1]:
            # Both hang on one job, beside each other: they start in the same moment.
            found.append(Warned("schedule.wrong_order", earlier, later))
        elif (code := _compared(starts(before[-1]), starts(after[-1]))) is not None:
            found.append(Warned(code, earlier, later))
    return found


def stopped_by(name: str, plans: Mapping[str, Plan]) -> str | None:
    """The job that is off and without which `name` never starts by itself: it, or one that it waits for. `plans` are those
    of the jobs that are on.
    """
    if name not in plans:
        return name
    last = plans[_chain(name, plans)[-1]]
    return last.job if isinstance(last, After) and last.job not in plans else None


def _chain(name: str, plans: Mapping[str, Plan]) -> Sequence[str]:
    """The job, the one it waits for, and so on to the first one; stops where a chain is broken or a loop."""
    found = [name]
    while isinstance(plan := plans.get(found[-1]), After) and plan.job in plans and plan.job not in found:
        found.append(plan.job)
    return found


def _compared(earlier: Mapping[date, int], later: Mapping[date, int]) -> Code | None:
    gaps = [later[day] - earlier[day] for day in earlier if day in later]
    if any(gap <= 0 for gap in gaps):
        return "schedule.wrong_order"
    return "schedule.too_close" if any(gap < MINUTES_BETWEEN * 60 for gap in gaps) else None


def last_starts(plan: Plan, zone: tzinfo, start: int) -> dict[date, int]:
    """The last due time (epoch seconds) on each local day from that of `start` on, where there is one."""
    found: dict[date, int] = {}
    day = datetime.fromtimestamp(start, zone).date()
    last = day + timedelta(days=DAYS_AHEAD)
    while day < last:
        due = next_due(plan, zone, _midnight(day, zone) - 1)
        if due is None:
            break
        falls = datetime.fromtimestamp(due, zone).date()
        if falls < last:
            found[falls] = _last_before(plan, zone, due, _midnight(falls + timedelta(days=1), zone))
        day = max(falls, day) + timedelta(days=1)
    return found


def _last_before(plan: Plan, zone: tzinfo, due: int, end: int) -> int:
    """The last due time before `end`, of which `due` is one: by halving, since an expert plan may have one each minute."""
    following = next_due(plan, zone, due)
    while following is not None and following < end:
        due = following
        middle = (due + end) // 2
        halved = next_due(plan, zone, middle)
        if halved is not None and halved < end:
            due = halved
        else:
            end = middle + 1  # none after the middle
        following = next_due(plan, zone, due)
    return due


def _midnight(day: date, zone: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
