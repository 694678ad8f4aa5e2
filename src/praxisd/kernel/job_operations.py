"""What `praxisd jobs …` does in the running server. JSON in and out; times are RFC 3339 in the practice's zone."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import clock, jobs, schedule
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.kernel.texts import FIRST

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
LOG_MOST = 500


def list_jobs(house: "House", args: Args) -> Args:
    """All jobs of the practice and of the installation."""
    with house.store.read(actor(house, args)) as tx:
        return {"jobs": [_job(house, one, args) for one in jobs.list_jobs(house, tx)]}


def show_job(house: "House", args: Args) -> Args:
    """One job with its due times of the next seven days."""
    with house.store.read(actor(house, args)) as tx:
        return _with_dues(house, tx, jobs.get_job(house, tx, _name(args)), args)


def run_job(house: "House", args: Args) -> Args:
    """Start a job now; the answer is its run, which waits."""
    who, name = actor(house, args), _name(args)

    def work(tx: Tx) -> Args:
        return _run(house, tx, jobs.run_now(house, tx, name), args)

    return house.store.run(who, work)


def enable_job(house: "House", args: Args) -> Args:
    """Switch a job on (`enabled` true) or off."""
    on = args.get("enabled")
    if not isinstance(on, bool):
        raise Problem("control.bad_arguments", 400)
    return _change(house, args, enabled=on)


def schedule_job(house: "House", args: Args) -> Args:
    """Set when a job runs: `plan` as in the API, and `missed` (none, once, all), what becomes of missed runs."""
    plan = args.get("plan")
    checked = None if plan is None else schedule.from_json(msgspec.json.encode(plan))
    return _change(house, args, plan=checked, missed=args.get("missed"))


def job_log(house: "House", args: Args) -> Args:
    """The run log of a job, latest due time first; `states` and `limit` (1 to 500) narrow it."""
    states, limit = args.get("states") or [], args.get("limit", 20)
    if not set(states) <= set(jobs.STATES) or not isinstance(limit, int) or not 1 <= limit <= LOG_MOST:
        raise Problem("control.bad_arguments", 400)
    with house.store.read(actor(house, args)) as tx:
        found = jobs.runs(house, tx, _name(args), states=tuple(states), limit=limit)
        return {"runs": [_run(house, tx, one, args) for one in found]}


def _change(house: "House", args: Args, **changes: Any) -> Args:
    who, name = actor(house, args), _name(args)

    def work(tx: Tx) -> Args:
        return _with_dues(house, tx, jobs.change(house, tx, name, **changes), args)

    return house.store.run(who, work)


def _name(args: Args) -> str:
    name = args.get("name")
    if not isinstance(name, str):
        raise Problem("control.bad_arguments", 400)
    return name


def _with_dues(house: "House", tx: Tx, one: jobs.Job, args: Args) -> Args:
    zone = zone_of(one.zone)
    due = jobs.preview(house, tx, one.plan) if one.enabled else []
    return {
        **_job(house, one, args),
        "help": house.texts.get(f"job.{one.name}.help", _lang(args)),
        "upcoming": [clock.format_rfc3339(d, zone) for d in due],
    }


def _job(house: "House", one: jobs.Job, args: Args) -> Args:
    zone = zone_of(one.zone)
    return {
        "name": one.name,
        "title": house.texts.get(f"job.{one.name}.title", _lang(args)),
        "plan": msgspec.to_builtins(one.plan),
        "enabled": one.enabled,
        "missed": one.missed,
        "zone": one.zone,
        "version": one.version,
        "nextAt": None if one.next_at is None else clock.format_rfc3339(one.next_at, zone),
    }


def _run(house: "House", tx: Tx, one: jobs.Run, args: Args) -> Args:
    zone = zone_of(zone_name(house, tx))

    def at(moment: int | None) -> str | None:
        return None if moment is None else clock.format_rfc3339(moment, zone)

    title = f"{one.code}.title"
    return {
        "id": one.id,
        "job": one.job,
        "state": one.state,
        "dueAt": at(one.due_at),
        "startedAt": at(one.started_at),
        "endedAt": at(one.ended_at),
        "attempt": one.attempt,
        "counts": one.counts,
        "code": one.code,
        "message": house.texts.get(title, _lang(args)) if one.code and house.texts.has(title) else None,
        "triggeredBy": one.triggered_by,
    }


def _lang(args: Args) -> str:
    return str(args.get("lang") or FIRST)


JOB_OPERATIONS = (
    Operation("kernel.jobs_list", list_jobs),
    Operation("kernel.jobs_show", show_job),
    Operation("kernel.jobs_run", run_job),
    Operation("kernel.jobs_enable", enable_job),
    Operation("kernel.jobs_schedule", schedule_job),
    Operation("kernel.jobs_log", job_log),
)
