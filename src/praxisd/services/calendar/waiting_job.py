"""Background work of the waiting list: offer on what became free, let lapse what is over."""

from typing import TYPE_CHECKING

from praxisd.kernel import job_plan, jobs
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.store import Tx
from praxisd.services.calendar import rounds, settling, waiting, waiting_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.jobs import RunContext

NAME = "calendar.waiting"
_STEPS = 20
"""Rounds that become due while we work are looked at in the same run, at most so often."""


def run(run: "RunContext") -> None:
    """Every round that is due goes on; entries whose last day is over leave. Conflicts with holds are looked at again."""
    house = run.house
    with house.store.read(run.actor) as tx:
        over, held = waiting.overdue(house, tx), settling.with_holds(tx)
    if over:
        house.store.run(run.actor, lambda tx: waiting.expire(house, tx))
    if held:
        house.store.run(run.actor, lambda tx: settling.holds_lapsed(house, tx))
    totals = {"offers": 0, "ended": 0}
    for _ in range(_STEPS):
        counts = rounds.step(house, run.actor, lambda: run.cancelled)
        for name, count in counts.items():
            totals[name] += count
        if run.cancelled or not any(counts.values()):
            break
    run.checkpoint(left=len(over), offers=totals["offers"], ended=totals["ended"])


def something_freed(house: "House", tx: Tx, _event: Event) -> None:
    """What became free does not wait for the next planned run. Idempotent."""
    if not waiting_store.due(tx, 1):
        return
    try:
        enabled = jobs.get_job(house, tx, NAME).enabled
    except Problem:
        return  # this practice has no jobs yet
    if enabled:
        job_plan.soon(tx, NAME)
