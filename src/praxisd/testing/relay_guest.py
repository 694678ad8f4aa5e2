"""Somebody outside who asks a practice for something through the hub, and the practice's server that answers him.

The hub reads a real ClientHello and passes on all that follows, so these two speak plainly behind it: a line with a wish,
then the bytes that were wished for. What comes back is compared byte by byte.

    send N\\n      N bytes of `pattern`            take N\\n    takes N bytes, answers with their SHA-256
    drip N\\n      N bytes, one every 0.2 s        cut N\\n     N bytes, then RST          wait\\n   nothing, ever

`python -m praxisd.testing.relay_guest` is the server; it prints `ready PORT`.
"""

import asyncio
import contextlib
import functools
import hashlib
import random
import socket
import ssl
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 20.0
_PATTERN = hashlib.shake_256(b"praxisd relay").digest(1 << 20)
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close says RST."""


def pattern(start: int, count: int) -> bytes:
    """`count` bytes of the endless text that both sides know, from byte `start` on."""
    at = start % len(_PATTERN)
    found = _PATTERN[at : at + count]
    while len(found) < count:
        found += _PATTERN[: count - len(found)]
    return found


@functools.lru_cache(maxsize=4096)
def client_hello(name: str) -> bytes:
    """What OpenSSL says first when it wants `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=name).do_handshake()
    return said.read()


def in_records(hello: bytes, size: int) -> bytes:
    """The same hello, spread over TLS records of at most `size` bytes (RFC 8446 § 5.1)."""
    body = hello[5:]
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(hello[:3] + struct.pack("!H", len(one)) + one for one in parts)


def abort(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@dataclass
class Guest:
    """Asks for `name` at a hub. Each call is a connection; `source`: the loopback address it comes from."""

    port: int
    name: str
    source: str = "127.0.0.1"

    async def connect(
        self, hello: bytes | None = None, *, split: int = 0, buffer: int = 0
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that has said its hello, in two pieces at byte `split` where that is given.

        `buffer`: bytes of the socket's receive buffer, to be a slow reader that TCP notices.
        """
        sock = socket.socket()
        sock.setblocking(False)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((self.source, 0))
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        except BaseException:
            sock.close()
            raise
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 17)
        said = client_hello(self.name) if hello is None else hello
        if split:
            writer.write(said[:split])
            await asyncio.sleep(0.002)
            said = said[split:]
        writer.write(said)
        return reader, writer

    async def get(self, count: int, *, hello: bytes | None = None, split: int = 0) -> float:
        """Ask for `count` bytes and compare each; seconds it took. OSError or EOFError if they do not come, TimeoutError
        after `PATIENCE_S`, ValueError if they are others."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await self.connect(hello, split=split)
            try:
                writer.write(b"send %d\n" % count)
                writer.write_eof()
                await compare(reader, count)
                if await reader.read(1):
                    raise ValueError("more came than was asked for")
            finally:
                writer.close()
        return time.monotonic() - began

    async def put(self, count: int) -> float:
        """Send so many bytes; the answer must be their SHA-256. Seconds and errors as of `get`."""
        began, sha = time.monotonic(), hashlib.sha256()
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await self.connect()
            try:
                writer.write(b"take %d\n" % count)
                for at in range(0, count, 65536):
                    part = pattern(at, min(65536, count - at))
                    sha.update(part)
                    writer.write(part)
                    await writer.drain()
                if await reader.readexactly(32) != sha.digest():
                    raise ValueError("other bytes arrived than were sent")
            finally:
                writer.close()
        return time.monotonic() - began

    async def answers(self, within: float = 2.0) -> bool:
        """Does the practice answer now?"""
        try:
            async with asyncio.timeout(within):
                reader, writer = await self.connect()
                try:
                    writer.write(b"send 64\n")
                    await compare(reader, 64)
                finally:
                    abort(writer)
        except (OSError, EOFError, ValueError, TimeoutError):
            return False
        return True


async def compare(reader: asyncio.StreamReader, count: int) -> None:
    """Read `count` bytes of the pattern; EOFError if it ends early, ValueError if it is another text."""
    at = 0
    while at < count:
        data = await reader.read(min(65536, count - at))
        if not data:
            raise EOFError(f"ended after {at} of {count} bytes")
        if data != pattern(at, len(data)):
            raise ValueError(f"other bytes than were sent, at {at}")
        at += len(data)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:  # the hello: whole records of handshake, before the wish
            head = await reader.readexactly(1)
            if head != b"\x16":
                break
            rest = await reader.readexactly(4)
            await reader.readexactly(int.from_bytes(rest[2:], "big"))
        wish, _, number = (head + await reader.readline()).decode().strip().partition(" ")
        count = int(number or 0)
        if wish == "take":
            sha = hashlib.sha256()
            while count:
                data = await reader.read(min(65536, count))
                if not data:
                    return
                sha.update(data)
                count -= len(data)
            writer.write(sha.digest())
        elif wish == "wait":
            await reader.read(1)
        elif wish == "drip":
            for at in range(count):
                writer.write(pattern(at, 1))
                await writer.drain()
                await asyncio.sleep(0.2)
        elif wish in ("send", "cut"):
            for at in range(0, count, 65536):
                writer.write(pattern(at, min(65536, count - at)))
                await writer.drain()
        if wish == "cut":
            abort(writer)
        else:
            await writer.drain()
    except (OSError, EOFError, ValueError):
        pass  # a guest may do what he likes
    finally:
        writer.close()


async def serve() -> None:
    """The practice's server, until it is killed."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096, limit=1 << 17)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def address(dice: random.Random) -> str:
    """One of 16 million addresses of the loopback."""
    return f"127.{dice.randrange(1, 255)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


class Origin:
    """The practice's server as a program of its own, until the block ends."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.port = 0

    def __enter__(self) -> "Origin":
        command = [sys.executable, "-m", "praxisd.testing.relay_guest"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("ready"):
            raise RuntimeError(f"the origin did not start: {self._log.read_text()[-2000:]}")
        self.port = int(line.split()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(0)
