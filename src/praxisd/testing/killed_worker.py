"""A process to be killed: `python -m praxisd.testing.killed_worker <database url> <folder>` works at one
slow job.

It prints the number of each item once that is committed. Its twin in the test takes over what it leaves.
"""

import sys
import time
from pathlib import Path

from praxisd.kernel import events
from praxisd.kernel.app import open_house
from praxisd.kernel.config import Config
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.job_worker import Worker
from praxisd.kernel.registry import Registry
from praxisd.testing.trials import job, with_jobs

JOB = "trial.items"
ITEMS = 40


def items(run: RunContext) -> None:
    """Note an event for each item, in one transaction with the cursor; slow in its first attempt."""
    for item in range((run.cursor or 0) + 1, ITEMS + 1):
        with run.write() as tx:
            events.note(tx, "job.changed", "Item", str(item))
            run.checkpoint(item, tx=tx, items=1)
        print(item, flush=True)
        time.sleep(0.05 if run.attempt == 1 else 0)


def registry() -> Registry:
    """The kernel and the one job, which only runs when it is started by hand."""
    return with_jobs(job(JOB, items, enabled=False))


def main(url: str, folder: str) -> None:
    """Work until someone ends the process."""
    house = open_house(Path(folder), registry(), Config(database_url=url))
    worker = Worker(house)
    while True:
        worker.step()
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
