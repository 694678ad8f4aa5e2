"""Who acts in a soak: one thread each, at its own pace; what it did, what was refused, and what went wrong, by name.

A refusal is an answer that belongs to life (a time is taken, a lock is held); anything else that is not what was asked for is an
error, and one error fails the soak. While a fault is on purpose, those who meet it say so themselves.
"""

import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from praxisd.testing.programs import Client

REFUSALS = frozenset({409, 412, 423})
KEPT_ERRORS = 50
PATIENCE_S = 90.0
"""So long what was broken on purpose may take to come back. Seconds."""


class Refused(Exception):
    """An answer that belongs to life."""


class Unexpected(Exception):
    """An answer that does not."""


@dataclass(frozen=True)
class Reply:
    """Status, decoded body, ETag."""

    status: int
    body: Any
    etag: str = ""


class Tally:
    """Counters of all actors; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.said: deque[str] = deque(maxlen=KEPT_ERRORS)
        self.marks: list[tuple[float, str]] = []
        """When faults began, seconds since the start."""
        self.began = time.monotonic()

    def count(self, what: Counter[str], name: str) -> None:
        """One more."""
        with self._lock:
            what[name] += 1

    def asked(self) -> None:
        """One more request."""
        with self._lock:
            self.requests += 1

    def error(self, name: str, error: BaseException) -> None:
        """Something that must not be."""
        self.count(self.errors, name)
        self.said.append(f"{self.now():.0f} s {name}: {type(error).__name__}: {error}"[:500])

    def mark(self, name: str) -> None:
        """A fault begins."""
        self.marks.append((self.now(), name))

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    @property
    def actions(self) -> int:
        """All that was done."""
        with self._lock:
            return sum(self.done.values())


class Asker:
    """Asks a server with one key; every call is a connection of its own."""

    def __init__(self, tally: Tally, url: str, key: str | None = None, prefix: str = "/api/v1") -> None:
        self._client, self._tally, self._prefix = Client(url, key), tally, prefix

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        refusals: frozenset[int] = REFUSALS,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer if it is a good one; raises Refused, or Unexpected with operation, status and code."""
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self._tally.asked()
        status, told, data = self._client.raw(method, self._prefix + path, sent, headers)
        found: Any = data
        if "json" in (told.get("Content-Type") or ""):
            found = json.loads(data) if data else None
        if 200 <= status < 300:
            return Reply(status, found, told.get("ETag") or "")
        code = found.get("code", "") if isinstance(found, dict) else ""
        if status in refusals:
            raise Refused(code)
        raise Unexpected(f"{method} {path.partition('?')[0]}: {status} {code}")


def until(works: Callable[[], bool], what: str) -> None:
    """Wait; TimeoutError if it does not come."""
    end = time.monotonic() + PATIENCE_S
    while not works():
        if time.monotonic() > end:
            raise TimeoutError(f"does not come back: {what}")
        time.sleep(0.5)


@dataclass
class Actor:
    """`step` does one thing and gives its name; `every_s` is the pause between two on the average, at the usual rate."""

    name: str
    every_s: float
    step: Callable[[random.Random], str]
    close: Callable[[], None] = lambda: None
    settle: Callable[[], None] = lambda: None
    """Before the end: what was broken on purpose works again, or raises."""


@dataclass
class Cast:
    """All actors at work, until `stop`. `pace` multiplies all pauses."""

    tally: Tally
    actors: list[Actor]
    seed: int
    pace: float = 1.0
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """All begin, one a little after the other."""
        for n, one in enumerate(self.actors):
            dice = random.Random(f"{self.seed} {one.name}")
            thread = threading.Thread(target=self._live, args=(one, dice, 0.1 * n), name=f"soak-{one.name}")
            thread.start()
            self.threads.append(thread)

    def _live(self, actor: Actor, dice: random.Random, later: float) -> None:
        self.over.wait(later)
        while not self.over.is_set():
            self.once(actor, dice)
            self.over.wait(actor.every_s * self.pace * dice.uniform(0.5, 1.5))

    def once(self, actor: Actor, dice: random.Random) -> None:
        """One step, whatever comes of it."""
        tally = self.tally
        try:
            tally.count(tally.done, f"{actor.name}.{actor.step(dice)}")
        except Refused as refused:
            tally.count(tally.refused, f"{actor.name} {refused}")
        except Exception as error:
            tally.error(actor.name, error)

    def stop(self) -> None:
        """All end their step; then what was broken on purpose must work again, and what was opened is closed."""
        self.over.set()
        for thread in self.threads:
            thread.join(120)
            if thread.is_alive():
                self.tally.error(thread.name, TimeoutError("does not end"))
        for way in ("settle", "close"):
            for one in self.actors:
                try:
                    getattr(one, way)()
                except Exception as error:
                    self.tally.error(f"{one.name}.{way}", error)
