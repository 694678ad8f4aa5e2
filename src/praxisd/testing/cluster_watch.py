"""Live pages of a cluster: readers of server-sent events that take up their stream again as the console does.

What each has heard is kept, so that afterwards nothing may be missing, nothing twice, and nothing of another practice.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

RETRY_S = (0.5, 1.0, 2.0, 5.0)
"""As the console waits between two tries (`ui/src/lib/live.svelte.ts`)."""
SILENT_S = 40.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Heard:
    """One change as a page was told of it; `at` is the monotonic clock in seconds."""

    seq: int
    subject: str
    at: float


@dataclass
class Page:
    """One page that listens. `open`: how it gets its connection. `since`: where it began, `resets`: (from, to) it had to
    load anew, `gaps`: (from, to) in which it had no stream, monotonic seconds."""

    name: str
    organization: str
    secret: str
    open: Callable[[], Awaitable[Streams]]
    heard: list[Heard] = field(default_factory=list)
    since: int | None = None
    last: int = 0
    resets: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    live: bool = False
    _lost: float | None = None
    _failures: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> None:
        """Listen until cancelled."""
        self._lost = time.monotonic()
        while True:
            with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
                await self._once()
            if self.live:
                self.live, self._lost = False, time.monotonic()
            pause = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
            self._failures += 1
            await asyncio.sleep(pause)

    async def _once(self) -> None:
        async with asyncio.timeout(SILENT_S):
            reader, writer = await self.open()
        try:
            last = "" if self.since is None else f"Last-Event-ID: {self.last}\r\n"
            head = f"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.secret}\r\n{last}\r\n"
            writer.write(head.encode())
            async with asyncio.timeout(SILENT_S):
                status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
            if status != 200:
                self.refused.append(status)
                return
            text = b""
            while True:
                async with asyncio.timeout(SILENT_S):
                    size = int((await reader.readline()).strip() or b"0", 16)
                    if not size:
                        return
                    text += await reader.readexactly(size)
                    await reader.readline()
                *messages, text = text.split(b"\n\n")
                for one in messages:
                    self._told(one.decode())
        finally:
            writer.transport.abort()

    def _told(self, message: str) -> None:
        parts = dict(line.partition(": ")[::2] for line in message.splitlines())
        kind, data = parts.get("event", ""), parts.get("data", "{}")
        found: dict[str, Any] = msgspec.json.decode(data)
        if kind == "hello":
            if self.since is None:
                self.since = self.last = int(found["cursor"])
            self.live, self._failures = True, 0
            if self._lost is not None:
                self.gaps.append((self._lost, time.monotonic()))
                self._lost = None
        elif kind == "change":
            self.heard.append(
                Heard(found["seq"], f"{found['subjectType']}/{found['subjectId']}", time.monotonic())
            )
        elif kind == "reset":
            self.resets.append((self.last, int(found["cursor"])))
        if "id" in parts:
            self.last = int(parts["id"])
        self._news.set()

    async def hears_of(self, subject: str, within: float) -> float | None:
        """The moment it was told of `subject`; None if it is not within so many seconds."""
        until = time.monotonic() + within
        looked = 0
        while True:
            self._news.clear()
            fresh, looked = self.heard[looked:], len(self.heard)
            for one in fresh:
                if one.subject == subject:
                    return one.at
            left = until - time.monotonic()
            if left <= 0:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 1.0))

    async def reaches(self, seq: int, within: float) -> bool:
        """Whether it is told of all up to event `seq` within so many seconds. Events come in order: what it was not told of
        by then it never will be."""
        until = time.monotonic() + within
        while self.last < seq:
            self._news.clear()
            left = until - time.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 1.0))
        return True

    def longest_gap(self, began: float, ended: float) -> float:
        """Seconds of the longest time without a stream that overlaps this time."""
        return max((end - start for start, end in self.gaps if start < ended and end > began), default=0.0)

    def faults(self, told: dict[int, str], everyone: dict[str, str]) -> list[str]:
        """What was wrong. `told`: event number → subject of all changes of its practice that pages are told of;
        `everyone`: subject → organization of all appointments there are."""
        found = []
        numbers = [one.seq for one in self.heard]
        if len(set(numbers)) != len(numbers):
            twice = sorted({n for n in numbers if numbers.count(n) > 1})[:3]
            found.append(f"page {self.name} was told twice of {twice}")
        if numbers != sorted(numbers):
            found.append(f"page {self.name} was told out of order")
        strangers = [
            h.subject for h in self.heard if everyone.get(h.subject, self.organization) != self.organization
        ]
        if strangers:
            found.append(f"page {self.name} was told of another practice: {strangers[:3]}")
        if self.since is None:
            return [*found, f"page {self.name} never had a stream"]
        missing = [
            seq
            for seq in told.keys() - set(numbers)
            if self.since < seq and not any(low < seq <= high for low, high in self.resets)
        ]
        if missing:
            found.append(f"page {self.name} was never told of {len(missing)} changes: {sorted(missing)[:3]}")
        return found
