"""Is the practice protected? Pure. Green only if all of it is true (SPEC 8, issue 9):

a plan is in force; the newest copy of each of its jobs is good, and so is the newest of all; the state that the last good one
wrote is still there and not doubted; no medium is known to be damaged; each run that the plan wanted was made, the one that
leaves the practice too, and it has left; the last restore proof is good and not older than it may be.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from praxisd.model.backup import DueRun, Job
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import done_rules

Shield = Literal["green", "yellow", "red", "none"]
PROOF_OLD_S = 45 * 86_400
"""A proof is due every month; one that is older has been missed. Seconds."""
MISSED_DAYS = 2
"""So many days in a row without a copy, or without one that leaves the practice, are no slip any more."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The colour, since when (the end of the last good backup), and why: the last part of a text's key, and the labels of the
    media it speaks of.
    """

    state: Shield
    since: int | None
    why: str
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """What the plan wanted on days that are over, and what was not made since: runs in all; days without any copy; days without
    one of those that leave the practice.
    """

    runs: int = 0
    days: int = 0
    away: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `last`: the newest backup that ended, `onto`: what its medium is called; `each`: the newest of each job of
    the plan; `good`: the last good one.

    `there`: is the state that `good` wrote still kept, good, on a medium that is in use; `held`: does any medium hold a good
    one; `damaged`: labels of media in use on which damage was found; `unread`: of those that could not be read when that was
    last tried. `inside`: a copy that should have left the practice has not; `clock`: there are runs of a time to come, and no
    good copy that is known to be newer. `proof`: the last proof that ended; `proven`: when one last was good.
    """

    planned: bool
    external: bool = False
    last: RunKept | None = None
    onto: tuple[str, ...] = ()
    each: Sequence[RunKept] = ()
    good: RunKept | None = None
    there: bool = True
    held: bool = True
    damaged: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    missed: Missed = Missed()
    inside: bool = False
    clock: bool = False
    proof: RunKept | None = None
    proven: int | None = None


def judge(facts: Facts, now: int) -> Judgement:
    """The gravest of what is not as it should be; green if all is."""
    since = None if facts.good is None or done_rules.future(facts.good, now) else facts.good.ended
    if facts.good is None:
        return Judgement("red", since, "never") if facts.planned else Judgement("none", since, "no_plan")
    why = _red(facts)
    if why:
        return Judgement("red", since, why)
    if facts.damaged:
        return Judgement("yellow", since, "damaged", facts.damaged)
    if facts.unread:
        return Judgement("yellow", since, "unread", facts.unread)
    if facts.last is not None and facts.last.state == "failed":
        return Judgement("yellow", since, "failed_besides", facts.onto)
    why = _yellow(facts, now)
    if why:
        return Judgement("yellow", since, why)
    return Judgement("green", since, "external" if facts.external else "good")


def _red(facts: Facts) -> str:
    """Nobody should rely on what is there."""
    if not facts.external and not facts.held:
        return "nothing_good"
    if not facts.external and not facts.there:
        return "last_gone"
    if facts.missed.days >= MISSED_DAYS:
        return "missed"
    if facts.last is not None and facts.last.state == "failed" and not _besides(facts):
        return "failed"
    if facts.missed.away >= MISSED_DAYS:
        return "missed_away"
    if not facts.external and facts.proof is not None and facts.proof.state == "failed":
        return "proof_failed"
    return ""


def _besides(facts: Facts) -> bool:
    """Was the newest backup one besides the plan, each of whose jobs is good?"""
    return bool(facts.each) and all(one.state == "good" for one in facts.each)


def _yellow(facts: Facts, now: int) -> str:
    """There is a good copy, but not all is as the plan wants it."""
    if not facts.planned:
        return "no_plan"
    if facts.clock:
        return "clock"
    if facts.last is not None and facts.last.state != "good":
        return facts.last.state
    if facts.missed.days:
        return "missed_one"
    if facts.missed.runs:
        return "missed_run"
    if any(one.state != "good" for one in facts.each):
        return "job_not_good"
    if facts.inside:
        return "inside"
    if facts.external:
        return ""
    if facts.proven is None:
        return "proof_none"
    if facts.proof is not None and facts.proof.state == "warning":
        return "proof_partly"
    return "proof_old" if now - facts.proven > PROOF_OLD_S else ""


def missed(
    due: Iterable[DueRun], copies: Iterable[tuple[Job, int]], away: Collection[Job], today: date, now: int
) -> Missed:
    """What was wanted on days before today and not made since. `copies`: job of each copy that stands, and when it began.

    Whoever catches up later has caught up: a copy holds what all earlier ones would have. One of a time to come was written
    under a clock that was wrong, and says nothing.
    """
    over = [one for one in due if one.run.day < today]
    newest: dict[Job, int] = {}
    for job, began in copies:
        if began <= now:
            newest[job] = max(began, newest.get(job, began))
    lacking = [one for one in over if not _made(one, newest.get(one.run.job))]
    newest_away = max((at for job, at in newest.items() if job in away), default=None)
    newest_any = max(newest.values(), default=None)
    return Missed(
        len(lacking),
        len({one.run.day for one in over if not _made(one, newest_any)}),
        len({one.run.day for one in over if one.run.job in away and not _made(one, newest_away)}),
    )


def _made(due: DueRun, newest: int | None) -> bool:
    return newest is not None and newest >= done_rules.earliest(due.at, due.run.start)
