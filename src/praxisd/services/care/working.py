"""One work on the database at a time in this server: by whom it was begun, how far it is, and what became of it.

What a person asks for runs in a thread of its own, so that no request waits for it; jobs and commands wait themselves.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from praxisd.kernel.errors import Problem

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BUSY, CRASHED = "care.busy", "care.crashed"
CODES = (BUSY, CRASHED)
_SHARED = "care.working"
_GRACE_S = 3.0
T = TypeVar("T")


class Under(msgspec.Struct, frozen=True, rename="camel"):
    """The work under way, or (`ended`) the last one that a person began; `code` says why it failed. `at`: epoch seconds."""

    kind: str
    at: int
    done: int = 0
    total: int = 0
    ended: bool = False
    code: str = ""
    detail: str = ""
    params: dict[str, Any] = {}


class Working:
    """Of one house, by `working_of`."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._busy = threading.Lock()
        self._owner: int | None = None
        self._under: Under | None = None
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()
        house.closers.append(self._close)

    @property
    def now(self) -> Under | None:
        """What is under way, or was last."""
        return self._under

    @property
    def stopped(self) -> bool:
        """True once the house ends: a work stops at its next look."""
        return self.stopping.is_set() or self._house.stopping

    def progress(self, done: int, total: int) -> None:
        """How far the work under way is."""
        if self._under is not None and not self._under.ended:
            self._under = msgspec.structs.replace(self._under, done=done, total=total)

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Nobody else works meanwhile; who works already goes on. BUSY (409)."""
        if self._owner == threading.get_ident():
            yield
            return
        if not self._busy.acquire(blocking=False):
            raise Problem(BUSY, 409, retry=True)
        try:
            yield
        finally:
            self._busy.release()

    def run(self, kind: str, call: Callable[[], T]) -> T:
        """In this thread. BUSY (409) while another works."""
        self._take(kind)
        self._owner = threading.get_ident()
        try:
            found = call()
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)
        return found

    def begin(self, kind: str, call: Callable[[], object]) -> Under:
        """In a thread of its own. BUSY (409) while another works."""
        self._take(kind)

        def work() -> None:
            self._owner = threading.get_ident()
            try:
                call()
            except BaseException as error:
                if not isinstance(error, Problem):
                    self._house.log.error("care_failed", where=kind, error=error)
                self._leave(error)
            else:
                self._leave(None)

        self._thread = threading.Thread(target=work, name="praxisd-care", daemon=True)
        found = self._under
        self._thread.start()
        if found is None:
            raise RuntimeError("taken, and yet there is none")
        return found

    def wait(self, seconds: float) -> None:
        """Until the work in a thread has ended; for tests and commands."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _take(self, kind: str) -> None:
        if not self._busy.acquire(blocking=False):
            raise Problem(BUSY, 409, retry=True)
        self._under = Under(kind, self._house.clock.now())

    def _leave(self, error: BaseException | None) -> None:
        code = "" if error is None else error.code if isinstance(error, Problem) else CRASHED
        params: dict[str, Any] = {}
        detail = "" if error is None else type(error).__name__
        if isinstance(error, Problem):
            detail, params = error.detail or "", error.params
        if self._under is not None:
            self._under = msgspec.structs.replace(
                self._under, ended=True, code=code, detail=detail, params=params
            )
        self._owner = None
        self._busy.release()
        self._house.wake.signal()

    def _close(self) -> None:
        self.stopping.set()
        self.wait(_GRACE_S)


def working_of(house: "House") -> Working:
    """The one of this house."""
    found = house.shared.get(_SHARED)
    if found is None:
        found = house.shared.setdefault(_SHARED, Working(house))
    return found  # type: ignore[no-any-return]
