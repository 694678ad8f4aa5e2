"""Homes by rendezvous hashing: the same everywhere, evenly spread, and only what must move moves."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.cluster_homes import HOMES, homes, ranked

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=20)
lists = st.lists(names, min_size=1, max_size=20, unique=True)
practices = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)


@given(practices, lists, st.randoms())
def test_order_and_repetition_of_the_list_do_not_matter(
    practice: str, nodes: list[str], chance: object
) -> None:
    shuffled = nodes + nodes[:1]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranked(practice, shuffled) == ranked(practice, nodes)
    assert sorted(ranked(practice, nodes)) == sorted(nodes)
    assert homes(practice, nodes) == ranked(practice, nodes)[:HOMES]


@given(practices, lists, st.data())
def test_a_hub_that_goes_moves_only_its_own(practice: str, nodes: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(nodes))
    before, after = ranked(practice, nodes), ranked(practice, [node for node in nodes if node != gone])
    assert after == [node for node in before if node != gone]


@given(practices, lists, names)
def test_a_hub_that_comes_takes_only_what_is_its_own(practice: str, nodes: list[str], fresh: str) -> None:
    before, after = homes(practice, nodes), homes(practice, [*nodes, fresh])
    assert set(after) - set(before) <= {fresh}


def test_spread_and_movement_over_ten_hubs() -> None:
    nodes = [f"hub{number}.example.de" for number in range(10)]
    ids = [f"practice{number:06}" for number in range(20_000)]
    first = Counter(homes(one, nodes)[0] for one in ids)
    both = Counter(node for one in ids for node in homes(one, nodes))
    assert all(1_800 < first[node] < 2_200 for node in nodes)
    assert all(3_700 < both[node] < 4_300 for node in nodes)
    moved = sum(homes(one, nodes)[0] != homes(one, nodes[1:])[0] for one in ids)
    assert moved == first[nodes[0]], "only the practices of the hub that went"


def test_the_hash_is_the_same_on_every_machine_and_release() -> None:
    nodes = ["hub1.example.de", "hub2.example.de", "hub3.example.de"]
    found = [ranked(practice, nodes)[0][3] for practice in ("a" * 26, "b" * 26, "c" * 26, "d" * 26, "e" * 26)]
    assert "".join(found) == FIXED


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_fewer_hubs_than_homes(count: int) -> None:
    assert len(homes("a" * 26, [f"hub{number}" for number in range(count)])) == min(count, HOMES)


FIXED = "13133"
