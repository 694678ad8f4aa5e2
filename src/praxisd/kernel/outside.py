"""The loop behind the ways out: HTTP and SMTP are asynchronous, whoever sends is not.

One background thread runs one asyncio loop for the whole house (`of(house)`); `run` hands it a coroutine and waits.
The thread starts with the first call and is a daemon: nothing that hangs outside may keep the program from ending.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Why = Literal["name", "unreachable", "timeout", "encryption", "too_late", "forbidden"]
"""Why nothing was sent: nobody knows the server's name (DNS), the server does not answer, does so too slowly, the
connection could not be protected (TLS, certificate), the time until which it was allowed has passed, or the connection
leads to an address that the caller does not allow."""
_BEYOND_S = 15.0
"""So much longer than its own limit a coroutine is waited for, before the loop itself counts as stuck."""


class NotSent(Exception):
    """Certainly nothing was handed over. `why` is one of a few words, never an address or a text."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class AnswerLost(Exception):
    """It may have been handed over: the connection ended, or time ran out, before the answer came."""


class AnswerLate(AnswerLost):
    """Time ran out before the answer came."""


class Outside:
    """A loop in a thread of its own. `shut`: nothing leaves (`lent`)."""

    def __init__(self, *, shut: bool = False) -> None:
        self._shut = shut
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; started now if it is not."""
        with self._lock:
            if self._loop is None:
                loop, started = asyncio.new_event_loop(), threading.Event()
                threading.Thread(
                    target=self._turn, args=(loop, started), name="praxisd-outside", daemon=True
                ).start()
                started.wait()
                self._loop = loop
            return self._loop

    @staticmethod
    def _turn(loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.getaddrinfo = _looked_up  # type: ignore[method-assign]
        loop.call_soon(started.set)
        loop.run_forever()
        loop.close()

    def run(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """The coroutine's result or exception; TimeoutError once `within_s` seconds have passed.

        After `within_s` the coroutine is cancelled and its end awaited: when this returns, it does nothing any more.
        `NotSent` where the ways out are shut.
        """
        try:
            self.check()
        except NotSent:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(_within(work, within_s), self.loop)
        try:
            return future.result(within_s + _BEYOND_S)
        except BaseException:
            future.cancel()
            raise

    def check(self) -> None:
        """`NotSent` where the ways out are shut: for ways that do not need the loop."""
        if self._shut:
            raise NotSent("forbidden")

    def close(self) -> None:
        """End the loop; a later call starts another."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)


async def _looked_up(*args: Any, **more: Any) -> Any:
    """Look a name up in a thread that may be left behind.

    asyncio's own way is a pool whose threads the program waits for when it ends: for minutes, where a name server hangs.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(found: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(found)
        else:
            done.set_exception(error)

    def ask() -> None:
        found, error = None, None
        try:
            found = socket.getaddrinfo(*args, **more)
        except OSError as failed:
            error = failed
        except Exception:
            error = OSError("lookup failed")
        try:
            loop.call_soon_threadsafe(tell, found, error)
        except RuntimeError:
            return  # the loop has ended; nobody waits

    threading.Thread(target=ask, name="praxisd-lookup", daemon=True).start()
    return await done


async def _within(work: Coroutine[Any, Any, T], within_s: float) -> T:
    async with asyncio.timeout(within_s):
        return await work


_making = threading.Lock()


def of(house: Any) -> Outside:
    """The one loop of this house, kept in `house.shared["outside"]` until the house stops."""
    with _making:
        found: Outside | None = house.shared.get("outside")
        if found is None:
            found = house.shared["outside"] = Outside(shut=house.lent is not None)
            house.closers.append(found.close)
        return found


__all__ = ("AnswerLate", "AnswerLost", "NotSent", "Outside", "Why", "of")
