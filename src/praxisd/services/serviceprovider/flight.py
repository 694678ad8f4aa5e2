"""Looking and writing that may hang: in threads of their own, one for each practice software, waited for a while and no longer.

A folder of a computer that is gone answers after minutes, or never. Who asks meanwhile is told at once that it cannot be
seen; nothing is begun a second time beside what hangs.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FILES_S = 5.0
"""So long files and folders may take, of all that is looked at for one practice software. Seconds."""
ALL_S = 18.0
"""So long a whole look may take: measuring this computer and asking the address bound themselves. Seconds."""
CROWD, CROWD_S = 2, 1.0
"""So many may wait for one look as long as it takes; who comes then, and only wants to see, waits so many seconds."""
_STEP_S = 0.1
T = TypeVar("T")


class Look(Protocol):
    """One look: when it was begun, whether it has ended, and since when it waits for a file (None: it does not)."""

    begun: float
    over: threading.Event
    files_since: float | None

    def run(self) -> None:
        """Look, and set `over` whatever happens."""


L = TypeVar("L", bound=Look)


class Flights(Generic[L]):
    """The looks under way, by what they look at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[str, L] = {}
        self._waiting: dict[str, int] = {}

    def keep(self, keys: Iterable[str]) -> None:
        """Forget what is none of these any more."""
        wanted = set(keys)
        with self._lock:
            self._looks = {key: look for key, look in self._looks.items() if key in wanted}
            self._waiting = {key: count for key, count in self._waiting.items() if count or key in wanted}

    def begin(self, key: str, make: Callable[[], L], asked: float) -> L:
        """The look under way, or one begun after `asked`; a new one where there is neither."""
        with self._lock:
            look = self._looks.get(key)
            if look is not None and (not look.over.is_set() or look.begun >= asked):
                return look
            look = self._looks[key] = make()
        threading.Thread(target=look.run, name="praxisd-serviceprovider", daemon=True).start()
        return look

    def wait(
        self, house: "House", key: str, make: Callable[[], L], asked: float, passing: bool = False
    ) -> tuple[L, bool]:
        """A look begun after `asked`, and whether it has ended: not if it is late, or the server stops.

        `passing`: who only wants to see waits for less where some wait already, so that a few slow looks do not take all that
        serve the doors.
        """
        with self._lock:
            self._waiting[key] = self._waiting.get(key, 0) + 1
            until = asked + CROWD_S if passing and self._waiting[key] > CROWD else None
        try:
            return self._waited(house, (key, make, asked), until)
        finally:
            with self._lock:
                self._waiting[key] -= 1

    def _waited(
        self, house: "House", wanted: tuple[str, Callable[[], L], float], until: float | None
    ) -> tuple[L, bool]:
        while True:
            look = self.begin(*wanted)
            while not look.over.wait(_STEP_S):
                if house.stopping or is_late(look) or (until is not None and time.monotonic() > until):
                    return look, look.over.is_set() and look.begun >= wanted[2]
            if look.begun >= wanted[2]:
                return look, True


def is_late(look: Look) -> bool:
    """It waits too long for a file, or takes too long in all."""
    now, since = time.monotonic(), look.files_since
    return (since is not None and now - since > FILES_S) or now - look.begun > ALL_S


class Errands:
    """Calls that write, one of a kind at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def run(self, house: "House", key: str, call: Callable[[threading.Event], T]) -> T:
        """What `call` returns; it must change nothing more once the event is set that it is given.

        TimeoutError if it takes too long, or if an earlier one of this key still hangs.
        """
        told: dict[str, Any] = {}
        over, given_up = threading.Event(), threading.Event()

        def work() -> None:
            try:
                told["answer"] = call(given_up)
            except BaseException as error:
                told["fault"] = error
            finally:
                over.set()

        thread = threading.Thread(target=work, name="praxisd-serviceprovider-write", daemon=True)
        with self._lock:
            self._running = {name: one for name, one in self._running.items() if one.is_alive()}
            if key in self._running:
                raise TimeoutError
            self._running[key] = thread
            thread.start()
        until = time.monotonic() + FILES_S
        while not over.wait(_STEP_S):
            if house.stopping or time.monotonic() > until:
                given_up.set()
                raise TimeoutError
        thread.join()
        if "fault" in told:
            raise told["fault"]
        answer: T = told["answer"]
        return answer


def errands(house: "House") -> Errands:
    """Those of this house."""
    found: Errands = house.shared.setdefault("serviceprovider.errands", Errands())
    return found
