"""A server on the loopback that misbehaves on demand, with or without TLS, and two kinds of proxies."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from praxisd.kernel.clock import Clock, SystemClock
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside

Way = Callable[[socket.socket, "Rude"], None]


def closed_port() -> int:
    """A port on which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        found: int = one.getsockname()[1]
        return found


class Rude:
    """Accepts connections and treats each as `way` says. `requests` is what was read of each, in order."""

    def __init__(self, way: Way, tls: ssl.SSLContext | None = None) -> None:
        self.way = way
        self.requests: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address; `localhost` where it has a certificate, since that is the name in it."""
        return f"https://localhost:{self.port}/send" if self._tls else f"http://127.0.0.1:{self.port}/send"

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                one, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._treat, args=(one,), daemon=True).start()

    def _treat(self, one: socket.socket) -> None:
        one.settimeout(10)
        with suppress(OSError), one:
            if self._tls is not None:
                one = self._tls.wrap_socket(one, server_side=True)
            with one:
                self.way(one, self)

    def read(self, one: socket.socket) -> bytes:
        """The head of one request; whole it is kept in `requests`. A connection that ends before says nothing."""
        found = b""
        while b"\r\n\r\n" not in found:
            more = one.recv(65_536)
            if not more:
                return b""
            found += more
        head, _, rest = found.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(rest) < length:
            more = one.recv(65_536)
            if not more:
                break
            rest += more
        self.requests.append(head + b"\r\n\r\n" + rest)
        return head

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the test lasts."""
        self._ended.wait(seconds)

    def close(self) -> None:
        """Stop accepting."""
        self._ended.set()
        self._socket.close()
        self._thread.join(2)


@contextmanager
def rude(way: Way, tls: ssl.SSLContext | None = None) -> Iterator[Rude]:
    """A misbehaving server for as long as the block lasts."""
    server = Rude(way, tls)
    try:
        yield server
    finally:
        server.close()


def answer(status: str = "200 OK", body: bytes = b'{"ok":true}', *headers: str) -> Way:
    """Reads the request and answers properly."""

    def way(one: socket.socket, server: Rude) -> None:
        server.read(one)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        one.sendall("\r\n".join(lines).encode() + body)

    return way


def raw(reply: bytes) -> Way:
    """Reads the request and sends these bytes, then closes."""

    def way(one: socket.socket, server: Rude) -> None:
        server.read(one)
        one.sendall(reply)

    return way


def silent(one: socket.socket, server: Rude) -> None:
    """Reads the request and never answers."""
    server.read(one)
    server.sleep(20)


def deaf(one: socket.socket, server: Rude) -> None:
    """Takes the connection and reads nothing."""
    server.sleep(20)


def closes_at_once(one: socket.socket, _server: Rude) -> None:
    """Takes the connection and closes it."""
    one.close()


def closes_after_reading(one: socket.socket, server: Rude) -> None:
    """Reads the whole request and hangs up."""
    server.read(one)


def resets_after_reading(one: socket.socket, server: Rude) -> None:
    """Reads the whole request and resets the connection."""
    server.read(one)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    one.close()


def half_closes(one: socket.socket, server: Rude) -> None:
    """Says that it will send nothing, and keeps listening."""
    one.shutdown(socket.SHUT_WR)
    server.read(one)
    server.sleep(20)


def drips(one: socket.socket, server: Rude) -> None:
    """Answers a byte every tenth of a second, without end."""
    server.read(one)
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not server._ended.is_set():
        one.sendall(b"x")
        time.sleep(0.1)


def pipe(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while more := source.recv(65_536):
                target.sendall(more)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join(5)


def tunnel(port: int) -> Way:
    """A proxy that answers CONNECT and carries what follows to `port`."""

    def way(one: socket.socket, server: Rude) -> None:
        server.read(one)
        with socket.create_connection(("127.0.0.1", port)) as other:
            one.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pipe(one, other)

    return way


def forward(port: int) -> Way:
    """A proxy for plain HTTP: hands the request over as it came."""

    def way(one: socket.socket, server: Rude) -> None:
        server.read(one)
        with socket.create_connection(("127.0.0.1", port)) as other:
            other.sendall(server.requests[-1])
            other.shutdown(socket.SHUT_WR)
            while more := other.recv(65_536):
                one.sendall(more)

    return way


def certificate(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A self-signed certificate for `name`: (context of the server, context that trusts exactly it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.9"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + pem
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


@contextmanager
def ways_out(loop: Outside) -> Iterator[Callable[..., Http]]:
    """Makes clients on one loop (the system's clock unless another is given) and closes them all in the end."""
    made: list[Http] = []

    def one(clock: Clock | None = None, *args: Any, **more: Any) -> Http:
        made.append(Http(clock or SystemClock(), loop, *args, **more))
        return made[-1]

    try:
        yield one
    finally:
        for each in made:
            each.close()
