"""Trying connections, many side by side: open, closed, filtered, or something else answers.

Nothing is said beyond what tells these apart: a TLS handshake, or `HEAD /`. A name that nobody knows, and what was not
tried in time, is "could not be determined", never good or bad.
"""

import errno
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from praxisd.kernel.http_connecting import first_of, left, lookup
from praxisd.kernel.outside import NotSent
from praxisd.services.diagnosis.port_rules import (
    CLOSED,
    FILTERED,
    HTTP,
    OPEN,
    PLAIN,
    TRUSTED,
    UNDETERMINED,
    WRONG,
    Attempt,
)

LIMIT_S = 2.0
"""For one connection, and again for what must happen on it."""
AT_ONCE = 32
Found = tuple[str, str]
"""State and why."""
_REFUSED = (errno.ECONNREFUSED, getattr(errno, "WSAECONNREFUSED", errno.ECONNREFUSED))


def try_one(attempt: Attempt, limit_s: float = LIMIT_S) -> Found:
    """Try one connection: finding the name, connecting, and what must happen then may each take `limit_s`."""
    try:
        addresses = lookup(attempt.host, time.monotonic() + limit_s)
    except NotSent:
        return UNDETERMINED, "name"
    ends = [(family, (where[0], attempt.port, *where[2:])) for family, where in addresses]
    try:
        line = first_of(ends, time.monotonic() + limit_s)
    except TimeoutError:
        return FILTERED, ""
    except OSError as error:
        return (CLOSED, "") if error.errno in _REFUSED else (FILTERED, "unreachable")
    with closing(line):
        line.setblocking(True)
        if attempt.how == PLAIN:
            return OPEN, ""
        until = time.monotonic() + limit_s
        if attempt.how == HTTP:
            return _http(line, attempt.host, until)
        return _tls(line, attempt, until)


def _tls(line: socket.socket, attempt: Attempt, until: float) -> Found:
    context = ssl.create_default_context()
    if attempt.how != TRUSTED:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        line.settimeout(left(until))
        with context.wrap_socket(line, server_hostname=attempt.host):
            return OPEN, ""
    except ssl.SSLCertVerificationError:
        return WRONG, "certificate"
    except (OSError, ValueError):  # SSLError and TimeoutError too
        return WRONG, "no_tls"


def _http(line: socket.socket, host: str, until: float) -> Found:
    said = b""
    try:
        line.settimeout(left(until))
        line.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii"))
        while len(said) < 5:
            line.settimeout(left(until))
            piece = line.recv(64)
            if not piece:
                break
            said += piece
    except (OSError, UnicodeError):
        return WRONG, "no_http"
    return (OPEN, "") if said.startswith(b"HTTP/") else (WRONG, "no_http")


def try_all(
    attempts: Sequence[Attempt],
    total_s: float,
    stopping: Callable[[], bool] = lambda: False,
    limit_s: float = LIMIT_S,
) -> list[Found]:
    """Try them side by side; what has no answer after `total_s` seconds is undetermined ("late"), as is what was not begun
    when `stopping()` became true. Threads that hang are left behind; the program may end over them.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Found]] = queue.SimpleQueue()
    end = time.monotonic() + total_s
    for number in range(len(attempts)):
        waiting.put(number)

    def work() -> None:
        while not stopping() and time.monotonic() < end:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((number, try_one(attempts[number], limit_s)))

    for _ in range(min(AT_ONCE, len(attempts))):
        threading.Thread(target=work, name="praxisd-ports", daemon=True).start()
    found: list[Found] = [(UNDETERMINED, "late")] * len(attempts)
    missing = len(attempts)
    while missing and not stopping():
        pause = end - time.monotonic()
        if pause <= 0:
            break
        try:
            number, one = done.get(timeout=min(pause, 0.25))
        except queue.Empty:
            continue
        found[number], missing = one, missing - 1
    return found
