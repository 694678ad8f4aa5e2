"""Jobs that build on each other: is one planned before, or too soon after, what it needs? Pure arithmetic over plans.

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
Code = Literal["schedule.wrong_order", "schedule.too_close"]


class Warned(msgspec.Struct, frozen=True):
    """`later` should run after `earlier`, and does not (`schedule.wrong_order`), or does so too soon."""

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
    """What is wrong with (earlier, later) pairs of jobs; a pair of which one has no plan here is passed over.

    Compared is the first start of each job on each local day from `start` on. A job that waits for another
    (`After`) has the time of the first one of its chain; within one chain only the order of its links counts.
    """
    firsts: dict[str, dict[date, int]] = {}

    def starts(name: str) -> dict[date, int]:
        if name not in firsts:
            firsts[name] = first_starts(plans[name], zone, start)
        return firsts[name]

    found = []
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


def first_starts(plan: Plan, zone: tzinfo, start: int) -> dict[date, int]:
    """The first due time (epoch seconds) on each local day from that of `start` on, where there is one."""
    found: dict[date, int] = {}
    day = datetime.fromtimestamp(start, zone).date()
    last = day + timedelta(days=DAYS_AHEAD)
    while day < last:
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
        due = next_due(plan, zone, midnight - 1)
        if due is None:
            break
        falls = datetime.fromtimestamp(due, zone).date()
        if falls < last:
            found[falls] = due
        day = max(falls, day) + timedelta(days=1)
    return found
