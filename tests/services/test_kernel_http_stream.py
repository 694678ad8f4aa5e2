"""Long answers in pieces: all of them, from an offset, cut, silent, too slow; and what is told of a request that never left."""

import socket
import time
from collections.abc import Iterator

import pytest

from praxisd.kernel import http_stream
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.http import AnswerLate, AnswerLost, Http, NotSent
from praxisd.kernel.outside import Outside

from .http_cast import Rude, closed_port

BODY = bytes(range(256)) * 4_000
"""A million bytes: several pieces."""


@pytest.fixture
def http() -> Iterator[Http]:
    loop = Outside()
    found = Http(SystemClock(), loop)
    yield found
    found.close()
    loop.close()


def answers(head: bytes, body: bytes = b"", *, wait_s: float = 0.0, then: bytes = b"") -> Rude:
    """A server that says this to everybody, and the rest after a while."""

    def way(one: socket.socket, rude: Rude) -> None:
        rude.read(one)
        one.sendall(b"HTTP/1.1 " + head + b"\r\nConnection: close\r\n\r\n" + body)
        if wait_s:
            time.sleep(wait_s)
            one.sendall(then)

    return Rude(way)


def test_all_comes_in_pieces(http: Http) -> None:
    server = answers(b"200 OK\r\nContent-Length: %d" % len(BODY), BODY)
    with http.stream(server.url, headers={"Range": "bytes=7-"}) as answer:
        pieces = list(answer.pieces())
    assert answer.status == 200 and answer.headers["content-length"] == str(len(BODY))
    assert b"".join(pieces) == BODY and len(pieces) > 1
    assert max(map(len, pieces)) <= http_stream.PIECE
    assert b"Range: bytes=7-" in server.requests[0] and b"Accept-Encoding: identity" in server.requests[0]


def test_who_has_enough_stops_reading(http: Http) -> None:
    server = answers(b"200 OK\r\nContent-Length: 999999999", BODY, wait_s=30)
    begun = time.monotonic()
    with http.stream(server.url) as answer:
        assert next(answer.pieces())
    assert time.monotonic() - begun < 20


def test_a_body_that_breaks_off_is_lost_and_one_that_is_silent_is_late(http: Http) -> None:
    server = answers(b"200 OK\r\nContent-Length: 2000", b"x" * 1_000)
    with pytest.raises(AnswerLost), http.stream(server.url) as answer:
        list(answer.pieces())
    silent = answers(b"200 OK\r\nContent-Length: 2000", b"x" * 1_000, wait_s=20)
    with pytest.raises(AnswerLate), http.stream(silent.url, patience_s=0.3) as answer:
        list(answer.pieces())


def test_a_server_that_trickles_is_given_up(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def way(one: socket.socket, rude: Rude) -> None:
        rude.read(one)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(200):
            one.sendall(b"x")
            time.sleep(0.05)

    monkeypatch.setattr(http_stream, "LEAST_AFTER_S", 0.5)
    with pytest.raises(AnswerLate), http.stream(Rude(way).url) as answer:
        list(answer.pieces())


def test_a_request_that_never_left_and_a_head_that_never_came(http: Http) -> None:
    with pytest.raises(NotSent) as unsent, http.stream(f"http://127.0.0.1:{closed_port()}/x"):
        pass
    assert unsent.value.why == "unreachable"

    def way(one: socket.socket, rude: Rude) -> None:
        rude.read(one)
        time.sleep(20)

    with pytest.raises(AnswerLate), http.stream(Rude(way).url, timeout_s=0.5):
        pass


def test_a_redirect_is_not_followed(http: Http) -> None:
    server = answers(b"302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0")
    with http.stream(server.url) as answer:
        assert (answer.status, list(answer.pieces())) == (302, [])
