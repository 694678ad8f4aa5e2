"""Which run of a person counts as the one that the plan wants. Pure.

„Back up now“ in the morning is a copy of the morning: the night's is made all the same, or the work of the day is on no medium.
"""

from collections.abc import Collection, Iterable

from praxisd.model.backup import DueRun, Start
from praxisd.model.backup_kept import RunKept, RunState

DESK_AHEAD_S = 6 * 3600
"""The desk begins a run when it closes, on some afternoons hours before the plan's time. Seconds."""


def earliest(at: int, start: Start) -> int:
    """From when on a run that somebody begins stands in for the one that is due at `at`."""
    return at - DESK_AHEAD_S if start == "desk" else at


def stands_in(run: RunKept, due: DueRun, now: int) -> bool:
    """Is this run (of any state) the one that is due, or one that a person began in its place?

    One that waits begins now at the earliest.
    """
    if run.kind != "backup" or (run.day, run.job) != (due.run.day, due.run.job):
        return False
    if run.by == "plan" and not run.facts.get("byHand"):
        return True
    began = max(run.asked, now) if run.began is None and run.ended is None else run.began or run.asked
    return began >= earliest(due.at, due.run.start)


def done(due: DueRun, runs: Iterable[RunKept], now: int, states: Collection[RunState]) -> bool:
    """Is there a run of one of these states that stands in for it?"""
    return any(one.state in states and stands_in(one, due, now) for one in runs)
