"""One carried connection on a link, and what stands at its other end here. Pure.

Data that comes is handed to `Far.arrived` at once, also while the stream is paused: the window bounds how much that can
be. Data that goes out is sent at once while there is credit and space, else it waits here and `Far.pause` is called.
"""

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from praxisd_relay import flow, frames
from praxisd_relay.frames import Rst, Type

if TYPE_CHECKING:
    from praxisd_relay.link import Link

LOG = logging.getLogger("praxisd_relay.stream")
EAGER = 8 * 1024
"""Bytes from which sending at once is cheaper than copying."""
MOST_CREDIT = 1 << 30
_pack = frames.HEADER.pack


class Far(Protocol):
    """What the other end of a stream is here: a socket, a TLS end, a peer hub. What it raises resets its stream and
    nothing else.

    It may also have `arrived_many(pieces: list[memoryview])`, called instead of `arrived` where one read brought several.
    """

    def arrived(self, data: memoryview) -> None:
        """Bytes that came. They never change; kept for long they hold up to 64 KB, so copy then."""

    def ended(self) -> None:
        """FIN came: nothing follows from there; the other way stays open."""

    def broken(self, code: Rst) -> None:
        """Cut by the other side, or the link was lost; nothing follows in either way."""

    def pause(self) -> None:
        """Stop feeding `Stream.write`: what was written has to wait."""

    def resume(self) -> None:
        """Feed again."""


class Nobody:
    """The end of a stream that has none (yet, or any more)."""

    def arrived(self, data: memoryview) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""

    def broken(self, code: Rst) -> None:
        """Nothing."""

    def pause(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""


NOBODY = Nobody()


class Stream:
    """This side's handle of one carried connection."""

    __slots__ = (
        "_finishing", "_holding", "_in_turn", "_link", "_paused", "came", "credit", "fin_came", "fin_sent", "id", "opened",
        "over", "owner", "pending", "window",
    )  # fmt: skip

    def __init__(self, link: "Link", id: int, opened: frames.Open, *, credit: int, window: int) -> None:
        self.id = id
        self.opened = opened
        self.owner: Far = NOBODY
        self.credit = credit
        """Bytes we may still send."""
        self.window = flow.Window(window, link.budget, link.limits.most_window)
        self.pending: deque[memoryview] | None = None
        """Bytes that wait for credit or space."""
        self.came: list[memoryview] = []
        """DATA of the read that is being looked at."""
        self.over = False
        self.fin_came = False
        self.fin_sent = False
        self._link = link
        self._paused = False
        self._holding = False  # owner.pause() was called
        self._finishing = False
        self._in_turn = False

    # from this side

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes to the other side. May be kept (copied) when there is no credit or no space: then `owner.pause()` is
        called, and `owner.resume()` when they are gone."""
        if self.over or self._finishing:
            return
        link, size = self._link, len(data)
        if (
            0 < size < EAGER
            and size <= self.credit
            and size <= link.space
            and size <= link.chunk
            and not self.pending
            and not link.ready
        ):  # nearly every request and answer: one frame, one copy
            self.credit -= size
            link.space -= size
            link.queued += 8 + size
            link.parts.append(_pack(4, 0, size, self.id) + data)
            link.wake()
            return
        # The space is below zero after the frame whose end made the owner resume: then nothing goes out at once.
        sent = 0 if self.pending or link.ready else max(0, min(size, self.credit, link.space))
        if sent > 0:
            self.credit -= sent
            link.space -= sent
            eager = link.eager if sent >= EAGER else None
            view = memoryview(data) if eager is not None else memoryview(bytes(data[:sent]))
            parts, chunk, id = link.parts, link.chunk, self.id
            for at in range(0, sent, chunk):
                piece = view[at : min(at + chunk, sent)]
                parts.append(_pack(4, 0, len(piece), id))
                parts.append(piece)
                link.queued += 8 + len(piece)
            if eager is not None:
                eager()
            else:
                link.wake()
        if sent < size and not self.over:
            if self.pending is None:
                self.pending = deque()
            self.pending.append(memoryview(bytes(data[sent:])))
            self._hold()
            self._queue()

    def write_pieces(self, pieces: Sequence[memoryview]) -> None:
        """As `write` of all of them in one: frames are cut across them, and nothing is copied where all can go at once.
        They must not change any more."""
        link, size = self._link, sum(map(len, pieces))
        if self.over or self._finishing or self.pending or link.ready or size > min(self.credit, link.space):
            self.write(b"".join(pieces))
            return
        self.credit -= size
        link.space -= size
        parts, id, left, room = link.parts, self.id, size, 0
        for piece in pieces:
            at = 0
            while at < len(piece):
                if not room:
                    room = min(link.chunk, left)
                    parts.append(_pack(4, 0, room, id))
                    link.queued += 8 + room
                part = piece[at : at + room]
                parts.append(part)
                at += len(part)
                room -= len(part)
                left -= len(part)
        if link.eager is not None:
            link.eager()
        else:
            link.wake()

    def finish(self) -> None:
        """Nothing follows from here (FIN), once all that was written is sent. The other way stays open."""
        if not self._finishing and not self.over:
            self._finishing = True
            if not self.pending:
                self._fin()

    def reset(self, code: Rst) -> None:
        """Cut it, both ways; the owner is told nothing any more."""
        if not self.over:
            self._link.put(Type.RST, self.id, bytes((code,)))
            self._close()

    def pause(self) -> None:
        """Take no more: no credit is given. What the window still allows keeps coming to `arrived`."""
        self._paused = True

    def resume(self) -> None:
        """Take again."""
        if self._paused:
            self._paused = False
            window = self.window
            if window.due * 8 >= window.size:
                self._credit()

    # from the other side, called by the link

    def deliver(self) -> None:
        """Hands on the DATA that came with one read."""
        pieces = self.came
        if not pieces:
            return
        self.came = []
        window = self.window
        size = len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))
        window.left -= size
        if window.left < 0 or self.fin_came:
            self.fail(Rst.FLOW if not self.fin_came else Rst.PROTOCOL)
            return
        owner = self.owner
        try:
            if len(pieces) == 1:
                owner.arrived(pieces[0])
            elif (many := getattr(owner, "arrived_many", None)) is not None:
                many(pieces)
            else:
                for piece in pieces:
                    self.owner.arrived(piece)
        except Exception:
            self._failed("arrived")
            return
        window.due += size
        if window.due * 8 >= window.size and not self._paused and not self.over:
            self._credit()

    def credited(self, count: int) -> None:
        """CREDIT came."""
        self.credit += count
        if self.credit > MOST_CREDIT:
            self.fail(Rst.FLOW)
        elif self.pending:
            self._queue()

    def fin(self) -> None:
        """FIN came."""
        self.deliver()
        if self.fin_came or self.over:
            return
        self.fin_came = True
        try:
            self.owner.ended()
        except Exception:
            self._failed("ended")
            return
        if self.fin_sent:
            self._close()

    def cut(self, code: Rst) -> None:
        """RST came, or the link was lost."""
        self.deliver()
        if self.over:
            return
        owner = self.owner
        self._close()
        try:
            owner.broken(code)
        except Exception:
            LOG.exception("the end of a stream could not be told")

    def fail(self, code: Rst) -> None:
        """The other side broke a rule: both sides are told."""
        self.came = []
        if not self.over:
            self._link.put(Type.RST, self.id, bytes((code,)))
            self.cut(code)

    def send_one(self) -> bool:
        """One frame of what waits; True when it wants another turn."""
        pending, link = self.pending, self._link
        if self.over or not pending or self.credit <= 0:
            self._in_turn = False
            return False
        first = pending[0]
        piece = first[: min(link.chunk, self.credit)]
        size = len(piece)
        if size == len(first):
            pending.popleft()
        else:
            pending[0] = first[size:]
        self.credit -= size
        link.space -= size
        link.parts.append(_pack(4, 0, size, self.id))
        link.parts.append(piece)
        link.queued += 8 + size
        if pending:
            if self.credit > 0:
                return True
            self._in_turn = False
            return False
        self._in_turn = False
        if self._finishing:
            self._fin()
        elif self._holding:
            self._holding = False
            try:
                self.owner.resume()
            except Exception:
                self._failed("resume")
        return False

    # within

    def _queue(self) -> None:
        if not self._in_turn and self.credit > 0:
            self._in_turn = True
            self._link.ready.append(self)
            self._link.wake()

    def _hold(self) -> None:
        if not self._holding:
            self._holding = True
            try:
                self.owner.pause()
            except Exception:
                self._failed("pause")

    def _credit(self) -> None:
        link = self._link
        link.put(5, self.id, frames.CREDIT.pack(self.window.credit(link.time, link.rtt_least)))

    def _fin(self) -> None:
        self.fin_sent = True
        self._link.put(Type.FIN, self.id)
        if self.fin_came:
            self._close()

    def _close(self) -> None:
        if not self.over:
            self.over = True
            self.pending = None
            self.came = []
            self.owner = NOBODY
            self._link.ended(self)

    def _failed(self, what: str) -> None:
        """The end here raised: that costs this stream, never the link."""
        LOG.exception("the end of a stream failed in %s", what)
        owner = self.owner
        self.reset(Rst.CLOSED)
        try:
            owner.broken(Rst.CLOSED)
        except Exception:
            LOG.exception("the end of a stream could not be told")
