"""What the hub does with whoever comes to its port: names, garbage, slow callers, crowds."""

import asyncio
import gc
import itertools
import socket
import ssl
import types
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from praxisd_relay.config import Limits
from praxisd_relay.frames import Rst
from praxisd_relay.hello import alert
from praxisd_relay.hub import Hub
from praxisd_relay.identity import Identity
from praxisd_relay.looks import Looks
from praxisd_relay.stream import Far, Stream

from .agent_cast import LOOPS, go
from .hub_cast import DOMAIN, LINK, Caller, Guest, answer, client_hello, hub, until


class Kept:
    """The practice's end of a connection that keeps all bytes and answers with "seen"."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.data = bytearray()

    def arrived(self, data: memoryview) -> None:
        self.data += data

    def ended(self) -> None:
        self.stream.write(b"seen")
        self.stream.finish()

    def broken(self, code: Rst) -> None:
        """The guest is gone."""

    def pause(self) -> None:
        """What is sent is little."""

    def resume(self) -> None:
        """See pause."""


async def keeping(one: Hub) -> tuple[Caller, list[Kept]]:
    """A practice that keeps what guests send."""
    kept: list[Kept] = []
    practice = await Caller().up(one, one.registry.invite("x"))

    def take(stream: Stream) -> Far | Rst:
        kept.append(Kept(stream))
        return kept[-1]

    practice.take = take
    return practice, kept


def records(hello: bytes, size: int) -> bytes:
    """The same ClientHello in TLS records of `size` bytes."""
    body = hello[5:]
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


@LOOPS
def test_names_that_lead_nowhere(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            one.registry.rename(practice.key.id, names=["termine.praxis.example"])
            id_ = practice.key.id
            for name in (
                f"{Identity.new().id}.{DOMAIN}",
                f"{id_}.other.example",
                f"{id_[:-1]}.{DOMAIN}",
                f"x.{id_}.{DOMAIN}",
                f"{id_}",
                DOMAIN,
                f"other.{DOMAIN}",
                "praxis.example",
                "localhost",
                "x.termine.praxis.example",
            ):
                assert await answer(one, client_hello(name)) == alert(112), name
            assert one.counts.turned_unknown == 10
            no_name = client_hello("127.0.0.1")
            assert await answer(one, no_name) == alert(112)
            for name in ("termine.praxis.example", practice.host, practice.host.upper()):
                guest = await Guest.visit(one, name)
                assert await guest.say(b"x") == b"X"
                guest.close()
            practice.close()
            await until(lambda: not one.holds(id_))
            assert await answer(one, client_hello(practice.host)) == alert(80)
            one.registry.revoke(id_)
            assert await answer(one, client_hello(practice.host)) == alert(112)
            assert await answer(one, client_hello("termine.praxis.example")) == alert(112)

    go(loops, work())


@LOOPS
@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:80/ HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00",
        b"\x04\x01\x00\x16\x7f\x00\x00\x01\x00",
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 22\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x80\x2e\x01\x00\x02",
        b"\x00" * 100_000,
    ],
)
def test_what_is_no_tls_is_closed_without_a_word(said: bytes, loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            assert await answer(one, said) == b""
            await until(lambda: not one.fronts)
            assert one.counts.turned_garbage == 1 and one.half_open.total == 0

    go(loops, work())


def test_nonsense_in_tls_gets_an_alert_and_nothing_else(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            good = client_hello(f"{Identity.new().id}.{DOMAIN}")
            for said in (
                b"\x16\x03\x01\xff\xff" + bytes(100),
                b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
                b"\x17\x03\x03\x00\x01\x00" + bytes(20),
                good[:5] + b"\x02" + good[6:],
                good[:44] + b"\xff" * 40 + good[84:],
            ):
                found = await answer(one, said)
                assert found == b"" or (len(found) == 7 and found[:6] == alert(0)[:6]), found
            assert one.counts.turned_garbage == 5 and not one.fronts

    go("uvloop", work())


@LOOPS
def test_a_hello_in_pieces_arrives_as_it_was_sent(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice, kept = await keeping(one)
            hello = client_hello(practice.host)
            shapes = [
                hello,
                records(hello, 1),
                records(hello, 7),
                records(hello, 300),
                hello + b"early data" * 5000,
            ]
            for said in shapes:
                for cuts in ((), (3,), (5, 6, 40, 44), range(1, 60)):
                    edges = [0, *cuts, len(said)]
                    pieces = [said[start:end] for start, end in itertools.pairwise(edges)]
                    assert await answer(one, *pieces, eof=True) == b"seen"
                    assert bytes(kept[-1].data) == said
            opened = kept[-1].stream.opened
            assert (opened.address, opened.name) == ("127.0.0.1", practice.host) and opened.port and opened.at
            assert len(kept) == 20

    go(loops, work())


def test_links_are_for_practices(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            context = ssl.create_default_context()
            context.set_alpn_protocols(["h2", "http/1.1"])
            with pytest.raises(ssl.SSLError, match=r"(?i)no application protocol"):
                await asyncio.open_connection("127.0.0.1", one.port, ssl=context, server_hostname=LINK)
            assert not one.links.proving
            # A proxy that opens TLS may leave the word out.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", one.port, ssl=context, server_hostname=LINK
            )
            assert (await reader.readexactly(1)) == b"\x00"
            writer.transport.abort()
            await until(lambda: not one.links.proving)

    go("uvloop", work())


@LOOPS
def test_who_says_nothing_or_says_it_slowly_is_ended(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path, Limits(hello_s=1.5, rate=0)) as one:
            practice, _ = await keeping(one)
            assert await answer(one) == b""
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            hello = client_hello(practice.host)
            for byte in hello:  # a byte now and then does not buy more time
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.05)
                if reader.at_eof() or writer.is_closing():
                    break
            else:
                raise AssertionError("it was not ended")
            await until(lambda: one.counts.turned_slow == 2)
            assert not one.fronts and one.half_open.total == 0
            writer.transport.abort()

    go(loops, work())


def test_half_open_connections_of_one_address(tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=0, half_open_per_address=5, half_open=8, per_address=0)
        async with hub(tmp_path, limits) as one:
            practice, _ = await keeping(one)

            def crowd(address: str, count: int) -> list[socket.socket]:
                return [
                    socket.create_connection(("127.0.0.1", one.port), source_address=(address, 0))
                    for _ in range(count)
                ]

            held = crowd("127.0.0.1", 10)
            await until(lambda: one.counts.turned_limit == 5)
            assert one.half_open.count("127.0.0.1") == 5
            guest = await asyncio.open_connection("127.0.0.1", one.port, local_addr=("127.0.0.2", 0))
            guest[1].write(client_hello(practice.host))
            guest[1].write_eof()
            assert await guest[0].read() == b"seen"  # others are served
            guest[1].transport.abort()
            held += crowd("127.0.0.3", 5)
            await until(lambda: one.counts.turned_limit == 7)  # three more, then all together are too many
            assert one.half_open.total == 8
            for each in held:
                each.close()
            await until(lambda: one.half_open.total == 0)
            assert await answer(one, client_hello(practice.host), eof=True) == b"seen"

    go("uvloop", work())


def test_new_connections_of_one_address(tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=0, per_address=0.001, per_address_burst=10)
        async with hub(tmp_path, limits) as one:
            practice, _ = await keeping(one)
            hello = client_hello(practice.host)
            found = [await answer(one, hello, eof=True) for _ in range(12)]
            assert found == [b"seen"] * 9 + [b""] * 3  # the link was the first
            assert one.counts.turned_limit == 3

    go("uvloop", work())


@LOOPS
def test_as_many_sockets_as_the_system_gives(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            one.sockets.limit = 10
            guests = [await Guest.visit(one, practice.host) for _ in range(8)]
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await Guest.visit(one, practice.host)
            assert [await guest.say(b"x") for guest in guests] == [b"X"] * 8
            guests.pop().close()
            await until(lambda: one.sockets.guests == 7)
            guests.append(await Guest.visit(one, practice.host))
            for guest in guests:
                guest.close()
            await until(lambda: one.sockets.guests == 0)

    go(loops, work())


def reachable(root: Any) -> list[Any]:
    """All objects that `root` leads to, without modules, classes and the loop with its looks (on which the test's guests and
    practices run too)."""
    seen: dict[int, Any] = {}
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, (types.ModuleType, type, asyncio.AbstractEventLoop, Looks)):
            continue
        seen[id(found)] = found
        if isinstance(found, types.FunctionType):
            waiting += found.__closure__ or ()
        elif isinstance(found, msgspec.Struct):  # not all of them are known to the collector
            waiting += [getattr(found, name) for name in found.__struct_fields__]
        else:
            waiting += gc.get_referents(found)
    return list(seen.values())


def test_the_hub_has_no_key_but_that_of_the_link(tmp_path: Path) -> None:
    async def work() -> None:
        async with hub(tmp_path) as one:
            practice = await Caller().up(one, one.registry.invite("x"))
            guest = await Guest.visit(one, practice.host)
            assert await guest.say(b"x") == b"X"
            held = reachable(one)
            (link,) = one.links.all()
            (its_guest,) = one.links.of(practice.key.id).guests
            for known in (link, link.carrier._pump, its_guest, one.registry):
                assert any(each is known for each in held)
            contexts = {id(each) for each in held if isinstance(each, ssl.SSLContext)}
            assert contexts == {id(one.certificate.context)}
            private = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)
            assert not [each for each in held if isinstance(each, private)]
            secret = practice.key.private
            assert not [each for each in held if isinstance(each, bytes) and secret in each]
            assert [each for each in held if isinstance(each, bytes) and practice.key.public in each]
            guest.close()

    go("stdlib", work())


@LOOPS
def test_behind_a_balancer_the_guest_counts_and_not_the_balancer(loops: str, tmp_path: Path) -> None:
    async def work() -> None:
        limits = Limits(rate=0, per_address=0.001, per_address_burst=2)
        async with hub(tmp_path, limits, balancers=("127.0.0.1/32",)) as one:

            async def through(guest: str, *more: bytes) -> bytes:
                header = f"PROXY TCP4 {guest} 192.0.2.9 4711 443\r\n".encode()
                return await answer(one, header[:9], header[9:] + more[0], *more[1:], eof=True)

            unknown = client_hello(f"{Identity.new().id}.{DOMAIN}")
            assert [await through("192.0.2.1", unknown) for _ in range(3)] == [alert(112), alert(112), b""]
            assert await through("192.0.2.2", unknown[:50], unknown[50:]) == alert(112)
            assert await answer(one, unknown) == b""  # a balancer has to say it
            assert await answer(one, b"PROXY UNKNOWN\r\n", unknown) == alert(112)
            await until(lambda: not one.fronts)
            assert one.half_open.total == 0
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port, local_addr=("127.0.0.2", 0))
            writer.write(b"PROXY TCP4 192.0.2.3 192.0.2.9 4711 443\r\n" + unknown)  # nobody else is believed
            assert await reader.read() == b""
            writer.transport.abort()

    go(loops, work())
