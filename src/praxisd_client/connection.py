"""A connection that comes back: proof of the key, heartbeats, back-off, and requests that outlive a break."""

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from praxisd_client.errors import Problem, Replaced, SeatError, Unreachable, WrongServer, problem
from praxisd_client.key import SeatKey
from praxisd_client.link import Dropped, Link, Told
from praxisd_client.words import PROTOCOL, elapsed

SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0
REPLACED, BAD_PROTOCOL = 4409, 4400
GONE = "seats.session_gone"
"""The server has given the session up for its silence: it says `here` again, on a new connection."""
ANSWER_S = 10.0
"""A `here` that is not answered in so many seconds is tried on a new connection."""


class Owner(Protocol):
    """Whose connection it is. All are called in the event loop and do not wait."""

    def _here(self) -> dict[str, Any]: ...
    def _welcomed(self, welcome: Told, asked_at: float) -> None: ...
    def _beaten(self, asked_at: float, seconds: int) -> None: ...
    def _told(self, message: Told) -> None: ...
    def _gone(self, code: int) -> None: ...
    def _ended(self, why: SeatError) -> None: ...


class Connection:
    """`run` until `stop`. `up` is set while the server knows the session."""

    def __init__(
        self,
        url: str,
        key: SeatKey,
        session: str,
        owner: Owner,
        *,
        language: str,
        context: ssl.SSLContext | None,
    ) -> None:
        self._url, self._key, self._session, self._owner = url, key, session, owner
        self._language, self._context = language, context
        self._link: Link | None = None
        self._stopping = False
        self._poke = asyncio.Event()
        self.up = asyncio.Event()
        self.over = asyncio.Event()
        self.fatal: SeatError | None = None
        self._refusal: Problem | None = None
        """What the server said last instead of letting it in, though it may later: a seat that waits for its approval."""
        self.interval = 30
        self.reconnects = -1
        self.welcome: Told = {}

    # --- its life --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, stay, come back; ends when stopped, or when the server does not want this seat (`fatal`)."""
        wait = 0.0
        try:
            while not self._stopping:
                try:
                    link = await self._connected()
                except Unreachable:
                    self._refusal = None
                except Problem as refusal:
                    self._refusal = refusal
                    if not refusal.retry:
                        self.fatal = refusal
                        return
                except SeatError as refusal:
                    self.fatal = refusal
                    return
                else:
                    wait = 0.0
                    await self._stay(link)
                    if link.code in (REPLACED, BAD_PROTOCOL):
                        self.fatal = Replaced() if link.code == REPLACED else problem("seats.bad_protocol")
                        return
                if not self._stopping:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.over.wait(), wait * random.uniform(0.5, 1.0))  # noqa: S311
                    wait = min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, wait * 2))
        finally:
            self.up.clear()
            self.over.set()
            if self.fatal is not None:
                self._owner._ended(self.fatal)

    async def _connected(self) -> Link:
        link = await Link.open(self._url, self._owner._told, language=self._language, context=self._context)
        try:
            told = link.hello
            if told.get("v") != 1 or told.get("installation") != self._key.installation:
                raise WrongServer("the server is another one than the key was registered at")
            asked_at = elapsed()
            self.welcome = await asyncio.wait_for(link.ask(self._proof(told)), ANSWER_S)
        except BaseException as error:
            link.abort()
            if isinstance(error, Dropped | TimeoutError):
                raise Unreachable("the connection ended before the answer") from error
            raise
        self.interval = int(self.welcome["interval"])
        self._link, self._refusal = link, None
        self.reconnects += 1
        self._owner._welcomed(self.welcome, asked_at)
        self.up.set()
        return link

    def _proof(self, hello: Told) -> Told:
        seat, session = self._key.seat, self._session
        signed = self._key.sign(PROTOCOL, self._key.installation, hello["challenge"], seat, session)
        return {
            "type": "here",
            "session": session,
            "seat": seat,
            "signature": signed,
            **self._owner._here(),
        }

    async def _stay(self, link: Link) -> None:
        beating = asyncio.create_task(self._beat(link))
        try:
            await link.closed.wait()
        finally:
            self.up.clear()
            self._link = None
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            link.abort()
        self._owner._gone(link.code)

    async def _beat(self, link: Link) -> None:
        """More often than every third of the interval. A server that does not answer one is not there: a new connection."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poke.wait(), self.interval * 0.3)
            self._poke.clear()
            asked_at = elapsed()
            try:
                told = await asyncio.wait_for(link.ask({"type": "beat"}), self.interval / 3)
            except Problem as refusal:
                if refusal.code != GONE:
                    continue  # maintenance: the socket stays
                link.abort()
                return
            except (Dropped, TimeoutError):
                link.abort()
                return
            self.interval = int(told["interval"])
            self._owner._beaten(asked_at, self.interval)

    def beat_now(self, interval: int | None = None) -> None:
        """Beat at once; the interval is another one now."""
        self.interval = interval or self.interval
        self._poke.set()

    async def stop(self, *, bye: bool) -> None:
        """End it; with `bye` the server frees all at once."""
        self._stopping = True
        link = self._link
        if link is not None:
            if bye:
                with suppress(Dropped, Problem, TimeoutError):
                    await asyncio.wait_for(link.ask({"type": "bye"}), 3.0)
            await link.close()
        self.over.set()

    # --- asking ----------------------------------------------------------------------------------------------------------

    async def linked(self, deadline: float) -> Link:
        """The connection, waited for until `deadline` (of `elapsed`). Raises Unreachable, or why there will be none."""
        while self._link is None or not self.up.is_set():
            if self.fatal is not None:
                raise self.fatal
            if self.over.is_set():
                raise Unreachable("the seat is closed")
            waiting = [asyncio.create_task(one.wait()) for one in (self.up, self.over)]
            try:
                left = max(0.0, deadline - elapsed())
                done, _ = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
            if not done:
                raise self._refusal or Unreachable("no connection to the server")
        return self._link

    async def ask(
        self, message: Told, patience: float, done: Callable[[Told], Told | None] | None = None
    ) -> Told:
        """The answer, asked for anew after a break. `done(welcome)` finds it in what the server says on coming back.

        Raises Problem, or Unreachable when `patience` seconds are over.
        """
        deadline = elapsed() + patience
        while True:
            link = await self.linked(deadline)
            try:
                left = max(0.01, deadline - elapsed())
                return await asyncio.wait_for(link.ask(message), left)
            except TimeoutError:
                raise Unreachable("the server does not answer") from None
            except (Dropped, Problem) as error:
                if isinstance(error, Problem):
                    if error.code != GONE:
                        raise
                    link.abort()
                await link.closed.wait()
                if self._link is link:
                    self.up.clear()
                await self.linked(deadline)
                found = done(self.welcome) if done is not None else None
                if found is not None:
                    return found
