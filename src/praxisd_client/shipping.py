"""The log on its way: kept in the spool first, sent in batches while there is a connection, at least once each."""

import asyncio
import logging
import threading
from contextlib import suppress
from typing import Any

from praxisd_client.connection import Connection
from praxisd_client.entries import Diagnose, Level, entry
from praxisd_client.errors import Problem, SeatError
from praxisd_client.spool import DROPPED, Spool

LOG = logging.getLogger("praxisd_client")
GATHER_S = 0.5
"""What is logged within this time goes together."""
AGAIN_S = 10.0
ANSWER_S = 30.0


class Shipper:
    """`put` from any thread, `run` in the event loop."""

    def __init__(self, connection: Connection, spool: Spool, diagnose: Diagnose) -> None:
        self._connection = connection
        self._spool = spool
        self._diagnose = diagnose
        self._fresh = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._close_lock = threading.Lock()
        self._closed = False

    def put(self, level: Level, code: str, text: str, fields: dict[str, Any]) -> int:
        """See `Seat.log`."""
        number = self._spool.put(entry(level, code, fields, text, diagnose=bool(self._diagnose)))
        with self._close_lock:
            if self._loop is not None and not self._closed:
                self._loop.call_soon_threadsafe(self._fresh.set)
        return number

    def waiting(self) -> int:
        """Entries the server does not have yet."""
        return 0 if self._closed else len(self._spool)

    async def run(self) -> None:
        """Send until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._fresh.set()
        while True:
            await self._fresh.wait()
            await self._connection.up.wait()
            await asyncio.sleep(GATHER_S)
            self._fresh.clear()
            try:
                await self._send_all()
            except SeatError as error:
                LOG.info("the log waits: %s", getattr(error, "code", type(error).__name__))
                self._fresh.set()
                await asyncio.sleep(AGAIN_S)

    async def flush(self, seconds: float) -> None:
        """Send what is there, as far as that goes in so many seconds."""
        with suppress(SeatError, TimeoutError):
            await asyncio.wait_for(self._send_all(), seconds)

    async def _send_all(self) -> None:
        async with self._turn:
            dropped = self._spool.take_dropped()
            if dropped:
                self._spool.put(entry("warning", DROPPED, {"entries": dropped}))
            while batch := self._spool.batch():
                await self._send(batch)

    async def _send(self, batch: list[dict[str, Any]]) -> None:
        try:
            told = await self._connection.ask({"type": "log", "entries": batch}, ANSWER_S)
        except Problem as refusal:
            if refusal.retry or not refusal.code.startswith(("seats.bad_message", "logbook.")):
                raise
            if len(batch) == 1:  # it will never be taken: say so once, and go on with the others
                self._spool.done([batch[0]["seq"]])
                LOG.warning("an entry was refused: %s", refusal.code)
                return
            for one in batch:
                await self._send([one])
            return
        self._spool.done([one["seq"] for one in batch if one["seq"] <= int(told["upto"])])

    def close(self) -> None:
        """Close the spool; what was not sent stays in its file."""
        with self._close_lock:
            self._closed = True
        self._spool.close()
