"""A link's rules beside data: which frames are legal when, the clock, small budgets, numbers."""

import pytest

from praxisd_relay import flow, frames
from praxisd_relay.frames import FrameError, Type
from praxisd_relay.link import Limits, Link

from .relay_cast import OPENED, Pair

KB = 1024


@pytest.mark.parametrize("role", ["hub", "agent"])
@pytest.mark.parametrize("kind", [Type.DATA, Type.OPEN, Type.PING, Type.CREDIT, Type.GOAWAY, Type.ROTATE, 77])
def test_before_welcome_only_the_handshake_is_legal(role: str, kind: int) -> None:
    link = Link("hub" if role == "hub" else "agent", Limits(), 0.0)
    with pytest.raises(FrameError):
        link.received(0.0, frames.encode(kind, 1, bytes(8)))
    link = Link("hub" if role == "hub" else "agent", Limits(), 0.0)
    with pytest.raises(FrameError):
        link.received(0.0, frames.encode(Type.AUTH if role == "hub" else Type.HELLO, 0, bytes(4097)))


def test_unknown_frames_are_skipped_and_wrong_ones_end_the_link() -> None:
    pair = Pair()
    pair.hub.received(
        pair.now, frames.encode(200, 9, b"of a later version"), frames.encode(Type.OPEN_DIRECT, 1)
    )
    pair.agent.received(pair.now, frames.encode(14, 9, b"x"))
    for link, frame in (
        (pair.hub, frames.control(Type.OPEN, OPENED, 9)),
        (pair.hub, frames.encode(Type.AUTH)),
        (pair.hub, frames.encode(Type.LIMIT)),
        (pair.agent, frames.control(Type.OPEN, OPENED, 0)),
        (pair.agent, frames.encode(Type.OPEN, 5, b"{}")),
        (pair.agent, frames.control(Type.OPEN, frames.Open("a", 1, "b", 1, window=0), 5)),
        (pair.agent, frames.encode(Type.WELCOME)),
        (pair.agent, frames.encode(Type.PING, 0, b"x")),
        (pair.hub, frames.encode(Type.CREDIT, 0, b"x")),
        (pair.hub, frames.encode(Type.GOAWAY, 0, b"[]")),
    ):
        with pytest.raises(FrameError):
            link.received(pair.now, frame)
    with pytest.raises(FrameError):
        pair.agent.received(pair.now, frames.control(Type.OPEN, OPENED, 8) * 2)


def test_a_thousand_pings_unheard_queue_one_answer() -> None:
    pair = Pair()
    pair.settle()
    for number in range(1000):
        pair.hub.received(pair.now, frames.encode(Type.PING, 0, number.to_bytes(8, "big")))
    assert pair.hub.queued <= 16
    pair.send("hub")
    [(kind, _, payload)] = frames.Splitter().feed(bytes(pair.pipes["hub"]))
    assert (kind, bytes(payload)) == (Type.PONG, (999).to_bytes(8, "big"))


def test_the_clock_pings_tells_silence_and_ends_the_link() -> None:
    pair = Pair(Limits(ping_s=4.0, dead_s=60.0))
    pair.settle(rtt_s=0.05)
    assert pair.agent.rtt is not None and 0.04 < pair.agent.rtt < 0.2
    assert pair.hub.rtt is not None
    start, told, pings = pair.now, [], 0
    while not told or told[-1][1] != "dead":
        wait, word = pair.agent.tick(pair.now)
        assert 0 < wait <= 5
        if word:
            told.append((round(pair.now - start), word))
        pings += sum(part[0] == Type.PING for part in pair.agent.parts)
        pair.agent.parts.clear()
        pair.now += wait
    assert [word for _, word in told] == ["silent", "dead"]
    assert 8 <= told[0][0] <= 10
    assert 60 <= told[1][0] <= 61
    assert pings == 1


def test_a_link_that_is_heard_again_is_told_so() -> None:
    pair = Pair()
    pair.settle()
    pair.now += 20
    assert pair.agent.tick(pair.now)[1] == "silent"
    pair.agent.received(pair.now, frames.encode(Type.PONG, 0, bytes(8)))
    assert pair.agent.tick(pair.now)[1] == "heard"
    assert pair.agent.tick(pair.now)[1] is None


def test_a_busy_link_measures_its_round_trip_now_and_then() -> None:
    pair = Pair()
    pair.settle(rtt_s=0.2)
    for _ in range(60):
        pair.now += 0.5
        pair.agent.received(pair.now, frames.encode(200))
        pair.agent.tick(pair.now)
        pair.settle(rtt_s=0.01)
    assert pair.agent.rtt is not None and pair.agent.rtt < 0.1


def test_a_farewell_is_over_when_all_that_was_opened_before_it_has_come() -> None:
    pair = Pair()
    pair.settle()
    pair.agent.ping()
    pair.send("agent")
    pair.carry("agent")
    pair.agent.put(Type.GOAWAY, 0, b'{"reason":"replaced"}')
    pair.agent.farewell()
    pair.send("hub")
    pair.carry("hub")
    assert not pair.agent.parted, "that was the answer to an older question, of the same moment"
    late = pair.open()
    assert late is not None and late.stream is not None
    pair.settle()
    assert pair.agent.parted and late.stream.id in pair.ends
    assert pair.open() is None


def test_the_handshake_has_its_time() -> None:
    link = Link("hub", Limits(handshake_s=10), 5.0)
    assert link.tick(5.0) == (10.0, None)
    assert link.tick(15.1)[1] == "timeout"


def test_an_agent_waits_for_its_turn_and_not_so_long_once_it_has_come() -> None:
    link = Link("agent", Limits(handshake_s=10, wait_s=25), 5.0)
    assert link.tick(5.0) == (10.0, None)
    assert link.tick(28.0) == (2.0, None)
    assert link.tick(30.1)[1] == "timeout"
    link.began(28.0)
    assert link.tick(30.1)[1] is None
    assert link.tick(38.1)[1] == "timeout"


def test_little_memory_left_means_small_windows_for_new_streams() -> None:
    pair = Pair(process=flow.Budget(600 * KB))
    windows = []
    for _ in range(8):
        end = pair.open()
        assert end is not None and end.stream is not None
        windows.append(end.stream.opened.window)
    pair.settle()
    assert windows[0] == 256 * KB and windows[-1] < 64 * KB
    there = pair.ends[8]
    there.write(bytes(200 * KB))
    pair.send("agent")
    assert there.held and there.stream is not None and there.stream.credit == 0
    pair.settle()
    assert not there.held and len(end.came) == 200 * KB


def test_numbers_of_streams_come_round_and_pass_by_those_in_use() -> None:
    pair = Pair()
    first = pair.open()
    pair.hub._next = 0xFFFFFFFF
    last, again = pair.open(), pair.open()
    assert [end.stream.id for end in (first, last, again) if end and end.stream] == [1, 0xFFFFFFFF, 2]
    pair.settle()
    assert len(pair.agent.streams) == 3
