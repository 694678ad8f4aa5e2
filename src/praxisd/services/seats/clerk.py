"""Clerk: a thread of this node that does, one after another, what the event loop must not: proofs, and entries of logs."""

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_LOOK_S = 0.5


class Clerk:
    """`put` may be called from any thread; the thread begins with the first work and ends with the house."""

    def __init__(self, house: "House", name: str) -> None:
        self._house = house
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], object]) -> None:
        """Have it done soon."""
        self._work.put(work)
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name=f"praxisd-{self._name}", daemon=True
                    )
                    self._thread.start()

    def _run(self) -> None:
        while not self._house.stopping:
            try:
                work = self._work.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            try:
                work()
            except Exception as error:
                self._house.log.error("loop_failed", where=self._name, error=error)


def clerk(house: "House", name: str) -> Clerk:
    """The one of this name, made when first asked for."""
    found = house.shared.get(name)
    if found is None:
        found = house.shared.setdefault(name, Clerk(house, name))
    return found  # type: ignore[no-any-return]
