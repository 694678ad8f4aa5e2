"""The simulated portal's messages to practices: each booking and cancellation of a patient, posted as JSON to an address.

So works a portal that takes busy times and gives no bookings back, as Dr.Flex does (seed 001). In order, tried again until
heard; what was not heard yet is told after the next start.
"""

import json
import threading
from collections import deque
from typing import Any

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_booking import Booking
from praxisd.sandbox.sms_calls import Request, call

PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Between tries; the last one again and again."""
_STORE, _MARK = "hooks", "hooks_mark"
_KEPT = 200
_PAGE = 50


class Messenger:
    """One thread that tells what is due. `hooks`: address by calendar, "" for all others."""

    def __init__(self, board: Board, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._board = board
        self._pauses = pauses_s
        self._wake = threading.Event()
        self._ended = False
        self.made: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._thread = threading.Thread(target=self._run, name="sandbox-messages", daemon=True)
        self._thread.start()
        board.changed = lambda _: self._wake.set()
        self._wake.set()

    @property
    def hooks(self) -> dict[str, str]:
        """Where messages go."""
        return dict(self._board.stored(_STORE) or {})

    def set_hook(self, calendar: str, url: str) -> None:
        """From now on messages of this calendar go there; nowhere if `url` is empty."""
        with self._board.lock:
            found = {**self.hooks, calendar: url}
            self._board.store(_STORE, {name: one for name, one in found.items() if one})
        self._wake.set()

    def close(self) -> None:
        """Tell no more; what is due is told after the next start."""
        self._ended = True
        self._wake.set()
        self._thread.join(10)

    def _run(self) -> None:
        tries = 0
        while not self._ended:
            self._wake.wait(self._pauses[min(tries, len(self._pauses)) - 1] if tries else None)
            self._wake.clear()
            tries = 0 if self._told() else tries + 1

    def _told(self) -> bool:
        """Tell all that is due; False if somebody did not hear."""
        while not self._ended:
            since = int(self._board.stored(_MARK) or 0)
            page, _, _ = self._board.feed(since, _PAGE)
            if not page:
                return True
            for booking in page:
                if self._ended or not self._tell(booking):
                    return False
                self._board.store(_MARK, booking.mark)
        return False

    def _tell(self, booking: Booking) -> bool:
        hooks = self.hooks
        url = hooks.get(booking.calendar) or hooks.get("")
        if url is None:
            return True
        body = json.dumps(booking.json(self._board.zone), ensure_ascii=False).encode()
        status = call(Request("POST", url, body, {"Content-Type": "application/json; charset=utf-8"}))
        self.made.append({"booking": booking.id, "mark": str(booking.mark), "status": status})
        return 200 <= status < 300


def routes(messenger: Messenger) -> tuple[Route, ...]:
    """`/hooks`."""
    return (
        ("GET", "/hooks", lambda _: as_json({"hooks": messenger.hooks, "made": list(messenger.made)})),
        ("POST", "/hooks", lambda call: _hook(messenger, call)),
    )


def _hook(messenger: Messenger, call: Call) -> Answer:
    fields = call.table()
    calendar, url = fields.get("calendar") or "", fields.get("url") or ""
    if not isinstance(calendar, str) or not isinstance(url, str) or len(url) > 500:
        raise Bad("hook_invalid", 422)
    if url and not url.startswith(("http://", "https://")):
        raise Bad("hook_invalid", 422)
    messenger.set_hook(calendar, url)
    return as_json({"hooks": messenger.hooks})
