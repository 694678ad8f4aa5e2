"""What `praxisd backup now|list|show|verify|prove|stop` do, in the server or under the folder's lock. JSON in and out.

In the server a run is asked for, and the command looks until it has ended; without one the command does it itself.
"""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.model.backup import Job
from praxisd.model.backup_kept import RunKept, RunKind
from praxisd.services.backups import store
from praxisd.services.backups.runs import asking, history, running, starting, view

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

Args = dict[str, Any]
_ACTOR = Actor(Kind.CLI, "local", INSTALLATION, everything=True)
_JOBS: tuple[Job, ...] = ("evening", "night", "remote", "snapshot")


def now(house: "House", args: Args) -> Args:
    """A backup: `{"run": …}`. Problems as `starting.now`."""
    job = args.get("job")
    if job is not None and job not in _JOBS:
        raise Problem("control.bad_arguments", 400, detail="job")
    medium = _medium(house, args)
    run = house.store.run(_ACTOR, lambda tx: starting.now(house, tx, job=job, medium=medium, by=_ACTOR.label))
    return _done(house, run, args)


def verify(house: "House", args: Args) -> Args:
    """Read a medium through: `{"run": …}`."""
    return _through(house, args, "verify")


def prove(house: "House", args: Args) -> Args:
    """A restore proof: `{"run": …}`."""
    return _through(house, args, "prove")


def _through(house: "House", args: Args, kind: RunKind) -> Args:
    medium = _medium(house, args)
    run = house.store.run(_ACTOR, lambda tx: starting.read(house, tx, kind, medium, _ACTOR.label))
    return _done(house, run, args)


def listed(house: "House", args: Args) -> Args:
    """The newest runs: `{"runs": […]}`."""
    limit = args.get("limit", 30)
    if not isinstance(limit, int) or not 1 <= limit <= 200:
        raise Problem("control.bad_arguments", 400, detail="limit")
    with house.store.read(_ACTOR) as tx:
        found, _ = history.page(tx, limit, None, args.get("kind"))
        return {"runs": [view.to_json(one) for one in view.shown(house, tx, found, _lang(args))]}


def show(house: "House", args: Args) -> Args:
    """One run with its sources and files: `{"run": …}`."""
    with house.store.read(_ACTOR) as tx:
        run = store.RUN.get(tx, str(args.get("id", "")))
        if run is None:
            raise not_found(asking.SUBJECT)
        return {"run": view.to_json(view.detail(house, tx, run, _lang(args)))}


def stop(house: "House", args: Args) -> Args:
    """End a run; without an id the one at work: `{"run": …}`. `http.not_found` if there is none."""

    def work(tx: "Tx") -> RunKept:
        id = str(args.get("id") or "")
        if not id:
            there = history.running(tx)
            id = "" if there is None else there.id
        return asking.stop(tx, id, _ACTOR.label)

    return _told(house, house.store.run(_ACTOR, work), args)


def _done(house: "House", run: RunKept, args: Args) -> Args:
    """Where nobody works at jobs, the command does it itself."""
    if "worker" not in house.shared and not house.safe:
        run = running.run_now(house, run.id, stop=lambda: house.stopping)
    return _told(house, run, args)


def _told(house: "House", run: RunKept, args: Args) -> Args:
    with house.store.read(_ACTOR) as tx:
        return {"run": view.to_json(view.single(house, tx, run, _lang(args)))}


def _medium(house: "House", args: Args) -> str:
    """A medium by its id or its label."""
    said = args.get("medium")
    if not said:
        return ""
    with house.store.read(_ACTOR) as tx:
        for one in store.MEDIUM.all(tx):
            if said in (one.medium.id, one.medium.label) and not one.medium.retired:
                return one.medium.id
    raise not_found("BackupMedium")


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


OPERATIONS = (
    Operation("backups.run_now", now, offline=True),
    Operation("backups.run_verify", verify, offline=True),
    Operation("backups.run_prove", prove, offline=True),
    Operation("backups.run_list", listed, offline=True),
    Operation("backups.run_show", show, offline=True),
    Operation("backups.run_stop", stop),
)
