"""Connections really tried: open, closed, filtered, something else that answers, and what hangs."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from praxisd.services.diagnosis import port_rules as rules
from praxisd.services.diagnosis.port_listening import listeners
from praxisd.services.diagnosis.port_rules import Attempt
from praxisd.services.diagnosis.port_trying import try_all, try_one

HERE = "127.0.0.1"


@contextmanager
def _answering(says: bytes = b"", context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that takes every connection, says something once it was spoken to, and hangs up."""
    server = socket.create_server((HERE, 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                with suppress(OSError), closing(line):
                    if context is not None:
                        line = context.wrap_socket(line, server_side=True)
                    line.settimeout(5)
                    if says:
                        line.recv(1_000)
                        line.sendall(says)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@contextmanager
def _silent() -> Iterator[int]:
    """A port whose queue is full: the system lets further connections wait, as a firewall that drops does."""
    with socket.socket() as server, ExitStack() as waiting:
        server.bind((HERE, 0))
        server.listen(0)
        for _ in range(4):
            line = waiting.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(server.getsockname())
        time.sleep(0.05)
        yield server.getsockname()[1]


def _free() -> int:
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HERE).configure_cert(context)
    return context


def _tried(port: int, how: str, limit_s: float = 5.0) -> tuple[str, str]:
    return try_one(Attempt("x", HERE, port, how), limit_s)


def test_a_port_that_takes_connections_is_open() -> None:
    with _answering() as port:
        assert _tried(port, rules.PLAIN) == (rules.OPEN, "")


def test_a_port_without_a_program_is_closed() -> None:
    assert _tried(_free(), rules.PLAIN) == (rules.CLOSED, "")


def test_a_port_that_stays_silent_is_filtered() -> None:
    with _silent() as port:
        assert _tried(port, rules.PLAIN, 0.4) == (rules.FILTERED, "")


def test_tls_is_told_from_what_is_none(tls: ssl.SSLContext) -> None:
    with _answering(context=tls) as port:
        assert _tried(port, rules.TLS) == (rules.OPEN, "")
        assert _tried(port, rules.TRUSTED) == (rules.WRONG, "certificate")
    with _answering(b"220 mail ready\r\n") as port:
        assert _tried(port, rules.TLS) == (rules.WRONG, "no_tls")


def test_http_is_told_from_what_is_none() -> None:
    with _answering(b"HTTP/1.1 404 Not Found\r\n\r\n") as port:
        assert _tried(port, rules.HTTP) == (rules.OPEN, "")
    with _answering(b"220 mail ready\r\n") as port:
        assert _tried(port, rules.HTTP) == (rules.WRONG, "no_http")
    with _answering() as port:
        assert _tried(port, rules.HTTP) == (rules.WRONG, "no_http")


def test_a_name_nobody_knows_is_no_verdict() -> None:
    assert try_one(Attempt("x", "nobody.invalid", 443, rules.PLAIN), 30)[0] == rules.UNDETERMINED


def test_many_are_tried_side_by_side_and_each_keeps_its_place() -> None:
    with _silent() as silent, _answering() as good:
        ports = [silent, good, _free()] * 10
        # One after the other the silent ones alone would take 20 seconds, and the last be too late.
        found = try_all([Attempt("x", HERE, one, rules.PLAIN) for one in ports], 19, limit_s=2.0)
        assert [state for state, _ in found] == [rules.FILTERED, rules.OPEN, rules.CLOSED] * 10


def test_what_is_not_done_in_time_or_after_the_stop_is_no_verdict() -> None:
    with _silent() as port:
        attempts = [Attempt("x", HERE, port, rules.PLAIN)]
        assert try_all(attempts, 0.3, limit_s=20) == [(rules.UNDETERMINED, "late")]
        assert try_all(attempts, 30, lambda: True, limit_s=20) == [(rules.UNDETERMINED, "late")]
    assert try_all([], 1) == []


def test_who_listens_here_is_seen_with_its_program() -> None:
    with _answering() as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((HERE, 0))
        heard = listeners()
        assert heard is not None
        (one,) = [x for x in heard if (x.protocol, x.port) == ("tcp", port)]
        assert one.address == HERE and one.local_only and one.program
        assert Path(one.program).name == one.program
        assert ("udp", udp.getsockname()[1]) in [(x.protocol, x.port) for x in heard]
    again = listeners()
    assert again is not None and port not in [x.port for x in again if x.protocol == "tcp"]
