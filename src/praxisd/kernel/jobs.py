"""Jobs for people and for the server: see and change them, run now, cancel, the run log.

Functions that write take the open `tx`. A job that serves the whole installation has its row and runs there,
whoever looks at it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel import events, job_order, schedule, sharing
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.job_claim import close
from praxisd.kernel.job_plan import MISSED, home, owe, start_now, zone_name, zone_of
from praxisd.kernel.job_run import Cancelled, Interrupted, LeaseLost, RunContext
from praxisd.kernel.job_worker import Worker
from praxisd.kernel.service import JobType
from praxisd.kernel.store import Tx, mine

if TYPE_CHECKING:
    from praxisd.kernel.app import House

__all__ = (
    "Cancelled",
    "Interrupted",
    "Job",
    "LeaseLost",
    "Run",
    "RunContext",
    "Worker",
    "all_runs",
    "cancel",
    "change",
    "check_plan",
    "check_policy",
    "get_job",
    "get_run",
    "list_jobs",
    "preview",
    "purge_runs",
    "run_now",
    "runs",
    "stopped_by",
    "under_way",
    "warnings",
)

STATES = ("waiting", "running", "interrupted", "success", "failed", "missed", "cancelled")
OLDEST_AGE_S = 366 * 24 * 3600


class Job(msgspec.Struct, frozen=True):
    """A job as people set it. `next_at` is epoch seconds, None when it is off or waits for another job."""

    name: str
    plan: schedule.Plan
    enabled: bool
    missed: str
    max_age_s: int
    next_at: int | None
    zone: str
    version: int
    organization: str


class Run(msgspec.Struct, frozen=True):
    """One execution. `state` is one of STATES; times are epoch seconds; `code` names the reason of an
    outcome.
    """

    id: str
    job: str
    state: str
    due_at: int
    started_at: int | None
    ended_at: int | None
    attempt: int
    counts: dict[str, int]
    code: str | None
    triggered_by: str
    organization: str
    progress: tuple[int, int] | None = None


def list_jobs(house: "House", tx: Tx) -> list[Job]:
    """All declared jobs of this organization and of the installation, by name."""
    found = [_shown(house, tx, name) for name in sorted(house.registry.jobs)]
    return [one for one in found if one is not None]


def get_job(house: "House", tx: Tx, name: str) -> Job:
    """The job, or Problem `http.not_found` (404)."""
    found = _shown(house, tx, name) if name in house.registry.jobs else None
    if found is None:
        raise not_found("Job")
    return found


def change(
    house: "House",
    tx: Tx,
    name: str,
    *,
    plan: schedule.Plan | None = None,
    enabled: bool | None = None,
    missed: str | None = None,
    max_age_s: int | None = None,
    expected: int | None = None,
) -> Job:
    """Set when a job runs, whether, and what becomes of missed runs; what is None stays as it is.

    Problems: `http.not_found`, `jobs.shared` (403), `resource.stale` (412), `schedule.*` (400), `jobs.bad_policy` (422).
    """
    declared = _declared(house, name)
    _own(house, tx, declared)
    own, tx.organization = tx.organization, home(declared, tx.organization)
    try:
        owe(tx, name)
    finally:
        tx.organization = own
    before = get_job(house, tx, name)
    if expected is not None and expected != before.version:
        raise Problem("resource.stale", 412, kind="Job")
    new_plan = before.plan if plan is None else plan
    if plan is not None:
        check_plan(house, tx, name, plan)
    on = before.enabled if enabled is None else enabled
    policy = before.missed if missed is None else missed
    age = before.max_age_s if max_age_s is None else max_age_s
    check_policy(policy, age)
    same_times = new_plan == before.plan and on == before.enabled
    due = before.next_at if same_times else (_next(new_plan, before.zone, tx.now) if on else None)
    saved = tx.run(
        rows.CHANGE_JOB,
        name=name,
        organization=before.organization,
        expected=before.version,
        new_plan=schedule.to_json(new_plan),
        new_enabled=int(on),
        new_missed=policy,
        new_max_age_s=age,
        new_next=due,
        now=tx.now,
    )
    if saved != 1:
        raise Problem("resource.stale", 412, kind="Job")
    after = get_job(house, tx, name)
    names = [n for n in ("plan", "enabled", "missed", "max_age_s") if getattr(after, n) != getattr(before, n)]
    events.note(tx, "job.changed", "Job", name, version=after.version, fields=names, enabled=after.enabled)
    return after


def preview(house: "House", tx: Tx, plan: schedule.Plan, days: int = 7) -> schedule.Coming:
    """The next due times of a plan in the practice's time zone, before it is saved (SPEC 4.2).

    Of a plan that waits for another job, those of the first one of the chain, which it begins some time after; none where
    one of them is off.
    """
    schedule.check(plan)
    if isinstance(plan, schedule.After):
        on = {one.name: one.plan for one in list_jobs(house, tx) if one.enabled}
        seen = set[str]()
        while isinstance(plan, schedule.After) and plan.job in on and plan.job not in seen:
            seen.add(plan.job)
            plan = on[plan.job]
    return schedule.coming(plan, zone_of(zone_name(house, tx)), tx.now, days)


def warnings(house: "House", tx: Tx, changed: Job | None = None) -> list[job_order.Warned]:
    """Where jobs are planned before, or too soon after, what they build on, or wait for one that is off: of those that are
    on.

    With `changed`, as if this job were on with the plan it has there.
    """
    plans = {one.name: one.plan for one in list_jobs(house, tx) if one.enabled}
    if changed is not None:
        plans[changed.name] = changed.plan
    pairs = [(before, name) for name, one in house.registry.jobs.items() for before in one.follows]
    return job_order.warnings(pairs, plans, zone_of(zone_name(house, tx)), tx.now)


def stopped_by(house: "House", tx: Tx, name: str) -> str | None:
    """The job that is off, so that `name` never starts by itself: it, or one that it waits for. None where it starts."""
    return job_order.stopped_by(name, {one.name: one.plan for one in list_jobs(house, tx) if one.enabled})


def check_plan(house: "House", tx: Tx, name: str, plan: schedule.Plan) -> None:
    """Problem `schedule.*` (400) if the job cannot be kept with this plan beside the other ones.

    A job of the practice cannot wait for one of the installation, nor the other way round: a run starts what waits for it
    in its own organization (`schedule.other_scope`).
    """
    schedule.check(plan)
    others = {one.name: one.plan for one in list_jobs(house, tx)}
    schedule.check_chain({**others, name: plan})
    known = house.registry.jobs
    if isinstance(plan, schedule.After) and known[plan.job].per is not known[name].per:
        raise Problem("schedule.other_scope", 400, job=plan.job)


def check_policy(missed: str, max_age_s: int) -> None:
    """Problem `jobs.bad_policy` (422) for what missed runs cannot become."""
    if missed not in MISSED or not 0 <= max_age_s <= OLDEST_AGE_S:
        raise Problem("jobs.bad_policy", 422)


def _own(house: "House", tx: Tx, declared: JobType) -> None:
    """Problem `jobs.shared` (403) for one of several practices that would change a job of them all (SPEC 13.1)."""
    shared = home(declared, "") == INSTALLATION and tx.organization != INSTALLATION
    if shared and sharing.withheld(house, tx):
        raise Problem("jobs.shared", 403, job=declared.name)


def run_now(house: "House", tx: Tx, name: str) -> Run:
    """Start a job by hand, also one that is off. Problems: `jobs.already_running` (409) while one is open, `jobs.shared`."""
    declared = _declared(house, name)
    _own(house, tx, declared)
    own, tx.organization = tx.organization, home(declared, tx.organization)
    try:
        owe(tx, name)  # what is due in this second and not yet planned is a run of its own
        if tx.all(rows.OPEN_RUNS, job=name):
            raise Problem("jobs.already_running", 409, retry=True, job=name)
        id_ = start_now(tx, name, tx.actor.label)
        row = tx.first(rows.GET_RUN, id=id_)
    finally:
        tx.organization = own
    events.note(tx, "run.requested", "Run", id_, job=name)
    return _run(row)


def cancel(house: "House", tx: Tx, name: str, id_: str) -> Run:
    """Cancel a run: one that waits at once, one at work at its next checkpoint.

    Problems: `http.not_found`, `jobs.already_ended` (409), `jobs.shared` (403).
    """
    declared = _declared(house, name)
    _own(house, tx, declared)
    own, tx.organization = tx.organization, home(declared, tx.organization)
    try:
        row = tx.first(rows.GET_RUN, id=id_)
        if row is None or row.job != name:
            raise not_found("Run")
        if row.state not in ("waiting", "interrupted", "running"):
            raise Problem("jobs.already_ended", 409)
        tx.run(rows.ASK_CANCEL, id=id_)
        if row.state != "running":
            close(tx, row, "cancelled", None)
        found = _run(tx.first(rows.GET_RUN, id=id_))
    finally:
        tx.organization = own
    events.note(tx, "run.cancel_requested", "Run", id_, job=name)
    return found


def get_run(house: "House", tx: Tx, name: str, id_: str) -> Run:
    """One run of a job; Problem `http.not_found` (404)."""
    row = tx.first(rows.GET_RUN, id=id_, organization=home(_declared(house, name), tx.organization))
    if row is None or row.job != name:
        raise not_found("Run")
    return _run(row)


def runs(
    house: "House",
    tx: Tx,
    name: str,
    *,
    since: int | None = None,
    until: int | None = None,
    states: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Run]:
    """The run log of a job, latest due time first. `since`/`until`/`before` bound the due time (epoch
    seconds).
    """
    declared = _declared(house, name)
    run = rows.RUN.c
    query = sa.select(rows.RUN).where(mine(rows.RUN), run.job == name)
    if since is not None:
        query = query.where(run.due_at >= since)
    if until is not None:
        query = query.where(run.due_at < until)
    if before is not None:
        query = query.where(run.due_at < before)
    if states:
        query = query.where(run.state.in_(states))
    query = query.order_by(run.due_at.desc()).limit(limit)
    return [_run(r) for r in tx.all(query, organization=home(declared, tx.organization))]


def all_runs(
    house: "House",
    tx: Tx,
    *,
    names: Sequence[str] = (),
    states: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    order: str = "-due_at",
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Run], int]:
    """Runs of all jobs of this organization and of the installation, and how many there are. `order` is a column of the
    table, with a minus for descending.
    """
    run = rows.RUN.c
    shared = [name for name, one in house.registry.jobs.items() if home(one, "") == INSTALLATION]
    here = sa.or_(
        mine(rows.RUN),
        sa.and_(run.organization == sa.bindparam("installation"), run.job.in_(shared)),
    )
    query = sa.select(rows.RUN).where(here, run.job.in_(list(names or house.registry.jobs)))
    if states:
        query = query.where(run.state.in_(list(states)))
    if since is not None:
        query = query.where(run.due_at >= since)
    if until is not None:
        query = query.where(run.due_at < until)
    column = run[order.removeprefix("-")]
    by = column.desc() if order.startswith("-") else column.asc()
    page = query.order_by(by.nulls_last(), run.due_at.desc(), run.id).limit(limit).offset(offset)
    whole = sa.select(sa.func.count()).select_from(query.subquery())
    found, total = (one.execution_options(across=True) for one in (page, whole))
    return [_run(r) for r in tx.all(found, installation=INSTALLATION)], int(
        tx.value(total, installation=INSTALLATION)
    )


def under_way(tx: Tx) -> list[Run]:
    """Runs at work, of all organizations, that tell how far they are."""
    return [_run(r) for r in tx.all(rows.UNDER_WAY)]


def purge_runs(tx: Tx, job: str, before: int, keep: int, limit: int = 200) -> int:
    """Delete runs of a job that ended before `before` (epoch seconds), always keeping the `keep` newest.
    How many.
    """
    upto = tx.value(rows.NTH_NEWEST, job=job, keep=keep)
    if upto is None:
        return 0
    old = tx.all(rows.OLD_RUNS, job=job, upto=upto, before=before, at_most=limit)
    for row in old:
        tx.run(rows.DROP_RUN, id=row.id)
    return len(old)


def failing(tx: Tx, name: str, times: int = 3) -> str | None:
    """The code of the last failure if the last `times` runs of a job all failed, else None."""
    ends = tx.all(rows.LAST_ENDS, job=name, at_most=times)
    return (
        (ends[0].code or "jobs.crashed")
        if len(ends) == times and all(e.state == "failed" for e in ends)
        else None
    )


def _declared(house: "House", name: str) -> JobType:
    found = house.registry.jobs.get(name)
    if found is None:
        raise not_found("Job")
    return found


def _shown(house: "House", tx: Tx, name: str) -> Job | None:
    row = tx.first(rows.GET_JOB, name=name, organization=home(house.registry.jobs[name], tx.organization))
    if row is None:
        return None
    plan = schedule.from_json(row.plan)
    on = bool(row.enabled)
    return Job(
        name, plan, on, row.missed, row.max_age_s, row.next_at, row.zone, row.version, row.organization
    )


def _next(plan: schedule.Plan, zone: str, now: int) -> int | None:
    return schedule.next_due(plan, zone_of(zone), now)


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        job=row.job,
        state=row.state,
        due_at=row.due_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        attempt=row.attempt,
        counts=msgspec.json.decode(row.counts, type=dict[str, int]),
        code=row.code,
        triggered_by=row.triggered_by,
        organization=row.organization,
        progress=None if row.progress_total is None else (row.progress_done or 0, row.progress_total),
    )
