"""A link with less than no space left: what is written then waits, and waits whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .relay_cast import End, Pair


def opened(pair: Pair) -> tuple[End, End]:
    """A stream's end at the hub and at the agent."""
    end = pair.open()
    assert end is not None and end.stream is not None
    pair.settle()
    return end, pair.ends[end.stream.id]


@given(
    st.lists(st.integers(0, 90_000), min_size=1, max_size=12),
    st.lists(st.integers(0, 140_000), min_size=1, max_size=30),
)
def test_what_an_end_feeds_as_soon_as_it_may_arrives_whole(sizes: list[int], spaces: list[int]) -> None:
    pair = Pair()
    end, there = opened(pair)
    end.more = [bytes((number,)) * size for number, size in enumerate(sizes)]
    pair.hub.space = spaces[0]
    end.feed()
    for space in spaces:
        pair.send("hub", space)
        pair.carry("hub")
        pair.send("agent")
        pair.carry("agent")
    pair.settle()
    assert not end.more and not end.held
    assert there.came == end.sent == b"".join(bytes((number,)) * size for number, size in enumerate(sizes))


@pytest.mark.parametrize("how", ["resume", "write", "write_pieces"])
def test_a_write_where_less_than_no_space_is_left_waits_whole(how: str) -> None:
    """The frame that ends what waited may be larger than the space there was, and `space` is below zero then. A write
    in that moment, as in `resume`, kept only its last so many bytes."""
    pair = Pair()
    end, there = opened(pair)
    assert end.stream is not None
    pair.hub.space = 0
    end.write(b"a" * 30_000)
    assert end.held
    rest = [b"b" * 40_000, b"", b"c" * 10_000]
    if how == "resume":
        end.more = list(rest)
    pair.send("hub", 10)
    assert pair.hub.space == 10 - 30_000
    if how == "write":
        end.more = [b"".join(rest)]
        end.feed()
    elif how == "write_pieces":
        end.sent += b"".join(rest)
        end.stream.write_pieces([memoryview(piece) for piece in rest])
    assert end.held
    pair.settle()
    assert there.came == end.sent == b"a" * 30_000 + b"b" * 40_000 + b"c" * 10_000
    assert not end.held


def test_nothing_written_where_no_space_is_left_is_nothing() -> None:
    pair = Pair()
    end, there = opened(pair)
    assert end.stream is not None
    pair.hub.space = -5
    end.write(b"")
    end.stream.write_pieces([memoryview(b"")])
    assert not end.held and not end.stream.pending
    end.stream.finish()
    pair.settle()
    assert there.finished and not there.came
