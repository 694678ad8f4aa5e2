"""The runner's loop: a thread of its own that carries the agent, the guests' TLS and the calls from outside.

Everything of asyncio in this room happens here; `runner` speaks with it from other threads. A loop that ends, whatever
from, is replaced by the next call of `ready`.
"""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from praxisd.services.relay import probe as probes
from praxisd.services.relay.linking import Probe
from praxisd.services.relay.runner_shown import ProbeClock
from praxisd_relay.agent import Agent
from praxisd_relay.agent_rules import State

if TYPE_CHECKING:
    from praxisd.kernel.app import House

T = TypeVar("T")
END_S = 2.0
PROBE_S = 8.0
"""So long a call from outside may take."""


class Thread:
    """A loop in a thread; uvloop where there is one."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Is the loop running?"""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, if it does not run."""
        if self.alive:
            return
        loop, started = _new_loop(), threading.Event()
        loop.set_exception_handler(self._unhandled)
        self._thread = threading.Thread(
            target=self._turn, args=(loop, started), name="praxisd-link", daemon=True
        )
        self._thread.start()
        started.wait()
        self._loop = loop

    def _turn(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(started.set)
        try:
            loop.run_forever()
        except BaseException as error:  # of a callback: the next look starts another loop
            self._house.log.error("loop_failed", where="relay.link", error=error)
        finally:
            started.set()
            with suppress(Exception):
                loop.run_until_complete(_end_tasks())
            loop.close()

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._house.log.error("loop_failed", where="relay.link", error=error)

    def post(self, call: Callable[..., object], *args: object) -> None:
        """Have the loop call it; nothing where there is none."""
        loop = self._loop
        if loop is not None and self.alive:
            try:
                loop.call_soon_threadsafe(call, *args)
            except RuntimeError:
                return  # it ended in this moment

    def run(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """The coroutine's result or exception; TimeoutError after `within_s` seconds or where no loop runs."""
        loop = self._loop
        if loop is None or not self.alive:
            work.close()
            raise TimeoutError
        try:
            future = asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError:
            work.close()
            raise TimeoutError from None
        try:
            return future.result(within_s)
        except concurrent.futures.CancelledError:
            raise TimeoutError from None
        finally:
            future.cancel()

    def stop(self) -> None:
        """End the loop and its thread."""
        self.post(self._halt)
        if self._thread is not None:
            self._thread.join(END_S)

    def _halt(self) -> None:
        if self._loop is not None:
            self._loop.stop()


async def _end_tasks() -> None:
    """What still runs is cancelled, so that links and sockets are closed and not merely forgotten."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=END_S)
    await asyncio.sleep(0)  # what closes does so in the next turn


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class Carried:
    """One agent on the loop, and the calls from outside that go with it. Methods with `_` run on the loop only."""

    def __init__(
        self, house: "House", thread: Thread, agent: Agent, pins: Callable[[], tuple[str, ...]]
    ) -> None:
        self._house = house
        self._thread = thread
        self.agent = agent
        self.clock = ProbeClock()
        self.probe: Probe | None = None
        self.proxy = ""
        self._pins = pins
        self._task: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._connected = False
        self._era = 0

    @property
    def ended(self) -> bool:
        """Did the agent end although nobody asked it to?"""
        return self._task is not None and self._task.done()

    def start(self) -> None:
        """From any thread."""
        self._thread.post(self._begin)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self.agent.run())

    async def _end(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})

    def stop(self, drain_s: float) -> None:
        """Say GOAWAY at once; running streams may finish for `drain_s`. Returns at once; from any thread."""
        self._thread.post(self.agent.stop, drain_s)

    def wait(self, within_s: float) -> None:
        """Until the agent has ended, at most so long."""
        try:
            self._thread.run(self._end(), within_s)
        except TimeoutError:
            return

    def changed(self, state: State) -> None:
        """The agent tells of a change; on the loop."""
        came, self._connected = state.connected and not self._connected, state.connected
        if came:
            self._era += 1
            self.probe = None
            self.clock.came_up()
            self._start_probe()
        elif not state.connected:
            self.probe = None

    def look(self) -> None:
        """Is it time for a call from outside? From any thread."""
        if self._connected and self.clock.due(time.monotonic()):
            self._thread.post(self._start_probe)

    def read(self) -> None:
        """Somebody reads the state. From any thread."""
        if self._connected and self.clock.wanted(time.monotonic()):
            self._thread.post(self._start_probe)

    def ask(self, within_s: float) -> None:
        """Somebody wants one now; returns when it is made, at most after `within_s`. From any thread."""
        if self._connected and (self.probe is None or self.clock.allowed(time.monotonic())):
            try:
                self._thread.run(self._asked(), within_s)
            except TimeoutError:
                return

    async def _asked(self) -> None:
        await asyncio.wait({self._start_probe()})

    def _start_probe(self) -> "asyncio.Task[None]":
        if self._probing is None or self._probing.done():
            self._probing = asyncio.get_running_loop().create_task(self._probe(self._era))
        return self._probing

    async def _probe(self, era: int) -> None:
        state, at = self.agent.state, self._house.clock.now()
        proxy = probes.proxy_of(self.proxy, state.host)
        got = await probes.call(state.host, state.port, self._pins(), probes.ALIVE, {}, proxy, PROBE_S)
        if era != self._era:
            self._thread.post(
                self._start_probe
            )  # another link has come up meanwhile: this says nothing of it
            return
        code = got.code or (None if got.status == 200 else probes.ANSWER)
        self.clock.made(time.monotonic(), code is None)
        self.probe = Probe(at=at, code=code, ms=got.ms)
