"""Work beside a test: what a server of streams does with each connection, and whatever else must not outlive its scene."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Beside:
    """Tasks that end with `end`, at the latest. What one raises goes to the loop's handler of errors nobody caught."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this too."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def each(self, serve: Serve) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        """For `asyncio.start_server` in place of `serve`.

        Given a coroutine function, streams of Python 3.11 complain to the loop of every handler that is cancelled, as one
        is that had just begun when its loop ended.
        """
        return lambda reader, writer: self.keep(serve(reader, writer))

    async def end(self) -> None:
        """Whatever is still being done is given up."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler({"message": "in a task", "exception": error})
