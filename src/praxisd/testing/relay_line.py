"""A bad line between agent and hub, in user space: it can be cut without FIN, refuse, reset, and drop what is idle."""

import asyncio
import contextlib
import time
from collections.abc import Iterator

from praxisd.testing.relay_guest import abort

_LOOK_S = 0.05


class Line:
    """Takes connections on `port` and carries them to `target`, unless something is wrong with it.

    `idle_s`: connections on which nothing moved so long are dropped, as middle boxes do, with RST or (`silent_drop`)
    without a word. `refuse`: new ones are reset at once.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.refuse = False
        self.idle_s = 0.0
        self.silent_drop = False
        self.cut_after: int | None = None
        """RST once a connection has carried so many bytes, both ways together."""
        self.taken = 0
        self.dropped = 0
        self._mute = False
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._took, "127.0.0.1", 0, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    def reset(self) -> None:
        """RST on everything that stands."""
        for one in list(self._pairs):
            one.end()

    async def stop(self) -> None:
        """Let go of all."""
        if self._server is not None:
            self._server.close()
        self.reset()
        while self._pairs:
            await asyncio.sleep(_LOOK_S)

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """Cut without FIN for a while: what stood before never carries anything again, and nobody is told. New
        connections are taken and stay silent until the line is there again."""
        for one in self._pairs:
            one.mute = True
        self._mute = True
        try:
            yield
        finally:
            self._mute = False

    async def _took(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        if self.refuse:
            abort(writer)
            return
        pair = _Pair(writer, self.cut_after)
        self._pairs.add(pair)
        tasks: list[asyncio.Task[None]] = []
        try:
            while self._mute and not writer.is_closing():
                await asyncio.sleep(_LOOK_S)
            back, hub = await asyncio.open_connection("127.0.0.1", self.target)
            pair.ends.append(hub)
            for work in (pair.carry(reader, hub), pair.carry(back, writer), self._watch(pair)):
                tasks.append(asyncio.create_task(work))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for one in tasks:
                one.cancel()
            pair.end()
            self._pairs.discard(pair)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, pair: "_Pair") -> None:
        """Returns when the connection is over: ended by somebody, or idle for too long."""
        while not any(one.is_closing() for one in pair.ends):
            await asyncio.sleep(_LOOK_S)
            if self.idle_s and not pair.mute and time.monotonic() - pair.moved > self.idle_s:
                self.dropped += 1
                if not self.silent_drop:
                    return
                pair.mute = True


class _Pair:
    """One carried connection: both its ends here."""

    def __init__(self, first: asyncio.StreamWriter, left: int | None) -> None:
        self.ends = [first]
        self.left = left
        self.mute = False
        self.moved = time.monotonic()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """One direction, until it ends. What is mute is not read any more: the sender's buffers fill."""
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self.mute:
                    await asyncio.Event().wait()
                self.moved = time.monotonic()
                if self.left is not None:
                    data = data[: self.left]
                    self.left -= len(data)
                sink.write(data)
                await sink.drain()
                if self.left == 0:
                    await asyncio.sleep(0.01)  # what was carried shall arrive
                    return

    def end(self) -> None:
        """RST to both."""
        for one in self.ends:
            abort(one)
