"""The same seat for programs without asyncio: it lives in a thread of its own, and every call waits for its answer."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from praxisd_client.entries import Diagnose, Level
from praxisd_client.errors import Unreachable
from praxisd_client.http import Api, Reply
from praxisd_client.key import SeatKey
from praxisd_client.lock import Lock
from praxisd_client.seat import Seat
from praxisd_client.watch import Callback
from praxisd_client.words import Answer, Loss, Presence, Reason, Status

T = TypeVar("T")


class SyncLock:
    """See `Lock`. Any thread may use it."""

    def __init__(self, seat: "SyncSeat", lock: Lock) -> None:
        self._seat = seat
        self._lock = lock

    @property
    def record(self) -> str:
        """Which record is locked."""
        return self._lock.record

    @property
    def fence(self) -> int:
        """The number that grows with each holder: send it with every save."""
        return self._lock.fence

    @property
    def loss(self) -> Loss | None:
        """What became of it, once it is lost."""
        return self._lock.loss

    @property
    def sure(self) -> bool:
        """Nobody else can have the record now."""
        return self._lock.sure

    def check(self) -> None:
        """Raises LockLost once it is lost or was given back."""
        self._lock.check()

    def wait_lost(self, seconds: float) -> bool:
        """True as soon as the lock is lost, False after so many seconds."""

        async def wait() -> bool:
            try:
                await asyncio.wait_for(self._lock.lost.wait(), seconds)
            except TimeoutError:
                return False
            return True

        return self._seat._run(wait())

    def release(self) -> None:
        """Give it back."""
        self._seat._run(self._lock.release())

    def switch(self, record: str) -> None:
        """Give this record back and take another one, in one step."""
        self._seat._run(self._lock.switch(record))

    def __enter__(self) -> "SyncLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SyncSeat:
    """See `Seat`; the arguments are the same. `with SyncSeat(url, key) as seat:`

    Callbacks run one after the other in a thread of their own, and may call the seat.
    """

    def __init__(self, url: str, key: SeatKey, **more: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="praxisd-seat", daemon=True)
        self._calls = ThreadPoolExecutor(1, thread_name_prefix="praxisd-seat-calls")
        try:
            self._seat = Seat(url, key, **more)
        except BaseException:
            self._loop.close()
            raise
        self._closed = False
        self._thread.start()

    def __enter__(self) -> "SyncSeat":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise Unreachable("the seat is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, *, wait: bool = True) -> None:
        """Connect: see `Seat.start`."""
        self._run(self._seat.start(wait=wait))

    def close(self) -> None:
        """Free all locks, say good-bye, end the thread."""
        if self._closed:
            return
        try:
            self._run(self._seat.close())
        finally:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._calls.shutdown(wait=False)

    def on(self, event: str, callback: Callback) -> Callback:
        """Call `callback` with each such event: see `Seat.on`."""

        async def call(*what: Any) -> Any:
            told = [SyncLock(self, one) if isinstance(one, Lock) else one for one in what]
            return await self._loop.run_in_executor(self._calls, lambda: callback(*told))

        self._seat.on(event, call)
        return callback

    @property
    def session(self) -> str:
        """The name of this life of the program."""
        return self._seat.session

    @property
    def api(self) -> Api:
        """The REST door with this seat's API key."""
        return self._seat.api

    @property
    def diagnose(self) -> Diagnose:
        """See `Diagnose`."""
        return self._seat.diagnose

    def lock(self, record: str, *, wait: bool = False, timeout: float | None = None) -> SyncLock:
        """The lock, taken: `with` it, or release it by hand. See `Seat.lock`."""
        return self._locked(lambda: self._seat._locks.acquire(record, wait, timeout, self._seat.patience))

    def take(self, record: str, reason: Reason) -> SyncLock:
        """See `Seat.take`."""
        return self._locked(lambda: self._seat._locks.take(record, reason, self._seat.patience))

    def _locked(self, acquire: Callable[[], Coroutine[Any, Any, Lock]]) -> SyncLock:
        return SyncLock(self, self._run(acquire()))

    def ask(self, record: str) -> None:
        """See `Seat.ask`."""
        self._run(self._seat.ask(record))

    def reply(self, record: str, session: str, answer: Answer) -> None:
        """See `Seat.reply`."""
        self._run(self._seat.reply(record, session, answer))

    def at(self, record: str | None) -> None:
        """See `Seat.at`."""
        self._run(self._seat.at(record))

    def who(self, records: Iterable[str]) -> dict[str, Presence]:
        """See `Seat.who`."""
        return self._run(self._seat.who(records))

    def patch(self, path: str, body: Any, etag: str, lock: SyncLock | None = None) -> Reply:
        """See `Seat.patch`."""
        return self.api.patch(path, body, etag, None if lock is None else lock._lock)

    def log(self, level: Level, code: str, text: str = "", **fields: Any) -> int:
        """See `Seat.log`."""
        return self._seat.log(level, code, text, **fields)

    def status(self) -> Status:
        """See `Seat.status`."""

        async def status() -> Status:
            return self._seat.status()

        return self._run(status())
