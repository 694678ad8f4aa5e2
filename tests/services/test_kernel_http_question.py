"""Questions by HTTP, the shorter way: what certainly was not sent, what nobody can know, and what an answer may look like."""

import gzip
import logging
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.kernel import http
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.http import AnswerLate, AnswerLost, Http, NotSent
from praxisd.kernel.http_connecting import first_of
from praxisd.kernel.http_question import target
from praxisd.kernel.outside import Outside

from .http_cast import answer, certificate, closed_port, closes_after_reading, raw, rude, silent, ways_out
from .test_kernel_http import LOST, Way

SECRET = "geheim-4711"


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """A loop that must not be used: questions go without one."""
    loop = Outside()
    monkeypatch.setattr(loop, "run", None)
    return loop


@pytest.fixture
def make(outside: Outside) -> Iterator[Callable[..., Http]]:
    with ways_out(outside) as make_one:
        yield make_one


@pytest.fixture
def ways(make: Callable[..., Http]) -> Http:
    return make()


def test_a_question_arrives_as_it_was_meant(ways: Http) -> None:
    with rude(answer("200 OK", b"yes", "X-Word: a", "x-word: b", "Set-Cookie: s=1")) as server:
        url = server.url + "/a%2Fb?x=1"
        found = ways.request(
            "GET", url, headers={"X-Key": "k"}, params={"ä": "1 2", "at": "2026-01-01T08:00:00+01:00"}
        )
        ways.request("GET", server.url, headers={"accept": "text/plain", "User-Agent": "me"})
    assert (found.status, found.body, found.headers["x-word"]) == (200, b"yes", "b")
    first, second = server.requests
    line = b"GET /send/a%2Fb?x=1&%C3%A4=1+2&at=2026-01-01T08:00:00%2B01:00 HTTP/1.1\r\n"
    assert first.startswith(line + f"Host: 127.0.0.1:{server.port}\r\n".encode())
    assert b"\r\nX-Key: k\r\n" in first and b"\r\nAccept: */*\r\n" in first and b"Content-Length" not in first
    assert b"User-Agent: praxisd/" in first and b"User-Agent: me\r\n" in second
    assert b"*/*" not in second and b"Cookie" not in second


@pytest.mark.parametrize(
    "status", ["204 Nothing", "301 Moved", "304 Same", "404 Not", "429 Slow", "503 Later"]
)
def test_every_status_is_an_answer(ways: Http, status: str) -> None:
    with rude(raw(f'HTTP/1.1 {status}\r\nRetry-After: 7\r\nETag: "a"\r\n\r\n'.encode())) as server:
        found = ways.request("GET", server.url)
    assert (found.status, found.headers["retry-after"], found.body) == (int(status[:3]), "7", b"")
    assert len(server.requests) == 1


BEHIND: dict[str, Way] = {
    "an answer": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na and more"),
    "the last answer": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na and more"),
    "a head alone": raw(b"HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\nab"),
}


@pytest.mark.parametrize("way", [*LOST.values(), *BEHIND.values()], ids=[*LOST, *BEHIND])
def test_once_it_may_have_left_the_answer_is_lost_and_it_is_not_sent_again(ways: Http, way: Way) -> None:
    with rude(way) as server, pytest.raises(AnswerLost):
        ways.request("GET", server.url, timeout_s=0.7, limit_bytes=2_000)
    assert server.connections == 1


def test_an_answer_that_comes_too_slowly_is_late(ways: Http) -> None:
    for name in ("never answers", "drips"):
        with rude(LOST[name]) as server, pytest.raises(AnswerLate):
            ways.request("GET", server.url, timeout_s=0.4)


GOOD: dict[str, bytes] = {
    "with its length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo",
    "to its end": b"HTTP/1.0 200 OK\r\n\r\nhallo",
    "in pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhal\r\n2\r\nlo\r\n0\r\nX-A: late\r\n\r\n",
    "after going on": b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo",
    "by lines of old": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhallo",
    "packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hallo"),
    "packed otherwise": b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"hallo"),
}


@pytest.mark.parametrize("reply", GOOD.values(), ids=GOOD.keys())
def test_ways_to_answer(ways: Http, reply: bytes) -> None:
    with rude(raw(reply)) as server:
        found = ways.request("GET", server.url, limit_bytes=40)
    assert (found.status, found.body) == (200, b"hallo") and "x-a" not in found.headers


@pytest.mark.parametrize(
    "packed",
    [
        ("gzip", gzip.compress(b"x" * 6)),
        ("gzip", gzip.compress(b"abc")[:-4]),
        ("gzip", b"abc"),
        ("br", b"abc"),
    ],
)
def test_what_cannot_be_unpacked_is_lost(ways: Http, packed: tuple[str, bytes]) -> None:
    with (
        rude(answer("200 OK", packed[1], f"Content-Encoding: {packed[0]}")) as server,
        pytest.raises(AnswerLost),
    ):
        ways.request("GET", server.url, limit_bytes=5)


def test_a_head_alone(ways: Http) -> None:
    with rude(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")) as server:
        found = ways.request("HEAD", server.url)
    assert (found.headers["content-length"], found.body) == ("99", b"")


def test_what_cannot_be_reached_was_not_sent(ways: Http) -> None:
    for url in (
        f"http://127.0.0.1:{closed_port()}/",
        f"http://localhost:{closed_port()}/",
        "http://no-such-name.invalid/",
    ):
        with pytest.raises(NotSent) as caught:
            ways.request("GET", url, timeout_s=5)
        assert caught.value.why == ("name" if "no-such-name" in url else "unreachable"), url


@pytest.mark.parametrize("headers", [{"X-Key": "a\r\nX-Other: b"}, {"X\nY": "a"}, {"": "a"}, {"X Y": "a"}])
def test_what_cannot_be_written_as_http_was_not_sent(ways: Http, headers: dict[str, str]) -> None:
    with rude(answer()) as server, pytest.raises(NotSent):
        ways.request("GET", server.url, headers=headers)
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "http://",
        "a",
        "http://a:99999/",
        "http://a:0/",
        "http://me@a/",
        "http://ä/",
        "http://a/ä",
        "http://a/../b",
        "http://a/.",
        "http://a/%2",
        "http://a/#c",
        "http://[a/",
    ],
)
def test_addresses_that_need_mending_go_the_other_way(url: str) -> None:
    assert target(url, None) is None


def test_an_address_with_blanks_or_lines_in_it_goes_the_other_way() -> None:
    assert target("http://a/b c", None) is None and target("http://a/\r\nX: b", None) is None


def test_after_its_time_nothing_is_written(make: Callable[..., Http]) -> None:
    ways = make(FrozenClock(1_795_420_800))
    with rude(answer()) as server:
        assert ways.request("GET", server.url, before=1_795_420_800).status == 200
        with pytest.raises(NotSent) as caught:
            ways.request("GET", server.url, before=1_795_420_799.5)
        assert caught.value.why == "too_late"
        with pytest.raises(NotSent) as caught:
            ways.request("GET", server.url, allowed=lambda peer: peer != "127.0.0.1")
        assert caught.value.why == "forbidden"
    assert len(server.requests) == 1


def test_tls_is_checked(make: Callable[..., Http], tmp_path: Path) -> None:
    context, trust = certificate(tmp_path)
    _, other_trust = certificate(tmp_path, "elsewhere")
    with rude(answer(), context) as server:
        assert make(trust=trust).request("GET", server.url).status == 200
        wrong_name = server.url.replace("localhost", "127.0.0.1")
        for ways, url in (
            (make(), server.url),
            (make(trust=other_trust), server.url),
            (make(trust=trust), wrong_name),
        ):
            with pytest.raises(NotSent) as caught:
                ways.request("GET", url, headers={"X-Key": SECRET}, timeout_s=5)
            assert caught.value.why == "encryption"
    assert len(server.requests) == 1


def test_a_handshake_that_never_ends_was_sent_nothing(ways: Http) -> None:
    with rude(LOST["reads nothing"]) as server, pytest.raises(NotSent) as caught:
        ways.request("GET", server.url.replace("http:", "https:"), timeout_s=0.4)
    assert caught.value.why == "timeout"


def test_waiting_for_a_turn_counts_and_sends_nothing(ways: Http) -> None:
    outcomes: list[type] = []

    def ask(patience_s: float) -> None:
        try:
            ways.request("GET", server.url, timeout_s=patience_s)
        except (NotSent, AnswerLost) as lost:
            outcomes.append(type(lost))

    with rude(silent) as server:
        first = [threading.Thread(target=ask, args=(60.0,)) for _ in range(http.AT_ONCE)]
        for one in first:
            one.start()
        until = time.monotonic() + 60
        while len(server.requests) < http.AT_ONCE:
            assert time.monotonic() < until
            time.sleep(0.02)
        ask(0.2)
        assert outcomes == [NotSent] and len(server.requests) == http.AT_ONCE
        ways.close()  # hangs up: nobody waits a minute
        for one in first:
            one.join(5)
    assert outcomes[1:] == [AnswerLost] * http.AT_ONCE


def test_the_first_address_that_answers_is_used() -> None:
    with socket.socket() as full, socket.create_server(("127.0.0.1", 0)) as good:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        refused = ("127.0.0.1", closed_port())
        tried = [(socket.AF_INET, at) for at in (refused, full.getsockname(), good.getsockname())]
        with first_of(tried, time.monotonic() + 20) as line:
            assert line.getpeername() == good.getsockname()
        with pytest.raises(TimeoutError):
            first_of(tried[:2], time.monotonic() + 0.6)
        with pytest.raises(ConnectionRefusedError):
            first_of([tried[0], tried[0]], time.monotonic() + 5)
        for one in fillers:
            one.close()


def test_nothing_of_a_question_is_told(ways: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with rude(closes_after_reading) as server:
        for url in (server.url, f"http://127.0.0.1:{closed_port()}/{SECRET}"):
            with pytest.raises((NotSent, AnswerLost)) as caught:
                ways.request("GET", url, params={"key": SECRET}, headers={"X-Key": SECRET})
            assert SECRET not in repr(caught.value) and caught.value.__cause__ is None
            assert caught.value.__suppress_context__
    assert SECRET not in caplog.text


HANGING = """
import socket, time
socket.getaddrinfo = lambda *a, **k: time.sleep(60)
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.http import Http, NotSent
from praxisd.kernel.outside import Outside
try:
    Http(SystemClock(), Outside()).request("GET", "http://gateway.example/", timeout_s=0.3)
except NotSent as left:
    print(left.why, flush=True)
"""


def test_a_name_server_that_hangs_does_not_keep_the_program_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=50)
    assert (done.stdout.strip(), done.returncode) == ("timeout", 0), done.stderr
