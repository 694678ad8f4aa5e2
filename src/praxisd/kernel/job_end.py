"""How runs end: the outcome, what waits for it, and the run each free thread goes on with, in one transaction.

Threads that end in the same moment share it: whoever comes first writes for all that have come meanwhile, so that a
queue of short runs costs a commit for several of them. Each outcome stands for itself: one whose lease was lost does not
touch the others.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel import job_claim
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import system
from praxisd.kernel.engines import Conflict, Violation
from praxisd.kernel.job_run import LeaseLost, RunContext
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class _Ended:
    """A run that a thread has done. `state` None: it is no longer ours, and nothing is to be written."""

    __slots__ = ("code", "following", "run", "state", "written")

    def __init__(self, run: RunContext, state: str | None, code: str | None) -> None:
        self.run, self.state, self.code = run, state, code
        self.following: RunContext | None = None
        self.written = False


class Ends:
    """Writes the outcomes of a node's runs. `swap(gone, come)` tells who is at work from now on, at once for all."""

    def __init__(
        self,
        house: "House",
        swap: Callable[[Sequence[RunContext], Sequence[RunContext]], None],
        open_: Callable[[], bool],
    ) -> None:
        self._house, self._swap, self._open = house, swap, open_
        self._waiting: list[_Ended] = []
        self._gate = threading.Lock()
        self._turn = threading.Lock()

    def leave(self, run: RunContext, state: str | None, code: str | None) -> RunContext | None:
        """Write the outcome of a run; the run that this thread goes on with, if one waits and may run."""
        mine = _Ended(run, state, code)
        with self._gate:
            self._waiting.append(mine)
        with self._turn:
            if not mine.written:
                with self._gate:
                    batch, self._waiting = self._waiting, []
                self._write(batch)
        return mine.following

    def _write(self, batch: Sequence[_Ended]) -> None:
        store, lost, taken = self._house.store, set[str](), list[RunContext]()
        try:
            try:
                lost, taken = store.run(system("jobs"), partial(self._work, batch, True))
            except (Violation, Conflict):  # another node was claiming in this moment: the ends must stand
                lost, _ = store.run(system("jobs"), partial(self._work, batch, False))
        except (
            Exception
        ) as error:  # the database is away: the leases lapse and the runs go on from their cursors
            for one in batch:
                self._house.log.error("run_end_failed", job=one.run.job, run=one.run.id, error=error)
        for one in batch:
            if one.run.id in lost:
                run = one.run
                self._house.log.warning("run_lost", job=run.job, run=run.id, fence=run.fence)
        for one, following in zip(batch, taken, strict=False):
            one.following = following
        self._swap([one.run for one in batch], taken)
        for one in batch:
            one.written = True

    def _work(self, batch: Sequence[_Ended], go_on: bool, tx: Tx) -> tuple[set[str], list[RunContext]]:
        """Ids of the runs that had been taken over, and the runs that were claimed for the free threads."""
        lost = set()
        for one in batch:
            try:
                if one.state is not None:
                    one.run.finish(tx, one.state, one.code)
            except LeaseLost:
                lost.add(one.run.id)
        tx.actor = system("jobs")
        tx.organization = tx.actor.organization
        if not go_on or not self._open():
            return lost, []
        found = tx.all(rows.CLAIMABLE)
        return lost, job_claim.claim(self._house, tx, found, len(batch)) if found else []
