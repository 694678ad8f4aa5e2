"""Background work of the booking desk: sources are read, proposals that nobody answered lapse, old texts are emptied."""

from functools import partial

from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import JobType
from praxisd.kernel.store import Tx
from praxisd.services.portals import deciding, desk_keeping, requests_store, sources_reading, sources_store

NAME = "portals.desk"


def run(ctx: RunContext) -> None:
    """Read every active source, then let lapse what is over, then empty what is old. Counts also `emptied`."""
    with ctx.read() as tx:
        found = sources_store.to_read(tx)
    for source in found:
        ctx.stop_if_asked()
        counts = sources_reading.read(ctx.house, ctx.actor, source, ctx.stop_if_asked)
        ctx.checkpoint(taken=counts["taken"], stuck=counts["stuck"])
    while True:
        with ctx.read() as tx:
            lapsed = requests_store.lapsed(tx)
        done = sum(ctx.house.store.run(ctx.actor, partial(_expire, ctx, id_)) for id_ in lapsed)
        ctx.checkpoint(expired=done)
        if not done:
            break
    desk_keeping.run(ctx)


def _expire(ctx: RunContext, id_: str, tx: Tx) -> int:
    """1 if the proposal lapsed now; 0 where the patient was quicker."""
    request = requests_store.lock(tx, id_)
    if request is None or request.state != "asked" or (request.until or 0) > tx.now:
        return 0
    deciding.expire(ctx.house, tx, request)
    return 1


JOBS = (JobType(NAME, run, Daily(Repeat(5, "00:00", "23:55")), enabled=True, missed="once"),)
