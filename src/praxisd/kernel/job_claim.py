"""Who works at which run: runs that wait are claimed with a fence, runs whose runner is gone are given back.

What decides is the database: one running run per job, the fence, and a lock under which nodes look at what else runs.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.job_plan import CHUNK, pass_over
from praxisd.kernel.job_run import RunContext, note_end
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ATTEMPTS = 5
"""A run whose runner died this often is given up (`jobs.gave_up`): it may be what kills the process."""
CLAIM_LOCK = 0x7072_636C
"""Advisory lock under which runs are claimed, so that what may run beside what is looked at by one node at
a time.
"""


def claim(house: "House", tx: Tx, candidates: Iterable[Any], room: int) -> list[RunContext]:
    """Take up to `room` of the candidates (rows of CLAIMABLE) that may run now, in the order given; none while another
    node is choosing.
    """
    if not tx.try_lock(CLAIM_LOCK):
        return []
    running = [(one.organization, one.job) for one in tx.all(rows.RUNNING)]
    until = tx.lease_now() + house.config.job_lease_s
    own = tx.organization
    found: list[RunContext] = []
    for one in candidates:
        if len(found) >= room:
            break
        if one.job not in house.registry.jobs or not _may_run(house, one, running):
            continue
        tx.organization = one.organization
        if one.cancel_requested:
            row = tx.first(rows.LOCK_RUN, id=one.id)
            if row is not None and row.state in ("waiting", "interrupted"):
                close(tx, row, "cancelled", None)
            continue
        run = _wanted(tx, one)
        if run is None:
            continue
        taken = tx.all(rows.CLAIM, id=run.id, its_fence=run.fence, who=house.node, until=until, now=tx.now)
        if taken:
            running.append((one.organization, one.job))
            found.append(RunContext(house, taken[0]))
    tx.organization = own
    return found


def lapsed(house: "House", row: Any, now: int) -> bool:
    """True if the run's owner is gone: no sign of life for a lease, or from before this process' start on
    SQLite.
    """
    return row.lease_until <= now or (house.store.alone and row.owner != house.node)


def give_back(house: "House", tx: Tx, id_: str) -> bool:
    """Interrupt a run whose owner is gone, in its organization's transaction: it goes on from its saved cursor when it
    is claimed again. False if it is not so.
    """
    row = tx.first(rows.LOCK_RUN, id=id_)
    if row is None or row.state != "running" or not lapsed(house, row, tx.lease_now()):
        return False
    if row.cancel_requested:
        return close(tx, row, "cancelled", None)
    if row.attempt >= ATTEMPTS:
        return close(tx, row, "failed", "jobs.gave_up")
    return close(tx, row, "interrupted", None)


def close(tx: Tx, row: Any, state: str, code: str | None) -> bool:
    """Change the state of a run that nobody works on; False if it changed meanwhile."""
    done = tx.run(
        rows.CLOSE,
        id=row.id,
        its_fence=row.fence,
        old_state=row.state,
        new_state=state,
        ended=None if state == "interrupted" else tx.now,
        new_code=code,
    )
    if done == 1:
        note_end(tx, row.id, row.job, state, code)
    return done == 1


def _wanted(tx: Tx, first: Any) -> Any:
    """The run, or where its job's policy does not want it any more the next one of the job that is wanted; None if none is."""
    if not pass_over(tx, first):
        return first
    passed, found = 1, None
    for one in tx.all(rows.OPEN_RUNS, job=first.job)[:CHUNK]:
        if not pass_over(tx, one):
            found = one
            break
        passed += 1
    events.note(tx, "run.missed", "Job", first.job, count=passed)
    return found


def _may_run(house: "House", row: Any, running: Iterable[tuple[str, str]]) -> bool:
    """True if nothing runs now in this organization that the job, or the other one, may not have beside it.

    `JobType.beside` empty: beside anything but itself. Else only beside the jobs it names.
    """
    mine = house.registry.jobs[row.job].beside
    for organization, job in running:
        if (organization, job) == (row.organization, row.job):
            return False
        theirs = house.registry.jobs[job].beside if job in house.registry.jobs else ()
        near = organization in (row.organization, INSTALLATION) or row.organization == INSTALLATION
        if near and ((mine and job not in mine) or (theirs and row.job not in theirs)):
            return False
    return True
