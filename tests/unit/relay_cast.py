"""Two sides of a link joined by a pipe of bytes that may be cut anywhere, and ends of streams that remember."""

from dataclasses import dataclass, field
from typing import Literal

from praxisd_relay import flow, frames
from praxisd_relay.frames import Rst
from praxisd_relay.link import Limits, Link
from praxisd_relay.stream import Stream

OPENED = frames.Open("192.0.2.7", 50123, "a.relay.test")


@dataclass
class End:
    """What stands at the end of a stream: remembers what came."""

    stream: Stream | None = None
    came: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    finished: bool = False
    """FIN came."""
    code: Rst | None = None
    held: bool = False
    """Asked to feed no more."""
    raises: str = ""
    """The call in which it fails."""
    more: list[bytes] = field(default_factory=list)
    """What it has to say besides: as much as it may at once, the rest within `resume`."""

    def arrived(self, data: memoryview) -> None:
        """Kept."""
        assert self.code is None and not self.finished
        self._maybe("arrived")
        self.came += data

    def ended(self) -> None:
        """Once."""
        assert not self.finished and self.code is None
        self.finished = True
        self._maybe("ended")

    def broken(self, code: Rst) -> None:
        """Once."""
        assert self.code is None
        self.code = code
        self._maybe("broken")

    def pause(self) -> None:
        """Alternates with resume."""
        assert not self.held
        self.held = True
        self._maybe("pause")

    def resume(self) -> None:
        """Alternates with pause."""
        assert self.held
        self.held = False
        self._maybe("resume")
        self.feed()

    def feed(self) -> None:
        """Of `more`, what it may now."""
        while self.more and not self.held:
            self.write(self.more.pop(0))

    def write(self, data: bytes) -> None:
        """To the other side."""
        assert self.stream is not None
        if not self.stream.over:
            self.sent += data
            self.stream.write(data)

    def _maybe(self, call: str) -> None:
        if self.raises == call:
            raise OSError(107, "not connected")


class Pair:
    """Hub and agent, admitted. Bytes wait in `pipes` until they are carried."""

    def __init__(self, limits: Limits | None = None, process: flow.Budget | None = None) -> None:
        self.now = 1000.0
        limits = limits or Limits()
        process = process or flow.Budget(1 << 30)
        self.hub = Link("hub", limits, self.now, process=process)
        self.agent = Link("agent", limits, self.now, process=process)
        self.pipes: dict[str, bytearray] = {"hub": bytearray(), "agent": bytearray()}
        """What a side has sent and the other has not seen."""
        self.ends: dict[int, End] = {}
        """The agent's, by stream."""
        self.answer: Rst | None = None
        """What the agent says to a new stream instead of taking it."""
        self.agent.on_open = self._take
        self.hub.admit()
        self.agent.admit()

    def _take(self, stream: Stream) -> End | Rst:
        if self.answer is not None:
            return self.answer
        end = self.ends[stream.id] = End(stream)
        return end

    def open(self) -> End | None:
        """A guest's end at the hub."""
        end = End()
        end.stream = self.hub.open(OPENED, end)
        return end if end.stream is not None else None

    def side(self, name: str) -> Link:
        """By role."""
        return self.hub if name == "hub" else self.agent

    def send(self, name: Literal["hub", "agent"], space: int = 131_072) -> int:
        """The driver's part: what is queued goes into the pipe, `space` bytes of DATA more are let out."""
        link, pipe = self.side(name), self.pipes[name]
        before = len(pipe)
        link.space = space
        link.fill()
        for part in link.parts:
            pipe += part
        link.parts.clear()
        link.queued = 0
        return len(pipe) - before

    def carry(self, name: Literal["hub", "agent"], count: int | None = None, took_s: float = 0.0) -> int:
        """`count` bytes (all) that `name` sent reach the other side."""
        pipe = self.pipes[name]
        data = bytes(pipe[:count])
        del pipe[: len(data)]
        self.now += took_s
        if data:
            self.side("agent" if name == "hub" else "hub").received(self.now, data)
        return len(data)

    def settle(self, rtt_s: float = 0.001) -> None:
        """Everything that can move moves."""
        for _ in range(100_000):
            moved = self.send("hub") + self.send("agent")
            moved += self.carry("hub", took_s=rtt_s / 2) + self.carry("agent", took_s=rtt_s / 2)
            if not moved:
                return
        raise AssertionError("two links that never come to rest")
