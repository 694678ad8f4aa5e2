"""What goes wrong at the simulated SMS gateway: by chance (seeded, so that it can be repeated) or for the coming messages.

When a message is handed over:
- `drop`: takes it and closes the connection without an answer
- `lose`: closes the connection and takes nothing
- `stall`: takes it and answers after `delay` seconds
- `delay`: waits `delay` seconds, then does as usual
- `busy`: 429 with Retry-After 2, takes nothing
- `error`: 500, takes nothing
- `error_after`: 500, although it was taken
- `refuse`: says that the number is wrong
- `garbage`: takes it, and answers what nobody can read

When it asks or calls: `lose`, `busy`, `error`, `delay` on questions; on its calls to us
- `repeat`: the same call twice
- `disorder`: the end first, then that it is under way
- `silent`: no call and no report, ever
"""

import random
import threading
from collections import deque
from collections.abc import Iterable, Mapping

SENDS = ("drop", "lose", "stall", "delay", "busy", "error", "error_after", "refuse", "garbage")
ASKS = ("lose", "delay", "busy", "error")
CALLS = ("repeat", "disorder", "silent")
KINDS = (*SENDS, *CALLS)


class Faults:
    """Draws one fault, or none (""), for each thing that happens. ValueError for what does not exist."""

    def __init__(self, rate: float = 0.0, seed: int = 0, delay_s: float = 3.0) -> None:
        self._lock = threading.Lock()
        self._next: dict[tuple[str, ...], deque[str]] = {SENDS: deque(), CALLS: deque()}
        self._kinds: tuple[str, ...] = KINDS
        self._seed = seed
        self.delay_s = delay_s
        self.set(rate=rate, seed=seed)

    def set(
        self,
        *,
        rate: float | None = None,
        seed: int | None = None,
        kinds: Iterable[str] | None = None,
        next_: Iterable[str] | None = None,
        delay_s: float | None = None,
    ) -> None:
        """Change what is given. `next_` is for the coming messages, in order; "" lets one pass unharmed.

        A rate of 0 alone also takes back what was to come. No kinds means all of them.
        """
        chosen = None if kinds is None else tuple(kinds)
        coming = None if next_ is None else tuple(next_)
        if {*(chosen or ()), *(coming or ())} - {*KINDS, ""}:
            raise ValueError("kinds")
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError("rate")
        if delay_s is not None and not 0 <= delay_s <= 600:
            raise ValueError("delay")
        with self._lock:
            if rate is not None:
                self._rate = rate
                if rate == 0 and coming is None:
                    for queue in self._next.values():
                        queue.clear()
            if seed is not None or rate is not None:
                self._seed = self._seed if seed is None else seed
                self._random = random.Random(self._seed)  # noqa: S311 - chance that can be repeated
            if chosen is not None:
                self._kinds = chosen or KINDS
            for kind in coming or ():
                self._next[CALLS if kind in CALLS else SENDS].append(kind)
            if delay_s is not None:
                self.delay_s = delay_s

    def send(self) -> str:
        """The fault of the next message that is handed over."""
        return self._draw(SENDS)

    def ask(self) -> str:
        """The fault of the next question."""
        return self._draw(ASKS)

    def call(self) -> str:
        """The fault of the next message's calls."""
        return self._draw(CALLS)

    def _draw(self, among: tuple[str, ...]) -> str:
        with self._lock:
            queue = self._next.get(among)
            if queue:
                return queue.popleft()
            chosen = [one for one in among if one in self._kinds]
            if not chosen or self._random.random() >= self._rate:
                return ""
            return self._random.choice(chosen)

    def state(self) -> Mapping[str, object]:
        """All that `set` takes, as JSON."""
        with self._lock:
            return {
                "rate": self._rate,
                "seed": self._seed,
                "kinds": list(self._kinds),
                "next": [one for queue in self._next.values() for one in queue],
                "delay": self.delay_s,
            }
