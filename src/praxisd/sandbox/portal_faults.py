"""What goes wrong at the simulated portal: for the coming calls, always, or by chance (seeded, so that it can be repeated).

- `slow`: waits `delay` seconds, then does as usual
- `unauthorized`: 401; `too_often`: 429 with Retry-After; `calendar_unknown`: 404; `error`: 500: nothing is done
- `bad_json`: 200 with a page of HTML, nothing is done
- `lose`: closes the connection, nothing is done
- `error_after`: 500, although it was done
- `half_closed`: done, and the answer ends in the middle; `drop`: done, and no answer comes
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from praxisd.sandbox.door import DROP, Answer, Bad, Call, Function, as_json

KINDS = (
    "slow", "unauthorized", "error", "error_after", "half_closed", "drop", "lose", "bad_json", "too_often",
    "calendar_unknown",
)  # fmt: skip
DOORS = ("drflex", "api", "dav", "tvs")
KEPT = 1000
_PAGE = Answer(body=b"<!doctype html><title>Wartung</title><p>Wir sind gleich zur\xc3\xbcck.</p>")
_BEFORE = {
    "unauthorized": as_json({"code": "unauthorized"}, 401),
    "error": as_json({"code": "internal"}, 500),
    "lose": DROP,
    "bad_json": _PAGE,
    "too_often": as_json({"code": "too_often"}, 429, Retry_After="60"),
    "calendar_unknown": as_json({"code": "calendar_unknown", "calendars": []}, 404),
}


class Faults:
    """Draws one fault, or none (""), for each call of a machine. ValueError for what does not exist."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[str] = deque()
        self._always = ""
        self._rate = 0.0
        self._seed = 0
        self._random = random.Random(0)  # noqa: S311 - a game
        self._kinds: tuple[str, ...] = KINDS
        self._doors: tuple[str, ...] = DOORS
        self.delay_s = 3.0

    def set(
        self,
        *,
        next_: Iterable[str] | None = None,
        always: str | None = None,
        rate: float | None = None,
        seed: int | None = None,
        kinds: Iterable[str] | None = None,
        doors: Iterable[str] | None = None,
        delay_s: float | None = None,
    ) -> None:
        """Change what is given. `next_`: the coming calls, in order ("" lets one pass). `always` "": no longer.

        Empty `kinds` or `doors` mean all.
        """
        coming, chosen, where = (None if one is None else tuple(one) for one in (next_, kinds, doors))
        if {*(coming or ()), *(chosen or ()), always or ""} - {*KINDS, ""} or "" in (chosen or ()):
            raise ValueError("kinds")
        if {*(where or ())} - {*DOORS}:
            raise ValueError("doors")
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError("rate")
        if delay_s is not None and not 0 <= delay_s <= 600:
            raise ValueError("delay")
        with self._lock:
            if coming is not None:
                self._next = deque(coming)
            if always is not None:
                self._always = always
            if rate is not None or seed is not None:
                self._rate = self._rate if rate is None else rate
                self._seed = self._seed if seed is None else seed
                self._random.seed(self._seed)
            if chosen is not None:
                self._kinds = chosen or KINDS
            if where is not None:
                self._doors = where or DOORS
            if delay_s is not None:
                self.delay_s = delay_s

    def clear(self) -> None:
        """Everything goes well from now on."""
        self.set(next_=(), always="", rate=0, kinds=(), doors=())

    def draw(self, door: str) -> str:
        """What goes wrong with this call."""
        with self._lock:
            if door not in self._doors:
                return ""
            if self._next:
                return self._next.popleft()
            if self._always:
                return self._always
            return self._random.choice(self._kinds) if self._random.random() < self._rate else ""

    def state(self) -> dict[str, Any]:
        """As it is set."""
        with self._lock:
            return {
                "next": list(self._next),
                "always": self._always or None,
                "rate": self._rate,
                "seed": self._seed,
                "kinds": list(self._kinds),
                "doors": list(self._doors),
                "delay": self.delay_s,
            }


class Guard:
    """Stands before the machines' doors: who may pass, what goes wrong, and what went through.

    `watch(call, answer)` hears of every call after it was answered for.
    """

    def __init__(self, faults: Faults, now: Callable[[], float]) -> None:
        self._faults = faults
        self._now = now
        self.traffic: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.watch: Callable[[Call, Answer], None] = lambda _, __: None

    def __call__(
        self, door: str, function: Function, check: Callable[[Call], None] = lambda _: None
    ) -> Function:
        """The function behind the guard. `check` raises Bad for who may not pass; faults come before it."""

        def guarded(call: Call) -> Answer:
            fault = self._faults.draw(door)
            answer = self._answer(fault, function, check, call)
            self.traffic.append({
                "at": self._now(), "door": door, "method": call.method, "target": call.target,
                "status": 0 if answer.drop else answer.status, "received": len(call.body),
                "sent": 0 if answer.drop else len(answer.body), "fault": fault,
            })  # fmt: skip
            self.watch(call, answer)
            return answer

        return guarded

    def _answer(self, fault: str, function: Function, check: Callable[[Call], None], call: Call) -> Answer:
        if fault in _BEFORE:
            return _BEFORE[fault]
        if fault == "slow":
            time.sleep(self._faults.delay_s)
        try:
            check(call)
            answer = function(call)
        except Bad as bad:
            answer = bad.answer()
        if fault == "half_closed" and answer.status != 204:
            return Answer(answer.status, answer.body or b"  ", answer.media, answer.headers, cut=True)
        if fault in ("drop", "half_closed"):
            return DROP
        return as_json({"code": "internal"}, 500) if fault == "error_after" else answer
