"""A thread beside those of the requests, for who asks if this node is well.

It does not wait behind requests that all wait for one thing: else a load balancer would be told no by every node at once,
only because a lock is waited for.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from praxisd.kernel.errors import Problem

T = TypeVar("T")
LONGEST_QUEUE = 16


class Aside:
    """One thread and its queue; all but the work itself on the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="praxisd-aside")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`; Problem `http.busy` (503) when too many wait: the database hangs."""
        if self._waiting >= LONGEST_QUEUE:
            raise Problem("http.busy", 503, retry=True)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Give the thread back."""
        self._pool.shutdown(wait=True, cancel_futures=True)
