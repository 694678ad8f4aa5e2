"""One racer: a process at a seat of its own that wants what all others want, and writes down what it gets.

    python seat_race_client.py URL KEYFILE HISTORY --acquires N --seed S --name 3 --api-key KEY --records Patient/a,Patient/b

Now and then it goes silent with a lock (as a program that was killed), asks for a record again under the same session,
switches, waits, takes over, and saves with fences that have ended: those have to be refused.
"""

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from praxisd.testing.seat_race_history import History, Op, Outcome, Record, now
from praxisd_client import Lock, Locked, LockLost, Problem, Seat, SeatError, SeatKey, Unreachable

KEPT_FENCES = 40


class Racing(Seat):
    """A seat that writes its beats down."""

    racer: "Racer"

    def _beaten(self, asked_at: float, seconds: int) -> None:
        super()._beaten(asked_at, seconds)
        start = int(asked_at * 1e9)
        self.racer.note("beat", "", start, "done", session=self.session, seconds=seconds)


class Racer:
    """One process."""

    def __init__(self, asked: argparse.Namespace, history: History) -> None:
        self.asked = asked
        self.history = history
        self.dice = random.Random(asked.seed)
        self.records: list[str] = asked.records.split(",")
        self.old: list[tuple[str, int]] = []
        self.acquires = 0
        self.seat: Racing

    def note(self, op: Op, key: str, start: int, outcome: Outcome, **more: Any) -> None:
        """One record; it ends now."""
        told = {"session": self.seat.session, "node": self.asked.node} | more
        self.history.add(
            Record(op=op, key=key, client=self.asked.name, start=start, end=now(), outcome=outcome, **told)
        )

    async def run(self) -> None:
        """So many acquires, and for so many seconds at least."""
        until = now() + int(self.asked.seconds * 1e9)
        gone = 0
        while self.acquires < self.asked.acquires or now() < until:
            self.seat = Racing(
                self.asked.url,
                SeatKey.load(self.asked.key),
                program="race",
                api_key=self.asked.api_key,
                patience=40.0,
            )
            self.seat.racer = self
            self.seat.on("lost", self._lost)
            await self.seat.start()
            silent_at = self.acquires + self.dice.randrange(100, 2 * self.asked.silent) if gone < 3 else None
            gone += 1
            while self.acquires < self.asked.acquires or now() < until:
                if silent_at is not None and self.acquires >= silent_at:
                    break
                await self.step()
                if self.acquires >= self.asked.acquires:
                    await asyncio.sleep(0.02)
            else:
                await self._leave()
                return
            await self._vanish()

    async def _leave(self) -> None:
        start = now()
        await self.seat.close()
        self.note("leave", "", start, "done")

    async def _vanish(self) -> None:
        """Take what is free, and go without a word. Its locks expire; it comes back as another session."""
        for record in self.records:
            await self._acquire("lock", record, self.seat.lock(record), keep=True)
        link = self.seat._connection._link
        if link is not None:
            link.abort()
            await link.closed.wait()
        await self.seat.close()  # says nothing: there is no connection

    def _lost(self, lock: Lock, loss: Any) -> None:
        if loss.why in ("expired", "taken"):
            self.note("lost", loss.record, now(), "done", fence=loss.fence)

    async def _acquire(self, op: Op, key: str, asked: Awaitable[Lock], keep: bool = False) -> Lock | None:
        start = now()
        self.acquires += 1
        try:
            lock = await asked
        except Locked as refusal:
            if refusal.holder is not None or not refusal.own:  # else it is this program that has it
                self.note(op, key, start, "refused")
        except Problem:
            self.note(op, key, start, "refused")
        except Unreachable:
            self.note(op, key, start, "unknown")
        else:
            # A grant that was waited for holds from the next beat on; what is noted must not promise more.
            seconds = 0 if op == "wait" else self.seat.status().interval
            self.note(op, key, start, "granted", fence=lock.fence, seconds=seconds)
            if keep:
                self.old.append((key, lock.fence))
            return lock
        return None

    async def step(self) -> None:
        """One turn of the dice."""
        dice, seat = self.dice.random(), self.seat
        record = self.dice.choice(self.records)
        if dice < 0.03:
            lock = await self._acquire("wait", record, seat.lock(record, wait=True, timeout=0.5))
        elif dice < 0.04:
            lock = await self._acquire("take", record, seat.take(record, "other"))
        else:
            lock = await self._acquire("lock", record, seat.lock(record))
        if self.old and self.dice.random() < 0.01:
            await self._write(*self.dice.choice(self.old))
        if lock is None:
            return
        if self.dice.random() < 0.06:
            await self._write(lock.record, lock.fence)
        if self.dice.random() < 0.08:
            lock = await self._switch(lock, self.dice.choice(self.records))
        if self.dice.random() < 0.3:
            await asyncio.sleep(self.dice.random() * 0.003)
        await self._release(lock)

    async def _switch(self, lock: Lock, record: str) -> Lock:
        start, before = now(), (lock.record, lock.fence)
        if record == lock.record:
            return lock
        self.acquires += 1
        more = {"before": before}
        try:
            await lock.switch(record)
        except (Problem, Unreachable) as error:
            outcome: Outcome = "unknown" if isinstance(error, Unreachable) else "refused"
            self.note("switch", record, start, outcome, **more)
        else:
            seconds = self.seat.status().interval
            self.note("switch", record, start, "granted", fence=lock.fence, seconds=seconds, **more)
            self._remember(before)
        return lock

    async def _release(self, lock: Lock) -> None:
        key, fence, start = lock.record, lock.fence, now()
        if lock.loss is not None:
            self._remember((key, fence))
            return
        await lock.release()
        owed = (key, fence) in self.seat._locks._owed
        self.note("release", key, start, "unknown" if owed else "done", fence=fence)
        self._remember((key, fence))
        if self.dice.random() < 0.01:
            await self._write(key, fence)

    def _remember(self, one: tuple[str, int]) -> None:
        self.old.append(one)
        del self.old[:-KEPT_FENCES]

    async def _write(self, key: str, fence: int) -> None:
        path = f"/patients/{key.removeprefix('Patient/')}"
        body = {"phone": f"+4930{self.dice.randrange(1_000_000, 9_999_999)}"}
        headers = {"X-Praxisd-Fence": str(fence)}
        start = now()
        try:
            reply = await asyncio.to_thread(self.seat.api.call, "PATCH", path, body, headers)
        except LockLost:
            self.note("write", key, start, "refused", fence=fence, status=423)
        except Problem as refusal:
            outcome: Outcome = "refused" if refusal.status < 500 else "unknown"
            self.note("write", key, start, outcome, fence=fence, status=refusal.status)
        except SeatError:
            self.note("write", key, start, "unknown", fence=fence)
        else:
            version = int(reply.etag.removeprefix("W/").strip('"'))
            self.note("write", key, start, "done", fence=fence, status=reply.status, version=version)


def main() -> None:
    """Race."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("history", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--node", type=int, default=0)
    parser.add_argument("--acquires", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--silent", type=int, default=2000, help="acquires after which it vanishes, about")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--records", required=True)
    asked = parser.parse_args()
    os.write(1, b"ready\n")
    sys.stdin.readline()  # all start together
    with asked.history.open("wb") as file:
        asyncio.run(Racer(asked, History(file)).run())


if __name__ == "__main__":
    main()
