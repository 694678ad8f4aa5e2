"""Seat: a program of the practice as praxisd knows it, with a live connection, locks, presence and a log (asyncio)."""

import asyncio
import os
import secrets
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

from praxisd_client.connection import Connection
from praxisd_client.entries import Diagnose, Level
from praxisd_client.errors import Problem, SeatError, Unreachable
from praxisd_client.http import Api, Reply
from praxisd_client.key import SeatKey
from praxisd_client.link import Told
from praxisd_client.lock import Lock, Locking
from praxisd_client.locks import Locks
from praxisd_client.shipping import Shipper
from praxisd_client.spool import Spool
from praxisd_client.watch import Callback, Watchers
from praxisd_client.words import Announcement, Answer, Asked, Loss, Presence, Reason, Status, elapsed, moment

PATIENCE_S = 15.0


class Seat:
    """`async with Seat(url, key, person="Anna Roth") as seat:`; it connects, comes back after breaks, and ends cleanly.

    `person` is shown to colleagues and kept nowhere. `api_key` is for `patch`. `spool` names the file of the log while the
    server is away. `patience`: seconds that a request waits for a connection before Unreachable.
    """

    def __init__(
        self,
        url: str,
        key: SeatKey,
        *,
        person: str = "",
        program: str = "",
        at: str | None = None,
        api_key: str | None = None,
        spool: str | os.PathLike[str] | None = None,
        language: str = "de",
        context: ssl.SSLContext | None = None,
        patience: float = PATIENCE_S,
    ) -> None:
        if not key.seat:
            raise SeatError("the key is not registered: see praxisd_client.register")
        self.session = secrets.token_hex(16)
        self.patience = patience
        self.diagnose = Diagnose()
        self.api = Api(url, api_key, language=language, context=context)
        self._key, self._person, self._program, self._at = key, person, program, at
        self._watchers = Watchers()
        self._connection = Connection(url, key, self.session, self, language=language, context=context)
        self._locks = Locks(self._connection, self._watchers)
        self._shipper = Shipper(self._connection, Spool(spool), self.diagnose)
        self._tasks: list[asyncio.Task[None]] = []
        self._known: dict[str, Any] = {}
        self._mode: tuple[str, Any] = ("operation", None)
        self._announcement: Announcement | None = None

    # --- coming and going ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> "Seat":
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, *, wait: bool = True) -> None:
        """Connect. With `wait` it returns once the server knows this seat, or raises what it says, or Unreachable."""
        for part in (self._connection.run(), self._shipper.run()):
            self._tasks.append(asyncio.create_task(part))
        if wait:
            await self._connection.linked(elapsed() + self.patience)

    async def close(self) -> None:
        """Send what the log holds, free all locks, say good-bye."""
        if self._connection.up.is_set():
            await self._shipper.flush(2.0)
        await self._connection.stop(bye=True)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._locks.all_over("released")
        await self._watchers.settled(1.0)
        self._shipper.close()

    def on(self, event: str, callback: Callback) -> Callback:
        """Call `callback` with each such event.

        `connected(Status)`, `disconnected(code)`, `lost(Lock, Loss)`, `asked(Asked)` (what it gives back, `soon`, `now` or
        `no`, is replied), `replied(Asked)`, `presence(Presence)`, `interval(seconds)`, `mode(mode, until)`,
        `announcement(Announcement | None)`, `bye(reason)`, `ended(SeatError)`: this seat is wanted no more.
        """
        self._watchers.add(event, callback)
        return callback

    # --- records ---------------------------------------------------------------------------------------------------------

    def lock(self, record: str, *, wait: bool = False, timeout: float | None = None) -> Locking:
        """The lock of `Kind/id`. Raises Locked where another holds it; with `wait` only after `timeout` seconds, if ever."""
        return Locking(lambda: self._locks.acquire(record, wait, timeout, self.patience))

    def take(self, record: str, reason: Reason) -> Locking:
        """Take a record over from whoever holds it: needs the right, is written down, and its holder is told."""
        return Locking(lambda: self._locks.take(record, reason, self.patience))

    async def ask(self, record: str) -> None:
        """Ask the holder of a record to finish; the answer comes as event `replied`."""
        await self._ask({"type": "ask", "record": record})

    async def reply(self, record: str, session: str, answer: Answer) -> None:
        """Answer whoever asked (`Asked.by.session`). „now“ releases nothing by itself."""
        await self._ask({"type": "reply", "record": record, "session": session, "answer": answer})

    async def at(self, record: str | None) -> None:
        """Say which record is looked at; from then on `presence` tells who else is there. Viewers may, too."""
        self._at = record
        await self._ask({"type": "at", "record": record})

    async def who(self, records: Iterable[str]) -> dict[str, Presence]:
        """Who is at these records (200 at most)."""
        told = await self._ask({"type": "who", "records": list(records)})
        return {record: Presence.of(record, at) for record, at in told["records"].items()}

    async def patch(self, path: str, body: Any, etag: str, lock: Lock | None = None) -> Reply:
        """Save with If-Match and the lock's fence: see `Api.patch`. Raises Stale, LockLost, Locked, Problem, Unreachable."""
        return await asyncio.to_thread(self.api.patch, path, body, etag, lock)

    # --- the log ---------------------------------------------------------------------------------------------------------

    def log(self, level: Level, code: str, text: str = "", **fields: Any) -> int:
        """Keep an entry and send it as soon as may be; any thread may call. Its number.

        Values are technical, unless they are `Pseudonym(…)` or `PatientData(…)`; the latter stay here (see `diagnose`).
        """
        return self._shipper.put(level, code, text, fields)

    # --- how it stands ---------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Where this seat stands now."""
        return Status(
            connected=self._connection.up.is_set(),
            session=self.session,
            seat=self._key.seat,
            name=str(self._known.get("name", "")),
            viewer=bool(self._known.get("viewer")),
            interval=self._connection.interval,
            mode=self._mode[0],
            mode_until=self._mode[1],
            announcement=self._announcement,
            locks=self._locks.held(),
            waiting=self._locks.waiting(),
            waiting_entries=self._shipper.waiting(),
            reconnects=max(0, self._connection.reconnects),
        )

    async def _ask(self, message: Told) -> Told:
        return await self._connection.ask(message, self.patience)

    # --- what the connection tells ---------------------------------------------------------------------------------------

    def _here(self) -> dict[str, Any]:
        told = {
            "person": self._person,
            "program": self._program,
            "at": self._at,
            "holds": self._locks.holds(),
        }
        return {name: value for name, value in told.items() if value}

    def _welcomed(self, welcome: Told, asked_at: float) -> None:
        self._known = welcome["seat"]
        self._mode = (str(welcome["mode"]), moment(welcome.get("modeUntil")))
        self._announcement = Announcement.of(welcome.get("announcement"))
        self._locks.welcomed(welcome, asked_at)
        asyncio.get_running_loop().call_soon(lambda: self._watchers.tell("connected", self.status()))

    def _beaten(self, asked_at: float, seconds: int) -> None:
        self._locks.renewed(asked_at, seconds)

    def _gone(self, code: int) -> None:
        self._watchers.tell("disconnected", code)

    def _ended(self, why: SeatError) -> None:
        self._locks.all_over("ended")
        self._watchers.tell("ended", why)

    def _told(self, message: Told) -> None:
        kind = message.get("type")
        found: Callable[[Told], None] | None = getattr(self, f"_on_{kind}", None)
        if found is not None:
            found(message)

    def _on_answer(self, message: Told) -> None:
        if "lock" in message:  # nobody waits for it any more
            self._locks.stray(message["lock"])

    def _on_granted(self, message: Told) -> None:
        self._locks.granted(message)

    def _on_lost(self, message: Told) -> None:
        self._locks.lost(Loss.of(message))

    def _on_asked(self, message: Told) -> None:
        asked = Asked(str(message["record"]), Presence.of("", {"holder": message.get("by")}).holder)

        async def reply(answer: Answer) -> None:
            if asked.by is not None:
                with suppress(Problem, Unreachable):
                    await self.reply(asked.record, asked.by.session, answer)

        self._watchers.tell("asked", asked, then=reply)

    def _on_replied(self, message: Told) -> None:
        by = Presence.of("", {"holder": message.get("by")}).holder
        self._watchers.tell("replied", Asked(str(message["record"]), by, str(message["answer"])))

    def _on_presence(self, message: Told) -> None:
        self._watchers.tell("presence", Presence.of(str(message["record"]), message))

    def _on_interval(self, message: Told) -> None:
        self._connection.beat_now(int(message["seconds"]))
        self._locks.shortened(int(message["seconds"]))
        self._watchers.tell("interval", int(message["seconds"]))

    def _on_mode(self, message: Told) -> None:
        self._mode = (str(message["mode"]), moment(message.get("until")))
        self._watchers.tell("mode", *self._mode)

    def _on_announcement(self, message: Told) -> None:
        self._announcement = Announcement.of(message.get("announcement"))
        self._watchers.tell("announcement", self._announcement)

    def _on_bye(self, message: Told) -> None:
        self._watchers.tell("bye", str(message.get("reason", "")))
