"""More connections than the server holds: who says nothing makes room, and who cannot be served is told when to come again.

An idle connection costs a descriptor. However many are opened, those who ask get an answer, `/health/live` first of all.
"""

import asyncio
from secrets import token_hex
from typing import Any, Protocol

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.web import problems
from praxisd.web.answers import deliver
from praxisd.web.door import Asgi
from praxisd.web.fhir_outcomes import words as fhir_words
from praxisd.web.request import Receive, Request, Scope, Send

KEPT_FILES = 124
"""Of the files that this process may open (`ulimit -n`), those that the store and all else need."""
MOST_EVER = 4_000


def most(files: int | None) -> int:
    """How many connections a process holds that may open so many files; None where nothing limits it. 900 of the usual 1024:
    WebSockets are among them, one for each seat.
    """
    return MOST_EVER if files is None else max(KEPT_FILES // 2, min(files - KEPT_FILES, MOST_EVER))


def _files() -> int | None:
    try:
        import resource
    except ImportError:  # Windows limits handles, not files
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


MOST_CONNECTIONS = most(_files())
ROOM_FROM = MOST_CONNECTIONS * 8 // 9
"""From so many on, who has said nothing for ROOM_AFTER_S has to go, the longest silent first."""
ROOM_AFTER_S = 1.0
RETRY_S = "5"
_LIVE = b"/health/live"


class Silent(Protocol):
    """A connection on which no request is on its way."""

    def leave(self) -> None:
        """Close it."""
        ...


class Crowd:
    """The connections of one server; all on its loop's thread."""

    def __init__(self, refuse: Asgi) -> None:
        """`refuse` answers in the place of the application where there is no room."""
        self.refuse = refuse
        self._silent: dict[Silent, float] = {}
        self._over = 0
        self._later: asyncio.TimerHandle | None = None

    def full(self, connections: int, requests: int, path: bytes) -> bool:
        """True where a request for `path` (with its query) cannot be served now."""
        return max(connections, requests) >= MOST_CONNECTIONS and path.partition(b"?")[0] != _LIVE

    def silent(self, one: Silent, connections: int) -> None:
        """Nothing is asked on it from now on."""
        self._silent[one] = asyncio.get_running_loop().time()
        self._over = connections - ROOM_FROM
        if self._over > 0:
            self._make_room_later()

    def speaks(self, one: Silent) -> None:
        """A request begins on it, or it is gone."""
        self._silent.pop(one, None)

    def _make_room_later(self) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(ROOM_AFTER_S, self._make_room)

    def _make_room(self) -> None:
        self._later = None
        before = asyncio.get_running_loop().time() - ROOM_AFTER_S
        for one in [one for one, since in self._silent.items() if since <= before][: self._over]:
            del self._silent[one]
            self._over -= 1
            one.leave()
        if self._over > 0 and self._silent:  # those who came a moment ago
            self._make_room_later()


def overloaded(house: House) -> Asgi:
    """The answer of a server that is full: 503 `http.busy` with Retry-After, as problem+json or, for FHIR, its outcome."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, token_hex(8))
        problem = Problem("http.busy", 503, retry=True, headers={"Retry-After": RETRY_S})
        path: Any = scope["path"]
        xml = "xml" in (accept := request.header(b"accept") or "") and "json" not in accept
        render = fhir_words("xml" if xml else "json") if f"{path}/".startswith("/fhir/") else problems.render
        await deliver(request, render(problem, house.texts, request.lang, request.id), send, close=True)

    return refuse
