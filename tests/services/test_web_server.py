"""The server as a program sees it: ports, readiness, limits of connections, drain and stop (SPEC 14.1)."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses
from praxisd.web import connection, crowd, server
from praxisd.web.server import EXIT_S, FINISH_S

from . import web_sample
from .web_sample.serving import DOORS, Running, running

SERVICES = (KERNEL, web_sample.SERVICE)
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.services import web_sample
from praxisd.kernel.app import open_house
from praxisd.kernel.house import SERVICE
from praxisd.kernel.registry import freeze
from praxisd.web.door import Doors
from praxisd.web.server import serve
house = open_house(Path({folder!r}), freeze([SERVICE, web_sample.SERVICE]))
doors = Doors(web_sample.authenticate, web_sample.take)
sys.exit(serve(house, doors, port=0, on_ready=lambda url: print("ready", url, flush=True)))
"""
AUTH = {"Authorization": "Bearer all"}


@pytest.fixture
def one(sqlite_houses: Houses) -> Iterator[Running]:
    with running(sqlite_houses.open(SERVICES)) as found:
        yield found


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its address."""
    source = PROGRAM.format(root=str(ROOT), folder=str(tmp_path / "data"))
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        yield process, url
        process.kill()


def raw(one: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", one.port), timeout=10)


def everything(sock: socket.socket) -> bytes:
    """All the server sends until it closes the connection."""
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_the_address_is_taken_first_and_a_taken_one_is_an_error(sqlite_houses: Houses, one: Running) -> None:
    other = sqlite_houses.open(SERVICES)
    with pytest.raises(OSError):
        server.serve(other, DOORS, "127.0.0.1", one.port)


def test_addresses_are_written_as_they_are_reached() -> None:
    for host, expected in (
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
    ):
        try:
            sock = server.bind(host, 0)
        except OSError:
            assert ":" in host  # a machine without IPv6
            continue
        with sock:
            assert server.url_of(sock) == f"{expected}{sock.getsockname()[1]}"


def test_huge_headers_are_refused(one: Running) -> None:
    with raw(one) as sock:
        sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"x" * 40_000 + b"\r\n\r\n")
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"http.headers_too_large" in answer
    assert one.http.get("/health/live").status_code == 200


def test_headers_without_an_end_are_cut_off(one: Running) -> None:
    with raw(one) as sock:
        sock.sendall(b"GET /health/live HTTP/1.1\r\nX-Big: ")
        try:
            for _ in range(40):
                sock.sendall(b"x" * 1024)
        except OSError:
            pass
        answer = everything(sock)  # returns only because the server closed the connection
    assert answer == b"" or answer.startswith(
        b"HTTP/1.1 431 "
    )  # the refusal may be lost with what was still sent
    assert one.http.get("/health/live").status_code == 200


def test_a_large_body_does_not_count_as_headers(one: Running) -> None:
    body = b'{"title": "a", "reason": "' + b"x" * 60_000 + b'"}'
    head = (
        b"PATCH /api/v1/notes/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with raw(one) as sock:
        sock.sendall(head + body)
        assert everything(sock).startswith(b"HTTP/1.1 400 ")


def test_many_requests_on_one_connection(one: Running) -> None:
    request = b"GET /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\n\r\n"
    with raw(one) as sock:
        sock.sendall(request * 400)  # far more header bytes in sum than one request may have
        sock.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert everything(sock).count(b'{"quick":true}') == 401


def test_who_sends_headers_slowly_is_cut_off(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_PATIENCE_S", 0.3)
    with raw(one) as sock:
        sock.sendall(b"GET /health/live HTTP/1.1\r\n")
        began = time.monotonic()
        assert everything(sock) == b""
        assert 0.2 < time.monotonic() - began < 5


def test_who_sends_a_body_slowly_is_cut_off(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from praxisd.web import request

    monkeypatch.setattr(request, "BODY_PATIENCE_S", 0.3)
    with raw(one) as sock:
        sock.sendall(
            b"POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"http.body_timeout" in answer


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_refused(one: Running, garbage: bytes) -> None:
    with raw(one) as sock:
        sock.sendall(garbage)
        assert everything(sock).startswith(b"HTTP/1.1 400 ")
    assert one.http.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("files", "held"), [(1_024, 900), (256, 132), (64, 62), (65_536, 4_000), (None, 4_000)]
)
def test_how_many_are_held_follows_from_the_files_that_may_be_open(files: int | None, held: int) -> None:
    assert crowd.most(files) == held  # 1,000 seats (`python -m bench growth`) need more than the usual 1024


def test_who_finds_no_room_is_told_when_to_come_again(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_CONNECTIONS", 6)
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(raw(one))
        with httpx.Client(base_url=one.url, headers={"Accept-Language": "en"}) as guest:
            for _ in range(100):  # those who say nothing have come in
                found = guest.get("/api/v1/quick", headers=AUTH)
                if found.status_code == 503:
                    break
                time.sleep(0.05)
            assert (found.status_code, found.headers["Retry-After"]) == (503, crowd.RETRY_S)
            assert found.headers["Content-Type"] == "application/problem+json"
            assert (found.json()["code"], found.json()["title"]) == ("http.busy", "Overloaded just now")
            found = guest.get("/fhir/R4/Slot")
            assert (found.status_code, found.json()["resourceType"]) == (503, "OperationOutcome")
            assert found.headers["Retry-After"] == crowd.RETRY_S
            assert guest.get("/health/live").status_code == 200  # it lives


def test_who_says_nothing_makes_room(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_CONNECTIONS", 12)
    monkeypatch.setattr(crowd, "ROOM_FROM", 4)
    monkeypatch.setattr(crowd, "ROOM_AFTER_S", 0.2)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(raw(one)) for _ in range(20)]
        busy = stack.enter_context(raw(one))
        busy.sendall(b"GET /api/v1/quick HTTP/1.1\r\n")  # it has begun to speak
        assert everything(idle[0]) == b""  # long before its headers are overdue
        end = time.monotonic() + 30
        while one.http.get("/api/v1/quick", headers=AUTH).status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        busy.sendall(b"Host: localhost\r\nAuthorization: Bearer all\r\nConnection: close\r\n\r\n")
        assert everything(busy).startswith(b"HTTP/1.1 200 ")


def test_a_websocket_is_refused_politely(one: Running) -> None:
    with raw(one) as sock:
        sock.sendall(
            b"GET /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        sock.settimeout(30)
        assert sock.recv(4096).startswith(b"HTTP/1.1 4")


def test_too_many_waiting_requests_are_told_to_come_back(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    from praxisd.web import door

    monkeypatch.setattr(door, "LONGEST_QUEUE", 1)
    with running(sqlite_houses.open(SERVICES)) as one:
        one.http.get("/api/v1/quick")
        web_sample.gate.clear()
        web_sample.entered.clear()
        slow = threading.Thread(
            target=lambda: httpx.get(f"{one.url}/api/v1/notes/slow", headers=AUTH, timeout=20)
        )
        slow.start()
        assert web_sample.entered.wait(30)
        refused = one.http.get("/api/v1/notes/x")
        web_sample.gate.set()
        slow.join(10)
        assert (refused.status_code, refused.json()["code"]) == (503, "http.busy")
        assert one.http.get("/api/v1/quick").status_code == 200


def test_sigterm_finishes_what_runs_and_exits_with_0(program: tuple[subprocess.Popen[str], str]) -> None:
    process, url = program
    answers: list[httpx.Response] = []
    idle = httpx.Client(base_url=url, headers=AUTH)
    assert idle.get("/api/v1/quick").status_code == 200
    slow = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{url}/api/v1/sleepy", headers=AUTH, timeout=20))
    )
    slow.start()
    _wait_until_asked(url)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    while (drained := idle.get("/health/ready")).status_code == 200:
        time.sleep(0.02)
    slow.join(30)
    assert process.wait(30) == 0
    assert time.monotonic() - began < 10
    assert answers[0].json() == {"slept": True}
    assert (drained.status_code, drained.headers["connection"]) == (503, "close")
    idle.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live")


def test_without_connections_the_stop_takes_no_time(program: tuple[subprocess.Popen[str], str]) -> None:
    process, _url = program
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert time.monotonic() - began < FINISH_S


@pytest.mark.slow
def test_a_stuck_request_delays_the_exit_to_10_seconds_at_most(
    program: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = program
    stuck = threading.Thread(target=lambda: _ignore(url, "/api/v1/notes/stuck"))
    stuck.start()
    _wait_until_asked(url)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(28) == 0
    assert EXIT_S < 10 and 7 < time.monotonic() - began < 20  # its answer would take 30
    stuck.join(30)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_second_signal_ends_at_once(program: tuple[subprocess.Popen[str], str]) -> None:
    process, url = program
    slow = threading.Thread(target=lambda: _ignore(url, "/api/v1/notes/stuck"))
    slow.start()
    _wait_until_asked(url)
    with httpx.Client(base_url=url) as idle:
        process.send_signal(signal.SIGTERM)
        while idle.get("/health/ready").status_code == 200:  # two that come together are one
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    slow.join(30)


def _wait_until_asked(url: str) -> None:
    """Until the server is at a request beside the one that asks."""
    end = time.monotonic() + 30
    while "praxisd_http_in_flight 2\n" not in httpx.get(f"{url}/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.02)


def _ignore(url: str, path: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(url + path, headers=AUTH, timeout=40)
