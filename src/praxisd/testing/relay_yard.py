"""Where the relay is tormented: a hub, practices whose link runs over a bad line, practices beside them, an observer.

async with Yard(folder, seed, practices=20, ping_s=4.0, spread_s=10.0) as yard:
    ...  yard.struck is behind `yard.line`; yard.beside dials the hub itself and must not notice anything
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from praxisd.testing import relay_agents
from praxisd.testing.relay_guest import Guest, Origin
from praxisd.testing.relay_hub import OPEN_LIMITS, Hub, Process, host, practices
from praxisd.testing.relay_line import Line

LIE_S = 10.0
"""The shown state may be untrue for so long at most (SPEC § 2.5, issue 6)."""
WAIT_MS = 300.0
"""Whoever is beside a disturbance may have to wait so much longer, in the middle of all requests, on a busy machine."""
_EVERY_S = 0.2
_PROBE_S = 2.0


@dataclass
class Span:
    """A time in which what was shown was not what was. `shown`: what the practice believed."""

    shown: bool
    began: float
    seconds: float = 0.0


class Observer:
    """Asks what is shown and finds out what is, several times a second; keeps the spans in which they differ."""

    def __init__(
        self, shown: Callable[[], Awaitable[bool | None]], truth: Callable[[], Awaitable[bool]]
    ) -> None:
        self._shown, self._truth = shown, truth
        self.spans: list[Span] = []
        self.looks = 0
        self.both: set[tuple[bool, bool]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Enough."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        lie: Span | None = None
        while True:
            began = time.monotonic()
            truth = await self._truth()
            shown = await self._shown()
            now = time.monotonic()
            if shown is not None:
                self.looks += 1
                self.both.add((shown, truth))
            if shown is None or shown == truth:  # a practice that cannot be asked shows nothing
                lie = None
            else:
                if lie is None or lie.shown != shown:
                    lie = Span(shown, began)
                    self.spans.append(lie)
                lie.seconds = now - lie.began
            await asyncio.sleep(_EVERY_S)

    @property
    def longest(self) -> float:
        """Seconds of the longest untruth."""
        return max((one.seconds for one in self.spans), default=0.0)


class Traffic:
    """A steady trickle of requests to a practice; every failure and every time is kept.

    One at least, however short the block is, and the last to its end: one that hangs is what is looked for.
    """

    def __init__(self, guest: Guest, pause: float = 0.02, size: int = 2_000) -> None:
        self._guest, self._pause, self._size = guest, pause, size
        self.times: list[float] = []
        self.failures: list[str] = []
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Traffic":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._enough.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not (self.times or self.failures) or not self._enough.is_set():
            try:
                self.times.append(await self._guest.get(self._size))
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), self._pause)

    @property
    def middle_ms(self) -> float:
        """Median."""
        return median(self.times) * 1000 if self.times else float("inf")

    @property
    def worst_ms(self) -> float:
        """The 99th of a hundred."""
        return sorted(self.times)[int(len(self.times) * 0.99)] * 1000 if self.times else float("inf")


@dataclass
class Yard:
    """All of it, until the block ends."""

    folder: Path
    seed: int
    count: int = 10
    ping_s: float = 4.0
    spread_s: float = 10.0
    hello_s: float = 10.0
    lull_s: float = 0.5
    """How long it is listened to what is normal before something happens."""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def __aenter__(self) -> "Yard":
        self.folder.mkdir(parents=True, exist_ok=True)
        ours, others = practices(self.seed, self.count), practices(self.seed + 1, self.count)
        self.strangers = practices(self.seed + 2, 50)
        """Practices the hub knows; whoever plays an agent by hand takes these."""
        limits = OPEN_LIMITS | {"hello_s": self.hello_s}
        self.hub = Hub(
            self.folder / "hub",
            [*ours, *others, *self.strangers],
            limits=limits,
            ping_s=self.ping_s,
            spread_s=self.spread_s,
            drain_s=10.0,
            log="info",
        )
        self._stack = contextlib.AsyncExitStack()
        self.hub.start()
        self._stack.callback(self.hub.__exit__)
        self.line = Line(self.hub.port)
        await self.line.start()
        self._stack.push_async_callback(self.line.stop)
        self.origin = self._stack.enter_context(Origin(self.folder / "origin.log")).port
        self.struck = self._agents("struck", self.seed, self.line.port)
        self.beside = self._agents("beside", self.seed + 1, self.hub.port)
        self.guest = Guest(self.hub.port, host(ours[0]))
        self.guests = [Guest(self.hub.port, host(one)) for one in ours]
        self.other = Guest(self.hub.port, host(others[0]))
        self.observer = Observer(self._shown, lambda: self.guests[1].answers(_PROBE_S))
        await self.linked(30)
        self.observer.start()
        self._stack.push_async_callback(self.observer.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _agents(self, name: str, seed: int, port: int) -> relay_agents.Program:
        log = self.folder / f"{name}.log"
        made = relay_agents.Program(log, seed, self.count, [(port, self.hub.pin)], self.origin)
        self._stack.callback(made.stop)
        return made

    async def _shown(self) -> bool | None:
        try:
            return bool((await self.struck.ask("one 1", 1.0))["connected"])
        except (OSError, EOFError, TimeoutError):
            return None

    # questions

    async def linked(self, within: float, *which: relay_agents.Program) -> float:
        """Seconds until all practices are linked and answer; a fault, and that time, if not within `within`."""
        began = time.monotonic()
        for one in which or (self.struck, self.beside):
            while True:
                with contextlib.suppress(OSError, EOFError, TimeoutError):
                    found = await one.ask("all")
                    if found["up"] == found["of"]:
                        break
                if time.monotonic() - began > within:
                    self.faults.append(
                        f"not all practices were linked within {within:.0f} s: {await self._tell(one)}"
                    )
                    return within
                await asyncio.sleep(0.1)
        guest = self.guest if self.struck in (which or (self.struck,)) else self.other
        while not await guest.answers():
            if time.monotonic() - began > within:
                self.faults.append(f"linked, but nothing answered within {within:.0f} s")
                return within
        return time.monotonic() - began

    async def _tell(self, one: relay_agents.Program) -> Any:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            return await one.ask("all"), await one.ask("one 0")
        return "it does not answer"

    def check(self, good: bool, words: str) -> None:
        """A promise."""
        if not good:
            self.faults.append(words)

    @contextlib.asynccontextmanager
    async def undisturbed(self, what: str) -> AsyncIterator[Traffic]:
        """Whoever is beside it must not notice what happens in the block: no failure, no wait of seconds."""
        async with Traffic(self.other) as before:
            await asyncio.sleep(self.lull_s)
        async with Traffic(self.other) as during:
            yield during
        self.check(
            not during.failures,
            f"{what}: {len(during.failures)} requests beside failed: {during.failures[:2]}",
        )
        self.check(bool(during.times), f"{what}: nothing beside was answered")
        usual = before.middle_ms
        if during.middle_ms > 3 * usual + WAIT_MS:  # the machine itself may have become busy meanwhile
            async with Traffic(self.other) as after:
                await asyncio.sleep(self.lull_s)
            usual = max(usual, min(after.middle_ms, WAIT_MS))  # who does not recover is no measure
        slow = during.middle_ms > 3 * usual + WAIT_MS
        self.check(not slow, f"{what}: beside {during.middle_ms:.0f} ms instead of {usual:.0f} ms")
        self.notes.append(
            f"{what}: beside it {len(during.times)} requests, p50 {during.middle_ms:.1f} ms (before {before.middle_ms:.1f}), "
            f"p99 {during.worst_ms:.0f} ms, {len(during.failures)} failed"
        )

    def all_alive(self, after: str) -> None:
        """Nothing has crashed."""
        for name, one in (("hub", self.hub), ("agents", self.struck), ("agents beside", self.beside)):
            self.check(one.alive, f"{after}: the {name} ended: {one.ended}")

    def processes(self) -> dict[str, Process]:
        """Those that must not leak."""
        return {"hub": self.hub.process, "agents": self.struck.process}


async def settled(ask: Callable[[], int], wanted: int, within: float) -> int:
    """What `ask` says once it is at most `wanted`, or at last after `within` seconds."""
    until = time.monotonic() + within
    while (found := ask()) > wanted and time.monotonic() < until:
        await asyncio.sleep(0.2)
    return found
