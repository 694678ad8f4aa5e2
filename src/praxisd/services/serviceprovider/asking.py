"""Asking a ServiceProvider over the network: does it listen, and does it answer as one? Waits two seconds at most, twice.

It speaks HTTP (seed 003: updates are sent to it by HTTP). One that was started a third time after failures listens and
does not work (seed 003, FAQ): that is `wrong`, not `closed`.
"""

import json
import re
import socket
import time
from contextlib import suppress

from praxisd.kernel.http_connecting import lookup
from praxisd.kernel.outside import NotSent
from praxisd.services.serviceprovider.seen import Asked

WAIT_S = 2.0
"""For the name, for the connection, and for the answer, each. Seconds."""
_MOST, _CHUNK = 65_536, 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5])\d\d")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d{1,9})", re.IGNORECASE)
_SERVER = re.compile(r"\nserver:\s*service-?provider/(\d+(?:\.\d+){1,3})", re.IGNORECASE)
_VERSION = re.compile(r"\d+(?:\.\d+){1,3}")
PATH = "/serviceprovider/about"


def ask(host: str, address: str, port: int, wait_s: float = WAIT_S) -> Asked:
    """Connect to an address ("": look the name up) and ask who is there."""
    if not address:
        try:
            address = str(lookup(host, time.monotonic() + wait_s)[0][1][0])
        except (NotSent, IndexError):
            return Asked(host, "", port, "unresolved", "unresolved")
    try:
        connection = socket.create_connection((address, port), wait_s)
    except TimeoutError:
        return Asked(host, address, port, "filtered", "no_answer")
    except ConnectionRefusedError:
        return Asked(host, address, port, "closed", "refused")
    except OSError:
        return Asked(host, address, port, "closed", "no_way")
    with connection:
        name = host if re.fullmatch(r"[A-Za-z0-9._:-]+", host) else address
        asked = f"GET {PATH} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
        why, head, body = _spoken(connection, asked.encode(), time.monotonic() + wait_s)
    if why:
        return Asked(host, address, port, "wrong", why)
    return Asked(host, address, port, "open", "", _version(head, body))


def _spoken(connection: socket.socket, asked: bytes, until: float) -> tuple[str, str, bytes]:
    """Why what was answered is wrong ("" if it is right), the head of the answer, and its body as far as it came in time."""
    got = b""
    try:
        connection.sendall(asked)
        while len(got) < _MOST and not _whole(got):
            connection.settimeout(max(0.01, until - time.monotonic()))
            more = connection.recv(_CHUNK)
            if not more:
                break
            got += more
            if time.monotonic() > until:
                break
    except TimeoutError:
        pass
    except OSError:
        if not got:
            return "closed_early", "", b""
    status = _STATUS.match(got)
    if status is None:
        closed = "silent" if time.monotonic() >= until else "closed_early"
        return "not_http" if got else closed, "", b""
    head, _, body = got.partition(b"\r\n\r\n")
    return "status" if status.group(1) >= b"5" else "", head.decode("latin-1"), body


def _whole(got: bytes) -> bool:
    """True once all of an answer of known length has come."""
    head, sign, body = got.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(sign) and length is not None and len(body) >= int(length.group(1))


def _version(head: str, body: bytes) -> str:
    """What version it says, in its header or in JSON; "" if it does not."""
    found = _SERVER.search(head)
    if found is not None:
        return found.group(1)
    with suppress(ValueError, RecursionError):
        told = json.loads(body)
        text = told.get("version") if isinstance(told, dict) else None
        if isinstance(text, str) and _VERSION.fullmatch(text):
            return text
    return ""
