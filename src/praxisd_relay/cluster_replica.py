"""Keeps the registries of several hubs the same: every change at once, and a comparison now and then.

A change (practice admitted, key changed, revoked, code made or used) goes to all hubs the moment it is written. What was
said while a hub was away, or lost, is found by comparing fingerprints: when the bus comes back, and every `digest_s`
seconds; then the differing buckets are read from the other hub. Which of two records counts is the registry's rule
(`records.merged`), so it does not matter in which order they come, nor how often.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from praxisd_relay.cluster_digest import BUCKETS, Digest, Page, ended, name_of
from praxisd_relay.cluster_settings import MOST_NODES
from praxisd_relay.directory import Bus, BusAway
from praxisd_relay.records import Record

LOG = logging.getLogger("praxisd_relay.cluster")
ASK_S = 3.0
MOST_PAGES = 1000
SOON_S = 0.2
AT_ONCE = 32
"""Records in one transaction."""


class Shared(Protocol):
    """What a registry does for the others (`registry.Registry`)."""

    def records(self) -> list[Record]:
        """All there are."""

    def changed(self, watcher: Callable[[Record, bool], None]) -> None:
        """Have it called after every change, with True if it came from another hub."""

    def apply(self, record: Record, *more: Record) -> bool:
        """Take in records of another hub, in one transaction; True if that changed anything."""


class Sums(msgspec.Struct, frozen=True):
    """A hub's fingerprints. `answer`: it wants to know those of the others."""

    node: str
    sums: bytes
    answer: bool = False


class Bucket(msgspec.Struct, frozen=True):
    """A question for records."""

    bucket: int
    after: str = ""


class Replica:
    """One hub's part in it. All on the loop's thread."""

    def __init__(self, bus: Bus, prefix: str, node: str, registry: Shared, digest_s: float) -> None:
        self._bus, self._prefix, self._node, self._registry = bus, prefix, node, registry
        self._every = digest_s
        self._digest = Digest()
        self._task: asyncio.Task[None] | None = None
        self._pulls: dict[str, asyncio.Task[None]] = {}
        self._vain: dict[tuple[str, int], tuple[bytes, bytes]] = {}
        self._soon: asyncio.TimerHandle | None = None
        self.taken = 0
        """How often what others said changed something here."""

    def start(self) -> None:
        """Listen and compare from now on."""
        for record in self._registry.records():
            self._digest.put(record)
        self._registry.changed(self._changed)
        self._bus.listen(f"{self._prefix}.record", self._told)
        self._bus.listen(f"{self._prefix}.digest", self._compared)
        self._bus.listen(f"{self._prefix}.bucket.{self._node}", self._asked)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """No more."""
        if self._soon is not None:
            self._soon.cancel()
        tasks = [task for task in (self._task, *self._pulls.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def hearing(self) -> None:
        """The bus is back: compare at once, and hear what the others know."""
        self._say_sums(answer=True)

    # Every change

    def _changed(self, record: Record, foreign: bool) -> None:
        self._digest.put(record)
        if not foreign:
            self._bus.say(f"{self._prefix}.record", msgspec.json.encode(record))

    def _told(self, data: bytes) -> None:
        self._take(msgspec.json.decode(data, type=Record))

    def _take(self, *records: Record) -> bool:
        now = time.time()
        fresh = [record for record in records if not ended(record, now)]
        if not fresh or not self._registry.apply(*fresh):
            return False
        self.taken += 1
        return True

    # The comparison

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every * random.uniform(0.8, 1.2))  # noqa: S311
            self._digest.forget(time.time())
            self._say_sums()

    def _say_sums(self, *, answer: bool = False) -> None:
        self._soon = None
        said = Sums(self._node, self._digest.sums(), answer)
        self._bus.say(f"{self._prefix}.digest", msgspec.json.encode(said))

    def _compared(self, data: bytes) -> None:
        said = msgspec.json.decode(data, type=Sums)
        if said.node == self._node:
            return
        if said.answer and self._soon is None:
            # not all hubs in the same moment, and once for several that came back together
            wait = random.uniform(0, SOON_S)  # noqa: S311
            self._soon = asyncio.get_running_loop().call_later(wait, self._say_sums)
        if said.node not in self._pulls and len(self._pulls) < MOST_NODES:
            wanted = self._worth_asking(said)
            if wanted:
                pull = self._pulls[said.node] = asyncio.create_task(self._pull(said.node, wanted))
                pull.add_done_callback(lambda _: self._pulls.pop(said.node, None))

    def _worth_asking(self, said: Sums) -> dict[int, bytes]:
        """Differing buckets with their fingerprints there, but not those that brought nothing and are as they were."""
        found = {}
        for bucket in self._digest.differing(said.sums):
            theirs = said.sums[bucket * 8 : bucket * 8 + 8]
            if self._vain.get((said.node, bucket)) != (self._digest.sum_of(bucket), theirs):
                found[bucket] = theirs
        return found

    async def _pull(self, node: str, wanted: dict[int, bytes]) -> None:
        try:
            for bucket, theirs in wanted.items():
                if not await self._pull_bucket(node, bucket):
                    if len(self._vain) > 64 * BUCKETS:
                        self._vain.clear()
                    self._vain[node, bucket] = (self._digest.sum_of(bucket), theirs)
        except (BusAway, msgspec.MsgspecError) as failure:
            LOG.info("hub %s could not be asked for its registry: %s", node, type(failure).__name__)
        except Exception:
            LOG.exception("the registry of hub %s could not be taken in", node)

    async def _pull_bucket(self, node: str, bucket: int) -> bool:
        """Take in one bucket of another hub; True if that changed anything."""
        after, gained = "", False
        for _ in range(MOST_PAGES):
            question = msgspec.json.encode(Bucket(bucket, after))
            answer = await self._bus.ask(f"{self._prefix}.bucket.{node}", question, ASK_S)
            if answer is None:
                raise BusAway
            page = msgspec.json.decode(answer, type=Page)
            for at in range(0, len(page.records), AT_ONCE):
                gained = self._take(*page.records[at : at + AT_ONCE]) or gained
                await asyncio.sleep(0)  # guests come first
            if not page.more or not page.records:
                break
            after = name_of(page.records[-1])
        return gained

    def _asked(self, data: bytes) -> bytes:
        question = msgspec.json.decode(data, type=Bucket)
        return msgspec.json.encode(self._digest.page(question.bucket, question.after))
