"""Questions over plain sockets, in the thread of whoever asks: no loop and no change of threads, a third of the cost.

A question is a GET or HEAD without a body, to a plain address, through no proxy; whatever else is to be said goes the way
of `http`. What holds there holds here: `leave` is called when a connection stands (behind TLS) and nothing is written
yet. Before it there is only `NotSent`, after it only the whole answer or `AnswerLost`; nothing is sent twice.
"""

import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from praxisd.kernel.http_connecting import Address, first_of, left, lookup
from praxisd.kernel.outside import AnswerLate, AnswerLost, NotSent

METHODS = frozenset({"GET", "HEAD"})
_PLAIN = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEAD_BYTES = 65_536
_CHUNK = 65_536
_KNOWN_S = 10.0
"""So long the addresses of a name are used again."""
_KNOWN_MOST = 100
Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers (lower case; of repeated ones the last), body."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a question goes. `host` as the address names it, `path` as it is written into the request."""

    secure: bool
    host: str
    port: int
    said: str
    path: str


def target(url: str, params: Mapping[str, str] | None) -> Target | None:
    """The parts of an address that needs no mending; None for any other."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    if usual is None or not parts.hostname or "@" in parts.netloc or port == 0 or _DOTS.search(parts.path):
        return None
    asked = "&".join(one for one in (parts.query, urlencode(params or {}, safe=":/@,")) if one)
    path = (parts.path or "/") + (f"?{asked}" if asked else "")
    return Target(parts.scheme == "https", parts.hostname, port or usual, parts.netloc, path)


class Questions:
    """Asks, `at_once` of them at the same time; more wait for their turn, which counts into their time."""

    def __init__(self, at_once: int, trust: ssl.SSLContext | None) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._trust = trust
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._known: dict[str, tuple[float, list[Address]]] = {}

    def ask(
        self,
        method: str,
        where: Target,
        headers: Mapping[str, str],
        leave: Callable[[str], None],
        timeout_s: float,
        limit_bytes: int,
    ) -> Answer:
        """Send it, once, and wait for the whole answer. What `leave` raises is passed on; then nothing was written."""
        try:
            head = _head(method, where, headers)
        except ValueError:
            raise NotSent("unreachable") from None
        trust = (self._trust or _trust()) if where.secure else None
        until = time.monotonic() + timeout_s
        if not self._turns.acquire(timeout=max(0.0, timeout_s)):
            raise NotSent("timeout")
        try:
            with self._connected(where, trust, until) as line:
                leave(str(line.getpeername()[0]))
                return self._answered(line, head, method, until, limit_bytes)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Hang up wherever an answer is waited for."""
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _connected(self, where: Target, trust: ssl.SSLContext | None, until: float) -> socket.socket:
        try:
            line = first_of(self._addresses(where, until), until)
            try:
                if trust is None:
                    return line
                line.settimeout(left(until))
                return trust.wrap_socket(line, server_hostname=where.host.rstrip("."))
            except BaseException:
                line.close()
                raise
        except TimeoutError:
            raise NotSent("timeout") from None
        except ssl.SSLError:
            raise NotSent("encryption") from None
        except (OSError, ValueError):
            self._known.pop(where.host, None)
            raise NotSent("unreachable") from None

    def _addresses(self, where: Target, until: float) -> list[Address]:
        known_until, known = self._known.get(where.host, (0.0, []))
        if time.monotonic() >= known_until:
            known = lookup(where.host, until)
            if len(self._known) >= _KNOWN_MOST:
                self._known.clear()
            self._known[where.host] = (time.monotonic() + _KNOWN_S, known)
        return [(family, (at[0], where.port, *at[2:])) for family, at in known]

    def _answered(
        self, line: socket.socket, head: bytes, method: str, until: float, limit_bytes: int
    ) -> Answer:
        with self._lock:
            self._open.add(line)
        try:
            line.settimeout(left(until))
            line.sendall(head)
            reading = _Reading(method == "HEAD", limit_bytes)
            while not reading.done:
                line.settimeout(left(until))
                reading.take(line.recv(_CHUNK))
            return reading.answer()
        except TimeoutError:
            raise AnswerLate from None
        except OSError:
            raise AnswerLost from None
        finally:
            with self._lock:
                self._open.discard(line)


class _Reading:
    """One answer as it comes in."""

    def __init__(self, bodyless: bool, limit_bytes: int) -> None:
        # Here: it is needed with the first question, not with every start.
        from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

        self._parser: Any = HttpResponseParser(self)
        # What servers of long ago do: as forgiving as the other way is.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._faults = (HttpParserError, HttpParserUpgrade)
        self._bodyless = bodyless
        self._limit = limit_bytes
        self._read = 0
        self._headed = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._status = 0
        self.done = False

    def take(self, more: bytes) -> None:
        """The next bytes, none at the end. AnswerLost if this will be no whole answer."""
        if not more:
            if not self._headed or {"content-length", "transfer-encoding"} & self._headers.keys():
                raise AnswerLost
            self.done = True  # its end is that of the connection
            return
        try:
            self._parser.feed_data(more)
        except self._faults:  # also for rubbish behind a whole answer: who knows whose it is
            raise AnswerLost from None
        self._read += len(more)
        if len(self._body) > self._limit or (not self._headed and self._read > _HEAD_BYTES):
            raise AnswerLost

    def answer(self) -> Answer:
        """The whole of it; AnswerLost where its packing cannot be undone."""
        packed = self._headers.get("content-encoding", "").strip().lower()
        if packed in ("", "identity") or not self._body:
            return self._status, self._headers, bytes(self._body)
        if packed not in ("gzip", "x-gzip", "deflate"):
            raise AnswerLost
        bare = packed == "deflate" and self._body[0] & 0x0F != 8
        opening = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
        try:
            body = opening.decompress(bytes(self._body), self._limit + 1)
        except zlib.error:
            raise AnswerLost from None
        if len(body) > self._limit or not opening.eof:
            raise AnswerLost
        return self._status, self._headers, body

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of the head; what follows a body in pieces is none."""
        if not self._headed:
            self._headers[name.decode("latin-1").lower()] = value.decode("utf-8", "surrogateescape")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._status = self._parser.get_status_code()
        if self._status < 200:  # „go on“: the answer is still to come
            self._headers = {}
            return
        self._headed = True
        self.done = self.done or self._bodyless

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.done:
            self._body += body

    def on_message_complete(self) -> None:
        """All is there."""
        self.done = self.done or self._headed


def _head(method: str, where: Target, headers: Mapping[str, str]) -> bytes:
    """What is written. ValueError for a header that would be more than one."""
    given = {name.lower() for name in headers}
    all_ = {} if "host" in given else {"Host": where.said}
    all_ |= headers
    if "accept" not in given:
        all_["Accept"] = "*/*"
    for name, value in all_.items():
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise ValueError("header")
    lines = [f"{method} {where.path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_.items())]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


@cache
def _trust() -> ssl.SSLContext:
    """The certificates of the operating system."""
    found = ssl.create_default_context()
    found.set_alpn_protocols(["http/1.1"])
    return found


__all__ = ("METHODS", "Questions", "Target", "target")
