"""A lock as a program holds it: its fence, and the moment it is no longer its own."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from praxisd_client.errors import problem
from praxisd_client.words import Loss, elapsed

if TYPE_CHECKING:
    from praxisd_client.locks import Locks


class Lock:
    """Held from the moment there is one. Send `fence` with every save; the server refuses what comes too late.

    `lost` is set when the server has said that it is lost. `sure` is the stronger word: False also while the connection is
    gone for so long that somebody else may have the record.
    """

    def __init__(self, locks: "Locks", record: str, fence: int, sure_until: float) -> None:
        self._locks = locks
        self.record = record
        self.fence = fence
        self.lost = asyncio.Event()
        self.loss: Loss | None = None
        self.released = False
        self.sure_until = sure_until

    @property
    def sure(self) -> bool:
        """Nobody else can have the record now, by this computer's clock."""
        return self.loss is None and not self.released and elapsed() < self.sure_until

    def check(self) -> None:
        """Raises LockLost once it is lost or was given back."""
        if self.loss is not None:
            by = None
            if self.loss.by is not None:
                by = {"seat": self.loss.by.seat, "seatName": self.loss.by.seat_name}
                by |= {"session": self.loss.by.session, "person": self.loss.by.person}
            raise problem("seats.lock_lost", parameters={"why": self.loss.why, "by": by})
        if self.released:
            raise problem("seats.lock_lost", parameters={"why": "released"})

    async def release(self) -> None:
        """Give it back; nothing happens where it is lost or given back already. Offline it is freed when that is over."""
        await self._locks.release(self)

    async def switch(self, record: str) -> None:
        """Give this record back and take another one, in one step; this lock is then the other one's.

        Raises Locked where somebody else has the other one: then this one stays as it is.
        """
        await self._locks.switch(self, record)

    def __repr__(self) -> str:
        state = "lost" if self.loss else "released" if self.released else "held"
        return f"<Lock {self.record} fence {self.fence} {state}>"


class Locking(AbstractAsyncContextManager[Lock]):
    """What `seat.lock(...)` is: `async with` it, or `await` it and release by hand."""

    def __init__(self, acquire: Callable[[], Coroutine[Any, Any, Lock]]) -> None:
        self._acquire = acquire
        self._lock: Lock | None = None

    def __await__(self) -> Generator[Any, None, Lock]:
        return self._acquire().__await__()

    async def __aenter__(self) -> Lock:
        self._lock = await self._acquire()
        return self._lock

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            await self._lock.release()
