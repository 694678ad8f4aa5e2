"""Live: server-sent events to everyone who looks, from one reading for all of them.

One hub per process. While anyone listens it wakes with each commit (and now and then, where other nodes write), reads
the new events once, and hands each stream what is its organization's. A stream holds no thread and no transaction; it
has a short queue, and who reads too slowly is told to load anew (`reset`). Every 15 s, and as soon as something happens
to a session, a user or a key of its practice, a stream is checked: who was signed out, or may no longer listen, is let
go (`bye`). A draining node says `bye` at once.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from praxisd.kernel import events, jobs
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.app import House, State
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import EVENT_STREAM, Retention
from praxisd.web.answers import SECURITY, Sent
from praxisd.web.request import Receive, Request, Send

HEARTBEAT_S = 15.0
"""So often a silent stream shows that it lives, and is checked."""
POLL_S = 2.0
"""So often a shared database is asked even if no other node said anything: a lost notice costs no more than this."""
PAUSE_S = 0.05
"""Between two readings: what happens meanwhile is read together."""
SEND_PATIENCE_S = 30.0
BATCH = 500
"""Events read at a time, and the most a stream may have missed before it has to load anew."""
QUEUE_MOST = 256
"""Changes that wait for one slow reader."""
PER_PERSON = 8
PER_PROCESS = 500
RETRY_MS = 2000
AUDIT = "kernel.audit.read"
"""Who may see who did what is evidence only."""
JOBS = "kernel.jobs.read"
"""Who may see how far a run is."""
ADMITTANCE = frozenset({"Session", "User", "Key", "Support", "Seat"})
"""What an event is about after which somebody may no longer be let in."""
_ENDING = (State.DRAINING, State.STOPPING)


class Watcher(Protocol):
    """Who else must know at once when somebody may no longer be let in, or this node ends (`sockets`)."""

    def doubt(self, organizations: set[str], everyone: bool) -> None:
        """Something happened to who may come in, in these practices or everywhere."""
        ...

    def drain(self) -> None:
        """This node ends. May be said again."""
        ...


Welcome = Callable[[], Awaitable[Actor | None]]


def frame(event: str, data: object, id_: int | None = None) -> bytes:
    """One message in the format of the HTML standard, § 9.2.5."""
    number = b"" if id_ is None else b"id: %d\n" % id_
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), number, msgspec.json.encode(data))


@dataclass(eq=False)
class Reader:
    """One stream as the hub knows it. `welcome` asks who the caller is now; None if he may not listen any more."""

    person: str
    organization: str
    audit: bool
    since: int | None
    welcome: "Welcome"
    jobs: bool = True
    joined: bool = False
    doubted: bool = False
    bye: str | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    queue: deque[bytes] = field(default_factory=deque)

    @property
    def kind(self) -> tuple[str, bool]:
        """Readers of one kind are told the same."""
        return self.organization, self.audit

    def push(self, parts: Sequence[bytes], seq: int) -> None:
        """Queue messages up to event `seq`; if they do not fit any more, the reader is told to load anew instead."""
        if len(self.queue) + len(parts) > QUEUE_MOST:
            self.queue.clear()
            parts = (frame("reset", {"cursor": str(seq)}, seq),)
        if parts:
            self.queue.extend(parts)
            self.woken.set()

    def doubt(self) -> None:
        """Have the stream checked now."""
        self.doubted = True
        self.woken.set()

    def end(self, reason: str) -> None:
        """The last message."""
        if self.bye is None:
            self.bye = reason
            self.queue.append(frame("bye", {"reason": reason}))
            self.woken.set()


@dataclass(frozen=True)
class _Found:
    """What one reading brought: the new events, how far they go, what each new stream has missed (None: too much), and
    the runs at work that tell how far they are.
    """

    new: Sequence[events.Event]
    upto: int
    caught: Mapping[Reader, Sequence[events.Event] | None]
    runs: Sequence[jobs.Run]


class Hub:
    """All streams of this process. Everything but `_read` runs on the event loop."""

    def __init__(self, house: House, pool: Executor) -> None:
        self._house = house
        self._pool = pool
        self._readers: set[Reader] = set()
        self._people: Counter[str] = Counter()
        self._watchers: set[Watcher] = set()
        self._signal = asyncio.Event()
        self._signalled = False
        self._task: asyncio.Task[None] | None = None
        self._seq: int | None = None
        self._progress: dict[str, tuple[int, int]] = {}
        own = {one.name for s in house.registry.services if s.name == "kernel" for one in s.events}
        self._shared = frozenset(own)
        """Types that are told to everyone when they concern the installation."""

    def __len__(self) -> int:
        return len(self._readers)

    def join(self, reader: Reader) -> None:
        """Let a stream in; Problem `live.too_many` (429) or `http.busy` (503) when there are too many."""
        if self._house.state in _ENDING or len(self._readers) >= PER_PROCESS:
            raise Problem("http.busy", 503, retry=True)
        if self._people[reader.person] >= PER_PERSON:
            raise Problem("live.too_many", 429, headers={"Retry-After": "60"}, most=PER_PERSON)
        self._readers.add(reader)
        self._people[reader.person] += 1
        self._begin()

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell `watcher` from now on, until the answer is called."""
        self._watchers.add(watcher)
        self._begin()

        def leave() -> None:
            self._watchers.discard(watcher)
            self._signal.set()

        return leave

    def _begin(self) -> None:
        self._signal.set()
        if self._task is None:
            self._seq = None
            self._task = asyncio.get_running_loop().create_task(self._work())

    def leave(self, reader: Reader) -> None:
        """The stream is over."""
        if reader in self._readers:
            self._readers.discard(reader)
            self._people[reader.person] -= 1
            if not self._people[reader.person]:
                del self._people[reader.person]
            self._signal.set()

    async def _work(self) -> None:
        """Read and hand out, until nobody listens any more."""
        loop = asyncio.get_running_loop()

        def wake() -> None:  # in whatever thread has committed
            if not self._signalled:
                self._signalled = True
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                    loop.call_soon_threadsafe(self._signal.set)

        unsubscribe = self._house.wake.subscribe(wake)
        try:
            while self._readers or self._watchers:
                self._signalled = False
                self._signal.clear()
                if self._house.state in _ENDING:
                    for reader in self._readers:
                        reader.end("draining")
                    for watcher in [*self._watchers]:
                        watcher.drain()
                elif await self._round(loop):
                    continue
                pause = HEARTBEAT_S if self._house.store.alone else POLL_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._signal.wait(), pause)
        finally:
            unsubscribe()
            self._task = None

    async def _round(self, loop: asyncio.AbstractEventLoop) -> bool:
        """One reading for all; True if there may be more at once."""
        new = [one for one in self._readers if not one.joined]
        seq = self._seq
        try:
            found = await loop.run_in_executor(self._pool, lambda: self._read(seq, new))
        except Exception as error:  # the store's own requests say what ails it
            self._house.log.warning("live_reading_failed", error=error)
            await asyncio.sleep(1)
            return True
        self._seq = found.upto
        old = [one for one in self._readers if one.joined]
        for kind in {one.kind for one in old}:
            parts = self._told(found.new, *kind)
            for reader in old:
                if reader.kind == kind:
                    reader.push(parts, found.upto)
        self._tell_progress(found, [one for one in old if one.jobs])
        doubtful = {one.organization for one in found.new if one.subject_type in ADMITTANCE}
        everyone = INSTALLATION in doubtful
        for reader in old:
            if reader.organization in doubtful or everyone:
                reader.doubt()
        for watcher in [*self._watchers] if doubtful else ():
            watcher.doubt(doubtful, everyone)
        for reader in new:
            self._greet(reader, found)
        await asyncio.sleep(PAUSE_S)
        return len(found.new) == BATCH

    def _tell_progress(self, found: _Found, readers: Sequence[Reader]) -> None:
        """How far runs are, where that has changed."""
        before, self._progress = self._progress, {one.id: one.progress for one in found.runs if one.progress}
        for run in found.runs:
            if run.progress is not None and before.get(run.id) != run.progress:
                done, total = run.progress
                part = frame("progress", {"run": run.id, "job": run.job, "done": done, "total": total})
                for reader in readers:
                    if run.organization in (reader.organization, INSTALLATION):
                        reader.push([part], found.upto)

    def _greet(self, reader: Reader, found: _Found) -> None:
        reader.joined = True
        hello, caught = {"cursor": str(found.upto)}, found.caught.get(reader, ())
        if caught is None:
            reader.push([frame("hello", hello), frame("reset", hello, found.upto)], found.upto)
            return
        parts = self._told(caught, *reader.kind)
        # The id moves on only once nothing is missing: a connection lost in between begins again where it was.
        greeting = frame("hello", hello, None if parts else found.upto)
        reader.push([b"".join((greeting, *parts))], found.upto)

    def _told(self, found: Sequence[events.Event], organization: str, audit: bool) -> list[bytes]:
        """The messages about events, for readers of one organization who may, or may not, see who did it."""
        parts = []
        for event in found:
            declared = self._house.registry.events.get(event.type)
            own = event.organization == organization
            if declared is None or not declared.live:
                continue
            if own or (event.organization == INSTALLATION and event.type in self._shared):
                change = {
                    "seq": event.seq,
                    "type": event.type,
                    "subjectType": event.subject_type,
                    "subjectId": event.subject_id,
                    "version": event.version,
                    "actor": event.actor if audit or declared.retention is not Retention.AUDIT else None,
                }
                parts.append(frame("change", change, event.seq))
        return parts

    def _read(self, seq: int | None, new: Sequence[Reader]) -> _Found:
        """In a thread: everything after `seq`, and what the new streams have missed, in one view of the store."""
        with self._house.store.read(system("live")) as tx:
            top = events.head(tx)
            found = [] if seq is None else events.after(tx, seq, BATCH)
            upto = top if seq is None else found[-1].seq if found else seq
            lowest = events.lowest(tx)
            caught: dict[Reader, Sequence[events.Event] | None] = {}
            for reader in new:
                since = upto if reader.since is None else reader.since
                if since > top or since < lowest:
                    caught[reader] = None
                elif since < upto:
                    tx.organization = reader.organization
                    missed = events.missed(tx, since, upto, BATCH + 1)
                    caught[reader] = missed if len(missed) <= BATCH else None
            return _Found(found, upto, caught, jobs.under_way(tx))


class Streaming(Sent):
    """The answer that goes on: sent as the hub has something to tell."""

    __slots__ = ("_hub", "reader")

    def __init__(self, hub: Hub, reader: Reader) -> None:
        super().__init__(200, b"", EVENT_STREAM)
        self._hub = hub
        self.reader = reader

    async def begin(self, request: Request, send: Send) -> int:
        """Send the head; returns the status. From here on the request counts as answered."""
        headers = [
            *SECURITY,
            (b"x-request-id", request.id.encode()),
            (b"content-type", EVENT_STREAM.encode()),
            (b"cache-control", b"no-store, no-transform"),
            (b"x-accel-buffering", b"no"),
            (b"connection", b"close"),
        ]
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            await send(_part(b"retry: %d\n\n" % RETRY_MS))
        except BaseException:
            self._hub.leave(self.reader)
            raise
        return self.status

    async def run(self, receive: Receive, send: Send) -> None:
        """Send until the caller is gone or is let go."""
        reader, loop = self.reader, asyncio.get_running_loop()
        gone = loop.create_task(_gone(receive))
        gone.add_done_callback(lambda _: reader.woken.set())
        beat = loop.time() + HEARTBEAT_S
        try:
            while not gone.done():
                reader.woken.clear()
                parts = b"".join(reader.queue)
                reader.queue.clear()
                if parts:
                    await asyncio.wait_for(send(_part(parts)), SEND_PATIENCE_S)
                if reader.bye is not None and not reader.queue:
                    await send(_part(b"", more=False))
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.woken.wait(), max(0.0, beat - loop.time()))
                if loop.time() >= beat or reader.doubted:
                    reader.doubted = False
                    beat = loop.time() + HEARTBEAT_S
                    await self._check()
        except TimeoutError:
            return  # the caller takes nothing any more: the connection is closed
        finally:
            self._hub.leave(reader)
            gone.cancel()

    async def _check(self) -> None:
        actor, reader = await self.reader.welcome(), self.reader
        if actor is None or actor.organization != reader.organization:
            reader.end("signed_out")
            return
        reader.audit, reader.jobs = actor.may(AUDIT), actor.may(JOBS)
        if not reader.queue:
            reader.queue.append(
                frame("ping", {})
            )  # an event: a comment would not reach the page that waits for it
            reader.woken.set()


def _part(data: bytes, more: bool = True) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
