"""Which states of a medium are kept. Pure; the engine only drops what is named here (SPEC 8.6, seed 003, KBV 04.12.2025).

Newest 20, the last of 7 days, of 4 weeks, and of 120 months, each medium by itself. Days, weeks and months are counted
where there is a state, never back from today: a medium that is written once a week keeps seven of its days, and a clock that
runs ahead empties nothing. "Newer" means written later (`State.no`), whatever the clock said then. States of a clock that
was set back have days, weeks and months of their own: they take the place of no other.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, tzinfo

from praxisd.kernel.errors import Problem
from praxisd.model.backup import Keeping, Reason, Retention, State
from praxisd.services.backups import day_rules

RETENTION_RANGE = "backups.retention_range"
CODES = (RETENTION_RANGE,)
_MOST = {"newest": 1000, "daily": 366, "weekly": 520, "monthly": 600}
Bucket = Callable[[date], object]
_BUCKETS: tuple[tuple[Reason, Bucket], ...] = (
    ("daily", lambda day: day),
    ("weekly", lambda day: day.isocalendar()[:2]),
    ("monthly", lambda day: (day.year, day.month)),
)


def check(retention: Retention) -> Retention:
    """The same if it can be kept: at least the newest one, at most 1000, 366 days, 520 weeks, 600 months; Problem (422)."""
    for name, most in _MOST.items():
        if not (1 if name == "newest" else 0) <= getattr(retention, name) <= most:
            raise Problem(RETENTION_RANGE, 422)
    return retention


def behind(at: int, states: Iterable[State]) -> bool:
    """Does a new state of this time come after one of a later time? To be kept with it (`State.behind`)."""
    return any(one.at > at for one in states)


def keep(states: Iterable[State], retention: Retention, zone: tzinfo, day_begins: str) -> Keeping:
    """What of one medium stays, and why; what may go, oldest first.

    Only good states count. Of each day, week and month the newest stays. Never dropped: what a person holds, the newest
    good one, and anything while there is no good one. One that is not good stays as long as it is among the newest: a part
    may be saved from it.
    """
    newest_first = sorted(states, key=lambda one: (-one.no, one.id))
    good = [one for one in newest_first if one.good]
    reasons: dict[str, list[Reason]] = {one.id: [] for one in newest_first}
    for one in newest_first:
        if one.held:
            reasons[one.id].append("held")
    for one in good[: retention.newest]:
        reasons[one.id].append("newest")
    if good:
        reasons[good[0].id].append("last_good")
    oldest_new = good[retention.newest - 1].no if len(good) >= retention.newest else None
    for one in newest_first:
        if not one.good and (oldest_new is None or one.no > oldest_new):
            reasons[one.id].append("unproven")
    days = {one.id: day_rules.backup_day(one.at, zone, day_begins) for one in good}
    for reason, bucket in _BUCKETS:
        names = [(one.behind, bucket(days[one.id])) for one in good]
        for number in _first_of_each(names, getattr(retention, reason)):
            reasons[good[number].id].append(reason)
    return Keeping(
        {name: tuple(why) for name, why in reasons.items() if why},
        tuple(one.id for one in reversed(newest_first) if not reasons[one.id]),
    )


def _first_of_each(names: Sequence[object], most: int) -> Iterable[int]:
    """Places at which a name comes for the first time, of so many names."""
    seen: set[object] = set()
    for number, name in enumerate(names):
        if len(seen) >= most:
            return
        if name not in seen:
            seen.add(name)
            yield number
