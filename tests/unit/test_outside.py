"""The loop behind the ways out: results, limits, and that nothing goes on after a call has ended."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from praxisd.kernel.outside import Outside, of


async def _answer(value: str) -> str:
    await asyncio.sleep(0)
    return value


def test_results_and_exceptions_come_through() -> None:
    one = Outside()

    async def broken() -> None:
        raise LookupError("nichts")

    assert one.run(_answer("da"), 5) == "da"
    with pytest.raises(LookupError, match="nichts"):
        one.run(broken(), 5)
    one.close()


def test_a_call_that_takes_too_long_has_ended_when_it_is_given_up() -> None:
    one, steps = Outside(), []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
            steps.append("gesendet")
        finally:
            steps.append("zu Ende")

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        one.run(slow(), 0.05)
    assert steps == ["zu Ende"] and time.monotonic() - began < 5
    one.close()


def test_many_threads_share_one_loop() -> None:
    one, seen = Outside(), set()

    async def where() -> None:
        await asyncio.sleep(0.01)
        seen.add(threading.get_ident())

    threads = [threading.Thread(target=lambda: one.run(where(), 5)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1 and threading.get_ident() not in seen
    one.close()


def test_it_can_begin_again_after_its_end() -> None:
    one = Outside()
    first = one.loop
    one.close()
    assert one.run(_answer("wieder da"), 5) == "wieder da" and one.loop is not first
    one.close()


def test_a_house_has_one() -> None:
    house = SimpleNamespace(shared={}, closers=[], lent=None)
    assert of(house) is of(house) and len(house.closers) == 1
    house.closers[0]()
