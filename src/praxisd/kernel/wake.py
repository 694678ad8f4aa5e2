"""Wake-up: who waits for work is told at once when something was committed, here or on another node.

Inside the process a counter under a condition; between processes PostgreSQL's NOTIFY on the channel
`praxisd`, heard by one thread on a connection of its own. A lost notice costs nothing but time: waiting
always ends after its timeout, so polling is the floor.

On the same way nodes tell one another what need not be true for ever (`Tx.tell`, `hear`), such as how often a key was
used. It wakes nobody, is written down nowhere, and may be lost.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from praxisd.kernel.database_away import patience
from praxisd.kernel.engines import Engine, Postgres

CHANNEL = "praxisd"
_LISTEN_S = 1.0
_RETRY_S = 2.0


class Wake:
    """A counter that grows with every notice. Threads wait for it to pass the value they have seen."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._condition = threading.Condition()
        self._count = 0
        self._callbacks: list[Callable[[], None]] = []
        self._hearers: dict[str, Callable[[str], None]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.listening = threading.Event()
        """Set while notices of other nodes are heard (PostgreSQL only)."""

    def mark(self) -> int:
        """The counter now; take it *before* looking for work, so that no notice falls in between."""
        with self._condition:
            return self._count

    def wait(self, seen: int, timeout: float) -> int:
        """Wait until the counter has passed `seen`, at most `timeout` seconds; returns the counter."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen or self._stop.is_set(), timeout)
            return self._count

    def signal(self) -> None:
        """Something was committed: wake all who wait, then call the subscribers."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()
            callbacks = tuple(self._callbacks)
        for call in callbacks:
            call()

    def subscribe(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` with every notice, in the thread that gives it: it must be quick and must not fail.

        Returns the function that ends the subscription.
        """
        with self._condition:
            self._callbacks.append(call)

        def end() -> None:
            with self._condition:
                if call in self._callbacks:
                    self._callbacks.remove(call)

        return end

    def hear(self, topic: str, call: Callable[[str], None]) -> None:
        """Call `call` with what another node tells about `topic`, in the thread that listens: it must be quick. What it raises
        is lost with the words.
        """
        self._hearers[topic] = call

    def start(self) -> None:
        """Begin to hear other nodes; nothing to do where only this process writes."""
        if isinstance(self._engine, Postgres) and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._listen, name="praxisd-wake", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening and let every waiting thread go on."""
        self._stop.set()
        with self._condition:
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(_LISTEN_S + _RETRY_S)
            self._thread = None

    def _heard(self, payload: str) -> None:
        """A notice: `token` alone wakes, `token topic words` is told to who hears of the topic. Our own are known: whoever
        commits calls us directly.
        """
        token, _, rest = payload.partition(" ")
        if token == self._engine.token:  # type: ignore[union-attr]
            return
        if not rest:
            self.signal()
            return
        topic, _, words = rest.partition(" ")
        call = self._hearers.get(topic)
        if call is not None:
            with contextlib.suppress(Exception):  # of another version of the program, perhaps
                call(words)

    def _listen(self) -> None:
        import psycopg

        url: Any = self._engine.url.set(drivername="postgresql")  # type: ignore[union-attr]
        target, waits = url.render_as_string(hide_password=False), patience(url)
        while not self._stop.is_set():
            try:
                with psycopg.connect(target, autocommit=True, **waits) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self.listening.set()
                    self.signal()  # what happened while nobody listened is found by looking once
                    while not self._stop.is_set():
                        for notice in connection.notifies(timeout=_LISTEN_S, stop_after=1):
                            self._heard(notice.payload)
            except (psycopg.Error, OSError):
                self.listening.clear()
                self._stop.wait(_RETRY_S)
        self.listening.clear()
