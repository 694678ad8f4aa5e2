"""The list of hubs, and what a cluster's settings refuse. No clock runs here."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.cluster_nodes import Nodes
from praxisd_relay.cluster_settings import (
    MOST_NODES,
    NatsSettings,
    Node,
    PeersSettings,
    SettingsError,
    check_nats,
    check_node,
    check_peers,
    split,
)


def node(name: str, port: int = 7443) -> Node:
    return Node(name, f"10.0.0.1:{port}", "relay.example.de:443")


def nodes(*fixed: Node) -> Nodes:
    return Nodes(node("own"), fixed, announce_s=5)


def test_heard_kept_expired() -> None:
    known = nodes()
    assert known.heard(node("b"), 0)
    assert not known.heard(node("b"), 1)
    assert known.heard(node("b", 7444), 2), "a new address is a change"
    assert known.names() == ["b", "own"]
    assert known.expire(19) == []
    assert known.expire(20) == ["b"]
    assert known.names() == ["own"]


def test_a_link_speaks_for_a_silent_hub() -> None:
    known = nodes()
    known.heard(node("b"), 0)
    assert known.expire(100, linked=["b"]) == []
    assert known.expire(100) == ["b"]


def test_while_the_bus_is_away_nobody_is_gone() -> None:
    known = nodes()
    known.heard(node("b"), 0)
    known.deaf(10)
    assert known.expire(1000) == []
    known.hearing(1000)
    assert known.expire(1010) == []
    assert known.expire(1020) == ["b"]


def test_a_fixed_hub_stays_and_its_goodbye_holds_until_it_announces_itself() -> None:
    known = nodes(node("f"))
    assert known.expire(10_000) == []
    assert known.left("f", 10_000)
    assert known.names() == ["own"]
    assert not known.left("f", 10_001)
    assert known.heard(node("f"), 10_002)
    assert known.names() == ["f", "own"]


def test_own_name_nonsense_and_floods_are_not_taken_in() -> None:
    known = nodes()
    assert not known.heard(Node("own", "6.6.6.6:1", "6.6.6.6:2"), 0)
    assert known.get("own") == node("own")
    for bad in (
        Node("", "a:1", "a:1"),
        Node("A b", "a:1", "a:1"),
        Node("x", "a", "a:1"),
        Node("x", "a:1", "a:0"),
    ):
        assert not known.heard(bad, 0)
    for number in range(100):
        known.heard(node(f"n{number}"), 0)
    assert len(known.names()) == MOST_NODES


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heard", "left", "expire", "deaf", "hearing"]),
            st.sampled_from("abcd"),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
def test_whatever_happens_the_list_is_sound(steps: list[tuple[str, str, int]]) -> None:
    known, now = nodes(node("a")), 0.0
    for what, name, wait in steps:
        now += wait
        if what == "heard":
            known.heard(node(name), now)
            assert known.get(name) == node(name)
        elif what == "left":
            known.left(name, now)
            assert known.get(name) is None
        elif what == "expire":
            assert not set(known.expire(now)) & set(known.names())
        elif what == "deaf":
            known.deaf(now)
        else:
            known.hearing(now)
        assert "own" in known.names()
        assert [one.name for one in known.others()] == [name for name in known.names() if name != "own"]


PEERS = PeersSettings(
    node="hub1.example.de", listen="127.0.0.1:0", certificate=Path("c"), key=Path("k"), ca=Path("a")
)


def test_settings_that_are_taken() -> None:
    assert check_peers(PEERS) is PEERS
    nats = NatsSettings(servers=("nats://a:4222", "tls://[::1]:4222"), user="hub", password_file=Path("p"))
    assert check_nats(nats) is nats
    assert split("[2001:db8::1]:7443") == ("2001:db8::1", 7443)
    assert check_node(node("hub-2.example.de"))


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "Hub 1"},
        {"node": "x" * 300},
        {"listen": "7443"},
        {"announce": "hub1:0"},
        {"nodes": (node("a"), node("a"))},
        {"nodes": tuple(node(f"n{number}") for number in range(70))},
        {"announce_s": 0},
    ],
)
def test_peers_that_are_refused(changes: dict[str, object]) -> None:
    fields = {name: getattr(PEERS, name) for name in PEERS.__struct_fields__}
    with pytest.raises(SettingsError):
        check_peers(PeersSettings(**(fields | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"servers": ()},
        {"servers": ("http://a:1",)},
        {"servers": ("nats://user:secret@a:4222",)},
        {"servers": ("nats://a:4222",), "user": "hub"},
        {"servers": ("nats://a:4222",), "certificate": Path("c")},
        {"servers": ("nats://a:4222",), "prefix": "a b"},
        {"servers": ("nats://a:4222",), "prefix": "a.>"},
        {"servers": ("nats://a:4222",), "user": "h", "password_file": Path("p"), "token_file": Path("t")},
        {"servers": ("nats://a:4222",), "digest_s": 0},
    ],
)
def test_nats_that_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        check_nats(NatsSettings(**fields))  # type: ignore[arg-type]
