"""What `praxisd sync …` does, in the server or under the folder's lock. JSON in and out."""

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, jobs
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S
from praxisd.services.portals import engine_run, engine_store, engine_views
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


def sync(house: "House", args: Args) -> Args:
    """Compare with every active portal once: how many times went out, or what was in the way."""
    who = actor(house, args)
    reports = engine_run.every(house, who, full=bool(args.get("full")))
    seen = engine_views.report(house, reports, _lang(args))
    calendars = [msgspec.to_builtins(one) for one in seen.calendars]
    problem = None if seen.problem is None else msgspec.to_builtins(seen.problem)
    good = problem is None and all(one.code is None for one in seen.calendars)
    uploaded = sum(one.uploaded or 0 for one in seen.calendars)
    return {
        "calendars": calendars,
        "uploaded": uploaded,
        "bookings": seen.bookings,
        "problem": problem,
        "ok": good,
    }


def switch(house: "House", args: Args) -> Args:
    """Switch the comparison in the background on or off; it stays so."""
    on = args.get("enabled")
    if not isinstance(on, bool):
        raise Problem("control.bad_arguments", 400)

    Planner(house).step()  # in a practice whose server never ran the job is not known yet

    def work(tx: Tx) -> None:
        before = jobs.get_job(house, tx, engine_views.JOB)
        if before.enabled != on:
            jobs.change(house, tx, engine_views.JOB, enabled=on)
            events.note(tx, "sync.started" if on else "sync.stopped", "Job", engine_views.JOB)

    house.store.run(actor(house, args), work)
    return status(house, args)


def status(house: "House", args: Args) -> Args:
    """Whether the comparison runs, and how each calendar stands."""
    with house.store.read(actor(house, args)) as tx:
        on = engine_views.background(house, tx)
        found = engine_views.every(house, tx, _lang(args))
    rows = []
    for one in found:
        for link in one.calendars:
            state = link.state
            said = state.problem or one.state.problem
            rows.append(
                {
                    "portal": one.name, "calendar": link.name, "schedule": link.schedule_name, "active": one.active,
                    "uploaded": state.uploaded, "uploadedAt": state.uploaded_at, "goodAt": state.good_at,
                    "nextAt": state.next_at, "lagS": state.lag_s, "code": None if said is None else said.code,
                    "title": None if said is None else said.title,
                }
            )  # fmt: skip
    return {"background": on, "calendars": rows}


def settings(house: "House", args: Args) -> Args:
    """Show, and with `interval` or `early` change, how often the portals named (or all) are asked."""
    interval, early = args.get("interval"), args.get("early")
    names = args.get("portals") or []
    if not (interval is None or isinstance(interval, int)) or not isinstance(names, list):
        raise Problem("control.bad_arguments", 400)
    who = actor(house, args)
    if interval is not None or early is not None:
        house.store.run(who, partial(_set, house, names, interval, early))
    with house.store.read(who) as tx:
        found = engine_views.every(house, tx, _lang(args))
        on = engine_views.background(house, tx)
    shown = [
        {
            "name": one.name, "adapter": one.adapter, "active": one.active, "interval": one.interval,
            "early": one.early, "calendars": [f"{link.name} → {link.schedule_name}" for link in one.calendars],
        }
        for one in found
        if not names or one.name in names
    ]  # fmt: skip
    if names and len(shown) < len(set(names)):
        raise Problem(
            "portals.portal_unknown", 404, names=", ".join(sorted(one.name for one in found)) or "–"
        )
    return {"background": on, "portals": shown}


def _set(_house: "House", names: list[str], interval: int | None, early: bool | None, tx: Tx) -> None:
    if interval is not None and interval < INTERVAL_LOW_S:
        raise Problem("portals.interval_too_short", 422, low=INTERVAL_LOW_S)
    if interval is not None and interval > 86_400:
        raise Problem("control.bad_arguments", 400)
    every = PORTALS.all(tx)
    unknown = set(names) - {one.name for one in every}
    if unknown:
        raise Problem(
            "portals.portal_unknown", 404, names=", ".join(sorted(one.name for one in every)) or "–"
        )
    for one in every:
        if names and one.name not in names:
            continue
        changed = msgspec.structs.replace(
            one,
            interval=one.interval if interval is None else interval,
            early=one.early if early is None else early,
        )
        if changed == one:
            continue
        saved = PORTALS.save(tx, changed, one.version)
        row = engine_store.cycle(tx, one.id)
        if row is not None and row.contacted_at is not None and not row.failures:
            engine_store.change_cycle(tx, one.id, due_at=row.contacted_at + saved.interval)
        fields = [name for name in ("interval", "early") if getattr(saved, name) != getattr(one, name)]
        events.note(tx, "portal.changed", "Portal", one.id, version=saved.version, fields=fields)


OPERATIONS = (
    Operation("portals.sync", sync, offline=True),
    Operation("portals.sync_switch", switch, offline=True),
    Operation("portals.sync_status", status, offline=True),
    Operation("portals.sync_settings", settings, offline=True),
)
