"""REST operations of the runs: how it stands today, runs, back up now, stop, read in full, restore proof, statistics."""

from datetime import timedelta

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.backups import store
from praxisd.services.backups.plans import plan_view, planning
from praxisd.services.backups.plans.rights import OPERATE, READ
from praxisd.services.backups.runs import asking, history, overview, starting, view
from praxisd.services.backups.runs.shapes import (
    BackupOverview,
    BackupRunDetail,
    BackupRunOut,
    BackupRuns,
    BackupStatistics,
    ReadIn,
    RunIn,
    RunsQuery,
    StatisticRow,
    StatisticsQuery,
)

_TAGS = ("backups",)
_MOST = 3000


def get_overview(call: Call) -> BackupOverview:
    """How it stands with the backups today

    The plan, what is to be done now, the run at work, the last ones, whether the practice is protected and why not, and media.
    """
    return overview.overview(call.house, call.actor, call.lang)


def list_runs(call: Call) -> BackupRuns:
    """Runs of backups, readings, proofs and restores

    Newest first.
    """
    query: RunsQuery = call.query
    before = int(query.cursor) if query.cursor and query.cursor.isdecimal() else None
    with call.read() as tx:
        found, following = history.page(tx, query.limit, before, query.kind)
        shown = view.shown(call.house, tx, found, call.lang)
    return BackupRuns(runs=shown, next=None if following is None else str(following))


def get_run(call: Call) -> BackupRunDetail:
    """One run

    With its sources. Names of files that are not as they should be only for who may restore.
    """
    with call.read() as tx:
        run = store.RUN.get(tx, call.path["id"])
        if run is None:
            raise not_found(asking.SUBJECT)
        return view.detail(call.house, tx, run, call.lang)


def start_run(call: Call) -> Answer:
    """Back up now

    It is asked for and begins at once, unless another run is at work: then after it.
    """
    body: RunIn = call.body
    run = starting.now(call.house, call.writing, job=body.job, medium=body.medium, by=call.actor.label)
    return Answer(view.single(call.house, call.writing, run, call.lang), 202)


def stop_run(call: Call) -> BackupRunOut:
    """Stop a run

    One that waits at once, one at work within seconds. Earlier backups stay as they are.
    """
    run = asking.stop(call.writing, call.path["id"], call.actor.label)
    return view.single(call.house, call.writing, run, call.lang)


def verify(call: Call) -> Answer:
    """Read all that is kept on a medium

    Byte for byte; it takes as long as the medium needs for all of it.
    """
    body: ReadIn = call.body
    run = starting.read(call.house, call.writing, "verify", body.medium, call.actor.label)
    return Answer(view.single(call.house, call.writing, run, call.lang), 202)


def prove(call: Call) -> Answer:
    """Prove that the newest good backup can be restored

    It is restored into a folder of its own, compared, opened by a praxisd, and taken away again.
    """
    body: ReadIn = call.body
    run = starting.read(call.house, call.writing, "prove", body.medium, call.actor.label)
    return Answer(view.single(call.house, call.writing, run, call.lang), 202)


def statistics(call: Call) -> BackupStatistics:
    """Size, duration and growth of the backups

    A row for each backup that made a copy, oldest first.
    """
    query: StatisticsQuery = call.query
    with call.read() as tx:
        zone = planning.zone(call.house, tx)
        first = planning.today(call.house, tx) - timedelta(days=query.days)
        runs = store.RUN.by(tx, "kind", "backup", most=_MOST)
    rows = [
        StatisticRow(
            run=one.id,
            day=one.day.isoformat(),
            at=format_rfc3339(one.ended or one.asked, zone),
            job=one.job,
            slot=one.slot,
            medium=one.medium,
            state=one.state,
            bytes=one.figures.bytes,
            files=one.figures.files,
            added=one.figures.added,
            seconds=one.figures.seconds,
            first=one.first_on_medium,
        )
        for one in reversed(runs)
        if one.figures is not None and one.day >= first
    ]
    return BackupStatistics(rows=tuple(rows))


_MISSING = (404, "http.not_found")
ROUTES = (
    Route(
        "GET", "/backups/overview", "backupOverview.read", get_overview, READ, answer=BackupOverview, safe=True, tags=_TAGS
    ),
    Route(
        "GET", "/backups/runs", "backupRun.list", list_runs, READ, answer=BackupRuns, query=RunsQuery, safe=True, tags=_TAGS
    ),
    Route(
        "GET", "/backups/runs/{id}", "backupRun.read", get_run, READ, answer=BackupRunDetail, problems=(_MISSING,),
        safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/runs", "backupRun.create", start_run, OPERATE, answer=BackupRunOut, body=RunIn, status=202,
        problems=(_MISSING, (404, plan_view.NO_PLAN), (409, starting.NO_JOB)), safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/runs/{id}/stop", "backupRun.stop", stop_run, OPERATE, answer=BackupRunOut,
        problems=(_MISSING, (409, asking.ENDED)), safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/verify", "backupMedia.verify", verify, OPERATE, answer=BackupRunOut, body=ReadIn, status=202,
        problems=(_MISSING,), safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/prove", "backupMedia.prove", prove, OPERATE, answer=BackupRunOut, body=ReadIn, status=202,
        problems=(_MISSING,), safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/backups/statistics", "backupStatistics.read", statistics, READ, answer=BackupStatistics,
        query=StatisticsQuery, safe=True, tags=_TAGS,
    ),
)  # fmt: skip
