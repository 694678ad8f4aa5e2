"""Pieces that are passed on from one link to another: cut into full frames, whole and in order, within credit and space."""

from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.frames import CHUNK, Open, Splitter, Type
from praxisd_relay.link import Limits, Link
from praxisd_relay.stream import NOBODY

sizes = st.lists(st.sampled_from([0, 1, 8, 100, 8192, 16376, 16384, 40_000]), min_size=1, max_size=8)


@given(
    st.lists(st.one_of(sizes, st.integers(1, 50_000)), min_size=1, max_size=6),
    st.integers(0, 300_000),
    st.integers(0, 300_000),
    st.booleans(),
)
def test_whole_in_order_and_in_full_frames(
    writes: list[list[int] | int], credit: int, space: int, eager: bool
) -> None:
    link, wire, said = Link("hub", Limits(), 0.0), bytearray(), bytearray()
    link.admit()
    stream = link.open(Open("a", 1, "p"), NOBODY)
    assert stream is not None
    stream.credit, link.space = credit, space

    def send() -> None:
        wire.extend(b"".join(link.parts))
        link.parts.clear()

    link.eager = send if eager else None
    for at, write in enumerate(writes):
        pieces = [
            bytes([at % 256, number % 256]) * size
            for number, size in enumerate(write if isinstance(write, list) else [write])
        ]
        said += b"".join(pieces)
        if isinstance(write, list):
            stream.write_pieces([memoryview(piece) for piece in pieces])
        else:
            stream.write(pieces[0])
    send()
    assert sum(len(data) for kind, _, data in Splitter().feed(bytes(wire)) if kind == Type.DATA) <= min(
        credit, space
    )
    stream.credited(1 << 24)
    link.space = 1 << 24
    link.fill()
    send()
    found, lengths = bytearray(), []
    splitter = Splitter()
    for kind, id, data in splitter.feed(bytes(wire)):
        if kind == Type.DATA:
            assert id == stream.id
            found += data
            lengths.append(len(data))
    assert found == said
    assert max(lengths, default=0) <= CHUNK


def test_frames_are_cut_across_pieces() -> None:
    link = Link("hub", Limits(), 0.0)
    link.admit()
    stream = link.open(Open("a", 1, "p"), NOBODY)
    assert stream is not None
    link.parts.clear()
    link.space = 1 << 20
    stream.write_pieces(
        [memoryview(bytes(size)) for size in (16376, 16384, 16376, 16384)]
    )  # as two frames came
    frames = [len(data) for kind, _, data in Splitter().feed(b"".join(link.parts)) if kind == Type.DATA]
    assert frames == [CHUNK, CHUNK]
    assert stream.credit == 262_144 - 2 * CHUNK


def test_a_small_write_is_one_part_and_does_not_hold_the_buffer_it_came_in() -> None:
    link, woken = Link("hub", Limits(), 0.0), 0
    link.admit()
    stream = link.open(Open("a", 1, "p"), NOBODY)
    assert stream is not None
    link.parts.clear()
    link.queued, link.space = 0, 1000

    def wake() -> None:
        nonlocal woken
        woken += 1

    link.wake = wake
    room = bytearray(b"question")
    stream.write(memoryview(room)[:8])
    room[:] = b"XXXXXXXX"  # the thread's buffer is used for the next connection
    (part,) = link.parts
    assert [(kind, bytes(data)) for kind, _, data in Splitter().feed(bytes(part))] == [
        (Type.DATA, b"question")
    ]
    assert (link.queued, link.space, stream.credit, woken) == (16, 992, 262_144 - 8, 1)
    stream.write(b"")
    assert len(link.parts) == 1  # nothing is no frame
    stream.finish()
    stream.write(b"late")
    assert len(link.parts) == 2  # FIN, and nothing behind it
