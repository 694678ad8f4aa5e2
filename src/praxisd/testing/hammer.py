"""Hammer: asks one address again and again over new connections and writes down every answer, also from outside through a relay.

During a restart or an update every answer must be the real one or 503 with Retry-After (SPEC 1.11).
"""

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ANSWER_S = 20.0


@dataclass
class Seen:
    """Answers by status, and what was wrong with them. Seconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """Answers that should not be: no connection, another status, 503 without Retry-After."""
    gap_s: float = 0.0
    """The longest time without a normal answer."""
    silent_s: float = 0.0
    """The longest time without any answer at all."""


class Hammer:
    """Asks until the block ends; `with` gives what was seen.

    With `relay` (of the demo's access.json) it comes in from outside: to the hub, and by TLS to the practice behind it.
    """

    def __init__(
        self, url: str, path: str, relay: dict[str, Any] | None = None, pause_s: float = 0.03
    ) -> None:
        self.seen = Seen()
        self._parts, self._path, self._pause_s = urlsplit(url), path, pause_s
        self._relay = relay
        self._trust = ssl.create_default_context(cafile=relay["certificate"]) if relay else None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hammer", daemon=True)

    def __enter__(self) -> Seen:
        self._thread.start()
        return self.seen

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(ANSWER_S + 10)

    def _work(self) -> None:
        good = answered = time.monotonic()
        seen = self.seen
        while not self._ended.wait(self._pause_s):
            try:
                status, again, body = self._ask()
            except (OSError, http.client.HTTPException) as error:
                seen.wrong.append(f"{type(error).__name__}: {error}")
                continue
            now = time.monotonic()
            seen.silent_s, answered = max(seen.silent_s, now - answered), now
            seen.statuses[status] = seen.statuses.get(status, 0) + 1
            if status == 200:
                seen.gap_s, good = max(seen.gap_s, now - good), now
            elif status != 503:
                seen.wrong.append(f"{status}: {body[:200]!r}")
            elif not again.isdigit():
                seen.wrong.append(f"503 without Retry-After: {body[:200]!r}")

    def _ask(self) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(
            self._parts.hostname or "", self._parts.port or 80, timeout=ANSWER_S
        )
        try:
            connection.request("GET", self._path, headers=self._outside(connection))
            response = connection.getresponse()
            return response.status, response.headers.get("Retry-After", ""), response.read()
        finally:
            connection.close()

    def _outside(self, connection: http.client.HTTPConnection) -> dict[str, str]:
        """Connect through the relay, if so asked; the headers for that."""
        if self._relay is None or self._trust is None:
            return {}
        host, _, port = self._relay["connect"].partition(":")
        parts = urlsplit(self._relay["url"])
        plain = socket.create_connection((host, int(port)), timeout=ANSWER_S)
        try:
            connection.sock = self._trust.wrap_socket(plain, server_hostname=parts.hostname)
        except BaseException:
            plain.close()
            raise
        return {"Host": parts.netloc}
