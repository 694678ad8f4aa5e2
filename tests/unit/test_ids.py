"""Ids: order, uniqueness under threads, the bits the RFC asks for."""

import random
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.ids import ALPHABET, LENGTH, IdMaker, new_id, token, valid_id


def number(text: str) -> int:
    value = 0
    for char in text:
        value = value * 32 + ALPHABET.index(char)
    return value


def test_an_id_is_a_uuid_of_version_7_made_now() -> None:
    before = time.time_ns() // 1_000_000
    text = new_id()
    after = time.time_ns() // 1_000_000
    assert len(text) == LENGTH
    assert valid_id(text)
    value = number(text)
    assert value < 1 << 128
    assert before <= value >> 80 <= after + 1
    assert value >> 76 & 15 == 7
    assert value >> 62 & 3 == 2


def test_order_of_texts_is_order_of_making() -> None:
    made = [new_id() for _ in range(5000)]
    assert all(one < other for one, other in pairwise(made))


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50))
def test_ids_grow_whatever_the_clock_does(clock: list[int]) -> None:
    ticks = iter(clock)
    maker = IdMaker(now_ms=lambda: next(ticks))
    made = [maker.new() for _ in clock]
    assert all(one < other for one, other in pairwise(made))


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    maker = IdMaker(now_ms=lambda: 1000, random_bits=lambda bits: (1 << bits) - 1)
    maker._tail, maker._ms = (1 << 74) - 2, 1000
    first = number(maker.new())
    assert first >> 80 == 1001
    assert number(maker.new()) > first


def test_threads_never_get_the_same_id() -> None:
    made: list[list[str]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def work(mine: list[str]) -> None:
        start.wait()
        mine.extend(new_id() for _ in range(2000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 16_000
    assert all(one < other for mine in made for one, other in pairwise(mine))


def test_a_seed_gives_the_same_ids_again() -> None:
    def make() -> list[str]:
        maker = IdMaker(now_ms=lambda: 1_790_000_000_000, random_bits=random.Random(7).getrandbits)
        return [maker.new() for _ in range(100)]

    assert make() == make()


@pytest.mark.parametrize("text", ["a", "A-1.b", "0" * 64, "c-1-2-abc"])
def test_valid_ids(text: str) -> None:
    assert valid_id(text)


@pytest.mark.parametrize("text", ["", "0" * 65, "a_b", "a/b", "ä", "a\n", " a", "١"])
def test_invalid_ids(text: str) -> None:
    assert not valid_id(text)


def test_tokens_are_long_and_never_repeat() -> None:
    assert len({token() for _ in range(200)}) == 200
    assert len(token(32)) == 43
    with pytest.raises(ValueError, match="16 bytes"):
        token(8)
