"""The way out by HTTP against servers that misbehave: what certainly was not sent, and what nobody can know."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from praxisd.kernel import http
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.http import AnswerLost, Http, NotSent
from praxisd.kernel.outside import Outside

from .http_cast import (
    Rude,
    Way,
    answer,
    closed_port,
    closes_after_reading,
    closes_at_once,
    deaf,
    drips,
    half_closes,
    raw,
    resets_after_reading,
    rude,
    silent,
    ways_out,
)

SECRET = "geheim-4711"


@pytest.fixture
def outside() -> Iterator[Outside]:
    loop = Outside()
    yield loop
    loop.close()


@pytest.fixture
def make(outside: Outside) -> Iterator[Callable[..., Http]]:
    with ways_out(outside) as make_one:
        yield make_one


@pytest.fixture
def ways(make: Callable[..., Http]) -> Http:
    return make()


def test_a_request_arrives_as_it_was_meant(ways: Http) -> None:
    with rude(answer("201 Created", b'{"id":"1"}', "X-Word: a", "Set-Cookie: s=1")) as server:
        found = ways.request(
            "POST", server.url, headers={"X-Key": "k"}, params={"ä": "1 2"}, json={"to": "+49"}
        )
        again = ways.request("POST", server.url, form={"a": "ü&=", "b": ""})
    assert (found.status, found.body, found.headers["x-word"]) == (201, b'{"id":"1"}', "a")
    first, second = server.requests
    assert first.startswith(b"POST /send?%C3%A4=1+2 HTTP/1.1\r\n")
    assert (
        b"X-Key: k" in first
        and b"Content-Type: application/json" in first
        and first.endswith(b'{"to":"+49"}')
    )
    assert b"User-Agent: praxisd/" in first
    assert b"application/x-www-form-urlencoded" in second and second.endswith(b"a=%C3%BC%26%3D&b=")
    assert b"Cookie" not in second, "one request must know nothing of another"
    assert again.status == 201


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_an_answer_and_is_not_followed(ways: Http, status: str) -> None:
    with rude(answer()) as target, rude(answer(status, b"", f"Location: {target.url}")) as server:
        found = ways.request("POST", server.url, json={})
    assert found.status == int(status[:3]) and found.headers["location"] == target.url
    assert target.connections == 0 and len(server.requests) == 1


@pytest.mark.parametrize("status", ["400 Bad", "429 Slow", "500 Oops", "503 Later"])
def test_every_status_is_an_answer(ways: Http, status: str) -> None:
    with rude(answer(status, b"no", "Retry-After: 7")) as server:
        found = ways.request("POST", server.url, json={})
    assert (found.status, found.headers["retry-after"]) == (int(status[:3]), "7")


LOST: dict[str, Way] = {
    "never answers": silent,
    "reads nothing": deaf,
    "closes at once": closes_at_once,
    "closes after reading": closes_after_reading,
    "resets after reading": resets_after_reading,
    "half closes": half_closes,
    "drips": drips,
    "cuts the head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "cuts the body": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "cuts a chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "speaks no HTTP": raw(b"+OK ready\r\n"),
    "long head": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
    "broken chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
    "too much": raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000),
}


@pytest.mark.parametrize("way", LOST.values(), ids=LOST.keys())
def test_once_it_may_have_left_the_answer_is_lost_and_it_is_not_sent_again(ways: Http, way: Way) -> None:
    began = time.monotonic()
    with rude(way) as server, pytest.raises(AnswerLost):
        ways.request("POST", server.url, json={"text": SECRET}, timeout_s=0.7, limit_bytes=2_000)
    assert time.monotonic() - began < 5
    assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_not_even_what_may_be_repeated_is_sent_twice(ways: Http, method: str) -> None:
    with rude(closes_after_reading) as server, pytest.raises(AnswerLost):
        ways.request(method, server.url, timeout_s=2)
    assert len(server.requests) == 1


def test_an_answer_may_be_as_long_as_allowed(ways: Http) -> None:
    with rude(answer(body=b"x" * 2_000)) as server:
        assert len(ways.request("GET", server.url, limit_bytes=2_000).body) == 2_000
        with pytest.raises(AnswerLost):
            ways.request("GET", server.url, limit_bytes=1_999)


def test_what_cannot_be_reached_was_not_sent(ways: Http) -> None:
    for url in (
        f"http://127.0.0.1:{closed_port()}/",
        "http://no-such-name.invalid/",
        "ftp://127.0.0.1/",
        "http://",
        "nonsense",
        "http://127.0.0.1:99999/",
    ):
        with pytest.raises(NotSent) as caught:
            ways.request("POST", url, json={}, timeout_s=5)
        assert caught.value.why == ("name" if "no-such-name" in url else "unreachable"), url


def test_what_cannot_be_written_as_http_was_not_sent(ways: Http) -> None:
    with rude(answer()) as server:
        for headers in ({"X-Key": "a\r\nX-Other: b"}, {"X\nY": "a"}):
            with pytest.raises((NotSent, AnswerLost)):
                ways.request("POST", server.url, headers=headers, json={}, timeout_s=2)
    assert not any(b"X-Other: b" in one for one in server.requests)


def test_a_server_that_takes_no_connection_in_time_was_sent_nothing(make: Callable[..., Http]) -> None:
    """A full queue of connections: the handshake never ends."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with pytest.raises(NotSent) as caught:
            make().request("POST", f"http://127.0.0.1:{port}/", json={}, timeout_s=0.5)
        assert caught.value.why == "timeout"
        for one in fillers:
            one.close()


def test_after_its_time_nothing_is_written(make: Callable[..., Http]) -> None:
    clock = FrozenClock(1_795_420_800)
    ways = make(clock)
    with rude(answer()) as server:
        assert ways.request("POST", server.url, json={}, before=1_795_420_800).status == 200
        with pytest.raises(NotSent) as caught:
            ways.request("POST", server.url, json={}, before=1_795_420_799.5)
    assert caught.value.why == "too_late"
    assert len(server.requests) == 1


def test_many_wait_for_their_turn(ways: Http) -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def counted(one: socket.socket, server: Rude) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        server.read(one)
        time.sleep(0.05)
        with lock:
            busy -= 1
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    found: list[int] = []
    with rude(counted) as server:
        threads = [
            threading.Thread(target=lambda: found.append(ways.request("POST", server.url, json={}).status))
            for _ in range(30)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join(20)
    assert found == [200] * 30 and 2 <= most <= http.AT_ONCE


def test_waiting_for_a_turn_counts_and_sends_nothing(ways: Http) -> None:
    outcomes: list[type] = []

    def ask(patience_s: float) -> threading.Thread:
        def work() -> None:
            try:
                ways.request("POST", server.url, json={}, timeout_s=patience_s)
            except (NotSent, AnswerLost) as lost:
                outcomes.append(type(lost))

        one = threading.Thread(target=work)
        one.start()
        return one

    with rude(silent) as server:
        first = [ask(60.0) for _ in range(http.AT_ONCE)]
        until = time.monotonic() + 60
        while len(server.requests) < http.AT_ONCE:
            assert time.monotonic() < until
            time.sleep(0.02)
        for one in [ask(0.3) for _ in range(http.AT_ONCE)]:
            one.join(20)
        assert outcomes == [NotSent] * http.AT_ONCE and len(server.requests) == http.AT_ONCE
        ways.close()  # hangs up: nobody waits a minute
        for one in first:
            one.join(20)
    assert outcomes[http.AT_ONCE :] == [AnswerLost] * http.AT_ONCE


def test_a_loop_that_stands_still_sends_nothing_later(
    outside: Outside, make: Callable[..., Http], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gave up waiting may have told others that nothing was sent: that must stay true."""
    from praxisd.kernel import outside as module

    monkeypatch.setattr(module, "_BEYOND_S", 0.1)
    ways = make()
    with rude(answer()) as server:
        ways.request("GET", server.url)
        go_on = threading.Event()
        outside.loop.call_soon_threadsafe(go_on.wait, 30)
        with pytest.raises(NotSent):
            ways.request("POST", server.url, json={}, timeout_s=0.2)
        go_on.set()
        ways.request("PUT", server.url, json={})  # the loop has done all that waited before
        time.sleep(0.1)
    assert [one.split(b" ")[0] for one in server.requests] == [b"GET", b"PUT"]


def test_nothing_of_a_request_is_told(ways: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with rude(closes_after_reading) as server:
        for url in (server.url, f"http://127.0.0.1:{closed_port()}/{SECRET}"):
            with pytest.raises((NotSent, AnswerLost)) as caught:
                ways.request(
                    "POST", url, params={"key": SECRET}, headers={"X-Key": SECRET}, json={"t": SECRET}
                )
            assert SECRET not in repr(caught.value) and caught.value.__cause__ is None
            assert caught.value.__suppress_context__
    assert SECRET not in caplog.text


HANGING = """
import socket, sys, time
socket.getaddrinfo = lambda *a, **k: time.sleep(60)
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.http import Http, NotSent
from praxisd.kernel.outside import Outside
try:
    Http(SystemClock(), Outside()).request("POST", "http://gateway.example/", json={}, timeout_s=0.3)
except NotSent as left:
    print(left.why, flush=True)
"""


def test_a_name_server_that_hangs_does_not_keep_the_program_from_ending() -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=50)
    assert (done.stdout.strip(), done.returncode) == ("timeout", 0), done.stderr
    assert time.monotonic() - began < 30
