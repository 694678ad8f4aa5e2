"""The gateway's calls to whoever sent: states and replies, signed, tried again until they are heard.

How a call looks is said by the disguise that took the message (`shapes`).
"""

import heapq
import http.client
import itertools
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from praxisd.sandbox.sms import FINAL, Gateway, Message, moment

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Between tries; after the last the call is given up."""
_TIMEOUT_S = 5.0
_KEPT = 500


@dataclass(frozen=True)
class Request:
    """One call as it goes out. `sign` adds the headers that depend on the time."""

    method: str
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = None  # type: ignore[assignment]
    sign: Callable[[bytes], Mapping[str, str]] = lambda _: {}


Shape = Callable[[Gateway, Message | None, Mapping[str, Any]], Request | None]
"""Makes the request of an event ({event: report|reply, …}); None where this gateway has nobody to call."""


@dataclass(frozen=True)
class _Due:
    message: Message | None
    event: Mapping[str, Any]
    state: str = ""
    tries: int = 0


class Caller:
    """One thread that makes the calls that are due."""

    def __init__(self, gateway: Gateway, shapes: Mapping[str, Shape], pauses_s: tuple[float, ...] = PAUSES_S):
        self._gateway = gateway
        self._shapes = shapes
        self._pauses = pauses_s
        self._queue: list[tuple[float, int, _Due]] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._ended = False
        self.made: list[dict[str, Any]] = []
        gateway.changed = self.report
        gateway.replied = self.reply
        for message in gateway.untold():
            self.report(message)
        self._thread = threading.Thread(target=self._run, name="sandbox-calls", daemon=True)
        self._thread.start()

    def report(self, message: Message) -> None:
        """A message has a new state."""
        state, kind = message.state, message.fault
        if kind == "silent":
            return
        self._add(0, _Due(message, _event(message, state), state))
        if kind == "repeat":
            self._add(0.2, _Due(message, _event(message, state)))
        if kind == "disorder" and state in FINAL:
            self._add(0.4, _Due(message, _event(message, "buffered")))

    def reply(self, message: Message | None, reply: Mapping[str, Any]) -> None:
        """Somebody wrote back."""
        event = {
            "event": "reply",
            "id": reply["id"],
            "from": reply["from"],
            "gateway": reply["gateway"],
            "to": "" if message is None else message.sender,
            "text": reply["text"],
            "at": moment(reply["at"]),
            "message": "" if message is None else message.id,
            "reference": "" if message is None else message.reference,
        }
        due = _Due(message, event)
        self._add(0, due)
        if message is not None and message.fault == "repeat":
            self._add(0.2, due)

    def close(self) -> None:
        """Make no more calls; what is due is called after the next start."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        self._thread.join(_TIMEOUT_S + 1)

    def _add(self, in_s: float, due: _Due) -> None:
        with self._wake:
            heapq.heappush(self._queue, (time.monotonic() + in_s, next(self._numbers), due))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._ended:
                    wait = self._queue[0][0] - time.monotonic() if self._queue else None
                    if wait is not None and wait <= 0:
                        break
                    self._wake.wait(wait)
                if self._ended:
                    return
                _, _, due = heapq.heappop(self._queue)
            self._make(due)

    def _make(self, due: _Due) -> None:
        name = due.message.gateway if due.message is not None else str(due.event.get("gateway", "sandbox"))
        request = self._shapes[name](self._gateway, due.message, due.event)
        if request is None:
            return
        status = call(request)
        self.made.append(
            {"at": moment(time.time()), "url": request.url.split("?")[0], "status": status, **_short(due)}
        )
        del self.made[:-_KEPT]
        if 200 <= status < 300:
            if due.message is not None and due.state:
                self._gateway.tell(due.message, due.state)
        elif due.tries < len(self._pauses):
            self._add(self._pauses[due.tries], replace(due, tries=due.tries + 1))


def _event(message: Message, state: str) -> dict[str, Any]:
    return {
        "event": "report",
        "id": message.id,
        "reference": message.reference,
        "state": state,
        "at": moment(message.changed_at),
    }


def _short(due: _Due) -> dict[str, Any]:
    """What the list of calls shows of an event: no text of a patient."""
    shown = ("event", "id", "state", "reference")
    return {name: due.event[name] for name in shown if name in due.event} | {"tries": due.tries + 1}


def call(request: Request) -> int:
    """Make one call: the status of its answer, 0 if there was none."""
    parts = urlsplit(request.url)
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    more: dict[str, Any] = {"context": ssl.create_default_context()} if parts.scheme == "https" else {}
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S, **more)
    try:
        headers = {**(request.headers or {}), **request.sign(request.body)}
        connection.request(request.method, target, request.body or None, headers)
        answer = connection.getresponse()
        answer.read(65_536)
        return answer.status
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        connection.close()
