"""Jobs of the backups: what is due now, the weekly reading of all media that are there, the monthly proof by a restore.

They are switched on by the first plan (`watching`); a person may switch them off again.
"""

from collections.abc import Callable

from praxisd.kernel.errors import Problem
from praxisd.kernel.job_run import Cancelled, RunContext
from praxisd.kernel.schedule import At, Daily, Monthly, Repeat, Weekly
from praxisd.kernel.service import JobType, Scope
from praxisd.kernel.store import Tx
from praxisd.services.backups import store
from praxisd.services.backups.runs import asking, queueing, recording, running, targets

RUN, VERIFY, PROVE = asking.JOB, "backups.verify", "backups.prove"
NAMES = (RUN, VERIFY, PROVE)


def run(ctx: RunContext) -> None:
    """Do what is due. Counts `runs`, `failed`."""
    done = _work(ctx)
    if done is not None and done.code is not None:
        raise Problem(done.code, 409)


def verify(ctx: RunContext) -> None:
    """Read all that is kept on each medium that is there."""
    found = [medium.medium.id for _, medium in targets.reachable(ctx.house)]
    _ask(ctx, lambda tx: [asking.ask(ctx.house, tx, "verify", medium=one, by="plan").id for one in found])


def prove(ctx: RunContext) -> None:
    """Restore the newest good copy of a medium that is there, and compare it with what was copied."""
    _ask(ctx, lambda tx: [asking.ask(ctx.house, tx, "prove", by="plan").id])


def _ask(ctx: RunContext, ask: Callable[[Tx], list[str]]) -> None:
    """Ask once, also if this run of the job was interrupted and goes on; then work, and end as these runs did."""
    if ctx.cursor is None:
        ctx.checkpoint(ctx.house.store.run(recording.SYSTEM, ask))
    _until(ctx, ctx.cursor)


def _work(ctx: RunContext) -> queueing.Done | None:
    done = queueing.work(ctx.house, stop=lambda: ctx.cancelled)
    try:
        if done is not None:
            ctx.checkpoint(runs=len(done.runs), failed=sum(one.state == "failed" for one in done.runs))
        ctx.stop_if_asked()
    except Cancelled:
        ids = {one.id for one in (done.runs if done is not None else ()) if one.state == "interrupted"}
        ctx.house.store.run(recording.SYSTEM, lambda tx: _not_again(tx, ids, ctx.actor.label))
        raise
    return done


def _not_again(tx: Tx, ids: set[str], by: str) -> None:
    """A person cancelled the job: what it was at is not begun once more by itself."""
    for one in store.RUN.by(tx, "state", "waiting"):
        if one.facts.get("againOf") in ids:
            asking.stop(tx, one.id, by)


def _until(ctx: RunContext, ids: list[str]) -> None:
    """Work; the job ends as these did. Where another works already, it does them too: nobody waits beside it."""
    _work(ctx)
    with ctx.house.store.read(recording.SYSTEM) as tx:
        found = [one for one in (store.RUN.get(tx, id) for id in ids) if one is not None]
    bad = next((one for one in found if one.state == "failed"), None)
    if bad is not None:
        raise Problem(bad.code or running.CRASHED, 409)


JOBS = (
    JobType(RUN, run, Daily(Repeat(5, "00:00", "23:55")), missed="once", per=Scope.INSTALLATION, uncut=True),
    JobType(VERIFY, verify, Weekly(At("09:00"), ("sun",)), missed="once", per=Scope.INSTALLATION, uncut=True),
    JobType(PROVE, prove, Monthly(At("12:00"), 15), missed="once", per=Scope.INSTALLATION, uncut=True),
)
