"""REST operations about jobs and their runs. Functions only; the door is web's."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel import clock, event_search, jobs, sentences
from praxisd.kernel.job_order import Warned
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.jobs import Job, Run
from praxisd.kernel.schedule import Coming
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.shapes import (
    JobIn,
    JobOut,
    JobsOut,
    JobsQuery,
    ProgressOut,
    RunActivityOut,
    RunOut,
    RunsOut,
    RunsQuery,
    WarningOut,
)
from praxisd.kernel.store import Tx

_NONE = Coming([])
_COLUMNS = {"due": "due_at", "started": "started_at", "ended": "ended_at", "state": "state"}


def get_jobs(call: Call) -> Answer:
    """All jobs of the practice and of the installation; with `next` only so many that are due next, the first one first."""
    with call.read() as tx:
        warned, there = jobs.warnings(call.house, tx), jobs.list_jobs(call.house, tx)
        if call.query is not None and call.query.next is not None:  # a command asks for all
            planned = [one for one in there if one.next_at is not None]
            there = sorted(planned, key=lambda one: (one.next_at, one.name))[: call.query.next]
        found = [_job(call, one, warned, last=_last(call, tx, one)) for one in there]
    return Answer(JobsOut(jobs=found))


def get_job(call: Call) -> Answer:
    """One job with its due times of the next seven days."""
    with call.read() as tx:
        one = jobs.get_job(call.house, tx, call.path["name"])
        due = jobs.preview(call.house, tx, one.plan) if one.enabled else _NONE
        shown = _job(call, one, jobs.warnings(call.house, tx), due, _last(call, tx, one))
    return Answer(shown, version=one.version)


def put_job(call: Call) -> Answer:
    """Change when a job runs, whether, and what becomes of missed runs."""
    body: JobIn = call.body
    tx = call.writing
    one = jobs.change(
        call.house,
        tx,
        call.path["name"],
        plan=body.plan,
        enabled=body.enabled,
        missed=body.missed,
        max_age_s=body.max_age_s,
        expected=call.if_match,
    )
    due = jobs.preview(call.house, tx, one.plan) if one.enabled else _NONE
    return Answer(_job(call, one, jobs.warnings(call.house, tx), due), version=one.version)


def preview_job(call: Call) -> Answer:
    """The due times of the next seven days for a plan that is not saved

    With the warnings there would be beside the present plans of the other jobs. Left out, the plan is the job's own.
    """
    body: JobIn = call.body
    with call.read() as tx:
        one = jobs.get_job(call.house, tx, call.path["name"])
        plan = body.plan or one.plan
        jobs.check_plan(call.house, tx, one.name, plan)
        due = jobs.preview(call.house, tx, plan)
        asked = msgspec.structs.replace(
            one,
            plan=plan,
            enabled=one.enabled if body.enabled is None else body.enabled,
            missed=one.missed if body.missed is None else body.missed,
            max_age_s=one.max_age_s if body.max_age_s is None else body.max_age_s,
        )
        jobs.check_policy(asked.missed, asked.max_age_s)
        return Answer(_job(call, asked, jobs.warnings(call.house, tx, asked), due))


def run_job(call: Call) -> Answer:
    """Start a job now."""
    run = jobs.run_now(call.house, call.writing, call.path["name"])
    return Answer(run_outs(call, call.writing, [run])[0], status=202)


def cancel_run(call: Call) -> Answer:
    """Cancel a run: at once if it waits, else at its next checkpoint."""
    run = jobs.cancel(call.house, call.writing, call.path["name"], call.path["id"])
    return Answer(run_outs(call, call.writing, [run])[0])


def get_run(call: Call) -> Answer:
    """One run of a job."""
    with call.read() as tx:
        run = jobs.get_run(call.house, tx, call.path["name"], call.path["id"])
        return Answer(run_outs(call, tx, [run])[0])


def get_runs(call: Call) -> Answer:
    """The run log of a job

    By outcome and period of the due time, in the order asked for; latest due time first if none is.
    """
    query: RunsQuery = call.query
    name, limit = call.path["name"], query.limit
    since = clock.parse_rfc3339(query.from_, "from") if query.from_ else None
    until = clock.parse_rfc3339(query.to, "to") if query.to else None
    states = (query.state,) if query.state else ()
    start = int(query.cursor) if query.cursor else None
    with call.read() as tx:
        jobs.get_job(call.house, tx, name)
        if query.sort == "-due":  # by far the most common: pages do not shift while new runs come
            found = jobs.runs(
                call.house, tx, name, since=since, until=until, states=states, before=start, limit=limit + 1
            )
            more = str(found[limit - 1].due_at) if len(found) > limit else None
        else:
            down = "-" if query.sort.startswith("-") else ""
            order = down + _COLUMNS[query.sort.removeprefix("-")]
            offset = start or 0
            found, total = jobs.all_runs(
                call.house,
                tx,
                names=(name,),
                states=states,
                since=since,
                until=until,
                order=order,
                offset=offset,
                limit=limit,
            )
            more = str(offset + limit) if total > offset + limit else None
        return Answer(RunsOut(runs=run_outs(call, tx, found[:limit]), next=more))


def warning_words(call: Call, warned: Warned) -> WarningOut:
    """A warning in the caller's language, the jobs by their titles."""
    texts = call.house.texts
    titles = {
        one: texts.get(f"job.{one}.title", call.lang) if texts.has(f"job.{one}.title") else one
        for one in (warned.earlier, warned.later)
    }
    params = {**warned.params, "earlier": titles[warned.earlier], "later": titles[warned.later]}
    title, cause, solution = (
        texts.get(f"{warned.code}.{part}", call.lang, **params) for part in ("title", "cause", "solution")
    )
    return WarningOut(
        code=warned.code,
        earlier=warned.earlier,
        later=warned.later,
        title=title,
        cause=cause,
        solution=solution,
    )


def _last(call: Call, tx: Tx, one: Job) -> RunOut | None:
    """The latest run of a job, also one that is still at work."""
    found = jobs.runs(call.house, tx, one.name, limit=1)
    return run_outs(call, tx, found)[0] if found else None


def _job(
    call: Call,
    one: Job,
    warned: Sequence[Warned],
    due: Coming = _NONE,
    last: RunOut | None = None,
) -> JobOut:
    zone = zone_of(one.zone)
    return JobOut(
        name=one.name,
        title=call.house.texts.get(f"job.{one.name}.title", call.lang),
        help=call.house.texts.get(f"job.{one.name}.help", call.lang),
        plan=one.plan,
        enabled=one.enabled,
        missed=one.missed,
        max_age_s=one.max_age_s,
        zone=one.zone,
        version=one.version,
        next_at=None if one.next_at is None else clock.format_rfc3339(one.next_at, zone),
        upcoming=[clock.format_rfc3339(d, zone) for d in due.times],
        more=due.more,
        until=None if due.until is None else clock.format_rfc3339(due.until, zone),
        last_run=last,
        follows=list(call.house.registry.jobs[one.name].follows),
        warnings=[warning_words(call, w) for w in warned if one.name in (w.earlier, w.later)],
    )


def run_outs(call: Call, tx: Tx, found: Sequence[Run]) -> list[RunOut]:
    """Runs as the doors show them, with the names of who started them and what they did."""
    zone = zone_of(zone_name(call.house, tx))
    names = sentences.actor_names(call.house, tx, {one.triggered_by for one in found}, call.lang)
    did = event_search.count_by_run(tx, call.house.registry, [one.id for one in found])
    return [_run(call, one, zone, names[one.triggered_by], did.get(one.id, (0, 0))) for one in found]


def _run(call: Call, one: Run, zone: ZoneInfo, name: str, did: tuple[int, int]) -> RunOut:
    def at(moment: int | None) -> str | None:
        return None if moment is None else clock.format_rfc3339(moment, zone)

    texts = call.house.texts
    title = f"{one.code}.title"
    return RunOut(
        id=one.id,
        job=one.job,
        state=one.state,
        due_at=clock.format_rfc3339(one.due_at, zone),
        started_at=at(one.started_at),
        ended_at=at(one.ended_at),
        attempt=one.attempt,
        counts=one.counts,
        code=one.code,
        message=texts.get(title, call.lang) if one.code and texts.has(title) else None,
        explanation=_explained(call, one.code),
        triggered_by=one.triggered_by,
        triggered_by_name=name,
        activity=RunActivityOut(events=did[0], errors=did[1]),
        progress=None if one.progress is None else ProgressOut(done=one.progress[0], total=one.progress[1]),
    )


def _explained(call: Call, code: str | None) -> str | None:
    """Cause and solution of a run's code; a sentence that wants more than the run knows is left out."""
    texts = call.house.texts
    keys = [f"{code}.{part}" for part in ("cause", "solution")]
    told = [texts.get(key, call.lang) for key in keys if code and texts.has(key)]
    return " ".join(one for one in told if "{" not in one) or None


_GONE = (404, "http.not_found")
_STALE = (412, "resource.stale")
_POLICY = (422, "jobs.bad_policy")
_PLAN = tuple(
    (400, f"schedule.{word}")
    for word in (
        "bad_step",
        "bad_time",
        "bad_window",
        "window_across_midnight",
        "no_weekday",
        "bad_day",
        "bad_job",
        "bad_instant",
        "bad_cron",
        "unknown_job",
        "chain_loop",
        "other_scope",
    )
)
_SHARED = (403, "jobs.shared")
_READ, _RUN, _TAGS = "kernel.jobs.read", "kernel.jobs.run", ("jobs",)
ROUTES = (
    Route("GET", "/jobs", "jobs.list", get_jobs, _READ, JobsOut, query=JobsQuery, tags=_TAGS),
    Route("GET", "/jobs/{name}", "jobs.read", get_job, _READ, JobOut, problems=(_GONE,), tags=_TAGS),
    Route(
        "PUT",
        "/jobs/{name}",
        "jobs.put",
        put_job,
        "kernel.jobs.write",
        JobOut,
        body=JobIn,
        problems=(_GONE, _SHARED, _STALE, _POLICY, *_PLAN),
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/jobs/{name}/preview",
        "jobs.preview",
        preview_job,
        _READ,
        JobOut,
        body=JobIn,
        problems=(_GONE, _POLICY, *_PLAN),
        transaction=False,
        tags=_TAGS,
    ),
    Route(
        "POST",
        "/jobs/{name}/run",
        "jobs.run",
        run_job,
        _RUN,
        RunOut,
        status=202,
        problems=(_GONE, _SHARED, (409, "jobs.already_running")),
        tags=_TAGS,
    ),
    Route(
        "GET",
        "/jobs/{name}/runs",
        "runs.list",
        get_runs,
        _READ,
        RunsOut,
        query=RunsQuery,
        problems=(_GONE, (400, "clock.bad_time"), (400, "clock.naive_time")),
        tags=_TAGS,
    ),
    Route(
        "GET", "/jobs/{name}/runs/{id}", "runs.read", get_run, _READ, RunOut, problems=(_GONE,), tags=_TAGS
    ),
    Route(
        "POST",
        "/jobs/{name}/runs/{id}/cancel",
        "runs.cancel",
        cancel_run,
        _RUN,
        RunOut,
        problems=(_GONE, _SHARED, (409, "jobs.already_ended")),
        tags=_TAGS,
    ),
)
