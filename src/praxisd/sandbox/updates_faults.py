"""What goes wrong at the sandbox of updates: by order of a test or a person, for files of a kind, so many times."""

import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("slow", "cut", "endless", "missing", "error", "corrupt", "drop", "stale", "rollback")
STAMPS = ("stale", "rollback")
"""Only timestamp.json can have these: one that has run out, and one that is older than what was seen."""
_PIECE = 16_384
_BREATH_S = 0.05


@dataclass
class Fault:
    """One fault to come.

    `path`: how the paths it meets begin (`targets/`, `metadata/`; empty: all); `ends`: how they end, divided by commas
    (`.zip,.zst`; empty: all). `times`: how often, 0: until it is taken away. `after`: bytes before `cut` or `endless`
    begins. `rate`: bytes per second of `slow`.
    """

    kind: str
    path: str = ""
    ends: str = ""
    times: int = 1
    after: int = 1000
    rate: int = 20_000


class Faults:
    """The faults that are to come. Thread-safe."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, table: dict[str, Any]) -> None:
        """One more. ValueError for what does not exist."""
        try:
            fault = Fault(**table)
            numbers = [int(one) for one in (fault.times, fault.after, fault.rate)]
        except (TypeError, ValueError):
            raise ValueError("malformed") from None
        if fault.kind not in KINDS:
            raise ValueError("kind")
        words = all(isinstance(one, str) for one in (fault.path, fault.ends))
        if min(numbers) < 0 or not fault.rate or not words:
            raise ValueError("malformed")
        fault.times, fault.after, fault.rate = numbers
        with self._lock:
            self._coming.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._coming.clear()

    def state(self) -> list[dict[str, Any]]:
        """What is to come, for JSON."""
        with self._lock:
            return [asdict(one) for one in self._coming]

    def take(self, path: str) -> Fault | None:
        """The fault this request meets, if any; one that has come often enough is gone then."""
        with self._lock:
            for one in self._coming:
                if not path.startswith(one.path) or not path.endswith(tuple(one.ends.split(","))):
                    continue
                if one.kind in STAMPS and path != "metadata/timestamp.json":
                    continue
                if one.times == 1:
                    self._coming.remove(one)
                elif one.times:
                    one.times -= 1
                return one
        return None


def slow(data: bytes, rate: int) -> Iterator[bytes]:
    """`data` at `rate` bytes per second."""
    size = max(1, min(_PIECE, int(rate * _BREATH_S)))
    for start in range(0, len(data), size):
        yield data[start : start + size]
        time.sleep(size / rate)


def endless(data: bytes, after: int) -> Iterator[bytes]:
    """The beginning of `data`, then bytes until the other side has enough."""
    yield data[:after]
    while True:
        yield bytes(_PIECE)
