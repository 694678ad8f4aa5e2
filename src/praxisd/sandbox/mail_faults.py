"""What goes wrong at the mail sandbox: by chance (seeded, so that it can be repeated) or for the coming connections.

- `greylist`: 451 4.7.1 to the recipient, as servers do that want to see a second try
- `unknown`: 550 5.1.1 to the recipient
- `full`: 552 5.2.2 to the message
- `busy`: 421 instead of a greeting's continuation (answer to EHLO)
- `drop_kept`: takes the message, then closes the connection without an answer
- `drop_lost`: closes the connection at the dot and takes nothing
- `drop_early`: closes the connection in answer to DATA
- `garbage`: takes the message and answers with what is no answer
- `slow`: takes the message and answers after `slow_s` seconds
- `no_tls`: does not offer STARTTLS
- `no_sign_in`: 535 to every password
"""

import random
import threading
from collections import deque
from collections.abc import Iterable, Mapping

KINDS = (
    "greylist", "unknown", "full", "busy", "drop_kept", "drop_lost", "drop_early", "garbage", "slow", "no_tls",
    "no_sign_in",
)  # fmt: skip
BY_CHANCE = ("greylist", "full", "busy", "drop_kept", "drop_lost", "drop_early", "garbage", "slow")
"""What a rate alone draws from: faults after which another try may succeed, or nobody knows."""


class Faults:
    """Draws one fault, or none, per connection. ValueError for a kind or rate that does not exist."""

    def __init__(self, rate: float = 0.0, seed: int = 0, slow_s: float = 5.0) -> None:
        self._lock = threading.Lock()
        self._next: deque[str] = deque()
        self._kinds: tuple[str, ...] = BY_CHANCE
        self._seed = seed
        self.slow_s = slow_s
        self.set(rate=rate, seed=seed)

    def set(
        self,
        *,
        rate: float | None = None,
        seed: int | None = None,
        kinds: Iterable[str] | None = None,
        next_: Iterable[str] | None = None,
        slow_s: float | None = None,
    ) -> None:
        """Change what is given. `next_` is for the coming connections, in order; "" lets one pass unharmed."""
        chosen = None if kinds is None else tuple(kinds)
        coming = None if next_ is None else tuple(next_)
        if unknown := {*(chosen or ()), *(coming or ())} - {*KINDS, ""}:
            raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}")
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError("rate: 0 to 1")
        with self._lock:
            if rate is not None:
                self._rate = rate
                if rate == 0 and coming is None:
                    self._next.clear()
            if seed is not None or rate is not None:
                self._seed = self._seed if seed is None else seed
                self._random = random.Random(self._seed)  # noqa: S311 - chance that can be repeated
            if chosen is not None:
                self._kinds = chosen or BY_CHANCE
            if coming is not None:
                self._next.extend(coming)
            if slow_s is not None:
                self.slow_s = slow_s

    def draw(self) -> str:
        """The fault of the next connection; "" for none."""
        with self._lock:
            if self._next:
                return self._next.popleft()
            if self._random.random() >= self._rate:
                return ""
            return self._random.choice(self._kinds)

    def state(self) -> Mapping[str, object]:
        """All that `set` takes, as JSON."""
        with self._lock:
            return {
                "rate": self._rate, "seed": self._seed, "kinds": list(self._kinds), "next": list(self._next),
                "slow": self.slow_s,
            }  # fmt: skip
