"""Blocking work beside the keeper's loop, in threads that hold up nobody's end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def beside(call: Callable[..., T], *args: Any) -> T:
    """`call(*args)` in a daemon thread; its result or its exception.

    Other than the loop's own pool it has no bound and is not waited for when the program ends.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not outcome.done():  # whoever waited may have lost patience
            outcome.set_result(result) if error is None else outcome.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = call(*args)
        except BaseException as found:
            error = found
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name=f"guard-{getattr(call, '__name__', 'work')}", daemon=True).start()
    return await outcome
