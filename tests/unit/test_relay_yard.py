"""What the relay's torture notices beside a disturbance, and that it cannot be too quick to notice."""

import asyncio
from typing import Any

from praxisd.testing.relay_yard import Traffic


class Slow:
    """A practice that takes a moment, or fails. As `Guest`."""

    def __init__(self, seconds: float, error: OSError | None = None) -> None:
        self.seconds, self.error, self.asked = seconds, error, 0

    async def get(self, size: int) -> float:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.seconds


def beside(guest: Any, seconds: float) -> Traffic:
    async def story() -> Traffic:
        async with Traffic(guest) as traffic:
            if seconds:
                await asyncio.sleep(seconds)
        return traffic

    return asyncio.run(story())


def test_a_disturbance_shorter_than_one_request_is_measured_by_a_whole_one() -> None:
    found = beside(Slow(0.05), 0)
    assert found.times == [0.05]
    assert not found.failures


def test_the_last_request_is_heard_to_its_end_whatever_becomes_of_it() -> None:
    guest = Slow(0.05, ConnectionResetError("cut"))
    assert beside(guest, 0.01).failures == ["ConnectionResetError: cut"]
    assert guest.asked == 1


def test_it_asks_as_long_as_the_disturbance_lasts() -> None:
    guest = Slow(0.0)
    found = beside(guest, 0.3)
    assert 3 <= len(found.times) == guest.asked
