"""Guests' bytes between hubs as they are: only who was announced is joined, once and in time, and ends end everywhere."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from praxisd_relay import peers_plain
from praxisd_relay.bridge import Towards
from praxisd_relay.frames import Open, Rst
from praxisd_relay.peers_plain import MARK, PREFACE, SPLIT, TOKEN, Lane

from .peers_cast import Guest, Neighbour, Papers, until

MIB = 1024 * 1024


async def two(papers: Papers, *here: str) -> tuple[Neighbour, Neighbour]:
    """hub1, where guests come, and hub2, which holds `here`; both have chosen "plain"."""
    one = await Neighbour(papers.settings("hub1", bytes="plain")).start()
    other = await Neighbour(papers.settings("hub2", bytes="plain"), *here).start()
    other.peers.dial([one.node()])
    one.peers.dial([other.node()])
    await until(lambda: one.peers.link("hub2") and one.peers.heard == {"hub2"} == set(one.peers._outbound))
    return one, other


def guest(at: Neighbour, name: str) -> tuple[Towards, Guest]:
    door, made = at.peers.door("hub2"), Guest()
    assert isinstance(door, Lane)
    stream = door.open(Open("203.0.113.9", 54321, name, at=1.5), made)
    assert stream is not None
    return stream, made


async def streams(one: Neighbour, count: int) -> None:
    """So many guests are announced on the link (the questions not counted)."""
    await until(lambda: (link := one.peers.link("hub2")) and link.streams == count + 1)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def test_carried_with_address_and_half_close_and_nothing_is_left(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        data = os.urandom(3 * MIB)
        stream, made = guest(one, "p")
        for at in range(0, len(data), 65536):
            await until(lambda: not made.held)
            stream.write(data[at : at + 65536])
        stream.finish()
        await until(lambda: made.finished)
        assert made.data == data
        opened = other.post.streams[0].opened
        assert (opened.address, opened.port, opened.name, opened.at) == ("203.0.113.9", 54321, "p", 1.5)
        await streams(one, 0)
        link = one.peers.link("hub2")
        assert link is not None
        assert link.sent < 65536
        assert made.code is None
        await until(lambda: one.peers.gate.half_open == other.peers.gate.half_open == 0)
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_refused_cut_and_gone(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        _, nobody = guest(one, "elsewhere")
        await until(lambda: nobody.code is Rst.GONE)
        stream, made = guest(one, "p")
        stream.write(b"hello")
        await until(lambda: made.data == b"hello")
        stream.reset(Rst.TIMEOUT)
        await until(lambda: other.post.streams[0].cut is not None)
        stream, made = guest(one, "p")
        stream.write(b"hello")
        await until(lambda: made.data == b"hello")
        other.post.streams[1].far.broken(Rst.BUSY)
        await until(lambda: made.code is not None)
        stream, made = guest(one, "p")
        stream.reset(Rst.CLOSED)  # before it was even connected
        await until(lambda: len(other.post.streams) == 3 and other.post.streams[2].cut is not None)
        await streams(one, 0)
        stream, made = guest(one, "p")
        stream.write(b"hello")
        await until(lambda: made.data == b"hello")
        await other.peers.stop()
        await until(lambda: made.code is Rst.GONE)
        await until(lambda: other.post.streams[3].cut is not None)
        await one.peers.stop()

    run(story)


def test_a_slow_practice_holds_its_guest_and_memory_stays_bounded(tmp_path: Path) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        stream, made = guest(one, "p")
        await until(lambda: other.post.streams)
        slow = other.post.streams[0]
        slow.quiet = True
        stream.write(b"begin")
        await until(lambda: slow.taken == 5)
        slow.far.pause()
        sent = 5
        while not made.held:
            stream.write(bytes(65536))
            sent += 65536
            assert sent < 32 * MIB  # what the kernel holds on loopback
            await asyncio.sleep(0)
        slow.far.resume()
        await until(lambda: slow.taken == sent)
        await until(lambda: not made.held)
        await one.peers.stop()
        await other.peers.stop()

    run(story)


async def _shows(address: str, said: bytes) -> bytes:
    """What comes back until the end."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(said)
    try:
        async with asyncio.timeout(30):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "said",
    [
        MARK + bytes(TOKEN),
        MARK * PREFACE,
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        MARK,
        b"",
        b"P\0",
        bytes(range(64)),
    ],
)
def test_who_was_not_announced_gets_nothing(
    tmp_path: Path, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        monkeypatch.setattr("praxisd_relay.peers_entry.WAIT_S", 0.2)
        before = other.peers.gate.refused
        assert await _shows(other.address, said) == b""
        await until(lambda: other.peers.gate.refused == before + 1)
        assert other.peers.gate.half_open == 0
        assert not other.post.streams
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_a_token_opens_once_and_only_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        one, other = await two(Papers(tmp_path), "p")
        link, token = one.peers.link("hub2"), bytes(range(TOKEN))
        assert link is not None
        announced = Open("203.0.113.9", 1, f"p{SPLIT}{token.hex()}")
        first = Guest()
        assert link.open(announced, first)
        await until(lambda: other.post.streams)
        second = Guest()
        assert link.open(announced, second)
        await until(lambda: second.code is Rst.PROTOCOL)  # the same token again
        host, port = other.address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        for byte in MARK + token + b"hi":  # byte by byte
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert await reader.readexactly(2) == b"hi"
        assert await _shows(other.address, MARK + token + b"me too") == b""
        writer.close()
        monkeypatch.setattr(peers_plain, "WAIT_S", 0.05)
        late = Guest()
        assert link.open(Open("203.0.113.9", 1, f"p{SPLIT}{bytes(TOKEN).hex()}"), late)
        await until(lambda: len(other.post.streams) == 2 and other.post.streams[1].cut is Rst.TIMEOUT)
        assert await _shows(other.address, MARK + bytes(TOKEN)) == b""
        for word in ("", "zz", "00", "0" * 31, "0" * 34):
            bad = Guest()
            assert link.open(Open("203.0.113.9", 1, f"p{SPLIT}{word}"), bad)
            await until(lambda bad=bad: bad.code is Rst.PROTOCOL)
        await one.peers.stop()
        await other.peers.stop()

    run(story)


def test_a_hub_that_did_not_choose_it_gets_tls(tmp_path: Path) -> None:
    async def story() -> None:
        papers = Papers(tmp_path)
        one = await Neighbour(papers.settings("hub1", bytes="plain")).start()
        other = await Neighbour(papers.settings("hub2"), "p").start()
        other.peers.dial([one.node()])
        one.peers.dial([other.node()])
        await until(lambda: one.peers.link("hub2") and other.peers.link("hub1"))
        assert one.peers.door("hub2") is one.peers.link("hub2")
        assert other.peers.door("hub1") is other.peers.link("hub1")
        assert await _shows(other.address, MARK + bytes(TOKEN)) == b""
        await one.peers.stop()
        await other.peers.stop()

    run(story)
