"""One run at work: claimed with a fence, kept by a heartbeat, saved at checkpoints, ended once.

Whoever finds that the fence has moved on has lost the run and stops without writing (SPEC 4.6).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, schedule
from praxisd.kernel import job_store as rows
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.job_plan import start_now
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PROGRESS_S = 1.0
"""How often at most a run writes down how far it is. Seconds."""


class LeaseLost(Exception):
    """Another node has taken the run over: stop at once, nothing more of this attempt may be written."""


class Cancelled(Exception):
    """A person cancelled the run."""


class Interrupted(Exception):
    """The server is stopping; the run goes on from its cursor at the next start."""


class RunContext:
    """What a job's function gets. Returning from the function means that the work is done.

    A long job works in small items: do the item and `checkpoint(tx=tx, cursor=...)` in one transaction, so
    that effect and cursor commit together and a taken-over run repeats nothing. `cursor` is any JSON value,
    None at
    first. `counts` are numbers shown in the run log; a checkpoint *adds* to them.
    """

    def __init__(self, house: "House", row: Any) -> None:
        self.house = house
        self.id: str = row.id
        self.job: str = row.job
        self.organization: str = row.organization
        self.due_at: int = row.due_at
        self.attempt: int = row.attempt
        self.triggered_by: str = row.triggered_by
        self.fence: int = row.fence
        self.cursor: Any = msgspec.json.decode(row.cursor)
        self.counts: dict[str, int] = msgspec.json.decode(row.counts, type=dict[str, int])
        self.actor = Actor(Kind.JOB, row.job, row.organization, everything=True, run=row.id)
        self.said: str | None = None
        self._staged: tuple[Tx, Any, dict[str, int]] | None = None
        self._told: tuple[float, int, int] | None = None
        self._asked = False
        self._stopping = False
        self._lost = False

    @property
    def cancelled(self) -> bool:
        """True when the run should stop: cancelled, server stopping, or taken over. Then call
        `stop_if_asked`.
        """
        return self._asked or self._stopping or self._lost

    def stop_if_asked(self) -> None:
        """Leave the job here if it should stop; what is saved so far is kept."""
        if self._lost:
            raise LeaseLost
        if self._asked:
            raise Cancelled
        if self._stopping:
            raise Interrupted

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A read-only view as the job."""
        with self.house.store.read(self.actor) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One short write transaction as the job."""
        with self.house.store.write(self.actor) as tx:
            yield tx

    def checkpoint(self, cursor: Any = None, *, tx: Tx | None = None, **counts: int) -> None:
        """Save how far the run is: in `tx` together with the effect, else in a transaction of its own.

        A `cursor` of None keeps the one that is there. Raises LeaseLost when the run was taken over (a given
        transaction is then rolled back by it), and Cancelled or Interrupted when it should stop: in a given
        transaction before anything is saved, else afterwards.
        """
        if tx is not None:
            self.stop_if_asked()
            self._save(tx, cursor, counts)
            return
        self.house.store.run(self.actor, lambda own: self._save(own, cursor, counts))
        self.stop_if_asked()

    def _save(self, tx: Tx, cursor: Any, counts: dict[str, int]) -> None:
        staged = self._staged
        before = staged[1:] if staged is not None and staged[0] is tx else (self.cursor, self.counts)
        new_cursor = before[0] if cursor is None else cursor
        new_counts = _added(before[1], counts)
        held = tx.all(
            rows.CHECKPOINT,
            id=self.id,
            its_fence=self.fence,
            organization=self.organization,
            new_cursor=msgspec.json.encode(new_cursor).decode(),
            new_counts=msgspec.json.encode(new_counts).decode(),
            until=tx.lease_now() + self.house.config.job_lease_s,
        )
        if not held:
            self._lost = True
            raise LeaseLost
        self._staged = (tx, new_cursor, new_counts)

        def keep() -> None:
            self.cursor, self.counts = new_cursor, new_counts
            self._asked = self._asked or bool(held[0].cancel_requested)

        tx.after(keep)

    def say(self, code: str) -> None:
        """What a run that ends well tells people with its outcome: a declared code, such as that a switch is off.

        The last one counts. A failure has the code of its own reason.
        """
        if code not in self.house.registry.problems:
            raise ValueError(f"{code!r} is declared by no service")
        self.said = code

    def progress(self, done: int, total: int) -> None:
        """Tell people how far the run is: `done` of `total` items. Call it as often as you like, outside of transactions.

        Written down at most once a second (and at the end), and no event: whoever listens is woken and looks.
        """
        now = self.house.clock.monotonic()
        last = self._told
        if last is not None:
            soon = now - last[0] < PROGRESS_S and done < total
            if soon or last[1:] == (done, total):
                return
        self._told = (now, done, total)

        def write(tx: Tx) -> None:
            tx.run(rows.PROGRESS, id=self.id, its_fence=self.fence, done=done, total=total)
            tx.notify()

        self.house.store.run(self.actor, write)
        self.house.wake.signal()

    def heartbeat(self, tx: Tx) -> None:
        """Stay the owner for another lease, and hear whether a person cancelled the run."""
        until = tx.lease_now() + self.house.config.job_lease_s
        held = tx.all(
            rows.HEARTBEAT, id=self.id, its_fence=self.fence, organization=self.organization, until=until
        )
        if not held:
            self._lost = True
        elif held[0].cancel_requested:
            self._asked = True

    def stop(self) -> None:
        """The server is stopping: the job leaves at its next checkpoint."""
        self._stopping = True

    def finish(self, tx: Tx, state: str, code: str | None) -> None:
        """Write the outcome (success, failed, cancelled, interrupted) in `tx` and start what waits for it.

        LeaseLost when the run was taken over: then its outcome is another's to write, and nothing is.
        """
        tx.actor, tx.organization = self.actor, self.organization
        done = tx.run(
            rows.END,
            id=self.id,
            its_fence=self.fence,
            new_state=state,
            ended=None if state == "interrupted" else tx.now,
            new_counts=msgspec.json.encode(self.counts).decode(),
            new_code=code or (self.said if state == "success" else None),
        )
        if done != 1:
            raise LeaseLost
        note_end(tx, self.id, self.job, state, code)
        if state == "success":
            chain(self.house, tx, self.job)


def _added(old: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {**old, **{name: old.get(name, 0) + number for name, number in more.items()}}


def note_end(tx: Tx, id_: str, job: str, state: str, code: str | None) -> None:
    """The event of a run that ended or was interrupted."""
    kind = {"failed": "run.failed", "interrupted": "run.interrupted"}.get(state, "run.finished")
    events.note(tx, kind, "Run", id_, job=job, state=state, code=code)


def chain(house: "House", tx: Tx, ended: str) -> None:
    """Start the jobs of this organization whose plan is "after `ended`"; only a success starts them.

    The one before has prepared what the next one works on, so after a failure the next one has nothing to
    do; the
    failure is shown, and the following run of the first job starts the chain again. A run of the next one that has yet to
    begin or to go on will find the work; one that is running may have looked for the last time, and gets one behind it.
    """
    for row in tx.all(rows.WAITING_JOBS):
        plan = schedule.from_json(row.plan)
        waits = isinstance(plan, schedule.After) and plan.job == ended
        if not waits or row.name not in house.registry.jobs:
            continue
        if all(one.state == "running" for one in tx.all(rows.OPEN_RUNS, job=row.name)):
            start_now(tx, row.name, f"after:{ended}")
