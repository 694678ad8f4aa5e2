"""What `praxisd jobs …` does in the running server: the operations of the REST door, asked by a command.

JSON in and out as there; times are RFC 3339 in the practice's zone.
"""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel import clock, job_routes, jobs, schedule
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call, Operation
from praxisd.kernel.shapes import JobIn
from praxisd.kernel.store import Tx
from praxisd.kernel.texts import FIRST

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
T = TypeVar("T")
LOG_MOST = 500
_COLUMNS = {"due": "due_at", "started": "started_at", "ended": "ended_at", "state": "state", "job": "job"}


def call_of(house: "House", args: Args, tx: Tx | None = None, **path: str) -> Call:
    """The call a door would make of a command's arguments."""
    who = tx.actor if tx is not None else actor(house, args)
    lang = str(args.get("lang") or FIRST)
    return Call(house=house, actor=who, path=path, query=None, body=None, lang=lang, tx=tx)


def word(args: Args, name: str, kind: type[T], needed: bool = False) -> T | None:
    """An argument of a kind; Problem `control.bad_arguments` (400) where it is another, or missing and needed."""
    found = args.get(name)
    if (found is None and needed) or (found is not None and type(found) is not kind):
        raise Problem("control.bad_arguments", 400)
    return found


def moment(text: str | None, name: str, zone: ZoneInfo, whole_day: bool = False) -> int | None:
    """Epoch seconds of an RFC 3339 time, or of the beginning of a date in the zone (`whole_day`: of the next one)."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=whole_day)
    except ValueError:
        return clock.parse_rfc3339(text, name)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def list_jobs(house: "House", args: Args) -> Args:
    """All jobs of the practice and of the installation, with warnings about their order."""
    return _built(job_routes.get_jobs(call_of(house, args)).body)


def show_job(house: "House", args: Args) -> Args:
    """One job with its due times of the next seven days."""
    return _built(job_routes.get_job(call_of(house, args, name=_name(args))).body)


def run_job(house: "House", args: Args) -> Args:
    """Start a job now; the answer is its run, which waits."""
    name = _name(args)
    return house.store.run(
        actor(house, args),
        lambda tx: _built(job_routes.run_job(call_of(house, args, tx, name=name)).body),
    )


def cancel_job(house: "House", args: Args) -> Args:
    """Cancel a run, by its id or the one that is open; the answer is the run."""
    name, wanted = _name(args), word(args, "run", str)

    def work(tx: Tx) -> Args:
        id_ = wanted
        if id_ is None:
            jobs.get_job(house, tx, name)
            open_ones = jobs.runs(house, tx, name, states=("running", "interrupted", "waiting"), limit=50)
            if not open_ones:
                raise Problem("jobs.nothing_open", 409, job=name)
            id_ = open_ones[-1].id
        return _built(job_routes.cancel_run(call_of(house, args, tx, name=name, id=id_)).body)

    return house.store.run(actor(house, args), work)


def enable_job(house: "House", args: Args) -> Args:
    """Switch a job on (`enabled` true) or off."""
    return _put(house, args, JobIn(enabled=word(args, "enabled", bool, needed=True)))


def schedule_job(house: "House", args: Args) -> Args:
    """Set when a job runs: `plan` as in the API, `missed` (none, once, all) and `maxAgeS`, what becomes of missed runs.

    With `preview` nothing is saved: what would be, with the due times of seven days and the warnings.
    """
    plan = args.get("plan")
    checked = None if plan is None else schedule.from_json(msgspec.json.encode(plan))
    body = JobIn(plan=checked, missed=word(args, "missed", str), max_age_s=word(args, "maxAgeS", int))
    if word(args, "preview", bool):
        return _built(job_routes.preview_job(_with(call_of(house, args, name=_name(args)), body)).body)
    return _put(house, args, body)


def job_log(house: "House", args: Args) -> Args:
    """The run log of a job, or of all: `states`, `from`, `to` (times or dates), `sort` and `limit` (1 to 500) narrow it."""
    states, limit = args.get("states") or [], args.get("limit", 20)
    sort = word(args, "sort", str) or "-due"
    column = _COLUMNS.get(sort.removeprefix("-"))
    if not set(states) <= set(jobs.STATES) or column is None:
        raise Problem("control.bad_arguments", 400)
    if not isinstance(limit, int) or not 1 <= limit <= LOG_MOST:
        raise Problem("control.bad_arguments", 400)
    call, name = call_of(house, args), word(args, "name", str)
    with call.read() as tx:
        if name is not None:
            jobs.get_job(house, tx, name)
        zone = zone_of(zone_name(house, tx))
        found, total = jobs.all_runs(
            house,
            tx,
            names=(name,) if name else (),
            states=states,
            since=moment(word(args, "from", str), "from", zone),
            until=moment(word(args, "to", str), "to", zone, whole_day=True),
            order=f"-{column}" if sort.startswith("-") else column,
            limit=limit,
        )
        return {"runs": msgspec.to_builtins(job_routes.run_outs(call, tx, found)), "total": total}


def _put(house: "House", args: Args, body: JobIn) -> Args:
    name = _name(args)

    def work(tx: Tx) -> Args:
        return _built(job_routes.put_job(_with(call_of(house, args, tx, name=name), body)).body)

    return house.store.run(actor(house, args), work)


def _with(call: Call, body: JobIn) -> Call:
    return Call(call.house, call.actor, call.path, None, body, call.lang, call.tx)


def _name(args: Args) -> str:
    return str(word(args, "name", str, needed=True))


def _built(answer: Any) -> Args:
    return cast("Args", msgspec.to_builtins(answer))


JOB_OPERATIONS = (
    Operation("kernel.jobs_list", list_jobs),
    Operation("kernel.jobs_show", show_job),
    Operation("kernel.jobs_run", run_job),
    Operation("kernel.jobs_cancel", cancel_job),
    Operation("kernel.jobs_enable", enable_job),
    Operation("kernel.jobs_schedule", schedule_job),
    Operation("kernel.jobs_log", job_log),
)
