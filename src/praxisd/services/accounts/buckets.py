"""Token buckets in memory: how often something may happen, with a burst. Pure: the caller brings the time."""

import threading

TRACKED_MOST = 20_000
"""Names kept at once; beyond it those that have refilled are forgotten, then the ones longest unused."""


class Buckets:
    """One bucket per name. A bucket holds at most `burst` tokens and gains `per_s` tokens each second."""

    def __init__(self, most: int = TRACKED_MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, float]] = {}
        self._spent: dict[str, tuple[int, float, float]] | None = None

    def share(self) -> None:
        """Remember from now on what is taken here, for `spent`."""
        self._spent = {}

    def spent(self) -> dict[str, tuple[int, float, float]]:
        """(tokens, per second, burst) by name, taken here since the last call."""
        with self._lock:
            found, self._spent = self._spent or {}, {}
        return found

    def spend(self, name: str, tokens: int, per_s: float, burst: float, now: float) -> None:
        """So many were taken elsewhere. What is over a burst is not owed: nobody is kept out for longer than it takes to gain
        two bursts.
        """
        with self._lock:
            left = self._left(name, per_s, burst, now) - tokens
            self._put(name, max(-burst, min(burst, left)), now, per_s, burst)

    def take(self, name: str, per_s: float, burst: float, now: float) -> float:
        """Take one token at `now` (seconds that never go back): 0.0 if there was one, else the seconds until
        there is.
        """
        with self._lock:
            left = self._left(name, per_s, burst, now)
            if left >= 1.0:
                self._put(name, left - 1.0, now, per_s, burst)
                if self._spent is not None:
                    before = self._spent.get(name)
                    self._spent[name] = (1 if before is None else before[0] + 1, per_s, burst)
                return 0.0
            return (1.0 - left) / per_s

    def wait(self, name: str, per_s: float, burst: float, now: float) -> float:
        """Seconds until a token would be there (0.0: now), without taking it."""
        with self._lock:
            return max(0.0, 1.0 - self._left(name, per_s, burst, now)) / per_s

    def give(self, name: str) -> None:
        """Give a token back: the attempt turned out to be good."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept[name] = (kept[0] + 1.0, kept[1])
            known = None if self._spent is None else self._spent.get(name)
            if known is not None and self._spent is not None:
                self._spent[name] = (known[0] - 1, *known[1:])

    def __len__(self) -> int:
        return len(self._kept)

    def _left(self, name: str, per_s: float, burst: float, now: float) -> float:
        kept = self._kept.get(name)
        return burst if kept is None else min(burst, kept[0] + (now - kept[1]) * per_s)

    def _put(self, name: str, left: float, now: float, per_s: float, burst: float) -> None:
        if name not in self._kept and len(self._kept) >= self._most:
            self._kept = {n: k for n, k in self._kept.items() if k[0] + (now - k[1]) * per_s < burst}
            while len(self._kept) >= self._most:  # dicts keep the order of last use, see below
                del self._kept[next(iter(self._kept))]
        self._kept.pop(name, None)
        self._kept[name] = (left, now)
