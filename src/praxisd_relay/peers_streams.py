"""What stands at the ends of the streams between two hubs: the splice to a practice's stream, and the questions. Pure.

A guest's connection that came to the wrong hub: guest ↔ stream of the peer link ↔ (here) ↔ stream of the practice's
link. Each half has its own credit, so a slow end slows the other, and nothing piles up between them.

Questions ("is practice X linked with you?") have one stream of their own per link: the id and a line feed, answered
by `1` or `0`, in order.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from praxisd_relay.carrier import Stream
from praxisd_relay.frames import Rst

QUESTIONS = "?"
"""The name in OPEN of the stream of questions: no host's name."""
LONGEST_ID = 64
MOST_QUESTIONS = 4096


class Splice:
    """`Far` of one stream; whatever comes goes to the other one."""

    __slots__ = ("_to",)

    def __init__(self, to: Stream | None = None) -> None:
        self._to = to

    def join(self, to: Stream) -> None:
        """The other stream."""
        self._to = to

    def arrived(self, data: memoryview) -> None:
        """Bytes: on to the other stream."""
        if self._to is not None:
            self._to.write(data)

    def arrived_many(self, pieces: list[memoryview]) -> None:
        """All that one read brought, as TLS records cut it: passed on one by one, each would get a frame of its own, and
        every other frame a record of eight bytes."""
        if self._to is not None:
            self._to.write_pieces(pieces)

    def ended(self) -> None:
        """Half close: passed on."""
        if self._to is not None:
            self._to.finish()

    def broken(self, code: Rst) -> None:
        """Cut: passed on, and nothing is held any more."""
        to, self._to = self._to, None
        if to is not None:
            to.reset(code)

    def pause(self) -> None:
        """The stream we stand at cannot send: the other one takes no more."""
        if self._to is not None:
            self._to.pause()

    def resume(self) -> None:
        """It can again."""
        if self._to is not None:
            self._to.resume()


class Questions:
    """The asking end."""

    def __init__(self) -> None:
        self._stream: Stream | None = None
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._over = False

    def join(self, stream: Stream) -> None:
        """The stream that carries them."""
        self._stream = stream

    async def ask(self, practice: str, seconds: float) -> bool | None:
        """Is it linked over there? None: no answer in time, or the link is gone."""
        if self._stream is None or self._over or len(self._waiting) >= MOST_QUESTIONS:
            return None
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._stream.write(practice.encode() + b"\n")
        # Not wait_for: it would cancel, and a late answer must still find its place in the row.
        done, _ = await asyncio.wait([future], timeout=seconds)
        return future.result() if done and not future.cancelled() else None

    def arrived(self, data: memoryview) -> None:
        """Answers."""
        for answer in bytes(data):
            if not self._waiting or answer not in b"01":
                self._end(Rst.PROTOCOL)
                return
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(answer == ord("1"))

    def ended(self) -> None:
        """No more answers."""
        self._end(Rst.CLOSED)

    def broken(self, code: Rst) -> None:
        """The link is gone."""
        self._stream = None
        self._end(code)

    def pause(self) -> None:
        """Nothing: what waits is bounded by MOST_QUESTIONS."""

    def resume(self) -> None:
        """Nothing."""

    def _end(self, code: Rst) -> None:
        self._over = True
        waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            future.cancel()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.reset(code)


class Answers:
    """The answering end; `holds` says whether a practice is linked here."""

    def __init__(self, stream: Stream, holds: Callable[[str], bool]) -> None:
        self._stream, self._holds = stream, holds
        self._rest = b""

    def arrived(self, data: memoryview) -> None:
        """Questions."""
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        if any(len(line) > LONGEST_ID for line in (*lines, self._rest)):
            self._rest = b""
            self._stream.reset(Rst.PROTOCOL)
        elif lines:
            asked = (line.decode("ascii", "replace") for line in lines)
            self._stream.write(b"".join(b"1" if self._holds(practice) else b"0" for practice in asked))

    def ended(self) -> None:
        """No more questions."""
        self._stream.finish()

    def broken(self, code: Rst) -> None:
        """The link is gone."""

    def pause(self) -> None:
        """The asking side takes no answers now: take no questions."""
        self._stream.pause()

    def resume(self) -> None:
        """It does again."""
        self._stream.resume()
