"""A whole program at a seat, led by lines of JSON: what journeys start, stop, kill and freeze. It knows praxisd_client only.

    python seat_program.py URL KEYFILE [--person NAME] [--api-key KEY] [--spool FILE]

A command is `{"n": 1, "do": "lock", "record": …}`; its answer `{"n": 1, "answer": …}` or `{"n": 1, "error": "Locked", …}`.
What happens unasked is `{"event": "lost", …}`. End of input is a clean exit.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from praxisd_client import Lock, Problem, Seat, SeatError, SeatKey

TOLD = ("connected", "disconnected", "lost", "replied", "presence", "interval", "mode", "announcement", "bye")


def say(told: dict[str, Any]) -> None:
    """One line."""
    os.write(1, json.dumps(told, default=_plain).encode() + b"\n")


def _plain(one: Any) -> Any:
    if isinstance(one, Lock):
        return {"record": one.record, "fence": one.fence, "sure": one.sure}
    if isinstance(one, datetime):
        return one.isoformat()
    if is_dataclass(one) and not isinstance(one, type):
        return asdict(one)
    if isinstance(one, BaseException):
        return type(one).__name__
    return str(one)


class Program:
    """The locks by record, and what may be done."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.locks: dict[str, Lock] = {}
        self.reply: str | None = None
        for event in (*TOLD, "ended"):
            seat.on(event, lambda *what, event=event: say({"event": event, "what": what, "at": time.time()}))
        seat.on("asked", self._asked)

    def _asked(self, asked: Any) -> str | None:
        say({"event": "asked", "what": [asked], "at": time.time()})
        return self.reply

    async def do(self, told: dict[str, Any]) -> Any:
        """One command."""
        seat, record = self.seat, told.get("record", "")
        match told["do"]:
            case "lock":
                lock = await seat.lock(record, wait=told.get("wait", False), timeout=told.get("timeout"))
                return self._kept(lock)
            case "take":
                return self._kept(await seat.take(record, told["reason"]))
            case "release":
                return await self.locks.pop(record).release()
            case "switch":
                lock = self.locks.pop(told["from"])
                try:
                    await lock.switch(record)
                finally:
                    self.locks[lock.record] = lock
                return {"record": lock.record, "fence": lock.fence}
            case "read":
                reply = await asyncio.to_thread(seat.api.get, told["path"])
                return {"etag": reply.etag, "body": reply.body}
            case "save":  # `blind`: as a program does that does not ask whether its lock is lost
                lock = self.locks[record]
                if told.get("blind"):
                    headers = {"If-Match": told["etag"], "X-Praxisd-Fence": str(lock.fence)}
                    reply = await asyncio.to_thread(
                        seat.api.call, "PATCH", told["path"], told["body"], headers
                    )
                else:
                    reply = await seat.patch(told["path"], told["body"], told["etag"], lock)
                return {"etag": reply.etag, "body": reply.body}
            case "ask":
                return await seat.ask(record)
            case "answer":
                self.reply = told["answer"]
                return None
            case "at":
                return await seat.at(record or None)
            case "who":
                return {one: asdict(found) for one, found in (await seat.who(told["records"])).items()}
            case "log":
                return seat.log(told["level"], told["code"], **told.get("fields", {}))
            case "status":
                return asdict(seat.status()) | {"sure": {r: one.sure for r, one in self.locks.items()}}
        raise ValueError(told["do"])

    def _kept(self, lock: Lock) -> dict[str, Any]:
        self.locks[lock.record] = lock
        return {"record": lock.record, "fence": lock.fence}

    async def answer(self, told: dict[str, Any]) -> None:
        """Do it, and say what came of it."""
        try:
            say({"n": told["n"], "answer": await self.do(told), "at": time.time()})
        except Problem as problem:
            more = {"code": problem.code, "status": problem.status, "parameters": problem.parameters}
            say({"n": told["n"], "error": type(problem).__name__, "at": time.time(), **more})
        except (SeatError, KeyError, ValueError) as error:
            say({"n": told["n"], "error": type(error).__name__, "at": time.time()})


async def main() -> None:
    """Until the end of input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--person", default="")
    parser.add_argument("--api-key")
    parser.add_argument("--spool")
    asked = parser.parse_args()
    seat = Seat(
        asked.url,
        SeatKey.load(asked.key),
        person=asked.person,
        program="journey",
        api_key=asked.api_key,
        spool=asked.spool,
        patience=10.0,
    )
    program = Program(seat)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    tasks = set()
    try:
        async with seat:
            say({"event": "ready", "what": [seat.session], "at": time.time()})
            while line := await reader.readline():
                task = asyncio.create_task(program.answer(json.loads(line)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
    except SeatError as error:
        code = getattr(error, "code", "")
        say({"event": "failed", "what": [type(error).__name__, code], "at": time.time()})
        sys.exit(1)


if __name__ == "__main__":
    asyncio.run(main())
