"""What is done at night. A job works in small pieces: piece and checkpoint in one transaction, so nothing is done twice."""

from praxisd.kernel.jobs import RunContext
from praxisd_fridge import store


def tidy(run: RunContext) -> None:
    """Delete readings that have been kept long enough. Counts `forgotten`."""
    with run.read() as tx:
        before = tx.now - run.house.settings.get(tx, "fridge.keep_days") * 86_400
    gone = 1
    while gone:
        run.stop_if_asked()
        with run.write() as tx:
            gone = store.forget(tx, before)
            run.checkpoint(tx=tx, forgotten=gone)
