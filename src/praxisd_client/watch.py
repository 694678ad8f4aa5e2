"""Callbacks: what a program wants to hear. They run in the seat's event loop, and an error in one ends nothing."""

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

LOG = logging.getLogger("praxisd_client")
EVENTS = frozenset(
    (
        "announcement",
        "asked",
        "bye",
        "connected",
        "disconnected",
        "ended",
        "interval",
        "lost",
        "mode",
        "presence",
        "replied",
    )
)
Callback = TypeVar("Callback", bound=Callable[..., Any])


class Watchers:
    """Callbacks by event. A callback may be a coroutine function."""

    def __init__(self) -> None:
        self._all: dict[str, list[Callable[..., Any]]] = defaultdict(list)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, event: str, callback: Callable[..., Any]) -> None:
        """Call `callback` with each such event. ValueError for an event there is none of."""
        if event not in EVENTS:
            raise ValueError(f"no event: {event}; there are {', '.join(sorted(EVENTS))}")
        self._all[event].append(callback)

    def tell(self, event: str, *what: Any, then: Callable[[Any], Any] | None = None) -> None:
        """Tell all; `then` gets what a callback gave back, where that is something."""
        for callback in self._all[event]:
            task = asyncio.get_running_loop().create_task(_call(callback, what, then))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self, seconds: float) -> None:
        """Wait for the callbacks that run."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)


async def _call(
    callback: Callable[..., Any], what: tuple[Any, ...], then: Callable[[Any], Any] | None
) -> None:
    try:
        found = callback(*what)
        if inspect.isawaitable(found):
            found = await found
        if then is not None and found is not None:
            await then(found)
    except Exception as error:  # the callback is another's code; what it was called with may name a person
        LOG.warning("a callback failed: %s", type(error).__name__)
