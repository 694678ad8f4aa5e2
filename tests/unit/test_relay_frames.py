"""Frames of the relay: round trip, any cut, noise."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay import frames
from praxisd_relay.frames import FrameError, Splitter, Type

CONTROLS = st.sampled_from([kind for kind in range(256) if kind != Type.DATA])
FRAME = st.tuples(CONTROLS, st.integers(0, 2**32 - 1), st.binary(max_size=400)) | st.tuples(
    st.just(int(Type.DATA)), st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=3000)
)
SHAPES: list[msgspec.Struct] = [
    frames.Hello(1, b"n" * 32, "node-ä", 1_800_000_000, "link.example"),
    frames.Auth(b"k" * 32, "a" * 26, b"s" * 64, ["drain"], "0.1"),
    frames.Enroll("CODE", b"k" * 32, b"s" * 64, "Praxis Köln"),
    frames.Welcome("7", "a" * 26, "a.example", homes=["h1:443", "h2:443"]),
    frames.Open("2001:db8::1", 51234, "a.example", 1.5),
    frames.Goaway("drain", 1.0, 5.0),
    frames.Limit(125_000),
    frames.Rotate(b"k" * 32, b"o" * 64, b"n" * 64),
    frames.Refused("busy", 3.0),
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes, cut at these places."""
    at = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def joined(found: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Neighbouring pieces of DATA of one stream are one: DATA is a stream of bytes."""
    result: list[tuple[int, int, bytes]] = []
    for kind, stream, payload in found:
        if result and kind == 4 and result[-1][:2] == (kind, stream):
            result[-1] = (kind, stream, result[-1][2] + payload)
        else:
            result.append((kind, stream, payload))
    return result


@given(st.lists(FRAME, max_size=12), st.lists(st.integers(0, 100_000), max_size=20))
def test_frames_come_out_as_they_went_in_wherever_the_bytes_are_cut(
    sent: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(frames.encode(kind, stream, payload) for kind, stream, payload in sent)
    splitter = Splitter()
    found = [(k, s, bytes(p)) for piece in pieces(data, cuts) for k, s, p in splitter.feed(piece)]
    assert joined(found) == joined(sent)


@given(st.lists(st.binary(max_size=300), max_size=10), st.sampled_from([4096, frames.MOST]))
def test_noise_raises_nothing_but_frame_error(noise: list[bytes], most: int) -> None:
    splitter = Splitter(most)
    held = 0
    try:
        for piece in noise:
            held += len(piece)
            for kind, _, payload in splitter.feed(piece):
                assert kind == 4 or len(payload) <= most
                shape = frames.SHAPES.get(kind)  # type: ignore[call-overload]
                if shape is not None:
                    frames.decode(shape, payload)
    except FrameError:
        pass


def test_a_splitter_holds_less_than_one_frame() -> None:
    splitter = Splitter()
    for _ in range(50):
        assert list(splitter.feed(frames.encode(Type.OPEN, 1, b"x" * 30_000)[:-1])) == []
        assert list(splitter.feed(b"x")) != []
    assert len(splitter._held) == 0


@pytest.mark.parametrize("length", [frames.MOST + 1, 65535])
def test_a_frame_larger_than_allowed_is_refused_before_it_comes(length: int) -> None:
    with pytest.raises(FrameError):
        list(Splitter().feed(frames.HEADER.pack(4, 0, length, 1)))
    with pytest.raises(ValueError, match="fit"):
        frames.encode(4, 1, b"x" * (frames.MOST + 1))


@pytest.mark.parametrize("struct", SHAPES, ids=lambda one: type(one).__name__)
def test_control_payloads_round_trip_and_may_grow(struct: msgspec.Struct) -> None:
    kind = next(kind for kind, shape in frames.SHAPES.items() if shape is type(struct))
    [(found, stream, payload)] = Splitter().feed(frames.control(kind, struct, 3))
    assert (found, stream) == (kind, 3)
    assert frames.decode(type(struct), payload) == struct
    grown: dict[str, Any] = msgspec.json.decode(payload) | {"a_later_field": {"x": [1]}}
    assert frames.decode(type(struct), msgspec.json.encode(grown)) == struct


@given(st.binary(max_size=200), st.sampled_from(list(frames.SHAPES.values())))
def test_a_spoilt_control_payload_is_a_frame_error(payload: bytes, shape: type[msgspec.Struct]) -> None:
    with contextlib.suppress(FrameError):
        frames.decode(shape, payload)


def test_a_deeply_nested_payload_is_a_frame_error() -> None:
    with pytest.raises(FrameError):
        frames.decode(frames.Auth, b'{"x":' + b"[" * 30_000)
