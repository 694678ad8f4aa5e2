"""The locks of one session: taken, waited for, switched, given back, and what became of them over a break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from praxisd_client.connection import Connection
from praxisd_client.errors import LockLost, Problem, SeatError, Unreachable, problem
from praxisd_client.link import Told
from praxisd_client.lock import Lock
from praxisd_client.watch import Watchers
from praxisd_client.words import Loss, Reason, elapsed

ROUNDED_S = 1.0
"""The server counts whole seconds: a lock of 30 may end after 29 and a bit."""
RELEASE_S = 5.0


class Locks:
    """All that this session holds or waits for. One record is held once, also inside of one program."""

    def __init__(self, connection: Connection, watchers: Watchers) -> None:
        self._connection = connection
        self._watchers = watchers
        self._mine: dict[str, Lock | None] = {}
        """By record; None while it is being taken."""
        self._grants: dict[str, asyncio.Future[Told]] = {}
        self._owed: dict[tuple[str, int], None] = {}
        """Given back here, and the server may not know it yet."""
        self._switching: dict[str, str] = {}
        self._freed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what is asked of it ---------------------------------------------------------------------------------------------

    async def acquire(self, record: str, wait: bool, timeout: float | None, patience: float) -> Lock:
        """See `Seat.lock`."""
        deadline = None if timeout is None else elapsed() + timeout
        async with self._place(record, wait, deadline):
            if not wait:
                return await self._ask_lock({"type": "lock", "record": record}, record, patience)
            return await self._wait(record, deadline, patience)

    async def take(self, record: str, reason: Reason, patience: float) -> Lock:
        """See `Seat.take`."""
        async with self._place(record, False, None):
            asked: Told = {"type": "take", "record": record, "reason": reason}
            return await self._ask_lock(asked, record, patience)

    async def release(self, lock: Lock) -> None:
        """See `Lock.release`."""
        if lock.released or lock.loss is not None:
            return
        lock.released = True
        self._drop(lock)
        await self._give_back(lock.record, lock.fence)

    async def switch(self, lock: Lock, record: str, patience: float = 15.0) -> None:
        """See `Lock.switch`."""
        lock.check()
        before = lock.record
        async with self._place(record, False, None):
            self._switching[before] = record
            asked: Told = {"type": "switch", "from": before, "fence": lock.fence, "record": record}
            asked_at = elapsed()
            try:
                told = await self._connection.ask(asked, patience, lambda welcome: _found(welcome, record))
            except LockLost as lost:
                self.lost(Loss(before, lock.fence, lost.why or "expired", None, lost.by))
                raise
            finally:
                self._switching.pop(before, None)
            self._mine.pop(before, None)
            lock.record, lock.fence = record, int(told["lock"]["fence"])
            lock.sure_until = asked_at + self._connection.interval - ROUNDED_S
            self._mine[record] = lock
            self._pulse()

    def held(self) -> dict[str, int]:
        """Fences by record."""
        return {record: lock.fence for record, lock in self._mine.items() if lock is not None}

    def waiting(self) -> tuple[str, ...]:
        """Records that are waited for."""
        return tuple(self._grants)

    def holds(self) -> list[dict[str, Any]]:
        """What this session believes to hold, as `here` says it."""
        return [{"record": record, "fence": fence} for record, fence in self.held().items()]

    # --- inside ----------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _place(self, record: str, wait: bool, deadline: float | None) -> AsyncIterator[None]:
        """This record's place in the program, kept while it is being taken; given up where that fails."""
        while record in self._mine:
            if not wait:
                raise problem("seats.locked", retry=True, parameters={"own": True})
            self._freed.clear()
            try:
                left = None if deadline is None else max(0.0, deadline - elapsed())
                await asyncio.wait_for(self._freed.wait(), left)
            except TimeoutError:
                raise problem("seats.locked", retry=True, parameters={"own": True}) from None
        self._mine[record] = None
        try:
            yield
        except asyncio.CancelledError:
            self._later(self._unwait(record))  # it may have been granted in this very moment
            raise
        finally:
            if self._mine.get(record, False) is None:
                del self._mine[record]
                self._pulse()

    async def _ask_lock(self, asked: Told, record: str, patience: float) -> Lock:
        asked_at = elapsed()
        told = await self._connection.ask(asked, patience, lambda welcome: _found(welcome, record))
        return self._held(told["lock"], asked_at)

    async def _wait(self, record: str, deadline: float | None, patience: float) -> Lock:
        granted: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._grants[record] = granted
        asked_at = elapsed()
        try:
            asked = {"type": "lock", "record": record, "wait": True}
            told = await self._connection.ask(asked, patience, lambda welcome: _found(welcome, record))
            if "lock" in told:
                return self._held(told["lock"], asked_at)
            left = None if deadline is None else max(0.0, deadline - elapsed())
            lock = self._held(await asyncio.wait_for(granted, left), 0.0)
            self._connection.beat_now()  # the grant may have come late: a beat makes it sure
            return lock
        except TimeoutError:
            self._grants.pop(record, None)
            await self._connection.ask({"type": "unwait", "record": record}, patience)
            return await self._ask_lock(
                {"type": "lock", "record": record}, record, patience
            )  # says who holds it
        except asyncio.CancelledError:
            granted.cancel()
            raise
        finally:
            self._grants.pop(record, None)

    async def _unwait(self, record: str) -> None:
        try:
            told = await self._connection.ask({"type": "unwait", "record": record}, RELEASE_S)
            if "lock" in told:
                self.stray(told["lock"])
        except SeatError:
            return

    def _held(self, told: Told, asked_at: float) -> Lock:
        record, fence = str(told["record"]), int(told["fence"])
        self._owed.pop((record, fence), None)
        lock = Lock(self, record, fence, asked_at + self._connection.interval - ROUNDED_S)
        self._mine[record] = lock
        return lock

    async def _give_back(self, record: str, fence: int) -> None:
        self._owed[record, fence] = None
        if not self._connection.up.is_set():
            return  # `welcomed` does it
        try:
            asked: Told = {"type": "release", "record": record, "fence": fence}
            await self._connection.ask(asked, RELEASE_S)
        except Unreachable:
            return
        except Problem as refusal:
            if refusal.retry:
                return
        self._owed.pop((record, fence), None)

    def _drop(self, lock: Lock) -> None:
        if self._mine.get(lock.record) is lock:
            del self._mine[lock.record]
            self._pulse()

    def _pulse(self) -> None:
        self._freed.set()

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what the server says --------------------------------------------------------------------------------------------

    def welcomed(self, welcome: Told, asked_at: float) -> None:
        """The server knows the session again: what it still holds, what it lost, what is left over."""
        for told in welcome.get("lost", ()):
            self.lost(Loss.of(told), coming_back=True)
        there = {str(one["record"]): int(one["fence"]) for one in welcome.get("locks", ())}
        for record, lock in list(self._mine.items()):
            if lock is None:
                continue
            if there.get(record) == lock.fence:
                lock.sure_until = asked_at + int(welcome["interval"]) - ROUNDED_S
            elif record not in self._switching:
                self.lost(Loss(record, lock.fence, "expired"))
        for record, fence in there.items():
            if record not in self._mine and record not in self._switching.values():
                self._owed[record, fence] = None
        for record, fence in list(self._owed):
            self._later(self._later_release(record, fence))
        for record in self._grants:
            self._later(self._wait_again(record))

    async def _later_release(self, record: str, fence: int) -> None:
        await asyncio.sleep(0)  # until the connection is up
        await self._give_back(record, fence)

    async def _wait_again(self, record: str) -> None:
        await asyncio.sleep(0)
        try:
            told = await self._connection.ask({"type": "lock", "record": record, "wait": True}, RELEASE_S)
        except SeatError as error:
            future = self._grants.get(record)
            if isinstance(error, Problem) and not error.retry and future is not None and not future.done():
                future.set_exception(error)
            return
        if "lock" in told:
            self.granted(told["lock"])

    def renewed(self, asked_at: float, seconds: int) -> None:
        """A beat was answered: all that is held is good for so long from then on."""
        for lock in self._mine.values():
            if lock is not None:
                lock.sure_until = asked_at + seconds - ROUNDED_S

    def shortened(self, seconds: int) -> None:
        """The interval is another one: nothing is sure for longer than that from now on."""
        for lock in self._mine.values():
            if lock is not None:
                lock.sure_until = min(lock.sure_until, elapsed() + seconds - ROUNDED_S)

    def granted(self, told: Told) -> None:
        """What was waited for has come; given back where nobody waits any more."""
        record = str(told["record"])
        future = self._grants.get(record)
        if future is None:
            self.stray(told)
        elif not future.done():
            future.set_result(told)
        elif future.cancelled():
            self._later(self._give_back(record, int(told["fence"])))

    def stray(self, told: Told) -> None:
        """A lock that came too late for whoever wanted it."""
        record, fence = str(told["record"]), int(told["fence"])
        if record not in self._mine:
            self._later(self._give_back(record, fence))

    def lost(self, loss: Loss, *, coming_back: bool = False) -> None:
        """A lock is no longer ours."""
        lock = self._mine.get(loss.record)
        if lock is None or lock.fence != loss.fence:
            return
        if coming_back and loss.record in self._switching:
            return  # the switch was done, and its answer lost: `switch` finds out
        lock.loss = loss
        self._drop(lock)
        lock.lost.set()
        self._watchers.tell("lost", lock, loss)

    def all_over(self, why: str) -> None:
        """The session has ended."""
        for record, lock in list(self._mine.items()):
            if lock is not None:
                self.lost(Loss(record, lock.fence, why))
        for future in self._grants.values():
            if not future.done():
                future.set_exception(self._connection.fatal or Unreachable("the seat is closed"))


def _found(welcome: Told, record: str) -> Told | None:
    """The lock of a record among those the session has, as the answer that was lost on the way."""
    for lock in welcome.get("locks", ()):
        if lock["record"] == record:
            return {"lock": lock}
    return None
