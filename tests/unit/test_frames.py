"""The usual frames of WebSockets, read and written without the parser: held to what `websockets` itself reads and writes."""

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from praxisd.web import frames


def _client(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@given(st.lists(st.integers(0, 70_000), max_size=4), st.integers(0, 40), st.randoms(use_true_random=False))
def test_texts_are_read_as_the_parser_reads_them(sizes: list[int], cut: int, dice: random.Random) -> None:
    texts = [dice.randbytes(size) for size in sizes]
    data = b"".join(map(_client, texts))
    data = data[: len(data) - cut]
    at, found = 0, []
    while (one := frames.text(data, at, frames.MOST)) is not None:
        text, at = one
        found.append(text)
    assert found == texts[: len(found)]
    if not cut:
        rest = texts[len(found) :]
        assert not rest or len(rest[0]) > frames.MOST


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_what_the_server_says_is_read_by_a_client(size: int) -> None:
    message = os.urandom(size)
    client = Protocol(CLIENT, max_size=None)
    client.receive_data(frames.said(message))
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.TEXT, message, True)


OTHERS = [
    b"",
    b"\x81",
    Frame(Opcode.TEXT, b"no mask").serialize(mask=False),
    _client(b"\x00", Opcode.BINARY),
    _client(b"ping", Opcode.PING),
    _client(b"begins", fin=False),
    _client(b"goes on", Opcode.CONT),
    b"\xc1" + _client(b"compressed")[1:],
    _client(b"x" * 101),
    _client(b"not all of it")[:-1],
    b"\x81\xfe\x00\x05" + b"\x00" * 9,
]


@pytest.mark.parametrize("data", OTHERS, ids=map(str, range(len(OTHERS))))  # their masks are random
def test_all_else_is_left_to_the_parser(data: bytes) -> None:
    assert frames.text(data, 0, 100) is None


def test_pings_leave_the_parser_between_two_messages() -> None:
    ping, pong = _client(b"1234", Opcode.PING), _client(b"", Opcode.PONG)
    assert frames.only_pings(ping + pong + ping)
    for other in (
        ping[:-1],
        ping + b"\x81",
        ping + _client(b"text"),
        _client(b"", Opcode.CLOSE),
        Frame(Opcode.PING, b"x").serialize(mask=False),
    ):
        assert not frames.only_pings(other)
