"""One timer for the looks at thousands of links."""

import asyncio
import logging

import pytest

from praxisd_relay import looks


class One:
    """Counts; does what it is told to when its time comes."""

    def __init__(self, then: object = None) -> None:
        self.at: list[float] = []
        self.then = then

    def look(self) -> None:
        self.at.append(asyncio.get_running_loop().time())
        if callable(self.then):
            self.then()


def test_each_is_called_in_its_time_and_once() -> None:
    async def work() -> None:
        found, began = looks.of_loop(), asyncio.get_running_loop().time()
        assert looks.of_loop() is found
        late, early = [One() for _ in range(50)], [One() for _ in range(50)]
        for delay, some in ((0.45, late), (0.15, early)):
            for one in some:
                found.put(one, delay)
        await asyncio.sleep(0.8)
        for delay, some in ((0.45, late), (0.15, early)):
            assert all(len(one.at) == 1 and one.at[0] - began >= delay - 0.02 for one in some)
        assert not len(found) and found._timer is None

    asyncio.run(work())


def test_who_is_dropped_is_not_called_and_not_kept() -> None:
    async def work() -> None:
        found, one, other = looks.of_loop(), One(), One()
        step = found.put(one, 0.15)
        found.put(other, 0.15)
        found.drop(one, step)
        found.drop(one, step)
        found.drop(one, 7)
        assert len(found) == 1
        await asyncio.sleep(0.4)
        assert not one.at and len(other.at) == 1

    asyncio.run(work())


def test_one_that_fails_or_comes_again_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("a fault of ours")

    async def work() -> None:
        found, other = looks.of_loop(), One()
        again = One(lambda: found.put(again, 0.1) if len(again.at) < 3 else None)
        for one in (One(fail), again, other):
            found.put(one, 0.1)
        await asyncio.sleep(1.0)
        assert len(again.at) == 3 and len(other.at) == 1 and not len(found)

    with caplog.at_level(logging.ERROR, "praxisd_relay"):
        asyncio.run(work())
    assert len(caplog.records) == 1
