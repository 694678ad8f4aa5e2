"""Running the install engine in a thread, with the keeper's hands (see `keeper_host`)."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from praxisd_guard import install, recover, watch
from praxisd_guard.keeper_host import Ending, Failure
from praxisd_guard.keeper_server import Hands, Why
from praxisd_guard.keeper_threads import beside
from praxisd_guard.orders import Order

T = TypeVar("T")
_AGAIN_S = 0.5


class ThreadHost:
    """`Host` for the engine's thread: each call is a coroutine on the loop, whose result the thread waits for."""

    def __init__(self, hands: Hands, lock: asyncio.Lock, by: str | None) -> None:
        self._hands = hands
        self._lock = lock
        self._by = by
        self._loop = asyncio.get_running_loop()

    def busy(self) -> list[str]:
        """See Host."""
        until = time.monotonic() + self._hands.limits.unanswered_s
        while True:
            child = self._hands.child
            self._on_loop(self._look())
            found = [] if child is None else watch.busy(self._hands.told.data, child.pid)
            if found is not None or time.monotonic() >= until:
                return found or []
            self.pause(_AGAIN_S)  # it runs and does not answer: it may be in the middle of something

    def pause(self, seconds: float) -> None:
        """See Host."""
        self._on_loop(self._pause(seconds))

    def stop(self) -> None:
        """See Host. From here on the engine has the server until it is done."""
        self._on_loop(self._stop())

    def start(self, reason: str) -> Failure | None:
        """See Host."""
        return self._on_loop(self._start(reason))

    def healthy(self, version: str) -> Failure | None:
        """See Host."""
        return self._on_loop(self._hands.healthy(version))

    def step(self, order: str | None, step: str) -> None:
        """See Host."""
        with suppress(RuntimeError):
            asyncio.run_coroutine_threadsafe(self._step(order, step), self._loop).result()

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _look(self) -> None:
        if self._hands.ending.done():
            raise Ending

    async def _pause(self, seconds: float) -> None:
        await asyncio.wait({self._hands.ending}, timeout=seconds)
        await self._look()

    async def _stop(self) -> None:
        await self._look()
        async with self._lock:  # the keeper may be at starting it again just now
            await self._look()
            self._hands.updating = True
            await self._hands.stop()
            await self._hands.open()

    async def _start(self, reason: str) -> Failure | None:
        self._hands.updating = True
        if self._hands.child is not None:
            await self._hands.stop()
        return await self._hands.start(Why(reason, by=self._by))

    async def _step(self, order: str | None, step: str) -> None:
        self._hands.state.change(order=order, step=step or None)


class Engine:
    """One order, or the recovery of one, on its way."""

    def __init__(self, hands: Hands, lock: asyncio.Lock) -> None:
        self._hands = hands
        self._lock = lock
        self._task: asyncio.Task[Any] | None = None

    @property
    def runs(self) -> bool:
        """True from `begin` until `settled` was told."""
        return self._task is not None

    @property
    def has_server(self) -> bool:
        """True while only the engine may touch the server."""
        return self.runs and self._hands.updating

    @property
    def done(self) -> bool:
        """True when `settled` has something to tell."""
        return self._task is not None and self._task.done()

    def begin(self, home: Path, order: Order) -> None:
        """Start carrying out an order of kind install or switch_back."""
        host = ThreadHost(self._hands, self._lock, order.by)
        self._task = asyncio.create_task(self._run(lambda: install.run(home, order, host)))

    async def recover(self, home: Path) -> bool:
        """Settle what an earlier guard left; True when a server runs now. Raises Ending."""
        host = ThreadHost(self._hands, self._lock, None)
        self._task = asyncio.create_task(self._run(lambda: recover.run(home, host)))
        waits: set[asyncio.Future[Any]] = {self._task, self._hands.ending}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not self._task.done():
            raise Ending
        return bool(self.settled())

    def settled(self) -> Any:
        """Take the result of what is done, once. Raises what the engine raised."""
        task, self._task = self._task, None
        self._hands.updating = False
        self._hands.state.change(order=None, step=None)
        return None if task is None else task.result()

    async def end(self, limit_s: float) -> None:
        """The guard ends: wait until the step that must not be cut is done, but no longer than `limit_s`."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=limit_s)

    async def _run(self, call: Callable[[], Any]) -> Any:
        return await beside(call)
