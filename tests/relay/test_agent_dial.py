"""The way to the hub: names, several addresses, proxies that help, refuse, hang or are none; always a code, never a leak."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path as File

import pytest
import trustme

from praxisd_relay import dial, dial_names
from praxisd_relay.dial import Address, Failed
from praxisd_relay.identity import Invitation, new_code, spki_pin
from praxisd_relay.proxy import Proxy

from .agent_cast import LOOPS, echo, free_port, go, path

PIN = "A" * 43


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # a resolver may keep its own


async def _greets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hub")
    writer.close()


async def _heard(address: Address, proxy: Proxy | None = None) -> bytes:
    sock = await dial.reach(address, proxy)
    with sock:
        assert sock.getblocking() is False
        return await asyncio.get_running_loop().sock_recv(sock, 16)


def _code(loops: str, address: Address, proxy: Proxy | None = None) -> str:
    async def story() -> None:
        await _heard(address, proxy)

    with pytest.raises(Failed) as caught:
        go(loops, story())
    assert caught.value.code in dial.CODES
    return caught.value.code


@LOOPS
@pytest.mark.parametrize("host", ["127.0.0.1", "link.localhost", "localhost"])
def test_the_hub_is_reached_by_address_and_by_names_of_this_machine(loops: str, host: str) -> None:
    async def story() -> None:
        async with echo(_greets) as port:
            phases: list[str] = []
            sock = await dial.reach(Address(host, port), None, phases.append)
            sock.close()
            assert phases == ["resolving", "dialling"]
            assert await _heard(Address(host, port)) == b"hub"

    go(loops, story())


@LOOPS
def test_an_address_that_does_not_answer_does_not_hold_up_the_next(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is a listener whose queue is full: the connection hangs as it does in a broken IPv6."""

    async def story() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            held = []
            for _ in range(3):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                held.append(one)
            async with echo(_greets) as port:
                places = [
                    (socket.AF_INET, full.getsockname()),
                    (socket.AF_INET, ("127.0.0.1", free_port())),
                    (socket.AF_INET, ("127.0.0.1", port)),
                ]
                began = asyncio.get_running_loop().time()
                sock = await dial_names.connected(places)  # type: ignore[arg-type]
                assert sock.getpeername()[1] == port
                assert asyncio.get_running_loop().time() - began < dial.CONNECT_S
                sock.close()
            for one in held:
                one.close()

    go(loops, story())


@LOOPS
def test_nobody_there_and_no_such_name(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _code(loops, Address("127.0.0.1", free_port())) == "unreachable"

    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert _code(loops, Address("hub.invalid")) == "dns"
    assert _code(loops, Address("127.0.0.1"), Proxy("proxy.invalid", 1)) == "proxy_dns"


@LOOPS
def test_a_resolver_that_hangs_is_left_behind(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    asked, leave = threading.Event(), threading.Event()

    def hangs(*_args: object, **_more: object) -> list[object]:
        asked.set()
        leave.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    monkeypatch.setattr(dial, "NAME_S", 0.2)
    assert _code(loops, Address("hub.invalid")) == "dns"
    assert asked.is_set()
    leave.set()


@LOOPS
@pytest.mark.parametrize("password", ["", "praxis:ge:heim@"])
def test_through_a_proxy_with_and_without_password(loops: str, password: str) -> None:
    async def story() -> None:
        async with echo(_greets) as port, path(proxy="open", password=password) as between:
            user, _, word = password.partition(":")
            proxy = Proxy("127.0.0.1", between.port, user, word)
            assert await _heard(Address("hub.localhost", port), proxy) == b"hub"
            assert between.asked == [f"CONNECT hub.localhost:{port} HTTP/1.1"]

    go(loops, story())


@LOOPS
@pytest.mark.parametrize(
    ("manner", "code"),
    [
        ("refuse", "proxy_refused"),
        ("html", "proxy_answer"),
        ("vanish", "proxy_answer"),
        ("hang", "proxy_unreachable"),
    ],
)
def test_proxies_that_do_not_help(
    loops: str, manner: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if manner == "hang":
        monkeypatch.setattr(dial, "PROXY_S", 1.0)

    async def story() -> str:
        async with path(proxy=manner) as between:
            with pytest.raises(Failed) as caught:
                await _heard(Address("hub.example"), Proxy("127.0.0.1", between.port))
            return caught.value.code

    assert go(loops, story()) == code


@LOOPS
def test_a_wrong_password_is_said_so(loops: str) -> None:
    async def story() -> None:
        async with path(proxy="open", password="praxis:richtig") as between:
            for proxy in (
                Proxy("127.0.0.1", between.port),
                Proxy("127.0.0.1", between.port, "praxis", "falsch"),
            ):
                with pytest.raises(Failed, match="proxy_password"):
                    await _heard(Address("hub.example"), proxy)

    go(loops, story())
    assert _code(loops, Address("hub.example"), Proxy("127.0.0.1", free_port())) == "proxy_unreachable"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hub.example", Address("hub.example")),
        ("Hub.Example:8443", Address("hub.example", 8443)),
        (f"10.0.0.1:1/{PIN}", Address("10.0.0.1", 1, PIN)),
        ("[fd00::1]:8443", Address("fd00::1", 8443)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text", ["", ":1", "hub:", "hub:0", "hub:x", "hub:70000", "hub/short", "a b", "hub:1/"[:-2]]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="host"):
        Address.parse(text)


def test_a_home_is_asked_for_by_the_name_of_the_hub_we_were_invited_to() -> None:
    invited = Address.of(Invitation("link.relay.example", 443, new_code(), PIN))
    home = Address.parse("node-2.relay.example:8443", invited)
    assert (home.host, home.port, home.pin, home.server_name) == (
        "node-2.relay.example",
        8443,
        PIN,
        "link.relay.example",
    )
    assert home.text == "node-2.relay.example:8443"
    assert Address("fd00::1", 1).text == "[fd00::1]:1"


def test_the_pin_decides_where_no_authority_does(tmp_path: File) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("link.relay.example").cert_chain_pems[0].bytes()
    import ssl

    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    dial.check_pin(spki_pin(der), der)
    for pin, shown in ((PIN, der), (spki_pin(der), None), (spki_pin(der), b"no certificate")):
        with pytest.raises(Failed, match="foreign"):
            dial.check_pin(pin, shown)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    trusted = dial.context(False, str(file))
    assert trusted.check_hostname
    assert trusted.minimum_version is ssl.TLSVersion.TLSv1_3
    assert dial.context(True).verify_mode is ssl.CERT_NONE


@LOOPS
def test_a_descriptor_that_the_loop_has_not_forgotten_is_a_failed_try(
    loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop says RuntimeError where a number is used again in the turn in which its connection was closed."""

    class Loop:
        @staticmethod
        async def sock_connect(_sock: socket.socket, _place: object) -> None:
            raise RuntimeError("File descriptor 14 is used by transport")

    async def story() -> None:
        place = (socket.AF_INET, ("127.0.0.1", free_port()))
        with monkeypatch.context() as patch:
            patch.setattr(dial_names.asyncio, "get_running_loop", Loop)
            with pytest.raises(OSError, match="descriptor"):
                await dial_names._one(*place)

    go(loops, story())
