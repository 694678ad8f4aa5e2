"""Token buckets, tallies and neighbourhoods, against what they promise."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.limits import Bucket, Buckets, Tally, blurred, neighbourhood

STEPS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 50)), max_size=60)
RATE = st.floats(0.1, 100)
BURST = st.floats(1, 200)


@given(RATE, BURST, STEPS)
def test_nobody_gets_more_than_burst_and_rate(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, taken, seen = Bucket(rate, burst), 0.0, 0.0, []
    for wait, tokens in steps:
        now += wait
        if bucket.take(now, tokens):
            taken += tokens
            seen.append((now, tokens))
    # In every period, not only from the start.
    for first in range(len(seen)):
        spent = 0.0
        for at, tokens in seen[first:]:
            spent += tokens
            assert spent <= burst + rate * (at - seen[first][0]) + 1e-6


@given(RATE, BURST, STEPS)
def test_who_waits_as_told_is_out_of_debt(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now = Bucket(rate, burst), 0.0
    spent = 0.0
    for wait, tokens in steps:
        now += wait
        owed = bucket.spend(now, tokens)
        spent += tokens
        assert owed >= 0
        now += owed
        assert spent <= burst + rate * now + 1e-6
    assert bucket.spend(now, 0) < 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, 2)
    assert bucket.take(100, 2)
    assert not bucket.take(50)
    assert not bucket.take(100.5)
    assert bucket.take(101)


def test_a_rate_of_nothing_is_no_limit() -> None:
    bucket, buckets = Bucket(0, 0), Buckets(0, 0)
    assert all(bucket.take(0, 10**9) and buckets.take("a", 0) and buckets.has("a", 0) for _ in range(100))
    assert bucket.spend(0, 10**9) == 0 and bucket.full(0) and bucket.left(0) > 10**12 and len(buckets) == 0


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 3)), max_size=200))
def test_each_key_has_its_own_and_the_table_is_bounded(uses: list[tuple[str, float]]) -> None:
    buckets, alone, now = Buckets(1, 3, most=8), {key: Bucket(1, 3) for key in "abcdefgh"}, 0.0
    for key, wait in uses:
        now += wait
        assert buckets.has(key, now) is (alone[key].left(now) >= 1)
        assert buckets.take(key, now) is alone[key].take(now)
        buckets.sweep(now)
        assert len(buckets) <= 8


def test_a_flood_of_keys_forgets_the_oldest() -> None:
    buckets = Buckets(1, 1, most=100)
    assert buckets.take("first", 0) and not buckets.take("first", 0)
    for number in range(1000):
        assert buckets.take(number, 0)
    assert len(buckets) == 100
    assert buckets.take("first", 0)
    assert not buckets.take(999, 0)


def test_what_is_full_again_is_forgotten() -> None:
    buckets = Buckets(1, 2)
    for number in range(10):
        buckets.take(number, float(number))
    buckets.sweep(5.5)
    assert len(buckets) == 5
    buckets.sweep(1000)
    assert len(buckets) == 0


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=200),
    st.integers(0, 4),
    st.integers(0, 6),
)
def test_a_tally_counts_right(moves: list[tuple[bool, str]], each: int, everybody: int) -> None:
    tally, model = Tally(each, everybody), {"a": 0, "b": 0, "c": 0}
    for enters, key in moves:
        if enters:
            fits = not (each and model[key] >= each) and not (everybody and sum(model.values()) >= everybody)
            assert tally.enter(key) is fits
            model[key] += fits
        elif model[key]:
            tally.leave(key)
            model[key] -= 1
        assert tally.total == sum(model.values())
        assert [tally.count(name) for name in "abc"] == list(model.values())
        assert len(tally) == sum(1 for count in model.values() if count)


def test_who_never_entered_cannot_leave() -> None:
    with pytest.raises(ValueError, match="entered"):
        Tally(1).leave("a")


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_v6_customer_is_one(address: ipaddress.IPv6Address, host: int) -> None:
    other = ipaddress.IPv6Address(int(address) >> 64 << 64 | host)
    if address.ipv4_mapped is None and other.ipv4_mapped is None:
        assert neighbourhood(str(address)) == neighbourhood(str(other))
        assert neighbourhood(str(address)).endswith("/64")


@pytest.mark.parametrize(
    ("address", "one", "seen"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("999.1.1.1", "999.1.1.1", "-"),
        ("", "", "-"),
    ],
)
def test_addresses(address: str, one: str, seen: str) -> None:
    assert (neighbourhood(address), blurred(address)) == (one, seen)


@given(st.ip_addresses())
def test_a_blurred_address_is_not_the_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    seen = ipaddress.ip_network(blurred(str(address)))
    assert seen.num_addresses >= 256
    assert seen.version == 4 or seen.prefixlen == 48
