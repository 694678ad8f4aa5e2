"""Calls to ourselves from outside: each way to fail has its word, and nothing is said to a key that is not ours."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from praxisd.services.relay import probe
from praxisd.services.relay.probe import Fetched, call
from praxisd_relay import dial
from praxisd_relay.dial import Failed
from praxisd_relay.hello import INTERNAL_ERROR, UNRECOGNIZED_NAME, alert
from praxisd_relay.identity import spki_pin
from praxisd_relay.proxy import Proxy

NAME = "practice.localhost"
AUTHORITY = trustme.CA()
_made = AUTHORITY.issue_cert(NAME)
PIN = spki_pin(ssl.PEM_cert_to_DER_cert(_made.cert_chain_pems[0].bytes().decode()))
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve, tls: bool = True) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _made.configure_cert(context)
    one = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if tls else None)
    try:
        yield one.sockets[0].getsockname()[1]
    finally:
        one.close()


def says(answer: bytes, heard: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await reader.readuntil(b"\r\n\r\n")
            if heard is not None:
                heard.append(asked)
            writer.write(answer)
            await writer.drain()
        except (OSError, EOFError):
            pass
        writer.close()

    return serve


def ask(serve: Serve, *pins: str, tls: bool = True, within_s: float = 20.0, **headers: str) -> Fetched:
    async def story() -> Fetched:
        async with server(serve, tls) as port:
            return await call(NAME, port, pins or (PIN,), "/api/v1/me", headers, None, within_s)

    return asyncio.run(story())


def test_any_status_of_ours_is_an_answer() -> None:
    heard: list[bytes] = []
    got = ask(says(b"HTTP/1.1 401 Unauthorized\r\n\r\n", heard), Authorization="Bearer pk_1")
    assert got[:2] == (None, 401)
    assert heard[0].startswith(b"GET /api/v1/me HTTP/1.1\r\nHost: practice.localhost:")
    assert b"\r\nAuthorization: Bearer pk_1\r\n" in heard[0]
    assert ask(says(b"HTTP/1.1 200 OK\r\n\r\n"), "A" * 43, PIN)[:2] == (None, 200)  # the prepared next key


def test_a_key_that_is_not_ours_hears_nothing() -> None:
    heard: list[bytes] = []
    got = ask(says(b"HTTP/1.1 200 OK\r\n\r\n", heard), "A" * 43, Authorization="Bearer secret")
    assert got[:2] == (probe.FOREIGN, None)
    assert heard == []
    assert ask(says(b"HTTP/1.1 200 OK\r\n\r\n", heard), "").code == probe.FOREIGN


@pytest.mark.parametrize("answer", [b"SSH-2.0\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n", b"x" * 200_000])
def test_what_is_no_answer(answer: bytes) -> None:
    assert ask(says(answer)).code == probe.ANSWER


def test_whoever_ends_without_a_word() -> None:
    assert ask(says(b"")).code == probe.OFFLINE


@pytest.mark.parametrize("code", [UNRECOGNIZED_NAME, INTERNAL_ERROR])
def test_the_hub_says_that_nobody_is_linked(code: int) -> None:
    async def hub(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(alert(code))
        writer.close()

    assert ask(hub, tls=False).code == probe.OFFLINE


def test_somebody_else_answers() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    assert ask(plain, tls=False).code == probe.ANSWER


def test_nobody_answers_in_time() -> None:
    async def hangs(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    began = time.monotonic()
    assert ask(hangs, tls=False, within_s=0.5).code == probe.TIMEOUT
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("dns", probe.DNS),
        ("proxy_dns", probe.DNS),
        ("unreachable", probe.UNREACHABLE),
        ("proxy_password", probe.UNREACHABLE),
        ("timeout", probe.TIMEOUT),
    ],
)
def test_ways_that_do_not_lead_there(code: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_args: object) -> None:
        raise Failed(code)

    monkeypatch.setattr(dial, "reach", fails)
    assert asyncio.run(call(NAME, 443, (PIN,), "/", {}, None, 5.0))[:2] == (told, None)


def test_names_of_this_computer_need_no_dns() -> None:
    got = asyncio.run(call("x.relay.localhost", 1, (PIN,), "/", {}, None, 5.0))
    assert got.code == probe.UNREACHABLE


def test_the_proxy_of_the_setting_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://environment:1")
    assert probe.proxy_of("http://setting:2", "hub.example") == Proxy("setting", 2)
    assert probe.proxy_of("", "hub.example") == Proxy("environment", 1)
    assert probe.proxy_of("", "link.localhost") is None
    assert probe.proxy_of("socks5://no", "hub.example") is None
