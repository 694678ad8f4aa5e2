"""One guest of a practice whose server is not there: TLS ends here as it does there, and the answer is 503.

    stream of the link → ClientHello → TLS (pump) → head of one HTTP request → 503 with Retry-After → the end

Nothing is passed on to anybody. What a guest may cost is bounded: a hello, a head of 16 KB, ten seconds.
"""

import asyncio
import ssl
from collections.abc import Callable

from praxisd_guard.door import Request, encoded
from praxisd_guard.door_answers import unavailable
from praxisd_relay import hello
from praxisd_relay.frames import Rst
from praxisd_relay.hello import Hello, HelloError
from praxisd_relay.pump import STEP, Pump, TlsError
from praxisd_relay.stream import Stream

PATIENCE_S = 10.0
"""From a guest's first byte to the end of its request's head."""
LINGER_S = 5.0
"""After the answer it has so long to end too: what it still sends is read and thrown away."""
HEAD_BYTES = 16 * 1024
ACME_ALPN = "acme-tls/1"


class Guest:
    """The far end of one stream. `contexts`: the TLS for a hello, None where the name is not ours."""

    def __init__(
        self, stream: Stream, contexts: Callable[[Hello], ssl.SSLContext | None], code: str, retry_s: int
    ) -> None:
        self._stream: Stream | None = stream
        self._contexts = contexts
        self._code, self._retry_s = code, retry_s
        self._reader: hello.Reader | None = hello.Reader()
        self._pump: Pump | None = None
        self._head = bytearray()
        self._said = False
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._cut, Rst.TIMEOUT)

    def arrived(self, data: memoryview) -> None:
        """From the guest."""
        if self._stream is None or self._said:
            return
        try:
            if self._reader is not None:
                self._begin(self._reader, data)
            else:
                self._feed(data)
        except TlsError:
            self._say(b"" if self._pump is None else self._pump.outgoing(), Rst.PROTOCOL)
        except HelloError as error:
            self._say(hello.alert(error.alert) if error.alert else b"", Rst.PROTOCOL)

    def _begin(self, reader: hello.Reader, data: memoryview) -> None:
        found = reader.feed(data)
        if found is None:
            return
        self._reader = None
        context = None if ACME_ALPN in found.alpn else self._contexts(found)
        if context is None:
            self._say(hello.alert(hello.UNRECOGNIZED_NAME), Rst.DENIED)
            return
        self._pump = Pump(context, server=True)
        self._feed(memoryview(reader.buffer))

    def _feed(self, data: memoryview) -> None:
        pump = self._pump
        if pump is None:
            return
        for at in range(0, len(data), STEP):
            pump.feed(data[at : at + STEP])
            self._head += b"".join(pump.plain())
            self._send(pump.outgoing())
            if b"\r\n\r\n" in self._head or len(self._head) > HEAD_BYTES:
                self._answer(pump)
                return
        if pump.ended:
            self._cut(Rst.CLOSED)

    def _answer(self, pump: Pump) -> None:
        request = read_head(bytes(self._head))
        reply = unavailable(request, self._code, self._retry_s)
        pump.write(encoded(reply, head_only=request.method == "HEAD"))
        pump.close_notify()
        self._say(pump.outgoing(), Rst.CLOSED)

    def ended(self) -> None:
        """FIN of the guest: with its answer given both sides have ended, without it nothing will come."""
        if self._said:
            self._stream = None
            self._timer.cancel()
        else:
            self._cut(Rst.CLOSED)

    def broken(self, _code: Rst) -> None:
        """The guest, or the link, is gone."""
        self._stream = None
        self._timer.cancel()

    def pause(self) -> None:
        """The link takes no more; an answer is a few KB and waits in the stream."""

    def resume(self) -> None:
        """It does again."""

    def _send(self, data: bytes) -> None:
        if data and self._stream is not None:
            self._stream.write(data)

    def _say(self, last: bytes, code: Rst) -> None:
        """A last word, then the end whether or not the guest ends too."""
        self._said, self._reader, self._head = True, None, bytearray()
        self._send(last)
        if self._stream is not None:
            self._stream.finish()
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._cut, code)

    def _cut(self, code: Rst) -> None:
        stream, self._stream = self._stream, None
        self._timer.cancel()
        if stream is not None:
            stream.reset(code)


def read_head(data: bytes) -> Request:
    """What was asked, as far as the answer's form depends on it; GET / for what is no HTTP we know."""
    first, *rest = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return Request("GET", "/", {})
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Request(words[0].upper(), words[1].partition("?")[0], headers)
