"""Links between hubs: who is let in, what is carried, and what nonsense does."""

import asyncio
import contextlib
import hashlib
import os
import random
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from praxisd_relay import carrier, frames, peers_entry, peers_tls
from praxisd_relay.carrier import Carrier
from praxisd_relay.frames import Auth, Open, Rst, Type
from praxisd_relay.peers import LIMITS
from praxisd_relay.peers_entry import HALF_OPEN
from praxisd_relay.peers_streams import LONGEST_ID, QUESTIONS

from .peers_cast import Guest, Neighbour, Papers, until

MIB = 1024 * 1024


async def two(papers: Papers, *here: str) -> tuple[Neighbour, Neighbour]:
    """hub1, where guests come, and hub2, which holds `here` and has dialled hub1."""
    one = await Neighbour(papers.settings("hub1")).start()
    other = await Neighbour(papers.settings("hub2"), *here).start()
    other.peers.dial([one.node()])
    await until(lambda: one.peers.link("hub2"))
    return one, other


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def test_a_guest_is_carried_with_its_address_and_half_close(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        stream, guest = one.guest("hub2", "p")
        assert stream is not None
        data = os.urandom(8 * MIB)
        at = 0
        while at < len(data):
            await until(lambda: not guest.held)
            stream.write(data[at : at + 65536])
            at += 65536
        stream.finish()
        await until(lambda: guest.finished)
        assert hashlib.sha256(guest.data).digest() == hashlib.sha256(data).digest()
        opened = other.post.streams[0].opened
        assert (opened.address, opened.port, opened.name, opened.at) == ("203.0.113.9", 54321, "p", 1.5)
        assert guest.code is None
        link = one.peers.link("hub2")
        assert link is not None
        await until(lambda: link.streams == 1)  # the questions
        assert await one.peers.ask("hub2", "p", 30) is True
        assert await one.peers.ask("hub2", "q", 30) is False
        assert await one.peers.ask("hub9", "p") is None
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_who_is_not_there_and_who_cuts(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        _, nobody = one.guest("hub2", "elsewhere")
        await until(lambda: nobody.code is Rst.GONE)
        stream, guest = one.guest("hub2", "p")
        assert stream is not None
        stream.write(b"hello")
        await until(lambda: guest.data == b"hello")
        other.post.streams[0].far.broken(Rst.BUSY)
        await until(lambda: guest.code is Rst.BUSY)
        stream, guest = one.guest("hub2", "p")
        assert stream is not None
        stream.write(b"hello")
        await until(lambda: guest.data == b"hello")
        stream.reset(Rst.TIMEOUT)
        await until(lambda: other.post.streams[1].cut is Rst.TIMEOUT)
        stream, guest = one.guest("hub2", "p")
        await other.peers.stop()
        await until(lambda: guest.code is Rst.GONE)
        await until(lambda: one.peers.link("hub2") is None)
        assert await one.peers.ask("hub2", "p", 30) is None
        await one.peers.stop()

    run(story)


def test_a_practice_that_takes_nothing_holds_only_its_own_guest(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        stream, guest = one.guest("hub2", "p")
        assert stream is not None
        await until(lambda: other.post.streams)
        slow = other.post.streams[0]
        slow.quiet = True
        slow.far.pause()  # the practice's link takes no more
        sent = 0
        while not guest.held:
            stream.write(bytes(65536))
            sent += 65536
            assert sent <= 2 * MIB
            await asyncio.sleep(0)
        for number in range(20):
            stream2, quick = one.guest("hub2", "p")
            assert stream2 is not None
            stream2.write(b"%d" % number)
            await until(lambda quick=quick, number=number: quick.data == b"%d" % number)
            stream2.finish()
        assert slow.taken <= sent
        slow.far.resume()
        await until(lambda: slow.taken == sent)
        await until(lambda: not guest.held)
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_a_link_is_made_again_and_the_new_one_counts(tmp_path: Path) -> None:
    async def story() -> None:
        papers = Papers(tmp_path)
        one, other = await two(papers, "p")
        first = one.peers.link("hub2")
        assert first is not None
        first.drop("torn")
        await until(lambda: (link := one.peers.link("hub2")) and link is not first)
        second = one.peers.link("hub2")
        assert second is not None
        again = await Neighbour(papers.settings("hub2"), "p").start()  # the same hub, started again elsewhere
        again.peers.dial([one.node()])
        await until(lambda: second.lost == "replaced")
        await other.peers.stop()
        await until(lambda: again.peers.heard == {"hub1"})
        await until(lambda: one.peers.link("hub2"))
        assert await one.peers.ask("hub2", "p", 30)
        again.peers.dial([])  # no longer on the list: what runs goes on
        await asyncio.sleep(0.05)
        assert await one.peers.ask("hub2", "p", 30)
        await one.peers.stop()
        await again.peers.stop()

    run(story)


async def _says(address: str, context: ssl.SSLContext, name: str, said: str) -> str | None:
    """Dial as a hub would and say who we are; WELCOME's node, or None."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name)
    try:
        writer.write(frames.control(Type.AUTH, Auth(b"", said, b"")))
        splitter = frames.Splitter()
        async with asyncio.timeout(30):
            while data := await reader.read(65536):
                for kind, _, payload in splitter.feed(data):
                    if kind == Type.WELCOME:
                        return frames.decode(frames.Welcome, payload).domain or "welcome"
                    if kind == Type.REFUSED:
                        return None
        return None
    except (ssl.SSLError, OSError):
        return None
    finally:
        writer.close()


def test_without_the_right_certificate_nothing_is_given(tmp_path: Path) -> None:
    async def story() -> None:
        papers, foreign = Papers(tmp_path / "own"), Papers(tmp_path / "foreign")
        one = await Neighbour(papers.settings("hub1"), known=lambda name: name.startswith("hub")).start()
        other = papers.settings("hub2")
        good = peers_tls.client(other)
        assert await _says(one.address, good, "hub1", "hub2") == "welcome"
        assert await _says(one.address, good, "hub1", "hub3") is None, "not the certificate's name"
        assert await _says(one.address, peers_tls.client(papers.settings("cat")), "hub1", "cat") is None, (
            "not on the list"
        )
        assert await _says(one.address, peers_tls.client(papers.settings("hub1")), "hub1", "hub1") is None, (
            "ourselves"
        )
        strange = peers_tls.client(foreign.settings("hub2"))
        strange.load_verify_locations(papers.ca)
        assert await _says(one.address, strange, "hub1", "hub2") is None, "another authority"
        bare = ssl.create_default_context(cafile=papers.ca)
        bare.set_alpn_protocols([peers_tls.ALPN])
        assert await _says(one.address, bare, "hub1", "hub2") is None, "no certificate"
        mute = peers_tls.client(other)
        mute.set_alpn_protocols(["http/1.1"])
        assert await _says(one.address, mute, "hub1", "hub2") is None, "another protocol"
        await until(lambda: one.peers.gate.refused >= 6)
        assert one.peers.gate.refused == 6
        await one.peers.stop()

    run(story)


def test_a_neighbour_that_is_not_who_was_dialled_gets_no_practices(tmp_path: Path) -> None:
    async def story() -> None:
        papers, foreign = Papers(tmp_path / "own"), Papers(tmp_path / "foreign")
        holder = await Neighbour(papers.settings("hub2"), "p").start()
        false = [
            await Neighbour(papers.settings("hub3")).start(),  # a hub, but another one
            await Neighbour(foreign.settings("hub1")).start(),  # the name, of another authority
        ]
        for one in false:
            holder.peers.dial([one.node("hub1")])
            await until(lambda one=one: one.peers.gate.refused >= 1)
            assert not one.peers.linked
            assert not holder.peers.heard
            await one.peers.stop()
        await holder.peers.stop()

    run(story)


def test_a_renewed_certificate_counts_without_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        papers = Papers(tmp_path)
        settings = papers.settings("hub1")
        one = await Neighbour(settings).start()
        context = peers_tls.client(papers.settings("hub2"))
        assert not one.peers.renew()
        before = settings.certificate.read_bytes()
        settings.certificate.write_text("half a file")
        with pytest.raises(ssl.SSLError):
            one.peers.renew()
        assert await _says(one.address, context, "hub1", "hub2") == "welcome"  # what was in force stays
        papers.settings("hub1")
        assert settings.certificate.read_bytes() != before
        assert one.peers.renew()
        host, port = one.address.rsplit(":", 1)
        _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname="hub1")
        shown = writer.get_extra_info("ssl_object").getpeercert(True)
        assert shown == ssl.PEM_cert_to_DER_cert(settings.certificate.read_text())
        writer.close()
        await one.peers.stop()

    run(story)


def test_half_open_connections_are_bounded_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_entry, "WAIT_S", 60.0)  # or they end by themselves meanwhile

    async def story() -> None:
        one = await Neighbour(Papers(tmp_path).settings("hub1")).start()
        host, port = one.address.rsplit(":", 1)
        open_ones = [await asyncio.open_connection(host, int(port)) for _ in range(HALF_OPEN)]
        await until(lambda: one.peers.gate.half_open == HALF_OPEN)
        reader, writer = await asyncio.open_connection(host, int(port))
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        open_ones[0][1].write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(30):
            await open_ones[0][0].read()
        await until(lambda: one.peers.gate.half_open == HALF_OPEN - 1)
        for _, each in open_ones:
            each.close()
        await until(lambda: one.peers.gate.half_open == 0)
        await one.peers.stop()

    run(story)


async def _inside(one: Neighbour, papers: Papers, node: str) -> Carrier:
    """A hub whose every frame we choose: past TLS and admission."""
    host, port = one.address.rsplit(":", 1)
    sock = await asyncio.get_running_loop().run_in_executor(None, _connected, host, int(port))
    link = await carrier.connect(sock, peers_tls.client(papers.settings(node)), one.name, LIMITS)

    def control(kind: int, payload: bytes) -> None:
        if kind == Type.HELLO:
            link.control(Type.AUTH, Auth(b"", node, b""))
        elif kind == Type.WELCOME:
            link.admit()

    link.on_control = control
    await until(lambda: link.admitted)
    return link


def _connected(host: str, port: int) -> "object":
    import socket

    return socket.create_connection((host, port))


@pytest.mark.parametrize("seed", range(3))
def test_nonsense_as_preface_and_answers_ends_that_link_only(tmp_path: Path, seed: int) -> None:
    """A neighbour gone mad (its certificate is right): whatever it sends, the others and the hub go on."""

    async def story() -> None:
        papers, chance = Papers(tmp_path), random.Random(seed)
        one, other = await two(papers, "p")
        mad = await _inside(one, papers, "hub3")
        for _ in range(150):
            if mad.lost is not None:
                mad = await _inside(one, papers, "hub3")
            kind, id = chance.choice((*range(18), 4, 6, 255)), chance.choice((0, 1, 1, 2, 0xFFFFFFFF))
            payload = chance.randbytes(chance.choice((0, 1, 4, 8, 300)))
            if chance.random() < 0.5:
                payload = b'{"address":"%s","port":%d,"name":"p"}' % (
                    b"x" * chance.randrange(300),
                    chance.randrange(-5, 99999),
                )
            mad._link.put(kind, id, payload)
            await asyncio.sleep(0)
        assert await one.peers.ask("hub2", "p", 30) is True
        stream, guest = one.guest("hub2", "p")
        assert stream is not None
        stream.write(b"still here")
        await until(lambda: guest.data == b"still here")
        mad.drop("done")
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_prefaces_of_any_shape_at_the_holder(tmp_path: Path) -> None:
    """What a guest's hub may send as OPEN: long, empty, odd. It is answered, or that link ends; the practice's is safe."""

    async def story() -> None:
        papers, chance = Papers(tmp_path), random.Random(6)
        one, other = await two(papers, "p")
        for _ in range(300):
            await until(lambda: one.peers.link("hub2"))
            link, guest = one.peers.link("hub2"), Guest()
            assert link is not None
            name = chance.choice(("", "p", "?", "p\n", "ä" * 100, "p" * 20_000, "\0", "../p"))
            stream = link.open(Open("::1" * chance.randrange(50), chance.randrange(1 << 40), name), guest)
            if stream is not None:
                stream.write(chance.randbytes(chance.randrange(1, 200)))
                if name not in ("p", QUESTIONS):
                    await until(lambda guest=guest: guest.code is not None)
                stream.reset(Rst.CLOSED)
        assert {echo.opened.name for echo in other.post.streams} == {"p"}
        stream, guest = one.guest("hub2", QUESTIONS)
        assert stream is not None
        stream.write(b"x" * (LONGEST_ID + 1))
        await until(lambda: guest.code is Rst.PROTOCOL)
        stream, guest = one.guest("hub2", QUESTIONS)
        assert stream is not None
        for byte in b"p\nq\np\n":
            stream.write(bytes([byte]))
        stream.finish()
        await until(lambda: guest.finished)
        assert guest.data == b"101"
        assert await one.peers.ask("hub2", "p", 30) is True
        await one.peers.stop()
        await other.peers.stop()

    run(story)
