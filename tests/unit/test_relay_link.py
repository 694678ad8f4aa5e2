"""A link: what goes in comes out, in order, in bounded memory; nobody blocks or kills another."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd_relay import flow, frames
from praxisd_relay.frames import Rst, Type
from praxisd_relay.link import Limits

from .relay_cast import OPENED, End, Pair

KB = 1024
ACTIONS = st.one_of(
    st.tuples(st.just("open")),
    st.tuples(st.just("write"), st.booleans(), st.integers(0, 5), st.integers(0, 100_000)),
    st.tuples(st.sampled_from(["finish", "reset", "pause", "resume"]), st.booleans(), st.integers(0, 5)),
    st.tuples(st.just("send"), st.booleans(), st.integers(0, 150_000)),
    st.tuples(st.just("carry"), st.booleans(), st.integers(1, 90_000)),
)


def opened(pair: Pair) -> tuple[End, End]:
    """A stream's end at the hub and at the agent."""
    end = pair.open()
    assert end is not None and end.stream is not None
    pair.settle()
    return end, pair.ends[end.stream.id]


@settings(max_examples=150)
@given(st.lists(ACTIONS, max_size=60))
def test_whatever_happens_what_goes_in_comes_out_in_order(actions: list[tuple]) -> None:
    pair = Pair(Limits(streams=4))
    guests: list[End] = []
    for action in actions:
        match action:
            case ("open",):
                end = pair.open()
                assert (end is None) == (len(pair.hub.streams) >= 4 and end is None)
                if end is not None:
                    guests.append(end)
            case ("send", hub, space):
                pair.send("hub" if hub else "agent", space)
            case ("carry", hub, count):
                pair.carry("hub" if hub else "agent", count, 0.01)
            case (what, hub, number, *rest):
                ends = guests if hub else list(pair.ends.values())
                if number < len(ends) and ends[number].stream is not None:
                    end = ends[number]
                    assert end.stream is not None
                    if what == "write":
                        if not end.held and not end.stream._finishing:
                            end.write(bytes([number]) * rest[0])
                    elif what == "reset":
                        end.stream.reset(Rst.CLOSED)
                    else:
                        getattr(end.stream, what)()
        for link in (pair.hub, pair.agent):
            waiting = sum(len(v) for s in link.streams.values() for v in s.pending or ())
            assert waiting <= 100_000 * len(link.streams)  # one write beyond, then it is asked to stop
    for end in itertools.chain(guests, pair.ends.values()):
        if end.stream is not None:
            end.stream.resume()
    pair.settle()
    for end in guests:
        assert end.stream is not None
        there = pair.ends.get(end.stream.id)
        if there is None:
            assert end.code is not None or end.stream.over
            continue
        assert there.stream is not None
        for one, other in ((end, there), (there, end)):
            assert one.sent.startswith(other.came)
            assert one.stream is not None and other.stream is not None
            if not one.stream.over or (one.stream.fin_sent and one.stream.fin_came):
                assert other.came == one.sent
                assert other.finished == one.stream.fin_sent
        assert end.stream.over == there.stream.over
    live = {end.stream.id for end in guests if end.stream is not None and not end.stream.over}
    assert set(pair.hub.streams) == set(pair.agent.streams) == live
    assert not pair.hub.ready and not pair.agent.ready


def test_data_right_behind_open_in_the_same_read_arrives() -> None:
    pair = Pair()
    end = pair.open()
    assert end is not None and end.stream is not None
    end.write(b"first bytes")
    end.stream.finish()
    pair.send("hub")
    pair.carry("hub")
    there = pair.ends[end.stream.id]
    assert (there.came, there.finished) == (b"first bytes", True)


def test_a_stalled_stream_holds_its_window_and_blocks_nobody() -> None:
    pair = Pair()
    (stalled, stalled_there), (quick, quick_there) = opened(pair), opened(pair)
    assert stalled_there.stream is not None
    stalled_there.stream.pause()
    while not stalled.held:
        stalled.write(bytes(64 * KB))
        pair.settle()
    for _ in range(40):
        quick.write(b"q" * 64 * KB)
        pair.settle()
        assert not quick.held
    assert len(quick_there.came) == 40 * 64 * KB
    assert len(stalled_there.came) == 256 * KB
    assert sum(len(part) for part in stalled.stream.pending or ()) <= 64 * KB  # type: ignore[union-attr]
    stalled_there.stream.resume()
    pair.settle()
    assert stalled_there.came == stalled.sent
    assert not stalled.held


def test_streams_take_turns_by_the_frame() -> None:
    pair = Pair()
    ends = [opened(pair) for _ in range(3)]
    pair.hub.space = 0
    for end, _ in ends:
        end.write(bytes(100 * KB))
    assert all(end.held for end, _ in ends)
    order = []
    for _ in range(6):
        pair.send("hub", 1)
        data = bytes(pair.pipes["hub"])
        pair.carry("hub")
        order += [stream for kind, stream, _ in frames.Splitter().feed(data) if kind == Type.DATA]
    assert order == [end.stream.id for end, _ in ends] * 2  # type: ignore[union-attr]


def test_a_small_write_waits_for_a_turn_not_for_the_bulk() -> None:
    pair = Pair()
    (bulk, _), (small, small_there) = opened(pair), opened(pair)
    pair.hub.space = 64 * KB
    bulk.write(bytes(200 * KB))
    small.write(b"small")
    assert bulk.held
    pair.send("hub", 40 * KB)
    before = len(pair.pipes["hub"])
    pair.carry("hub")
    assert small_there.came == b"small"
    assert before <= (64 + 40 + 33) * KB


def test_the_window_grows_on_a_long_line_and_speed_follows() -> None:
    pair, rtt = Pair(), 0.1
    end, there = opened(pair)
    pair.agent.rtt = pair.agent.rtt_least = rtt
    speeds = []
    for _ in range(12):
        began, before = pair.now, len(there.came)
        pair.send("hub")
        while not end.held:
            end.write(bytes(64 * KB))
            pair.send("hub")
        pair.send("hub")
        pair.carry("hub", took_s=rtt / 2)
        pair.send("agent")
        pair.carry("agent", took_s=rtt / 2)
        speeds.append((len(there.came) - before) / (pair.now - began) / 1e6)
    assert speeds[0] < 3
    assert speeds[-1] > 30
    assert there.stream is not None and there.stream.window.size == flow.MOST_WINDOW


def test_credit_comes_at_an_eighth_of_the_window() -> None:
    pair = Pair()
    end, _ = opened(pair)
    end.write(bytes(31 * KB))
    pair.send("hub")
    pair.carry("hub")
    assert pair.send("agent") == 0
    end.write(bytes(1 * KB))
    pair.send("hub")
    pair.carry("hub")
    [(kind, _, payload)] = frames.Splitter().feed(bytes(pair.pipes["agent"][: pair.send("agent")]))
    assert (kind, frames.CREDIT.unpack(payload)[0]) == (Type.CREDIT, 32 * KB)


@pytest.mark.parametrize("raises", ["arrived", "ended", "broken", "pause", "resume"])
def test_an_end_that_fails_costs_its_stream_and_nothing_else(raises: str) -> None:
    pair = Pair()
    (end, there), (other, other_there) = opened(pair), opened(pair)
    there.raises = raises
    assert there.stream is not None and end.stream is not None
    if raises in ("pause", "resume"):
        pair.agent.space = 0
        there.write(bytes(10))
    else:
        end.write(b"x")
        if raises == "broken":
            end.stream.reset(Rst.CLOSED)
        end.stream.finish()
    other.write(b"alive")
    pair.settle()
    assert other_there.came == b"alive"
    assert end.stream.id not in pair.hub.streams and end.stream.id not in pair.agent.streams
    if raises not in ("broken",):
        assert end.code is Rst.CLOSED and there.code is Rst.CLOSED


def test_a_receiver_that_fails_to_open_answers_rst() -> None:
    pair = Pair()

    def fails(_: object) -> Rst:
        raise ValueError("dial")

    pair.agent.on_open = fails
    end = pair.open()
    pair.settle()
    assert end is not None and end.code is Rst.CLOSED
    pair.agent.on_open = lambda _: Rst.REFUSED
    end = pair.open()
    assert end is not None
    end.write(b"data for nobody")
    pair.settle()
    assert end.code is Rst.REFUSED
    assert not pair.hub.streams and not pair.agent.streams


STATES = ("new", "data", "held", "half here", "half there", "paused", "over")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("by", ["hub", "agent", "both", "fin"])
def test_rst_and_fin_in_every_state(state: str, by: str) -> None:
    pair = Pair()
    other, other_there = opened(pair)
    end = pair.open()
    assert end is not None and end.stream is not None
    pair.settle()
    there = pair.ends[end.stream.id]
    assert there.stream is not None
    if state == "data":
        end.write(b"x" * 1000)
        there.write(b"y" * 1000)
    elif state == "held":
        pair.hub.space = pair.agent.space = 0
        end.write(b"x" * 1000)
        there.write(b"y" * 1000)
    elif state == "half here":
        end.stream.finish()
    elif state == "half there":
        there.stream.finish()
        pair.settle()
    elif state == "paused":
        there.stream.pause()
        end.stream.pause()
        end.write(bytes(300 * KB))
        pair.send("hub")
        pair.carry("hub")
    elif state == "over":
        end.stream.finish()
        there.stream.finish()
        pair.settle()
    if by in ("hub", "both"):
        end.stream.reset(Rst.TIMEOUT)
        end.stream.reset(Rst.TIMEOUT)
    if by in ("agent", "both"):
        there.stream.reset(Rst.DENIED)
    if by == "fin":
        end.stream.finish()
        there.stream.finish()
    pair.settle()
    if by == "fin" and state == "paused":
        there.stream.resume()
        pair.settle()
    assert end.stream.over and there.stream.over
    assert len(pair.hub.streams) == len(pair.agent.streams) == 1
    if by == "fin":
        assert there.came == end.sent and end.came == there.sent
        assert end.finished and there.finished and end.code is None and there.code is None
    elif by == "hub" and state != "over":
        assert there.code is Rst.TIMEOUT and end.code is None
    elif by == "agent" and state != "over":
        assert end.code is Rst.DENIED and there.code is None
    end.stream.write(b"late")
    there.stream.finish()
    end.stream.resume()
    other.write(b"alive")
    pair.settle()
    assert other_there.came == b"alive"
    assert pair.hub.budget.used == pair.agent.budget.used == 256 * KB


def test_the_link_lost_is_told_to_every_stream_once_and_frees_all() -> None:
    process = flow.Budget(1 << 30)
    pair = Pair(process=process)
    ends = [opened(pair) for _ in range(5)]
    ends[0][0].write(bytes(500 * KB))
    pair.hub.lost()
    pair.hub.lost()
    pair.agent.lost()
    assert [(end.code, there.code) for end, there in ends] == [(Rst.GONE, Rst.GONE)] * 5
    assert process.used == 0
    assert pair.open() is None
    ends[1][0].stream.write(b"late")  # type: ignore[union-attr]
    pair.hub.put(Type.PING, 0, bytes(8))
    assert not pair.hub.parts


def test_who_sends_more_than_the_window_is_cut_with_flow() -> None:
    pair = Pair()
    (end, there), (other, other_there) = opened(pair), opened(pair)
    assert end.stream is not None and there.stream is not None
    there.stream.pause()
    end.stream.credit = 10_000_000
    for _ in range(5):
        end.write(bytes(64 * KB))
        pair.send("hub")
        pair.carry("hub")
    other.write(b"alive")
    pair.settle()
    assert end.code is Rst.FLOW and there.code is Rst.FLOW
    assert len(there.came) == 256 * KB
    assert other_there.came == b"alive"


def test_credit_without_end_and_data_after_fin_cut_the_stream_only() -> None:
    pair = Pair()
    (end, _), (end2, _) = opened(pair), opened(pair)
    assert end.stream is not None and end2.stream is not None
    pair.hub.received(pair.now, frames.encode(Type.CREDIT, end.stream.id, b"\x7f\xff\xff\xff"))
    assert end.code is Rst.FLOW
    pair.hub.received(pair.now, frames.encode(Type.FIN, end2.stream.id))
    pair.hub.received(pair.now, frames.encode(Type.DATA, end2.stream.id, b"x"))
    assert end2.code is Rst.PROTOCOL
    for kind in (Type.DATA, Type.FIN, Type.RST):  # of streams that are no more
        pair.hub.received(pair.now, frames.encode(kind, end.stream.id, b""))
    assert pair.hub.open(OPENED, End()) is not None


def test_limits_and_goaway_end_new_streams_only() -> None:
    pair = Pair(Limits(streams=2))
    (end, there), _ = opened(pair), opened(pair)
    assert pair.open() is None
    assert end.stream is not None
    end.stream.reset(Rst.CLOSED)
    assert pair.open() is not None
    pair.settle()
    pair.hub.most_streams = 3
    busy = pair.open()
    pair.settle()
    assert busy is not None and busy.code is Rst.BUSY
    said: list[tuple[int, bytes]] = []
    pair.hub.on_control = lambda kind, payload: said.append((kind, payload))
    pair.hub.received(pair.now, frames.control(Type.GOAWAY, frames.Goaway("drain", 1, 2)))
    assert said[0][0] == Type.GOAWAY and pair.hub.goaway == frames.Goaway("drain", 1, 2)
    assert pair.open() is None
    idle: list[int] = []
    pair.hub.on_idle = lambda: idle.append(len(pair.hub.streams))
    for stream in list(pair.hub.streams.values()):
        stream.reset(Rst.CLOSED)
    assert idle == [0]
    assert there.stream is not None
