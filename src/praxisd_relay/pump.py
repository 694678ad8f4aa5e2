"""TLS without a socket: ciphertext in, plain text out, and the other way round.

`asyncio`'s own TLS holds 288 KB for each connection (a zeroed 256 KiB buffer), this one about 20 KB, and it runs over
anything: the hub's link over a transport, the practice's TLS end over a stream of the link (notes § 0, 3).
"""

import ssl
from collections.abc import Iterable

RECORD = 16384
STEP = 64 * 1024
"""Bytes given to OpenSSL at once: its memory queues never shrink again, so they must not grow."""


class TlsError(Exception):
    """The other side's TLS is broken or not acceptable. `reason`: OpenSSL's word for it, no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def link_server(certificate: str, key: str, protocols: Iterable[str]) -> ssl.SSLContext:
    """The hub's context for links: TLS 1.3, no tickets (each costs memory and a link is never resumed)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.options |= ssl.OP_NO_COMPRESSION
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(list(protocols))
    return context


class Pump:
    """One end of one TLS connection. Not usable after TlsError, except `outgoing` for the alert it left."""

    __slots__ = ("_in", "_out", "_tls", "_write", "ended", "up")

    def __init__(self, context: ssl.SSLContext, *, server: bool, server_name: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server, server_hostname=server_name)
        self._write = self._tls.write
        self.up = False
        """The handshake is done."""
        self.ended = False
        """The other side said that nothing follows (close_notify)."""
        if not server:
            self._handshake()

    @property
    def tls(self) -> ssl.SSLObject:
        """For questions: version, certificate, ALPN."""
        return self._tls

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Ciphertext that came. At most STEP bytes at once keep the memory small. Runs the handshake until `up`."""
        self._in.write(data)
        if not self.up:
            self._handshake()

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except (ssl.SSLError, ValueError) as error:
            raise TlsError(_word(error)) from error
        self.up = True

    def plain(self) -> list[bytes]:
        """All plain text there is now, a piece for each TLS record; [] before the handshake is done."""
        found: list[bytes] = []
        if not self.up or self.ended:
            return found
        read, waiting = self._tls.read, self._in
        try:
            while True:
                data = read(RECORD)
                if not data:
                    self.ended = True
                    break
                found.append(data)
                if not waiting.pending:  # a piece is a whole record, so nothing is left inside either
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except (ssl.SSLError, ValueError) as error:
            raise TlsError(_word(error)) from error
        return found

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Plain text to be sent; only when `up`. The ciphertext waits in `outgoing`."""
        try:
            self._write(data)
        except ssl.SSLError as error:
            raise TlsError(_word(error)) from error

    def outgoing(self) -> bytes:
        """Ciphertext to be sent now; b"" when there is none."""
        return self._out.read() if self._out.pending else b""

    def close_notify(self) -> None:
        """Says that nothing follows. Never fails; what there is to send is in `outgoing`."""
        try:
            self._tls.unwrap()
        except (ssl.SSLError, ValueError):
            return  # WantRead: the other side has not said it yet, and need not


def _word(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    reason = getattr(error, "reason", None)
    return str(reason).lower() if reason else type(error).__name__
