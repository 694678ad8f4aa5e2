"""The way out by HTTP through TLS and proxies: whoever may not read a request is told none."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.kernel import http
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import Http, NotSent
from praxisd.kernel.outside import Outside

from .http_cast import (
    Rude,
    Way,
    answer,
    certificate,
    closed_port,
    closes_after_reading,
    forward,
    pipe,
    raw,
    rude,
    silent,
    tunnel,
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


def test_the_clock_is_read_when_the_connection_stands_not_when_it_was_asked_for(
    make: Callable[..., Http], tmp_path: Path
) -> None:
    """A handshake that took longer than the permission: the request stays here."""
    clock = FrozenClock(1_795_420_800)
    context, trust = certificate(tmp_path)
    with rude(answer(), context) as server:

        def slow(one: socket.socket, proxy: Rude) -> None:
            proxy.read(one)
            clock.advance(60)
            with socket.create_connection(("127.0.0.1", server.port)) as other:
                one.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                one.settimeout(2)
                other.settimeout(2)
                pipe(one, other)

        with rude(slow) as proxy, pytest.raises(NotSent) as caught:
            make(clock, lambda: f"http://127.0.0.1:{proxy.port}", trust).request(
                "POST", server.url, json={}, before=1_795_420_830
            )
    assert caught.value.why == "too_late"
    assert proxy.connections == 1 and not any(b"POST" in one for one in server.requests)


def test_tls_is_checked(make: Callable[..., Http], tmp_path: Path) -> None:
    context, trust = certificate(tmp_path)
    _, other_trust = certificate(tmp_path, "elsewhere")
    with rude(answer(), context) as server:
        assert make(trust=trust).request("POST", server.url, json={}).status == 200
        wrong_name = server.url.replace("localhost", "127.0.0.1")
        for ways, url in (
            (make(), server.url),
            (make(trust=other_trust), server.url),
            (make(trust=trust), wrong_name),
        ):
            with pytest.raises(NotSent) as caught:
                ways.request("POST", url, json={"text": SECRET}, timeout_s=5)
            assert caught.value.why == "encryption"
    assert len(server.requests) == 1


def test_a_plain_server_behind_an_https_address_was_sent_nothing(ways: Http) -> None:
    with rude(answer()) as server, pytest.raises(NotSent):
        ways.request("POST", server.url.replace("http:", "https:"), json={"text": SECRET}, timeout_s=3)
    assert not any(SECRET.encode() in one for one in server.requests)


def test_a_proxy_forwards_plain_requests(make: Callable[..., Http]) -> None:
    with rude(answer()) as server, rude(forward(server.port)) as proxy:
        ways = make(None, lambda: f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
        assert ways.request("POST", server.url, json={"a": 1}).status == 200
    assert proxy.requests[0].startswith(f"POST {server.url} HTTP/1.1".encode())
    assert b"Proxy-Authorization: Basic " in proxy.requests[0]
    assert server.requests[0].endswith(b'{"a":1}')


def test_a_proxy_carries_what_it_cannot_read(make: Callable[..., Http], tmp_path: Path) -> None:
    context, trust = certificate(tmp_path)
    with rude(answer(), context) as server, rude(tunnel(server.port)) as proxy:
        ways = make(None, lambda: f"http://127.0.0.1:{proxy.port}", trust)
        assert ways.request("POST", server.url, headers={"X-Key": SECRET}, json={"a": SECRET}).status == 200
    assert proxy.requests[0].startswith(f"CONNECT localhost:{server.port} ".encode())
    assert SECRET.encode() not in proxy.requests[0] and SECRET.encode() in server.requests[0]


@pytest.mark.parametrize(
    "way",
    [
        answer("407 Proxy Authentication Required"),
        answer("502 Bad Gateway"),
        closes_after_reading,
        silent,
        raw(b"?"),
    ],
    ids=["407", "502", "closes", "silent", "rubbish"],
)
def test_a_proxy_that_gives_no_tunnel_was_told_no_request(
    make: Callable[..., Http], tmp_path: Path, way: Way
) -> None:
    with rude(way) as proxy, pytest.raises(NotSent):
        make(None, lambda: f"http://127.0.0.1:{proxy.port}").request(
            "POST", "https://localhost:1/", json={"text": SECRET}, timeout_s=0.7
        )
    assert not any(SECRET.encode() in one for one in proxy.requests)


def test_the_environment_names_no_proxy(ways: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with rude(answer()) as server:
        assert ways.request("GET", server.url).status == 200


def test_a_house_has_one_client_with_the_proxy_of_its_setting(house: House) -> None:
    from praxisd.kernel.access import system

    with rude(answer()) as server, rude(forward(server.port)) as proxy:
        ways = http.client(house)
        assert http.client(house) is ways
        ways.request("GET", server.url)
        assert proxy.connections == 0
        with house.store.write(system("test")) as tx:
            house.settings.put(tx, http.PROXY, f"http://127.0.0.1:{proxy.port}")
        ways.request("GET", server.url)
        assert proxy.connections == 1
    ended = []
    house.closers.append(lambda: ended.append(http.client(house) is ways))
    house.stop()
    assert ended == [True] and not house.closers


@pytest.mark.parametrize("value", ["", "http://proxy:3128", "https://me:word@proxy.example"])
def test_good_proxies(value: str) -> None:
    http.check_proxy(value)


@pytest.mark.parametrize(
    "value",
    [
        "proxy:3128",
        "socks5://proxy",
        "http://",
        "http://proxy:0",
        "http://p:99999",
        "http://p/x",
        "http://a b",
    ],
)
def test_bad_proxies(value: str) -> None:
    with pytest.raises(Problem) as caught:
        http.check_proxy(value)
    assert caught.value.code == "settings.invalid"
