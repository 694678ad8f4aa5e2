"""Which run of a person counts as the one that the plan wants. Pure.

„Back up now“ in the morning is a copy of the morning: the night's is made all the same, or the work of the day is on no medium.
"""

from collections.abc import Collection, Iterable

from praxisd.model.backup import DueRun, Start
from praxisd.model.backup_kept import RunKept, RunState

DESK_AHEAD_S = 6 * 3600
"""The desk begins a run when it closes, on some afternoons hours before the plan's time. Seconds."""
SLACK_S = 3600
"""A clock that was put right by so much has not been set back. Seconds."""


AHEAD = "ahead"
"""Fact of a run that was once seen to be of a time to come: it stays one when that time has come."""


def coming(run: RunKept, now: int) -> bool:
    """Did it end at a time that is still to come? Then the clock was set back since, or had been ahead."""
    return run.ended is not None and max(run.asked, run.ended) > now + SLACK_S


def future(run: RunKept, now: int) -> bool:
    """The same, or was it so once? The runs of the days that come again are made all the same."""
    return coming(run, now) or bool(run.facts.get(AHEAD))


def in_force(since: int, now: int) -> int:
    """From when on a plan counts; one of a time to come has been in force for long, for all that is known."""
    return since if since <= now + SLACK_S else 0


def earliest(at: int, start: Start) -> int:
    """From when on a run that somebody begins stands in for the one that is due at `at`."""
    return at - DESK_AHEAD_S if start == "desk" else at


def stands_in(run: RunKept, due: DueRun, now: int) -> bool:
    """Is this run (of any state) the one that is due, or one that a person began in its place?

    One that waits begins now at the earliest.
    """
    if run.kind != "backup" or (run.day, run.job) != (due.run.day, due.run.job) or future(run, now):
        return False
    if run.by == "plan" and not run.facts.get("byHand"):
        return True
    began = max(run.asked, now) if run.began is None and run.ended is None else run.began or run.asked
    return began >= earliest(due.at, due.run.start)


def done(due: DueRun, runs: Iterable[RunKept], now: int, states: Collection[RunState]) -> bool:
    """Is there a run of one of these states that stands in for it?"""
    return any(one.state in states and stands_in(one, due, now) for one in runs)
