"""A service with WebSockets for the tests of their door, and clients that do what they should not."""

import base64
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Line, Service, Socket

from .web_sample.serving import Running

PROTOCOL = "trial.v1"
opened: list["Trial"] = []


class Trial:
    """A Talk that does what it is told: `{"do": …}`."""

    def __init__(self, call: Call, line: Line) -> None:
        self.call, self.line = call, line
        self.heard_all: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []
        self.actors: list[str] = []
        self.codes: list[int] = []
        self.gone = threading.Event()
        opened.append(self)
        line.say({"hello": call.actor.label})

    def heard(self, message: bytes) -> None:
        asked = json.loads(message)
        self.heard_all.append(asked)
        match asked.get("do"):
            case "proven":
                self.line.proven(asked["name"])
                self.line.answer({"proven": True})
            case "hold":
                self.held.append(asked)
            case "flood":
                for n in range(asked["n"]):
                    self.line.say({"n": n, "x": "x" * asked.get("size", 10)})
                self.line.answer({"flooded": True})
            case "problem":
                raise Problem("http.bad_fence", 400)
            case "fail":
                raise RuntimeError(asked["secret"])
            case "end":
                self.line.answer({"ended": True})
                self.line.end(asked["code"], "asked")
            case _:
                self.line.answer({"echo": asked})

    def checked(self, actor: Actor) -> None:
        self.actors.append(actor.label)

    def leaving(self, reason: str) -> dict[str, str]:
        return {"bye": reason}

    def ended(self, code: int) -> None:
        self.codes.append(code)
        self.gone.set()


def _refusing(_call: Call, _line: Line) -> Trial:
    raise Problem("http.conflict", 409)


_WHY = "this is a test and nobody is harmed by it"
SERVICE = Service(
    name="trialsockets",
    package="tests.services.web_sample",
    sockets=(
        Socket("/trial/live", "trial.live", PROTOCOL, Trial, None, why_open=_WHY, inside=False, exempt=True),
        Socket("/trial/inside", "trial.inside", PROTOCOL, Trial, None, why_open=_WHY, most_bytes=2000),
        Socket("/trial/guarded", "trial.guarded", PROTOCOL, Trial, "kernel.metrics.read"),
        Socket("/trial/refusing", "trial.refusing", PROTOCOL, _refusing, None, why_open=_WHY),
    ),
)


def opening(
    url: str, path: str = "live", protocol: str | None = PROTOCOL, **headers: str
) -> ClientConnection:
    """A connection by the book; leaves the pings of the server answered."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(
        url.replace("http", "ws", 1) + f"/api/v1/trial/{path}",
        subprotocols=[protocol] if protocol else None,  # type: ignore[list-item]
        additional_headers=given,
        compression=None,
        proxy=None,
        open_timeout=30,
        close_timeout=2,
        ping_interval=None,
        max_size=None,
    )


def told(client: ClientConnection, timeout: float = 30) -> Any:
    """The next message."""
    return json.loads(client.recv(timeout))


def ask(client: ClientConnection, **message: Any) -> Any:
    """Say something and hear the answer."""
    client.send(json.dumps(message))
    return told(client)


@contextlib.contextmanager
def here(one: Running, path: str = "live", **headers: str) -> Iterator[ClientConnection]:
    with opening(one.url, path, **headers) as client:
        yield client


def refused(
    one: Running, path: str = "live", protocol: str | None = PROTOCOL, **headers: str
) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as found:
        opening(one.url, path, protocol, **headers)
    answer = found.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code, json.loads(answer.body)["code"]


def code_of(client: ClientConnection, timeout: float = 30) -> int:
    """How the server closes, after whatever it says before."""
    with pytest.raises(ConnectionClosed) as found:
        while True:
            client.recv(timeout)
    assert found.value.rcvd is not None, "it went without a word"
    return found.value.rcvd.code


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.01)


class Raw:
    """A connection by hand, byte by byte: nothing is answered that the test does not answer."""

    def __init__(
        self, url: str, path: str = "/api/v1/trial/live", protocol: str = PROTOCOL, more: str = ""
    ) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.sock = socket.create_connection((host, int(port)), 30)
        self.sock.settimeout(30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {protocol}\r\n"
            f"{more}\r\n".encode()
        )
        self.head = self._until(b"\r\n\r\n")

    def _until(self, end: bytes) -> bytes:
        found = b""
        while end not in found:
            got = self.sock.recv(1)
            if not got:
                break
            found += got
        return found

    @property
    def status(self) -> int:
        """Of the handshake; 0 where nothing came."""
        return int(self.head.split(b" ")[1]) if self.head else 0

    def frame(self, opcode: int, data: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
        """The bytes of a frame of a client (RFC 6455 § 5.2), its mask zero."""
        size = len(data)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size) if size < 65536 else b""
        length = length or b"\x7f" + struct.pack("!Q", size)
        first = bytes([(0x80 if fin else 0) | opcode])
        return (
            first
            + bytes([length[0] | (0x80 if masked else 0)])
            + length[1:]
            + (bytes(4) if masked else b"")
            + data
        )

    def send(self, opcode: int, data: bytes = b"", **more: bool) -> None:
        self.sock.sendall(self.frame(opcode, data, **more))

    def closed(self, timeout: float = 30) -> int:
        """Read until the end: the code of the server's close frame, 1006 if it went without one."""
        self.sock.settimeout(timeout)
        code, rest = 1006, b""
        try:
            while got := self.sock.recv(65536):
                rest += got
                while len(rest) >= 2:
                    size, at = rest[1] & 0x7F, 2
                    if size == 126 and len(rest) >= 4:
                        size, at = struct.unpack("!H", rest[2:4])[0], 4
                    if size > 126 or len(rest) < at + size:
                        break
                    if rest[0] & 0x0F == 8:
                        code = struct.unpack("!H", rest[at : at + 2])[0]
                    rest = rest[at + size :]
        except ConnectionError:
            pass
        return code
