"""`praxisd sandbox portal`: the simulated booking portal as a program."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from praxisd.sandbox import (
    portal_api,
    portal_dav,
    portal_drflex,
    portal_look,
    portal_page,
    portal_plain,
    portal_tvs,
)
from praxisd.sandbox.door import Door, Route
from praxisd.sandbox.journal import Journal
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_faults import Faults, Guard
from praxisd.sandbox.portal_messages import Messenger
from praxisd.sandbox.portal_messages import routes as message_routes
from praxisd.sandbox.portal_times import Calendar

FILE = Path("sandbox") / "portal.jsonl"


@dataclass(frozen=True)
class Wishes:
    """How the portal shall behave. `secret`: calls of the two-way door must be signed with it. `calendars`: made at the
    first start, if there are none yet.
    """

    key: str = "sandbox"
    secret: str = ""
    zone: str = "Europe/Berlin"
    calendars: tuple[str, ...] = ()
    faults: float = 0.0
    seed: int = 0
    lang: str = "de"


class Running:
    """A portal that answers. OSError if its address cannot be used, ZoneInfoNotFoundError for a zone that is none.

    `now`: epoch seconds, for tests with a clock of their own.
    """

    def __init__(
        self, folder: Path, host: str, port: int, wishes: Wishes, now: Callable[[], float] = time.time
    ) -> None:
        self.wishes = wishes
        self.faults = Faults()
        self.faults.set(rate=wishes.faults, seed=wishes.seed)
        self.guard = Guard(self.faults, now)
        self._journal = Journal(folder / FILE)
        try:
            self.board = Board(self._journal, wishes.zone, now)
            for name in () if self.board.calendars() else wishes.calendars:
                self.board.put_calendar(Calendar(name))
            self.tvs = portal_tvs.mount(folder, wishes.key, now, self.guard)
        except BaseException:
            self._journal.close()
            raise
        self.messenger = Messenger(self.board)
        try:
            self._door = Door(host, port, self._doors())
        except BaseException:
            self.messenger.close()
            self.tvs.close()
            self._journal.close()
            raise
        self._ended = threading.Event()

    def _doors(self) -> tuple[Route, ...]:
        """All that is answered."""
        board, guard, key = self.board, self.guard, self.wishes.key
        return (
            *portal_drflex.routes(board, guard, key),
            *portal_api.routes(board, guard, key, self.wishes.secret),
            *portal_dav.routes(board, guard, key),
            *self.tvs.routes,
            *message_routes(self.messenger),
            *portal_plain.routes(board, self.faults, guard),
            *portal_page.routes(board, self.wishes.lang),
            *portal_look.routes(board, self.faults, self.wishes.lang),
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._door.url

    def wait(self) -> None:
        """Until `end` is called."""
        while not self._ended.wait(1.0):
            pass

    def end(self) -> None:
        """Ask for the end; `close` does it."""
        self._ended.set()

    def close(self) -> None:
        """Stop answering; everything is in the file already."""
        self.end()
        self._door.close()
        self.messenger.close()
        self.tvs.close()
        self._journal.close()


def run(folder: Path, host: str, port: int, wishes: Wishes) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <url>` once it answers. The exit code."""
    running = Running(folder, host, port, wishes)

    def leave(_number: int, _frame: FrameType | None) -> None:
        running.end()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"ready {running.url}", flush=True)  # noqa: T201 - the contract with scripts
    running.wait()
    running.close()
    return 0
