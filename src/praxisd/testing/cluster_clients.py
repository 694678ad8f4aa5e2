"""Who books at a cluster: clients that go on after every failure, as a portal does, and whose every request is recorded.

A wish to book carries an Idempotency-Key and is sent again with it until it is answered; so must each do who wants to
know what became of it.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from praxisd.testing.cluster_balancer import MARK
from praxisd.testing.cluster_relay import Outside
from praxisd.testing.torture_client import API, Client
from praxisd.testing.torture_feeds import Follower
from praxisd.testing.torture_history import History, Record
from praxisd.testing.torture_http import Http, Reply, Unanswered
from praxisd.testing.torture_scene import Credential
from praxisd.testing.torture_wishes import Wishes

BALANCER, RELAY = 0, 1
"""Ways in, as records name them (`Record.node`)."""
AGAIN_S = 0.2
"""A client that was not served tries again after so long."""
FINISH_S = 90.0
"""A feed must be read to its end so soon after the last change."""
LEAVE = 0.1
"""How likely a client ends its connection after a request, as portals do: so all nodes get some, also one that comes back."""
AWAY = frozenset((502, 503, 504))
MIX = {"book": 40, "hold": 6, "move": 20, "cancel": 22, "read": 12}


class Marked(Http):
    """A client that tells the balancer's own answers from those of a node."""

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """As `Http.ask`."""
        reply = await super().ask(method, path, body, headers)
        if MARK in reply.headers:
            reply.headers["content-type"] = "application/problem+json"
            reply.body = b'{"code":"balancer"}'
        return reply


class Booker(Client):
    """One client of a practice, through the balancer or through the relay."""

    def __init__(
        self,
        number: int,
        who: Credential,
        http: Http,
        way: int,
        wishes: Wishes,
        history: History,
        pause_s: float,
    ) -> None:
        super().__init__(str(number), who, [http.port], wishes, history, fhir=False)
        self.http, self.node = http, way
        self._mix = dict(MIX)
        self._pause_s = pause_s

    async def live(self, end: asyncio.Event) -> None:
        """Do one thing after another until `end`; failures are waited out."""
        while not end.is_set():
            try:
                await self.step()
            except Unanswered:
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(self.dice.uniform(0, 2 * self._pause_s))
            if self.dice.random() < LEAVE:
                self.http.close()

    async def send(self, *args: Any, **more: Any) -> Record:
        """As `Client.send`; after a 503 it waits a moment, as it is told to."""
        record = await super().send(*args, **more)
        if record.status in AWAY:
            await asyncio.sleep(AGAIN_S)
        return record

    async def _book(self) -> None:
        tag = self.wishes.tag()
        body = self.wishes.booking(self.dice, self.who, tag)
        while True:
            try:
                record = await self.send("book", "POST", f"{API}/appointments", body, key=tag, tag=tag)
            except Unanswered:
                await asyncio.sleep(AGAIN_S)
                continue
            if record.status not in AWAY and record.code != "http.idempotency_running":
                return
            await asyncio.sleep(AGAIN_S)


class PatientFollower(Follower):
    """A follower of the change feed that waits out what cannot be answered now."""

    served = False
    """Whether the last step was answered."""

    async def step(self, limit: int = 60) -> bool:
        """As `Follower.step`."""
        before = len(self.faults)
        self.served = False
        try:
            more = await super().step(limit)
            self.served = len(self.faults) == before
        except Unanswered:
            more = False
        except (ValueError, msgspec.DecodeError):  # the balancer's own answer has no body
            more = False
        if not self.served:
            await asyncio.sleep(AGAIN_S)
        self.faults[before:] = [
            one for one in self.faults[before:] if not any(f": {n} " in one for n in AWAY)
        ]
        return more

    async def finish(self) -> None:
        """As `Follower.finish`: what is not answered now is asked for again, else the rest would be taken for lost."""
        until = time.monotonic() + FINISH_S
        while await self.step(200) or not (self.served or self.faults):
            if time.monotonic() > until:
                self.faults.append(f"feed of {self.who.name}: not read to its end within {FINISH_S:.0f} s")
                return


def bookers(
    practices: Sequence[tuple[Wishes, Sequence[Credential]]],
    balancer: int,
    outside: tuple[list[int], str] | None,
    count: int,
    history: History,
    pause_s: float,
) -> list[Booker]:
    """`count` clients for each practice through the balancer, and for the first a third as many through the relay."""
    found: list[Booker] = []
    for wishes, credentials in practices:
        for n in range(count):
            who = credentials[n % len(credentials)]
            http = Marked(balancer, who.secret)
            found.append(Booker(len(found), who, http, BALANCER, wishes, history, pause_s))
    if outside is not None:
        wishes, credentials = practices[0]
        for n in range(max(2, count // 3)):
            who = credentials[n % len(credentials)]
            away = Outside(outside[0], outside[1], who.secret)
            found.append(Booker(len(found), who, away, RELAY, wishes, history, pause_s))
    return found


def judged(records: Sequence[Record]) -> list[Record]:
    """The records as the judge takes them. After a 503, or a balancer's 502 and 504, nobody knows what became of the request:
    the connection to the database may have been lost in its commit. So it is no answer; its wish may have had one effect or
    none.
    """
    return [
        msgspec.structs.replace(r, outcome="unanswered", status=0, code=None) if r.status in AWAY else r
        for r in records
    ]
