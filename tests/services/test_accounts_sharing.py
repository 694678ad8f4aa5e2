"""Rates hold for all nodes together: what was taken at one is missing at the other (issue 12)."""

import time

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.engines import TOLD_MOST
from praxisd.kernel.errors import Problem
from praxisd.services.accounts import api, sharing
from praxisd.services.accounts.buckets import Buckets
from praxisd.services.accounts.gate import gate_of
from praxisd.testing.houses import Houses

from .accounts_cast import SERVICES, make

PATIENCE_S = 30.0
BURST = {"accounts.rate_per_minute": 30, "accounts.rate_burst": 10}


def _hearing(house: House) -> House:
    house.wake.start()
    sharing.start(house)
    assert house.wake.listening.wait(PATIENCE_S)
    return house


def test_a_key_that_is_used_up_at_one_node_is_refused_by_the_other(postgres_houses: Houses) -> None:
    first = postgres_houses.open(SERVICES, settings=BURST)
    second = postgres_houses.twin(first)
    _, secret = make(first)
    one, two = (api.authenticate(house, secret, None) for house in map(_hearing, (first, second)))
    for _ in range(10):
        api.take(first, one)
    end = time.monotonic() + PATIENCE_S
    while not gate_of(second.store).requests.wait(two.id, 30 / 60, 10, second.clock.monotonic()):
        assert time.monotonic() < end, "the other node never heard of it"
        time.sleep(0.02)
    with pytest.raises(Problem) as refused:
        api.take(second, two)
    assert refused.value.code == "accounts.rate_limited"


def test_failures_and_sign_ins_are_told_too_and_nothing_where_one_process_is_alone(houses: Houses) -> None:
    house = houses.open(SERVICES)
    sharing.start(house)
    gate = gate_of(house.store)
    kinds = (gate.requests, gate.failures, gate.sign_ins, gate.codes)
    for one in kinds:
        one.take("x", 1.0, 5, 0.0)
    told = [bucket.spent() for bucket in kinds]
    alone = house.store.alone
    assert told == ([{}] * 4 if alone else [{"x": (1, 1.0, 5)}] * 4)


def test_many_names_are_told_in_pieces_that_a_notice_carries() -> None:
    buckets = Buckets()
    buckets.share()
    for number in range(1_000):
        buckets.take(f"key-{number}", 1.0, 5, 0.0)
    buckets.take("z" * TOLD_MOST, 1.0, 5, 0.0)
    parts = list(sharing._parts({"r": buckets}))
    assert len(parts) > 1 and all(len(one.encode()) <= TOLD_MOST for one in parts)
    assert sum(one.count('"r"') for one in parts) == 1_000
