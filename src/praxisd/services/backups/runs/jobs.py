"""Jobs of the backups: what is due now, the weekly reading of all media that are there, the monthly proof by a restore.

They are switched on by the first plan (`watching`); a person may switch them off again.
"""

from praxisd.kernel.errors import Problem
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import At, Daily, Monthly, Repeat, Weekly
from praxisd.kernel.service import JobType, Scope
from praxisd.services.backups import store
from praxisd.services.backups.runs import asking, queueing, recording, running, targets

RUN, VERIFY, PROVE = asking.JOB, "backups.verify", "backups.prove"
NAMES = (RUN, VERIFY, PROVE)
_PAUSE_S = 2.0
_ENDED = ("good", "warning", "failed", "interrupted")


def run(ctx: RunContext) -> None:
    """Do what is due. Counts `runs`, `failed`."""
    done = _work(ctx)
    if done is not None and done.code is not None:
        raise Problem(done.code, 409)


def verify(ctx: RunContext) -> None:
    """Read all that is kept on each medium that is there."""
    with ctx.house.store.read(recording.SYSTEM) as tx:
        found = [medium.medium.id for _, medium in targets.reachable(ctx.house, tx)]
    ids = ctx.house.store.run(
        recording.SYSTEM,
        lambda tx: [asking.ask(ctx.house, tx, "verify", medium=one, by="plan").id for one in found],
    )
    _until(ctx, ids)


def prove(ctx: RunContext) -> None:
    """Restore the newest good copy of a medium that is there, and compare it with what was copied."""
    made = ctx.house.store.run(recording.SYSTEM, lambda tx: asking.ask(ctx.house, tx, "prove", by="plan"))
    _until(ctx, [made.id])


def _work(ctx: RunContext) -> queueing.Done | None:
    done = queueing.work(ctx.house, stop=lambda: ctx.cancelled)
    if done is not None:
        ctx.checkpoint(runs=len(done.runs), failed=sum(one.state == "failed" for one in done.runs))
    ctx.stop_if_asked()
    return done


def _until(ctx: RunContext, ids: list[str]) -> None:
    """Work, or wait for who works, until these have ended; the job ends as they did."""
    while True:
        mark = ctx.house.wake.mark()
        done = _work(ctx)
        with ctx.house.store.read(recording.SYSTEM) as tx:
            found = [one for one in (store.RUN.get(tx, id) for id in ids) if one is not None]
        if done is not None or all(one.state in _ENDED for one in found):
            break
        ctx.house.wake.wait(mark, _PAUSE_S)
    bad = next((one for one in found if one.state == "failed"), None)
    if bad is not None:
        raise Problem(bad.code or running.CRASHED, 409)


JOBS = (
    JobType(RUN, run, Daily(Repeat(5, "00:00", "23:55")), missed="once", per=Scope.INSTALLATION, uncut=True),
    JobType(VERIFY, verify, Weekly(At("09:00"), ("sun",)), missed="once", per=Scope.INSTALLATION, uncut=True),
    JobType(PROVE, prove, Monthly(At("12:00"), 15), missed="once", per=Scope.INSTALLATION, uncut=True),
)
