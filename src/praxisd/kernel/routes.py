"""REST operations of the kernel: settings, jobs and their runs, issues, events. Functions only; the door is
web's.
"""

import msgspec

from praxisd.kernel import clock, issues, jobs
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Answer, Call, Route, Setting
from praxisd.kernel.settings import Known
from praxisd.kernel.shapes import (
    CheckIn,
    IgnoreIn,
    IssueOut,
    IssuesOut,
    JobIn,
    JobOut,
    JobsOut,
    ProgressOut,
    RunOut,
    RunsOut,
    RunsQuery,
    SettingIn,
    SettingOut,
    SettingsOut,
)
from praxisd.kernel.store import Tx


def get_settings(call: Call) -> Answer:
    """All settings with value, provenance and bounds."""
    house = call.house
    with call.read() as tx:
        known = house.settings.all(tx)
    return Answer(SettingsOut(settings=[_setting(call, house.settings.declared(k.key), k) for k in known]))


def put_setting(call: Call) -> Answer:
    """Set one setting; If-Match names the version that was read."""
    key = call.path["key"]
    known = call.house.settings.put(call.writing, key, call.body.value, expected=call.if_match)
    return Answer(_setting(call, call.house.settings.declared(key), known), version=known.version)


def get_jobs(call: Call) -> Answer:
    """All jobs of the practice and of the installation."""
    with call.read() as tx:
        found = [_job(call, one, last=_last(call, tx, one)) for one in jobs.list_jobs(call.house, tx)]
    return Answer(JobsOut(jobs=found))


def get_job(call: Call) -> Answer:
    """One job with its due times of the next seven days."""
    with call.read() as tx:
        one = jobs.get_job(call.house, tx, call.path["name"])
        due = jobs.preview(call.house, tx, one.plan) if one.enabled else []
        last = _last(call, tx, one)
    return Answer(_job(call, one, due, last), version=one.version)


def put_job(call: Call) -> Answer:
    """Change when a job runs, whether, and what becomes of missed runs."""
    body: JobIn = call.body
    one = jobs.change(
        call.house,
        call.writing,
        call.path["name"],
        plan=body.plan,
        enabled=body.enabled,
        missed=body.missed,
        max_age_s=body.max_age_s,
        expected=call.if_match,
    )
    due = jobs.preview(call.house, call.writing, one.plan) if one.enabled else []
    return Answer(_job(call, one, due), version=one.version)


def preview_job(call: Call) -> Answer:
    """The due times of the next seven days for a plan that is not saved."""
    with call.read() as tx:
        one = jobs.get_job(call.house, tx, call.path["name"])
        plan = call.body.plan or one.plan
        due = jobs.preview(call.house, tx, plan)
    return Answer(_job(call, msgspec.structs.replace(one, plan=plan), due))


def run_job(call: Call) -> Answer:
    """Start a job now."""
    run = jobs.run_now(call.house, call.writing, call.path["name"])
    return Answer(_run(call, call.writing, run), status=202)


def cancel_run(call: Call) -> Answer:
    """Cancel a run: at once if it waits, else at its next checkpoint."""
    run = jobs.cancel(call.house, call.writing, call.path["name"], call.path["id"])
    return Answer(_run(call, call.writing, run))


def get_runs(call: Call) -> Answer:
    """The run log of a job, latest due time first."""
    query: RunsQuery = call.query
    limit = query.limit
    with call.read() as tx:
        found = jobs.runs(
            call.house,
            tx,
            call.path["name"],
            since=clock.parse_rfc3339(query.from_, "from") if query.from_ else None,
            until=clock.parse_rfc3339(query.to, "to") if query.to else None,
            states=(query.state,) if query.state else (),
            before=int(query.cursor) if query.cursor else None,
            limit=limit + 1,
        )
        more = str(found[limit - 1].due_at) if len(found) > limit else None
        return Answer(RunsOut(runs=[_run(call, tx, r) for r in found[:limit]], next=more))


def get_issues(call: Call) -> Answer:
    """Open issues of the practice and of the installation, with cause and solution."""
    with call.read() as tx:
        found = issues.list_open(tx)
        if tx.organization != INSTALLATION:
            tx.organization = INSTALLATION
            found += issues.list_open(tx)
    return Answer(IssuesOut(issues=[_issue(call, one) for one in found]))


def check_issues(call: Call) -> Answer:
    """Check again

    Runs all checks now and answers what is open afterwards; what was healed is gone.
    """
    issues.check_now(call.house)
    return get_issues(call)


def ignore_issue(call: Call) -> Answer:
    """Ignore an issue, or take that back; it survives that the problem comes and goes."""
    body: IgnoreIn = call.body
    tx, code = call.writing, call.path["code"]
    found = [i for i in issues.list_open(tx) if (i.code, i.subject) == (code, body.subject)]
    own = tx.organization
    if not found:
        tx.organization = INSTALLATION
    if body.ignored:
        issues.ignore(tx, code, body.subject, body.reason)
    else:
        issues.heed(tx, code, body.subject)
    one = next(i for i in issues.list_open(tx) if (i.code, i.subject) == (code, body.subject))
    tx.organization = own
    return Answer(_issue(call, one))


def _setting(call: Call, declared: Setting, known: Known) -> SettingOut:
    choices = list(declared.kind) if isinstance(declared.kind, tuple) else []
    kind = declared.kind.__name__ if isinstance(declared.kind, type) else "choice"
    return SettingOut(
        key=known.key,
        value=known.value,
        source=known.source,
        version=known.version,
        default=declared.default,
        kind=kind,
        choices=choices,
        low=declared.low,
        high=declared.high,
        unit=declared.unit,
        scope=declared.scope.value,
        label=call.house.texts.get(f"{known.key}.label", call.lang),
        help=call.house.texts.get(f"{known.key}.help", call.lang),
    )


def _last(call: Call, tx: Tx, one: jobs.Job) -> RunOut | None:
    """The latest run of a job, also one that is still at work."""
    found = jobs.runs(call.house, tx, one.name, limit=1)
    return _run(call, tx, found[0]) if found else None


def _job(call: Call, one: jobs.Job, due: list[int] | None = None, last: RunOut | None = None) -> JobOut:
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
        upcoming=[clock.format_rfc3339(d, zone) for d in due or ()],
        last_run=last,
    )


def _run(call: Call, tx: Tx, one: jobs.Run) -> RunOut:
    zone = zone_of(zone_name(call.house, tx))

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
        triggered_by=one.triggered_by,
        progress=None if one.progress is None else ProgressOut(done=one.progress[0], total=one.progress[1]),
    )


def _issue(call: Call, one: issues.Issue) -> IssueOut:
    words = issues.explain(call.house, one, call.lang)
    return IssueOut(
        **words,
        since=clock.format_rfc3339(one.first_at),
        installation=one.organization == INSTALLATION,
        ignored=one.ignored_by is not None,
        ignore_reason=one.ignore_reason,
    )


_GONE = (404, "http.not_found")
_SETTINGS, _JOBS, _ISSUES = ("settings",), ("jobs",), ("issues",)
_STALE = (412, "resource.stale")
_PLAN = (
    *((400, f"schedule.{word}") for word in ("bad_step", "bad_time", "bad_window", "no_weekday", "bad_day")),
    *(
        (400, f"schedule.{word}")
        for word in ("bad_job", "bad_instant", "bad_cron", "unknown_job", "chain_loop")
    ),
)
ROUTES = (
    Route(
        "GET", "/settings", "settings.list", get_settings, "kernel.settings.read", SettingsOut, tags=_SETTINGS
    ),
    Route(
        "PUT",
        "/settings/{key}",
        "settings.put",
        put_setting,
        "kernel.settings.write",
        SettingOut,
        body=SettingIn,
        problems=((404, "settings.unknown"), (422, "settings.invalid"), _STALE),
        tags=_SETTINGS,
    ),
    Route("GET", "/jobs", "jobs.list", get_jobs, "kernel.jobs.read", JobsOut, tags=_JOBS),
    Route(
        "GET", "/jobs/{name}", "jobs.read", get_job, "kernel.jobs.read", JobOut, problems=(_GONE,), tags=_JOBS
    ),
    Route(
        "PUT",
        "/jobs/{name}",
        "jobs.put",
        put_job,
        "kernel.jobs.write",
        JobOut,
        body=JobIn,
        problems=(_GONE, _STALE, (422, "jobs.bad_policy"), *_PLAN),
        tags=_JOBS,
    ),
    Route(
        "POST",
        "/jobs/{name}/preview",
        "jobs.preview",
        preview_job,
        "kernel.jobs.read",
        JobOut,
        body=JobIn,
        problems=(_GONE, *_PLAN),
        transaction=False,
        tags=_JOBS,
    ),
    Route(
        "POST",
        "/jobs/{name}/run",
        "jobs.run",
        run_job,
        "kernel.jobs.run",
        RunOut,
        status=202,
        problems=(_GONE, (409, "jobs.already_running")),
        tags=_JOBS,
    ),
    Route(
        "GET",
        "/jobs/{name}/runs",
        "runs.list",
        get_runs,
        "kernel.jobs.read",
        RunsOut,
        query=RunsQuery,
        problems=(_GONE, (400, "clock.bad_time"), (400, "clock.naive_time")),
        tags=_JOBS,
    ),
    Route(
        "POST",
        "/jobs/{name}/runs/{id}/cancel",
        "runs.cancel",
        cancel_run,
        "kernel.jobs.run",
        RunOut,
        problems=(_GONE, (409, "jobs.already_ended")),
        tags=_JOBS,
    ),
    Route("GET", "/issues", "issues.list", get_issues, "kernel.issues.read", IssuesOut, tags=_ISSUES),
    Route(
        "POST",
        "/issues/check",
        "issues.check",
        check_issues,
        "kernel.issues.read",
        IssuesOut,
        body=CheckIn,
        transaction=False,
        tags=_ISSUES,
    ),
    Route(
        "POST",
        "/issues/{code}/ignore",
        "issues.ignore",
        ignore_issue,
        "kernel.issues.write",
        IssueOut,
        body=IgnoreIn,
        problems=(_GONE,),
        tags=_ISSUES,
    ),
)
