"""What a run has come to, written down: each step, its progress at most once a second, its end once.

Whoever works at a run holds the lease of the backups; its fence stands in the run. Who finds another one there has lost it and
writes nothing more.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.model.backup_kept import RunKept, RunState
from praxisd.services.backups import store
from praxisd.services.backups.engine import Named

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

SYSTEM = system("backups", INSTALLATION)
STOPPED = "backups.run_stopped"
STOPPED_RESTORE, STOPPED_READING = "backups.run_stopped_restore", "backups.run_stopped_reading"
"""The words for it where no backup was stopped."""
"""A person ended it."""
EVERY_S = 1.0
_NAMED = 1000
_EVENTS = {"good": "backup.finished", "warning": "backup.warned", "interrupted": "backup.interrupted"}


class Lost(Exception):
    """Another node works at this run now: stop at once, and write nothing."""


def put(tx: "Tx", run: RunKept) -> RunKept:
    """Keep it."""
    store.RUN.put(tx, run.id, run, at=run.asked, kind=run.kind, state=run.state)
    return run


def close(tx: "Tx", run: RunKept, state: RunState, code: str, detail: str = "") -> RunKept:
    """The end of a run at which nobody works."""
    ended = msgspec.structs.replace(run, state=state, code=code, detail=detail, ended=tx.now, step="")
    note(tx, ended)
    return put(tx, ended)


def note(tx: "Tx", run: RunKept) -> None:
    """The event of an end: kind, job, state and code; no names of files or media."""
    name = _EVENTS.get(run.state, "backup.failed")
    events.note(tx, name, "BackupRun", run.id, kind=run.kind, job=run.job or "", code=run.code)


def named(found: Sequence[Named]) -> tuple[tuple[str, str], ...]:
    """Files as they are kept: at most a thousand, bytes that are no text as escapes."""
    return tuple((printed(one.path), one.code) for one in found[:_NAMED])


def printed(path: str) -> str:
    """A path as text: bytes that are no UTF-8 as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


class Recorder:
    """Writes one run, as its owner. `run` is what it last wrote."""

    def __init__(self, house: "House", run: RunKept, fence: int) -> None:
        self.house = house
        self.run = run
        self._fence = fence
        self._told = time.monotonic()

    def step(self, name: str) -> None:
        """The next step has begun; nothing of it is done."""
        self.change(step=name, done=0, whole=0)

    def progress(self, done: int, whole: int) -> None:
        """How far the step is. Call it as often as you like, outside of transactions."""
        now = time.monotonic()
        if now - self._told < EVERY_S or (done, whole) == (self.run.done, self.run.whole):
            return
        self.change(done=done, whole=max(whole, 0))

    def facts(self, **more: Any) -> None:
        """Add to what is known of it."""
        self.change(facts={**self.run.facts, **more})

    def change(self, **fields: Any) -> RunKept:
        """Write these fields. Lost if the run is another's now."""
        self._told = time.monotonic()

        def work(tx: "Tx") -> RunKept:
            self.mine(tx)
            return put(tx, msgspec.structs.replace(self.run, heard=tx.now, **fields))

        self.run = self.house.store.run(SYSTEM, work)
        return self.run

    def mine(self, tx: "Tx") -> None:
        """Lost unless it is still ours to write."""
        now = store.RUN.get(tx, self.run.id)
        if now is None or now.state != "running" or now.facts.get("fence") != self._fence:
            raise Lost

    def end(self, tx: "Tx", **fields: Any) -> RunKept:
        """Its end, in `tx` together with what follows from it."""
        self.mine(tx)
        ended = msgspec.structs.replace(self.run, ended=tx.now, heard=tx.now, step="", **fields)
        note(tx, ended)
        self.run = put(tx, ended)
        return ended
