"""Wire: one WebSocket connection (RFC 6455) with the limits uvicorn's own lacks.

uvicorn does the handshake and the pings; messages go straight to a `Listener`. What arrives is taken in small pieces, so
that a flood of tiny frames neither holds the event loop nor fills memory; nothing more is read while the listener has
enough, or the peer does not take what it is sent; and whoever does not leave is cut off.
"""

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.protocol import State

from praxisd.web import frames

PING_S = 5.0
"""So often a connection is asked if it lives, and so long it may take to say so."""
LEAVE_S = 2.0
"""So long a connection that ends may take to go, before it is cut off."""
MOST_FRAGMENTS = 256
"""Of one message: empty ones are none of its size."""
PIECE = 2048
TURN = 16
"""Messages taken before others have their turn."""
EXTENSION = "praxisd.wire"
"""Under this name of the scope's extensions the application finds the connection."""
_HEAD_END = b"\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Listener(Protocol):
    """Who hears what arrives. On the event loop; none may wait."""

    def hear(self, message: bytes) -> bool:
        """One text message; False: enough for now, until `Wire.listen` is called again."""
        ...

    def writable(self) -> None:
        """The peer takes messages again."""
        ...


class Wire(WebSocketsSansIOProtocol):
    """One connection. `over` is the close code, once it has ended or begins to."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._listener: Listener | None = None
        self._enough = True
        self._full = False
        self._rest = b""
        self._at = 0
        self._between = True
        """True while the parser certainly stands between two messages: texts that are here as a whole need not go through it."""
        self._turn = 0
        self._later = False
        self._parts: list[bytes] = []
        self._cut: asyncio.TimerHandle | None = None
        self.over: asyncio.Future[int] = self.loop.create_future()

    # --- the application's side --------------------------------------------------------------------------------------------

    def listen(self, listener: Listener, most_bytes: int | None = None) -> None:
        """Hand messages to `listener` from now on, or again."""
        self._listener, self._enough = listener, False
        if most_bytes is not None:
            self.conn.max_message_size = most_bytes
        self._take_soon()

    @property
    def blocked(self) -> bool:
        """True while the peer does not take what it is sent."""
        return self._full

    def say(self, messages: list[bytes]) -> None:
        """Send texts (UTF-8), one message each."""
        if self.close_sent or self.over.done():
            return
        if self.conn.state is State.OPEN and not self.conn.extensions:
            self.transport.write(b"".join(map(frames.said, messages)))
            return
        try:
            for one in messages:
                self.conn.send_text(one)
        except InvalidState:  # it has closed meanwhile
            return
        self.transport.write(b"".join(self.conn.data_to_send()))

    def close(self, code: int, reason: str) -> None:
        """Close in order; the peer has a moment to answer. What it does not take is lost then."""
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(LEAVE_S, self.transport.abort)
        self.stop_keepalive()
        self._ending(code)
        self._enough, self._rest, self._at = False, b"", 0
        self._reading()  # for the peer's own close

    # --- what arrives ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """The head at once, which `Connection` has measured; all else piece by piece."""
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:  # more or longer headers than the parser takes
                self.transport.write(_BAD_REQUEST)
                self.transport.close()
            self._between = data.find(_HEAD_END) == len(data) - len(_HEAD_END)  # nothing came along with it
            return
        self._rest = self._rest[self._at :] + data if self._rest else data
        self._at = 0
        if not self._later:
            self._take()

    def handle_connect(self, event: Any) -> None:
        """Let the application find this connection."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[EXTENSION] = self
            self._reading()

    def _take_soon(self) -> None:
        if not self._later:
            self._later = True
            self.loop.call_soon(self._take)

    def _take(self) -> None:
        """Hand on what is here, as long as it is wanted and nobody else waits too long."""
        self._later, self._turn = False, 0
        while self._rest and not self._enough:
            if self._usual():
                if self._turn >= TURN and self._rest:
                    self._take_soon()
                    break
                continue
            whole = self._at == 0 and len(self._rest) <= PIECE
            piece = self._rest if whole else self._rest[self._at : self._at + PIECE]
            self._at += len(piece)
            if self._at >= len(self._rest):
                self._rest, self._at = b"", 0
            self._between = self._between and frames.only_pings(piece)
            self.conn.receive_data(piece)
            if self.conn.parser_exc is not None:
                self._failed()
                return
            self.handle_events()
            if self._turn >= TURN and self._rest:
                self._take_soon()
                break
        self._reading()

    def _usual(self) -> bool:
        """Hand on the next message if it is a whole text; False where the parser has to see it."""
        conn = self.conn
        if not self._between or conn.state is not State.OPEN or conn.extensions or self.close_sent:
            return False
        most = conn.max_message_size
        found = frames.text(self._rest, self._at, frames.MOST if most is None else most)
        if found is None:
            return False
        message, self._at = found
        if self._at >= len(self._rest):
            self._rest, self._at = b"", 0
        self._turn += 1
        self._heard(message)
        return True

    def _reading(self) -> None:
        """Read on, or do not, as things are now."""
        stop = not self.close_sent and (self._enough or self._full or bool(self._rest))
        if stop is not self.read_paused and not self.transport.is_closing():
            self.read_paused = stop
            if stop:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def handle_text(self, event: Frame) -> None:
        """A text begins."""
        self._begun(event)

    def handle_bytes(self, event: Frame) -> None:
        """Nobody here takes binary messages (RFC 6455 § 7.4.1)."""
        self.close(1003, "text_only")

    def handle_cont(self, event: Frame) -> None:
        """A text goes on."""
        self._parts.append(bytes(event.data))
        if event.fin:
            self._heard(b"".join(self._parts))
        elif len(self._parts) >= MOST_FRAGMENTS:
            self.close(1008, "fragments")

    def _begun(self, event: Frame) -> None:
        self._turn += 1
        if event.fin:
            self._heard(bytes(event.data))
        else:
            self._parts = [bytes(event.data)]

    def _heard(self, message: bytes) -> None:
        self._parts = []
        if self.close_sent or self._listener is None:
            return
        if not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                self.close(1007, "utf8")
                return
        if not self._listener.hear(message):
            self._enough = True

    # --- flow, life and end ------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """A peer that takes nothing is not heard either, pings and all: its answers would pile up here."""
        super().pause_writing()
        self._full = True
        self._reading()

    def resume_writing(self) -> None:
        """It takes again."""
        super().resume_writing()
        self._full = False
        self._reading()
        if self._listener is not None:
            self._listener.writable()

    def keepalive_timeout(self) -> None:
        """No answer to a ping; unless it is we who do not listen, the peer is gone."""
        if self._enough and not self._full and self.ping_timeout is not None:
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        self._ending(1006)

    def handle_close(self, event: Frame) -> None:
        """The peer leaves, or answers that we do."""
        super().handle_close(event)
        rcvd = self.conn.close_rcvd
        self._ending(1005 if rcvd is None else rcvd.code)

    def _failed(self) -> None:
        """What came is no WebSocket, or too large: the parser has found its close code."""
        self.stop_keepalive()
        self.handle_parser_exception()
        sent = self.conn.close_sent
        self._ending(1002 if sent is None else sent.code)

    def shutdown(self) -> None:
        """The server ends; who was told before has gone already."""
        super().shutdown()
        self._ending(1012)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        if self._cut is not None:
            self._cut.cancel()
        self._rest, self._listener = b"", None
        if not self.over.done():
            self.over.set_result(1006)

    def _ending(self, code: int) -> None:
        if not self.over.done():
            self.over.set_result(code)
        if self._cut is None:
            self._cut = self.loop.call_later(LEAVE_S, self.transport.abort)
