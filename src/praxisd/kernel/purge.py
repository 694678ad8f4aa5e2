"""The nightly job that deletes what has been kept long enough: events, runs, kept answers. In chunks, each
one commit.

Activities and runs are kept by age *and* number (SPEC 4.4, 4.7): the newest stay, however old they are.
"""

from praxisd.kernel import events, idempotency, job_plan, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.service import Retention, Scope

DAY_S = 24 * 3600
DAYS = {
    Retention.ACTIVITY: "kernel.events_activity_days",
    Retention.CHANGE: "kernel.events_change_days",
    Retention.AUDIT: "kernel.events_audit_days",
}


def purge(run: RunContext) -> None:
    """One round over everything; counts `events`, `runs` and `answers`. Interrupted, it simply begins
    again.
    """
    house = run.house
    with run.read() as tx:
        ages = {kind: house.settings.get(tx, key) * DAY_S for kind, key in DAYS.items()}
        keep_s = house.settings.get(tx, "kernel.runs_keep_days") * DAY_S
        keep = house.settings.get(tx, "kernel.runs_keep_count")
        newest = house.settings.get(tx, "kernel.events_activity_count")
        practices = job_plan.organizations(house, tx)
    handlers = [h.name for h in house.registry.handlers]
    steps, step = len(ages) + len(house.registry.jobs) + 1, 0
    for kind, age in ages.items():
        run.progress(step, steps)
        step += 1
        with run.read() as tx:
            before = tx.now - age
            kept = newest if kind is Retention.ACTIVITY else 0
            owners = events.purgeable(tx, kind, before, kept)
        for owner in owners.items():
            gone = 1
            while gone:
                with run.write() as tx:
                    gone = events.purge(tx, kind, before, handlers, upto=owner)
                    run.checkpoint(tx=tx, events=gone)
    for name, declared in house.registry.jobs.items():
        run.progress(step, steps)
        step += 1
        for one in [INSTALLATION] if declared.per is Scope.INSTALLATION else practices:
            gone = 1
            while gone:
                run.stop_if_asked()
                with house.store.write(system("purge", one)) as tx:
                    gone = jobs.purge_runs(tx, name, tx.now - keep_s, keep)
                    run.checkpoint(tx=tx, runs=gone)
    gone = 1
    while gone:
        with run.write() as tx:
            gone = idempotency.purge(tx)
            run.checkpoint(tx=tx, answers=gone)
    run.progress(steps, steps)
